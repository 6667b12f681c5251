//! Leasing: what may start now, with its permit, in the same act.
//!
//! Order: runs by class, then as submitted; of a run first what is poisoned (it needs no
//! permit), then its categories in turns, so that none uses up the slots of another; within
//! one, old page tokens first, then `order`. What is suspected of killing workers is worked on
//! alone (docs/adr/0009).

use watershed_model::{Category, Millis, RunId, RunState, ScopeSeed, StepId, Trigger};

use super::budgets::Budgets;
use super::exchange::{Grounds, touched};
use super::settle::Held;
use super::spawn;
use crate::budget::{Claim, Permit};
use crate::fold::{self, Ground};
use crate::order;
use crate::tables::{
    Budget, Chunk, ChunkId, Lease, Leasehold, Ready, ScopeId, Slot, Tables, Task, TaskId,
};
use crate::{Error, Exchange, Exchanged, Fence, LeaseId, Leased};

/// A page token of this age goes before everything: it lives 15 minutes.
const TOKEN_OLD_MS: i64 = 5 * 60_000;
/// Leases lost in a row that make a task a suspect: whatever else was in flight with it may
/// have been the cause, or somebody who killed the process.
const SUSPECT_LOST: u16 = 3;
/// And that make it poisoned: the last ones it lost alone.
pub(super) const LOST_MAX: u16 = 6;
/// A suspect's permit that is further off is not waited for.
const SUSPECT_WAIT_MS: i64 = 2_000;
/// So far ahead lies the permit of what must be leased together with something else.
const TOGETHER_MS: i64 = 5_000;
/// From so many calls left of a day on, listings under way are thought of.
const LAST: u64 = 64;
/// Delayed tasks that become ready in one exchange.
const DUE_MAX: usize = 256;
/// Work that is open and waits for nothing known is looked at again after this.
const LOOK_AGAIN_MS: i64 = 1_000;
/// Categories, the scarce ones first, and last the work that no limit counts.
const CATEGORIES: [Option<Category>; 5] = [
    Some(Category::ResourceIntensive),
    Some(Category::Heavy),
    Some(Category::Medium),
    Some(Category::Light),
    None,
];

pub(super) fn lease(
    tables: &mut impl Tables,
    (grounds, budgets): (&mut Grounds, &mut Budgets),
    runs: &[RunId],
    exchange: &Exchange,
    now: Millis,
    answer: &mut Exchanged,
) -> Result<Option<LeaseId>, Error> {
    let mut taker = Taker {
        exchange,
        now,
        left: usize::from(exchange.want.tasks),
        ask_again_at: None,
        leases: Vec::new(),
        alone: None,
    };
    let mut leased = false;
    taker.alone = still_alone(tables, exchange)?;
    if taker.alone.is_some() {
        taker.left = 0;
    }
    for run in runs {
        let ground = touched(tables, grounds, run)?;
        match ground.run.state {
            RunState::Running => {
                wake(tables, ground, now)?;
                let budget = budgets.of(tables, &ground.run.account)?;
                taker.serve(tables, ground, budget)?;
                if taker.left == 0 {
                    taker.ask(now + LOOK_AGAIN_MS);
                }
                if let Some(due) = tables.first_due(run)? {
                    taker.ask(due);
                }
            }
            // There is more to drop.
            RunState::Cancelling if !tables.open_work(run, 1)?.is_empty() => taker.ask(now),
            RunState::Cancelling
            | RunState::Paused
            | RunState::Cancelled
            | RunState::Failed
            | RunState::Complete => {}
        }
        leased = leased || tables.leased(run)? > 0;
    }
    if leased && let Some(until) = tables.first_run_out()? {
        taker.ask(until);
    }
    answer.ask_again_at = taker.ask_again_at.map(|at| at.max(now));
    let alone = taker.alone;
    for lease in taker.leases {
        let ground = touched(tables, grounds, &lease.run)?;
        show(tables, ground, &lease, &mut answer.leased)?;
    }
    Ok(alone)
}

/// The lease of a suspect that the worker has not brought to an end.
fn still_alone(tables: &mut impl Tables, exchange: &Exchange) -> Result<Option<LeaseId>, Error> {
    let Some(id) = tables.worker(&exchange.worker)?.and_then(|last| last.alone) else {
        return Ok(None);
    };
    Ok(tables.lease(id)?.filter(|lease| lease.worker == exchange.worker).map(|lease| lease.id))
}

/// Delayed tasks that are due become ready.
fn wake(tables: &mut impl Tables, ground: &Ground, now: Millis) -> Result<(), Error> {
    for id in tables.due(&ground.run.run, now, DUE_MAX)? {
        if let Some(task) = tables.task(id)? {
            tables.put_task(&task, Some(&order::of_task(&ground.plan, &task)))?;
        }
    }
    Ok(())
}

