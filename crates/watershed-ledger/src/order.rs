//! Where ready work stands in its run and category. Pure.
//!
//! Deeper steps first, then the newest month, then what is under way (next pages, further
//! tries, what a lost lease gave back, joins), then in order of arrival. Page tokens that have
//! become old go before all of it: they have an order of their own (`Tables::aging`). A step
//! that goes newest first has queues of its own, so that its head can be barred (`scarce`) and
//! others go on: a category's next is the foremost head of its queues that nothing bars.

use watershed_model::{Category, KNOWN, Millis, Order, Plan, RunId, StepId};

use crate::tables::{Chunk, Counts, Place, Queue, Task};

/// The place of a chunk's next items. What needs no call stands with what no limit counts.
pub(crate) fn of_chunk(plan: &Plan, chunk: &Chunk) -> Place {
    let place = place(plan, chunk.run.clone(), (chunk.step, chunk.bucket), false, None);
    if needs_no_call(chunk) {
        return Place { category: None, queue: Queue::Listed(None), ..place };
    }
    place
}

/// Whether a chunk's items are leased without a permit.
pub(crate) fn needs_no_call(chunk: &Chunk) -> bool {
    chunk.bucket == KNOWN
}

/// The place of a task.
pub(crate) fn of_task(plan: &Plan, task: &Task) -> Place {
    let token_at = task.checkpoint.as_ref().map(|c| c.token_at);
    place(plan, task.run.clone(), (task.step, task.bucket), true, token_at)
}

fn place(
    plan: &Plan,
    run: RunId,
    (id, bucket): (StepId, u16),
    under_way: bool,
    token_at: Option<Millis>,
) -> Place {
    let step = plan.step(id);
    let depth = i64::from(255 - step.depth.min(255));
    let month = match step.order {
        Order::NewestFirst => i64::from(u16::MAX - bucket),
        Order::AsListed => 0,
    };
    let rank = (depth << 24) | (month << 1) | i64::from(!under_way);
    let queue = match step.order {
        // A listing that has begun is read to its end, whatever bars new ones.
        Order::NewestFirst if token_at.is_none() && bucket > 0 => Queue::Dated(id),
        Order::NewestFirst if token_at.is_none() => Queue::Undated(id),
        Order::NewestFirst | Order::AsListed => Queue::Listed(step.category),
    };
    Place { run, category: step.category, queue, rank, token_at }
}

/// The month of what stands in a queue with that rank, 0 where nobody knows it.
pub(crate) fn month_of(rank: i64) -> u16 {
    u16::MAX - u16::try_from((rank >> 1) & 0xffff).unwrap_or(u16::MAX)
}

/// The queues of a category in which anything may be ready.
pub(crate) fn queues(plan: &Plan, counts: &Counts, category: Option<Category>) -> Vec<Queue> {
    let own = plan.steps().zip(&counts.steps).filter(|((_, step), tally)| {
        let newest_first = step.order == Order::NewestFirst;
        newest_first && step.category == category && tally.open > tally.leased
    });
    let own = own.flat_map(|((id, _), _)| [Queue::Dated(id), Queue::Undated(id)]);
    std::iter::once(Queue::Listed(category)).chain(own).collect()
}
