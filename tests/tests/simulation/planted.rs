//! Bugs planted between a process and its stores. The program has no switch for any of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use watershed_ledger::tables::Tables;
use watershed_ledger::{Command, End, Exchange, MemoryLedger, Outcome};
use watershed_model::{Brood, Kin, Limit, Millis, Period};
use watershed_sink::Batch;

use crate::batches;

/// One act in so many is done wrong, where not every one is.
const EVERY: u64 = 7;

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// A batch is acknowledged, and made with the next one.
    RowsAfterSettle,
    /// Now and then a row is left out; the coverage that speaks of it is written.
    CoverageWithoutRows,
    /// Who leaves an instance and comes again has one key for all stays.
    KeyDropsRejoins,
    /// Now and then a child of a page is never told to the ledger.
    LostChild,
    /// Each second has a call more than the share.
    BudgetOffByOne,
    /// What was given back counts as done.
    ReleasedIsDone,
    /// A day has a heavy call more than the share.
    DayOffByOne,
    /// A lease does not pass: what a dead process held is nobody else's.
    LeaseKept,
    /// A settle is carried out whoever holds the lease now, and however it was won.
    SettleWithoutFence,
    /// A join does not wait for the last of the steps that it watches.
    JoinReleasedEarly,
}

/// None, or one.
pub(crate) struct Plants {
    pub(crate) plant: Option<Plant>,
    acts: AtomicU64,
    held: Mutex<Option<Arc<Batch>>>,
}

impl Plants {
    pub(crate) fn new(plant: Option<Plant>) -> Arc<Plants> {
        Arc::new(Plants { plant, acts: AtomicU64::new(0), held: Mutex::default() })
    }

    fn now_and_then(&self) -> bool {
        self.acts.fetch_add(1, Ordering::SeqCst) % EVERY == EVERY - 1
    }

    /// What is held back is made when a process ends well, and lost when it dies.
    pub(crate) fn held(&self) -> Option<Arc<Batch>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A batch on its way.
    pub(crate) fn batch(&self, batch: Arc<Batch>) -> Option<Arc<Batch>> {
        match self.plant {
            Some(Plant::RowsAfterSettle) => {
                let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
                held.replace(batch)
            }
            Some(Plant::CoverageWithoutRows) if self.now_and_then() => {
                let mut batch = Arc::unwrap_or_clone(batch);
                batches::without_a_row(&mut batch);
                Some(batch.into())
            }
            Some(Plant::KeyDropsRejoins) => {
                let mut batch = Arc::unwrap_or_clone(batch);
                batches::without_rejoins(&mut batch);
                Some(batch.into())
            }
            _ => Some(batch),
        }
    }

    /// A command on its way.
    pub(crate) fn command(&self, mut command: Command) -> Command {
        match (self.plant, &mut command) {
            (Some(Plant::BudgetOffByOne), Command::SetLimits { limits, .. }) => {
                let seconds = limits.0.iter_mut().filter(|limit| limit.period == Period::Second);
                seconds.for_each(|limit: &mut Limit| limit.calls += 1.0);
            }
            (Some(Plant::DayOffByOne), Command::SetLimits { limits, .. }) => {
                let days = limits.0.iter_mut().filter(|limit| limit.period == Period::Day);
                days.for_each(|limit: &mut Limit| limit.calls += 1.0);
            }
            (Some(Plant::JoinReleasedEarly), Command::Submit(submit)) => {
                for join in &mut submit.plan.joins {
                    join.watches.pop();
                }
            }
            (Some(Plant::LeaseKept), Command::Exchange(exchange)) => {
                exchange.want.lease_ms = Millis::DAY * 365;
            }
            (Some(plant), Command::Exchange(exchange)) => {
                for settle in &mut exchange.settles {
                    self.outcome(plant, &mut settle.outcome);
                }
            }
            _ => {}
        }
        command
    }

    fn outcome(&self, plant: Plant, outcome: &mut Outcome) {
        match (plant, &mut *outcome) {
            (Plant::LostChild, Outcome::More { broods, .. } | Outcome::Closed { broods, .. })
                if !broods.is_empty() && self.now_and_then() =>
            {
                lose(broods);
            }
            (Plant::ReleasedIsDone, Outcome::Released) => {
                *outcome = Outcome::Closed { broods: Vec::new(), end: End::Done };
            }
            _ => {}
        }
    }

    /// An exchange, carried out by a ledger that does not look at fences.
    pub(crate) fn unfenced(&self, ledger: &MemoryLedger, exchange: &mut Exchange) {
        if self.plant != Some(Plant::SettleWithoutFence) {
            return;
        }
        let mut tables = ledger.snapshot();
        for settle in &mut exchange.settles {
            let Ok(Some(mut lease)) = tables.lease(settle.fence.lease) else { continue };
            settle.fence.nonce = lease.nonce;
            lease.worker = exchange.worker.clone();
            tables.put_lease(&lease).expect("tables in memory");
        }
        ledger.restore(tables);
    }
}

/// Takes the last child away.
fn lose(broods: &mut [Brood]) {
    let Some(brood) = broods.last_mut() else { return };
    match brood.kin.last_mut() {
        Some(Kin::Scope { kin, .. }) if !kin.is_empty() => {
            kin.pop();
        }
        _ => {
            brood.kin.pop();
        }
    }
}
