//! How a ledger's clock stands to ours, as far as its answers tell. Pure.
//!
//! An answer that was asked for at `sent` and had at `received` read the ledger's clock at some
//! time between the two: so each bounds the difference from both sides, and the bounds of
//! several together are as near as the quickest of them. Clocks drift, so bounds grow old.

use watershed_model::Millis;

/// After this, or at most twice as long, a bound is forgotten: by then two clocks may have drifted
/// by milliseconds.
const KEPT_MS: i64 = 60_000;
/// What becomes better known makes calls start earlier, by so little in a second: all at once they
/// would meet those that started by what was known before. Of the 10 ms that the ledger's slots
/// leave a second, `pace` takes as much.
const EARLIER_US_PER_MS: i64 = 5;

/// How a ledger's clock stands to ours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offset {
    now: Bounds,
    before: Bounds,
    since: Millis,
    /// What starts go by, in microseconds: `least`, or less.
    eased_us: Option<i64>,
    eased_at: Millis,
}

/// Ledger time less ours lies between them, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    least: i64,
    most: i64,
}

impl Bounds {
    const NONE: Bounds = Bounds { least: i64::MIN, most: i64::MAX };

    /// Both; none where they contradict each other.
    fn and(self, other: Bounds) -> Option<Bounds> {
        let both = Bounds { least: self.least.max(other.least), most: self.most.min(other.most) };
        (both.least <= both.most).then_some(both)
    }
}

impl Default for Offset {
    fn default() -> Self {
        let (now, before) = (Bounds::NONE, Bounds::NONE);
        Offset { now, before, since: Millis(0), eased_us: None, eased_at: Millis(0) }
    }
}

impl Offset {
    /// An answer that carried the ledger's time.
    pub(crate) fn observe(&mut self, sent: Millis, ledger: Millis, received: Millis) {
        let told = Bounds { least: ledger - received, most: ledger - sent };
        match received - self.since {
            past if (0..KEPT_MS).contains(&past) => {}
            past if (KEPT_MS..2 * KEPT_MS).contains(&past) => {
                (self.before, self.now) = (self.now, Bounds::NONE);
                self.since = received;
            }
            // Nothing that was known lately; or our clock was set back, to another time.
            _ => *self = Offset { since: received, ..Offset::default() },
        }
        match self.now.and(told).and_then(|now| now.and(self.before).map(|both| (now, both))) {
            Some((now, both)) => {
                self.now = now;
                self.ease(both.least, received);
            }
            // A clock that was set makes what was known of it worthless.
            None => {
                *self = Offset { now: told, since: received, ..Offset::default() };
                self.ease(told.least, received);
            }
        }
    }

    fn ease(&mut self, least: i64, now: Millis) {
        let least_us = least.saturating_mul(1_000);
        let earlier_us = (now - self.eased_at).max(0).saturating_mul(EARLIER_US_PER_MS);
        self.eased_us = Some(match self.eased_us {
            Some(eased_us) => least_us.min(eased_us.saturating_add(earlier_us)),
            None => least_us,
        });
        self.eased_at = now;
    }

    /// Our time at which that ledger time has come for sure.
    pub(crate) fn surely(&self, ledger: Millis) -> Millis {
        let least = self.eased_us.map_or(i64::MIN, |eased_us| eased_us.div_euclid(1_000));
        Millis(ledger.0.saturating_sub(least))
    }

    /// Our time until which that ledger time has not passed for sure.
    pub(crate) fn not_after(&self, ledger: Millis) -> Millis {
        Millis(ledger.0.saturating_sub(self.now.most.min(self.before.most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = Millis(43_200_000);

    #[test]
    fn the_quickest_answers_say_most() {
        let mut offset = Offset::default();
        // The ledger's clock is 1,000 ms ahead.
        offset.observe(NOON, NOON + 1_010, NOON + 30);
        assert_eq!(offset.surely(NOON + 2_000), NOON + 1_020);
        assert_eq!(offset.not_after(NOON + 2_000), NOON + 990);
        offset.observe(NOON + 10_100, NOON + 11_101, NOON + 10_102);
        assert_eq!(offset.surely(NOON + 12_000), NOON + 11_001);
        assert_eq!(offset.not_after(NOON + 12_000), NOON + 10_999);
        offset.observe(NOON + 10_200, NOON + 11_250, NOON + 10_300);
        assert_eq!(offset.surely(NOON + 12_000), NOON + 11_001, "a slow one takes nothing back");
    }

    #[test]
    fn what_becomes_better_known_is_taken_over_little_by_little() {
        let mut offset = Offset::default();
        offset.observe(NOON, NOON, NOON + 200);
        let starts: Vec<i64> = (0..60)
            .map(|n| {
                let at = NOON + 200 + 1_000 * n;
                offset.observe(at, at, at);
                offset.surely(at) - at
            })
            .collect();
        assert!(starts.is_sorted_by(|one, next| (0..=5).contains(&(one - next))), "{starts:?}");
        assert_eq!((starts[0], starts[59]), (200, 0));
        // What is less well known again is so at once.
        let late = NOON + 130_000;
        offset.observe(late, late, late + 300);
        offset.observe(late + 60_000, late + 60_000, late + 60_300);
        assert_eq!(offset.surely(NOON) - NOON, 300);
    }

    #[test]
    fn a_clock_that_was_set_is_learned_anew() {
        let mut offset = Offset::default();
        offset.observe(NOON, NOON, NOON);
        offset.observe(NOON + 10, NOON + 5_010, NOON + 12);
        assert_eq!(offset.surely(NOON + 6_000), NOON + 1_002);
        assert_eq!(offset.not_after(NOON + 6_000), NOON + 1_000);
        // Ours was set back by 5 s.
        let mut offset = Offset::default();
        offset.observe(NOON, NOON, NOON);
        offset.observe(NOON + -4_990, NOON + 10, NOON + -4_990);
        assert_eq!(offset.surely(NOON + 6_000), NOON + 1_000);
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let mut offset = Offset::default();
        offset.observe(NOON, NOON, NOON);
        let later = NOON + 70_000;
        offset.observe(later, later + 4, later + 8);
        assert_eq!(offset.surely(later + 100), later + 100, "not so soon");
        let later = later + 130_000;
        offset.observe(later, later + 4, later + 8);
        assert_eq!(offset.surely(later + 100), later + 104);
    }
}
