//! What a sink may say instead of an answer: a variant per reaction.

use std::path::PathBuf;

use watershed_model::{AccountId, ConnectionName};

/// Why a sink did not do what it was asked. Nothing of it was kept; after [`Error::Io`] and
/// [`Error::Unreachable`] alone, it may have been kept whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No space is left: wait until there is.
    #[error("write {}: the disk is full; free some space and it goes on", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the file for longer than is usual: wait.
    #[error("use {}: another process holds it locked", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The system failed to read or write: wait. The file is opened anew before the next try.
    #[error("read or write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It cannot be opened or made: a wrong path, a missing right, too many open files.
    #[error("open {}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is not there, and was only to be read.
    #[error("open {}: there is no such file", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A newer program wrote it: use that one.
    #[error(
        "open {}: its format {found} is newer than {known}, the newest that this program knows; \
         use the program that wrote it, or a later one",
        path.display()
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// An older program wrote it, and it was only to be read: open it for writing once.
    #[error(
        "read {}: its format {found} is older than {known}; run any command that writes to it, \
         which brings it up to date",
        path.display()
    )]
    OlderVersion {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The version needed.
        known: u32,
    },
    /// The connection belongs to another account: give this one another name.
    #[error(
        "use connection {connection}: its data is of account {stored}, and its credentials are \
         now those of account {given}; give the other account a connection of its own"
    )]
    OtherAccount {
        /// The connection.
        connection: ConnectionName,
        /// The account remembered.
        stored: AccountId,
        /// The account of the credentials.
        given: AccountId,
    },
    /// Somebody was erased whom the writer does not know of: make what is to be written anew.
    #[error("write for connection {connection}: somebody was erased meanwhile")]
    Erased {
        /// The connection.
        connection: ConnectionName,
    },
    /// What it holds is damaged: restore it, or begin a new one.
    #[error("read {}: it is damaged ({message}); restore a copy", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// It is no database at all.
    #[error("open {}: it is not a database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// It is a database of some other program. It was left as it is.
    #[error("open {}: it is a database of another program; choose another path", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file, or this sink, may only be read.
    #[error("write {}: it may only be read", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file was moved, removed or replaced while it was open: put it back.
    #[error(
        "use {}: it was moved or removed while open; put it back and start again",
        path.display()
    )]
    Moved {
        /// The file.
        path: PathBuf,
    },
    /// A row of a dataset that this sink was not opened with.
    #[error("write a row of {dataset}: this sink has no such dataset")]
    UnknownDataset {
        /// The dataset's name.
        dataset: String,
    },
    /// What was to be written breaks an invariant of the tables: a defect of the caller.
    #[error("write {}: refused, {message}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The invariant.
        message: String,
    },
    /// The server does not answer: not started yet, too many connections, a network that is
    /// down. Wait.
    #[error("reach {place}: {why}")]
    Unreachable {
        /// The server, without credentials.
        place: String,
        /// What was found.
        why: String,
    },
    /// The server does not serve as a sink as it is, or not with these credentials.
    #[error("use {place}: {why}; {way_out}")]
    Unusable {
        /// The server, without credentials.
        place: String,
        /// What was found.
        why: String,
        /// What to do about it.
        way_out: String,
    },
    /// The sink has been closed.
    #[error("use the sink: it is closed")]
    Closed,
}

impl Error {
    /// Whether it may pass by itself, or once an operator has made room: the caller waits
    /// and asks again. Every other one ends the run, and says what to do.
    pub fn waits(&self) -> bool {
        match self {
            Error::Full { .. }
            | Error::Busy { .. }
            | Error::Io { .. }
            | Error::Unreachable { .. } => true,
            Error::CannotOpen { .. }
            | Error::Missing { .. }
            | Error::NewerVersion { .. }
            | Error::OlderVersion { .. }
            | Error::OtherAccount { .. }
            | Error::Erased { .. }
            | Error::Corrupt { .. }
            | Error::NotADatabase { .. }
            | Error::Foreign { .. }
            | Error::ReadOnly { .. }
            | Error::Moved { .. }
            | Error::UnknownDataset { .. }
            | Error::Unusable { .. }
            | Error::Refused { .. }
            | Error::Closed => false,
        }
    }
}
