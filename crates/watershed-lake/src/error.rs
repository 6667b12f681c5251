//! What a file store fails with.

use std::io;
use std::path::Path;

/// What a file store fails with. Messages name the place, and no secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no room.
    #[error("there is no room for files at {place}")]
    Full {
        /// The folder or store.
        place: String,
    },
    /// Several processes, or tasks of this one, are bringing the file in.
    #[error("several others are bringing this file in")]
    Busy,
    /// The object store does not answer: later it may.
    #[error("files at {place}: {why}")]
    Unreachable {
        /// The store.
        place: String,
        /// What was said.
        why: String,
    },
    /// The folder or store refuses.
    #[error("files at {place}: {why}")]
    Unusable {
        /// The folder or store.
        place: String,
        /// What was said.
        why: String,
    },
}

impl Error {
    /// Of a folder of this machine.
    pub(crate) fn of(place: &Path, error: &io::Error) -> Error {
        let place = place.display().to_string();
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Error::Full { place },
            _ => Error::Unusable { place, why: error.to_string() },
        }
    }
}
