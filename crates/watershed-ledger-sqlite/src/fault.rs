//! SQLite's errors, by what is to be done about them.

use std::path::Path;

use rusqlite::ErrorCode;
use watershed_ledger::Error;

/// What an error of SQLite means for the ledger at `place`.
pub(crate) fn fault(place: &Path, error: &rusqlite::Error) -> Error {
    let place = place.display().to_string();
    let why = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::Full { place },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt { place, why },
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory,
        ) => Error::Unreachable { place, why },
        // A statement of ours that does not fit the file: its content is not ours.
        _ => Error::Corrupt { place, why },
    }
}
