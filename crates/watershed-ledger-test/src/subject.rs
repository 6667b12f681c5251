//! What is tested: a ledger with its clock in the hands of the test.

use std::any::Any;

use watershed_ledger::{Command, Error, Reply, RunView, WorkerView};
use watershed_model::{Millis, RunId};

/// What not every ledger can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// [`Subject::snapshot`] and [`Subject::restore`].
    Rollback,
    /// [`Subject::restart`].
    Restart,
    /// Its process lives through a rollback, notices it, and then leases nothing for up to
    /// [`COOL_MS`], so that no second holds too many calls.
    CoolDown,
}

/// So long a ledger that has noticed a rollback may lease nothing, in milliseconds.
pub const COOL_MS: i64 = 2_000;

/// A ledger under test.
pub trait Subject {
    /// Carries out a command at that time of the ledger's clock.
    ///
    /// # Errors
    /// The ledger's; after one, nothing may have changed.
    fn execute(&mut self, command: Command, now: Millis) -> Result<Reply, Error>;

    /// A run as it stands, at the time of the last command.
    ///
    /// # Errors
    /// The ledger's.
    fn view(&mut self, run: &RunId) -> Result<Option<RunView>, Error>;

    /// The workers that it has heard of.
    ///
    /// # Errors
    /// The ledger's.
    fn workers(&mut self) -> Result<Vec<WorkerView>, Error>;

    /// What its state takes, in records or in bytes: it must not grow while work waits.
    fn size(&mut self) -> u64;

    /// All state as it is now. Asked only where [`Capability::Rollback`] is supported.
    fn snapshot(&mut self) -> Box<dyn Any>;

    /// Goes back to an earlier state, as after the loss of a tail.
    fn restore(&mut self, snapshot: &dyn Any);

    /// Closes and opens it again. Asked only where [`Capability::Restart`] is supported.
    fn restart(&mut self);

    /// Whether it can do that.
    fn supports(&self, capability: Capability) -> bool;
}

/// Makes empty ledgers, one for each case or history.
pub type Make<'a> = &'a mut dyn FnMut() -> Box<dyn Subject>;
