//! Runs: their states, and the report that every surface shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConnectionName, Millis, PlanHash, RunId, number};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Work is handed out.
    Running,
    /// What is in flight settles; nothing new starts.
    Paused,
    /// What is in flight settles; open items are being dropped.
    Cancelling,
    /// Ended by an operator. Final: what is there stays.
    Cancelled,
    /// Ended because too much failed, or a step may not fail.
    Failed,
    /// Everything is closed.
    Complete,
}

impl RunState {
    /// Every state.
    pub const ALL: [RunState; 6] = [
        RunState::Running,
        RunState::Paused,
        RunState::Cancelling,
        RunState::Cancelled,
        RunState::Failed,
        RunState::Complete,
    ];

    /// The name stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Paused => "paused",
            RunState::Cancelling => "cancelling",
            RunState::Cancelled => "cancelled",
            RunState::Failed => "failed",
            RunState::Complete => "complete",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<RunState> {
        RunState::ALL.into_iter().find(|s| s.name() == name)
    }

    /// Whether nothing more happens without an operator.
    pub fn ended(self) -> bool {
        matches!(self, RunState::Cancelled | RunState::Failed | RunState::Complete)
    }
}

/// What started a run; also its class in the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Webhooks: before everything else.
    Event,
    /// An operator.
    Manual,
    /// A schedule.
    Schedule,
}

/// One row of `_runs`: what outlives the ledger. Written before the first call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// The run.
    pub id: RunId,
    /// The connection.
    pub connection: ConnectionName,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow file's text.
    pub source: String,
    /// The hash of the plan it compiles to.
    pub plan: PlanHash,
    /// Inputs, dates absolute.
    pub inputs: BTreeMap<String, Value>,
    /// Operations that were granted at submit.
    pub granted: Vec<String>,
    /// What started it.
    pub trigger: Trigger,
    /// Where it stands.
    pub state: RunState,
    /// When it was submitted.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// The report at its end.
    pub evidence: Option<RunReport>,
}

/// A run in a list: its row less what is long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHead {
    /// The run.
    pub id: RunId,
    /// The connection.
    pub connection: ConnectionName,
    /// The workflow's name.
    pub workflow: String,
    /// What started it.
    pub trigger: Trigger,
    /// Where it stands.
    pub state: RunState,
    /// When it was submitted.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// What the report at its end sums up to.
    pub figures: Option<RunFigures>,
}

/// What a report sums up to. Read from a report's own JSON, it leaves out all else there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Summed")]
pub struct RunFigures {
    /// The exit code that `run` gives, once it has ended or stopped.
    pub exit: Option<u8>,
    /// Branches of all steps that are closed: done, skipped, unavailable, waiting.
    pub done: u64,
    /// Branches known so far.
    pub known: u64,
    /// Dead letters.
    pub failed: u64,
    /// Calls started.
    pub spent: u64,
    /// The least that the same answers could have cost.
    pub least: u64,
}

/// What of a report's JSON is summed up.
#[derive(Deserialize)]
struct Summed {
    exit: Option<u8>,
    steps: Vec<StepReport>,
    calls: CallCount,
}

impl From<Summed> for RunFigures {
    fn from(of: Summed) -> RunFigures {
        summed(of.exit, &of.steps, &of.calls)
    }
}

impl From<&RunReport> for RunFigures {
    fn from(of: &RunReport) -> RunFigures {
        summed(of.exit, &of.steps, &of.calls)
    }
}

fn summed(exit: Option<u8>, steps: &[StepReport], calls: &CallCount) -> RunFigures {
    let sum = |of: fn(&StepReport) -> u64| steps.iter().map(of).sum();
    RunFigures {
        exit,
        done: sum(|step| step.done),
        known: sum(|step| step.known),
        failed: sum(|step| step.failed),
        spent: calls.spent,
        least: calls.least,
    }
}

/// What `status`, the end of `run`, the API and the dashboard show of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// The workflow's name.
    pub workflow: String,
    /// The connection.
    pub connection: ConnectionName,
    /// Where it stands.
    pub state: RunState,
    /// The exit code that `run` gives, once it has ended or stopped.
    pub exit: Option<u8>,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub ended_at: Option<String>,
    /// Each step, in the order of the plan.
    pub steps: Vec<StepReport>,
    /// Each limit of the account.
    pub budget: Vec<BudgetUse>,
    /// What waits, and for what.
    pub waits: Vec<WaitReport>,
    /// When it will be done, by what was measured (RFC 3339).
    pub eta: Option<String>,
    /// Calls spent.
    pub calls: CallCount,
    /// Rows by dataset.
    pub rows: BTreeMap<String, u64>,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its name.
    pub step: String,
    /// Branches closed: done, skipped, unavailable, waiting.
    pub done: u64,
    /// Branches known so far.
    pub known: u64,
    /// Whether `known` can still grow.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Dead letters.
    pub failed: u64,
}

impl StepReport {
    /// `12 / ≈40, 1 failed`: done of known, `≈` while more may come.
    pub fn figures(&self) -> String {
        let about = if self.is_final { "" } else { "≈" };
        let mut text = format!("{} / {about}{}", number(self.done), number(self.known));
        if self.failed > 0 {
            text.push_str(&format!(", {} failed", number(self.failed)));
        }
        text
    }
}

/// How much of a limit is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetUse {
    /// The category, or several joined by `+`.
    pub category: String,
    /// `second`, `minute` or `day`.
    pub period: String,
    /// Calls of the running day; of a second or minute, those of the last whole one.
    pub used: u64,
    /// Calls that the share allows in a period.
    pub share: f64,
    /// Whether this is what work waits for now.
    pub binds: bool,
    /// When it frees (RFC 3339).
    pub free_at: Option<String>,
}

/// Something that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitReport {
    /// Why.
    pub why: String,
    /// How many tasks.
    pub count: u64,
    /// Until when (RFC 3339), where it is known.
    pub until: Option<String>,
}

/// Calls, and what they cost against the least.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallCount {
    /// Calls started.
    pub spent: u64,
    /// The least that the same answers could have cost.
    pub least: u64,
    /// Repeated calls by cause.
    pub repeated: BTreeMap<String, u64>,
}
