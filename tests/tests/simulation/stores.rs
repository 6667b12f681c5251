//! Ledger and sink as a process reaches them: an act may be lost before or after it, or done
//! twice. Acts of stores that have threads of their own are waited for on the spot, so that
//! virtual time stands meanwhile.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use serde_json::Value;
use watershed_engine::Clock;
use watershed_ledger::{
    Command, Error as LedgerError, Ledger, MemoryLedger, Pending as Replying, Reply, RunLine,
    RunView, Settled, WorkerView,
};
use watershed_model::{
    AccountId, Audit, ConnectionName, Coverage, DayCalls, DeadLetter, KnownTick, LeftOut, LetterId,
    Millis, PlanHash, RunCoverage, RunHead, RunId, RunRow, ScheduleKey,
};
use watershed_sink::{
    Ask, AuditEntry, Batch, CoverageCount, CoverageFilter, Decision, Erasure, Error, FailureFilter,
    Health, ListedRow, ListingKey, Member, MemberKey, Missing, Pending, Reading, RowKey, Sink,
    Stored, StoredRow,
};

use crate::ground::files_step;
use crate::planted::Plants;
use crate::process::{Process, Way};

/// A ledger, reached by one process.
pub(crate) struct OwnLedger {
    pub(crate) process: Arc<Process>,
    pub(crate) inner: Arc<dyn Ledger>,
    /// The same, where it is in memory.
    pub(crate) memory: Option<Arc<MemoryLedger>>,
    pub(crate) plants: Arc<Plants>,
}

impl OwnLedger {
    fn execute_here(&self, command: Command) -> Result<Reply, LedgerError> {
        here(self.inner.execute(command))
    }

    fn note(&self, command: &Command, reply: &Reply) {
        let (Command::Exchange(exchange), Reply::Exchanged(exchanged)) = (command, reply) else {
            return;
        };
        let mut files = self.process.files.lock().unwrap_or_else(PoisonError::into_inner);
        for settle in &exchange.settles {
            files.remove(&settle.fence);
        }
        let brought = exchanged.leased.iter().filter(|leased| leased.step == files_step());
        files.extend(brought.map(|leased| leased.fence));
        drop(files);
        let pairs = exchange.settles.iter().zip(&exchanged.settled);
        let accepted = pairs.filter(|(_, settled)| **settled == Settled::Accepted);
        let calls = accepted.map(|(settle, _)| u64::from(settle.calls)).sum();
        // What was refused is no longer this process's to settle.
        let all = exchange.settles.iter().map(|settle| u64::from(settle.calls)).sum();
        self.process.settled.fetch_add(all, Ordering::SeqCst);
        let mut settled = self.process.stage.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.push((self.process.stage.clock.now(), calls));
    }
}

impl Ledger for OwnLedger {
    fn execute(&self, command: Command) -> Replying<'_, Reply> {
        Box::pin(async move {
            let (before, after) = places(&command);
            let detail = serde_json::to_string(&command).unwrap_or_default();
            let way = self.process.pass(before, &detail).await;
            if way == Way::Lost {
                return Err(unreachable_ledger());
            }
            let mut command = self.plants.command(command);
            if let (Command::Exchange(exchange), Some(memory)) = (&mut command, &self.memory) {
                self.plants.unfenced(memory, exchange);
            }
            let mut reply = self.execute_here(command.clone())?;
            if way == Way::Twice {
                reply = self.execute_here(command.clone())?;
            }
            match self.process.pass(after, "").await {
                Way::Lost => return Err(unreachable_ledger()),
                Way::Twice => reply = self.execute_here(command.clone())?,
                Way::On => {}
            }
            self.note(&command, &reply);
            Ok(reply)
        })
    }

    fn run(&self, run: &RunId) -> Replying<'_, Option<RunView>> {
        let run = run.clone();
        Box::pin(async move {
            if self.process.pass("before a look at the run", "").await == Way::Lost {
                return Err(unreachable_ledger());
            }
            let view = here(self.inner.run(&run));
            if self.process.pass("after a look at the run", "").await == Way::Lost {
                return Err(unreachable_ledger());
            }
            view
        })
    }

    fn runs(&self) -> Replying<'_, Vec<RunLine>> {
        Box::pin(async move { here(self.inner.runs()) })
    }

    fn workers(&self) -> Replying<'_, Vec<WorkerView>> {
        Box::pin(async move { here(self.inner.workers()) })
    }

    fn now(&self) -> Replying<'_, Millis> {
        Box::pin(async move { here(self.inner.now()) })
    }
}

fn places(command: &Command) -> (&'static str, &'static str) {
    match command {
        Command::Exchange(exchange) if exchange.settles.is_empty() => {
            ("before a lease", "after a lease")
        }
        Command::Exchange(_) => ("before a settle", "after a settle"),
        Command::Extend { .. } => ("before leases are kept", "after leases are kept"),
        _ => ("before another command", "after another command"),
    }
}

