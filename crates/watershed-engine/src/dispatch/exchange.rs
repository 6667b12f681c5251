//! One trip: rows into the sink, outcomes to the ledger, and what it leases handed to the workers.

use std::collections::BTreeSet;
use std::sync::Arc;

use watershed_ledger::{
    Command, Exchange, Exchanged, Fence, Leased, Recount, Reply, Settle, Settled, Want,
};
use watershed_model::{Millis, RunId};
use watershed_sink::Batch;

use super::writing::Writing;
use super::{Dispatch, Flight, PACE_MS, State, lead};
use crate::active::ActiveRun;
use crate::engine::DAYS_MAX;
use crate::error::Error;
use crate::metric;
use crate::phase::{self, Phase};
use crate::runtime::Ticket;
use crate::task::{self, Clocks, Done, Job, Todo};
use crate::{conclude, covered, files};

/// Permits are taken this far ahead: several tasks a trip, each with its own start.
const HORIZON_MS: i64 = 400;
/// Where others execute as well, a call that comes later than this after its slot is not made: it
/// would meet those of a worker that is on time, and both together might be one too many. The
/// share leaves a tenth of a second for that.
const APART_MS: i64 = 50;
/// A call of the day is not made where the sink knew of it later than this: a ledger that was lost
/// meanwhile may have asked the sink already. It waits for so long before it does.
const WRITTEN_WITHIN_MS: i64 = 2_000;

