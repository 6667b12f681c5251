//! Ticks: the instants at which schedules are due, and what became of each.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{ConnectionName, Millis, RunId, RunState};

/// A schedule of a workflow, for one connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScheduleKey {
    /// The workflow's name.
    pub workflow: String,
    /// The connection.
    pub connection: ConnectionName,
    /// Its cron fields and time zone: a schedule that has others is another one.
    pub schedule: String,
}

/// What became of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TickState {
    /// It waits for the run before it.
    Queued,
    /// It started a run.
    Run,
    /// It starts none.
    Skipped,
}

impl TickState {
    /// The name stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            TickState::Queued => "queued",
            TickState::Run => "run",
            TickState::Skipped => "skipped",
        }
    }
}

/// Why a tick starts no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skipped {
    /// No scheduler was there when it was due, and `missed` wants no run for it.
    Missed,
    /// The run before it had not ended.
    Overlap,
    /// A later tick took its place before it could start.
    Superseded,
}

impl Skipped {
    /// The name stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Skipped::Missed => "missed",
            Skipped::Overlap => "overlap",
            Skipped::Superseded => "superseded",
        }
    }
}

/// A tick, decided. There is one at most for each workflow, connection and instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The schedule that was due.
    pub key: ScheduleKey,
    /// When it was due.
    pub due_at: Millis,
    /// What became of it.
    pub state: TickState,
    /// Why it starts no run.
    pub why: Option<Skipped>,
    /// The run that it started.
    pub run: Option<RunId>,
    /// When it was decided.
    pub at: Millis,
}

/// A tick, and where its run stands as far as the sink knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTick {
    /// The tick.
    pub tick: Tick,
    /// Its run's state.
    pub run: Option<RunState>,
}

impl KnownTick {
    /// Whether it still holds up later ones: it waits, or its run has not ended.
    pub fn is_open(&self) -> bool {
        match self.tick.state {
            TickState::Queued => true,
            TickState::Run => self.run.is_some_and(|state| !state.ended()),
            TickState::Skipped => false,
        }
    }
}

/// The id of the run that works on the events of a UTC day: whoever starts it, there is but one.
pub fn day_run(workflow: &str, connection: &ConnectionName, day: Date) -> RunId {
    // Neither name has a dot.
    RunId(format!("{workflow}.{connection}.{}", day.strftime("%Y%m%d")))
}

/// The id of the run that a tick starts: whoever starts it, there is but one.
pub fn tick_run(workflow: &str, connection: &ConnectionName, due_at: Millis) -> RunId {
    // Neither name has a dot.
    let due = due_at.timestamp().strftime("%Y%m%dT%H%M%SZ");
    RunId(format!("{workflow}.{connection}.{due}"))
}
