//! Where ready work stands in its run and category. Pure.
//!
//! Deeper steps first, then the newest month, then what is under way (next pages, further
//! tries, what a lost lease gave back, joins), then in order of arrival. Page tokens that have
//! become old go before all of it: they have an order of their own (`Tables::aging`).

use watershed_model::{KNOWN, Order, Plan, StepId};

use crate::tables::{Chunk, Place, Task};

/// The place of a chunk's next items. What needs no call stands with what no limit counts.
pub(crate) fn of_chunk(plan: &Plan, chunk: &Chunk) -> Place {
    let place = place(plan, chunk.run.clone(), chunk.step, chunk.bucket, false, None);
    if chunk.bucket == KNOWN { Place { category: None, ..place } } else { place }
}

/// The place of a task.
pub(crate) fn of_task(plan: &Plan, task: &Task) -> Place {
    let token_at = task.checkpoint.as_ref().map(|c| c.token_at);
    place(plan, task.run.clone(), task.step, task.bucket, true, token_at)
}

fn place(
    plan: &Plan,
    run: watershed_model::RunId,
    step: StepId,
    bucket: u16,
    under_way: bool,
    token_at: Option<watershed_model::Millis>,
) -> Place {
    let step = plan.step(step);
    let depth = i64::from(255 - step.depth.min(255));
    let month = match step.order {
        Order::NewestFirst => i64::from(u16::MAX - bucket),
        Order::AsListed => 0,
    };
    let rank = (depth << 24) | (month << 1) | i64::from(!under_way);
    Place { run, category: step.category, rank, token_at }
}
