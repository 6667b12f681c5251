//! Settling: the one act that moves a checkpoint, adds children and closes an item.
//!
//! Guarantee: a settle whose fence is not the worker's changes nothing. Next: `fold`.

use std::collections::BTreeMap;

use watershed_model::{Brood, Millis, RunState, StepId, WorkerId};

use super::budgets::Budgets;
use super::exchange::{Grounds, touched};
use super::{fit, spawn, tolerate};
use crate::fold::{self, Ground, damaged};
use crate::order;
use crate::tables::{Lease, Leasehold, ScopeId, Tables, Task, TaskId};
use crate::{End, Error, Fence, LeaseId, Outcome, Repeat, Settle, Settled};

pub(super) fn settle(
    tables: &mut impl Tables,
    grounds: &mut Grounds,
    (leases, budgets): (&mut Leases, &mut Budgets),
    entry: &Settle,
    now: Millis,
) -> Result<Settled, Error> {
    let Some(lease) = leases.valid(&entry.fence) else { return Ok(Settled::Stale) };
    let ground = touched(tables, grounds, &lease.run)?;
    count_calls(ground, lease, entry);
    let held = Held::of(tables, lease, entry.fence.index)?;
    account(tables, ground, lease, (entry, held.task.step), budgets, now)?;
    lease.open[usize::from(entry.fence.index)] = false;
    ground.give_up(held.task.step);
    carry_out(tables, ground, held, &entry.outcome, now)?;
    Ok(Settled::Accepted)
}

/// The leases that a batch of settles names, as far as they are the worker's. Read once and
/// kept once, however many of its tasks the batch settles.
pub(super) struct Leases(BTreeMap<LeaseId, Lease>);

impl Leases {
    /// Reads them, and refuses children that the plan has no place for. Writes nothing.
    pub(super) fn of(
        tables: &mut impl Tables,
        grounds: &mut Grounds,
        worker: &WorkerId,
        settles: &[Settle],
    ) -> Result<Leases, Error> {
        let mut leases = Leases(BTreeMap::new());
        for entry in settles {
            let id = entry.fence.lease;
            if !leases.0.contains_key(&id)
                && let Some(lease) = tables.lease(id)?
                && lease.worker == *worker
            {
                leases.0.insert(id, lease);
            }
            let Some(lease) = leases.valid(&entry.fence) else { continue };
            let ground = touched(tables, grounds, &lease.run)?;
            let broods = match &entry.outcome {
                Outcome::More { broods, .. } | Outcome::Closed { broods, .. } => broods,
                Outcome::Failed
                | Outcome::Retry { .. }
                | Outcome::NotYet { .. }
                | Outcome::Restart
                | Outcome::Released => continue,
            };
            if broods.iter().all(|b| b.kin.is_empty()) {
                continue;
            }
            let scope = scope_of(tables, lease)?;
            let level = fold::load(tables, scope)?.level;
            let why = broods.iter().find_map(|b| fit::kin(&ground.plan, level, &b.kin).err());
            fit::refused("exchange", &lease.run, why)?;
        }
        Ok(leases)
    }

    /// The lease of a fence that is good now.
    fn valid(&mut self, fence: &Fence) -> Option<&mut Lease> {
        let open = |lease: &Lease| lease.open.get(usize::from(fence.index)) == Some(&true);
        self.0.get_mut(&fence.lease).filter(|lease| lease.nonce == fence.nonce && open(lease))
    }

    /// Keeps what is left of them.
    pub(super) fn keep(self, tables: &mut impl Tables) -> Result<(), Error> {
        for (id, lease) in self.0 {
            if lease.open.contains(&true) {
                tables.put_lease(&lease)?;
            } else {
                tables.delete_lease(id)?;
            }
        }
        Ok(())
    }
}

/// The scope that counts what a lease is of.
fn scope_of(tables: &mut impl Tables, lease: &Lease) -> Result<ScopeId, Error> {
    let scope = match lease.of {
        Leasehold::Task(id) => tables.task(id)?.map(|task| task.scope),
        Leasehold::Range { chunk, .. } => tables.chunk(chunk)?.map(|chunk| chunk.scope),
    };
    scope.ok_or_else(|| damaged(format!("what lease {} is of is missing", lease.id.0)))
}

/// A leased item, wherever it lies.
pub(super) struct Held {
    /// As a task; its id is used only where it has a record.
    pub(super) task: Task,
    /// Where it lies.
    pub(super) of: Leasehold,
}

