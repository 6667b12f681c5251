//! A rehearsal: a whole run in virtual time, and what is to be told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;
use watershed_engine::{
    Clock, Connection, Content, Ending, Engine, Estimate, LOOK_MS, Parts, Request, Sampling,
    WorkerSettings, stop,
};
use watershed_lake::MemoryFiles;
use watershed_ledger::{Ledger, MemoryLedger, RunView};
use watershed_model::{Limits, Millis, Plan, PlanHash, RunId, Trigger, WorkerName};
use watershed_sink::{Batch, Sink, SqliteSink};
use watershed_zoom_sim::{Account, LimitSpec, Spec};

use crate::account::connection;
use crate::again::Again;
use crate::dataset::Dataset;
use crate::diary::Diary;
use crate::error::Error;
use crate::network::Network;
use crate::report::{Kept, Rehearsal};
use crate::time::{VirtualClock, in_virtual_time};

/// The name of the connection in a rehearsal.
const CONNECTION: &str = "rehearsal";

/// People whose part of the account is estimated, and taken for the whole: an estimate reads the
/// account's lists whole and keeps what they hold.
pub(crate) const ESTIMATED: u64 = 100;
/// Sampling calls of that estimate. They cost nothing here.
const SAMPLE_MAX: u64 = 2_000;

/// A run that has not gone on for so many days never does: no budget and no answer is waited for
/// that long.
const STANDS_DAYS: i64 = 14;

/// How often a worker looks whose ledger nobody else changes. Hours of a day without budget are
/// most of a rehearsal.
const LOOK_ALONE_MS: i64 = 60_000;

/// What is rehearsed.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    /// The account; its present is when the run begins.
    pub account: Spec,
    /// The workflow file's text.
    pub source: String,
    /// What it compiles to.
    pub plan: Plan,
    /// Its hash.
    pub hash: PlanHash,
    /// Inputs, dates absolute.
    pub inputs: BTreeMap<String, Value>,
    /// The account's limits, reduced to the share.
    pub limits: Limits,
    /// What the customer agreed to.
    pub content: Content,
    /// Processes that execute.
    pub workers: u16,
    /// Tasks at once in each of them.
    pub concurrency: u16,
}

/// Rehearses; `tell` hears again and again how the run stands, and what time it is there.
///
/// # Errors
/// Where the run cannot begin, or a credential of the account is refused.
pub fn rehearse(
    rehearsed: &Rehearsed,
    tell: &mut dyn FnMut(&RunView, Millis),
) -> Result<Rehearsal, Error> {
    let now = Millis::from(rehearsed.account.now);
    let seed = rehearsed.account.seed;
    // The formula's sampling calls take their time, and their part of a day: not the run's.
    let clock = VirtualClock::new(now, seed);
    let estimate = in_virtual_time(&clock, estimate(rehearsed, &clock))?;
    let estimate = estimate.times(more_than_estimated(&rehearsed.account), &rehearsed.limits, now);
    let clock = VirtualClock::new(now, seed);
    let stage = Stage::new(rehearsed, clock.clone());
    in_virtual_time(&clock, stage.run(rehearsed, estimate, tell))
}

/// The engine's surroundings.
struct Stage {
    clock: VirtualClock,
    account: Arc<Account>,
    connection: Connection,
    ledger: Arc<MemoryLedger>,
    dataset: Arc<Dataset>,
    files: Arc<MemoryFiles>,
}

impl Stage {
    fn new(rehearsed: &Rehearsed, clock: VirtualClock) -> Stage {
        let account = Arc::new(Account::new(rehearsed.account.clone()));
        account.forget_calls();
        let limits = rehearsed.limits.clone();
        let connection = connection(CONNECTION.into(), &account, limits, rehearsed.content);
        let read = clock.clone();
        let ledger = Arc::new(MemoryLedger::new(Arc::new(move || read.now())));
        let again = Again::new(&rehearsed.account);
        let dataset = Arc::new(Dataset::new(Arc::new(clock.clone()), again));
        Stage {
            clock,
            account,
            connection,
            ledger,
            dataset,
            files: Arc::new(MemoryFiles::forgetful()),
        }
    }

    fn engine(&self) -> Engine {
        let clock = Arc::new(self.clock.clone());
        Engine::new(Parts {
            ledger: self.ledger.clone(),
            sink: self.dataset.clone(),
            files: self.files.clone(),
            transport: Arc::new(Network::new(self.account.clone(), clock.clone())),
            clock,
            catalogue: watershed_zoom::catalogue(),
            connections: vec![self.connection.clone()],
        })
    }

