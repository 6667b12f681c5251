//! One look at a workflow's schedules: all that is due now is decided.

use std::collections::BTreeMap;

use serde_json::Value;
use watershed_ledger::Command;
use watershed_model::{
    Act, ActOutcome, Audit, KnownTick, Millis, Plan, RunId, RunRow, RunState, ScheduleKey, Skipped,
    Tick, TickState, Trigger, Via, tick_run,
};
use watershed_sink::Decision;
use watershed_workflow::{Fate, Overlap, Schedule, Today, due, resolve_inputs};

use super::{Acted, QUEUE_MS, Scheduled};
use crate::engine::Engine;
use crate::error::Error;
use crate::submit::Request;

/// Ticks that are skipped in one transaction.
const SKIPPED_AT_ONCE: usize = 500;

type Told<'t> = &'t mut (dyn FnMut(Acted) + Send);

impl Engine {
    /// Decides all that is due now. When the next is due, or what is queued may be free.
    ///
    /// # Errors
    /// What cannot be decided now; the next look goes on from there.
    pub async fn look(&self, of: &Scheduled, told: Told<'_>) -> Result<Millis, Error> {
        self.go_on(of, told).await?;
        let mut look_at = Millis(i64::MAX);
        for schedule in of.schedules.iter() {
            let delay = schedule.delay_ms(&of.plan.name, of.connection.as_str());
            let now = self.clock.now();
            let key = key(of, schedule);
            let last = self.sink.decided_until(key.clone(), now).await?;
            let mut missed = Vec::new();
            for due in due(schedule, last, now + -delay) {
                match due.fate {
                    Fate::Missed => missed.push(due.at),
                    Fate::Run => {
                        self.skip(&key, std::mem::take(&mut missed), told).await?;
                        self.start(of, schedule, due.at, told).await?;
                    }
                }
            }
            self.skip(&key, missed, told).await?;
            let next = schedule.next(now + -delay);
            look_at = look_at.min(next.map_or(look_at, |next| next + delay));
        }
        let open = self.open(of).await?;
        let queued = open.iter().any(|tick| tick.tick.state == TickState::Queued);
        let soon = if queued { self.clock.now() + QUEUE_MS } else { look_at };
        Ok(look_at.min(soon))
    }

    /// Puts runs into a ledger that does not know them, and starts what is queued and free.
    async fn go_on(&self, of: &Scheduled, told: Told<'_>) -> Result<(), Error> {
        let open = self.open(of).await?;
        let mut runs = false;
        for known in &open {
            let Some(run) = &known.tick.run else { continue };
            runs = true;
            if self.ledger.run(run).await?.is_none()
                && let Some(row) = self.sink.run(run.clone()).await?
                // Of another version of the file: workers know how to make its plan.
                && row.plan == of.hash
                && !row.state.ended()
            {
                self.restore(row, &of.plan).await?;
            }
        }
        let first = open.iter().find(|known| known.tick.state == TickState::Queued);
        let Some(known) = first.filter(|_| !runs) else { return Ok(()) };
        let key = &known.tick.key;
        let Some(schedule) = of.schedules.iter().find(|s| s.key() == key.schedule) else {
            // It is gone from the file, and with it the inputs.
            return self.give_up(known.clone(), told).await;
        };
        let row = self.row(of, known.tick.due_at, &schedule.inputs).await?;
        self.run(of, key, known.tick.due_at, true, row, told).await
    }

    /// Decides a tick that may start a run.
    async fn start(
        &self,
        of: &Scheduled,
        schedule: &Schedule,
        due_at: Millis,
        told: Told<'_>,
    ) -> Result<(), Error> {
        let key = key(of, schedule);
        let before: Vec<KnownTick> =
            self.open(of).await?.into_iter().filter(|known| known.tick.due_at < due_at).collect();
        match schedule.overlap {
            Overlap::Skip if !before.is_empty() => {
                let tick = self.skipped(&key, due_at, Skipped::Overlap);
                let decision = Decision { key, ticks: vec![tick], queued: false, run: None };
                if self.sink.decide(decision).await? {
                    told(Acted::Skipped(1, due_at, Skipped::Overlap));
                }
                return Ok(());
            }
            Overlap::Queue if !before.is_empty() => {
                let state = TickState::Queued;
                let (why, run, at) = (None, None, self.clock.now());
                let tick = Tick { key: key.clone(), due_at, state, why, run, at };
                let decision = Decision { key, ticks: vec![tick], queued: false, run: None };
                if self.sink.decide(decision).await? {
                    told(Acted::Queued(due_at));
                }
                return Ok(());
            }
            Overlap::Skip | Overlap::Queue | Overlap::CancelPrevious => {}
        }
        // What may fail for long comes first: no run is cancelled for one that cannot start.
        let row = self.row(of, due_at, &schedule.inputs).await?;
        for known in before {
            self.give_up(known, told).await?;
        }
        self.run(of, &key, due_at, false, row, told).await
    }