/// What a category has after it was served.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// More that could start.
    More,
    /// Nothing that could start now.
    Dry,
}

struct Taker<'a> {
    exchange: &'a Exchange,
    now: Millis,
    left: usize,
    ask_again_at: Option<Millis>,
    leases: Vec<Lease>,
    /// The lease of a suspect: the worker takes nothing beside it.
    alone: Option<LeaseId>,
}

impl Taker<'_> {
    fn ask(&mut self, at: Millis) {
        self.ask_again_at = Some(self.ask_again_at.map_or(at, |known| known.min(at)));
    }

    fn serve(
        &mut self,
        tables: &mut impl Tables,
        ground: &mut Ground,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        if self.left == 0 {
            return Ok(());
        }
        let run = ground.run.run.clone();
        for id in tables.poisoned(&run, LOST_MAX, self.left)? {
            self.take_task(tables, ground, id, None, self.free_slot())?;
        }
        self.suspect(tables, ground, budget)?;
        let mut turn: Vec<Option<Category>> = CATEGORIES.to_vec();
        while self.left > 0 && !turn.is_empty() {
            let mut next = Vec::new();
            for (at, category) in turn.iter().enumerate() {
                let fair = self.left.div_ceil(turn.len() - at);
                if self.category(tables, ground, *category, fair, budget)? == Then::More {
                    next.push(*category);
                }
            }
            turn = next;
        }
        // The worker has no slot left for what these have: it asks when it has, and a permit
        // is there.
        for category in turn {
            if !tables.ready(&run, category, 1)?.is_empty() {
                self.ask(self.may_start(category, budget));
            }
        }
        Ok(())
    }

    /// Where the run has a suspect: takes it, if the worker has nothing else; then, or until the
    /// worker has nothing else, takes nothing more.
    fn suspect(
        &mut self,
        tables: &mut impl Tables,
        ground: &Ground,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        let suspects = tables.poisoned(&ground.run.run, SUSPECT_LOST, 1)?;
        let Some(id) = suspects.first().filter(|_| self.left > 0).copied() else { return Ok(()) };
        let task = task(tables, id)?;
        if task.due_at > self.now {
            return Ok(());
        }
        let claim = self.claim(tables, ground, budget, task.step, task.checkpoint.is_some())?;
        if let Some(claim) = claim
            && let Permit::Later(at) =
                budget.clone().permit(claim, self.start(), self.exchange.want.horizon_ms)
        {
            self.ask(at + -self.exchange.want.lead_ms);
            if at - self.now < SUSPECT_WAIT_MS {
                self.left = 0;
            }
            return Ok(());
        }
        if self.leases.is_empty() && tables.leases_of(&self.exchange.worker)?.is_empty() {
            let slot = self.permit(claim, budget).unwrap_or_else(|| self.free_slot());
            self.take_task(tables, ground, id, claim.map(|c| c.category), slot)?;
            self.alone = self.leases.last().map(|lease| lease.id);
        }
        self.left = 0;
        Ok(())
    }

    fn free_slot(&self) -> Slot {
        Slot { from: self.now, until: self.now + self.exchange.want.lease_ms, own: 0 }
    }

    /// The first instant at which the worker can start a call.
    fn start(&self) -> Millis {
        self.now + self.exchange.want.lead_ms
    }

    fn may_start(&self, category: Option<Category>, budget: &Budget) -> Millis {
        let Some(category) = category else { return self.now + LOOK_AGAIN_MS };
        match budget.clone().permit(category, self.start(), self.exchange.want.horizon_ms) {
            Permit::Granted(_) => self.now + LOOK_AGAIN_MS,
            Permit::Later(at) => at + -self.exchange.want.lead_ms,
        }
    }

    /// Takes up to `max` tasks of a category.
    fn category(
        &mut self,
        tables: &mut impl Tables,
        ground: &mut Ground,
        category: Option<Category>,
        max: usize,
        budget: &mut Budget,
    ) -> Result<Then, Error> {
        let goal = self.left.saturating_sub(max);
        // Strictly older ones are asked for.
        let mut old = self.now + (1 - TOKEN_OLD_MS);
        let mut last_calls = false;
        while self.left > goal {
            let run = &ground.run.run;
            let next = match tables.aging(run, category, old, 1)?.first() {
                Some(id) => Ready::Task(*id),
                None if last_calls => return Ok(Then::Dry),
                None => match tables.ready(run, category, 1)?.first() {
                    Some(ready) => *ready,
                    None => return Ok(Then::Dry),
                },
            };
            match next {
                Ready::Task(id) => {
                    let task = task(tables, id)?;
                    let under_way = task.checkpoint.is_some();
                    let claim = self.claim(tables, ground, budget, task.step, under_way)?;
                    let Some(slot) = self.permit(claim, budget) else {
                        if last_calls || !leaves(claim) {
                            return Ok(Then::Dry);
                        }
                        (last_calls, old) = (true, Millis(i64::MAX));
                        continue;
                    };
                    self.take_task(tables, ground, id, claim.map(|c| c.category), slot)?;
                }
                Ready::Chunk(id) => {
                    let max = self.left - goal;
                    let (then, claim) = self.take_range(tables, ground, id, max, budget)?;
                    if then == Then::Dry {
                        if last_calls || !leaves(claim) {
                            return Ok(Then::Dry);
                        }
                        (last_calls, old) = (true, Millis(i64::MAX));
                    }
                }
            }
        }
        Ok(Then::More)
    }

    /// What a call of that step asks of the budget; `None` where no limit counts it.
    fn claim(
        &self,
        tables: &mut impl Tables,
        ground: &Ground,
        budget: &Budget,
        step: StepId,
        under_way: bool,
    ) -> Result<Option<Claim>, Error> {
        let planned = &ground.plan.step(step);
        let Some(known) = planned.category else { return Ok(None) };
        let category = budget.label(&planned.operation).unwrap_or(known);
        let event = ground.run.trigger == Trigger::Event;
        let mut leave = 0;
        // The last calls of a day are for listings under way, and for what a new one will need.
        if !under_way && budget.left_today(category, self.now).is_some_and(|left| left <= LAST) {
            let run = &ground.run.run;
            let open = tables.aging(run, Some(known), Millis(i64::MAX), LAST as usize)?.len();
            leave = open as u64 + ground.counts.steps[step.index()].pages_to_come();
        }
        Ok(Some(Claim { category, event, leave }))
    }

    fn permit(&mut self, claim: Option<Claim>, budget: &mut Budget) -> Option<Slot> {
        let Some(claim) = claim else { return Some(self.free_slot()) };
        match budget.permit(claim, self.start(), self.exchange.want.horizon_ms) {
            Permit::Granted(slot) => Some(slot),
            Permit::Later(at) => {
                self.ask(at + -self.exchange.want.lead_ms);
                None
            }
        }
    }

    fn take_task(
        &mut self,
        tables: &mut impl Tables,
        ground: &Ground,
        id: TaskId,
        category: Option<Category>,
        slot: Slot,
    ) -> Result<(), Error> {
        let mut task = task(tables, id)?;
        task.leased = true;
        tables.put_task(&task, None)?;
        self.keep(tables, ground, Leasehold::Task(id), category, vec![slot])
    }

    /// Takes a range of a chunk, as far as permits reach.
    fn take_range(
        &mut self,
        tables: &mut impl Tables,
        ground: &Ground,
        id: ChunkId,
        max: usize,
        budget: &mut Budget,
    ) -> Result<(Then, Option<Claim>), Error> {
        let mut chunk = tables
            .chunk(id)?
            .ok_or_else(|| fold::damaged(format!("ready chunk {} is missing", id.0)))?;
        let wanted = usize::from(chunk.len.saturating_sub(chunk.next)).min(max);
        let claim = self.claim(tables, ground, budget, chunk.step, false)?;
        let mut slots = Vec::with_capacity(wanted);
        while slots.len() < wanted {
            let Some(slot) = self.permit(claim, budget) else { break };
            slots.push(slot);
        }
        let then = if slots.len() < wanted { Then::Dry } else { Then::More };
        if slots.is_empty() {
            return Ok((Then::Dry, claim));
        }
        let from = chunk.next;
        self.bound_to(tables, &chunk, claim, &mut slots, budget)?;
        chunk.next += u16::try_from(slots.len()).unwrap_or(0);
        let place = (chunk.next < chunk.len).then(|| order::of_chunk(&ground.plan, &chunk));
        tables.put_chunk(&chunk, place.as_ref())?;
        let category = claim.map(|c| c.category);
        self.keep(tables, ground, Leasehold::Range { chunk: id, from }, category, slots)?;
        Ok((then, claim))
    }

    /// What must be leased together with the last of a range: its permits may lie further ahead,
    /// and it may be more than was asked for.
    fn bound_to(
        &self,
        tables: &mut impl Tables,
        chunk: &Chunk,
        claim: Option<Claim>,
        slots: &mut Vec<Slot>,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        loop {
            let next = chunk.next + u16::try_from(slots.len()).unwrap_or(u16::MAX);
            let together = tables.items(chunk.id, next, 1)?.first().is_some_and(|i| i.together);
            if !together {
                return Ok(());
            }
            let slot = match claim {
                None => self.free_slot(),
                Some(claim) => match budget.permit(claim, self.start(), TOGETHER_MS) {
                    Permit::Granted(slot) => slot,
                    Permit::Later(_) => return Ok(()),
                },
            };
            slots.push(slot);
        }
    }

    fn keep(
        &mut self,
        tables: &mut impl Tables,
        ground: &Ground,
        of: Leasehold,
        category: Option<Category>,
        slots: Vec<Slot>,
    ) -> Result<(), Error> {
        let id = tables.next_id()?;
        let lease = Lease {
            id: LeaseId(id),
            worker: self.exchange.worker.clone(),
            nonce: nonce(self.exchange.random, id, self.now),
            until: self.now + self.exchange.want.lease_ms,
            run: ground.run.run.clone(),
            of,
            category,
            open: vec![true; slots.len()],
            slots,
        };
        self.left = self.left.saturating_sub(lease.open.len());
        tables.put_lease(&lease)?;
        self.leases.push(lease);
        Ok(())
    }
}

