//! The conversation with the ledger: outcomes are written, then settled; what may start is
//! leased and handed to the workers.
//!
//! One per process. Guarantees: rows are in the sink before their settle is said, and calls of a
//! day before they begin; no more is leased than there are free slots; a ledger or sink that fails
//! for a while makes it wait; nothing polls hot. The rules are the ledger's, the hops of a task
//! are in `task`; one trip to the ledger is in `exchange`, what is on its way into the sink
//! meanwhile in `writing`.

mod exchange;
mod lead;
mod stores;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::mpsc;
use watershed_ledger::{Command, Fence, LeaseId, Leased, Ledger, Reply, Settle};
use watershed_model::{
    AccountId, Catalogue, ConnectionName, Limits, Millis, RunId, RunState, WorkerId, WorkerName,
};
use watershed_sink::Batch;

use crate::active::{ActiveRun, Link};
use crate::conclude::{self, Moment};
use crate::connection::Connection;
use crate::days::Days;
use crate::error::Error;
use crate::offset::Offset;
use crate::runtime::{Return, Ticket};
use crate::stop::{Stop, Stopping};
use crate::task::{Done, Tools};
use writing::Writing;

/// However long a lease is, a ledger that others execute on hears of a worker this often: that it
/// has lost something is found sooner than that.
const SPEAK_MS: i64 = 1_000;
/// No exchange follows another sooner, unless something is to be settled.
const PACE_MS: i64 = 25;
/// Outcomes gather this long, so that they share a commit.
const GATHER_MS: u64 = 4;
/// Outcomes settled at once.
const BATCH_MAX: usize = 256;
/// A hint that something may be leased leads to no exchange sooner after another.
const HINT_PACE_MS: i64 = 100;
/// How often a worker looks whether others did something, where a ledger is shared.
pub const LOOK_MS: i64 = 1_000;

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Who works.
    pub name: WorkerName,
    /// Tasks at once.
    pub concurrency: u16,
    /// Length of a lease.
    pub lease_ms: i64,
    /// How long calls in flight may take to settle after a stop was asked for.
    pub shutdown_grace_ms: i64,
    /// Whether no other process executes on this ledger: what others held is taken back at
    /// the start.
    pub alone: bool,
    /// How often the ledger and the state of the run are looked at where nothing is due: what
    /// others did on it is found no later. Usually [`LOOK_MS`].
    pub look_ms: i64,
    /// Answers that are not there yet are waited for until here, and asked for again within
    /// the run; `None` leaves them to a later run.
    pub wait_until: Option<Millis>,
}

/// How work came to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The run that was waited for is in this state.
    Run(RunState),
    /// A stop was asked for.
    Stopped,
    /// A connection cannot go on: its runs are paused.
    Fatal(String),
}

/// What is held for a task in flight.
struct Flight {
    leased: Leased,
    run: Arc<ActiveRun>,
    /// How far ahead its permit was asked for.
    lead_ms: i64,
}

/// The conversation.
pub(crate) struct Dispatch {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) tools: Arc<Tools>,
    pub(crate) catalogue: Catalogue,
    pub(crate) links: BTreeMap<ConnectionName, Arc<Link>>,
    /// The accounts behind the links.
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) settings: WorkerSettings,
    pub(crate) worker: WorkerId,
    pub(crate) stop: Stop,
    pub(crate) tickets: mpsc::Sender<Ticket>,
    pub(crate) returns: mpsc::Receiver<Return>,
    pub(crate) state: State,
}

/// What the conversation remembers.
#[derive(Default)]
pub(crate) struct State {
    sequence: u64,
    /// Since a stop was asked for: until when calls in flight may settle.
    drain_until: Option<Millis>,
    /// A stop did not wait for a store any longer.
    left: bool,
    /// When the ledger last heard of this worker.
    spoke_at: Millis,
    flights: BTreeMap<Fence, Flight>,
    runs: BTreeMap<RunId, Arc<ActiveRun>>,
    done: Vec<Done>,
    writing: Option<Writing>,
    asked_at: Millis,
    ask_at: Millis,
    extend_at: Millis,
    look_at: Millis,
    fatal: Option<String>,
    lead_ms: i64,
    needed_ms: i64,
    offset: Offset,
    ended: BTreeSet<RunId>,
    tell_at: Millis,
    days: Days,
    /// The limits that the ledger was told last.
    pub(crate) limits: BTreeMap<ConnectionName, Limits>,
    /// When it last looked at its clock.
    seen_at: Millis,
}

impl State {
    /// A clock that was set back must not put off what was due by it: leases would run out.
    fn looks_at(&mut self, now: Millis) {
        if now < self.seen_at {
            for due_at in [&mut self.ask_at, &mut self.extend_at, &mut self.look_at] {
                *due_at = now.min(*due_at);
            }
            self.tell_at = now;
        }
        self.seen_at = now;
    }
}

