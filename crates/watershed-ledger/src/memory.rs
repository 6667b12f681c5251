//! The in-memory ledger: the rules on ordered maps. For tests, rehearsals and the oracle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use watershed_model::{
    AccountId, Category, ConnectionName, Millis, Plan, PlanHash, RunId, StepId, WorkerId,
};

use crate::tables::{
    Budget, Chunk, ChunkId, Counts, Item, Lease, Place, Ready, RunRecord, Scope, ScopeId, Tables,
    Task, TaskId, WorkerRecord,
};
use crate::{
    Command, Error, LeaseId, Ledger, Pending, Reply, RunLine, RunView, decide, lines, view,
};

/// Reads the time.
pub type ReadClock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// A ledger in memory.
pub struct MemoryLedger {
    tables: Mutex<MemoryTables>,
    clock: ReadClock,
}

impl MemoryLedger {
    /// An empty one.
    pub fn new(clock: ReadClock) -> Self {
        MemoryLedger { tables: Mutex::new(MemoryTables::default()), clock }
    }

    /// All of its state.
    pub fn snapshot(&self) -> MemoryTables {
        self.locked().clone()
    }

    /// Goes back to an earlier state.
    pub fn restore(&self, tables: MemoryTables) {
        *self.locked() = tables;
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, MemoryTables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    fn execute(&self, command: Command) -> Pending<'_, Reply> {
        Box::pin(async move { decide(&mut *self.locked(), &command, (self.clock)()) })
    }

    fn run(&self, run: &RunId) -> Pending<'_, Option<RunView>> {
        let run = run.clone();
        Box::pin(async move { view(&mut *self.locked(), &run, (self.clock)()) })
    }

    fn runs(&self) -> Pending<'_, Vec<RunLine>> {
        Box::pin(async move { lines(&mut *self.locked()) })
    }

    fn now(&self) -> Pending<'_, Millis> {
        Box::pin(async move { Ok((self.clock)()) })
    }
}

type Lane = (RunId, Option<Category>);

/// The tables as ordered maps.
#[derive(Debug, Clone, Default)]
pub struct MemoryTables {
    last_id: u64,
    plans: BTreeMap<PlanHash, Arc<Plan>>,
    runs: BTreeMap<RunId, RunRecord>,
    counts: BTreeMap<RunId, Counts>,
    scopes: BTreeMap<ScopeId, Scope>,
    beneath: BTreeMap<(ScopeId, u8, u64), ScopeId>,
    chunks: BTreeMap<ChunkId, (Chunk, Option<Place>)>,
    to_fill: BTreeMap<(RunId, StepId, ScopeId, u16), ChunkId>,
    items: BTreeMap<ChunkId, Vec<Item>>,
    tasks: BTreeMap<TaskId, (Task, Option<Place>)>,
    keys: BTreeMap<TaskId, Vec<u64>>,
    delayed: BTreeSet<(RunId, Millis, TaskId)>,
    ready: BTreeSet<(Lane, i64, u64, Ready)>,
    aging: BTreeSet<(Lane, Millis, TaskId)>,
    leases: BTreeMap<LeaseId, Lease>,
    until: BTreeSet<(Millis, LeaseId)>,
    once: BTreeSet<(ConnectionName, String, u64)>,
    budgets: BTreeMap<AccountId, Budget>,
    workers: BTreeMap<WorkerId, WorkerRecord>,
}

impl MemoryTables {
    fn unplace(&mut self, ready: Ready, place: &Place) {
        let lane = (place.run.clone(), place.category);
        let id = match ready {
            Ready::Chunk(ChunkId(id)) | Ready::Task(TaskId(id)) => id,
        };
        if let (Ready::Task(task), Some(at)) = (ready, place.token_at) {
            self.aging.remove(&(lane.clone(), at, task));
        }
        self.ready.remove(&(lane, place.rank, id, ready));
    }

