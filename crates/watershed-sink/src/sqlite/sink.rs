//! The SQLite sink: opening it, and the trait's methods as acts on its connections.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::OnceCell;
use watershed_model::{
    AccountId, Audit, Catalogue, ConnectionName, Coverage, DayCalls, DeadLetter, KnownTick,
    LeftOut, LetterId, Millis, PlanHash, RunCoverage, RunHead, RunId, RunRow, ScheduleKey,
};

use super::audit;
use super::erase;
use super::fault::Fault;
use super::layout::bring_up_to_date;
use super::opening::{Access, Place};
use super::table::Tables;
use super::thread::{Hand, Keeper, yield_to_all};
use super::{read, stored, ticks, write};
use crate::{
    Ask, AuditEntry, Batch, CoverageCount, CoverageFilter, Decision, Erasure, Error, FailureFilter,
    Health, ListedRow, ListingKey, Member, MemberKey, Missing, Pending, Reading, RowKey, Sink,
    Stored, StoredRow,
};

/// A sink on one SQLite file, which any number of processes may have open.
///
/// Dropped, it waits for what is under way and closes the file. The last one to close it
/// leaves one file, without a journal beside it.
pub struct SqliteSink {
    place: Place,
    tables: Arc<Tables>,
    /// `None`: in memory, where there is but one connection. Stands before the writer, so
    /// that it closes first: only who may write can bring the journal into the file.
    reader: Option<Hand>,
    /// Looks through whole tables, which takes seconds in a large file; whoever reads a row waits
    /// for none of it. Opened when something is counted first.
    counter: OnceCell<Hand>,
    /// `None`: it was opened to be read.
    writer: Option<Hand>,
}

impl SqliteSink {
    /// Opens the file, makes it (for its owner alone) where there is none, and brings it up
    /// to date with this program and catalogue.
    ///
    /// # Errors
    /// [`Error::NewerVersion`], [`Error::Foreign`], [`Error::NotADatabase`]: it was left as
    /// it is. [`Error::CannotOpen`] and the rest: what the system says.
    pub async fn open(path: &Path, catalogue: Catalogue) -> Result<SqliteSink, Error> {
        let place = Place::File(path.to_owned());
        let tables = Arc::new(Tables::of(catalogue));
        let writer = start_writer(&place, &tables).await?;
        let reader = start_reader(&place).await?;
        Ok(SqliteSink {
            place,
            tables,
            writer: Some(writer),
            reader: Some(reader),
            counter: OnceCell::new(),
        })
    }

    /// Opens a file to read it only; every method that writes is [`Error::ReadOnly`].
    ///
    /// # Errors
    /// [`Error::Missing`], and [`Error::OlderVersion`] for a file to be brought up to date
    /// first; otherwise as [`SqliteSink::open`].
    pub async fn open_read_only(path: &Path, catalogue: Catalogue) -> Result<SqliteSink, Error> {
        let place = Place::File(path.to_owned());
        let tables = Arc::new(Tables::of(catalogue));
        let reader = start_reader(&place).await?;
        Ok(SqliteSink {
            place,
            tables,
            writer: None,
            reader: Some(reader),
            counter: OnceCell::new(),
        })
    }

