//! Exit codes of `run`, by contract.

use watershed_ledger::RunView;
use watershed_model::{CoverageState, RunState, Unavailable};
use watershed_sink::CoverageCount;

/// Complete, unavailable and skipped included.
pub const COMPLETE: u8 = 0;
/// Failed; the error says what to do.
pub const FAILED: u8 = 1;
/// Wrong usage or configuration; nothing was started.
pub const USAGE: u8 = 2;
/// Complete but for dead letters, or for steps kept out by scope, role or tier.
pub const INCOMPLETE: u8 = 3;
/// Paused or stopped by a signal (resumable), or cancelled (final).
pub const STOPPED: u8 = 4;

/// The exit code of a run in that state.
pub fn of_run(view: &RunView, coverage: &[CoverageCount]) -> u8 {
    match view.state {
        RunState::Complete if view.steps.iter().any(|s| s.failed > 0) => INCOMPLETE,
        RunState::Complete if coverage.iter().any(kept_out) => INCOMPLETE,
        RunState::Complete => COMPLETE,
        RunState::Failed => FAILED,
        RunState::Running | RunState::Paused | RunState::Cancelling | RunState::Cancelled => {
            STOPPED
        }
    }
}

/// Whether a whole step was kept out by scope, role or tier.
pub fn kept_out(count: &CoverageCount) -> bool {
    let reason = count.reason.as_deref().unwrap_or_default();
    count.state == CoverageState::Unavailable
        && [Unavailable::Scope, Unavailable::Role, Unavailable::Tier].iter().any(|w| {
            reason
                .strip_prefix(w.name())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        })
}
