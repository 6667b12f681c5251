//! The in-memory ledger with a bug planted into it from outside.
//!
//! The rules have no switch. A plant stands between what is said and the rules, or mends what
//! they have kept: from outside the ledger looks as it would with the bug inside, and nothing
//! in it looks damaged to itself.

use std::any::Any;
use std::collections::BTreeMap;

use watershed_ledger::tables::{Counts, Leasehold, Tables, TaskId};
use watershed_ledger::{
    Command, Error, Exchange, LeaseId, MemoryTables, Outcome, Reply, RunView, Settled, WorkerView,
    decide, view, workers,
};
use watershed_ledger_test::{Capability, Subject};
use watershed_model::{Brood, Kin, Millis, Period, Plan, RunId, Source, WorkerId};

/// Records of a page from which on one of its children gets lost.
const RECORDS_MIN: usize = 3;

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// A settle is carried out whoever holds the lease now, and however it was won.
    SettleWithoutFence,
    /// One child of a page is counted as done and never worked on.
    LostChild,
    /// A day has one call more than the account's share.
    BudgetOffByOne,
    /// A join does not wait for the last of the steps that it watches.
    JoinReleasedEarly,
    /// A listing that begins again forgets which keys it has brought.
    RestartDoublesChildren,
    /// The call of a permit that was given back stays counted in its day.
    ReserveNeverFreed,
    /// A retry does not count the attempt.
    RetryForgetsAttempt,
    /// A ledger that has lost its count of a day begins it anew, whatever the sink knows.
    DayBegunAnew,
}

/// The in-memory ledger, with or without a plant.
pub(crate) struct Planted {
    plant: Option<Plant>,
    tables: MemoryTables,
    plans: BTreeMap<RunId, Plan>,
    now: Millis,
}

impl Planted {
    pub(crate) fn new(plant: Option<Plant>) -> Planted {
        Planted { plant, tables: MemoryTables::default(), plans: BTreeMap::new(), now: Millis(0) }
    }

    fn exchange(&mut self, plant: Plant, exchange: Exchange) -> Result<Reply, Error> {
        // What was said before is only answered again.
        let last = self.tables.worker(&exchange.worker)?;
        if last.is_some_and(|last| last.sequence >= exchange.sequence) {
            return self.say(Command::Exchange(exchange));
        }
        match plant {
            Plant::SettleWithoutFence => self.without_fence(exchange),
            Plant::LostChild => self.lost_child(exchange),
            Plant::RestartDoublesChildren => self.doubled(exchange),
            Plant::ReserveNeverFreed => self.never_freed(exchange),
            Plant::RetryForgetsAttempt => {
                let mut exchange = exchange;
                for settle in &mut exchange.settles {
                    if let Outcome::Retry { counts, .. } = &mut settle.outcome {
                        *counts = false;
                    }
                }
                self.say(Command::Exchange(exchange))
            }
            Plant::BudgetOffByOne | Plant::JoinReleasedEarly | Plant::DayBegunAnew => {
                self.say(Command::Exchange(exchange))
            }
        }
    }

    /// The rules as they are.
    fn say(&mut self, command: Command) -> Result<Reply, Error> {
        decide(&mut self.tables, &command, self.now)
    }

    fn without_fence(&mut self, mut exchange: Exchange) -> Result<Reply, Error> {
        let mut owners: Vec<(LeaseId, WorkerId)> = Vec::new();
        for settle in &mut exchange.settles {
            let Some(mut lease) = self.tables.lease(settle.fence.lease)? else { continue };
            settle.fence.nonce = lease.nonce;
            if lease.worker != exchange.worker {
                owners.push((lease.id, lease.worker));
                lease.worker = exchange.worker.clone();
                self.tables.put_lease(&lease)?;
            }
        }
        let reply = self.say(Command::Exchange(exchange));
        for (id, owner) in owners {
            if let Some(mut lease) = self.tables.lease(id)? {
                lease.worker = owner;
                self.tables.put_lease(&lease)?;
            }
        }
        reply
    }

    fn lost_child(&mut self, exchange: Exchange) -> Result<Reply, Error> {
        let mut poorer = exchange.clone();
        let lost = poorer.settles.iter_mut().any(|settle| match &mut settle.outcome {
            Outcome::More { broods, .. } | Outcome::Closed { broods, .. } => {
                broods.len() >= RECORDS_MIN && lose(broods)
            }
            Outcome::Failed
            | Outcome::Retry { .. }
            | Outcome::NotYet { .. }
            | Outcome::Restart
            | Outcome::Released => false,
        });
        if !lost {
            return self.say(Command::Exchange(exchange));
        }
        let mut whole = self.tables.clone();
        decide(&mut whole, &Command::Exchange(exchange), self.now)?;
        let reply = self.say(Command::Exchange(poorer));
        for run in self.tables.runs()? {
            let must = whole.counts(&run.run)?;
            let mut counts = self.tables.counts(&run.run)?;
            for (has, must) in counts.steps.iter_mut().zip(&must.steps) {
                let missing = must.known.saturating_sub(has.known);
                has.known += missing;
                has.done += missing;
            }
            self.tables.put_counts(&run.run, &counts)?;
        }
        reply
    }

