//! Dead letters: tasks that failed for good, kept whole.

use serde::{Deserialize, Serialize};

use crate::{ConnectionName, LetterId, Millis, OperationId, PlanHash, RunId, StepId, Subject};

/// What is needed to open a folded scope again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScopeSeed {
    /// Its level (index into `Plan::scopes`).
    pub level: u8,
    /// Its identity among its siblings.
    pub key: u64,
    /// The items with which the joins of this level run.
    pub joins: Vec<(StepId, Vec<String>)>,
}

/// A task that failed for good. Lies in the sink (`_failures`) and survives the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its id.
    pub id: LetterId,
    /// The connection.
    pub connection: ConnectionName,
    /// The run.
    pub run: RunId,
    /// The plan that made it.
    pub plan: PlanHash,
    /// The step's name.
    pub step: String,
    /// The operation.
    pub operation: OperationId,
    /// The path of its branch, readable.
    pub branch: String,
    /// The item, as the ledger held it.
    pub item: String,
    /// The listing key of the item.
    pub key: u64,
    /// The hash of its `once` value.
    pub once: Option<u64>,
    /// Month bucket of the item (months since year 0), 0 where it has none.
    pub bucket: u16,
    /// The scopes above it, outermost first, the run left out.
    pub scopes: Vec<ScopeSeed>,
    /// What was asked.
    pub subject: Option<Subject>,
    /// First day of its window.
    pub from: Option<String>,
    /// Last day of its window.
    pub to: Option<String>,
    /// The verdict's name, or what else ended it (`poison`, `expression`).
    pub verdict: String,
    /// HTTP status of the last answer.
    pub http: Option<u16>,
    /// Zoom's code in the last answer.
    pub code: Option<i64>,
    /// What was said.
    pub message: String,
    /// Attempts made.
    pub attempts: u16,
    /// When.
    pub at: Millis,
    /// What to do about it.
    pub hint: String,
}
