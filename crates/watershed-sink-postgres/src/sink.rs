//! The PostgreSQL sink: opening it, and the trait's methods as acts on a connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use deadpool_postgres::Pool;
use serde_json::Value;
use watershed_model::{
    AccountId, Audit, Catalogue, ConnectionName, Coverage, DayCalls, DeadLetter, KnownTick,
    LeftOut, LetterId, Millis, PlanHash, RunCoverage, RunHead, RunId, RunRow, ScheduleKey,
};
use watershed_sink::{
    Ask, AuditEntry, Batch, CoverageCount, CoverageFilter, Decision, Erasure, Error, FailureFilter,
    Health, ListedRow, ListingKey, Member, MemberKey, Missing, Pending, Reading, RowKey, Sink,
    Stored, StoredRow,
};

use crate::fault::Fault;
use crate::layout::bring_up_to_date;
use crate::opening::{examine, may_be_made, recognise, up_to_date};
use crate::place::Place;
use crate::pool::{Access, begin, client, pool, within};
use crate::table::Tables;
use crate::{audit, erase, read, stored, ticks, write};

/// A sink in a PostgreSQL database, which any number of processes may have open.
///
/// It keeps a few connections, makes them when they are needed, and makes new ones after the
/// server was gone.
pub struct PostgresSink {
    pool: Pool,
    tables: Tables,
    access: Access,
    shown: String,
}

impl PostgresSink {
    /// Opens the database, makes the tables where there are none, and brings them up to date
    /// with this program and catalogue.
    ///
    /// `url` is `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, which must be there already. A
    /// host that is not this machine must prove by its certificate who it is, unless
    /// `?sslmode=` says otherwise; `&sslrootcert=` names a file of authorities.
    ///
    /// # Errors
    /// [`Error::Unusable`]: the server, the credentials or the URL do not serve, and it says what
    /// to do. [`Error::NewerVersion`]: the tables were left as they are. Where
    /// [`Error::waits`]: the server does not answer now.
    pub async fn open(url: &str, catalogue: Catalogue) -> Result<PostgresSink, Error> {
        PostgresSink::connect(url, catalogue, Access::Write).await
    }

    /// Opens a database to read it only; every method that writes is [`Error::ReadOnly`]. A
    /// replica will do.
    ///
    /// # Errors
    /// [`Error::OlderVersion`] for tables to be brought up to date first, of version 0 where
    /// there are none; otherwise as [`PostgresSink::open`].
    pub async fn open_read_only(url: &str, catalogue: Catalogue) -> Result<PostgresSink, Error> {
        PostgresSink::connect(url, catalogue, Access::Read).await
    }

    /// Whether [`PostgresSink::open`] would go well. Changes nothing.
    ///
    /// # Errors
    /// As [`PostgresSink::open`].
    pub async fn examine(url: &str, catalogue: Catalogue) -> Result<(), Error> {
        let place = Place::read(url)?;
        let seen = async {
            let pool = pool(&place, Access::Write)?;
            let mut client = client(&pool).await?;
            examine(&client, Access::Write).await?;
            begin(&mut client, &[]).await?.rollback().await?;
            let found = recognise(&client, &Tables::of(catalogue), &place.shown).await?;
            may_be_made(&client, &found).await
        };
        seen.await.map_err(|fault: Fault| fault.at(&place.shown))
    }

    /// The server and database, without credentials.
    pub fn place(&self) -> &str {
        &self.shown
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    async fn connect(
        url: &str,
        catalogue: Catalogue,
        access: Access,
    ) -> Result<PostgresSink, Error> {
        let place = Place::read(url)?;
        let pool = pool(&place, access).map_err(|fault| fault.at(&place.shown))?;
        let tables = Tables::of(catalogue);
        let sink = PostgresSink { pool, tables, access, shown: place.shown };
        sink.prepare().await.map_err(|fault| fault.at(&sink.shown))?;
        Ok(sink)
    }

    async fn prepare(&self) -> Result<(), Fault> {
        let mut client = client(&self.pool).await?;
        examine(&client, self.access).await?;
        match self.access {
            Access::Write => {
                // Also makes sure that a commit is kept.
                begin(&mut client, &[]).await?.rollback().await?;
                bring_up_to_date(&mut client, &self.tables, &self.shown).await
            }
            Access::Read => {
                let found = recognise(&client, &self.tables, &self.shown).await?;
                up_to_date(&found, &self.shown)
            }
        }
    }

    /// An act that writes.
    pub(crate) fn writing<'a, T: Send + 'a>(
        &'a self,
        act: impl Future<Output = Result<T, Fault>> + Send + 'a,
    ) -> Pending<'a, T> {
        match self.access {
            Access::Write => self.reading(act),
            Access::Read => {
                Box::pin(async { Err(Error::ReadOnly { path: self.shown.clone().into() }) })
            }
        }
    }

