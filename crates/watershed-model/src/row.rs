//! One record on its way into a dataset.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::Dataset;

/// A row: the record as sent less secrets, its key, and what it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where it goes.
    pub dataset: &'static Dataset,
    /// Its key, unique with the connection (contract: parts joined by `|`).
    pub key: String,
    /// The record as sent, less secret members at any depth.
    pub record: Value,
    /// Columns that the record does not say itself: what it was asked for. Rows of one page share
    /// them.
    pub asked: Arc<Map<String, Value>>,
}
