//! The ledger on a file: one transaction a command, readers beside the writer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};
use watershed_ledger::{
    Command, Error, Ledger, Pending, ReadClock, Reply, RunLine, RunView, Walked, WorkerView,
    decide, lines, view, workers,
};
use watershed_model::{AccountId, Millis, RunId};

use crate::fault::fault;
use crate::forget;
use crate::opening;
use crate::rows::{Plans, SqliteTables};
use crate::walk::walk;

/// A ledger on an embedded SQLite file. Several processes may open it.
#[derive(Clone)]
pub struct SqliteLedger {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    clock: ReadClock,
    writer: Mutex<Open>,
    reader: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    connection: Option<Connection>,
    plans: Plans,
}

impl SqliteLedger {
    /// Opens the file, makes it where there is none, brings it to this program's version.
    ///
    /// # Errors
    /// [`Error::Version`] for a file of a newer program, [`Error::Corrupt`] for one that is
    /// no ledger, [`Error::Unreachable`] and [`Error::Full`] where the disk does not allow it.
    pub fn open(path: &Path, clock: ReadClock) -> Result<Self, Error> {
        let connection = opening::open(path)?;
        let writer = Open { connection: Some(connection), plans: Plans::new() };
        Ok(Self::of(path, clock, writer))
    }

    /// Opens the file only to look at it; `None` where there is none. Commands are refused by
    /// the file's own read-only mode only if it is read-only: they open it for writing.
    ///
    /// # Errors
    /// As [`SqliteLedger::open`].
    pub fn open_existing(path: &Path, clock: ReadClock) -> Result<Option<Self>, Error> {
        match opening::open_to_read(path)? {
            Some(_) => Ok(Some(Self::of(path, clock, Open::default()))),
            None => Ok(None),
        }
    }

    fn of(path: &Path, clock: ReadClock, writer: Open) -> Self {
        let shared = Shared {
            path: path.to_owned(),
            clock,
            writer: Mutex::new(writer),
            reader: Mutex::default(),
        };
        SqliteLedger { shared: Arc::new(shared) }
    }

    /// Carries a command out at that time, on this thread.
    ///
    /// # Errors
    /// The rules', and the file's.
    pub fn execute_at(&self, command: &Command, now: Millis) -> Result<Reply, Error> {
        self.shared.write(command, now)
    }

    /// Compares what is counted with what is there, on this thread. Changes nothing.
    ///
    /// # Errors
    /// The file's.
    pub fn walk(&self) -> Result<Walked, Error> {
        self.shared.read(|tables| walk(tables))
    }

    /// Forgets all runs of an account and what is open of them, and writes the file anew, on this
    /// thread: no byte of it is left. The account's budget stays.
    ///
    /// # Errors
    /// The file's; [`Error::Unreachable`] while another process reads it all the time.
    pub fn forget(&self, account: &AccountId) -> Result<(), Error> {
        let mut open = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match open.connection.take() {
            Some(connection) => connection,
            None => opening::open(&self.shared.path)?,
        };
        // One that failed is closed, and opened anew by whoever writes next.
        forget::forget(&mut connection, &self.shared.path, account)?;
        open.connection = Some(connection);
        Ok(())
    }

    /// A run as it stood at that time, on this thread.
    ///
    /// # Errors
    /// The file's.
    pub fn run_at(&self, run: &RunId, now: Millis) -> Result<Option<RunView>, Error> {
        self.shared.read(|tables| view(tables, run, now))
    }

    /// The workers that it has heard of, on this thread.
    ///
    /// # Errors
    /// The file's.
    pub fn heard_of(&self) -> Result<Vec<WorkerView>, Error> {
        self.shared.read(|tables| workers(tables))
    }
}

impl Shared {
    fn write(&self, command: &Command, now: Millis) -> Result<Reply, Error> {
        let mut open = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match open.connection.take() {
            Some(connection) => connection,
            None => opening::open(&self.path)?,
        };
        let failed = |error: rusqlite::Error| fault(&self.path, &error);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut tables = SqliteTables::of(&transaction, &self.path, &mut open.plans);
        let decided = decide(&mut tables, command, now);
        let reply = match decided.and_then(|reply| tables.flush().map(|()| reply)) {
            Ok(reply) => reply,
            Err(error) => {
                // Dropped, the transaction is rolled back: nothing has changed.
                drop(transaction);
                open.connection = Some(connection);
                return Err(error);
            }
        };
        // After a commit that failed the connection is closed and opened anew, never asked
        // to commit the same pages again: what the disk then holds is not known.
        transaction.commit().map_err(failed)?;
        open.connection = Some(connection);
        Ok(reply)
    }

    fn read<T>(
        &self,
        look: impl FnOnce(&mut SqliteTables<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut open = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match open.connection.take() {
            Some(connection) => connection,
            None => opening::open_to_read(&self.path)?.ok_or_else(|| Error::Unreachable {
                place: self.path.display().to_string(),
                why: "the file is gone".to_owned(),
            })?,
        };
        let failed = |error: rusqlite::Error| fault(&self.path, &error);
        let transaction = connection.transaction().map_err(failed)?;
        let mut tables = SqliteTables::of(&transaction, &self.path, &mut open.plans);
        let seen = look(&mut tables)?;
        drop(transaction);
        open.connection = Some(connection);
        Ok(seen)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        let place = "the ledger's thread".to_owned();
        Err(Error::Unreachable { place, why: error.to_string() })
    })
}

impl Ledger for SqliteLedger {
    fn execute(&self, command: Command) -> Pending<'_, Reply> {
        let shared = self.shared.clone();
        Box::pin(blocking(move || shared.write(&command, (shared.clock)())))
    }

    fn run(&self, run: &RunId) -> Pending<'_, Option<RunView>> {
        let (shared, run) = (self.shared.clone(), run.clone());
        Box::pin(blocking(move || shared.read(|tables| view(tables, &run, (shared.clock)()))))
    }

    fn runs(&self) -> Pending<'_, Vec<RunLine>> {
        let shared = self.shared.clone();
        Box::pin(blocking(move || shared.read(|tables| lines(tables))))
    }

    fn workers(&self) -> Pending<'_, Vec<WorkerView>> {
        let shared = self.shared.clone();
        Box::pin(blocking(move || shared.read(|tables| workers(tables))))
    }

    fn now(&self) -> Pending<'_, Millis> {
        let now = (self.shared.clock)();
        Box::pin(async move { Ok(now) })
    }
}
