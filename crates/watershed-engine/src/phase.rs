//! The span of a task, in which stands what the log says of it; and its trace: one event, at
//! TRACE, each time it comes to another phase.
//!
//! The target is `watershed::phase`: `-vvv` shows them among all else, and alone they are had by
//! `RUST_LOG=watershed::phase=trace`. Each stands in the span of its task (`task{lease index}`,
//! unique within a process) and names no address, and no content but the branch. Guarantee: what is
//! told has happened, but for [`Phase::Sent`] and [`Phase::Settling`], which are told just before.
//! Spans from DEBUG up, a task's and within it each of its calls, are also what traces are made of.
//! Costs a comparison where nobody listens.

use tracing::Span;
use watershed_ledger::{Fence, Leased};

use crate::active::ActiveRun;
use crate::transport::Answered;

/// What the events are filtered by.
const TARGET: &str = "watershed::phase";
/// The header in which Zoom says what it calls a call,
const TRACKING_ID: &str = "x-zm-trackingid";
/// and characters of it that are told at most.
const TRACKING_ID_MAX: usize = 100;

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The ledger gave it to this process.
    Leased,
    /// A call of it goes out now. A file may take several, and so may its redirects.
    Sent,
    /// Status and body of that call are there.
    Answered,
    /// What it brought is in the sink, committed. Not told where it brought nothing to write.
    Written,
    /// The ledger is told now what became of it.
    Settling,
    /// The ledger has taken it: no more of this task here.
    Settled,
    /// The ledger has not taken it, since the lease was lost: no more of this task here.
    Refused,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Leased => "leased",
            Phase::Sent => "sent",
            Phase::Answered => "answered",
            Phase::Written => "written",
            Phase::Settling => "settling",
            Phase::Settled => "settled",
            Phase::Refused => "refused",
        }
    }
}

/// The span of a task: what every line of the log says that is about it.
pub(crate) fn task(leased: &Leased, run: &ActiveRun) -> Span {
    tracing::error_span!(
        target: TARGET,
        "task",
        connection = %run.link.connection.name,
        run = %run.id,
        step = run.program.plan().step(leased.step).name,
        branch = run.program.branch(leased.step, &leased.item),
        attempt = i64::from(leased.attempts) + 1,
        operation = run.operation(leased.step).id,
        tracking_id = tracing::field::Empty,
        verdict = tracing::field::Empty,
        lease = leased.fence.lease.0,
        index = leased.fence.index,
    )
}

/// The span of one call: from its start until its answer is there, whole.
pub(crate) fn call() -> Span {
    tracing::debug_span!(target: TARGET, "call", status = tracing::field::Empty)
}

/// The call has its answer. An `i64`, since that is the only number that traces have.
pub(crate) fn called(call: &Span, status: u16) {
    call.record("status", i64::from(status));
}

/// What the answers of a task mean: part of what is told of it from here on.
pub(crate) fn judged(verdict: &'static str) {
    Span::current().record("verdict", verdict);
}

/// The answer's id, by which Zoom finds the call: part of what is told of its task from here on.
pub(crate) fn answered(answer: &Answered) {
    if let Some(id) = answer.header(TRACKING_ID) {
        Span::current().record("tracking_id", watershed_model::printable(id, TRACKING_ID_MAX));
    }
}

/// The span of a task of which no more is known here.
fn of(fence: Fence) -> Span {
    tracing::trace_span!(target: TARGET, "task", lease = fence.lease.0, index = fence.index)
}

/// Tells of the task whose span this is. A call of no task, as `estimate` makes them, is told
/// without one.
pub(crate) fn tell(phase: Phase) {
    tracing::trace!(target: TARGET, phase = phase.name());
}

/// Tells of that task.
pub(crate) fn tell_of(fence: Fence, phase: Phase) {
    of(fence).in_scope(|| tell(phase));
}

/// Tells of a task that was leased, and of its step where that is known.
pub(crate) fn tell_leased(fence: Fence, step: Option<&str>) {
    of(fence).in_scope(|| {
        tracing::trace!(target: TARGET, phase = Phase::Leased.name(), step);
    });
}
