//! Commands and replies: all that is ever said to a ledger.
//!
//! Time and random bits come with the command or from the ledger's own clock; nothing here
//! reads either. A repeat of the same `Exchange` (worker and sequence number) gives the
//! same answer and changes nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use watershed_model::{
    AccountId, Brood, Category, ConnectionName, DayCalls, Heard, Kin, Limits, Millis, Plan,
    PlanHash, RetryCause, RunId, ScopeSeed, StepId, Throttle, Trigger, WorkerId,
};

/// A lease: the time-bound right of one worker to settle the tasks that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseId(pub u64);

/// What makes a stale lease recognisable: a counter alone repeats after a rollback, so the
/// worker's random nonce stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fence {
    /// The lease.
    pub lease: LeaseId,
    /// 64 random bits of the exchange that took it, mixed with the lease's id.
    pub nonce: u64,
    /// Which of the lease's tasks.
    pub index: u16,
}

/// The checkpoint of a listing: what a later page needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The token of the page to come.
    pub token: String,
    /// When the token was given.
    pub token_at: Millis,
    /// When the first page was asked: coverage of a window reaches no further.
    pub first_at: Millis,
    /// Pages read so far.
    pub pages: u32,
    /// Rows read so far.
    pub rows: u64,
}

/// What is said to a ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Begins a run. The same id again changes nothing.
    Submit(Box<Submit>),
    /// Settles what is done, and leases what may start now: one trip, one atomic act.
    Exchange(Exchange),
    /// Keeps the worker's leases for another lease time.
    Extend {
        /// The worker.
        worker: WorkerId,
        /// The leases that it still works on.
        leases: Vec<LeaseId>,
        /// Length of a lease, from now.
        lease_ms: i64,
    },
    /// Takes back what other workers held: said by a worker that knows it is alone.
    Takeover {
        /// The worker that is alone.
        worker: WorkerId,
    },
    /// What is in flight settles; nothing new starts.
    Pause(RunId),
    /// Lifts a pause, or sets a failed run going again.
    Resume(RunId),
    /// Ends a run: what is in flight settles, open items are dropped in bounded steps.
    Cancel(RunId),
    /// Puts dead letters back.
    Retry {
        /// The run.
        run: RunId,
        /// The letters, at most 500.
        letters: Vec<Letter>,
    },
    /// The account's limits, as configuration and tier say.
    SetLimits {
        /// The account.
        account: AccountId,
        /// The limits, reduced to the connection's share.
        limits: Limits,
        /// What the sink knows of the calls of its days: the ledger may have lost its count.
        #[serde(default)]
        days: Vec<DayCalls>,
        /// Since when an answer has asked for them ([`Recount::asked_at`]): they were read after
        /// that. `None`: nobody has asked.
        #[serde(default)]
        recount: Option<Millis>,
    },
}

/// Begins a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submit {
    /// The run.
    pub run: RunId,
    /// Whose lane it runs in.
    pub connection: ConnectionName,
    /// Whose budget it uses.
    pub account: AccountId,
    /// The plan.
    pub plan: Plan,
    /// Its hash.
    pub plan_hash: PlanHash,
    /// Inputs, dates absolute. Opaque to the ledger.
    pub inputs: BTreeMap<String, Value>,
    /// Operations granted. Opaque to the ledger.
    pub granted: Vec<String>,
    /// What started it; also its class in the lane.
    pub trigger: Trigger,
    /// What hangs under the run itself.
    pub kin: Vec<Kin>,
    /// Items with which the run's own joins run.
    pub joins: Vec<(StepId, Vec<String>)>,
}

/// Settles and leases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The worker.
    pub worker: WorkerId,
    /// Counts the worker's exchanges; the same number again is a repeat.
    pub sequence: u64,
    /// Random bits for the leases taken here.
    pub random: u64,
    /// What is done.
    pub settles: Vec<Settle>,
    /// All that the worker holds, what it settles here included. A ledger that has lost its last
    /// acts gives back what else it was leased. `None`: it does not say.
    #[serde(default)]
    pub held: Option<Vec<Fence>>,
    /// What is asked for.
    pub want: Want,
}

/// What a worker asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Want {
    /// Lanes it serves.
    pub lanes: Vec<ConnectionName>,
    /// Tasks it has free slots for.
    pub tasks: u16,
    /// Length of a lease.
    pub lease_ms: i64,
    /// How far ahead a permit's start may lie.
    pub horizon_ms: i64,
    /// How long the worker needs from asking to starting: no permit's start lies sooner. A
    /// slot that passes before its call can start is lost.
    #[serde(default)]
    pub lead_ms: i64,
}

/// The end of one task's one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settle {
    /// The right to settle it.
    pub fence: Fence,
    /// What came of it.
    pub outcome: Outcome,
    /// Calls started under the permit. 0 gives it back, unless it serves others too.
    pub calls: u16,
    /// Of these, calls that repeat an earlier one, and why.
    pub repeats: Option<Repeat>,
    /// The least that what is complete with this could have cost.
    pub least: u64,
    /// A 429 that was met.
    pub throttle: Option<Throttle>,
    /// What the answer told of the budget.
    #[serde(default)]
    pub heard: Option<Heard>,
}

impl Settle {
    /// After so many calls, each of which had to be, with nothing to tell besides.
    pub fn after(calls: u16, fence: Fence, outcome: Outcome) -> Settle {
        let least = u64::from(calls);
        Settle { fence, outcome, calls, repeats: None, least, throttle: None, heard: None }
    }
}

