//! Calls that start late keep those behind them late, so that no second holds one too many. Pure.
//!
//! The ledger spreads the slots of a period's calls over a period and 10 ms. Where every start
//! lies at most 5 ms less behind its slot than any start of the period before it, the starts of a
//! period have slots within a period and 5 ms: no more than the share. So a machine that stumbles
//! loses no slot: it runs late for a while, and catches up by 5 ms a period.
//!
//! A category's first call is made alone: what its answer tells of other apps is exact.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use watershed_model::{AccountId, Category, Millis};

/// How much less late a call may be than those before it: half of what the ledger's slots leave.
/// The rest is for clocks that tick by the millisecond.
const EARLIER_MS: i64 = 5;

/// Starts are remembered for a period and so much longer: for calls that are answered later, what
/// was started around their answers is not known whole.
const KEPT_MS: i64 = 10_000;

/// One call may be so much longer on its way than another: the first on a connection is.
const DELAYED_MS: i64 = 40;

/// So long after a call nobody counts it in a second any more.
const PAST_MS: i64 = 1_000 + DELAYED_MS;

/// So long the others wait at most for the answer to a category's first call,
const FIRST_MS: i64 = 2_000;
/// and look so often whether it has come.
const LOOK_MS: i64 = 5;

/// The starts of each account's categories, of this process.
#[derive(Debug)]
pub(crate) struct Paces {
    begun: Millis,
    of: Mutex<BTreeMap<(AccountId, Category), Pace>>,
}

impl Paces {
    /// For a process that has begun then.
    pub(crate) fn new(begun: Millis) -> Paces {
        Paces { begun, of: Mutex::default() }
    }

    /// [`Pace::start`] of that account.
    pub(crate) fn start(
        &self,
        account: &AccountId,
        category: Category,
        slot: Millis,
        clocks: (Millis, Millis),
    ) -> Result<(), Millis> {
        self.all().entry((account.clone(), category)).or_default().start(category, slot, clocks)
    }

    /// Whether the call that started then was the category's first, and no process has made
    /// another in its second, as far as this one is the only one.
    pub(crate) fn alone(&self, account: &AccountId, category: Category, started: Millis) -> bool {
        let all = self.all();
        let first = all.get(&(account.clone(), category)).and_then(|pace| pace.first_at);
        first == Some(started) && started - self.begun >= PAST_MS
    }

    /// A call was answered, or will not be.
    pub(crate) fn answered(&self, account: &AccountId, category: Category) {
        if let Some(pace) = self.all().get_mut(&(account.clone(), category)) {
            pace.first_answered = true;
        }
    }

    /// When the first call of any category may be alone in its second: calls without a slot are
    /// past then.
    pub(crate) fn free_from(&self) -> Millis {
        let all = self.all();
        let last = all
            .values()
            .filter(|pace| pace.first_at.is_none())
            .filter_map(|pace| pace.starts.back().copied());
        last.max().map_or(self.begun, |at| at + PAST_MS)
    }

    /// A call starts now that has no slot.
    pub(crate) fn note(&self, account: &AccountId, category: Category, now: Millis) {
        self.all().entry((account.clone(), category)).or_default().note(category, now);
    }

