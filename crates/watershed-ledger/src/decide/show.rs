//! Leased tasks as a worker sees them.

use watershed_model::ScopeSeed;

use super::lease::LOST_MAX;
use super::settle::Held;
use super::spawn;
use crate::fold::{self, Ground};
use crate::tables::{Lease, Leasehold, ScopeId, Tables, Task};
use crate::{Error, Fence, LeaseId, Leased};

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
    let is_range = matches!(lease.of, Leasehold::Range { .. });
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
            bound: is_range && index > 0 && task.together,
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