/// Why a call is a repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The lease under which it was made before was lost.
    LostLease,
    /// The listing began again.
    Restart,
    /// The call before failed in a way that is tried again.
    Retry(RetryCause),
    /// What was asked for was not there yet.
    NotYet,
}

impl Repeat {
    /// Its name in counts and reports.
    pub fn name(self) -> &'static str {
        match self {
            Repeat::LostLease => "lost_lease",
            Repeat::Restart => "restart",
            Repeat::Retry(cause) => cause.name(),
            Repeat::NotYet => "not_yet",
        }
    }
}

/// What came of a task's call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// A page, and more to come: the checkpoint moves.
    More {
        /// Children that the page brought.
        broods: Vec<Brood>,
        /// What the next page needs.
        checkpoint: Checkpoint,
    },
    /// Closed.
    Closed {
        /// Children that it brought.
        broods: Vec<Brood>,
        /// How it ended.
        end: End,
    },
    /// A dead letter, already in the sink.
    Failed,
    /// Tried again at this time, by the step's policy.
    Retry {
        /// When.
        at: Millis,
        /// Whether it costs an attempt.
        counts: bool,
    },
    /// Not there yet, and waited for: asked again at this time from its first page, at the
    /// cost of no attempt.
    NotYet {
        /// When.
        at: Millis,
    },
    /// The listing begins again from its first page; keys brought so far stay known.
    Restart,
    /// Given back: not started.
    Released,
}

impl Outcome {
    /// Children that it brings.
    pub fn broods_mut(&mut self) -> &mut [Brood] {
        match self {
            Outcome::More { broods, .. } | Outcome::Closed { broods, .. } => broods,
            _ => &mut [],
        }
    }
}

/// How a task ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// All of it is in the sink.
    Done,
    /// Its condition was false.
    Skipped,
    /// Zoom does not give it.
    Unavailable,
    /// Not there yet: coverage says when it is asked again.
    Waiting,
}

/// A dead letter's part that the ledger needs to put it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The step.
    pub step: StepId,
    /// The item.
    pub item: String,
    /// The hash of its `once` value.
    pub once: Option<u64>,
    /// Its month.
    pub bucket: u16,
    /// The scopes above it, outermost first, the run left out.
    pub scopes: Vec<ScopeSeed>,
}

/// What a ledger answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The command was carried out, or had been already.
    Done,
    /// The run began.
    Submitted {
        /// Whether it was there already.
        already: bool,
    },
    /// To an exchange.
    Exchanged(Exchanged),
    /// To an extension: leases that are no longer the worker's.
    Extended {
        /// Lost ones.
        lost: Vec<LeaseId>,
    },
    /// To a takeover: tasks that were taken back.
    TakenOver {
        /// How many.
        tasks: u64,
    },
    /// To a retry: letters that were put back.
    PutBack {
        /// How many.
        letters: u64,
    },
}

/// The answer to an exchange.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Exchanged {
    /// The ledger's clock.
    pub now: Millis,
    /// One for each settle, in order: whether it was accepted.
    pub settled: Vec<Settled>,
    /// What may start.
    pub leased: Vec<Leased>,
    /// When it is worth asking again; `None` where nothing is open in the lanes.
    pub ask_again_at: Option<Millis>,
    /// Runs of these lanes that ended since: their state is in their views.
    pub ended: Vec<RunId>,
    /// Calls of today under each limit of a day of these lanes' accounts: for the sink, which
    /// outlives the ledger.
    #[serde(default)]
    pub days: Vec<DayCalls>,
    /// Accounts whose calls of the day the ledger gives no more, until it was told of them.
    #[serde(default)]
    pub recount: Vec<Recount>,
}

/// A ledger that has lost something asks for an account's calls of the day as the sink knows them
/// by now: [`Command::SetLimits`] tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recount {
    /// The account.
    pub account: AccountId,
    /// Since when it asks: what it gave before it lost that, has begun.
    pub asked_at: Millis,
}

/// What became of a settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// Carried out.
    Accepted,
    /// The fence was not the worker's any more: nothing was changed.
    Stale,
}

/// A task that may start, with its permit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leased {
    /// The right to settle it.
    pub fence: Fence,
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepId,
    /// The item.
    pub item: String,
    /// The hash of its `once` value.
    pub once: Option<u64>,
    /// Its month.
    pub bucket: u16,
    /// Where a listing goes on.
    pub checkpoint: Option<Checkpoint>,
    /// Attempts made before this one.
    pub attempts: u16,
    /// Leases of it that were lost, in a row.
    pub lost: u16,
    /// How often it began again from its first page.
    #[serde(default)]
    pub restarts: u16,
    /// Six leases were lost in a row, the last ones alone: write the dead letter, make no call.
    pub poisoned: bool,
    /// Its permit's category.
    pub category: Option<Category>,
    /// The call may start from here,
    pub start_from: Millis,
    /// and until here; later it is released instead.
    pub start_until: Millis,
    /// Whether its permit is that of the task before it in its lease: one call serves both.
    #[serde(default)]
    pub bound: bool,
    /// The scopes above it, outermost first, the run left out: for a dead letter.
    pub scopes: Vec<ScopeSeed>,
    /// For a join: dead letters beneath its scope, by step.
    pub failures: Vec<(StepId, u64)>,
}