    /// A sink that is gone when it is dropped: for rehearsals and tests.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no memory or no thread for it.
    pub async fn in_memory(catalogue: Catalogue) -> Result<SqliteSink, Error> {
        let place = Place::Memory;
        let tables = Arc::new(Tables::of(catalogue));
        let writer = start_writer(&place, &tables).await?;
        Ok(SqliteSink {
            place,
            tables,
            writer: Some(writer),
            reader: None,
            counter: OnceCell::new(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn on_writer<'a, T: Send + 'static>(
        &'a self,
        act: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Pending<'a, T> {
        match &self.writer {
            Some(writer) => writer.ask(act),
            None => {
                let path = self.path().to_owned();
                Box::pin(async move { Err(Error::ReadOnly { path }) })
            }
        }
    }

    pub(super) fn on_reader<'a, T: Send + 'static>(
        &'a self,
        act: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Pending<'a, T> {
        match &self.reader {
            Some(reader) => reader.ask(act),
            None => self.on_writer(act),
        }
    }

    pub(super) fn on_counter<'a, T: Send + 'static>(
        &'a self,
        act: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Pending<'a, T> {
        if self.reader.is_none() {
            return self.on_writer(act);
        }
        Box::pin(async move {
            self.counter.get_or_try_init(|| start_counter(&self.place)).await?.ask(act).await
        })
    }
}

async fn start_writer(place: &Place, tables: &Arc<Tables>) -> Result<Hand, Error> {
    let (at, tables) = (place.clone(), Arc::clone(tables));
    Hand::start("sink-writer", place, move || {
        at.make()?;
        let mut connection = at.connect(Access::Write)?;
        bring_up_to_date(&mut connection, &tables).map_err(|fault| fault.at(at.path()))?;
        Ok(Keeper::new(at, Access::Write, connection))
    })
    .await
}

async fn start_counter(place: &Place) -> Result<Hand, Error> {
    let at = place.clone();
    Hand::start("sink-counter", place, move || {
        yield_to_all();
        let connection = at.connect(Access::Read)?;
        Ok(Keeper::new(at, Access::Read, connection))
    })
    .await
}

async fn start_reader(place: &Place) -> Result<Hand, Error> {
    let at = place.clone();
    Hand::start("sink-reader", place, move || {
        let connection = at.connect(Access::Read)?;
        Ok(Keeper::new(at, Access::Read, connection))
    })
    .await
}

impl Sink for SqliteSink {
    fn write(&self, batch: Arc<Batch>) -> Pending<'_, ()> {
        let tables = Arc::clone(&self.tables);
        self.on_writer(move |connection| write::write(connection, &tables, &batch))
    }

    fn covered(&self, asks: Vec<Ask>) -> Pending<'_, Vec<Option<Coverage>>> {
        self.on_reader(move |connection| read::covered(connection, &asks))
    }

    fn listed(
        &self,
        listing: ListingKey,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Option<Vec<ListedRow>>> {
        let tables = Arc::clone(&self.tables);
        self.on_reader(move |connection| {
            read::listed(connection, &tables, &listing, after.as_deref(), limit)
        })
    }

    fn bind_account(&self, connection: ConnectionName, account: AccountId) -> Pending<'_, ()> {
        self.on_writer(move |writer| read::bind_account(writer, &connection, account))
    }

    fn account(&self, connection: ConnectionName) -> Pending<'_, Option<AccountId>> {
        self.on_reader(move |reader| read::account(reader, &connection))
    }

    fn days(&self, account: AccountId, limit: u32) -> Pending<'_, Vec<DayCalls>> {
        self.on_reader(move |reader| read::days(reader, &account, limit))
    }

