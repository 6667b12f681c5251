//! What is due, and what becomes of it: a function of instants alone.

use watershed_model::Millis;

use super::{Missed, Schedule};

/// With `missed: skip`, a tick that is later than this was missed: a scheduler that starts again
/// within it has missed nothing.
pub const GRACE_MS: i64 = 10 * 60_000;

/// What becomes of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It starts a run.
    Run,
    /// It was missed, and starts none.
    Missed,
}

/// A tick that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When it was due.
    pub at: Millis,
    /// What becomes of it.
    pub fate: Fate,
}

/// The ticks of `schedule` after `last` and up to `now`, in their order, each with what becomes of
/// it. `last`: up to where all of them have been decided, or when the schedule was first seen.
pub fn due(schedule: &Schedule, last: Millis, now: Millis) -> Vec<Due> {
    let ticks = schedule.between(last, now);
    let latest = ticks.last().copied();
    let runs = |at: Millis| match schedule.missed {
        Missed::RunAll => true,
        Missed::RunOnce => Some(at) == latest,
        Missed::Skip => Some(at) == latest && now - at <= GRACE_MS,
    };
    let fate = |at| if runs(at) { Fate::Run } else { Fate::Missed };
    ticks.into_iter().map(|at| Due { at, fate: fate(at) }).collect()
}
