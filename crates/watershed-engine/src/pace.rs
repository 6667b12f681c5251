//! Calls that start late keep those behind them late, so that no second holds one too many. Pure.
//!
//! The ledger spreads the slots of a period's calls over a period and 25 ms. Where every start
//! lies at most so much less behind its slot than any start of the period before it, the starts
//! of a period have slots within a period and 25 ms: as many as the limit allows. So a machine
//! that stumbles loses no slot: it runs late for a while, and catches up by 5 ms a period.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use watershed_model::{AccountId, Category, Millis};

/// How much less late a call may be than those before it: a fifth of what the ledger's slots
/// leave. The rest is the network's, whose delays vary too.
const EARLIER_MS: i64 = 5;

/// Starts are remembered for a period and so much longer: for calls that are answered later, what
/// was started around their answers is not known whole.
const KEPT_MS: i64 = 10_000;

/// One call may be so much longer on its way than another: the first on a connection is.
const DELAYED_MS: i64 = 40;

/// The starts of each account's categories, of this process.
#[derive(Debug, Default)]
pub(crate) struct Paces(Mutex<BTreeMap<(AccountId, Category), Pace>>);

impl Paces {
    /// [`Pace::start`] of that account.
    pub(crate) fn start(
        &self,
        account: &AccountId,
        category: Category,
        slot: Millis,
        now: Millis,
    ) -> Result<(), Millis> {
        self.all().entry((account.clone(), category)).or_default().start(category, slot, now)
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The starts of one category of an account.
#[derive(Debug, Default)]
struct Pace {
    /// The last ones, in order.
    starts: VecDeque<Millis>,
    /// When a call started and how late it was, the latest ones first among equals: each is
    /// later than all that started after it.
    late: VecDeque<(Millis, i64)>,
}

impl Pace {
    /// A call whose slot is `slot` starts now; or the time at which it may.
    fn start(&mut self, category: Category, slot: Millis, now: Millis) -> Result<(), Millis> {
        let period_ms = period_ms(category);
        while self.late.front().is_some_and(|(at, _)| now - *at > period_ms || *at > now) {
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
        self.late.push_back((now, late));
        self.note(category, now);
        Ok(())
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

    /// Starts calls as soon as each may, never before `ready`.
    fn starts(slots: &[(Millis, i64)]) -> Vec<Millis> {
        let mut pace = Pace::default();
        let mut now = NOON;
        slots
            .iter()
            .map(|(slot, ready)| {
                now = now.max(*slot + *ready);
                while let Err(at) = pace.start(LIGHT, *slot, now) {
                    assert!(at > now, "a wait that never ends");
                    now = at;
                }
                now
            })
            .collect()
    }

    #[test]
    fn calls_that_start_while_one_is_under_way_may_be_in_what_it_tells() {
        let mut pace = Pace::default();
        for n in 0..10 {
            let at = NOON + n * 100;
            pace.start(LIGHT, at, at).expect("in time");
        }
        assert_eq!(pace.own(LIGHT, NOON, NOON + 50), 1);
        assert_eq!(pace.own(LIGHT, NOON, NOON + 450), 5);
        assert_eq!(pace.own(LIGHT, NOON + 900, NOON + 900), 10);
        pace.start(LIGHT, NOON + 1_050, NOON + 1_050).expect("in time");
        assert_eq!(pace.own(LIGHT, NOON + 1_050, NOON + 2_000), 10, "the first is long past");
        assert_eq!(pace.own(LIGHT, NOON + 300, NOON + 2_000), 10);
        // One without a slot counts too; periods that were over before a call count no more.
        pace.note(LIGHT, NOON + 5_000);
        pace.note(LIGHT, NOON + 5_100);
        assert_eq!(pace.own(LIGHT, NOON + 5_100, NOON + 5_200), 2);
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
            let gap_us = (1_025_000 + i64::from(calls) - 1) / i64::from(calls);
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