impl Held {
    pub(super) fn of(tables: &mut impl Tables, lease: &Lease, index: u16) -> Result<Held, Error> {
        match lease.of {
            Leasehold::Task(id) => {
                let task = tables
                    .task(id)?
                    .ok_or_else(|| damaged(format!("leased task {} is missing", id.0)))?;
                Ok(Held { task, of: lease.of })
            }
            Leasehold::Range { chunk, from } => {
                let head = tables
                    .chunk(chunk)?
                    .ok_or_else(|| damaged(format!("leased chunk {} is missing", chunk.0)))?;
                let item = tables
                    .items(chunk, from.saturating_add(index), 1)?
                    .pop()
                    .ok_or_else(|| damaged(format!("an item of chunk {} is missing", chunk.0)))?;
                Ok(Held { task: spawn::of_item(&head, item), of: lease.of })
            }
        }
    }
}

fn carry_out(
    tables: &mut impl Tables,
    ground: &mut Ground,
    held: Held,
    outcome: &Outcome,
    now: Millis,
) -> Result<(), Error> {
    match outcome {
        Outcome::More { broods, checkpoint } => {
            let mut task = held.task.clone();
            let new = children(tables, ground, &task, broods, now)?;
            ground.counts.steps[task.step.index()].pages += 1;
            task.checkpoint = Some(checkpoint.clone());
            task.lost = 0;
            task.attempts = 0;
            task.not_yet = false;
            task.keyed = true;
            let id = keep_open(tables, ground, held, task, now, now)?;
            tables.add_keys(id, &new)
        }
        Outcome::Closed { broods, end } => {
            children(tables, ground, &held.task, broods, now)?;
            let step = held.task.step;
            let tally = ground.close_item(step, held.task.bucket)?;
            match end {
                End::Done => tally.done += 1,
                End::Skipped => tally.skipped += 1,
                End::Unavailable => tally.unavailable += 1,
                End::Waiting => tally.waiting += 1,
            }
            judge(ground, step, false, now);
            spawn::free_once(tables, ground, step, held.task.once)?;
            close(tables, ground, held, now)
        }
        Outcome::Failed => {
            let step = held.task.step;
            ground.close_item(step, held.task.bucket)?.failed += 1;
            fold::count_failure(tables, held.task.scope, step)?;
            spawn::bury_once(tables, ground, step, held.task.once)?;
            // Before it closes: the last item's dead letter fails the run, not completes it.
            judge(ground, step, true, now);
            close(tables, ground, held, now)
        }
        Outcome::Retry { at, counts } => {
            let mut task = held.task.clone();
            task.lost = 0;
            task.not_yet = false;
            task.attempts = task.attempts.saturating_add(u16::from(*counts));
            keep_open(tables, ground, held, task, *at, now).map(|_| ())
        }
        Outcome::NotYet { at } => {
            let mut task = held.task.clone();
            task.lost = 0;
            task.checkpoint = None;
            task.not_yet = true;
            keep_open(tables, ground, held, task, *at, now).map(|_| ())
        }
        Outcome::Restart => {
            let mut task = held.task.clone();
            task.lost = 0;
            task.restarts = task.restarts.saturating_add(1);
            task.checkpoint = None;
            keep_open(tables, ground, held, task, now, now).map(|_| ())
        }
        Outcome::Released => {
            let task = held.task.clone();
            keep_open(tables, ground, held, task, now, now).map(|_| ())
        }
    }
}

fn judge(ground: &mut Ground, step: StepId, failed: bool, now: Millis) {
    if ground.run.state != RunState::Running && ground.run.state != RunState::Paused {
        return;
    }
    if let Some(why) = tolerate::judge(&ground.plan, &ground.counts, step, failed) {
        ground.run.state = RunState::Failed;
        ground.run.why = Some(why);
        ground.run.ended_at = Some(now);
    }
}

/// Adds the children of new records; gives the keys that are new to the listing.
fn children(
    tables: &mut impl Tables,
    ground: &mut Ground,
    task: &Task,
    broods: &[Brood],
    now: Millis,
) -> Result<Vec<u64>, Error> {
    if broods.is_empty() {
        return Ok(Vec::new());
    }
    let known = if task.keyed { tables.keys(task.id)? } else { Vec::new() };
    let fresh = spawn::fresh(broods, known);
    if ground.run.state != RunState::Cancelling {
        spawn::kin(tables, ground, task.scope, fresh.iter().flat_map(|b| &b.kin), now)?;
    }
    Ok(fresh.iter().map(|brood| brood.key).collect())
}

/// Keeps a held item open as a task with a record, due at that time.
pub(super) fn keep_open(
    tables: &mut impl Tables,
    ground: &mut Ground,
    held: Held,
    mut task: Task,
    due_at: Millis,
    now: Millis,
) -> Result<TaskId, Error> {
    task.due_at = due_at;
    task.leased = false;
    if let Leasehold::Range { .. } = held.of {
        task.id = TaskId(tables.next_id()?);
        fold::open_unit(tables, ground, task.scope, task.step)?;
    }
    let place = order::of_task(&ground.plan, &task);
    tables.put_task(&task, (due_at <= now).then_some(&place))?;
    if let Leasehold::Range { chunk, .. } = held.of {
        leave_chunk(tables, ground, chunk, now)?;
    }
    Ok(task.id)
}

