//! Taking one task, or a range of a chunk, under a lease and with its permits.

use watershed_model::{Category, Millis, StepId, Trigger};

use crate::budget::{Claim, Permit};
use crate::fold::{self, Ground};
use crate::order;
use crate::tables::{
    Budget, Chunk, ChunkId, Lease, Leasehold, Queue, Ready, Slot, Tables, Task, TaskId,
};
use crate::{Error, Exchange, LeaseId};

/// So far ahead lies the permit of a task that must be leased together with another one.
const TOGETHER_MS: i64 = 5_000;
/// From so many calls left of a day on, listings under way are thought of.
const LAST: u64 = 64;

/// What a category has after it was served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// More that could start.
    More,
    /// Nothing that could start now.
    Dry,
}

/// Takes what one exchange asks for.
pub(super) struct Taker<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) now: Millis,
    /// How many more the worker has room for.
    pub(super) left: usize,
    pub(super) ask_again_at: Option<Millis>,
    /// What was taken.
    pub(super) leases: Vec<Lease>,
    /// The lease of a suspect: the worker takes nothing beside it.
    pub(super) alone: Option<LeaseId>,
}

impl Taker<'_> {
    pub(super) fn ask(&mut self, at: Millis) {
        self.ask_again_at = Some(self.ask_again_at.map_or(at, |known| known.min(at)));
    }

    pub(super) fn free_slot(&self) -> Slot {
        Slot { from: self.now, until: self.now + self.exchange.want.lease_ms, own: 0 }
    }

    /// The first instant at which the worker can start a call.
    pub(super) fn start(&self) -> Millis {
        self.now + self.exchange.want.lead_ms
    }

    /// What a call of that step asks of the budget; `None` where no limit counts it.
    pub(super) fn claim(
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
        if let Some((left, of)) = budget.left_today(category, self.now)
            && left <= LAST
            && !under_way
        {
            let run = &ground.run.run;
            let open = tables.aging(run, Some(known), Millis(i64::MAX), LAST as usize)?.len();
            let to_come = ground.counts.steps[step.index()].pages_to_come();
            // Half a day is enough for whatever begins with it.
            leave = (open as u64 + to_come).min(of / 2);
        }
        Ok(Some(Claim { category, event, leave }))
    }

    pub(super) fn permit(&mut self, claim: Option<Claim>, budget: &mut Budget) -> Option<Slot> {
        let Some(claim) = claim else { return Some(self.free_slot()) };
        match budget.permit(claim, self.start(), self.exchange.want.horizon_ms) {
            Permit::Granted(slot) => Some(slot),
            Permit::Later(at) => {
                self.ask(at + -self.exchange.want.lead_ms);
                None
            }
        }
    }

    pub(super) fn take_task(
        &mut self,
        tables: &mut impl Tables,
        ground: &mut Ground,
        id: TaskId,
        category: Option<Category>,
        slot: Slot,
    ) -> Result<(), Error> {
        let mut task = task(tables, id)?;
        task.leased = true;
        tables.put_task(&task, None)?;
        ground.take(task.step, 1);
        self.keep(tables, ground, Leasehold::Task(id), category, vec![slot])
    }

    /// Takes a range of a chunk, as far as permits reach.
    pub(super) fn take_range(
        &mut self,
        tables: &mut impl Tables,
        ground: &mut Ground,
        id: ChunkId,
        max: usize,
        budget: &mut Budget,
    ) -> Result<(Then, Option<Claim>), Error> {
        let mut chunk = tables
            .chunk(id)?
            .ok_or_else(|| fold::damaged(format!("ready chunk {} is missing", id.0)))?;
        let wanted = usize::from(chunk.len.saturating_sub(chunk.next)).min(max);
        let claim = if order::needs_no_call(&chunk) {
            None
        } else {
            self.claim(tables, ground, budget, chunk.step, false)?
        };
        let mut slots: Vec<Slot> = Vec::with_capacity(wanted);
        let mut then = Then::More;
        loop {
            // One permit serves all that belong together, however many were asked for.
            let slot = match slots.last() {
                Some(before) if is_bound(tables, &chunk, slots.len())? => *before,
                _ if slots.len() >= wanted => break,
                _ => match self.permit(claim, budget) {
                    Some(slot) => slot,
                    None => {
                        then = Then::Dry;
                        break;
                    }
                },
            };
            slots.push(slot);
        }
        if slots.is_empty() {
            return Ok((Then::Dry, claim));
        }
        let from = chunk.next;
        chunk.next += u16::try_from(slots.len()).unwrap_or(0);
        let place = (chunk.next < chunk.len).then(|| order::of_chunk(&ground.plan, &chunk));
        tables.put_chunk(&chunk, place.as_ref())?;
        let category = claim.map(|c| c.category);
        ground.take(chunk.step, slots.len());
        self.keep(tables, ground, Leasehold::Range { chunk: id, from }, category, slots)?;
        Ok((then, claim))
    }

    /// What must be leased together with a task that was taken from there: those that follow it,
    /// given back as it was. Each has a permit of its own, that may lie further ahead: they need
    /// not be of one party, only to have come back alike.
    pub(super) fn bound_tasks(
        &mut self,
        tables: &mut impl Tables,
        ground: &mut Ground,
        (queue, rank): (Queue, i64),
        claim: Option<Claim>,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        let run = ground.run.run.clone();
        while let Some((_, Ready::Task(id))) =
            tables.ready(&run, queue, 1)?.first().copied().filter(|(at, _)| *at == rank)
        {
            if !task(tables, id)?.together {
                break;
            }
            let Some(slot) = self.bound_slot(claim, budget) else { break };
            self.take_task(tables, ground, id, claim.map(|c| c.category), slot)?;
        }
        Ok(())
    }

    /// When what is bound to something else may start.
    fn bound_slot(&self, claim: Option<Claim>, budget: &mut Budget) -> Option<Slot> {
        let Some(claim) = claim else { return Some(self.free_slot()) };
        match budget.permit(claim, self.start(), TOGETHER_MS) {
            Permit::Granted(slot) => Some(slot),
            Permit::Later(_) => None,
        }
    }

    pub(super) fn keep(
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
pub(super) fn leaves(claim: Option<Claim>) -> bool {
    claim.is_some_and(|claim| claim.leave > 0)
}

/// Whether the item so many places behind the first one waiting is bound to the one before it.
fn is_bound(tables: &mut impl Tables, chunk: &Chunk, behind: usize) -> Result<bool, Error> {
    let at = chunk.next.saturating_add(u16::try_from(behind).unwrap_or(u16::MAX));
    Ok(tables.items(chunk.id, at, 1)?.first().is_some_and(|item| item.together))
}

/// A ready task.
pub(super) fn task(tables: &mut impl Tables, id: TaskId) -> Result<Task, Error> {
    tables.task(id)?.ok_or_else(|| fold::damaged(format!("ready task {} is missing", id.0)))
}

/// Two leases of one exchange differ; so do the leases of an exchange that is carried out
/// again because a rollback made the ledger forget it, with the same numbers and perhaps of
/// other tasks.
fn nonce(random: u64, id: u64, now: Millis) -> u64 {
    let when = u64::from_ne_bytes(now.0.to_ne_bytes()).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    random ^ id.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ when.rotate_left(31)
}
