//! What can go wrong with a ledger, by what is to be done about it.

use std::path::PathBuf;

use watershed_model::RunId;

/// Fragments fit after "failed to use the ledger:".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command does not fit the state it met.
    #[error("{command} does not fit run {run}: {why}")]
    Illegal {
        /// The command.
        command: &'static str,
        /// The run.
        run: RunId,
        /// Why not.
        why: String,
    },
    /// No such run.
    #[error("no run {0}")]
    NoRun(RunId),
    /// The same id with another plan, connection or inputs.
    #[error("run {run} was submitted with another {what}")]
    OtherRun {
        /// The run.
        run: RunId,
        /// What differs.
        what: &'static str,
    },
    /// The state is of a version that this program does not know.
    #[error("{place} has state version {found}; this program knows {known}")]
    Version {
        /// Where the state lies.
        place: String,
        /// Its version.
        found: u32,
        /// The version known here.
        known: u32,
    },
    /// Someone else executes here.
    #[error("{} is being executed by {holder}", .path.display())]
    Held {
        /// The state file.
        path: PathBuf,
        /// Who.
        holder: String,
    },
    /// The disk is full. Waits.
    #[error("no space left for {place}: free some and it goes on")]
    Full {
        /// Where.
        place: String,
    },
    /// It does not answer now. Waits.
    #[error("{place} does not answer: {why}")]
    Unreachable {
        /// Where.
        place: String,
        /// What was said.
        why: String,
    },
    /// It will not do until somebody changes something there.
    #[error("{place} refuses: {why}")]
    Refused {
        /// Where.
        place: String,
        /// What was said.
        why: String,
    },
    /// As it is set up, no ledger may be kept there.
    #[error("{place} cannot hold runs: {why}")]
    Unfit {
        /// Where.
        place: String,
        /// What is wrong.
        why: String,
        /// What to do about it.
        way_out: String,
    },
    /// What is stored does not make sense.
    #[error("{place} is damaged: {why}")]
    Corrupt {
        /// Where.
        place: String,
        /// What was found.
        why: String,
    },
}

impl Error {
    /// Whether someone else executes there.
    pub fn is_held(&self) -> bool {
        matches!(self, Error::Held { .. })
    }

    /// Whether a worker waits and tries again.
    pub fn waits(&self) -> bool {
        match self {
            Error::Full { .. } | Error::Unreachable { .. } => true,
            Error::Illegal { .. }
            | Error::NoRun(_)
            | Error::OtherRun { .. }
            | Error::Version { .. }
            | Error::Held { .. }
            | Error::Refused { .. }
            | Error::Unfit { .. }
            | Error::Corrupt { .. } => false,
        }
    }
}