fn unreachable_ledger() -> LedgerError {
    LedgerError::Unreachable { place: "the ledger".to_owned(), why: "simulated".to_owned() }
}

/// A sink, reached by one process.
pub(crate) struct OwnSink {
    pub(crate) process: Arc<Process>,
    pub(crate) inner: Arc<dyn Sink>,
    pub(crate) plants: Arc<Plants>,
}

fn unreachable_sink() -> Error {
    Error::Io { path: "the dataset".into(), source: "simulated".into() }
}

impl OwnSink {
    async fn read<T: Send>(
        &self,
        places: (&'static str, &'static str),
        act: Pending<'_, T>,
    ) -> Result<T, Error> {
        self.reach(places, false, act).await
    }

    /// The same, at points that are counted apart.
    async fn beside<T: Send>(
        &self,
        places: (&'static str, &'static str),
        act: Pending<'_, T>,
    ) -> Result<T, Error> {
        self.reach(places, true, act).await
    }

    async fn reach<T: Send>(
        &self,
        (before, after): (&'static str, &'static str),
        is_beside: bool,
        act: Pending<'_, T>,
    ) -> Result<T, Error> {
        if self.process.pass_one((before, is_beside), "").await == Way::Lost {
            return Err(unreachable_sink());
        }
        let answer = here(act);
        if self.process.pass_one((after, is_beside), "").await == Way::Lost {
            return Err(unreachable_sink());
        }
        answer
    }
}

