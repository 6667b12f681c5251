//! The tables as ordered maps, with an order beside them for each lookup.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use watershed_model::{
    AccountId, Category, ConnectionName, Millis, Plan, PlanHash, RunId, RunState, StepId, WorkerId,
};

use crate::hashes::Hashes;
use crate::tables::{
    Budget, Chunk, ChunkId, Counts, Item, Lease, Place, Queue, Ready, RunRecord, Scope, ScopeId,
    Tables, Task, TaskId, WorkerRecord,
};
use crate::waiting::Waiting;
use crate::{Error, LeaseId};

/// A run by number: what the orders below are kept by, so that no name is copied for them.
type RunNumber = u32;
type Lane = (RunNumber, Option<Category>);

/// Where a ready thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stand {
    lane: Lane,
    queue: Queue,
    rank: i64,
    token_at: Option<Millis>,
}

impl Stand {
    fn entry(&self, ready: Ready) -> (RunNumber, Queue, i64, u64, Ready) {
        (self.lane.0, self.queue, self.rank, number_of(ready), ready)
    }
}

/// The tables as ordered maps.
#[derive(Debug, Clone, Default)]
pub struct MemoryTables {
    last_id: u64,
    plans: BTreeMap<PlanHash, Arc<Plan>>,
    runs: BTreeMap<RunId, RunRecord>,
    numbers: BTreeMap<RunId, RunNumber>,
    counts: BTreeMap<RunId, Counts>,
    scopes: BTreeMap<ScopeId, Scope>,
    beneath: BTreeMap<(ScopeId, u8, u64), ScopeId>,
    chunks: BTreeMap<ChunkId, (Chunk, Option<Stand>)>,
    waiting: BTreeSet<(RunNumber, ChunkId)>,
    to_fill: BTreeMap<(RunNumber, StepId, ScopeId, u16), ChunkId>,
    items: BTreeMap<ChunkId, Waiting>,
    tasks: BTreeMap<TaskId, (Task, Option<Stand>)>,
    idle: BTreeSet<(RunNumber, TaskId)>,
    lost: BTreeSet<(RunNumber, u16, TaskId)>,
    keys: BTreeMap<TaskId, Vec<u64>>,
    delayed: BTreeSet<(RunNumber, Millis, TaskId)>,
    ready: BTreeSet<(RunNumber, Queue, i64, u64, Ready)>,
    aging: BTreeSet<(Lane, Millis, TaskId)>,
    leases: BTreeMap<LeaseId, Lease>,
    until: BTreeSet<(Millis, LeaseId)>,
    leased: BTreeMap<RunNumber, u64>,
    once: BTreeMap<ConnectionName, BTreeMap<String, Hashes>>,
    budgets: BTreeMap<AccountId, Budget>,
    workers: BTreeMap<WorkerId, WorkerRecord>,
}

impl MemoryTables {
    /// How many records there are, items and keys included.
    pub fn records(&self) -> u64 {
        let items: usize = self.items.values().map(Waiting::count).sum();
        let keys: usize = self.keys.values().map(Vec::len).sum();
        let once: usize = self.once.values().flat_map(|of| of.values()).map(Hashes::len).sum();
        let heads = self.runs.len() + self.scopes.len() + self.chunks.len() + self.tasks.len();
        (heads + self.leases.len() + self.workers.len() + items + keys + once) as u64
    }

    fn number(&mut self, run: &RunId) -> RunNumber {
        if let Some(number) = self.numbers.get(run) {
            return *number;
        }
        let number = RunNumber::try_from(self.numbers.len()).unwrap_or(RunNumber::MAX);
        self.numbers.insert(run.clone(), number);
        number
    }

    fn stand(&mut self, place: &Place) -> Stand {
        let lane = (self.number(&place.run), place.category);
        Stand { lane, queue: place.queue, rank: place.rank, token_at: place.token_at }
    }

    fn take_out(&mut self, ready: Ready, stand: &Stand) {
        if let (Ready::Task(task), Some(at)) = (ready, stand.token_at) {
            self.aging.remove(&(stand.lane, at, task));
        }
        self.ready.remove(&stand.entry(ready));
    }

    fn put_in(&mut self, ready: Ready, stand: &Stand) {
        if let (Ready::Task(task), Some(at)) = (ready, stand.token_at) {
            self.aging.insert((stand.lane, at, task));
        }
        self.ready.insert(stand.entry(ready));
    }