/// Closes a held item; what it releases is released.
fn close(
    tables: &mut impl Tables,
    ground: &mut Ground,
    held: Held,
    now: Millis,
) -> Result<(), Error> {
    match held.of {
        Leasehold::Range { chunk, .. } => leave_chunk(tables, ground, chunk, now),
        Leasehold::Task(id) => {
            if held.task.keyed {
                tables.delete_keys(id)?;
            }
            tables.delete_task(id)?;
            close_task_unit(tables, ground, held.task.scope, held.task.step, now)
        }
    }
}

/// A task's unit closes; where it is a join's, the join has run.
pub(super) fn close_task_unit(
    tables: &mut impl Tables,
    ground: &mut Ground,
    scope: ScopeId,
    step: StepId,
    now: Millis,
) -> Result<(), Error> {
    fold::join_closed(tables, ground, scope, step)?;
    fold::close_unit(tables, ground, scope, step, now)
}

/// One item less in a chunk; the last one closes the chunk's unit.
fn leave_chunk(
    tables: &mut impl Tables,
    ground: &mut Ground,
    id: crate::tables::ChunkId,
    now: Millis,
) -> Result<(), Error> {
    let mut chunk =
        tables.chunk(id)?.ok_or_else(|| damaged(format!("chunk {} is missing", id.0)))?;
    chunk.open = chunk
        .open
        .checked_sub(1)
        .ok_or_else(|| damaged(format!("chunk {} has fewer items than none", id.0)))?;
    if chunk.open > 0 {
        let place = order::of_chunk(&ground.plan, &chunk);
        let more = chunk.next < chunk.len;
        return tables.put_chunk(&chunk, more.then_some(&place));
    }
    tables.delete_chunk(id)?;
    fold::close_unit(tables, ground, chunk.scope, chunk.step, now)
}

fn count_calls(ground: &mut Ground, lease: &Lease, entry: &Settle) {
    let counts = &mut ground.counts;
    // Who lost the lease may have made its call: it counts as spent, since nobody knows better.
    let lost = entry.repeats == Some(Repeat::LostLease);
    let calls = u64::from(entry.calls) + u64::from(lost);
    if calls > 0 {
        count(&mut counts.calls, lease.category.map_or("none", |c| c.name()), calls);
    }
    counts.least += entry.least;
    if let Some(repeat) = entry.repeats {
        count(&mut counts.repeated, repeat.name(), 1);
    }
    if let Some(throttle) = entry.throttle {
        let kind = if throttle.daily { "daily" } else { "per_second" };
        count(&mut counts.throttled, kind, 1);
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str, more: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += more,
        None => {
            counts.insert(name.to_owned(), more);
        }
    }
}

/// Whether an item's permit serves others too. It is not given back: which of them makes the call
/// is not known before all have settled.
fn shares(tables: &mut impl Tables, lease: &Lease, index: u16) -> Result<bool, Error> {
    let Leasehold::Range { chunk, from } = lease.of else { return Ok(false) };
    let items = tables.items(chunk, from.saturating_add(index), 2)?;
    let bound = |at: usize| items.get(at).is_some_and(|item| item.together);
    let is_last = usize::from(index) + 1 == lease.slots.len();
    Ok((index > 0 && bound(0)) || (!is_last && bound(1)))
}

/// What the settle says to the account's budget.
fn account(
    tables: &mut impl Tables,
    ground: &Ground,
    lease: &Lease,
    (entry, step): (&Settle, StepId),
    budgets: &mut Budgets,
    now: Millis,
) -> Result<(), Error> {
    let mut unused = lease.category.filter(|_| entry.calls == 0);
    if unused.is_some() && shares(tables, lease, entry.fence.index)? {
        unused = None;
    }
    if unused.is_none() && entry.throttle.is_none() && entry.heard.is_none() {
        return Ok(());
    }
    let budget = budgets.of(tables, &ground.run.account)?;
    let slot = lease.slots.get(usize::from(entry.fence.index)).copied();
    if let (Some(category), Some(slot)) = (unused, slot) {
        budget.give_back(category, slot, now);
    }
    if let (Some(heard), Some(slot)) = (entry.heard, slot) {
        let step = ground.plan.step(step);
        budget.hear((&step.operation, step.category), heard, slot, now);
    }
    if let Some(throttle) = entry.throttle {
        budget.throttle(throttle, now);
    }
    Ok(())
}