    fn place(&mut self, ready: Ready, place: &Place) {
        let lane = (place.run.clone(), place.category);
        let id = match ready {
            Ready::Chunk(ChunkId(id)) | Ready::Task(TaskId(id)) => id,
        };
        if let (Ready::Task(task), Some(at)) = (ready, place.token_at) {
            self.aging.insert((lane.clone(), at, task));
        }
        self.ready.insert((lane, place.rank, id, ready));
    }

    fn forget_task(&mut self, id: TaskId) {
        if let Some((old, place)) = self.tasks.remove(&id) {
            self.delayed.remove(&(old.run.clone(), old.due_at, id));
            if let Some(place) = place {
                self.unplace(Ready::Task(id), &place);
            }
        }
    }

    fn group(chunk: &Chunk) -> (RunId, StepId, ScopeId, u16) {
        (chunk.run.clone(), chunk.step, chunk.scope, chunk.bucket)
    }
}

impl Tables for MemoryTables {
    fn next_id(&mut self) -> Result<u64, Error> {
        self.last_id += 1;
        Ok(self.last_id)
    }

    fn plan(&mut self, hash: &PlanHash) -> Result<Option<Arc<Plan>>, Error> {
        Ok(self.plans.get(hash).cloned())
    }

    fn put_plan(&mut self, hash: &PlanHash, plan: &Plan) -> Result<(), Error> {
        self.plans.entry(hash.clone()).or_insert_with(|| Arc::new(plan.clone()));
        Ok(())
    }

    fn run(&mut self, run: &RunId) -> Result<Option<RunRecord>, Error> {
        Ok(self.runs.get(run).cloned())
    }

    fn put_run(&mut self, run: &RunRecord) -> Result<(), Error> {
        self.runs.insert(run.run.clone(), run.clone());
        Ok(())
    }

    fn runs(&mut self) -> Result<Vec<RunRecord>, Error> {
        let mut runs: Vec<RunRecord> = self.runs.values().cloned().collect();
        runs.sort_by_key(|r| r.submitted_at);
        Ok(runs)
    }

    fn counts(&mut self, run: &RunId) -> Result<Counts, Error> {
        Ok(self.counts.get(run).cloned().unwrap_or_default())
    }

    fn put_counts(&mut self, run: &RunId, counts: &Counts) -> Result<(), Error> {
        self.counts.insert(run.clone(), counts.clone());
        Ok(())
    }

    fn scope(&mut self, id: ScopeId) -> Result<Option<Scope>, Error> {
        Ok(self.scopes.get(&id).cloned())
    }

    fn scope_beneath(
        &mut self,
        parent: ScopeId,
        level: u8,
        key: u64,
    ) -> Result<Option<ScopeId>, Error> {
        Ok(self.beneath.get(&(parent, level, key)).copied())
    }

    fn put_scope(&mut self, scope: &Scope) -> Result<(), Error> {
        if let Some(parent) = scope.parent {
            self.beneath.insert((parent, scope.level, scope.key), scope.id);
        }
        self.scopes.insert(scope.id, scope.clone());
        Ok(())
    }

    fn delete_scope(&mut self, id: ScopeId) -> Result<(), Error> {
        if let Some(scope) = self.scopes.remove(&id)
            && let Some(parent) = scope.parent
        {
            self.beneath.remove(&(parent, scope.level, scope.key));
        }
        Ok(())
    }

    fn chunk(&mut self, id: ChunkId) -> Result<Option<Chunk>, Error> {
        Ok(self.chunks.get(&id).map(|(chunk, _)| chunk.clone()))
    }

    fn chunk_to_fill(
        &mut self,
        run: &RunId,
        step: StepId,
        scope: ScopeId,
        bucket: u16,
    ) -> Result<Option<ChunkId>, Error> {
        Ok(self.to_fill.get(&(run.clone(), step, scope, bucket)).copied())
    }

    fn put_chunk(&mut self, chunk: &Chunk, place: Option<&Place>) -> Result<(), Error> {
        let ready = Ready::Chunk(chunk.id);
        let before = self.chunks.insert(chunk.id, (chunk.clone(), place.cloned()));
        if let Some((_, Some(before))) = before {
            self.unplace(ready, &before);
        }
        if let Some(place) = place {
            self.place(ready, place);
        }
        let group = Self::group(chunk);
        if chunk.next == 0 {
            self.to_fill.insert(group, chunk.id);
        } else if self.to_fill.get(&group) == Some(&chunk.id) {
            self.to_fill.remove(&group);
        }
        Ok(())
    }

