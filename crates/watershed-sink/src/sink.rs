//! The sink: where rows land, and what is known of them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use watershed_model::{
    AccountId, Audit, ConnectionName, Coverage, DayCalls, DeadLetter, KnownTick, LeftOut, LetterId,
    Millis, PlanHash, RunCoverage, RunHead, RunId, RunRow, ScheduleKey,
};

use crate::{
    Ask, AuditEntry, Batch, CoverageCount, CoverageFilter, Decision, Erasure, Error, FailureFilter,
    Health, ListedRow, ListingKey, Member, MemberKey, Missing, Reading, RowKey, Stored, StoredRow,
};

/// An answer that a sink still owes.
///
/// Nothing happens before it is polled. Dropped afterwards, what it asked for may still
/// happen, whole.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Datasets, coverage, runs and dead letters of any number of connections.
///
/// # Errors
/// Every method fails with [`Error`]. Where [`Error::waits`] says so, the same call may be
/// made again later: the failed one was kept whole or not at all, and to make it twice does
/// no harm.
pub trait Sink: Send + Sync {
    /// Writes rows, coverage and dead letters in one transaction.
    ///
    /// Once it answers, all of it survives a power loss. Rows, coverage and calls of days are
    /// conditional on their version (`fetched_at`, `at`): older than what is stored, they change
    /// nothing and are no error. The same batch again changes nothing.
    ///
    /// # Errors
    /// [`Error::Erased`] where the sink remembers more erased people of a connection than
    /// `erased` says: nothing is written.
    fn write(&self, batch: Arc<Batch>) -> Pending<'_, ()>;

    /// What is known of each of these, in their order; `None`: never tried.
    /// One query, however many are asked.
    fn covered(&self, asks: Vec<Ask>) -> Pending<'_, Vec<Option<Coverage>>>;

