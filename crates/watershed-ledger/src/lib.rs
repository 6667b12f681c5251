//! The ledger's rules: pure, synchronous, and an in-memory ledger that runs them.

mod command;
mod error;
mod ledger;
mod view;

pub use command::{
    Checkpoint, Command, End, Exchange, Exchanged, Fence, LeaseId, Leased, Letter, Outcome, Repeat,
    Reply, Settle, Settled, Submit, Want,
};
pub use error::Error;
pub use ledger::{Ledger, Pending};
pub use view::{RunLine, RunView, StepCounts};
