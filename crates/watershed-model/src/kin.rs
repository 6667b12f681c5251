//! What a record brings: the items that the steps beneath it work on.

use serde::{Deserialize, Serialize};

use crate::StepId;

/// The bucket of items that need no call: what they ask for is stored already, or is not to be
/// had. They are leased without a permit.
pub const KNOWN: u16 = u16::MAX;

/// One item of one step: a task to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Child {
    /// The step that works on it.
    pub step: StepId,
    /// The item: a JSON array of the values that `Step::carries` names. Opaque to the ledger.
    pub item: String,
    /// The hash of its `once` value, per connection and operation.
    pub once: Option<u64>,
    /// Its month (year × 12 + month − 1) for `newest_first`; 0 where it has none; or [`KNOWN`].
    pub bucket: u16,
    /// Whether it is leased together with the item of its step before it: one reading serves
    /// both (files of one recording).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub together: bool,
}

/// A child, or a branch at which joins stand and the children in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kin {
    /// A task to be.
    Task(Child),
    /// A branch that counts what is open beneath it.
    Scope {
        /// Its level (index into `Plan::scopes`).
        level: u8,
        /// Its identity among its siblings.
        key: u64,
        /// The items with which the joins of this level run.
        joins: Vec<(StepId, Vec<String>)>,
        /// What hangs beneath it.
        kin: Vec<Kin>,
    },
}

/// What one record of a listing brings.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Brood {
    /// The record's 64-bit identity within its listing: a key seen before adds nothing.
    pub key: u64,
    /// Its children.
    pub kin: Vec<Kin>,
}