impl Dispatch {
    /// Works until `run` has ended, or a stop is asked for. A store that is away for the whole
    /// time that a stop has is left as it is.
    pub(crate) async fn run(mut self, run: Option<&RunId>) -> Result<Ending, Error> {
        match self.converse(run).await {
            Err(error) if self.state.left => {
                tracing::warn!(%error, "stopped: what was in flight there is done again");
                Ok(Ending::Stopped)
            }
            ending => ending,
        }
    }

    async fn converse(&mut self, run: Option<&RunId>) -> Result<Ending, Error> {
        if self.settings.alone {
            self.said(Command::Takeover { worker: self.worker.clone() }).await?;
        }
        loop {
            self.gather().await;
            let now = self.tools.clock.now();
            match self.stop.state() {
                Stopping::Now => return Ok(Ending::Stopped),
                Stopping::Drain => {
                    if now >= self.drain_until() {
                        self.give_back();
                    }
                    if self.is_idle() {
                        self.leave().await;
                        return Ok(Ending::Stopped);
                    }
                }
                Stopping::No => {}
            }
            self.settle_and_lease(self.state.drain_until.is_some()).await?;
            self.keep_leases().await?;
            if let Some(ending) = self.look(run).await? {
                return Ok(ending);
            }
        }
    }

    /// Waits until there is something to do, and takes what has come back.
    async fn gather(&mut self) {
        let clock = self.tools.clock.clone();
        self.state.looks_at(clock.now());
        let stopping = self.stop.state();
        let full = self.free(&[]) == 0;
        let next = if stopping == Stopping::No {
            // Without a free slot there is nothing to ask for.
            let ask_at = if full { Millis(i64::MAX) } else { self.state.ask_at };
            ask_at.min(self.state.extend_at).min(self.state.look_at)
        } else {
            clock.now() + PACE_MS
        };
        let harder = if stopping == Stopping::No { Stopping::Drain } else { Stopping::Now };
        let listens = stopping == Stopping::No && !full;
        while self.state.done.is_empty() || self.state.writing.is_some() {
            let wait = clock.sleep_until(next.max(clock.now()));
            tokio::select! {
                biased;
                () = over(self.state.writing.as_mut()), if self.state.writing.is_some() => return,
                // While a batch is on its way, what comes is of the next one.
                Some(back) = self.returns.recv() => self.take(back),
                () = self.stop.reached(harder) => break,
                () = wait => return,
                () = self.ledger.hint(&self.accounts), if listens => {
                    let soon = clock.now().max(self.state.asked_at + HINT_PACE_MS);
                    self.state.ask_at = self.state.ask_at.min(soon);
                    return;
                }
            }
        }
        let gather_until = clock.sleep_until(clock.now() + i64::try_from(GATHER_MS).unwrap_or(0));
        tokio::pin!(gather_until);
        while self.state.done.len() < BATCH_MAX {
            // What is here already comes without waiting.
            match self.returns.try_recv() {
                Ok(back) => self.take(back),
                Err(_) if self.state.done.len() * 2 >= self.state.flights.len() => return,
                Err(_) => tokio::select! {
                    biased;
                    Some(back) = self.returns.recv() => self.take(back),
                    () = &mut gather_until => return,
                },
            }
        }
    }

    /// Slots of tasks that may be leased. What is done has none any more; but no more waits to be
    /// settled than may run, so that a crash repeats no more than twice as many calls.
    /// What `settles` speak of is settled in the same trip. None while the sink cannot take what is
    /// done.
    fn free(&self, settles: &[Settle]) -> usize {
        if self.state.writing.as_ref().is_some_and(Writing::failed) {
            return 0;
        }
        let slots = usize::from(self.settings.concurrency);
        let flies = |fence: &Fence| self.state.flights.contains_key(fence);
        let settled = settles.iter().filter(|settle| flies(&settle.fence)).count();
        let writing = self.state.writing.iter().flat_map(Writing::fences);
        let done = self.state.done.iter().map(|done| done.settle.fence).chain(writing);
        let done = done.filter(flies).count();
        let held = self.state.flights.len() - settled;
        slots.saturating_sub(held - done).min((2 * slots).saturating_sub(held))
    }

    /// Whether nothing is in flight, done or on its way.
    fn is_idle(&self) -> bool {
        let State { flights, done, writing, .. } = &self.state;
        flights.is_empty() && done.is_empty() && writing.is_none()
    }

    fn take(&mut self, back: Return) {
        match back {
            Return::Done(done) => done.into_iter().for_each(|done| self.came(done)),
            Return::Broken { fences, why } => {
                for fence in fences {
                    let Some(flight) = self.state.flights.get(&fence) else { continue };
                    let clock = &self.tools.clock;
                    let now = clock.now();
                    let wait_until = flight.run.waits_until(self.settings.wait_until);
                    let moment = Moment { first_at: now, now, chance: clock.random(), wait_until };
                    self.came(conclude::broken(&flight.leased, &flight.run, why.clone(), moment));
                }
            }
        }
    }

