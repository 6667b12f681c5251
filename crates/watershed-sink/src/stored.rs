//! What a sink holds, as another one takes it over: `watershed copy`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use watershed_model::{ConnectionName, Millis, RunId};

use crate::AuditEntry;

/// The key of a row of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowKey {
    /// The connection.
    pub connection: ConnectionName,
    /// Its key.
    pub key: String,
}

/// A row of a dataset, with all that it was stored with.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRow {
    /// Which one.
    pub at: RowKey,
    /// The record as sent, less secrets.
    pub record: Value,
    /// What stands in the columns of what it was asked for.
    pub asked: Map<String, Value>,
    /// The text of the listing that brought it.
    pub listing: Option<String>,
    /// Its version.
    pub fetched_at: Millis,
    /// The run that brought it.
    pub run: RunId,
    /// Since when the account no longer has it.
    pub deleted_at: Option<Millis>,
}

/// The newest reading of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Which listing: [`listing_hash`](crate::listing_hash).
    pub listing: i64,
    /// When its first page was read.
    pub first_at: Millis,
    /// By which run.
    pub run: RunId,
    /// Whether its members are known whole.
    pub whole: bool,
}

/// The key of a member.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MemberKey {
    /// The listing.
    pub listing: i64,
    /// The row's key.
    pub key: String,
}

/// A member of a reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Which one.
    pub at: MemberKey,
    /// What the listing said, where the row does not hold that.
    pub record: Option<Value>,
    /// When the first page of its reading was read: it is of no other one.
    pub first_at: Millis,
    /// By which run.
    pub run: RunId,
}

/// A part of what a sink holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// Rows of this dataset.
    Rows(String, Vec<StoredRow>),
    /// Readings of listings.
    Readings(Vec<Reading>),
    /// Members of readings.
    Members(Vec<Member>),
    /// Entries of the audit log, in their order: those that follow on what is here.
    Audit(Vec<AuditEntry>),
}
