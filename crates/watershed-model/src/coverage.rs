//! What the sink knows to be complete, partial, waiting or unavailable.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ConnectionName, Millis, OperationId, RunId};

/// What was asked: path parameters and choosing query parameters as canonical JSON
/// (members sorted, no blanks). Never from, to, page size or token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(pub String);

impl Subject {
    /// The canonical form of these members. (`serde_json` maps are sorted by key.)
    pub fn of(members: &Map<String, Value>) -> Subject {
        Subject(serde_json::to_string(members).expect("members have a text"))
    }

    /// The subject as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A stretch of the account's time: UTC days, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

/// How much is known of a subject and window. No row means: never tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageState {
    /// Everything that the API offers is in the dataset.
    Complete,
    /// Some pages are in, more follow.
    Partial,
    /// Not there yet at Zoom; asked again at `retry_at`.
    Waiting,
    /// Zoom does not give it; `reason` says why.
    Unavailable,
    /// Kept out by the workflow's own condition.
    Skipped,
    /// Kept out by consent, exclusion or erasure.
    Excluded,
    /// A dead letter.
    Failed,
}

impl CoverageState {
    /// Every state.
    pub const ALL: [CoverageState; 7] = [
        CoverageState::Complete,
        CoverageState::Partial,
        CoverageState::Waiting,
        CoverageState::Unavailable,
        CoverageState::Skipped,
        CoverageState::Excluded,
        CoverageState::Failed,
    ];

    /// The name stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            CoverageState::Complete => "complete",
            CoverageState::Partial => "partial",
            CoverageState::Waiting => "waiting",
            CoverageState::Unavailable => "unavailable",
            CoverageState::Skipped => "skipped",
            CoverageState::Excluded => "excluded",
            CoverageState::Failed => "failed",
        }
    }
}

/// One row of `_coverage`. Unique by connection, operation, subject and `from`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The connection.
    pub connection: ConnectionName,
    /// The operation.
    pub operation: OperationId,
    /// What was asked.
    pub subject: Subject,
    /// First day asked (`yyyy-mm-dd`); `None` where the operation has no window.
    pub from: Option<String>,
    /// Last day (`yyyy-mm-dd`), or an instant (RFC 3339) where the window reached into the
    /// present and is known only up to there.
    pub to: Option<String>,
    /// How much is known.
    pub state: CoverageState,
    /// Why, for every state that needs a reason.
    pub reason: Option<String>,
    /// Rows that this brought.
    pub rows: u64,
    /// When a waiting one is asked again.
    pub retry_at: Option<Millis>,
    /// The run that made it.
    pub run: RunId,
    /// When.
    pub at: Millis,
}

/// What coverage says of an operation, of the questions that a run was the last to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunCoverage {
    /// The operation.
    pub operation: OperationId,
    /// The run.
    pub run: RunId,
    /// Questions that are answered, or known not to be: complete, unavailable, not to be asked.
    pub whole: u64,
    /// Not there yet.
    pub waiting: u64,
    /// Neither: partial or failed.
    pub open: u64,
}
