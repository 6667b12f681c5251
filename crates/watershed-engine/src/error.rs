//! What stops the engine, by what is to be done about it.

use watershed_model::{ConnectionName, RunId};

use crate::token::NoToken;

/// Fragments fit after "failed to run the workflow:".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger's.
    #[error(transparent)]
    Ledger(#[from] watershed_ledger::Error),
    /// The sink's.
    #[error(transparent)]
    Sink(#[from] watershed_sink::Error),
    /// A store that cannot be waited for.
    #[error("{0}")]
    Store(String),
    /// No token: the credential is refused, or the endpoint does not answer.
    #[error(transparent)]
    Token(#[from] NoToken),
    /// The plan does not fit this program.
    #[error(transparent)]
    Program(#[from] watershed_workflow::ProgramError),
    /// The workflow's first branches cannot be made.
    #[error(transparent)]
    Expand(#[from] watershed_workflow::ExpandError),
    /// The inputs of a tick do not fit the workflow.
    #[error(transparent)]
    Inputs(#[from] watershed_workflow::InputError),
    /// No such connection.
    #[error("no connection {0}")]
    NoConnection(ConnectionName),
    /// No such run.
    #[error("no run {0}")]
    NoRun(RunId),
    /// The same id with another workflow, connection or inputs.
    #[error("run {run} exists with {what}")]
    OtherRun {
        /// The run.
        run: RunId,
        /// What differs.
        what: &'static str,
    },
    /// The workflow asks about users whom no list of users brings.
    #[error(
        "step {step} asks about users that no list of users brings, and the connection is limited \
         to some (users.include, users.exclude)"
    )]
    AnyUser {
        /// The step.
        step: String,
    },
    /// People were erased under a key that is not the connection's.
    #[error(
        "connection {0}: people were erased from its data, and with this redact_key, or without \
         one, nobody knows whom"
    )]
    OtherKey(ConnectionName),
    /// Nobody can be erased without a key.
    #[error("connection {0}: it needs redact_key to remember who was erased")]
    NoKey(ConnectionName),
    /// Nobody of that id or address is known.
    #[error("connection {0}: its data knows nobody of that id or address")]
    Nobody(ConnectionName),
    /// A run that has not ended is about somebody.
    #[error("run {0} names that person in its inputs or its workflow, and has not ended")]
    NamedByRun(RunId),
    /// A file store's.
    #[error(transparent)]
    Files(#[from] watershed_lake::Error),
    /// A stored workflow no longer compiles.
    #[error("run {run}: its stored workflow no longer compiles: {why}")]
    Stored {
        /// The run.
        run: RunId,
        /// The first diagnostic.
        why: String,
    },
    /// Two parts of this program disagree.
    #[error("{0}")]
    Protocol(&'static str),
}

impl Error {
    /// Whether the same may go well later: a store does not answer now.
    pub fn waits(&self) -> bool {
        match self {
            Error::Ledger(error) => error.waits(),
            Error::Sink(error) => error.waits(),
            _ => false,
        }
    }
}