    /// A page of what this listing brought when it was last read, ordered by key, from the
    /// first key after `after` on; at most `limit`. Fewer than `limit`: the last page.
    ///
    /// Each key comes once, however often it was listed, and also where another listing has
    /// brought its row since. `None`: not all that it brought is known or still there.
    fn listed(
        &self,
        listing: ListingKey,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Option<Vec<ListedRow>>>;

    /// Remembers the account of a connection the first time; later on makes sure of it.
    ///
    /// # Errors
    /// [`Error::OtherAccount`] where another one is remembered: stop, a wrong account looks
    /// as if everything had been deleted.
    fn bind_account(&self, connection: ConnectionName, account: AccountId) -> Pending<'_, ()>;

    /// The account that a connection's data is of; `None` before there is any.
    fn account(&self, connection: ConnectionName) -> Pending<'_, Option<AccountId>>;

    /// At most `limit` counts of an account's days, of the newest ones.
    fn days(&self, account: AccountId, limit: u32) -> Pending<'_, Vec<DayCalls>>;

    /// All who are left out of a connection's data, ordered by why and mark.
    fn left_out(&self, connection: ConnectionName) -> Pending<'_, Vec<LeftOut>>;

    /// Writes a run's row, over an older one of that id.
    fn put_run(&self, run: RunRow) -> Pending<'_, ()>;

    /// The run of that id.
    fn run(&self, id: RunId) -> Pending<'_, Option<RunRow>>;

    /// At most `limit` runs, newest first, of one connection or of all.
    fn runs(&self, connection: Option<ConnectionName>, limit: u32) -> Pending<'_, Vec<RunRow>>;

    /// At most `limit` runs as lists show them, newest first, of one connection or of all.
    fn run_heads(
        &self,
        connection: Option<ConnectionName>,
        limit: u32,
    ) -> Pending<'_, Vec<RunHead>>;

    /// The newest run of this plan, connection and inputs that has not ended: the one to go
    /// on with after the ledger was lost.
    fn unfinished(
        &self,
        connection: ConnectionName,
        plan: PlanHash,
        inputs: BTreeMap<String, Value>,
    ) -> Pending<'_, Option<RunRow>>;

    /// Up to when all ticks of a schedule are decided. Who asks first is told `now`, and so is
    /// everyone after: a new schedule is not due for the time before.
    fn decided_until(&self, schedule: ScheduleKey, now: Millis) -> Pending<'_, Millis>;

    /// Decides ticks, and puts down the run that the last of them starts, in one transaction.
    /// Of several who decide a tick the first one does; whether that was this one, for the last.
    /// A run that is started stands in the audit log with it.
    fn decide(&self, decision: Decision) -> Pending<'_, bool>;

    /// Ticks that hold up later ones of this workflow and connection, oldest first: those that
    /// are queued, and those whose run has not ended.
    fn open_ticks(
        &self,
        workflow: String,
        connection: ConnectionName,
    ) -> Pending<'_, Vec<KnownTick>>;

    /// At most `limit` ticks of a workflow and connection, newest first.
    fn ticks(
        &self,
        workflow: String,
        connection: ConnectionName,
        limit: u32,
    ) -> Pending<'_, Vec<KnownTick>>;

    /// The dead letters that pass the filter, oldest first.
    fn failures(&self, filter: FailureFilter) -> Pending<'_, Vec<DeadLetter>>;

    /// Removes dead letters, once they are put back. One that is not there is no error.
    fn remove_failures(&self, ids: Vec<LetterId>) -> Pending<'_, ()>;

    /// A page of coverage, ordered by connection, operation, subject and window, from the
    /// first after `after` on; at most `limit`. Fewer than `limit`: the last page.
    fn coverage(
        &self,
        filter: CoverageFilter,
        after: Option<Ask>,
        limit: u32,
    ) -> Pending<'_, Vec<Coverage>>;

    /// The coverage that passes the filter, counted by operation, state and reason.
    fn coverage_counts(&self, filter: CoverageFilter) -> Pending<'_, Vec<CoverageCount>>;

    /// What coverage of a connection says, counted by operation and by the run that wrote it.
    fn coverage_by_run(&self, connection: ConnectionName) -> Pending<'_, Vec<RunCoverage>>;

    /// Rows of a connection that the account still has, by dataset; 0 for an empty one.
    fn counts(&self, connection: ConnectionName) -> Pending<'_, BTreeMap<String, u64>>;

    /// The accounts of all connections.
    fn accounts(&self) -> Pending<'_, BTreeMap<ConnectionName, AccountId>>;

    /// A page of the rows of a dataset, deleted ones too, ordered by connection and key, from
    /// the first after `after` on; at most `limit`. Fewer than `limit`: the last page.
    fn rows(
        &self,
        dataset: String,
        after: Option<RowKey>,
        limit: u32,
    ) -> Pending<'_, Vec<StoredRow>>;

    /// A page of rows that a run has not seen, those left out that are known to be gone; ordered
    /// by key, from the first after `after` on; at most `limit`. Fewer than `limit`: the last page.
    fn missing(
        &self,
        missing: Missing,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Vec<StoredRow>>;

    /// A page of the newest readings of listings, ordered by listing, likewise.
    fn readings(&self, after: Option<i64>, limit: u32) -> Pending<'_, Vec<Reading>>;

    /// A page of the members of readings, ordered by listing and key, likewise.
    fn members(&self, after: Option<MemberKey>, limit: u32) -> Pending<'_, Vec<Member>>;

    /// A page of dead letters, ordered by id, likewise.
    fn letters(&self, after: Option<LetterId>, limit: u32) -> Pending<'_, Vec<DeadLetter>>;

    /// Takes over what another sink holds, in one transaction. What is here and newer stays;
    /// members are taken only for the reading that they are of. The same again changes nothing.
    fn restore(&self, stored: Stored) -> Pending<'_, ()>;

    /// Adds to the audit log who did what. Of several who do so at once each follows on another.
    fn audit(&self, audit: Audit) -> Pending<'_, ()>;

    /// A page of the audit log, in its order, from the first after that place on; at most `limit`.
    /// Fewer than `limit`: the last page.
    fn audited(&self, after: u64, limit: u32) -> Pending<'_, Vec<AuditEntry>>;

    /// Takes out what an erasure names, in one transaction. A row that was written anew since it
    /// was read stays; what is not there is no error.
    fn erase(&self, erasure: Erasure) -> Pending<'_, ()>;

    /// Gives back the room of what was deleted, so that no byte of it is left where the sink keeps
    /// its tables, its journal included. Takes as long as writing all of it anew.
    fn compact(&self) -> Pending<'_, ()>;

    /// Makes sure that the sink answers, and says how it keeps what it acknowledges.
    fn check(&self) -> Pending<'_, Health>;
}
