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
    /// How often the rate was cut,
    pub cuts: u8,
    /// and when last.
    pub cut_at: Millis,
}

impl Learned {
    /// An answer told what is left. `own` is how many calls of ours the period held at most;
    /// `sure`: that many, for sure.
    pub fn hear(&mut self, left: Left, own: f64, sure: bool, now: Millis) {
        self.limit = left.limit;
        let limit = f64::from(left.limit);
        let told = limit - f64::from(left.remaining) - own;
        // What two answers in a row tell: a call that was long on its way makes one of them wrong.
        let others = if sure { told } else { told.min(self.told) };
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
        learned.hear(left, own, false, now);
        learned.hear(left, own, false, now);
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
            learned.hear(left(30, remaining), 1.0, false, NOON);
        }
        assert_eq!(learned.calls(&light(), NOON), 18.0);
        learned.hear(left(30, 16), 1.0, true, NOON);
        assert_eq!(learned.calls(&light(), NOON), 17.0, "but of a call that was alone");
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
