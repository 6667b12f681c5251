//! What is taken out for good: `watershed erase`.

use serde_json::Value;
use watershed_model::{ConnectionName, Coverage, EventKey, LetterId};

use crate::{Ask, StoredRow};

/// A part of what is erased, in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Erasure {
    /// Rows that go, each with its dataset, and what listings say of them.
    pub rows: Vec<(String, StoredRow)>,
    /// Rows that get this record and listing, each with its dataset.
    pub changed: Vec<(String, StoredRow)>,
    /// Listings ([`listing_hash`](crate::listing_hash)) of which nothing is known any more.
    pub listings: Vec<i64>,
    /// Coverage that goes.
    pub asks: Vec<Ask>,
    /// Coverage that is written after that.
    pub coverage: Vec<Coverage>,
    /// Dead letters that go.
    pub letters: Vec<LetterId>,
    /// Events that wait and get this body.
    pub events: Vec<(ConnectionName, EventKey, Value)>,
}

impl Erasure {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.changed.is_empty()
            && self.listings.is_empty()
            && self.asks.is_empty()
            && self.coverage.is_empty()
            && self.letters.is_empty()
            && self.events.is_empty()
    }
}
