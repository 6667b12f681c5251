//! The storage seam: the records that `decide` works on, and the few lookups it needs.
//!
//! The in-memory ledger and SQLite implement it, each inside one transaction: whatever
//! `decide` writes is kept wholly or not at all. A lookup sees what was written before it in
//! the same transaction.

use std::sync::Arc;

use watershed_model::{
    AccountId, Category, ConnectionName, Millis, Plan, PlanHash, RunId, RunState, StepId, WorkerId,
};

pub use crate::records::{
    Budget, Chunk, ChunkId, Counts, Item, JoinState, Lease, Leasehold, LimitUse, Place, Queue,
    Ready, RunRecord, STATE_FORMAT, Scope, ScopeId, Slot, Tally, Task, TaskId, WorkerRecord,
};
use crate::{Error, LeaseId};

/// The records, and the lookups among them.
pub trait Tables {
    /// A new id, higher than every one before.
    fn next_id(&mut self) -> Result<u64, Error>;

    /// The plan of that hash.
    fn plan(&mut self, hash: &PlanHash) -> Result<Option<Arc<Plan>>, Error>;
    /// Keeps a plan.
    fn put_plan(&mut self, hash: &PlanHash, plan: &Plan) -> Result<(), Error>;

    /// A run.
    fn run(&mut self, run: &RunId) -> Result<Option<RunRecord>, Error>;
    /// Keeps a run.
    fn put_run(&mut self, run: &RunRecord) -> Result<(), Error>;
    /// All runs, oldest first.
    fn runs(&mut self) -> Result<Vec<RunRecord>, Error>;
    /// Runs of a lane that are running or being cancelled, oldest first.
    fn live_runs(&mut self, lane: &ConnectionName) -> Result<Vec<RunRecord>, Error> {
        let mut runs = self.runs()?;
        runs.retain(|r| {
            r.connection == *lane && matches!(r.state, RunState::Running | RunState::Cancelling)
        });
        Ok(runs)
    }
    /// A run's counts.
    fn counts(&mut self, run: &RunId) -> Result<Counts, Error>;
    /// Keeps a run's counts.
    fn put_counts(&mut self, run: &RunId, counts: &Counts) -> Result<(), Error>;

    /// A scope.
    fn scope(&mut self, id: ScopeId) -> Result<Option<Scope>, Error>;
    /// The scope of that level and key beneath a scope.
    fn scope_beneath(
        &mut self,
        parent: ScopeId,
        level: u8,
        key: u64,
    ) -> Result<Option<ScopeId>, Error>;
    /// Keeps a scope. At most one has the same parent, level and key.
    fn put_scope(&mut self, scope: &Scope) -> Result<(), Error>;
    /// Forgets a scope.
    fn delete_scope(&mut self, id: ScopeId) -> Result<(), Error>;

    /// A chunk, without its items.
    fn chunk(&mut self, id: ChunkId) -> Result<Option<Chunk>, Error>;
    /// A chunk of that group into which items may still go: none of it is leased yet.
    fn chunk_to_fill(
        &mut self,
        run: &RunId,
        step: StepId,
        scope: ScopeId,
        bucket: u16,
    ) -> Result<Option<ChunkId>, Error>;
    /// Keeps a chunk, and where it stands while it has items to lease.
    fn put_chunk(&mut self, chunk: &Chunk, place: Option<&Place>) -> Result<(), Error>;
    /// Adds items at a chunk's end.
    fn add_items(&mut self, id: ChunkId, items: &[Item]) -> Result<(), Error>;
    /// Items of a chunk, from that one on.
    fn items(&mut self, id: ChunkId, from: u16, len: u16) -> Result<Vec<Item>, Error>;
    /// Forgets a chunk and its items.
    fn delete_chunk(&mut self, id: ChunkId) -> Result<(), Error>;

