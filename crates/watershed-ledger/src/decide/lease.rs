//! Leasing: what may start now, with its permit, in the same act.
//!
//! Order: poisoned tasks (they need no permit); then by class of the run; within a run and
//! category old page tokens first, then `order`. Categories take turns by what is in front.

use watershed_model::{Category, Millis, RunId, RunState, ScopeSeed};

use super::exchange::{Grounds, served, touched};
use super::settle::Held;
use crate::budget::Permit;
use crate::fold::{self, Ground};
use crate::order;
use crate::tables::{Budget, Lease, Leasehold, Ready, ScopeId, Slot, Tables};
use crate::{Error, Exchange, Exchanged, Fence, LeaseId, Leased};

/// A page token of this age goes before everything: it lives 15 minutes.
const TOKEN_OLD_MS: i64 = 5 * 60_000;
/// Leases lost in a row that make a task poisoned.
pub(super) const LOST_MAX: u16 = 3;
/// Delayed tasks that become ready in one exchange.
const DUE_MAX: usize = 256;
/// Work that is open and waits for nothing known is looked at again after this.
const LOOK_AGAIN_MS: i64 = 1_000;
/// Categories, and work that no limit counts.
const CATEGORIES: [Option<Category>; 5] = [
    None,
    Some(Category::Light),
    Some(Category::Medium),
    Some(Category::Heavy),
    Some(Category::ResourceIntensive),
];

pub(super) fn lease(
    tables: &mut impl Tables,
    grounds: &mut Grounds,
    exchange: &Exchange,
    now: Millis,
    answer: &mut Exchanged,
) -> Result<(), Error> {
    let runs = served(tables, grounds, &exchange.want.lanes, &[RunState::Running])?;
    let mut taker = Taker {
        exchange,
        now,
        left: usize::from(exchange.want.tasks),
        ask_again_at: None,
        leases: Vec::new(),
    };
    for run in runs {
        let ground = touched(tables, grounds, &run)?;
        wake(tables, ground, now)?;
        taker.serve(tables, ground)?;
        if let Some(due) = tables.first_due(&run)? {
            taker.ask(due);
        }
    }
    if let Some(until) = tables.first_run_out()? {
        taker.ask(until);
    }
    answer.ask_again_at = taker.ask_again_at.map(|at| at.max(now));
    for lease in taker.leases {
        let ground = touched(tables, grounds, &lease.run)?;
        show(tables, ground, &lease, &mut answer.leased)?;
    }
    Ok(())
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

struct Taker<'a> {
    exchange: &'a Exchange,
    now: Millis,
    left: usize,
    ask_again_at: Option<Millis>,
    leases: Vec<Lease>,
}

