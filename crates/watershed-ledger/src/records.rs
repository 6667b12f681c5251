//! The records that the rules work on: plain values, without any order among them.
//!
//! What changes at every settle is small and apart from what does not: counts beside the run,
//! a chunk's numbers beside its items. Where they are kept: `Tables`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use watershed_model::{
    AccountId, Category, ConnectionName, Limits, Millis, OperationId, PlanHash, RunId, RunState,
    StepId, Trigger, WorkerId,
};

use crate::learned::Learned;
use crate::{Checkpoint, LeaseId, Settled};

/// The version of these records. It changes when what an older program wrote would be read
/// wrongly; whoever keeps them refuses another one by [`Error::Version`](crate::Error::Version).
pub const STATE_FORMAT: u32 = 1;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);
    };
}

number_id!(
    /// A branch at which joins stand, or the run itself.
    ScopeId
);
number_id!(
    /// Items that wait together.
    ChunkId
);
number_id!(
    /// A task with a record of its own.
    TaskId
);

/// A run, without what changes at every settle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run.
    pub run: RunId,
    /// Whose lane it runs in.
    pub connection: ConnectionName,
    /// Whose budget it uses.
    pub account: AccountId,
    /// Its plan.
    pub plan_hash: PlanHash,
    /// Inputs, dates absolute.
    pub inputs: Arc<BTreeMap<String, Value>>,
    /// Operations granted.
    pub granted: Arc<[String]>,
    /// What started it.
    pub trigger: Trigger,
    /// Where it stands.
    pub state: RunState,
    /// Why it failed.
    pub why: Option<String>,
    /// When it was submitted.
    pub submitted_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// The scope of the run itself.
    pub root: ScopeId,
}

/// A step's counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Branches known so far.
    pub known: u64,
    /// Closed, everything in the sink.
    pub done: u64,
    /// Closed, condition false.
    pub skipped: u64,
    /// Closed, not to be had.
    pub unavailable: u64,
    /// Closed, asked again by a later run.
    pub waiting: u64,
    /// Dead letters.
    pub failed: u64,
    /// Not closed.
    pub open: u64,
    /// Pages after which more were to come.
    #[serde(default)]
    pub pages: u64,
    /// Of the open ones: those that are leased.
    #[serde(default)]
    pub leased: u64,
    /// Of the open ones of a step that goes newest first: how many of each known month.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub months: BTreeMap<u16, u64>,
}

impl Tally {
    /// Closed, however.
    pub(crate) fn closed(&self) -> u64 {
        self.done + self.skipped + self.unavailable + self.waiting + self.failed
    }

    /// Open items of that month and newer ones.
    pub(crate) fn open_from(&self, month: u16) -> u64 {
        self.months.range(month..).map(|(_, open)| open).sum()
    }

    /// Open items of which nobody knows the month.
    pub(crate) fn undated(&self) -> u64 {
        self.open.saturating_sub(self.months.values().sum())
    }

    /// Pages after the first that a listing of the step has on average, rounded down.
    pub(crate) fn pages_to_come(&self) -> u64 {
        self.pages / self.done.max(1)
    }
}

/// What changes at every settle of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// By the place of the step in the plan.
    pub steps: Vec<Tally>,
    /// Calls started, by category name.
    pub calls: BTreeMap<String, u64>,
    /// The least these could have been.
    pub least: u64,
    /// Repeated calls by cause.
    pub repeated: BTreeMap<String, u64>,
    /// 429s by kind.
    pub throttled: BTreeMap<String, u64>,
}

/// Where a join of a scope stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinState {
    /// Of another level.
    Elsewhere,
    /// What it watches is open.
    Waiting,
    /// Released: that many of its tasks are open.
    Open(u32),
    /// It has run.
    Done,
}

/// A branch at which joins stand, or the run itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Its id.
    pub id: ScopeId,
    /// The run.
    pub run: RunId,
    /// The scope above; `None` for the run's own.
    pub parent: Option<ScopeId>,
    /// Its level, an index into `Plan::scopes`.
    pub level: u8,
    /// Its identity among its siblings.
    pub key: u64,
    /// The items with which the joins of this level run.
    pub joins: Vec<(StepId, Vec<String>)>,
    /// Whether it has folded: then it is kept only for the dead letters beneath it.
    pub folded: bool,
    /// Open units directly here: chunks, tasks, waiting joins, scopes beneath.
    pub units: u64,
    /// For each join of the plan: open units here that it watches.
    pub counts: Vec<u32>,
    /// For each join of the plan: where it stands.
    pub states: Vec<JoinState>,
    /// For each join of the plan: it must run once more after this time.
    pub again: Vec<bool>,
    /// Dead letters beneath, those of scopes beneath included, by step.
    pub failures: BTreeMap<StepId, u64>,
}

/// Items that wait together, without the items themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its id.
    pub id: ChunkId,
    /// The run.
    pub run: RunId,
    /// The step that works on its items.
    pub step: StepId,
    /// The scope that counts it.
    pub scope: ScopeId,
    /// The month of its items, 0 for none.
    pub bucket: u16,
    /// Items in it.
    pub len: u16,
    /// Bytes of its items.
    pub bytes: u32,
    /// The first item not leased yet.
    pub next: u16,
    /// Items not closed and not moved out.
    pub open: u16,
}