    /// A task.
    fn task(&mut self, id: TaskId) -> Result<Option<Task>, Error>;
    /// Keeps a task, and where it stands while it may be leased now. One without a place that
    /// is not leased is delayed until it is due.
    fn put_task(&mut self, task: &Task, place: Option<&Place>) -> Result<(), Error>;
    /// Forgets a task.
    fn delete_task(&mut self, id: TaskId) -> Result<(), Error>;
    /// The keys that a listing has brought.
    fn keys(&mut self, id: TaskId) -> Result<Vec<u64>, Error>;
    /// Adds some to them.
    fn add_keys(&mut self, id: TaskId, keys: &[u64]) -> Result<(), Error>;
    /// Forgets them.
    fn delete_keys(&mut self, id: TaskId) -> Result<(), Error>;
    /// Delayed tasks of a run that are due, the first ones first.
    fn due(&mut self, run: &RunId, now: Millis, max: usize) -> Result<Vec<TaskId>, Error>;
    /// When the first delayed task of a run is due.
    fn first_due(&mut self, run: &RunId) -> Result<Option<Millis>, Error>;
    /// How many tasks of a run are delayed, those whose answer was not there yet or the
    /// others.
    fn delayed(&mut self, run: &RunId, not_yet: bool) -> Result<u64, Error>;

    /// What is ready in a queue of a run, and how far in front; the first ones first.
    fn ready(&mut self, run: &RunId, queue: Queue, max: usize) -> Result<Vec<(i64, Ready)>, Error>;
    /// Listings under way (with a place) of a run and category whose token was given before,
    /// the oldest first.
    fn aging(
        &mut self,
        run: &RunId,
        category: Option<Category>,
        before: Millis,
        max: usize,
    ) -> Result<Vec<TaskId>, Error>;
    /// Tasks of a run that are not leased and lost so many leases in a row.
    fn poisoned(&mut self, run: &RunId, lost_min: u16, max: usize) -> Result<Vec<TaskId>, Error>;
    /// Open work of a run that is not leased, for dropping.
    fn open_work(&mut self, run: &RunId, max: usize) -> Result<Vec<Ready>, Error>;

    /// A lease.
    fn lease(&mut self, id: LeaseId) -> Result<Option<Lease>, Error>;
    /// Keeps a lease.
    fn put_lease(&mut self, lease: &Lease) -> Result<(), Error>;
    /// Forgets a lease.
    fn delete_lease(&mut self, id: LeaseId) -> Result<(), Error>;
    /// Leases whose `until` is not after `now`, the first ones first.
    fn run_out(&mut self, now: Millis, max: usize) -> Result<Vec<LeaseId>, Error>;
    /// Leases of this worker.
    fn leases_of(&mut self, worker: &WorkerId) -> Result<Vec<LeaseId>, Error>;
    /// Leases of all workers but this one.
    fn leases_of_others(&mut self, worker: &WorkerId) -> Result<Vec<LeaseId>, Error>;
    /// When the first lease runs out.
    fn first_run_out(&mut self) -> Result<Option<Millis>, Error>;
    /// Tasks of a run that are leased.
    fn leased(&mut self, run: &RunId) -> Result<u64, Error>;

    /// Takes the key of an operation in a lane, which is then held; false, and nothing
    /// changed, where it was held already.
    fn take_once(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
        key: u64,
    ) -> Result<bool, Error>;
    /// Gives a key free.
    fn free_once(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
        key: u64,
    ) -> Result<(), Error>;
    /// Keys of the lane that are held for operations whose name begins with `prefix`.
    fn once_under(
        &mut self,
        connection: &ConnectionName,
        prefix: &str,
    ) -> Result<Vec<(String, u64)>, Error>;

    /// An account's budget.
    fn budget(&mut self, account: &AccountId) -> Result<Budget, Error>;
    /// Keeps it.
    fn put_budget(&mut self, account: &AccountId, budget: &Budget) -> Result<(), Error>;

    /// A worker's last exchange.
    fn worker(&mut self, worker: &WorkerId) -> Result<Option<WorkerRecord>, Error>;
    /// All workers whose last exchange is kept.
    fn workers(&mut self) -> Result<Vec<WorkerId>, Error>;
    /// Keeps it.
    fn put_worker(&mut self, worker: &WorkerId, record: &WorkerRecord) -> Result<(), Error>;
}
