//! The conversation with the ledger: outcomes are written, then settled; what may start is
//! leased and handed to the workers.
//!
//! One per process. Guarantees: rows are in the sink before their settle is said; no more is
//! leased than there are free slots; a ledger or sink that fails for a while makes it wait;
//! nothing polls hot. The rules are the ledger's, the hops of a task are in `task`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::mpsc;
use watershed_ledger::{
    Command, Exchange, Exchanged, Fence, LeaseId, Leased, Ledger, Reply, RunView, Settled, Want,
};
use watershed_model::{AccountId, Catalogue, ConnectionName, Millis, RunId, RunState, WorkerId};
use watershed_sink::Batch;

use crate::active::{ActiveRun, Link};
use crate::conclude::{self, Moment};
use crate::covered;
use crate::days::Days;
use crate::error::Error;
use crate::files;
use crate::offset::Offset;
use crate::phase::{self, Phase};
use crate::runtime::{Return, Ticket};
use crate::stop::{Stop, Stopping};
use crate::task::{self, Done, Job, Todo, Tools};

/// Permits are taken this far ahead: several tasks a trip, each with its own start.
const HORIZON_MS: i64 = 400;
/// A task that comes to its call this long after its slot is in time.
const LATE_MS: i64 = 5;
/// Where others execute as well, a call that comes later than this after its slot is not made: it
/// would meet those of a worker that is on time, and both together might be one too many. The
/// share leaves a tenth of a second for that.
const APART_MS: i64 = 50;
/// However slow a machine is, permits are not asked for further ahead.
const LEAD_MAX_MS: i64 = 2_000;
/// However long a lease is, a ledger that others execute on hears of a worker this often: one that
/// was lost learns of each what it had given, before it gives anything.
const SPEAK_MS: i64 = 1_000;
/// No exchange follows another sooner, unless something is to be settled.
const PACE_MS: i64 = 25;
/// Outcomes gather this long, so that they share a commit.
const GATHER_MS: u64 = 4;
/// Outcomes settled at once.
const BATCH_MAX: usize = 256;
/// A store that does not answer is asked again after this: it is not long away, and once it is back
/// work may have to pause for two seconds.
const STORE_WAIT_MS: i64 = 250;
/// How often a wait for a store is told.
const TELL_MS: i64 = 60_000;
/// A hint that something may be leased leads to no exchange sooner after another.
const HINT_PACE_MS: i64 = 100;
/// How often the state of the run that is waited for is looked at.
const LOOK_MS: i64 = 1_000;

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Tasks at once.
    pub concurrency: u16,
    /// Length of a lease.
    pub lease_ms: i64,
    /// How long calls in flight may take to settle after a stop was asked for.
    pub shutdown_grace_ms: i64,
    /// Whether no other process executes on this ledger: what others held is taken back at
    /// the start.
    pub alone: bool,
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
                    if self.state.flights.is_empty() && self.state.done.is_empty() {
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
        let stopping = self.stop.state();
        let full = self.state.flights.len() >= usize::from(self.settings.concurrency);
        let next = if stopping == Stopping::No {
            // Without a free slot there is nothing to ask for.
            let ask_at = if full { Millis(i64::MAX) } else { self.state.ask_at };
            ask_at.min(self.state.extend_at).min(self.state.look_at)
        } else {
            clock.now() + PACE_MS
        };
        if self.state.done.is_empty() {
            let wait = clock.sleep_until(next.max(clock.now()));
            let harder = if stopping == Stopping::No { Stopping::Drain } else { Stopping::Now };
            let listens = stopping == Stopping::No && !full;
            tokio::select! {
                biased;
                Some(back) = self.returns.recv() => self.take(back),
                () = self.stop.reached(harder) => {}
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

    fn take(&mut self, back: Return) {
        let done = match back {
            Return::Done(done) => *done,
            Return::Broken { fence, why } => {
                let Some(flight) = self.state.flights.get(&fence) else { return };
                let clock = &self.tools.clock;
                let now = clock.now();
                let wait_until = self.settings.wait_until;
                let moment = Moment { first_at: now, now, chance: clock.random(), wait_until };
                conclude::broken(&flight.leased, &flight.run, why, moment)
            }
        };
        if let (Some(late_ms), Some(flight)) =
            (done.late_ms, self.state.flights.get(&done.settle.fence))
        {
            self.state.needed_ms = self.state.needed_ms.max(needed(flight.lead_ms, late_ms));
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
        let settled: BTreeSet<Fence> = self.state.done.iter().map(|d| d.settle.fence).collect();
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

    /// Rows, then settle, then lease: the order that makes a second delivery harmless.
    async fn settle_and_lease(&mut self, draining: bool) -> Result<(), Error> {
        let now = self.tools.clock.now();
        let free = if draining || self.state.fatal.is_some() {
            0
        } else {
            usize::from(self.settings.concurrency)
                .saturating_sub(self.state.flights.len() - self.settled_flights())
        };
        // A trip that settles asks for more in any case.
        let wants = free > 0 && (now >= self.state.ask_at || !self.state.done.is_empty());
        if self.state.done.is_empty() && !wants {
            return Ok(());
        }
        let mut done = std::mem::take(&mut self.state.done);
        self.foresee(&mut done, now).await?;
        let mut batch = Batch::default();
        let mut settles = Vec::with_capacity(done.len());
        let mut with_rows = Vec::with_capacity(done.len());
        let mut rooms = Vec::new();
        for done in done {
            if done.writes() {
                with_rows.push(done.settle.fence);
            }
            batch.writes.extend(done.write);
            batch.failures.extend(done.failures);
            batch.healed.extend(done.healed);
            settles.push(done.settle);
            rooms.extend(done.room);
        }
        if !settles.is_empty() {
            batch.days = self.state.days.news();
        }
        self.written(batch).await?;
        drop(rooms);
        with_rows.into_iter().for_each(|fence| phase::tell_of(fence, Phase::Written));
        self.state.sequence += 1;
        self.state.lead_ms = lead(self.state.lead_ms, self.state.needed_ms);
        self.state.needed_ms = 0;
        let fences: Vec<Fence> = settles.iter().map(|s| s.fence).collect();
        let exchange = Exchange {
            worker: self.worker.clone(),
            sequence: self.state.sequence,
            random: self.tools.clock.random(),
            settles,
            want: Want {
                lanes: self.links.keys().cloned().collect(),
                tasks: if wants { u16::try_from(free).unwrap_or(u16::MAX) } else { 0 },
                lease_ms: self.settings.lease_ms,
                horizon_ms: HORIZON_MS,
                lead_ms: self.state.lead_ms,
            },
        };
        let sent_at = self.tools.clock.now();
        self.state.asked_at = sent_at;
        self.state.spoke_at = sent_at;
        fences.iter().for_each(|fence| phase::tell_of(*fence, Phase::Settling));
        let reply = self.said(Command::Exchange(exchange)).await?;
        let Reply::Exchanged(exchanged) = reply else {
            return Err(Error::Protocol("the ledger answered an exchange with something else"));
        };
        for (fence, settled) in fences.iter().zip(&exchanged.settled) {
            self.state.flights.remove(fence);
            match settled {
                Settled::Accepted => phase::tell_of(*fence, Phase::Settled),
                Settled::Stale => {
                    phase::tell_of(*fence, Phase::Refused);
                    tracing::warn!(lease = fence.lease.0, "a settle came too late and was refused");
                }
            }
        }
        self.hand_out(exchanged, sent_at).await
    }

    /// Marks the children that need no call, waiting while the sink cannot tell.
    async fn foresee(&mut self, done: &mut [Done], now: Millis) -> Result<(), Error> {
        loop {
            let mut children = Vec::new();
            for done in &mut *done {
                let Some(flight) = self.state.flights.get(&done.settle.fence) else { continue };
                let mut found = Vec::new();
                for brood in done.settle.outcome.broods_mut() {
                    covered::children(&mut brood.kin, &mut found);
                }
                children.extend(found.into_iter().map(|child| (flight.run.clone(), child)));
            }
            match covered::foresee(&mut children, &self.tools, now).await {
                Ok(()) => return Ok(()),
                Err(error) => self.wait_for("sink", error.waits(), &error).await?,
            }
        }
    }

    fn settled_flights(&self) -> usize {
        self.state.done.iter().filter(|d| self.state.flights.contains_key(&d.settle.fence)).count()
    }

    async fn hand_out(&mut self, exchanged: Exchanged, sent_at: Millis) -> Result<(), Error> {
        let now = self.tools.clock.now();
        self.state.offset.observe(sent_at, exchanged.now, now);
        self.state.ended.extend(exchanged.ended);
        self.state.days.tell(exchanged.days);
        let again = exchanged.ask_again_at.map_or(LOOK_MS, |at| at - exchanged.now);
        self.state.ask_at = now + again.clamp(PACE_MS, LOOK_MS);
        if !exchanged.leased.is_empty() {
            self.state.ask_at = self.state.ask_at.min(now + PACE_MS.max(HORIZON_MS / 2));
        }
        let mut jobs = Vec::with_capacity(exchanged.leased.len());
        for leased in exchanged.leased {
            let run = self.active(&leased.run).await?;
            let step = run.as_ref().map(|run| run.program.plan().step(leased.step).name.as_str());
            phase::tell_leased(leased.fence, step);
            let Some(run) = run else {
                self.state.done.push(conclude::released(&leased));
                continue;
            };
            // However little is known of the ledger's clock, there is a time to start in: what is
            // wrong with it shifts all calls alike.
            let start_from = self.state.offset.surely(leased.start_from);
            let mut start_until = self.state.offset.not_after(leased.start_until);
            if !self.settings.alone && leased.category.is_some() {
                start_until = start_until.min(start_from + APART_MS);
            }
            let job = Job {
                start_from,
                start_until: start_until.max(start_from + 2 * LATE_MS),
                todo: task::prepare(&leased, &run),
                // Who lost the lease may have written the letter, and not settled it.
                died: leased.lost > 0,
                leased,
                run,
            };
            jobs.push(job);
        }
        while let Err(error) = covered::mark(&mut jobs, &self.tools, now).await {
            self.wait_for("sink", error.waits(), &error).await?;
        }
        files::at_one_time(&mut jobs);
        for job in jobs {
            // What was known has gone, and it has no permit: it waits for one like any other.
            let counted = job.run.operation(job.leased.step).category.is_some();
            if counted && job.leased.category.is_none() && matches!(job.todo, Todo::Ask(_)) {
                self.state.done.push(conclude::released(&job.leased));
                continue;
            }
            let flight = Flight {
                leased: job.leased.clone(),
                run: job.run.clone(),
                lead_ms: self.state.lead_ms,
            };
            self.state.flights.insert(job.leased.fence, flight);
            if self.tickets.send(Ticket::new(job)).await.is_err() {
                return Err(Error::Protocol("the workers are gone"));
            }
        }
        Ok(())
    }

    /// The run of a lease, loaded once.
    async fn active(&mut self, id: &RunId) -> Result<Option<Arc<ActiveRun>>, Error> {
        if let Some(run) = self.state.runs.get(id) {
            return Ok(Some(run.clone()));
        }
        let Some(view) = self.viewed(id).await? else { return Ok(None) };
        let Some(link) = self.links.get(&view.connection) else { return Ok(None) };
        match ActiveRun::new(view.into(), &self.catalogue, link.clone()) {
            Ok(run) => {
                let run = Arc::new(run);
                self.state.runs.insert(id.clone(), run.clone());
                Ok(Some(run))
            }
            Err(error) => {
                // Left for a program that knows the plan.
                self.said(Command::Pause(id.clone())).await?;
                self.state.fatal = Some(format!("run {id} is paused: {error}"));
                Ok(None)
            }
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

    /// Whether work is over.
    async fn look(&mut self, run: Option<&RunId>) -> Result<Option<Ending>, Error> {
        let idle = self.state.flights.is_empty() && self.state.done.is_empty();
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
        let Some(run) = run else {
            self.state.look_at = now + LOOK_MS;
            return Ok(None);
        };
        let ended = self.state.ended.remove(run);
        if !ended && now < self.state.look_at {
            return Ok(None);
        }
        self.state.look_at = now + LOOK_MS;
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

    /// Writes a batch, waiting while the sink cannot take it.
    async fn written(&mut self, batch: Batch) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let batch = Arc::new(batch);
        while let Err(error) = self.tools.sink.write(batch.clone()).await {
            self.wait_for("sink", error.waits(), &error).await?;
        }
        Ok(())
    }

    /// Says a command, waiting while the ledger does not answer: a repeat changes nothing.
    async fn said(&mut self, command: Command) -> Result<Reply, Error> {
        loop {
            match self.ledger.execute(command.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(error) if error.waits() => self.wait_for("ledger", true, &error).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A run, waiting while the ledger does not answer.
    async fn viewed(&mut self, run: &RunId) -> Result<Option<RunView>, Error> {
        loop {
            match self.ledger.run(run).await {
                Ok(view) => return Ok(view),
                Err(error) if error.waits() => self.wait_for("ledger", true, &error).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn wait_for(
        &mut self,
        store: &str,
        waits: bool,
        error: &(dyn std::error::Error + Sync),
    ) -> Result<(), Error> {
        let clock = self.tools.clock.clone();
        let (left, harder) = match self.stop.state() {
            Stopping::No => (false, Stopping::Drain),
            Stopping::Drain => (clock.now() >= self.drain_until(), Stopping::Now),
            Stopping::Now => (true, Stopping::Now),
        };
        self.state.left = waits && left;
        if !waits || left {
            return Err(Error::Store(format!("{store}: {error}")));
        }
        if clock.now() >= self.state.tell_at {
            tracing::error!(store, %error, "waiting: what is in flight is kept");
            self.state.tell_at = clock.now() + TELL_MS;
        }
        tokio::select! {
            biased;
            () = clock.sleep_until(clock.now() + STORE_WAIT_MS) => {}
            () = self.stop.reached(harder) => {}
        }
        Ok(())
    }
}

/// What a task would have needed: it was leased so far ahead, and came so late to its call.
fn needed(lead_ms: i64, late_ms: i64) -> i64 {
    if late_ms > LATE_MS { lead_ms + late_ms } else { 0 }
}

/// How far ahead permits are asked for: as far as the slowest task since the last exchange
/// needed from the ledger to the wire, since a slot that has passed is lost; a little less
/// each time that all were in time.
fn lead(lead_ms: i64, needed_ms: i64) -> i64 {
    let shrunk = lead_ms - (lead_ms / 32).max(1).min(lead_ms);
    shrunk.max(needed_ms).min(LEAD_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_machine_asks_further_ahead_and_a_fast_one_comes_back() {
        let first = lead(0, needed(0, 300));
        assert_eq!(first, 300);
        // Tasks leased before the lead grew say the same again: it does not grow twice.
        assert_eq!(lead(first, needed(0, 300)), 300);
        assert_eq!(lead(first, needed(first, 100)), 400);
        assert_eq!(lead(first, needed(first, 60_000)), LEAD_MAX_MS);
        let mut lead_ms = first;
        for _ in 0..400 {
            lead_ms = lead(lead_ms, needed(lead_ms, 3));
        }
        assert_eq!(lead_ms, 0);
    }
}
