//! How a ledger's clock stands to ours, as far as its answers tell. Pure.
//!
//! An answer that was asked for at `sent` and had at `received` read the ledger's clock at some
//! time between the two: so each bounds the difference from both sides, and the bounds of
//! several together are as near as the quickest of them. Clocks drift, so bounds grow old.

use watershed_model::Millis;

/// After this a bound is forgotten: by then two clocks may have drifted by milliseconds.
const KEPT_MS: i64 = 60_000;

/// Ledger time less ours lies between `least` and `most`, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offset {
    least: i64,
    most: i64,
    since: Millis,
}

impl Default for Offset {
    fn default() -> Self {
        Offset { least: i64::MIN, most: i64::MAX, since: Millis(0) }
    }
}

impl Offset {
    /// An answer that carried the ledger's time.
    pub(crate) fn observe(&mut self, sent: Millis, ledger: Millis, received: Millis) {
        let (least, most) = (ledger - received, ledger - sent);
        let old = !(0..KEPT_MS).contains(&(received - self.since));
        let apart = least > self.most || most < self.least;
        // A clock that was set makes what was known of it worthless.
        if old || apart {
            *self = Offset { least, most, since: received };
        } else {
            self.least = self.least.max(least);
            self.most = self.most.min(most);
        }
    }

    /// Our time at which that ledger time has come for sure.
    pub(crate) fn surely(&self, ledger: Millis) -> Millis {
        Millis(ledger.0.saturating_sub(self.least))
    }

    /// Our time until which that ledger time has not passed for sure.
    pub(crate) fn not_after(&self, ledger: Millis) -> Millis {
        Millis(ledger.0.saturating_sub(self.most))
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
        offset.observe(NOON + 100, NOON + 1_101, NOON + 102);
        assert_eq!(offset.surely(NOON + 2_000), NOON + 1_001);
        assert_eq!(offset.not_after(NOON + 2_000), NOON + 999);
        offset.observe(NOON + 200, NOON + 1_250, NOON + 300);
        assert_eq!(offset.surely(NOON + 2_000), NOON + 1_001, "a slow one takes nothing back");
    }

    #[test]
    fn a_clock_that_was_set_is_learned_anew() {
        let mut offset = Offset::default();
        offset.observe(NOON, NOON, NOON);
        offset.observe(NOON + 10, NOON + 5_010, NOON + 12);
        assert_eq!(offset.surely(NOON + 6_000), NOON + 1_002);
        assert_eq!(offset.not_after(NOON + 6_000), NOON + 1_000);
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let mut offset = Offset::default();
        offset.observe(NOON, NOON, NOON);
        let later = NOON + 70_000;
        offset.observe(later, later + 4, later + 8);
        assert_eq!(offset.surely(later + 100), later + 104);
    }
}