    fn add_items(&mut self, id: ChunkId, items: &[Item]) -> Result<(), Error> {
        self.items.entry(id).or_default().extend_from_slice(items);
        Ok(())
    }

    fn items(&mut self, id: ChunkId, from: u16, len: u16) -> Result<Vec<Item>, Error> {
        let items = self.items.get(&id).map_or(&[][..], |v| v);
        let from = usize::from(from).min(items.len());
        let to = (from + usize::from(len)).min(items.len());
        Ok(items[from..to].to_vec())
    }

    fn delete_chunk(&mut self, id: ChunkId) -> Result<(), Error> {
        self.items.remove(&id);
        if let Some((chunk, place)) = self.chunks.remove(&id) {
            let group = Self::group(&chunk);
            if self.to_fill.get(&group) == Some(&id) {
                self.to_fill.remove(&group);
            }
            if let Some(place) = place {
                self.unplace(Ready::Chunk(id), &place);
            }
        }
        Ok(())
    }

    fn task(&mut self, id: TaskId) -> Result<Option<Task>, Error> {
        Ok(self.tasks.get(&id).map(|(task, _)| task.clone()))
    }

    fn put_task(&mut self, task: &Task, place: Option<&Place>) -> Result<(), Error> {
        self.forget_task(task.id);
        self.tasks.insert(task.id, (task.clone(), place.cloned()));
        match place {
            Some(place) => self.place(Ready::Task(task.id), place),
            None if !task.leased => {
                self.delayed.insert((task.run.clone(), task.due_at, task.id));
            }
            None => {}
        }
        Ok(())
    }

    fn delete_task(&mut self, id: TaskId) -> Result<(), Error> {
        self.forget_task(id);
        Ok(())
    }

    fn keys(&mut self, id: TaskId) -> Result<Vec<u64>, Error> {
        Ok(self.keys.get(&id).cloned().unwrap_or_default())
    }

    fn put_keys(&mut self, id: TaskId, keys: &[u64]) -> Result<(), Error> {
        self.keys.insert(id, keys.to_vec());
        Ok(())
    }

    fn delete_keys(&mut self, id: TaskId) -> Result<(), Error> {
        self.keys.remove(&id);
        Ok(())
    }

    fn due(&mut self, run: &RunId, now: Millis, max: usize) -> Result<Vec<TaskId>, Error> {
        let from = (run.clone(), Millis(i64::MIN), TaskId(0));
        let to = (run.clone(), now, TaskId(u64::MAX));
        Ok(self.delayed.range(from..=to).take(max).map(|(_, _, id)| *id).collect())
    }

    fn first_due(&mut self, run: &RunId) -> Result<Option<Millis>, Error> {
        let from = (run.clone(), Millis(i64::MIN), TaskId(0));
        let to = (run.clone(), Millis(i64::MAX), TaskId(u64::MAX));
        Ok(self.delayed.range(from..=to).next().map(|(_, at, _)| *at))
    }

    fn delayed(&mut self, run: &RunId) -> Result<u64, Error> {
        let from = (run.clone(), Millis(i64::MIN), TaskId(0));
        let to = (run.clone(), Millis(i64::MAX), TaskId(u64::MAX));
        Ok(self.delayed.range(from..=to).count() as u64)
    }

    fn ready(
        &mut self,
        run: &RunId,
        category: Option<Category>,
        max: usize,
    ) -> Result<Vec<Ready>, Error> {
        let lane = (run.clone(), category);
        let from = (lane.clone(), i64::MIN, 0, Ready::Chunk(ChunkId(0)));
        Ok(self
            .ready
            .range(from..)
            .take_while(|(l, ..)| *l == lane)
            .take(max)
            .map(|(_, _, _, ready)| *ready)
            .collect())
    }