    fn doubled(&mut self, exchange: Exchange) -> Result<Reply, Error> {
        let mut listings: Vec<Option<TaskId>> = Vec::new();
        for settle in &exchange.settles {
            let lease = self.tables.lease(settle.fence.lease)?;
            listings.push(lease.and_then(|lease| match (lease.of, &settle.outcome) {
                (Leasehold::Task(id), Outcome::Restart) => Some(id),
                _ => None,
            }));
        }
        let reply = self.say(Command::Exchange(exchange))?;
        for (listing, said) in listings.into_iter().zip(settled(&reply)) {
            if let (Some(id), Settled::Accepted) = (listing, said) {
                self.tables.delete_keys(id)?;
            }
        }
        Ok(reply)
    }

    fn never_freed(&mut self, mut exchange: Exchange) -> Result<Reply, Error> {
        let mut unused: Vec<Option<(RunId, &'static str)>> = Vec::new();
        for settle in &mut exchange.settles {
            let lease = self.tables.lease(settle.fence.lease)?;
            let of =
                |lease: watershed_ledger::tables::Lease| Some((lease.run, lease.category?.name()));
            let unstarted = lease.filter(|_| settle.calls == 0).and_then(of);
            if unstarted.is_some() {
                settle.calls = 1;
            }
            unused.push(unstarted);
        }
        let reply = self.say(Command::Exchange(exchange))?;
        for (unstarted, said) in unused.into_iter().zip(settled(&reply)) {
            if let (Some((run, category)), Settled::Accepted) = (unstarted, said) {
                let mut counts: Counts = self.tables.counts(&run)?;
                counts.calls.entry(category.to_owned()).and_modify(|n| *n -= 1);
                self.tables.put_counts(&run, &counts)?;
            }
        }
        Ok(reply)
    }
}

impl Subject for Planted {
    fn execute(&mut self, command: Command, now: Millis) -> Result<Reply, Error> {
        self.now = now;
        match (self.plant, command) {
            (Some(plant), Command::Exchange(exchange)) => self.exchange(plant, exchange),
            (
                Some(Plant::BudgetOffByOne),
                Command::SetLimits { account, mut limits, days, recount },
            ) => {
                for limit in limits.0.iter_mut().filter(|l| l.period == Period::Day) {
                    limit.calls += 1.0;
                }
                self.say(Command::SetLimits { account, limits, days, recount })
            }
            (Some(Plant::DayBegunAnew), Command::SetLimits { account, limits, recount, .. }) => {
                self.say(Command::SetLimits { account, limits, days: Vec::new(), recount })
            }
            (Some(Plant::JoinReleasedEarly), Command::Submit(mut submit)) => {
                self.plans.insert(submit.run.clone(), submit.plan.clone());
                for join in submit.plan.joins.iter_mut().filter(|j| j.watches.len() > 1) {
                    join.watches.pop();
                }
                self.say(Command::Submit(submit))
            }
            (_, command) => self.say(command),
        }
    }

    fn view(&mut self, run: &RunId) -> Result<Option<RunView>, Error> {
        let mut seen = view(&mut self.tables, run, self.now)?;
        if let (Some(seen), Some(plan)) = (&mut seen, self.plans.get(run)) {
            finals(plan, seen);
        }
        Ok(seen)
    }

    fn workers(&mut self) -> Result<Vec<WorkerView>, Error> {
        workers(&mut self.tables)
    }

    fn size(&mut self) -> u64 {
        self.tables.records()
    }

    fn snapshot(&mut self) -> Box<dyn Any> {
        Box::new(self.tables.clone())
    }

    fn restore(&mut self, snapshot: &dyn Any) {
        let tables = snapshot.downcast_ref::<MemoryTables>().expect("a snapshot of this ledger");
        self.tables = tables.clone();
    }

    fn restart(&mut self) {}

    fn supports(&self, capability: Capability) -> bool {
        capability == Capability::Rollback
    }
}

fn settled(reply: &Reply) -> &[Settled] {
    match reply {
        Reply::Exchanged(answer) => &answer.settled,
        _ => &[],
    }
}

/// Takes the last task out of what a page brought.
fn lose(broods: &mut [Brood]) -> bool {
    broods.iter_mut().rev().any(|brood| lose_of(&mut brood.kin))
}

fn lose_of(kin: &mut Vec<Kin>) -> bool {
    if let Some(at) = kin.iter().rposition(|one| matches!(one, Kin::Task(_))) {
        kin.remove(at);
        return true;
    }
    kin.iter_mut().rev().any(|one| match one {
        Kin::Scope { kin, .. } => lose_of(kin),
        Kin::Task(_) => false,
    })
}

/// Whether each step is final, by the plan as it was submitted: the plant is in the joins'
/// counts, not in what is shown.
fn finals(plan: &Plan, seen: &mut RunView) {
    for at in 0..plan.steps.len() {
        let closed = |step: usize| seen.steps[step].is_final && seen.steps[step].open == 0;
        let is_final = match &plan.steps[at].source {
            Source::Run | Source::Literals(_) => true,
            Source::Items(feeds) => feeds.iter().all(|feed| closed(feed.step.index())),
            Source::Join(_) => {
                let its = plan.joins.iter().filter(|join| join.step.index() == at);
                its.flat_map(|join| &join.watches).all(|step| closed(step.index()))
            }
        };
        seen.steps[at].is_final = is_final;
    }
}
