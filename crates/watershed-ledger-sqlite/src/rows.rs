//! Statements on one SQLite transaction, and what was read or is to be written in it.
//!
//! Statements are files under `sql/`, prepared once a connection. What a command reads more
//! than once it reads once; what it changes more than once is written once, before the
//! transaction ends or a lookup needs it. Nothing of it outlives the transaction: another
//! process may write next.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, named_params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use watershed_ledger::Error;
use watershed_ledger::tables::{Budget, RunRecord, Scope, ScopeId, Task, TaskId, WorkerRecord};
use watershed_model::{AccountId, Plan, PlanHash, RunId, WorkerId};

use crate::chunks::Chunks;
use crate::fault::fault;
use crate::numbers::Numbers;
use crate::shrink;

/// Plans read once a process: they never change.
pub(crate) type Plans = BTreeMap<PlanHash, Arc<Plan>>;

macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!("../sql/", $name, ".sql"))
    };
}
pub(crate) use sql;

/// The tables, inside a transaction that the caller begins and ends.
pub(crate) struct SqliteTables<'a> {
    connection: &'a Connection,
    place: &'a Path,
    pub(crate) plans: &'a mut Plans,
    pub(crate) numbers: Numbers,
    pub(crate) chunks: Chunks,
    pub(crate) runs: HashMap<RunId, RunRecord>,
    pub(crate) tasks: HashMap<TaskId, Task>,
    pub(crate) workers: HashMap<WorkerId, WorkerRecord>,
    pub(crate) scopes: HashMap<ScopeId, Later<Scope>>,
    pub(crate) budgets: HashMap<AccountId, Later<Budget>>,
    pub(crate) last_id: Option<u64>,
}

/// A record, and whether it is still to be written.
pub(crate) struct Later<T> {
    pub(crate) record: T,
    pub(crate) unwritten: bool,
}

impl<'a> SqliteTables<'a> {
    /// The tables of a transaction on the file at `place`.
    pub(crate) fn of(connection: &'a Connection, place: &'a Path, plans: &'a mut Plans) -> Self {
        SqliteTables {
            connection,
            place,
            plans,
            numbers: Numbers::default(),
            chunks: Chunks::default(),
            runs: HashMap::new(),
            tasks: HashMap::new(),
            workers: HashMap::new(),
            scopes: HashMap::new(),
            budgets: HashMap::new(),
            last_id: None,
        }
    }

    /// Writes what is still to be written, and gives room back. Without it the transaction must
    /// not be committed.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        self.write_chunks()?;
        self.write_items()?;
        for (id, scope) in self.scopes.iter().filter(|(_, scope)| scope.unwritten) {
            let params = named_params! {":id": signed(id.0), ":body": json(&scope.record)};
            self.run_sql(sql!("scope_move"), params)?;
        }
        for (account, budget) in self.budgets.iter().filter(|(_, budget)| budget.unwritten) {
            let body = json(&budget.record);
            let params = named_params! {":account": account.as_str(), ":body": body};
            self.run_sql(sql!("budget_put"), params)?;
        }
        if let Some(id) = self.last_id {
            self.run_sql(sql!("last_id_put"), named_params! {":id": signed(id)})?;
        }
        self.scopes.clear();
        self.budgets.clear();
        self.last_id = None;
        if self.chunks.finished {
            shrink::step(self.connection).map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    pub(crate) fn failed(&self, error: &rusqlite::Error) -> Error {
        fault(self.place, error)
    }

    /// The file holds what this program never writes.
    pub(crate) fn corrupt(&self, why: impl ToString) -> Error {
        Error::Corrupt { place: self.place.display().to_string(), why: why.to_string() }
    }

    pub(crate) fn prepared(&self, sql: &str) -> Result<CachedStatement<'_>, Error> {
        self.connection.prepare_cached(sql).map_err(|e| self.failed(&e))
    }

    /// Carries a statement out; tells how many rows it changed.
    pub(crate) fn run_sql(&self, sql: &str, params: impl Params) -> Result<usize, Error> {
        self.prepared(sql)?.execute(params).map_err(|e| self.failed(&e))
    }

    /// The first row that a statement finds.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Error> {
        self.prepared(sql)?.query_row(params, read).optional().map_err(|e| self.failed(&e))
    }

    /// All rows that a statement finds.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Error> {
        self.prepared(sql)?
            .query_map(params, read)
            .and_then(Iterator::collect)
            .map_err(|e| self.failed(&e))
    }

    /// The record in the first column of the first row that a statement finds.
    pub(crate) fn body<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, Error> {
        let read = |row: &Row<'_>| {
            let text = row.get_ref(0)?.as_str()?;
            Ok(serde_json::from_str(text))
        };
        self.one(sql, params, read)?.transpose().map_err(|error| self.corrupt(error))
    }

    /// The records in the first column of all rows that a statement finds.
    pub(crate) fn bodies<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<T>, Error> {
        let read = |row: &Row<'_>| {
            let text = row.get_ref(0)?.as_str()?;
            Ok(serde_json::from_str(text))
        };
        let records = self.all(sql, params, read)?;
        records.into_iter().collect::<Result<_, _>>().map_err(|error| self.corrupt(error))
    }
}

/// A record as it is stored.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records of the ledger are plain data")
}

/// Hashes and ids use all 64 bits; SQLite's numbers are signed.
pub(crate) fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// How many rows at most.
pub(crate) fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

/// An id in the first column.
pub(crate) fn id_column(row: &Row<'_>) -> rusqlite::Result<u64> {
    row.get::<_, i64>(0).map(i64::cast_unsigned)
}