    fn aging(
        &mut self,
        run: &RunId,
        category: Option<Category>,
        before: Millis,
        max: usize,
    ) -> Result<Vec<TaskId>, Error> {
        let lane = (run.clone(), category);
        let from = (lane.clone(), Millis(i64::MIN), TaskId(0));
        Ok(self
            .aging
            .range(from..)
            .take_while(|(l, at, _)| *l == lane && *at < before)
            .take(max)
            .map(|(_, _, id)| *id)
            .collect())
    }

    fn poisoned(&mut self, run: &RunId, lost_min: u16, max: usize) -> Result<Vec<TaskId>, Error> {
        Ok(self
            .tasks
            .values()
            .filter(|(t, _)| t.lost >= lost_min && !t.leased && t.run == *run)
            .take(max)
            .map(|(t, _)| t.id)
            .collect())
    }

    fn open_work(&mut self, run: &RunId, max: usize) -> Result<Vec<Ready>, Error> {
        let chunks = self
            .chunks
            .values()
            .filter(|(c, _)| c.run == *run && c.next < c.len)
            .map(|(c, _)| Ready::Chunk(c.id));
        let tasks = self
            .tasks
            .values()
            .filter(|(t, _)| t.run == *run && !t.leased)
            .map(|(t, _)| Ready::Task(t.id));
        Ok(chunks.chain(tasks).take(max).collect())
    }

    fn lease(&mut self, id: LeaseId) -> Result<Option<Lease>, Error> {
        Ok(self.leases.get(&id).cloned())
    }

    fn put_lease(&mut self, lease: &Lease) -> Result<(), Error> {
        if let Some(before) = self.leases.insert(lease.id, lease.clone()) {
            self.until.remove(&(before.until, before.id));
        }
        self.until.insert((lease.until, lease.id));
        Ok(())
    }

    fn delete_lease(&mut self, id: LeaseId) -> Result<(), Error> {
        if let Some(before) = self.leases.remove(&id) {
            self.until.remove(&(before.until, id));
        }
        Ok(())
    }

    fn run_out(&mut self, now: Millis, max: usize) -> Result<Vec<LeaseId>, Error> {
        let to = (now, LeaseId(u64::MAX));
        Ok(self.until.range(..=to).take(max).map(|(_, id)| *id).collect())
    }

    fn leases_of_others(&mut self, worker: &WorkerId) -> Result<Vec<LeaseId>, Error> {
        Ok(self.leases.values().filter(|l| l.worker != *worker).map(|l| l.id).collect())
    }

    fn first_run_out(&mut self) -> Result<Option<Millis>, Error> {
        Ok(self.until.first().map(|(at, _)| *at))
    }

    fn leased(&mut self, run: &RunId) -> Result<u64, Error> {
        let open = |l: &Lease| l.open.iter().filter(|o| **o).count() as u64;
        Ok(self.leases.values().filter(|l| l.run == *run).map(open).sum())
    }

    fn take_once(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
        key: u64,
    ) -> Result<bool, Error> {
        Ok(self.once.insert((connection.clone(), operation.to_owned(), key)))
    }

    fn free_once(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
        key: u64,
    ) -> Result<(), Error> {
        self.once.remove(&(connection.clone(), operation.to_owned(), key));
        Ok(())
    }

    fn budget(&mut self, account: &AccountId) -> Result<Budget, Error> {
        Ok(self.budgets.get(account).cloned().unwrap_or_default())
    }

    fn put_budget(&mut self, account: &AccountId, budget: &Budget) -> Result<(), Error> {
        self.budgets.insert(account.clone(), budget.clone());
        Ok(())
    }

    fn worker(&mut self, worker: &WorkerId) -> Result<Option<WorkerRecord>, Error> {
        Ok(self.workers.get(worker).cloned())
    }

    fn put_worker(&mut self, worker: &WorkerId, record: &WorkerRecord) -> Result<(), Error> {
        self.workers.insert(worker.clone(), record.clone());
        Ok(())
    }
}