    fn left_out(&self, connection: ConnectionName) -> Pending<'_, Vec<LeftOut>> {
        self.on_reader(move |reader| read::left_out(reader, &connection))
    }

    fn put_run(&self, run: RunRow) -> Pending<'_, ()> {
        self.on_writer(move |connection| write::put_run(connection, &run))
    }

    fn run(&self, id: RunId) -> Pending<'_, Option<RunRow>> {
        self.on_reader(move |connection| read::run(connection, &id))
    }

    fn runs(&self, connection: Option<ConnectionName>, limit: u32) -> Pending<'_, Vec<RunRow>> {
        self.on_reader(move |reader| read::runs(reader, connection.as_ref(), limit))
    }

    fn run_heads(
        &self,
        connection: Option<ConnectionName>,
        limit: u32,
    ) -> Pending<'_, Vec<RunHead>> {
        self.on_reader(move |reader| read::run_heads(reader, connection.as_ref(), limit))
    }

    fn unfinished(
        &self,
        connection: ConnectionName,
        plan: PlanHash,
        inputs: BTreeMap<String, Value>,
    ) -> Pending<'_, Option<RunRow>> {
        self.on_reader(move |reader| read::unfinished(reader, &connection, &plan, &inputs))
    }

    fn decided_until(&self, schedule: ScheduleKey, now: Millis) -> Pending<'_, Millis> {
        self.on_writer(move |writer| ticks::decided_until(writer, &schedule, now))
    }

    fn decide(&self, decision: Decision) -> Pending<'_, bool> {
        self.on_writer(move |writer| ticks::decide(writer, &decision))
    }

    fn open_ticks(
        &self,
        workflow: String,
        connection: ConnectionName,
    ) -> Pending<'_, Vec<KnownTick>> {
        self.on_reader(move |reader| ticks::open(reader, &workflow, &connection))
    }

    fn ticks(
        &self,
        workflow: String,
        connection: ConnectionName,
        limit: u32,
    ) -> Pending<'_, Vec<KnownTick>> {
        self.on_reader(move |reader| ticks::newest(reader, &workflow, &connection, limit))
    }

    fn failures(&self, filter: FailureFilter) -> Pending<'_, Vec<DeadLetter>> {
        self.on_reader(move |connection| read::failures(connection, &filter))
    }

    fn remove_failures(&self, ids: Vec<LetterId>) -> Pending<'_, ()> {
        self.on_writer(move |connection| write::remove_failures(connection, &ids))
    }

    fn coverage(
        &self,
        filter: CoverageFilter,
        after: Option<Ask>,
        limit: u32,
    ) -> Pending<'_, Vec<Coverage>> {
        self.on_reader(move |connection| read::coverage(connection, &filter, after.as_ref(), limit))
    }

    fn coverage_counts(&self, filter: CoverageFilter) -> Pending<'_, Vec<CoverageCount>> {
        self.on_counter(move |connection| read::coverage_counts(connection, &filter))
    }

    fn coverage_by_run(&self, connection: ConnectionName) -> Pending<'_, Vec<RunCoverage>> {
        self.on_counter(move |reader| read::coverage_by_run(reader, &connection))
    }

    fn counts(&self, connection: ConnectionName) -> Pending<'_, BTreeMap<String, u64>> {
        let tables = Arc::clone(&self.tables);
        self.on_counter(move |reader| read::counts(reader, &tables, &connection))
    }

    fn accounts(&self) -> Pending<'_, BTreeMap<ConnectionName, AccountId>> {
        self.on_reader(|reader| stored::accounts(reader))
    }

    fn rows(
        &self,
        dataset: String,
        after: Option<RowKey>,
        limit: u32,
    ) -> Pending<'_, Vec<StoredRow>> {
        let tables = Arc::clone(&self.tables);
        self.on_reader(move |reader| stored::rows(reader, &tables, &dataset, after.as_ref(), limit))
    }

    fn missing(
        &self,
        missing: Missing,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Vec<StoredRow>> {
        let tables = Arc::clone(&self.tables);
        self.on_reader(move |reader| {
            stored::missing(reader, &tables, &missing, after.as_deref(), limit)
        })
    }

    fn readings(&self, after: Option<i64>, limit: u32) -> Pending<'_, Vec<Reading>> {
        self.on_reader(move |reader| stored::readings(reader, after, limit))
    }

    fn members(&self, after: Option<MemberKey>, limit: u32) -> Pending<'_, Vec<Member>> {
        self.on_reader(move |reader| stored::members(reader, after.as_ref(), limit))
    }

    fn letters(&self, after: Option<LetterId>, limit: u32) -> Pending<'_, Vec<DeadLetter>> {
        self.on_reader(move |reader| stored::letters(reader, after.as_ref(), limit))
    }

    fn restore(&self, stored: Stored) -> Pending<'_, ()> {
        let tables = Arc::clone(&self.tables);
        self.on_writer(move |writer| stored::restore(writer, &tables, &stored))
    }

    fn audit(&self, audit: Audit) -> Pending<'_, ()> {
        self.on_writer(move |writer| audit::add(writer, &audit))
    }

    fn audited(&self, after: u64, limit: u32) -> Pending<'_, Vec<AuditEntry>> {
        self.on_reader(move |reader| audit::audited(reader, after, limit))
    }

    fn erase(&self, erasure: Erasure) -> Pending<'_, ()> {
        let tables = Arc::clone(&self.tables);
        self.on_writer(move |writer| erase::erase(writer, &tables, &erasure))
    }

    fn compact(&self) -> Pending<'_, ()> {
        self.on_writer(|writer| erase::compact(writer))
    }

    fn check(&self) -> Pending<'_, Health> {
        let path: PathBuf = self.path().to_owned();
        let act = move |connection: &mut Connection| read::check(connection, &path);
        // Of the connection that acknowledges, where there is one.
        if self.writer.is_some() { self.on_writer(act) } else { self.on_reader(act) }
    }
}