    fn came(&mut self, done: Done) {
        if let (Some(late_ms), Some(flight)) =
            (done.late_ms, self.state.flights.get(&done.settle.fence))
        {
            self.state.needed_ms = self.state.needed_ms.max(lead::needed(flight.lead_ms, late_ms));
        }
        if let Some(why) = &done.fatal {
            self.state.fatal.get_or_insert_with(|| why.clone());
        }
        self.state.done.push(done);
    }

    fn drain_until(&mut self) -> Millis {
        let until = self.tools.clock.now() + self.settings.shutdown_grace_ms;
        *self.state.drain_until.get_or_insert(until)
    }

    /// After the grace: what is still in flight is given back.
    fn give_back(&mut self) {
        let writing = self.state.writing.iter().flat_map(Writing::fences);
        let settled: BTreeSet<Fence> =
            self.state.done.iter().map(|done| done.settle.fence).chain(writing).collect();
        for (fence, flight) in &self.state.flights {
            if !settled.contains(fence) {
                self.state.done.push(conclude::released(&flight.leased));
            }
        }
    }

    /// The last answer told what was given back of the day: the sink is to know that too.
    async fn leave(&mut self) {
        let batch = Batch { days: self.state.days.news(), ..Batch::default() };
        if !batch.is_empty()
            && let Err(error) = self.tools.sink.write(batch.into()).await
        {
            tracing::debug!(%error, "the calls of the day were not written: they count too high");
        }
    }

    /// Keeps the leases of what is in flight.
    async fn keep_leases(&mut self) -> Result<(), Error> {
        let now = self.tools.clock.now();
        let silent = !self.settings.alone && now - self.state.spoke_at >= SPEAK_MS;
        if now < self.state.extend_at && !silent {
            return Ok(());
        }
        self.state.extend_at = now + self.settings.lease_ms / 3;
        self.state.spoke_at = now;
        let leases: BTreeSet<LeaseId> = self.state.flights.keys().map(|f| f.lease).collect();
        if leases.is_empty() {
            return Ok(());
        }
        let extend = Command::Extend {
            worker: self.worker.clone(),
            leases: leases.into_iter().collect(),
            lease_ms: self.settings.lease_ms,
        };
        if let Reply::Extended { lost } = self.said(extend).await?
            && !lost.is_empty()
        {
            tracing::warn!(leases = lost.len(), "leases were lost: their settles will be refused");
        }
        Ok(())
    }

    /// Tells the ledger of limits that are others by now: a share may hang on the time of the day.
    async fn keep_limits(&mut self, now: Millis) -> Result<(), Error> {
        for link in self.links.values().cloned().collect::<Vec<_>>() {
            let Connection { name, account, limits, .. } = &*link.connection;
            let limits = limits.at(now);
            let known = self.state.limits.insert(name.clone(), limits.clone());
            if known.as_ref() != Some(&limits) {
                let (account, days) = (account.clone(), Vec::new());
                self.said(Command::SetLimits { account, limits, days, recount: None }).await?;
            }
        }
        Ok(())
    }

    /// Whether work is over.
    async fn look(&mut self, run: Option<&RunId>) -> Result<Option<Ending>, Error> {
        let idle = self.is_idle();
        if let Some(why) = &self.state.fatal
            && idle
        {
            let why = why.clone();
            for id in self.state.runs.keys().cloned().collect::<Vec<_>>() {
                self.pause(id).await?;
            }
            return Ok(Some(Ending::Fatal(why)));
        }
        let now = self.tools.clock.now();
        let due = now >= self.state.look_at;
        if due {
            self.keep_limits(now).await?;
            self.state.look_at = now + self.settings.look_ms;
        }
        let Some(run) = run else { return Ok(None) };
        if !self.state.ended.remove(run) && !due {
            return Ok(None);
        }
        let Some(view) = self.viewed(run).await? else { return Ok(None) };
        let over = match view.state {
            RunState::Running | RunState::Cancelling => false,
            RunState::Paused | RunState::Failed => idle,
            RunState::Cancelled | RunState::Complete => true,
        };
        Ok(over.then_some(Ending::Run(view.state)))
    }

    async fn pause(&mut self, id: RunId) -> Result<(), Error> {
        let running = self.viewed(&id).await?.is_some_and(|view| view.state == RunState::Running);
        if running {
            self.said(Command::Pause(id)).await?;
        }
        Ok(())
    }
}

/// Waits until the batch has arrived.
async fn over(writing: Option<&mut Writing>) {
    if let Some(writing) = writing {
        writing.over().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_puts_nothing_off() {
        let noon = Millis(43_200_000);
        let mut state = State { ask_at: noon + 5, extend_at: noon + 10, ..State::default() };
        state.looks_at(noon);
        assert_eq!((state.ask_at, state.extend_at), (noon + 5, noon + 10));
        state.looks_at(noon + -15_000);
        assert_eq!((state.ask_at, state.extend_at), (noon + -15_000, noon + -15_000));
    }
}
