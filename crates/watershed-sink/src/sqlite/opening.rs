//! How the file is made, recognised and opened.
//!
//! Guarantees: a file of another program is left as it is, byte for byte; ours is readable
//! by its owner alone; no connection ever writes with less than `synchronous=FULL`.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::fault::Fault;
use super::layout::version;
use crate::Error;

/// `WSNK`: marks the file as a sink of this program (`PRAGMA application_id`).
const APPLICATION_ID: i64 = 0x5753_4e4b;

/// 10 s: another process that writes holds the lock for one batch, some milliseconds; what
/// holds it for longer is a checkpoint on a slow disk, or stuck.
const BUSY_MAX: Duration = Duration::from_secs(10);

/// Another process makes the file in some milliseconds.
const BUSY_AGAIN: Duration = Duration::from_millis(5);

/// Above the number of distinct statements: four a dataset, and the files under `sql/`.
const STATEMENTS_KEPT: usize = 128;

/// What the connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    Read,
}

/// Where the sink lives.
#[derive(Debug, Clone)]
pub(super) enum Place {
    File(PathBuf),
    Memory,
}

impl Place {
    /// The file, for messages.
    pub(super) fn path(&self) -> &Path {
        match self {
            Place::File(path) => path,
            Place::Memory => Path::new(":memory:"),
        }
    }

    /// Makes the file and its directories where they are missing, for the owner alone.
    pub(super) fn make(&self) -> Result<(), Error> {
        let Place::File(path) = self else { return Ok(()) };
        make_file(path)
            .map_err(|source| Error::CannotOpen { path: path.clone(), source: source.into() })
    }

    /// A connection to what is there already. Its format is known, or it is new and empty.
    pub(super) fn connect(&self, access: Access) -> Result<Connection, Error> {
        if let Place::File(path) = self
            && !path.exists()
        {
            return Err(Error::Missing { path: path.clone() });
        }
        self.try_connect(access).map_err(|fault| fault.at(self.path()))
    }

    fn try_connect(&self, access: Access) -> Result<Connection, Fault> {
        let connection = match self {
            Place::Memory => Connection::open_in_memory()?,
            Place::File(path) => {
                let rights = match access {
                    Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
                    Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
                };
                Connection::open_with_flags(path, rights | OpenFlags::SQLITE_OPEN_NO_MUTEX)?
            }
        };
        connection.busy_timeout(BUSY_MAX)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        recognise(&connection, self.path(), access)?;
        if access == Access::Write {
            prepare_to_write(&connection)?;
        }
        Ok(connection)
    }

    /// What tells this file from another one that takes its place; `None`: nothing does.
    pub(super) fn identity(&self) -> Option<Identity> {
        match self {
            Place::File(path) => identity(path),
            Place::Memory => None,
        }
    }
}

/// Device and inode.
pub(super) type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(_path: &Path) -> Option<Identity> {
    None
}

fn make_file(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(directory) = directory {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // SQLite gives the journal beside it the same rights.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => {
            file.sync_all()?;
            sync_directory(directory.unwrap_or(Path::new(".")))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// A new name survives a power loss only once its directory is on the disk.
fn sync_directory(directory: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// Refuses what is not ours or too new, before anything is written.
fn recognise(connection: &Connection, path: &Path, access: Access) -> Result<(), Fault> {
    // All of one moment: another process may be making the file just now.
    let moment = connection.unchecked_transaction()?;
    let header = |name| moment.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = header("application_id")?;
    let found = header("user_version")?;
    let path = path.to_owned();
    if application != APPLICATION_ID {
        let things: i64 =
            moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if application != 0 || found != 0 || things != 0 {
            return Err(Error::Foreign { path }.into());
        }
    }
    let found = u32::try_from(found)
        .map_err(|_| Fault::Unreadable(format!("its format is said to be {found}")))?;
    if found > version() {
        return Err(Error::NewerVersion { path, found, known: version() }.into());
    }
    if found < version() && access == Access::Read {
        return Err(Error::OlderVersion { path, found, known: version() }.into());
    }
    Ok(())
}

fn prepare_to_write(connection: &Connection) -> rusqlite::Result<()> {
    keep_journal(connection)?;
    connection.pragma_update(None, "synchronous", "full")?;
    // macOS: fsync alone leaves the data in the drive's own cache.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    // 64 MiB: what a long read made the journal grow by is given back.
    connection.pragma_update(None, "journal_size_limit", 64 << 20)
}

/// Writes ahead. SQLite waits for nobody while it changes that, whatever was said of waiting: of
/// two processes that make the file at once, one is told that it is busy.
fn keep_journal(connection: &Connection) -> rusqlite::Result<()> {
    let until = Instant::now() + BUSY_MAX;
    loop {
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        // Changing it takes the file's lock; asking does not.
        if mode == "wal" || mode == "memory" {
            return Ok(());
        }
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < until =>
            {
                std::thread::sleep(BUSY_AGAIN);
            }
            done => return done,
        }
    }
}

/// Marks the file as ours.
pub(super) fn mark(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)
}