    fn forget_task(&mut self, id: TaskId) {
        let Some((old, stand)) = self.tasks.remove(&id) else { return };
        let run = self.number(&old.run);
        if !old.leased {
            self.idle.remove(&(run, id));
            self.lost.remove(&(run, old.lost, id));
            self.delayed.remove(&(run, old.due_at, id));
        }
        if let Some(stand) = stand {
            self.take_out(Ready::Task(id), &stand);
        }
    }

    fn forget_chunk(&mut self, id: ChunkId) {
        let Some((old, stand)) = self.chunks.remove(&id) else { return };
        let run = self.number(&old.run);
        self.waiting.remove(&(run, id));
        let group = (run, old.step, old.scope, old.bucket);
        if self.to_fill.get(&group) == Some(&id) {
            self.to_fill.remove(&group);
        }
        if let Some(stand) = stand {
            self.take_out(Ready::Chunk(id), &stand);
        }
    }

    fn forget_lease(&mut self, id: LeaseId) {
        let Some(old) = self.leases.remove(&id) else { return };
        let run = self.number(&old.run);
        self.until.remove(&(old.until, id));
        let left = self.leased.entry(run).or_default();
        *left = left.saturating_sub(open_in(&old));
    }
}

fn number_of(ready: Ready) -> u64 {
    match ready {
        Ready::Chunk(ChunkId(id)) | Ready::Task(TaskId(id)) => id,
    }
}

fn open_in(lease: &Lease) -> u64 {
    lease.open.iter().filter(|open| **open).count() as u64
}

