//! The SQLite sink with a bug planted around it, and a moment at which its process dies.
//!
//! The sink itself has no switch: a plant changes a batch on its way, or holds it back. All
//! that is read goes straight through.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use watershed_model::{
    AccountId, Audit, ConnectionName, Coverage, DayCalls, DeadLetter, KnownTick, LeftOut, LetterId,
    Millis, PlanHash, RunCoverage, RunHead, RunId, RunRow, ScheduleKey,
};
use watershed_sink::{
    Ask, AuditEntry, Batch, CoverageCount, CoverageFilter, Decision, Erasure, FailureFilter,
    Health, ListedRow, ListingKey, Member, MemberKey, Missing, Pending, Reading, RowKey, Sink,
    SqliteSink, Stored, StoredRow,
};

use crate::batches;

/// One batch in so many loses a row.
const LOST_EVERY: u64 = 5;

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// A batch is acknowledged, and made with the next one: what is settled then is not yet
    /// written, and a kill loses it.
    RowsAfterSettle,
    /// Now and then a row is left out; the coverage that speaks of it is written.
    CoverageWithoutRows,
    /// Who leaves an instance and comes again has one key for all stays: the last one remains.
    KeyDropsRejoins,
}

/// The sink, with or without a plant.
pub(crate) struct Planted {
    inner: Arc<SqliteSink>,
    plant: Option<Plant>,
    /// The process dies when it comes to write this batch, counted from 1.
    dies_at: Option<u64>,
    batches: AtomicU64,
    held: Mutex<Option<Batch>>,
    died: Notify,
}

impl Planted {
    pub(crate) fn new(inner: Arc<SqliteSink>, plant: Option<Plant>, dies_at: Option<u64>) -> Self {
        Planted {
            inner,
            plant,
            dies_at,
            batches: AtomicU64::new(0),
            held: Mutex::new(None),
            died: Notify::new(),
        }
    }

    /// Waits until the process has died.
    pub(crate) async fn died(&self) {
        self.died.notified().await;
    }

    /// The process ends well: what was held back is made.
    pub(crate) async fn ends(&self) {
        if let Some(batch) = self.hold(None) {
            self.inner.write(batch.into()).await.expect("the sink writes");
        }
    }

    fn hold(&self, batch: Option<Batch>) -> Option<Batch> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *held, batch)
    }
}