impl Sink for OwnSink {
    fn write(&self, batch: Arc<Batch>) -> Pending<'_, ()> {
        Box::pin(async move {
            let detail = batch.writes.len().to_string();
            let way = self.process.pass("before a write", &detail).await;
            if way == Way::Lost {
                return Err(unreachable_sink());
            }
            if let Some(batch) = self.plants.batch(batch) {
                here(self.inner.write(batch.clone()))?;
                self.process.stage.acknowledge(&batch);
                if way == Way::Twice {
                    here(self.inner.write(batch))?;
                }
            }
            match self.process.pass("after a write", "").await {
                Way::Lost => Err(unreachable_sink()),
                Way::On | Way::Twice => Ok(()),
            }
        })
    }

    fn covered(&self, asks: Vec<Ask>) -> Pending<'_, Vec<Option<Coverage>>> {
        let places = ("before coverage is asked", "after coverage is asked");
        Box::pin(self.read(places, self.inner.covered(asks)))
    }

    fn listed(
        &self,
        listing: ListingKey,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Option<Vec<ListedRow>>> {
        let places = ("before stored rows are read", "after stored rows are read");
        Box::pin(self.read(places, self.inner.listed(listing, after, limit)))
    }

    fn bind_account(&self, connection: ConnectionName, account: AccountId) -> Pending<'_, ()> {
        let places = ("before the account is bound", "after the account is bound");
        Box::pin(self.read(places, self.inner.bind_account(connection, account)))
    }

    fn account(&self, connection: ConnectionName) -> Pending<'_, Option<AccountId>> {
        Box::pin(async move { here(self.inner.account(connection)) })
    }

    fn days(&self, account: AccountId, limit: u32) -> Pending<'_, Vec<DayCalls>> {
        let places = ("before days are read", "after days are read");
        Box::pin(self.read(places, self.inner.days(account, limit)))
    }

    fn left_out(&self, connection: ConnectionName) -> Pending<'_, Vec<LeftOut>> {
        let places = ("before it is read who is left out", "after it is read who is left out");
        Box::pin(self.read(places, self.inner.left_out(connection)))
    }

    fn put_run(&self, run: RunRow) -> Pending<'_, ()> {
        let places = ("before a run is put down", "after a run is put down");
        Box::pin(self.beside(places, self.inner.put_run(run)))
    }

    fn run(&self, id: RunId) -> Pending<'_, Option<RunRow>> {
        let places = ("before a run is read", "after a run is read");
        Box::pin(self.beside(places, self.inner.run(id)))
    }

    fn runs(&self, connection: Option<ConnectionName>, limit: u32) -> Pending<'_, Vec<RunRow>> {
        Box::pin(async move { here(self.inner.runs(connection, limit)) })
    }

    fn run_heads(
        &self,
        connection: Option<ConnectionName>,
        limit: u32,
    ) -> Pending<'_, Vec<RunHead>> {
        Box::pin(async move { here(self.inner.run_heads(connection, limit)) })
    }

    fn unfinished(
        &self,
        connection: ConnectionName,
        plan: PlanHash,
        inputs: BTreeMap<String, Value>,
    ) -> Pending<'_, Option<RunRow>> {
        Box::pin(async move { here(self.inner.unfinished(connection, plan, inputs)) })
    }

    fn decided_until(&self, schedule: ScheduleKey, now: Millis) -> Pending<'_, Millis> {
        let places = ("before ticks", "after ticks");
        Box::pin(self.read(places, self.inner.decided_until(schedule, now)))
    }

    fn decide(&self, decision: Decision) -> Pending<'_, bool> {
        let places = ("before ticks", "after ticks");
        Box::pin(self.read(places, self.inner.decide(decision)))
    }

    fn open_ticks(
        &self,
        workflow: String,
        connection: ConnectionName,
    ) -> Pending<'_, Vec<KnownTick>> {
        let places = ("before ticks", "after ticks");
        Box::pin(self.read(places, self.inner.open_ticks(workflow, connection)))
    }

    fn ticks(
        &self,
        workflow: String,
        connection: ConnectionName,
        limit: u32,
    ) -> Pending<'_, Vec<KnownTick>> {
        let places = ("before ticks", "after ticks");
        Box::pin(self.read(places, self.inner.ticks(workflow, connection, limit)))
    }

    fn failures(&self, filter: FailureFilter) -> Pending<'_, Vec<DeadLetter>> {
        Box::pin(async move { here(self.inner.failures(filter)) })
    }

    fn remove_failures(&self, ids: Vec<LetterId>) -> Pending<'_, ()> {
        Box::pin(async move { here(self.inner.remove_failures(ids)) })
    }

    fn coverage(
        &self,
        filter: CoverageFilter,
        after: Option<Ask>,
        limit: u32,
    ) -> Pending<'_, Vec<Coverage>> {
        Box::pin(async move { here(self.inner.coverage(filter, after, limit)) })
    }

    fn coverage_counts(&self, filter: CoverageFilter) -> Pending<'_, Vec<CoverageCount>> {
        Box::pin(async move { here(self.inner.coverage_counts(filter)) })
    }

    fn coverage_by_run(&self, connection: ConnectionName) -> Pending<'_, Vec<RunCoverage>> {
        Box::pin(async move { here(self.inner.coverage_by_run(connection)) })
    }

    fn counts(&self, connection: ConnectionName) -> Pending<'_, BTreeMap<String, u64>> {
        Box::pin(async move { here(self.inner.counts(connection)) })
    }

    fn accounts(&self) -> Pending<'_, BTreeMap<ConnectionName, AccountId>> {
        Box::pin(async move { here(self.inner.accounts()) })
    }

    fn rows(
        &self,
        dataset: String,
        after: Option<RowKey>,
        limit: u32,
    ) -> Pending<'_, Vec<StoredRow>> {
        Box::pin(async move { here(self.inner.rows(dataset, after, limit)) })
    }

    fn missing(
        &self,
        missing: Missing,
        after: Option<String>,
        limit: u32,
    ) -> Pending<'_, Vec<StoredRow>> {
        Box::pin(async move { here(self.inner.missing(missing, after, limit)) })
    }

    fn readings(&self, after: Option<i64>, limit: u32) -> Pending<'_, Vec<Reading>> {
        Box::pin(async move { here(self.inner.readings(after, limit)) })
    }

    fn members(&self, after: Option<MemberKey>, limit: u32) -> Pending<'_, Vec<Member>> {
        Box::pin(async move { here(self.inner.members(after, limit)) })
    }

    fn letters(&self, after: Option<LetterId>, limit: u32) -> Pending<'_, Vec<DeadLetter>> {
        Box::pin(async move { here(self.inner.letters(after, limit)) })
    }

    fn restore(&self, stored: Stored) -> Pending<'_, ()> {
        Box::pin(async move { here(self.inner.restore(stored)) })
    }

    fn audit(&self, audit: Audit) -> Pending<'_, ()> {
        Box::pin(async move { here(self.inner.audit(audit)) })
    }

    fn audited(&self, after: u64, limit: u32) -> Pending<'_, Vec<AuditEntry>> {
        Box::pin(async move { here(self.inner.audited(after, limit)) })
    }

    fn erase(&self, erasure: Erasure) -> Pending<'_, ()> {
        Box::pin(async move { here(self.inner.erase(erasure)) })
    }

    fn compact(&self) -> Pending<'_, ()> {
        Box::pin(async move { here(self.inner.compact()) })
    }

    fn check(&self) -> Pending<'_, Health> {
        Box::pin(async move { here(self.inner.check()) })
    }
}

/// Waits for it on this thread, and lets nothing else go on meanwhile.
pub(crate) fn here<T>(act: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    // Without a turn of its own on this runtime, it would be told to yield and have no chance to.
    let mut act = pin!(tokio::task::unconstrained(act));
    loop {
        match act.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}