    /// An act that reads.
    pub(crate) fn reading<'a, T: Send + 'a>(
        &'a self,
        act: impl Future<Output = Result<T, Fault>> + Send + 'a,
    ) -> Pending<'a, T> {
        Box::pin(async move { within(act).await.map_err(|fault| fault.at(&self.shown)) })
    }
}

impl Sink for PostgresSink {
    fn write(&self, batch: Arc<Batch>) -> Pending<'_, ()> {
        self.writing(async move { write::write(&self.pool, &self.tables, &batch).await })
    }

    fn covered(&self, asks: Vec<Ask>) -> Pending<'_, Vec<Option<Coverage>>> {
        self.reading(async move { read::covered(&client(&self.pool).await?, &asks).await })
    }

    fn listed(
        &self,
        listing: ListingKey,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Option<Vec<ListedRow>>> {
        self.reading(async move {
            let client = client(&self.pool).await?;
            read::listed(&client, &self.tables, &listing, after.as_deref(), limit).await
        })
    }

    fn bind_account(&self, connection: ConnectionName, account: AccountId) -> Pending<'_, ()> {
        self.writing(async move { write::bind_account(&self.pool, &connection, account).await })
    }

    fn account(&self, connection: ConnectionName) -> Pending<'_, Option<AccountId>> {
        self.reading(async move { write::account(&client(&self.pool).await?, &connection).await })
    }

    fn days(&self, account: AccountId, limit: u32) -> Pending<'_, Vec<DayCalls>> {
        self.reading(async move { read::days(&client(&self.pool).await?, &account, limit).await })
    }

    fn left_out(&self, connection: ConnectionName) -> Pending<'_, Vec<LeftOut>> {
        self.reading(async move { read::left_out(&client(&self.pool).await?, &connection).await })
    }

    fn put_run(&self, run: RunRow) -> Pending<'_, ()> {
        self.writing(async move { write::put_run(&self.pool, &run).await })
    }

    fn run(&self, id: RunId) -> Pending<'_, Option<RunRow>> {
        self.reading(async move { read::run(&client(&self.pool).await?, &id).await })
    }

    fn runs(&self, connection: Option<ConnectionName>, limit: u32) -> Pending<'_, Vec<RunRow>> {
        self.reading(async move {
            read::runs(&client(&self.pool).await?, connection.as_ref(), limit).await
        })
    }

    fn run_heads(
        &self,
        connection: Option<ConnectionName>,
        limit: u32,
    ) -> Pending<'_, Vec<RunHead>> {
        self.reading(async move {
            read::run_heads(&client(&self.pool).await?, connection.as_ref(), limit).await
        })
    }

    fn unfinished(
        &self,
        connection: ConnectionName,
        plan: PlanHash,
        inputs: BTreeMap<String, Value>,
    ) -> Pending<'_, Option<RunRow>> {
        self.reading(async move {
            read::unfinished(&client(&self.pool).await?, &connection, &plan, &inputs).await
        })
    }

    fn decided_until(&self, schedule: ScheduleKey, now: Millis) -> Pending<'_, Millis> {
        self.writing(async move { ticks::decided_until(&self.pool, &schedule, now).await })
    }

    fn decide(&self, decision: Decision) -> Pending<'_, bool> {
        self.writing(async move { ticks::decide(&self.pool, &decision).await })
    }

    fn open_ticks(
        &self,
        workflow: String,
        connection: ConnectionName,
    ) -> Pending<'_, Vec<KnownTick>> {
        self.reading(async move {
            ticks::open(&client(&self.pool).await?, &workflow, &connection).await
        })
    }

    fn ticks(
        &self,
        workflow: String,
        connection: ConnectionName,
        limit: u32,
    ) -> Pending<'_, Vec<KnownTick>> {
        self.reading(async move {
            ticks::newest(&client(&self.pool).await?, &workflow, &connection, limit).await
        })
    }

    fn failures(&self, filter: FailureFilter) -> Pending<'_, Vec<DeadLetter>> {
        self.reading(async move { read::failures(&client(&self.pool).await?, &filter).await })
    }

    fn remove_failures(&self, ids: Vec<LetterId>) -> Pending<'_, ()> {
        self.writing(async move { write::remove_failures(&self.pool, &ids).await })
    }

    fn coverage(
        &self,
        filter: CoverageFilter,
        after: Option<Ask>,
        limit: u32,
    ) -> Pending<'_, Vec<Coverage>> {
        self.reading(async move {
            read::coverage(&client(&self.pool).await?, &filter, after.as_ref(), limit).await
        })
    }

    fn coverage_counts(&self, filter: CoverageFilter) -> Pending<'_, Vec<CoverageCount>> {
        self.reading(
            async move { read::coverage_counts(&client(&self.pool).await?, &filter).await },
        )
    }

    fn coverage_by_run(&self, connection: ConnectionName) -> Pending<'_, Vec<RunCoverage>> {
        self.reading(
            async move { read::coverage_by_run(&client(&self.pool).await?, &connection).await },
        )
    }

    fn counts(&self, connection: ConnectionName) -> Pending<'_, BTreeMap<String, u64>> {
        self.reading(async move {
            let mut client = client(&self.pool).await?;
            read::counts(&mut client, &self.tables, &connection, &self.shown).await
        })
    }

    fn accounts(&self) -> Pending<'_, BTreeMap<ConnectionName, AccountId>> {
        self.reading(async move { stored::accounts(&client(&self.pool).await?).await })
    }

    fn rows(
        &self,
        dataset: String,
        after: Option<RowKey>,
        limit: u32,
    ) -> Pending<'_, Vec<StoredRow>> {
        self.reading(async move {
            let client = client(&self.pool).await?;
            stored::rows(&client, &self.tables, &dataset, after.as_ref(), limit).await
        })
    }

    fn missing(
        &self,
        missing: Missing,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Vec<StoredRow>> {
        self.reading(async move {
            let client = client(&self.pool).await?;
            stored::missing(&client, &self.tables, &missing, after.as_deref(), limit).await
        })
    }

    fn readings(&self, after: Option<i64>, limit: u32) -> Pending<'_, Vec<Reading>> {
        self.reading(
            async move { stored::readings(&client(&self.pool).await?, after, limit).await },
        )
    }

    fn members(&self, after: Option<MemberKey>, limit: u32) -> Pending<'_, Vec<Member>> {
        self.reading(async move {
            stored::members(&client(&self.pool).await?, after.as_ref(), limit).await
        })
    }

    fn letters(&self, after: Option<LetterId>, limit: u32) -> Pending<'_, Vec<DeadLetter>> {
        self.reading(async move {
            stored::letters(&client(&self.pool).await?, after.as_ref(), limit).await
        })
    }

    fn restore(&self, stored: Stored) -> Pending<'_, ()> {
        self.writing(async move {
            match &stored {
                Stored::Audit(entries) => audit::restore(&self.pool, entries, &self.shown).await,
                stored => stored::restore(&self.pool, &self.tables, stored).await,
            }
        })
    }

    fn audit(&self, audit: Audit) -> Pending<'_, ()> {
        self.writing(async move { audit::add(&self.pool, &audit).await })
    }

    fn audited(&self, after: u64, limit: u32) -> Pending<'_, Vec<AuditEntry>> {
        self.reading(async move { audit::audited(&client(&self.pool).await?, after, limit).await })
    }

    fn erase(&self, erasure: Erasure) -> Pending<'_, ()> {
        self.writing(async move { erase::erase(&self.pool, &self.tables, &erasure).await })
    }

    fn compact(&self) -> Pending<'_, ()> {
        match self.access {
            // Takes as long as it takes: more than any other act may.
            Access::Write => Box::pin(async {
                let done = erase::compact(&self.pool, &self.tables).await;
                done.map_err(|fault| fault.at(&self.shown))
            }),
            Access::Read => self.writing(async { Ok(()) }),
        }
    }

    fn check(&self) -> Pending<'_, Health> {
        self.reading(async move {
            let mut client = client(&self.pool).await?;
            match self.access {
                Access::Write => {
                    let act = begin(&mut client, &[]).await?;
                    read::check(&act, &self.tables, &self.shown).await
                }
                Access::Read => read::check(&client, &self.tables, &self.shown).await,
            }
        })
    }
}
