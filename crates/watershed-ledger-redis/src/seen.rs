//! What a script read of a run, as `watershed_ledger::show` wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use watershed_ledger::tables::{Budget, Counts, LimitUse, Queue, RunRecord, ScopeId, Tally};
use watershed_ledger::{Error, Seen, learned::Learned};
use watershed_model::{
    AccountId, Category, ConnectionName, Limit, Limits, Millis, OperationId, PlanHash, RunId,
    RunState, StepId, Trigger,
};

use crate::read::{Maybe, Raw, map};

/// A run, where it is there.
#[derive(Debug, Deserialize)]
pub(crate) struct Look {
    there: bool,
    #[serde(default)]
    record: Option<Run>,
    #[serde(default)]
    counts: Option<Counted>,
    #[serde(default)]
    budget: Option<Spent>,
    #[serde(default)]
    plan: Raw,
    #[serde(default)]
    heads: Vec<(String, u16, i64)>,
    #[serde(default)]
    retries: (u64, Maybe<i64>),
    #[serde(default)]
    not_yet: (u64, Maybe<i64>),
    #[serde(default)]
    leased: u64,
}

#[derive(Debug, Deserialize)]
struct Run {
    run: RunId,
    connection: ConnectionName,
    plan_hash: PlanHash,
    inputs: Raw,
    granted: Vec<String>,
    trigger: Trigger,
    state: RunState,
    why: Maybe<String>,
    submitted_at: i64,
    ended_at: Maybe<i64>,
    root: u64,
}

#[derive(Debug, Deserialize)]
struct Counted {
    steps: Vec<Step>,
    #[serde(deserialize_with = "map")]
    calls: BTreeMap<String, u64>,
    least: u64,
    #[serde(deserialize_with = "map")]
    repeated: BTreeMap<String, u64>,
    #[serde(deserialize_with = "map")]
    throttled: BTreeMap<String, u64>,
}

/// What is counted of a step.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    pub(crate) known: u64,
    pub(crate) done: u64,
    pub(crate) skipped: u64,
    pub(crate) unavailable: u64,
    pub(crate) waiting: u64,
    pub(crate) failed: u64,
    pub(crate) open: u64,
    pages: u64,
    pub(crate) leased: u64,
    months: Vec<u64>,
}

#[derive(Debug, Deserialize)]
struct Spent {
    limits: Vec<Limit>,
    used: Vec<LimitUse>,
    #[serde(deserialize_with = "map")]
    closed: BTreeMap<Category, Millis>,
    #[serde(deserialize_with = "map")]
    learned: BTreeMap<Category, Learned>,
    #[serde(deserialize_with = "map")]
    labels: BTreeMap<OperationId, Category>,
}

impl Look {
    /// As it is shown.
    pub(crate) fn seen(self, account: AccountId) -> Result<Option<Seen>, Error> {
        if !self.there {
            return Ok(None);
        }
        self.opened(account).map(Some).ok_or_else(|| Error::Corrupt {
            place: "the ledger on Redis".to_owned(),
            why: "a run cannot be read".to_owned(),
        })
    }

    fn opened(self, account: AccountId) -> Option<Seen> {
        let (run, counts, budget) = (self.record?, self.counts?, self.budget?);
        let heads = self.heads.into_iter().map(|(kind, of, rank)| Some((queue(&kind, of)?, rank)));
        let (retry, not_yet) = (self.retries.1.0, self.not_yet.1.0);
        let due_at = retry.into_iter().chain(not_yet).min().map(Millis);
        Some(Seen {
            run: RunRecord {
                run: run.run,
                connection: run.connection,
                account,
                plan_hash: run.plan_hash,
                inputs: Arc::new(serde_json::from_slice(&run.inputs.0).ok()?),
                granted: run.granted.into(),
                trigger: run.trigger,
                state: run.state,
                why: run.why.0,
                submitted_at: Millis(run.submitted_at),
                ended_at: run.ended_at.0.map(Millis),
                root: ScopeId(run.root),
            },
            plan: Arc::new(serde_json::from_slice(&self.plan.0).ok()?),
            counts: Counts {
                steps: counts.steps.into_iter().map(Step::tally).collect::<Option<_>>()?,
                calls: counts.calls,
                least: counts.least,
                repeated: counts.repeated,
                throttled: counts.throttled,
            },
            budget: Budget {
                limits: Limits(budget.limits),
                used: budget.used,
                closed: budget.closed,
                learned: budget.learned,
                labels: budget.labels,
                // It tells nothing that is shown.
                returned: Vec::new(),
                returned_from: Millis::default(),
            },
            heads: heads.collect::<Option<_>>()?,
            due_at,
            tries: self.retries.0,
            not_yet: self.not_yet.0,
            leased: self.leased,
        })
    }
}

impl Step {
    fn tally(self) -> Option<Tally> {
        let month = |pair: &[u64]| Some((u16::try_from(pair[0]).ok()?, pair[1]));
        Some(Tally {
            known: self.known,
            done: self.done,
            skipped: self.skipped,
            unavailable: self.unavailable,
            waiting: self.waiting,
            failed: self.failed,
            open: self.open,
            pages: self.pages,
            leased: self.leased,
            months: self.months.chunks_exact(2).map(month).collect::<Option<_>>()?,
        })
    }
}

fn queue(kind: &str, of: u16) -> Option<Queue> {
    match kind {
        "D" => Some(Queue::Dated(StepId(of))),
        "U" => Some(Queue::Undated(StepId(of))),
        _ => Some(Queue::Listed(Category::ALL.get(usize::from(of)).copied())),
    }
}
