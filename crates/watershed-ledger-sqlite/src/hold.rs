//! The right to execute on a state file: an operating-system lock, gone with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use watershed_ledger::Error;

/// The right, held until dropped (or until the process dies, however it dies).
#[derive(Debug)]
pub struct Hold {
    _file: File,
}

/// Takes the right to execute on the state file at `path`.
///
/// # Errors
/// [`Error::Held`] where another process has it, naming that process;
/// [`Error::Unreachable`] where the lock file cannot be made.
pub fn hold(path: &Path) -> Result<Hold, Error> {
    let place = lock_path(path);
    let failed = |error: std::io::Error| Error::Unreachable {
        place: place.display().to_string(),
        why: error.to_string(),
    };
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&place)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who holds it is told for the operator's sake only.
            let _ = file.read_to_string(&mut holder);
            return Err(Error::Held { path: path.to_owned(), holder: holder.trim().to_owned() });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    write!(file, "process {}", std::process::id()).map_err(failed)?;
    Ok(Hold { _file: file })
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    path.with_file_name(name)
}
