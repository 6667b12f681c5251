//! How runs went lately: what the charts are drawn from. Kept in memory, and gone with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use watershed_ledger::RunView;
use watershed_model::{Millis, RunId, RunState};

use crate::state::Server;

/// How often running runs are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// Moments of a run. When there are more, every other one goes: what is long ago is told less
/// finely.
const MOMENTS_MAX: usize = 480;
/// Runs that are remembered. Beyond that those that ended first go.
const RUNS_MAX: usize = 100;
/// A rate is taken over so long.
const RATE_MS: i64 = 60_000;

/// A run at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at: Millis,
    /// Calls started until then, by category.
    pub(crate) calls: BTreeMap<String, u64>,
    /// Items closed until then.
    pub(crate) closed: u64,
    /// Tasks leased at that moment.
    pub(crate) leased: u64,
}

impl Moment {
    fn all(&self) -> u64 {
        self.calls.values().sum()
    }

    fn of(view: &RunView, at: Millis) -> Moment {
        let closed = view.steps.iter().map(|step| step.closed_well() + step.failed).sum();
        Moment { at, calls: view.calls.clone(), closed, leased: view.leased }
    }
}

/// Moments of runs.
#[derive(Default)]
pub(crate) struct History(Mutex<HashMap<RunId, Vec<Moment>>>);

impl History {
    /// What is remembered of a run, in order.
    pub(crate) fn of(&self, run: &RunId) -> Vec<Moment> {
        self.moments().get(run).cloned().unwrap_or_default()
    }

    /// Calls a second of a run lately; `None` before two moments are known, or where the last is
    /// long ago.
    pub(crate) fn rate(&self, run: &RunId, now: Millis) -> Option<f64> {
        let moments = self.moments();
        let moments = moments.get(run)?;
        let last = moments.last().filter(|last| now - last.at < RATE_MS)?;
        let first = moments.iter().find(|moment| last.at - moment.at <= RATE_MS)?;
        let ms = last.at - first.at;
        (ms > 0).then(|| last.all().saturating_sub(first.all()) as f64 * 1_000.0 / ms as f64)
    }

    /// Remembers how a run stands.
    pub(crate) fn put(&self, view: &RunView, at: Millis) {
        let mut moments = self.moments();
        if moments.len() >= RUNS_MAX && !moments.contains_key(&view.run) {
            let last = |of: &Vec<Moment>| of.last().map(|moment| moment.at);
            let first = moments.iter().min_by_key(|(_, of)| last(of)).map(|(run, _)| run.clone());
            first.and_then(|run| moments.remove(&run));
        }
        let of_run = moments.entry(view.run.clone()).or_default();
        of_run.push(Moment::of(view, at));
        if of_run.len() > MOMENTS_MAX {
            let mut keep = false;
            of_run.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }

    fn moments(&self) -> MutexGuard<'_, HashMap<RunId, Vec<Moment>>> {
        // Nothing in here can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at running runs. Never ends.
pub(crate) async fn watch(server: &Server) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        if let Err(error) = look_at_all(server).await {
            tracing::debug!(%error, "running runs could not be looked at");
        }
    }
}

async fn look_at_all(server: &Server) -> Result<(), watershed_ledger::Error> {
    let ledger = &server.stores.ledger;
    for line in ledger.runs().await? {
        if line.state == RunState::Running
            && let Some(view) = ledger.run(&line.run).await?
        {
            server.history.put(&view, (server.clock)());
        }
    }
    Ok(())
}
