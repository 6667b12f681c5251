//! Datasets and coverage: the sink trait, and SQLite.
//!
//! Holds what outlives every queue: rows, coverage, runs, dead letters, the inbox of webhooks,
//! and which account a connection belongs to. Guarantees: rows and the coverage that speaks of
//! them are durable together or not at all ([`Sink::write`]), and older data never overwrites
//! newer.
//! Never decides what to ask, and never reads a clock: instants come with the rows.
//! Next: settle the call in the ledger, only after [`Sink::write`] has answered.

mod audit;
mod batch;
mod column;
mod copy;
mod decision;
mod erasure;
mod error;
mod inbox;
mod map;
mod question;
mod sink;
mod sqlite;
mod stored;

pub use audit::{AuditEntry, AuditWalk, walk_audit};
pub use batch::{Batch, Gone, Listing, Part, Write, listing_hash};
pub use column::{Column, Typed};
pub use copy::{Copied, Mark, copy, copy_part};
pub use decision::Decision;
pub use erasure::Erasure;
pub use error::Error;
pub use inbox::{Inbox, InboxCount, Taken, Waiting};
pub use map::{BandCount, Bands, CoverageMap, MonthCount};
pub use question::{
    Ask, CoverageCount, CoverageFilter, FailureFilter, Health, ListedRow, ListingKey, Missing,
};
pub use sink::{Pending, Sink};
pub use sqlite::SqliteSink;
pub use stored::{Member, MemberKey, Reading, RowKey, Stored, StoredRow};
