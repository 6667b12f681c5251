//! What answers have told of an account's rate: limits lower than configured, calls that others
//! make, 429s. Pure.
//!
//! A second's share is never raised by what is heard, only lowered, and comes back when nothing
//! more is heard: what others took is held for a minute and forgotten over the next; a rate cut
//! after a 429 comes back a step a minute (docs/adr/0010).

use serde::{Deserialize, Serialize};
use watershed_model::{Left, Limit, Millis};

/// What others took counts so long in full, and is then forgotten over as long again.
const HELD_MS: i64 = 60_000;
/// A 429 of a second cuts the rate to this part,
const CUT: f64 = 0.7;
/// so many times at most,
const CUTS_MAX: u8 = 3;
/// and once for all 429s of one burst.
const BURST_MS: i64 = 2_000;
/// A cut is taken back after this.
const BACK_MS: i64 = 60_000;
/// An answer that shows that part of what others took confirms it: they come in bursts, and a
/// bucket hides them until it is nearly full.
const CONFIRMED: f64 = 0.5;
/// Where several processes make calls, the calls of one that stumbles look like others' for a
/// second: what so many seconds in a row tell is believed.
const SECONDS: usize = 3;
/// Seconds that nothing was heard in may lie between them.
const SECONDS_APART: i64 = 10;
/// However little others leave, so many calls a period are tried.
const LEAST: f64 = 0.5;
/// Others are believed in from that part of the limit on: calls that overtake each other make
/// a few appear.
const NOTED: f64 = 0.1;
/// And from so many calls on.
const NOTED_CALLS: f64 = 2.0;

/// What was heard of the seconds (or minutes) of one category.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Learned {
    /// Calls a period that the account has, as answers say; 0 where none did.
    pub limit: u32,
    /// Calls a period that others made,
    pub others: f64,
    /// and when that was last seen.
    pub others_at: Millis,
    /// What the last answer told of them.
    #[serde(default)]
    pub told: f64,
    /// The most that answers of a second told of them: of the last one, and of those before it.
    #[serde(default)]
    pub peaks: [f64; SECONDS],
    /// The last second (since 1970-01-01) that anything was heard in.
    #[serde(default)]
    pub second: i64,
    /// How often the rate was cut,
    pub cuts: u8,
    /// and when last.
    pub cut_at: Millis,
}

/// How our own calls in an answer were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// There was that one alone.
    Exactly,
    /// By the one process that makes them: so many at most.
    ByOne,
    /// By the slots of several processes, that may start late.
    ByMany,
}

impl Learned {
    /// An answer told what is left. `own` is how many calls of ours the period held at most.
    pub fn hear(&mut self, left: Left, own: f64, counted: Counted, now: Millis) {
        self.limit = left.limit;
        let limit = f64::from(left.limit);
        let told = limit - f64::from(left.remaining) - own;
        let others = match counted {
            Counted::Exactly => told,
            // What two answers in a row tell: a call that was long on its way makes one wrong.
            Counted::ByOne => told.min(self.told),
            Counted::ByMany => self.lowest_peak(told, now),
        };
        self.told = told;
        if others <= (limit * NOTED).max(NOTED_CALLS) {
            return;
        }
        if others >= self.others(now) {
            self.others = others;
            self.others_at = now;
        } else if others >= self.others * CONFIRMED {
            self.others_at = now;
        }
    }

    /// What each of the last seconds told at least once, after an answer told that.
    fn lowest_peak(&mut self, told: f64, now: Millis) -> f64 {
        let second = now.0.div_euclid(1_000);
        if second != self.second {
            if (1..=SECONDS_APART).contains(&(second - self.second)) {
                self.peaks.rotate_right(1);
            } else {
                self.peaks = [0.0; SECONDS];
            }
            self.second = second;
            self.peaks[0] = told;
        }
        self.peaks[0] = self.peaks[0].max(told);
        self.peaks.into_iter().fold(f64::INFINITY, f64::min)
    }

    /// A 429 of this period.
    pub fn cut(&mut self, now: Millis) {
        let past = now - self.cut_at;
        if self.cuts > 0 && (0..BURST_MS).contains(&past) {
            return;
        }
        self.cuts = (self.cuts_left(now) + 1).min(CUTS_MAX);
        self.cut_at = now;
    }

    /// Calls a period that may start under `limit` now.
    pub fn calls(&self, limit: &Limit, now: Millis) -> f64 {
        let heard = f64::from(self.limit);
        let lower = if heard > 0.0 && heard < limit.of { heard / limit.of } else { 1.0 };
        let share = limit.calls * lower * CUT.powi(i32::from(self.cuts_left(now)));
        share.min(self.room(limit, now)).max(LEAST.min(limit.calls))
    }

    /// Calls a period that the account has for us now, whatever our share of them is.
    pub fn room(&self, limit: &Limit, now: Millis) -> f64 {
        let all = match f64::from(self.limit) {
            heard if heard > 0.0 => heard - self.others(now),
            _ if limit.of > 0.0 => limit.of,
            _ => limit.calls,
        };
        let room = all * CUT.powi(i32::from(self.cuts_left(now)));
        room.max(LEAST.min(limit.calls))
    }

    /// What others take, as far as it is still believed.
    fn others(&self, now: Millis) -> f64 {
        let forgotten = (now - self.others_at - HELD_MS) as f64 / HELD_MS as f64;
        // Before it was seen: the clock stepped back.
        self.others * (1.0 - forgotten.clamp(0.0, 1.0))
    }