impl Dispatch {
    /// Rows, then settle, then lease: the order that makes a second delivery harmless.
    pub(super) async fn settle_and_lease(&mut self, draining: bool) -> Result<(), Error> {
        let now = self.tools.clock.now();
        let settles = self.written(now).await?;
        let free = if draining || self.state.fatal.is_some() { 0 } else { self.free(&settles) };
        // A trip that settles asks for more in any case.
        let wants = free > 0 && (now >= self.state.ask_at || !settles.is_empty());
        if settles.is_empty() && !wants {
            return Ok(());
        }
        self.state.sequence += 1;
        self.state.lead_ms = lead::lead(self.state.lead_ms, self.state.needed_ms);
        self.state.needed_ms = 0;
        let fences: Vec<Fence> = settles.iter().map(|s| s.fence).collect();
        let exchange = Exchange {
            worker: self.worker.clone(),
            sequence: self.state.sequence,
            random: self.tools.clock.random(),
            // What one worker alone holds nobody else could have lost.
            held: (!self.settings.alone).then(|| self.held(&settles)),
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
        metric::exchanged(self.tools.clock.now() - sent_at);
        let Reply::Exchanged(mut exchanged) = reply else {
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
        let asked = std::mem::take(&mut exchanged.recount);
        self.hand_out(exchanged, sent_at).await?;
        for recount in asked {
            self.recount(recount).await?;
        }
        Ok(())
    }

    /// All that this worker holds, by what it knows.
    fn held(&self, settles: &[Settle]) -> Vec<Fence> {
        let State { flights, done, writing, .. } = &self.state;
        let held = flights.keys().copied().chain(settles.iter().map(|settle| settle.fence));
        let held = held.chain(done.iter().map(|done| done.settle.fence));
        let held = held.chain(writing.iter().flat_map(Writing::fences));
        held.collect::<BTreeSet<Fence>>().into_iter().collect()
    }

    /// Marks the children that need no call, waiting while the sink cannot tell.
    pub(super) async fn foresee(&mut self, done: &mut [Done], now: Millis) -> Result<(), Error> {
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

    /// Tells the ledger what the sink knows of an account's days.
    async fn recount(&mut self, Recount { account, asked_at }: Recount) -> Result<(), Error> {
        let links = self.links.values().filter(|link| link.connection.account == account);
        let mut limits = links.filter_map(|link| self.state.limits.get(&link.connection.name));
        let Some(limits) = limits.next_back().cloned() else { return Ok(()) };
        let sink = self.tools.sink.clone();
        let days = loop {
            match sink.days(account.clone(), DAYS_MAX).await {
                Ok(days) => break days,
                Err(error) => self.wait_for("sink", error.waits(), &error).await?,
            }
        };
        let recount = Some(asked_at);
        self.said(Command::SetLimits { account, limits, days, recount }).await?;
        self.state.ask_at = self.tools.clock.now();
        Ok(())
    }

    /// What the sink does not know yet of the calls of the day.
    async fn write_days(&mut self) -> Result<(), Error> {
        let batch = Arc::new(Batch { days: self.state.days.news(), ..Batch::default() });
        let sink = self.tools.sink.clone();
        while !batch.is_empty()
            && let Err(error) = self.beside_writing(sink.write(batch.clone())).await
        {
            self.wait_for("sink", error.waits(), &error).await?;
        }
        Ok(())
    }

    async fn hand_out(&mut self, exchanged: Exchanged, sent_at: Millis) -> Result<(), Error> {
        let reckoned = Clocks::read(&*self.tools.clock);
        let now = reckoned.at;
        self.state.offset.observe(sent_at, exchanged.now, now);
        self.state.ended.extend(exchanged.ended);
        self.state.days.tell(exchanged.days);
        // Before a call of the day begins the sink knows of it: what counts it may be lost.
        if exchanged.leased.iter().any(|leased| self.state.days.count(leased)) {
            self.write_days().await?;
        }
        let is_late = self.tools.clock.now() - sent_at >= WRITTEN_WITHIN_MS;
        let look_ms = self.settings.look_ms;
        let again = exchanged.ask_again_at.map_or(look_ms, |at| at - exchanged.now);
        self.state.ask_at = now + again.clamp(PACE_MS, look_ms);
        if !exchanged.leased.is_empty() {
            self.state.ask_at = self.state.ask_at.min(now + PACE_MS.max(HORIZON_MS / 2));
        }
        let mut jobs = Vec::with_capacity(exchanged.leased.len());
        for leased in exchanged.leased {
            if is_late && self.state.days.count(&leased) {
                self.state.done.push(conclude::released(&leased));
                continue;
            }
            let run = self.active(&leased.run).await?;
            let step = run.as_ref().map(|run| run.program.plan().step(leased.step).name.as_str());
            phase::tell_leased(leased.fence, step);
            let Some(run) = run else {
                self.state.done.push(conclude::released(&leased));
                continue;
            };
            self.know_people(&leased, &run).await?;
            // However little is known of the ledger's clock, there is a time to start in: what is
            // wrong with it shifts all calls alike.
            let start_from = self.state.offset.surely(leased.start_from);
            let mut start_until = self.state.offset.not_after(leased.start_until);
            if !self.settings.alone && leased.category.is_some() {
                start_until = start_until.min(start_from + APART_MS);
            }
            let job = Job {
                start_from,
                start_until: start_until.max(start_from + 2 * lead::LATE_MS),
                reckoned,
                todo: task::prepare(&leased, &run, now),
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
        // What was known has gone, and it has no permit: it waits for one like any other.
        let (unpermitted, jobs): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| {
            let counted = job.run.operation(job.leased.step).category.is_some();
            counted && job.leased.category.is_none() && matches!(job.todo, Todo::Ask(_))
        });
        let parties = files::together(jobs);
        for job in unpermitted.iter().chain(&parties.unpermitted) {
            self.state.done.push(conclude::released(&job.leased));
        }
        for job in parties.start.iter().flatten() {
            let flight = Flight {
                leased: job.leased.clone(),
                run: job.run.clone(),
                lead_ms: self.state.lead_ms,
            };
            self.state.flights.insert(job.leased.fence, flight);
        }
        for jobs in parties.start {
            if self.tickets.send(Ticket::new(jobs)).await.is_err() {
                return Err(Error::Protocol("the workers are gone"));
            }
        }
        Ok(())
    }

    /// Before anything beneath the lists of users is asked: learns whom they leave out.
    async fn know_people(&mut self, leased: &Leased, run: &ActiveRun) -> Result<(), Error> {
        let Some(people) = &run.people else { return Ok(()) };
        if people.withholds(run.operation(leased.step)) {
            return Ok(());
        }
        let sink = self.tools.sink.clone();
        while let Err(error) = people.learn(run, &*sink).await {
            self.wait_for("sink", error.waits(), &error).await?;
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
            Ok(mut run) => {
                let sink = self.tools.sink.clone();
                while let Err(error) = run.load_people(true, &*sink).await {
                    self.wait_for("sink", error.waits(), &error).await?;
                }
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
}