impl Taker<'_> {
    fn ask(&mut self, at: Millis) {
        self.ask_again_at = Some(self.ask_again_at.map_or(at, |known| known.min(at)));
    }

    fn serve(&mut self, tables: &mut impl Tables, ground: &mut Ground) -> Result<(), Error> {
        let run = ground.run.run.clone();
        for id in tables.poisoned(&run, LOST_MAX, self.left)? {
            self.take_task(tables, ground, id, None, self.free_slot())?;
        }
        let mut budget = tables.budget(&ground.run.account)?;
        let before = budget.clone();
        for category in CATEGORIES {
            self.category(tables, ground, &run, category, &mut budget)?;
        }
        if budget != before {
            tables.put_budget(&ground.run.account, &budget)?;
        }
        Ok(())
    }

    fn free_slot(&self) -> Slot {
        Slot { from: self.now, until: self.now + self.exchange.want.lease_ms }
    }

    fn category(
        &mut self,
        tables: &mut impl Tables,
        ground: &mut Ground,
        run: &RunId,
        category: Option<Category>,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        loop {
            let old = tables.aging(run, category, self.now + -TOKEN_OLD_MS, 1)?;
            let next = match old.first() {
                Some(id) => Ready::Task(*id),
                None => match tables.ready(run, category, 1)?.first() {
                    Some(ready) => *ready,
                    None => return Ok(()),
                },
            };
            if self.left == 0 {
                self.ask(self.now + LOOK_AGAIN_MS);
                return Ok(());
            }
            match next {
                Ready::Task(id) => {
                    let Some(slot) = self.permit(category, budget) else { return Ok(()) };
                    self.take_task(tables, ground, id, category, slot)?;
                }
                Ready::Chunk(id) => {
                    if !self.take_range(tables, ground, id, category, budget)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn permit(&mut self, category: Option<Category>, budget: &mut Budget) -> Option<Slot> {
        let Some(category) = category else { return Some(self.free_slot()) };
        match budget.permit(category, self.now, self.exchange.want.horizon_ms) {
            Permit::Granted(slot) => Some(slot),
            Permit::Later(at) => {
                self.ask(at);
                None
            }
        }
    }

    fn lease(&self, ground: &Ground, id: u64, of: Leasehold, slots: Vec<Slot>) -> Lease {
        Lease {
            id: LeaseId(id),
            worker: self.exchange.worker.clone(),
            // The id is mixed in, so that two leases of one exchange differ.
            nonce: self.exchange.random ^ id.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            until: self.now + self.exchange.want.lease_ms,
            run: ground.run.run.clone(),
            of,
            category: None,
            open: vec![true; slots.len()],
            slots,
        }
    }

    fn take_task(
        &mut self,
        tables: &mut impl Tables,
        ground: &Ground,
        id: crate::tables::TaskId,
        category: Option<Category>,
        slot: Slot,
    ) -> Result<(), Error> {
        let mut task = tables
            .task(id)?
            .ok_or_else(|| fold::damaged(format!("ready task {} is missing", id.0)))?;
        task.leased = true;
        tables.put_task(&task, None)?;
        let number = tables.next_id()?;
        let mut lease = self.lease(ground, number, Leasehold::Task(id), vec![slot]);
        lease.category = category;
        self.keep(tables, lease)
    }

    /// Takes a range of a chunk; false where permits or slots ran out.
    fn take_range(
        &mut self,
        tables: &mut impl Tables,
        ground: &Ground,
        id: crate::tables::ChunkId,
        category: Option<Category>,
        budget: &mut Budget,
    ) -> Result<bool, Error> {
        let mut chunk = tables
            .chunk(id)?
            .ok_or_else(|| fold::damaged(format!("ready chunk {} is missing", id.0)))?;
        let mut slots = Vec::new();
        let there = usize::from(chunk.len - chunk.next);
        let mut more = true;
        while slots.len() < there.min(self.left) {
            match self.permit(category, budget) {
                Some(slot) => slots.push(slot),
                None => {
                    more = false;
                    break;
                }
            }
        }
        if slots.is_empty() {
            return Ok(false);
        }
        let from = chunk.next;
        chunk.next += u16::try_from(slots.len()).unwrap_or(0);
        let place = (chunk.next < chunk.len).then(|| order::of_chunk(&ground.plan, &chunk));
        tables.put_chunk(&chunk, place.as_ref())?;
        let number = tables.next_id()?;
        let of = Leasehold::Range { chunk: id, from };
        let mut lease = self.lease(ground, number, of, slots);
        lease.category = category;
        self.keep(tables, lease)?;
        Ok(more)
    }

    fn keep(&mut self, tables: &mut impl Tables, lease: Lease) -> Result<(), Error> {
        self.left = self.left.saturating_sub(lease.open.len());
        tables.put_lease(&lease)?;
        self.leases.push(lease);
        Ok(())
    }
}

/// The leased tasks of a lease, as a worker sees them.
pub(super) fn show(
    tables: &mut impl Tables,
    ground: &Ground,
    lease: &Lease,
    shown: &mut Vec<Leased>,
) -> Result<(), Error> {
    for (index, slot) in lease.slots.iter().enumerate() {
        if !lease.open[index] {
            continue;
        }
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        let task = Held::of(tables, lease, index)?.task;
        let is_join = ground.plan.joins.iter().any(|j| j.step == task.step);
        let failures = if is_join {
            fold::load(tables, task.scope)?.failures.into_iter().collect()
        } else {
            Vec::new()
        };
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
            restarted: task.restarted,
            poisoned: task.lost >= LOST_MAX,
            category: lease.category,
            start_from: slot.from,
            start_until: slot.until,
            scopes: seeds(tables, task.scope)?,
            failures,
        });
    }
    Ok(())
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