/// The part of an ordered set that belongs to one run.
fn of_run<A: Ord + Copy, B: Ord + Copy>(
    set: &BTreeSet<(RunNumber, A, B)>,
    run: RunNumber,
    from: (A, B),
) -> impl Iterator<Item = (A, B)> + '_ {
    set.range((run, from.0, from.1)..).take_while(move |e| e.0 == run).map(|e| (e.1, e.2))
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

    fn live_runs(&mut self, lane: &ConnectionName) -> Result<Vec<RunRecord>, Error> {
        let live = |r: &&RunRecord| {
            r.connection == *lane && matches!(r.state, RunState::Running | RunState::Cancelling)
        };
        let mut runs: Vec<RunRecord> = self.runs.values().filter(live).cloned().collect();
        runs.sort_by_key(|r| r.submitted_at);
        Ok(runs)
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
        let run = self.number(run);
        Ok(self.to_fill.get(&(run, step, scope, bucket)).copied())
    }

    fn put_chunk(&mut self, chunk: &Chunk, place: Option<&Place>) -> Result<(), Error> {
        if let Some((known, stand)) = self.chunks.get_mut(&chunk.id)
            && known.next == chunk.next
            && known.len == chunk.len
            && stand.is_some() == place.is_some()
        {
            // It stands where it stood: its plan says so, and that never changes.
            known.clone_from(chunk);
            return Ok(());
        }
        self.forget_chunk(chunk.id);
        let run = self.number(&chunk.run);
        let stand = place.map(|place| self.stand(place));
        if let Some(stand) = &stand {
            self.put_in(Ready::Chunk(chunk.id), stand);
        }
        if chunk.next < chunk.len {
            self.waiting.insert((run, chunk.id));
        }
        if chunk.next == 0 {
            let group = (run, chunk.step, chunk.scope, chunk.bucket);
            let full = self.to_fill.insert(group, chunk.id);
            if let Some(full) = full.and_then(|full| self.items.get_mut(&full)) {
                full.compress();
            }
        }
        self.chunks.insert(chunk.id, (chunk.clone(), stand));
        Ok(())
    }

    fn add_items(&mut self, id: ChunkId, items: &[Item]) -> Result<(), Error> {
        self.items.entry(id).or_default().at_hand().extend_from_slice(items);
        Ok(())
    }

    fn items(&mut self, id: ChunkId, from: u16, len: u16) -> Result<Vec<Item>, Error> {
        let items = self.items.get_mut(&id).map_or(&[][..], |waiting| waiting.at_hand());
        let from = usize::from(from).min(items.len());
        let to = (from + usize::from(len)).min(items.len());
        Ok(items[from..to].to_vec())
    }

    fn delete_chunk(&mut self, id: ChunkId) -> Result<(), Error> {
        self.items.remove(&id);
        self.forget_chunk(id);
        Ok(())
    }

    fn task(&mut self, id: TaskId) -> Result<Option<Task>, Error> {
        Ok(self.tasks.get(&id).map(|(task, _)| task.clone()))
    }

    fn put_task(&mut self, task: &Task, place: Option<&Place>) -> Result<(), Error> {
        self.forget_task(task.id);
        let run = self.number(&task.run);
        let stand = place.map(|place| self.stand(place));
        match &stand {
            Some(stand) => self.put_in(Ready::Task(task.id), stand),
            None if !task.leased => {
                self.delayed.insert((run, task.due_at, task.id));
            }
            None => {}
        }
        if !task.leased {
            self.idle.insert((run, task.id));
            if task.lost > 0 {
                self.lost.insert((run, task.lost, task.id));
            }
        }
        self.tasks.insert(task.id, (task.clone(), stand));
        Ok(())
    }

    fn delete_task(&mut self, id: TaskId) -> Result<(), Error> {
        self.forget_task(id);
        Ok(())
    }

    fn keys(&mut self, id: TaskId) -> Result<Vec<u64>, Error> {
        Ok(self.keys.get(&id).cloned().unwrap_or_default())
    }

    fn add_keys(&mut self, id: TaskId, keys: &[u64]) -> Result<(), Error> {
        self.keys.entry(id).or_default().extend_from_slice(keys);
        Ok(())
    }

    fn delete_keys(&mut self, id: TaskId) -> Result<(), Error> {
        self.keys.remove(&id);
        Ok(())
    }

    fn due(&mut self, run: &RunId, now: Millis, max: usize) -> Result<Vec<TaskId>, Error> {
        let run = self.number(run);
        let first = (Millis(i64::MIN), TaskId(0));
        let due = of_run(&self.delayed, run, first).take_while(|(at, _)| *at <= now);
        Ok(due.take(max).map(|(_, id)| id).collect())
    }

    fn first_due(&mut self, run: &RunId) -> Result<Option<Millis>, Error> {
        let run = self.number(run);
        let first = (Millis(i64::MIN), TaskId(0));
        Ok(of_run(&self.delayed, run, first).next().map(|(at, _)| at))
    }

    fn delayed(&mut self, run: &RunId, not_yet: bool) -> Result<u64, Error> {
        let run = self.number(run);
        let first = (Millis(i64::MIN), TaskId(0));
        let such = |id: &TaskId| self.tasks.get(id).is_some_and(|(t, _)| t.not_yet == not_yet);
        Ok(of_run(&self.delayed, run, first).filter(|(_, id)| such(id)).count() as u64)
    }

    fn ready(&mut self, run: &RunId, queue: Queue, max: usize) -> Result<Vec<(i64, Ready)>, Error> {
        let run = self.number(run);
        let from = (run, queue, i64::MIN, 0, Ready::Chunk(ChunkId(0)));
        let there = self.ready.range(from..).take_while(|(r, q, ..)| (*r, *q) == (run, queue));
        Ok(there.take(max).map(|(_, _, rank, _, ready)| (*rank, *ready)).collect())
    }

    fn aging(
        &mut self,
        run: &RunId,
        category: Option<Category>,
        before: Millis,
        max: usize,
    ) -> Result<Vec<TaskId>, Error> {
        let lane = (self.number(run), category);
        let from = (lane, Millis(i64::MIN), TaskId(0));
        let old = self.aging.range(from..).take_while(|(l, at, _)| *l == lane && *at < before);
        Ok(old.take(max).map(|(_, _, id)| *id).collect())
    }

    fn poisoned(&mut self, run: &RunId, lost_min: u16, max: usize) -> Result<Vec<TaskId>, Error> {
        let run = self.number(run);
        Ok(of_run(&self.lost, run, (lost_min, TaskId(0))).take(max).map(|(_, id)| id).collect())
    }

    fn open_work(&mut self, run: &RunId, max: usize) -> Result<Vec<Ready>, Error> {
        let run = self.number(run);
        let chunks = self.waiting.range((run, ChunkId(0))..).take_while(|(r, _)| *r == run);
        let tasks = self.idle.range((run, TaskId(0))..).take_while(|(r, _)| *r == run);
        let chunks = chunks.map(|(_, id)| Ready::Chunk(*id));
        Ok(chunks.chain(tasks.map(|(_, id)| Ready::Task(*id))).take(max).collect())
    }

    fn lease(&mut self, id: LeaseId) -> Result<Option<Lease>, Error> {
        Ok(self.leases.get(&id).cloned())
    }

    fn put_lease(&mut self, lease: &Lease) -> Result<(), Error> {
        self.forget_lease(lease.id);
        let run = self.number(&lease.run);
        self.until.insert((lease.until, lease.id));
        *self.leased.entry(run).or_default() += open_in(lease);
        self.leases.insert(lease.id, lease.clone());
        Ok(())
    }

    fn delete_lease(&mut self, id: LeaseId) -> Result<(), Error> {
        self.forget_lease(id);
        Ok(())
    }

    fn run_out(&mut self, now: Millis, max: usize) -> Result<Vec<LeaseId>, Error> {
        let to = (now, LeaseId(u64::MAX));
        Ok(self.until.range(..=to).take(max).map(|(_, id)| *id).collect())
    }

    fn leases_of(&mut self, worker: &WorkerId) -> Result<Vec<LeaseId>, Error> {
        Ok(self.leases.values().filter(|l| l.worker == *worker).map(|l| l.id).collect())
    }

    fn leases_of_others(&mut self, worker: &WorkerId) -> Result<Vec<LeaseId>, Error> {
        Ok(self.leases.values().filter(|l| l.worker != *worker).map(|l| l.id).collect())
    }

    fn first_run_out(&mut self) -> Result<Option<Millis>, Error> {
        Ok(self.until.first().map(|(at, _)| *at))
    }

    fn leased(&mut self, run: &RunId) -> Result<u64, Error> {
        let run = self.number(run);
        Ok(self.leased.get(&run).copied().unwrap_or(0))
    }

    fn take_once(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
        key: u64,
    ) -> Result<bool, Error> {
        if let Some(held) = self.once.get_mut(connection).and_then(|of| of.get_mut(operation)) {
            return Ok(held.insert(key, ()).is_none());
        }
        let of = self.once.entry(connection.clone()).or_default();
        Ok(of.entry(operation.to_owned()).or_default().insert(key, ()).is_none())
    }

    fn free_once(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
        key: u64,
    ) -> Result<(), Error> {
        if let Some(of) = self.once.get_mut(connection)
            && let Some(held) = of.get_mut(operation)
            && held.remove(key).is_some()
            && held.is_empty()
        {
            of.remove(operation);
        }
        Ok(())
    }

    fn once_under(
        &mut self,
        connection: &ConnectionName,
        prefix: &str,
    ) -> Result<Vec<(String, u64)>, Error> {
        let Some(of) = self.once.get(connection) else { return Ok(Vec::new()) };
        let under = of.range(prefix.to_owned()..).take_while(|(name, _)| name.starts_with(prefix));
        Ok(under
            .flat_map(|(name, held)| held.iter().map(|(key, ())| (name.clone(), key)))
            .collect())
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

    fn workers(&mut self) -> Result<Vec<WorkerId>, Error> {
        Ok(self.workers.keys().cloned().collect())
    }

    fn put_worker(&mut self, worker: &WorkerId, record: &WorkerRecord) -> Result<(), Error> {
        self.workers.insert(worker.clone(), record.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_packed_once_another_is_filled_and_gives_its_items_as_they_were() {
        let mut tables = MemoryTables::default();
        let items: Vec<Item> = (0..300)
            .map(|n| Item { item: format!("[{n}]"), once: None, together: false })
            .collect();
        for id in [1, 2].map(ChunkId) {
            let (step, scope, run) = (StepId(0), ScopeId(0), RunId::from("r"));
            let (bucket, len, bytes, next, open) = (0, 300, 0, 0, 300);
            let chunk = Chunk { id, run, step, scope, bucket, len, bytes, next, open };
            tables.put_chunk(&chunk, None).expect("memory");
            tables.add_items(id, &items).expect("memory");
        }
        let packed = |tables: &MemoryTables, id| {
            matches!(tables.items.get(&ChunkId(id)), Some(Waiting::Compressed { .. }))
        };
        assert_eq!((packed(&tables, 1), packed(&tables, 2)), (true, false));
        assert_eq!(tables.records(), 602);
        assert_eq!(tables.items(ChunkId(1), 298, 9).expect("memory"), items[298..]);
        assert!(!packed(&tables, 1), "what is worked on stays at hand");
    }
}
