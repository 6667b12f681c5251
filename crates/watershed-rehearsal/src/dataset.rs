//! The dataset of a rehearsal: which rows there are, and no row itself.
//!
//! Coverage is kept in a few bytes each, rows as the hashes of their keys; a stored row that a
//! fan-out needs is asked for again from the account, which holds the same for ever. So a
//! dataset of millions of rows stays in memory. One process writes, and nothing fails: the
//! rules of versions are left to the sinks that have to keep them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use watershed_engine::Clock;
use watershed_ledger::hashes::Hashes;
use watershed_model::{
    AccountId, Audit, ConnectionName, Coverage, CoverageState, DayCalls, DeadLetter, KnownTick,
    LeftOut, LetterId, Millis, PlanHash, RunCoverage, RunFigures, RunHead, RunId, RunRow,
    ScheduleKey, hash64,
};
use watershed_sink::{
    Ask, AuditEntry, Batch, CoverageCount, CoverageFilter, Decision, Erasure, Error, FailureFilter,
    Health, ListedRow, ListingKey, Member, MemberKey, Missing, Pending, Reading, RowKey, Sink,
    Stored, StoredRow, Write,
};

use crate::again::Again;
use crate::course::Course;
use crate::coverage::{Number, Table};

/// Datasets whose rows come in several answers. Those of any other come in one, which is asked for
/// once.
const AGAIN: [&str; 4] = ["users", "meetings", "recordings", "recording_files"];

/// The dataset.
pub(crate) struct Dataset {
    clock: Arc<dyn Clock>,
    again: Again,
    kept: Mutex<Kept>,
}

/// What is kept.
#[derive(Default)]
pub(crate) struct Kept {
    coverage: Hashes<Number>,
    table: Table,
    retries: BTreeMap<u64, Millis>,
    keys: Hashes,
    /// Rows and times, by dataset and month.
    pub(crate) course: Course,
    runs: BTreeMap<RunId, RunRow>,
    accounts: BTreeMap<ConnectionName, AccountId>,
    letters: BTreeMap<LetterId, DeadLetter>,
}

impl Dataset {
    /// An empty one, of the rows that `again` gives.
    pub(crate) fn new(clock: Arc<dyn Clock>, again: Again) -> Dataset {
        Dataset { clock, again, kept: Mutex::default() }
    }

    /// What is kept.
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn write(&mut self, write: &Write, now: Millis) {
        for row in &write.rows {
            let known = AGAIN.contains(&row.dataset.name) && {
                let key = hash64(&[row.dataset.name.as_bytes(), row.key.as_bytes()]);
                self.keys.insert(key, ()).is_some()
            };
            if !known {
                self.course.row(row, now);
            }
        }
        self.course.weigh(write);
        // What a condition kept out was not asked, and is a quarter of all.
        let asked = write.coverage.iter().filter(|line| line.state != CoverageState::Skipped);
        for coverage in asked {
            let key = hash_of(&Ask::of(coverage));
            match coverage.retry_at {
                Some(at) => self.retries.insert(key, at),
                None => self.retries.remove(&key),
            };
            self.coverage.insert(key, self.table.number(coverage));
        }
    }

    fn covered(&self, ask: Ask) -> Option<Coverage> {
        let key = hash_of(&ask);
        let number = self.coverage.get(key)?;
        let run = self.runs.keys().next()?.clone();
        Some(self.table.coverage(number, ask, self.retries.get(&key).copied(), run))
    }

    fn counts(&self, filter: &CoverageFilter) -> Vec<CoverageCount> {
        let mut counts: BTreeMap<(String, CoverageState, Option<String>), (u64, u64)> =
            BTreeMap::new();
        let mut by_line: BTreeMap<Number, u64> = BTreeMap::new();
        for (_, number) in self.coverage.iter() {
            *by_line.entry(number).or_default() += 1;
        }
        for (number, times) in by_line {
            let known = self.table.line(number);
            let (count, rows) = counts.entry(self.table.told(known)).or_default();
            *count += times;
            *rows += times * u64::from(known.rows);
        }
        counts
            .into_iter()
            .map(|((operation, state, reason), (count, rows))| CoverageCount {
                operation: operation.into(),
                state,
                reason,
                count,
                rows,
            })
            .filter(|count| filter.operation.as_ref().is_none_or(|o| *o == count.operation))
            .filter(|count| filter.state.is_none_or(|state| state == count.state))
            .collect()
    }
}

fn hash_of(ask: &Ask) -> u64 {
    let from = ask.from.as_deref().unwrap_or_default();
    let parts = [ask.connection.as_str(), ask.operation.as_str(), ask.subject.as_str(), from];
    hash64(&parts.map(str::as_bytes))
}

fn ready<T: Send + 'static>(answer: T) -> Pending<'static, T> {
    Box::pin(std::future::ready(Ok(answer)))
}