impl Sink for Planted {
    fn write(&self, batch: Arc<Batch>) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut batch = Arc::unwrap_or_clone(batch);
            let nth = self.batches.fetch_add(1, Ordering::SeqCst) + 1;
            if self.dies_at.is_some_and(|at| nth >= at) {
                self.died.notify_one();
                return std::future::pending().await;
            }
            match self.plant {
                Some(Plant::RowsAfterSettle) => match self.hold(Some(batch)) {
                    Some(earlier) => return self.inner.write(earlier.into()).await,
                    None => return Ok(()),
                },
                Some(Plant::CoverageWithoutRows) if nth.is_multiple_of(LOST_EVERY) => {
                    batches::without_a_row(&mut batch);
                }
                Some(Plant::KeyDropsRejoins) => {
                    batches::without_rejoins(&mut batch);
                }
                Some(Plant::CoverageWithoutRows) | None => {}
            }
            self.inner.write(batch.into()).await
        })
    }

    fn covered(&self, asks: Vec<Ask>) -> Pending<'_, Vec<Option<Coverage>>> {
        self.inner.covered(asks)
    }

    fn listed(
        &self,
        listing: ListingKey,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Option<Vec<ListedRow>>> {
        self.inner.listed(listing, after, limit)
    }

    fn bind_account(&self, connection: ConnectionName, account: AccountId) -> Pending<'_, ()> {
        self.inner.bind_account(connection, account)
    }

    fn account(&self, connection: ConnectionName) -> Pending<'_, Option<AccountId>> {
        self.inner.account(connection)
    }

    fn days(&self, account: AccountId, limit: u32) -> Pending<'_, Vec<DayCalls>> {
        self.inner.days(account, limit)
    }

    fn left_out(&self, connection: ConnectionName) -> Pending<'_, Vec<LeftOut>> {
        self.inner.left_out(connection)
    }

    fn put_run(&self, run: RunRow) -> Pending<'_, ()> {
        self.inner.put_run(run)
    }

    fn run(&self, id: RunId) -> Pending<'_, Option<RunRow>> {
        self.inner.run(id)
    }

    fn runs(&self, connection: Option<ConnectionName>, limit: u32) -> Pending<'_, Vec<RunRow>> {
        self.inner.runs(connection, limit)
    }

    fn run_heads(
        &self,
        connection: Option<ConnectionName>,
        limit: u32,
    ) -> Pending<'_, Vec<RunHead>> {
        self.inner.run_heads(connection, limit)
    }

    fn unfinished(
        &self,
        connection: ConnectionName,
        plan: PlanHash,
        inputs: BTreeMap<String, serde_json::Value>,
    ) -> Pending<'_, Option<RunRow>> {
        self.inner.unfinished(connection, plan, inputs)
    }

    fn decided_until(&self, schedule: ScheduleKey, now: Millis) -> Pending<'_, Millis> {
        self.inner.decided_until(schedule, now)
    }

    fn decide(&self, decision: Decision) -> Pending<'_, bool> {
        self.inner.decide(decision)
    }

    fn open_ticks(
        &self,
        workflow: String,
        connection: ConnectionName,
    ) -> Pending<'_, Vec<KnownTick>> {
        self.inner.open_ticks(workflow, connection)
    }

    fn ticks(
        &self,
        workflow: String,
        connection: ConnectionName,
        limit: u32,
    ) -> Pending<'_, Vec<KnownTick>> {
        self.inner.ticks(workflow, connection, limit)
    }

    fn failures(&self, filter: FailureFilter) -> Pending<'_, Vec<DeadLetter>> {
        self.inner.failures(filter)
    }

    fn remove_failures(&self, ids: Vec<LetterId>) -> Pending<'_, ()> {
        self.inner.remove_failures(ids)
    }

    fn coverage(
        &self,
        filter: CoverageFilter,
        after: Option<Ask>,
        limit: u32,
    ) -> Pending<'_, Vec<Coverage>> {
        self.inner.coverage(filter, after, limit)
    }

    fn coverage_counts(&self, filter: CoverageFilter) -> Pending<'_, Vec<CoverageCount>> {
        self.inner.coverage_counts(filter)
    }

    fn coverage_by_run(&self, connection: ConnectionName) -> Pending<'_, Vec<RunCoverage>> {
        self.inner.coverage_by_run(connection)
    }

    fn counts(&self, connection: ConnectionName) -> Pending<'_, BTreeMap<String, u64>> {
        self.inner.counts(connection)
    }

    fn accounts(&self) -> Pending<'_, BTreeMap<ConnectionName, AccountId>> {
        self.inner.accounts()
    }

    fn rows(
        &self,
        dataset: String,
        after: Option<RowKey>,
        limit: u32,
    ) -> Pending<'_, Vec<StoredRow>> {
        self.inner.rows(dataset, after, limit)
    }

    fn missing(
        &self,
        missing: Missing,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Vec<StoredRow>> {
        self.inner.missing(missing, after, limit)
    }

    fn readings(&self, after: Option<i64>, limit: u32) -> Pending<'_, Vec<Reading>> {
        self.inner.readings(after, limit)
    }

    fn members(&self, after: Option<MemberKey>, limit: u32) -> Pending<'_, Vec<Member>> {
        self.inner.members(after, limit)
    }

    fn letters(&self, after: Option<LetterId>, limit: u32) -> Pending<'_, Vec<DeadLetter>> {
        self.inner.letters(after, limit)
    }

    fn restore(&self, stored: Stored) -> Pending<'_, ()> {
        self.inner.restore(stored)
    }

    fn audit(&self, audit: Audit) -> Pending<'_, ()> {
        self.inner.audit(audit)
    }

    fn audited(&self, after: u64, limit: u32) -> Pending<'_, Vec<AuditEntry>> {
        self.inner.audited(after, limit)
    }

    fn erase(&self, erasure: Erasure) -> Pending<'_, ()> {
        self.inner.erase(erasure)
    }

    fn compact(&self) -> Pending<'_, ()> {
        self.inner.compact()
    }

    fn check(&self) -> Pending<'_, Health> {
        self.inner.check()
    }
}