    async fn run(
        self,
        rehearsed: &Rehearsed,
        estimate: Estimate,
        tell: &mut dyn FnMut(&RunView, Millis),
    ) -> Result<Rehearsal, Error> {
        let first = self.engine();
        let run = first.submit(request(rehearsed)).await?.run().clone();
        let (_handle, never) = stop();
        let mut workers = JoinSet::new();
        for engine in std::iter::once(first).chain((1..rehearsed.workers).map(|_| self.engine())) {
            let (run, never) = (run.clone(), never.clone());
            let settings = WorkerSettings {
                name: WorkerName::default(),
                concurrency: rehearsed.concurrency,
                lease_ms: 15_000,
                shutdown_grace_ms: 20_000,
                alone: rehearsed.workers == 1,
                look_ms: if rehearsed.workers == 1 { LOOK_ALONE_MS } else { LOOK_MS },
                wait_until: None,
            };
            workers.spawn(async move { engine.work(Some(&run), settings, never).await });
        }
        let mut diary = Diary::new(self.clock.now());
        let mut last = (self.clock.now(), 0, 0);
        let ending = loop {
            let next = diary.next_at();
            tokio::select! {
                biased;
                ended = workers.join_next() => {
                    let Some(ended) = ended else { return Err(Error::NoRun) };
                    break ended.map_err(|_| Error::NoRun)??;
                }
                () = self.clock.sleep_until(next) => {
                    let view = self.view(&run).await?;
                    diary.note(&view, self.clock.now());
                    tell(&view, self.clock.now());
                    let calls = view.calls.values().sum::<u64>();
                    let open = view.steps.iter().map(|step| step.open).sum::<u64>();
                    if (last.1, last.2) != (calls, open) {
                        last = (self.clock.now(), calls, open);
                    }
                    if self.clock.now() > last.0 + STANDS_DAYS * Millis::DAY {
                        return Err(Error::StoodStill { days: STANDS_DAYS, open });
                    }
                }
            }
        };
        drop(workers);
        if let Ending::Fatal(why) = ending {
            return Err(Error::Fatal(why));
        }
        let view = self.view(&run).await?;
        let ended_at = view.ended_at.unwrap_or_else(|| self.clock.now());
        diary.note(&view, ended_at);
        tell(&view, ended_at);
        let standing = self.engine().record(&run).await?;
        let kept = Kept { rows_bytes: weigh(&self.dataset).await?, files: self.files.placed() };
        Ok(Rehearsal::of(rehearsed, &standing, &diary, (&self.dataset, kept), &estimate))
    }

    async fn view(&self, run: &RunId) -> Result<RunView, Error> {
        self.ledger.run(run).await?.ok_or(Error::NoRun)
    }
}

/// What the formula says of the first people of the account.
async fn estimate(rehearsed: &Rehearsed, clock: &VirtualClock) -> Result<Estimate, Error> {
    // Its sampling calls cost nothing: a small share of the limits must not keep them from being
    // made.
    let account = Spec { limits: LimitSpec::off(), ..first_people(&rehearsed.account) };
    let few = Rehearsed { account, limits: Limits::default(), ..rehearsed.clone() };
    let stage = Stage::new(&few, clock.clone());
    let scratch = Arc::new(SqliteSink::in_memory(watershed_zoom::catalogue()).await?);
    let how = Sampling { calls_max: Some(SAMPLE_MAX), part: 1.0, scratch };
    Ok(stage.engine().estimate(request(rehearsed), how).await?)
}

/// The account that is estimated.
fn first_people(account: &Spec) -> Spec {
    Spec { users: account.users.min(ESTIMATED), ..account.clone() }
}

/// How much more the account holds than the one that is estimated.
fn more_than_estimated(account: &Spec) -> f64 {
    let whole = Account::new(account.clone());
    let few = whole.held_by_the_first(ESTIMATED);
    whole.held_by_the_first(account.users) as f64 / few.max(1) as f64
}

fn request(rehearsed: &Rehearsed) -> Request {
    Request {
        connection: CONNECTION.into(),
        source: rehearsed.source.clone(),
        plan: rehearsed.plan.clone(),
        hash: rehearsed.hash.clone(),
        inputs: rehearsed.inputs.clone(),
        run: None,
        fresh: CONNECTION.into(),
        trigger: Trigger::Manual,
    }
}

/// Bytes that the rows would take in SQLite: the first ones of each operation are written there,
/// and their growth taken for all.
async fn weigh(dataset: &Dataset) -> Result<u64, Error> {
    let scratch = SqliteSink::in_memory(watershed_zoom::catalogue()).await?;
    let weighed = dataset.kept().course.take_weighed();
    let mut all = 0.0;
    for weighed in weighed.into_values() {
        let times = weighed.times();
        let writes = weighed.writes();
        let before = scratch.check().await?.bytes;
        scratch.write(Batch { writes, ..Batch::default() }.into()).await?;
        all += scratch.check().await?.bytes.saturating_sub(before) as f64 * times;
    }
    Ok(all as u64)
}
