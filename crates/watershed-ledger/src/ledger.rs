//! The seam: what every ledger is, however it keeps its state.

use std::future::Future;
use std::pin::Pin;

use watershed_model::{Millis, RunId};

use crate::{Command, Error, Reply, RunLine, RunView};

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

    /// The ledger's clock.
    fn now(&self) -> Pending<'_, Millis>;
}
