//! The ledger's rules: pure, synchronous, and an in-memory ledger that runs them.
//!
//! [`decide`] is the state machine over [`tables::Tables`]; whoever keeps the tables (here in
//! memory, `watershed-ledger-sqlite` in a file) runs it inside one transaction a command.
//! Guarantees: a stale fence settles nothing; a repeated exchange changes nothing; no permit
//! beyond the account's limits. Reads no clock, draws no random number, does no I/O.
//! Begin with `command` (what is said), then `decide`, then `fold` (what completion means).

pub mod budget;
mod command;
mod decide;
mod error;
mod fold;
pub mod form;
pub mod hashes;
pub mod learned;
mod ledger;
mod look;
mod memory;
mod memory_tables;
mod order;
pub mod pack;
mod records;
mod scarce;
pub mod tables;
mod view;
mod waiting;

pub use command::{
    Checkpoint, Command, End, Exchange, Exchanged, Fence, LeaseId, Leased, Letter, Outcome,
    Recount, Repeat, Reply, Settle, Settled, Submit, Want,
};
pub use decide::decide;
pub use error::Error;
pub use ledger::{Ledger, Pending};
pub use look::{Seen, lines, show, view, workers};
pub use memory::{MemoryLedger, ReadClock};
pub use memory_tables::MemoryTables;
pub use view::{RunLine, RunView, StepCounts, Walked, WorkerView};