    /// [`Pace::own`] of that account.
    pub(crate) fn own(
        &self,
        account: &AccountId,
        category: Category,
        started: Millis,
        answered: Millis,
    ) -> u16 {
        let all = self.all();
        let pace = all.get(&(account.clone(), category));
        pace.map_or(0, |pace| pace.own(category, started, answered))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<(AccountId, Category), Pace>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The starts of one category of an account.
#[derive(Debug, Default)]
struct Pace {
    first_at: Option<Millis>,
    first_answered: bool,
    /// The last ones, in order.
    starts: VecDeque<Millis>,
    /// When a call started, by the clock that is never set, and how late it was: each is later than
    /// all that started after it.
    late: VecDeque<(Millis, i64)>,
}

impl Pace {
    /// A call whose slot is `slot` starts now, by both clocks; or the time at which it may. The one
    /// that may be set is the slot's.
    fn start(
        &mut self,
        category: Category,
        slot: Millis,
        (now, steady): (Millis, Millis),
    ) -> Result<(), Millis> {
        let period_ms = period_ms(category);
        if let Some(later) = self.first_alone(now) {
            return Err(later);
        }
        while self.late.front().is_some_and(|(at, _)| steady - *at > period_ms) {
            self.late.pop_front();
        }
        let late = now - slot;
        let at_least = self.late.front().map_or(0, |(_, late)| (late - EARLIER_MS).max(0));
        if late < at_least {
            return Err(slot + at_least);
        }
        while self.late.back().is_some_and(|(_, before)| *before <= late) {
            self.late.pop_back();
        }
        self.late.push_back((steady, late));
        self.note(category, now);
        Ok(())
    }

    /// Until when a call waits for the sake of the first one.
    fn first_alone(&mut self, now: Millis) -> Option<Millis> {
        let Some(since) = self.first_at else {
            self.first_at = Some(now);
            return None;
        };
        let waits = !self.first_answered && (0..FIRST_MS).contains(&(now - since));
        waits.then_some(now + LOOK_MS)
    }

    fn note(&mut self, category: Category, now: Millis) {
        let period_ms = period_ms(category);
        while self.starts.front().is_some_and(|at| now - *at > period_ms + KEPT_MS || *at > now) {
            self.starts.pop_front();
        }
        self.starts.push_back(now);
    }

    /// Most starts in any period (and what delays may add to it) that ended while a call was
    /// under way: so many of our calls may be in what its answer tells.
    fn own(&self, category: Category, started: Millis, answered: Millis) -> u16 {
        let period_ms = period_ms(category) + DELAYED_MS;
        let (mut most, mut first) = (0, 0);
        for (at, end) in self.starts.iter().enumerate() {
            if *end < started || *end > answered {
                continue;
            }
            while *end - self.starts[first] >= period_ms {
                first += 1;
            }
            most = most.max(at + 1 - first);
        }
        u16::try_from(most).unwrap_or(u16::MAX)
    }
}

fn period_ms(category: Category) -> i64 {
    if category == Category::ResourceIntensive { 60_000 } else { 1_000 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: Millis = Millis(43_200_000);
    const LIGHT: Category = Category::Light;

    /// That time by both clocks.
    fn both(at: Millis) -> (Millis, Millis) {
        (at, at)
    }

    /// Starts calls as soon as each may, never before `ready`.
    fn starts(slots: &[(Millis, i64)]) -> Vec<Millis> {
        let mut pace = Pace { first_at: Some(NOON), first_answered: true, ..Pace::default() };
        let mut now = NOON;
        slots
            .iter()
            .map(|(slot, ready)| {
                now = now.max(*slot + *ready);
                while let Err(at) = pace.start(LIGHT, *slot, both(now)) {
                    assert!(at > now, "a wait that never ends");
                    now = at;
                }
                now
            })
            .collect()
    }

    #[test]
    fn calls_that_start_while_one_is_under_way_may_be_in_what_it_tells() {
        let mut pace = Pace { first_at: Some(NOON), first_answered: true, ..Pace::default() };
        for n in 0..10 {
            let at = NOON + n * 100;
            pace.start(LIGHT, at, both(at)).expect("in time");
        }
        assert_eq!(pace.own(LIGHT, NOON, NOON + 50), 1);
        assert_eq!(pace.own(LIGHT, NOON, NOON + 450), 5);
        assert_eq!(pace.own(LIGHT, NOON + 900, NOON + 900), 10);
        pace.start(LIGHT, NOON + 1_050, both(NOON + 1_050)).expect("in time");
        assert_eq!(pace.own(LIGHT, NOON + 1_050, NOON + 2_000), 10, "the first is long past");
        assert_eq!(pace.own(LIGHT, NOON + 300, NOON + 2_000), 10);
        // One without a slot counts too; periods that were over before a call count no more.
        pace.note(LIGHT, NOON + 5_000);
        pace.note(LIGHT, NOON + 5_100);
        assert_eq!(pace.own(LIGHT, NOON + 5_100, NOON + 5_200), 2);
    }

    #[test]
    fn a_clock_that_is_set_takes_no_lateness_from_the_calls_before() {
        for set in [-8_000, 8_000] {
            let mut pace = Pace { first_at: Some(NOON), first_answered: true, ..Pace::default() };
            pace.start(LIGHT, NOON, both(NOON + 30)).expect("30 ms late");
            // The next slot is 50 ms behind it, by whatever clock.
            let slot = NOON + 50 + set;
            assert_eq!(pace.start(LIGHT, slot, (slot, NOON + 50)), Err(slot + 25));
            pace.start(LIGHT, slot, (slot + 25, NOON + 75)).expect("5 ms less late");
        }
    }

    #[test]
    fn the_first_call_is_made_alone() {
        let mut pace = Pace::default();
        pace.start(LIGHT, NOON, both(NOON)).expect("nothing was before it");
        assert!(pace.start(LIGHT, NOON, both(NOON + 200)).is_err(), "it is not answered");
        assert_eq!(pace.own(LIGHT, NOON, NOON + 300), 1);
        pace.first_answered = true;
        pace.start(LIGHT, NOON, both(NOON + 300)).expect("the first is answered");
        let mut pace = Pace::default();
        pace.start(LIGHT, NOON, both(NOON)).expect("nothing was before it");
        pace.start(LIGHT, NOON, both(NOON + FIRST_MS)).expect("nobody waits for ever");
    }

    #[test]
    fn after_a_stumble_calls_run_late_and_catch_up() {
        let slots: Vec<(Millis, i64)> =
            (0..200).map(|n| (NOON + n * 102, if n == 1 { 100 } else { 0 })).collect();
        let late: Vec<i64> =
            starts(&slots).iter().zip(&slots).map(|(at, (slot, _))| *at - *slot).collect();
        assert_eq!(late[..4], [0, 100, 95, 95]);
        assert_eq!(late[199], 0, "{late:?}");
    }

    proptest! {
        #[test]
        fn no_second_holds_more_starts_than_the_limit(
            calls in 1u32..100,
            ready in prop::collection::vec(prop_oneof![9 => 0i64..5, 1 => 0i64..900], 1..300),
        ) {
            let gap_us = (1_010_000 + i64::from(calls) - 1) / i64::from(calls);
            let slot = |n: usize| NOON + (n as i64 * gap_us + 999) / 1_000;
            let slots: Vec<(Millis, i64)> =
                ready.iter().enumerate().map(|(n, ready)| (slot(n), *ready)).collect();
            let starts = starts(&slots);
            for (n, first) in starts.iter().enumerate() {
                let within = starts[n..].iter().filter(|at| **at - *first < 1_000).count();
                prop_assert!(within <= calls as usize, "{within} of {calls}");
            }
        }
    }
}
