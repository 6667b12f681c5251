//! The oracle: a stupid third telling of the rules, to hold every ledger against.
//!
//! It keeps everything for ever and recomputes completeness, joins, failures and counts by
//! walking the whole tree each time; nothing in it counts down. It uses only types of
//! `watershed-ledger`. Where a rule leaves a choice (when exactly a lease that ran out is
//! taken back), it follows the ledger's answer; everywhere else it insists.

mod budget;
mod exchange;
mod follow;
mod leased;
mod look;
mod order;
mod scarce;
mod tree;

pub(crate) use follow::{Oracle, Wrong};
pub(crate) use tree::Stage;