/// Whether a call that was refused left the day's last ones to listings under way: they may
/// have them.
fn leaves(claim: Option<Claim>) -> bool {
    claim.is_some_and(|claim| claim.leave > 0)
}

/// A ready task.
fn task(tables: &mut impl Tables, id: TaskId) -> Result<Task, Error> {
    tables.task(id)?.ok_or_else(|| fold::damaged(format!("ready task {} is missing", id.0)))
}

/// Two leases of one exchange differ; so do the leases of an exchange that is carried out
/// again because a rollback made the ledger forget it, with the same numbers and perhaps of
/// other tasks.
fn nonce(random: u64, id: u64, now: Millis) -> u64 {
    let when = u64::from_ne_bytes(now.0.to_ne_bytes()).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    random ^ id.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ when.rotate_left(31)
}

/// The leased tasks of a lease, as a worker sees them.
pub(super) fn show(
    tables: &mut impl Tables,
    ground: &Ground,
    lease: &Lease,
    shown: &mut Vec<Leased>,
) -> Result<(), Error> {
    let tasks = tasks(tables, lease)?;
    let Some(first) = tasks.first() else { return Ok(()) };
    // All tasks of a lease are of one step and hang in one scope.
    let scopes = seeds(tables, first.scope)?;
    let failures = if ground.plan.joins.iter().any(|j| j.step == first.step) {
        fold::load(tables, first.scope)?.failures.into_iter().collect()
    } else {
        Vec::new()
    };
    for ((index, task), slot) in (0..).zip(tasks).zip(&lease.slots) {
        if lease.open.get(usize::from(index)) != Some(&true) {
            continue;
        }
        shown.push(Leased {
            fence: Fence { lease: lease.id, nonce: lease.nonce, index },
            run: lease.run.clone(),
            step: task.step,
            item: task.item,
            once: task.once,
            bucket: task.bucket,
            checkpoint: task.checkpoint,
            attempts: task.attempts,
            lost: task.lost,
            restarts: task.restarts,
            poisoned: task.lost >= LOST_MAX,
            category: lease.category,
            start_from: slot.from,
            start_until: slot.until,
            scopes: scopes.clone(),
            failures: failures.clone(),
        });
    }
    Ok(())
}

