//! Why a rehearsal came to no end.

/// Why a rehearsal came to no end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run could not begin, or a store failed.
    #[error(transparent)]
    Engine(#[from] watershed_engine::Error),
    /// The ledger did not do what it was told.
    #[error(transparent)]
    Ledger(#[from] watershed_ledger::Error),
    /// The rows could not be weighed.
    #[error(transparent)]
    Sink(#[from] watershed_sink::Error),
    /// The account refused the credentials that it gave.
    #[error("the simulated account refuses its own credentials: {0}")]
    Fatal(String),
    /// The run stands still: a defect of this program.
    #[error("the run stood still for {days} days of the account's time, with {open} items open")]
    StoodStill {
        /// Days without a call, and without an item done.
        days: i64,
        /// Items that are open.
        open: u64,
    },
    /// The workers ended without the run: a defect of this program.
    #[error("the workers ended before the run")]
    NoRun,
}
