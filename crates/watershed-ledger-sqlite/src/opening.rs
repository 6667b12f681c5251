//! Opening a state file: pragmas, whose file it is, which version.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use watershed_ledger::Error;

use crate::fault::fault;
use crate::hold::hold;
use crate::migrations::{self, APPLICATION_ID, version};
use crate::shrink;

/// How long one process waits for another's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements kept.
const STATEMENTS_MAX: usize = 128;

/// Opens the file for writing; makes it where there is none.
pub(crate) fn open(path: &Path) -> Result<Connection, Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::Unreachable {
            place: folder.display().to_string(),
            why: error.to_string(),
        })?;
    }
    private(path)?;
    let failed = |error| fault(path, &error);
    let mut connection = Connection::open(path).map_err(failed)?;
    settings(&connection).map_err(failed)?;
    check(path, &connection)?;
    // FULL: a settle that was acknowledged stays, also over a loss of power.
    connection
        .execute_batch(
            "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;
             PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 8388608;",
        )
        .map_err(failed)?;
    migrations::migrate(&mut connection).map_err(failed)?;
    shrink::prepare(&connection);
    Ok(connection)
}

/// Opens the file for reading, beside whoever writes; `None` where there is no file. One of an
/// older program is brought along first, unless somebody executes on it.
pub(crate) fn open_to_read(path: &Path) -> Result<Option<Connection>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    let failed = |error| fault(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    settings(&connection).map_err(failed)?;
    if check(path, &connection)? < version() {
        let _held = hold(path)?;
        drop(open(path)?);
    }
    Ok(Some(connection))
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Without it SQLite may plan a statement anew for each value that is bound to it: a third
    // of an exchange's time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// An account's state is nobody else's: made before SQLite would make it readable to all.
fn private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map(|_| ())
        .map_err(|error| Error::Unreachable {
            place: path.display().to_string(),
            why: error.to_string(),
        })
}

/// Whether it is a file of ours that this program knows; tells its version.
fn check(path: &Path, connection: &Connection) -> Result<u32, Error> {
    let failed = |error| fault(path, &error);
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let found = number("user_version").map_err(failed)?;
    let application = number("application_id").map_err(failed)?;
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(Error::Corrupt {
            place: path.display().to_string(),
            why: "it is a database, but not a Watershed ledger".to_owned(),
        });
    }
    if found > version() {
        let place = path.display().to_string();
        return Err(Error::Version { place, found, known: version() });
    }
    Ok(found)
}