/// All tasks of a lease, settled ones included.
fn tasks(tables: &mut impl Tables, lease: &Lease) -> Result<Vec<Task>, Error> {
    match lease.of {
        Leasehold::Task(_) => Ok(vec![Held::of(tables, lease, 0)?.task]),
        Leasehold::Range { chunk, from } => {
            let len = u16::try_from(lease.slots.len()).unwrap_or(u16::MAX);
            let items = tables.items(chunk, from, len)?;
            let head = tables
                .chunk(chunk)?
                .filter(|_| items.len() == lease.slots.len())
                .ok_or_else(|| fold::damaged(format!("chunk {} is not whole", chunk.0)))?;
            Ok(items.into_iter().map(|item| spawn::of_item(&head, item)).collect())
        }
    }
}

/// The scopes above a task, outermost first, the run left out.
fn seeds(tables: &mut impl Tables, scope: ScopeId) -> Result<Vec<ScopeSeed>, Error> {
    let mut seeds = Vec::new();
    let mut at = Some(scope);
    while let Some(id) = at {
        let here = fold::load(tables, id)?;
        at = here.parent;
        if here.parent.is_some() {
            seeds.push(ScopeSeed { level: here.level, key: here.key, joins: here.joins });
        }
    }
    seeds.reverse();
    Ok(seeds)
}

/// The leases behind leased tasks.
pub(super) fn ids(leased: &[Leased]) -> Vec<LeaseId> {
    let mut ids: Vec<LeaseId> = leased.iter().map(|l| l.fence.lease).collect();
    ids.dedup();
    ids
}
