//! The ledger on an embedded SQLite file: the tables of `decide` on a transaction.
//!
//! Guarantees: one `BEGIN IMMEDIATE` transaction a command, `synchronous=FULL`, so what was
//! acknowledged stays. Several processes may open the file; one at a time executes on it
//! ([`hold`]). The rules are `watershed-ledger`'s; here are only rows and lookups.

mod chunks;
mod fault;
mod forget;
mod hold;
mod ledger;
mod migrations;
mod numbers;
mod opening;
mod rows;
mod shrink;
mod tables;
mod walk;

pub use hold::{Hold, hold};
pub use ledger::SqliteLedger;
