//! What a sink is asked, and what it answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use watershed_model::{
    ConnectionName, Coverage, CoverageState, LetterId, Millis, OperationId, RunId, Subject,
};

use crate::Listing;

/// The key of one row of coverage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ask {
    /// The connection.
    pub connection: ConnectionName,
    /// The operation.
    pub operation: OperationId,
    /// What was asked.
    pub subject: Subject,
    /// First day of the window; `None` where the operation has none.
    pub from: Option<String>,
}

impl Ask {
    /// The key of this row: also the place after which the next page of rows begins.
    pub fn of(coverage: &Coverage) -> Ask {
        Ask {
            connection: coverage.connection.clone(),
            operation: coverage.operation.clone(),
            subject: coverage.subject.clone(),
            from: coverage.from.clone(),
        }
    }
}

/// The rows that one listing brought.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListingKey {
    /// The connection.
    pub connection: ConnectionName,
    /// The dataset's name.
    pub dataset: String,
    /// The operation.
    pub operation: OperationId,
    /// What was asked.
    pub subject: Subject,
    /// First day of its window.
    pub from: Option<String>,
    /// Last day of its window, as it was written with the rows.
    pub to: Option<String>,
}

impl ListingKey {
    /// The listing, as its rows name it.
    pub fn listing(&self) -> Listing {
        Listing {
            subject: self.subject.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            operation: self.operation.clone(),
        }
    }
}

/// Rows that were there when they were read last, and that a run has not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The connection.
    pub connection: ConnectionName,
    /// The dataset's name.
    pub dataset: String,
    /// The run.
    pub run: RunId,
    /// When it began: what another run has seen since is not missing.
    pub before: Millis,
}

/// A stored row, as far as a fan-out needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedRow {
    /// Its key: the next page begins after the last one's.
    pub key: String,
    /// The record as that listing sent it, less secrets: the first, where it sent several of
    /// this key.
    pub record: Value,
}

/// Which dead letters. Every member that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailureFilter {
    /// Of this connection.
    pub connection: Option<ConnectionName>,
    /// Of this run.
    pub run: Option<RunId>,
    /// Of the step of this name.
    pub step: Option<String>,
    /// Whose item has this listing key.
    pub key: Option<u64>,
    /// This one.
    pub id: Option<LetterId>,
}

/// Which rows of coverage. Every member that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoverageFilter {
    /// Of this connection.
    pub connection: Option<ConnectionName>,
    /// Of this operation.
    pub operation: Option<OperationId>,
    /// Made by this run.
    pub run: Option<RunId>,
    /// In this state.
    pub state: Option<CoverageState>,
    /// Whose subject names this user: the exact value of any of its members.
    pub user: Option<String>,
}

/// Coverage, counted by what is known and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageCount {
    /// The operation.
    pub operation: OperationId,
    /// How much is known.
    pub state: CoverageState,
    /// Why.
    pub reason: Option<String>,
    /// Subjects and windows of this kind.
    pub count: u64,
    /// Rows that they brought.
    pub rows: u64,
}

/// How a sink is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The file or URL, without credentials.
    pub place: String,
    /// The engine and its version.
    pub engine: String,
    /// The version of the state tables.
    pub version: u32,
    /// How commits are kept, in the engine's words.
    pub durability: String,
    /// Whether an acknowledged write survives a power loss.
    pub durable: bool,
    /// Bytes that the datasets and the state take now.
    pub bytes: u64,
}