    /// Cancels the run of an earlier tick, or takes its place in the queue.
    async fn give_up(&self, known: KnownTick, told: Told<'_>) -> Result<(), Error> {
        let key = known.tick.key.clone();
        let Some(run) = known.tick.run else {
            let tick = self.skipped(&key, known.tick.due_at, Skipped::Superseded);
            let decision = Decision { key, ticks: vec![tick], queued: true, run: None };
            if self.sink.decide(decision).await? {
                told(Acted::Skipped(1, known.tick.due_at, Skipped::Superseded));
            }
            return Ok(());
        };
        match self.ledger.run(&run).await?.map(|view| view.state) {
            Some(state) if state.ended() || state == RunState::Cancelling => {
                self.record(&run).await?;
                return Ok(());
            }
            Some(_) => {
                let audit = Audit {
                    at: self.clock.now(),
                    who: "schedule".to_owned(),
                    via: Via::Schedule,
                    act: Act::Cancel,
                    connection: Some(key.connection),
                    run: Some(run.clone()),
                    outcome: ActOutcome::Asked,
                };
                self.sink.audit(audit).await?;
                self.ledger.execute(Command::Cancel(run.clone())).await?;
                self.record(&run).await?;
            }
            None => {
                if let Some(row) = self.sink.run(run.clone()).await? {
                    let ended_at = Some(self.clock.now());
                    let row = RunRow { state: RunState::Cancelled, ended_at, ..row };
                    self.sink.put_run(row).await?;
                }
            }
        }
        told(Acted::Cancelled(run));
        Ok(())
    }

    /// Puts the run down together with its tick, and only then into the ledger.
    async fn run(
        &self,
        of: &Scheduled,
        key: &ScheduleKey,
        due_at: Millis,
        queued: bool,
        row: RunRow,
        told: Told<'_>,
    ) -> Result<(), Error> {
        let (run, at) = (Some(row.id.clone()), self.clock.now());
        let tick = Tick { key: key.clone(), due_at, state: TickState::Run, why: None, run, at };
        let run = Some(row.clone());
        let decision = Decision { key: key.clone(), ticks: vec![tick], queued, run };
        if self.sink.decide(decision).await? {
            let id: RunId = row.id.clone();
            self.begin(row, &of.plan).await?;
            told(Acted::Started(id));
        }
        Ok(())
    }

    /// The row of the run that a tick starts: the same, whoever makes it.
    async fn row(
        &self,
        of: &Scheduled,
        due_at: Millis,
        given: &BTreeMap<String, String>,
    ) -> Result<RunRow, Error> {
        let today = Today { date: due_at.date(), lookback_days: of.lookback_days };
        let inputs: BTreeMap<String, Value> = resolve_inputs(&of.plan, given, today)?;
        let id = tick_run(&of.plan.name, &of.connection, due_at);
        let request = Request {
            connection: of.connection.clone(),
            source: of.source.to_string(),
            plan: Plan::clone(&of.plan),
            hash: of.hash.clone(),
            inputs,
            run: Some(id.clone()),
            fresh: id,
            trigger: Trigger::Schedule,
        };
        self.fresh_row(request).await
    }

    /// Puts down that these were missed.
    async fn skip(
        &self,
        key: &ScheduleKey,
        missed: Vec<Millis>,
        told: Told<'_>,
    ) -> Result<(), Error> {
        for part in missed.chunks(SKIPPED_AT_ONCE) {
            let ticks = part.iter().map(|at| self.skipped(key, *at, Skipped::Missed)).collect();
            let decision = Decision { key: key.clone(), ticks, queued: false, run: None };
            if self.sink.decide(decision).await?
                && let Some(last) = part.last()
            {
                told(Acted::Skipped(part.len() as u64, *last, Skipped::Missed));
            }
        }
        Ok(())
    }

    fn skipped(&self, key: &ScheduleKey, due_at: Millis, why: Skipped) -> Tick {
        Tick {
            key: key.clone(),
            due_at,
            state: TickState::Skipped,
            why: Some(why),
            run: None,
            at: self.clock.now(),
        }
    }

    async fn open(&self, of: &Scheduled) -> Result<Vec<KnownTick>, Error> {
        Ok(self.sink.open_ticks(of.plan.name.clone(), of.connection.clone()).await?)
    }
}

fn key(of: &Scheduled, schedule: &Schedule) -> ScheduleKey {
    ScheduleKey {
        workflow: of.plan.name.clone(),
        connection: of.connection.clone(),
        schedule: schedule.key(),
    }
}
