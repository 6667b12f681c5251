//! What SQLite says, as what the caller does about it.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::Error;

/// Why an act on a connection failed, before it is known which file it was.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite said so.
    Sqlite(rusqlite::Error),
    /// A stored value is not what this crate writes there.
    Unreadable(String),
    /// Known already.
    Sink(Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Sqlite(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Sink(error)
    }
}

impl Fault {
    /// The error, of this file.
    pub(super) fn at(self, path: &Path) -> Error {
        let path = path.to_owned();
        match self {
            Fault::Sink(error) => error,
            Fault::Unreadable(message) => Error::Corrupt { path, message },
            Fault::Sqlite(error) => match code(&error) {
                Some(ErrorCode::DiskFull) => Error::Full { path },
                Some(
                    ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::FileLockingProtocolFailed,
                ) => Error::Busy { path },
                Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory) => {
                    Error::Io { path, source: error.into() }
                }
                Some(ErrorCode::CannotOpen) => Error::CannotOpen { path, source: error.into() },
                Some(ErrorCode::NotADatabase) => Error::NotADatabase { path },
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Error::ReadOnly { path },
                Some(ErrorCode::DatabaseCorrupt) => {
                    Error::Corrupt { path, message: error.to_string() }
                }
                Some(_) => Error::Refused { path, message: error.to_string() },
                // A stored value of another type than this crate writes there.
                None => Error::Corrupt { path, message: error.to_string() },
            },
        }
    }
}

fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => Some(failure.code),
        rusqlite::Error::SqlInputError { error, .. } => Some(error.code),
        _ => None,
    }
}
