//! The seam: what every ledger is, however it keeps its state.

use std::future::Future;
use std::pin::Pin;

use watershed_model::{AccountId, Millis, RunId};

use crate::{Command, Error, Reply, RunLine, RunView, WorkerView};

/// An answer to come.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A ledger. Each command is one atomic act: wholly done or not at all.
pub trait Ledger: Send + Sync {
    /// Carries out a command. After an error that [`Error::waits`], the same command may be
    /// said again: a repeat changes nothing.
    fn execute(&self, command: Command) -> Pending<'_, Reply>;

    /// A run, whole; `None` where it is not known here.
    fn run(&self, run: &RunId) -> Pending<'_, Option<RunView>>;

    /// All runs, newest first.
    fn runs(&self) -> Pending<'_, Vec<RunLine>>;

    /// Workers that it has heard of, those that spoke last first; long gone ones are forgotten.
    fn workers(&self) -> Pending<'_, Vec<WorkerView>>;

    /// The ledger's clock.
    fn now(&self) -> Pending<'_, Millis>;

    /// Ends when another process has put something there that may be leased, as far as it is
    /// heard of: whoever waits looks from time to time all the same. Never ends where there is no
    /// other process.
    fn hint<'a>(
        &'a self,
        _accounts: &'a [AccountId],
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(std::future::pending())
    }
}
