//! How much may fail before a run does. Pure.

use watershed_model::{OnFailure, Plan, StepId};

use crate::tables::Counts;

/// Branches closed before a step is judged.
const JUDGED_FROM: u64 = 100;
/// Fewer dead letters than this never fail a run.
const FAILURES_MIN: u64 = 10;

/// Why the run fails after one more item of that step was closed, if it does.
///
/// Judged with the item that makes enough of them, and with each dead letter after it: a run
/// that an operator set going again is not stopped by what goes well.
pub(crate) fn judge(plan: &Plan, counts: &Counts, step: StepId, failed: bool) -> Option<String> {
    let spec = plan.step(step);
    if failed && spec.on_failure == OnFailure::FailRun {
        return Some(format!("step {} may not fail, and did", spec.name));
    }
    let closed = counts.steps[step.index()].closed();
    if closed == JUDGED_FROM || (failed && closed > JUDGED_FROM) {
        return exceeded(plan, counts, step);
    }
    None
}

/// Why the run fails at its end, if it does.
pub(crate) fn judge_at_end(plan: &Plan, counts: &Counts) -> Option<String> {
    plan.steps().find_map(|(step, _)| exceeded(plan, counts, step))
}

fn exceeded(plan: &Plan, counts: &Counts, step: StepId) -> Option<String> {
    let spec = plan.step(step);
    let tally = &counts.steps[step.index()];
    let share = tally.failed as f64 / tally.closed().max(1) as f64;
    (tally.failed >= FAILURES_MIN && share > spec.tolerate.fraction).then(|| {
        format!(
            "step {}: {} of {} failed, more than the {:.1} % that are tolerated",
            spec.name,
            tally.failed,
            tally.closed(),
            spec.tolerate.fraction * 100.0
        )
    })
}
