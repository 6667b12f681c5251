//! What can be read of a ledger without changing it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use watershed_model::{
    AccountId, BudgetUse, ConnectionName, Millis, Plan, PlanHash, RunId, RunState, Trigger,
    WaitReport, WorkerId,
};

/// A run as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// The run.
    pub run: RunId,
    /// Whose lane it runs in.
    pub connection: ConnectionName,
    /// Whose budget it uses.
    pub account: AccountId,
    /// The plan.
    pub plan: Arc<Plan>,
    /// Its hash.
    pub plan_hash: PlanHash,
    /// Inputs, dates absolute.
    pub inputs: Arc<BTreeMap<String, Value>>,
    /// Operations granted.
    pub granted: Arc<[String]>,
    /// What started it.
    pub trigger: Trigger,
    /// Where it stands.
    pub state: RunState,
    /// Why it failed, where it did.
    pub why: Option<String>,
    /// When it was submitted.
    pub submitted_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// Each step's counts, by the place of the step in the plan.
    pub steps: Vec<StepCounts>,
    /// Calls started, by category name (`none` for uncounted ones).
    pub calls: BTreeMap<String, u64>,
    /// The least these could have been.
    pub least: u64,
    /// Repeated calls by cause.
    pub repeated: BTreeMap<String, u64>,
    /// 429s by kind (`per_second`, `daily`).
    pub throttled: BTreeMap<String, u64>,
    /// Each limit of the account.
    pub budget: Vec<BudgetUse>,
    /// What waits, and for what.
    pub waits: Vec<WaitReport>,
    /// Tasks leased now.
    pub leased: u64,
    /// When the first retry is due, where nothing but retries is open.
    pub next_at: Option<Millis>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StepCounts {
    /// Branches known so far.
    pub known: u64,
    /// Closed, everything in the sink.
    pub done: u64,
    /// Closed, condition false.
    pub skipped: u64,
    /// Closed, Zoom does not give it.
    pub unavailable: u64,
    /// Closed, asked again by a later run.
    pub waiting: u64,
    /// Closed as dead letters.
    pub failed: u64,
    /// Not closed.
    pub open: u64,
    /// Whether `known` can still grow.
    pub is_final: bool,
}

impl StepCounts {
    /// Branches closed without a dead letter.
    pub fn closed_well(&self) -> u64 {
        self.done + self.skipped + self.unavailable + self.waiting
    }
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// The run.
    pub run: RunId,
    /// The workflow's name.
    pub workflow: String,
    /// Whose lane it runs in.
    pub connection: ConnectionName,
    /// Where it stands.
    pub state: RunState,
    /// When it was submitted.
    pub submitted_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
}

/// A worker as the ledger last heard of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerView {
    /// The worker.
    pub worker: WorkerId,
    /// When its last exchange was.
    pub seen_at: Millis,
    /// Leases that it has.
    pub leases: u64,
}

/// What a walk over all records of a ledger has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Walked {
    /// Records that were read.
    pub records: u64,
    /// What does not agree, at most 20 of it.
    pub wrong: Vec<String>,
}