    fn cuts_left(&self, now: Millis) -> u8 {
        let back = (now - self.cut_at).max(0) / BACK_MS;
        self.cuts.saturating_sub(u8::try_from(back).unwrap_or(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watershed_model::{Category, CategorySet, Period};

    const NOON: Millis = Millis(20_000 * Millis::DAY + Millis::DAY / 2);

    fn light() -> Limit {
        let light = CategorySet::of(&[Category::Light]);
        Limit { of: 30.0, ..Limit::new(light, Period::Second, 27.0) }
    }

    fn hear_twice(learned: &mut Learned, left: Left, own: f64, now: Millis) {
        learned.hear(left, own, Counted::ByOne, now);
        learned.hear(left, own, Counted::ByOne, now);
    }

    fn left(limit: u32, remaining: u32) -> Left {
        Left { daily: false, limit, remaining }
    }

    #[test]
    fn what_others_take_is_left_to_them_and_taken_back_when_they_stop() {
        let mut learned = Learned::default();
        hear_twice(&mut learned, left(30, 17), 1.0, NOON);
        assert_eq!(learned.calls(&light(), NOON), 18.0);
        hear_twice(&mut learned, left(30, 12), 18.0, NOON + 1_000);
        assert_eq!(learned.calls(&light(), NOON + 60_000), 18.0, "one answer denies nothing");
        assert_eq!(learned.calls(&light(), NOON + 90_000), 24.0);
        assert_eq!(learned.calls(&light(), NOON + 120_000), 27.0);
    }

    #[test]
    fn what_shows_half_of_others_confirms_them_all() {
        let mut learned = Learned::default();
        hear_twice(&mut learned, left(30, 17), 1.0, NOON);
        hear_twice(&mut learned, left(30, 6), 18.0, NOON + 70_000);
        assert_eq!(learned.calls(&light(), NOON + 130_000), 18.0);
        hear_twice(&mut learned, left(30, 7), 18.0, NOON + 130_000);
        assert_eq!(learned.calls(&light(), NOON + 160_000), 24.0, "five are less than half");
    }

    #[test]
    fn what_one_answer_tells_alone_is_not_believed() {
        let mut learned = Learned::default();
        for remaining in [17, 11, 17, 17] {
            learned.hear(left(30, remaining), 1.0, Counted::ByOne, NOON);
        }
        assert_eq!(learned.calls(&light(), NOON), 18.0);
        learned.hear(left(30, 16), 1.0, Counted::Exactly, NOON);
        assert_eq!(learned.calls(&light(), NOON), 17.0, "but of a call that was alone");
    }

    #[test]
    fn of_several_processes_what_three_seconds_tell_is_believed() {
        let mut learned = Learned::default();
        let mut hear = |remaining, at| {
            learned.hear(left(30, remaining), 18.0, Counted::ByMany, NOON + at);
            learned.calls(&light(), NOON + at)
        };
        // One of them stumbles: for a second, and a little of the next.
        assert_eq!(hear(0, 900), 27.0);
        assert_eq!(hear(0, 1_900), 27.0);
        assert_eq!(hear(12, 2_900), 27.0);
        // An app does not stop; a fixed second shows it at its end.
        assert_eq!(hear(2, 3_900), 27.0);
        assert_eq!(hear(12, 4_100), 27.0);
        assert_eq!(hear(4, 4_900), 27.0);
        assert_eq!(hear(12, 5_100), 27.0);
        assert_eq!(hear(3, 5_900), 22.0, "eight are there in each of them");
        assert!(hear(2, 90_000) > 25.0, "long after nothing is in a row");
    }

    #[test]
    fn a_few_calls_that_overtake_each_other_are_nobody_elses() {
        let mut learned = Learned::default();
        hear_twice(&mut learned, left(30, 9), 18.0, NOON);
        assert_eq!(learned.calls(&light(), NOON), 27.0);
    }

    #[test]
    fn a_lower_limit_than_configured_is_believed_and_a_higher_one_is_not_used() {
        let mut learned = Learned::default();
        hear_twice(&mut learned, left(10, 9), 1.0, NOON);
        assert_eq!(learned.calls(&light(), NOON), 9.0);
        hear_twice(&mut learned, left(80, 79), 1.0, NOON);
        assert_eq!(learned.calls(&light(), NOON), 27.0);
    }

    #[test]
    fn each_429_cuts_a_third_away_and_a_minute_brings_it_back() {
        let mut learned = Learned::default();
        learned.cut(NOON);
        learned.cut(NOON + 500);
        assert!((learned.calls(&light(), NOON + 500) - 18.9).abs() < 1e-9, "one burst, one cut");
        for n in 1..10 {
            learned.cut(NOON + n * 3_000);
        }
        let last = NOON + 27_000;
        assert!(learned.calls(&light(), last) > 9.0, "never to nothing");
        assert_eq!(learned.calls(&light(), last + 180_000), 27.0);
    }

    #[test]
    fn whatever_others_take_a_call_is_tried_now_and_then() {
        let mut learned = Learned::default();
        hear_twice(&mut learned, left(30, 0), 0.0, NOON);
        assert_eq!(learned.calls(&light(), NOON), 0.5);
    }
}