impl Sink for Dataset {
    fn write(&self, batch: Arc<Batch>) -> Pending<'_, ()> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut kept = self.kept();
            for write in &batch.writes {
                kept.write(write, now);
            }
            for letter in &batch.failures {
                kept.letters.insert(letter.id.clone(), letter.clone());
            }
            for healed in &batch.healed {
                kept.letters.remove(healed);
            }
            Ok(())
        })
    }

    fn covered(&self, asks: Vec<Ask>) -> Pending<'_, Vec<Option<Coverage>>> {
        let kept = self.kept();
        ready(asks.into_iter().map(|ask| kept.covered(ask)).collect())
    }

    fn listed(
        &self,
        listing: ListingKey,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Option<Vec<ListedRow>>> {
        ready(self.again.listed(&listing, after.as_deref(), limit))
    }

    fn bind_account(&self, connection: ConnectionName, account: AccountId) -> Pending<'_, ()> {
        self.kept().accounts.insert(connection, account);
        ready(())
    }

    fn account(&self, connection: ConnectionName) -> Pending<'_, Option<AccountId>> {
        ready(self.kept().accounts.get(&connection).cloned())
    }

    /// The ledger of a rehearsal is never lost: nobody needs its counts from here.
    fn days(&self, _account: AccountId, _limit: u32) -> Pending<'_, Vec<DayCalls>> {
        ready(Vec::new())
    }

    fn left_out(&self, _connection: ConnectionName) -> Pending<'_, Vec<LeftOut>> {
        ready(Vec::new())
    }

    fn put_run(&self, run: RunRow) -> Pending<'_, ()> {
        self.kept().runs.insert(run.id.clone(), run);
        ready(())
    }

    fn run(&self, id: RunId) -> Pending<'_, Option<RunRow>> {
        ready(self.kept().runs.get(&id).cloned())
    }

    fn runs(&self, _connection: Option<ConnectionName>, limit: u32) -> Pending<'_, Vec<RunRow>> {
        ready(self.kept().runs.values().take(limit as usize).cloned().collect())
    }

    fn run_heads(
        &self,
        _connection: Option<ConnectionName>,
        limit: u32,
    ) -> Pending<'_, Vec<RunHead>> {
        let kept = self.kept();
        let heads = kept.runs.values().take(limit as usize).map(|run| RunHead {
            id: run.id.clone(),
            connection: run.connection.clone(),
            workflow: run.workflow.clone(),
            trigger: run.trigger,
            state: run.state,
            started_at: run.started_at,
            ended_at: run.ended_at,
            figures: run.evidence.as_ref().map(RunFigures::from),
        });
        ready(heads.collect())
    }

    fn unfinished(
        &self,
        _connection: ConnectionName,
        _plan: PlanHash,
        _inputs: BTreeMap<String, Value>,
    ) -> Pending<'_, Option<RunRow>> {
        ready(None)
    }

    fn decided_until(&self, _schedule: ScheduleKey, _now: Millis) -> Pending<'_, Millis> {
        not_kept()
    }

    fn decide(&self, _decision: Decision) -> Pending<'_, bool> {
        not_kept()
    }

    fn open_ticks(
        &self,
        _workflow: String,
        _connection: ConnectionName,
    ) -> Pending<'_, Vec<KnownTick>> {
        not_kept()
    }

    fn ticks(
        &self,
        _workflow: String,
        _connection: ConnectionName,
        _limit: u32,
    ) -> Pending<'_, Vec<KnownTick>> {
        not_kept()
    }

    fn failures(&self, _filter: FailureFilter) -> Pending<'_, Vec<DeadLetter>> {
        ready(self.kept().letters.values().cloned().collect())
    }

    fn remove_failures(&self, ids: Vec<LetterId>) -> Pending<'_, ()> {
        self.kept().letters.retain(|id, _| !ids.contains(id));
        ready(())
    }

    /// Who asks wants to know what an earlier run was told to ask for again: there was none.
    fn coverage(
        &self,
        _filter: CoverageFilter,
        _after: Option<Ask>,
        _limit: u32,
    ) -> Pending<'_, Vec<Coverage>> {
        ready(Vec::new())
    }

    fn coverage_counts(&self, filter: CoverageFilter) -> Pending<'_, Vec<CoverageCount>> {
        ready(self.kept().counts(&filter))
    }

    fn coverage_by_run(&self, _connection: ConnectionName) -> Pending<'_, Vec<RunCoverage>> {
        not_kept()
    }

    fn counts(&self, _connection: ConnectionName) -> Pending<'_, BTreeMap<String, u64>> {
        ready(self.kept().course.counts())
    }

    fn accounts(&self) -> Pending<'_, BTreeMap<ConnectionName, AccountId>> {
        ready(self.kept().accounts.clone())
    }

    fn rows(
        &self,
        _dataset: String,
        _after: Option<RowKey>,
        _limit: u32,
    ) -> Pending<'_, Vec<StoredRow>> {
        not_kept()
    }

    /// One run sees all that there is.
    fn missing(
        &self,
        _missing: Missing,
        _after: Option<String>,
        _limit: u32,
    ) -> Pending<'_, Vec<StoredRow>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn readings(&self, _after: Option<i64>, _limit: u32) -> Pending<'_, Vec<Reading>> {
        not_kept()
    }

    fn members(&self, _after: Option<MemberKey>, _limit: u32) -> Pending<'_, Vec<Member>> {
        not_kept()
    }

    fn letters(&self, _after: Option<LetterId>, _limit: u32) -> Pending<'_, Vec<DeadLetter>> {
        not_kept()
    }

    fn restore(&self, _stored: Stored) -> Pending<'_, ()> {
        not_kept()
    }

    fn audit(&self, _audit: Audit) -> Pending<'_, ()> {
        not_kept()
    }

    fn audited(&self, _after: u64, _limit: u32) -> Pending<'_, Vec<AuditEntry>> {
        not_kept()
    }

    fn erase(&self, _erasure: Erasure) -> Pending<'_, ()> {
        not_kept()
    }

    fn compact(&self) -> Pending<'_, ()> {
        not_kept()
    }

    fn check(&self) -> Pending<'_, Health> {
        ready(Health {
            place: "a rehearsal".to_owned(),
            engine: "none".to_owned(),
            version: 0,
            durability: "in memory".to_owned(),
            durable: false,
            bytes: 0,
        })
    }
}

/// A rehearsal has nothing to copy or to export, and no schedule.
fn not_kept<T: Send + 'static>() -> Pending<'static, T> {
    let path = "a rehearsal's dataset".into();
    Box::pin(std::future::ready(Err(Error::Missing { path })))
}