/// An item in a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its values.
    pub item: String,
    /// Its `once` hash.
    pub once: Option<u64>,
    /// Whether it is leased together with the item before it.
    pub together: bool,
}

/// A task with a record of its own: a retry, a continuation, a join, a lost lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepId,
    /// The scope that counts it.
    pub scope: ScopeId,
    /// Its item.
    pub item: String,
    /// Its `once` hash.
    pub once: Option<u64>,
    /// Its month, 0 for none.
    pub bucket: u16,
    /// Where its listing goes on.
    pub checkpoint: Option<Checkpoint>,
    /// Attempts made.
    pub attempts: u16,
    /// Leases lost in a row.
    pub lost: u16,
    /// How often its listing began again.
    #[serde(default)]
    pub restarts: u16,
    /// Whether listing keys are kept for it.
    pub keyed: bool,
    /// Not before this.
    pub due_at: Millis,
    /// Whether it is delayed because what it asks for was not there yet.
    #[serde(default)]
    pub not_yet: bool,
    /// Whether it is leased together with the one before it in its queue.
    #[serde(default)]
    pub together: bool,
    /// Whether it is leased now.
    pub leased: bool,
}

/// What a lease is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leasehold {
    /// Items of a chunk, from that one on.
    Range {
        /// The chunk.
        chunk: ChunkId,
        /// Its first item.
        from: u16,
    },
    /// A task.
    Task(TaskId),
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Its id.
    pub id: LeaseId,
    /// Whose it is.
    pub worker: WorkerId,
    /// What makes it recognisable.
    pub nonce: u64,
    /// Until when.
    pub until: Millis,
    /// The run.
    pub run: RunId,
    /// What it is of.
    pub of: Leasehold,
    /// The category of its permits.
    pub category: Option<Category>,
    /// For each of its tasks: not settled yet.
    pub open: Vec<bool>,
    /// For each of its tasks: when it may start.
    pub slots: Vec<Slot>,
}

/// The time in which a call may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// From here,
    pub from: Millis,
    /// until here.
    pub until: Millis,
    /// Our calls that the second (or minute) up to it holds at most, its own included; 0 where
    /// nothing counts it.
    #[serde(default)]
    pub own: u16,
}

/// What is ready to be leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ready {
    /// The next items of a chunk.
    Chunk(ChunkId),
    /// A task.
    Task(TaskId),
}

/// What of a run and category waits in one order. A queue of its own is what may be barred
/// without what stands behind it in the category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// Items of the category's steps that go as listed, and all listings under way.
    Listed(Option<Category>),
    /// Items of known month of a step that goes newest first.
    Dated(StepId),
    /// Its other items.
    Undated(StepId),
}

/// Where a ready thing stands: which queue, and how far in front (lower first).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The run.
    pub run: RunId,
    /// The category of its calls.
    pub category: Option<Category>,
    /// Where it waits.
    pub queue: Queue,
    /// Lower goes first.
    pub rank: i64,
    /// For a listing under way: when its token was given.
    pub token_at: Option<Millis>,
}

/// A worker's last exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// Its number.
    pub sequence: u64,
    /// What was answered to its settles.
    pub settled: Vec<Settled>,
    /// The leases given.
    pub leases: Vec<LeaseId>,
    /// When it was worth asking again.
    pub ask_again_at: Option<Millis>,
    /// Runs that ended by it.
    pub ended: Vec<RunId>,
    /// The lease of a suspect that it took or had.
    #[serde(default)]
    pub alone: Option<LeaseId>,
    /// When it was.
    #[serde(default)]
    pub at: Millis,
}

/// What a limit has given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LimitUse {
    /// For seconds and minutes: microseconds of the next slot.
    pub next_us: i64,
    /// For days: the day counted in,
    pub day: i64,
    /// and the calls given in it. For seconds and minutes: the period, and calls in it.
    pub used: u64,
    /// The calls given in the period before.
    #[serde(default)]
    pub last: u64,
    /// For days: calls that others have made in it at least, as answers told,
    #[serde(default)]
    pub others: u64,
    /// of so many that the account has.
    #[serde(default)]
    pub limit: u32,
    /// For days: calls of it that an earlier state of this ledger gave, which was lost.
    #[serde(default)]
    pub before: u64,
    /// For days: when its calls last changed, later with each change.
    #[serde(default)]
    pub at: Millis,
}

/// An account's budget.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Budget {
    /// The limits.
    pub limits: Limits,
    /// What each has given, in the same order.
    pub used: Vec<LimitUse>,
    /// Categories that Zoom closed, and until when.
    pub closed: BTreeMap<Category, Millis>,
    /// What answers told of a category's seconds.
    #[serde(default)]
    pub learned: BTreeMap<Category, Learned>,
    /// The category that answers named for an operation.
    #[serde(default)]
    pub labels: BTreeMap<OperationId, Category>,
    /// Slots still to come that were given back: a call of that category may start in them.
    #[serde(default)]
    pub returned: Vec<(Category, Millis)>,
    /// Slots before it were given under former limits: they are not given again.
    #[serde(default)]
    pub returned_from: Millis,
}
