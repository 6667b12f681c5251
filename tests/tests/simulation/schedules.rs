//! Schedulers in virtual time: three of them, which die and stand still between any two acts, over
//! 400 nights, by every policy. Each tick that was due has one decision, and one run at most.

use std::sync::{Arc, Mutex};

use watershed_engine::{Clock, Connection, Content, Engine, Parts, Scheduled, stop};
use watershed_lake::MemoryFiles;
use watershed_ledger::{Ledger, MemoryLedger};
use watershed_model::{
    KnownTick, Limits, Millis, RunRow, RunState, ScheduleKey, Skipped, TickState, Trigger, tick_run,
};
use watershed_rehearsal::{Draws, Network, VirtualClock, connection, in_virtual_time};
use watershed_sink::{Sink, SqliteSink};
use watershed_tests::{Size, seeds, told};
use watershed_workflow::{GRACE_MS, LOOKBACK_DAYS, Missed, Overlap, Schedule, compile};
use watershed_zoom_sim::{Account, Spec};

use crate::history::{Fault, History, Store};
use crate::planted::Plants;
use crate::process::{OPERATOR, OwnClock, OwnNetwork, Process, Stage};
use crate::stores::{OwnLedger, OwnSink, here};

const NIGHTS: i64 = 400;
const SCHEDULERS: u64 = 3;
/// Points in so many of which something happens.
const POINTS: u64 = 400_000;
const FAULT_EVERY: u64 = 40;
/// A scheduler that stands still does so for less than this.
const PAUSE_MS: u64 = 2 * HOUR as u64;
/// Of those that die, some come back after so long: nobody may be there for a night.
const AWAY_MS: u64 = 150 * HOUR as u64;
const HOUR: i64 = 3_600_000;
/// More than there are.
const ALL: u32 = 10_000;

const MISSED: [&str; 3] = ["run_once", "run_all", "skip"];
const OVERLAP: [&str; 3] = ["skip", "queue", "cancel_previous"];

/// What everything happens to.
struct Nights {
    stage: Arc<Stage>,
    account: Arc<Account>,
    connection: Connection,
    ledger: Arc<MemoryLedger>,
    sink: Arc<SqliteSink>,
    of: Scheduled,
}

impl Nights {
    async fn new(stage: &Arc<Stage>, missed: &str, overlap: &str) -> Nights {
        let spec = Spec { users: 1, now: stage.clock.now().timestamp(), ..Spec::default() };
        let account = Arc::new(Account::new(spec));
        let file = format!(
            "name: nightly
inputs:
  day: {{ type: date, default: today }}
schedule:
  cron: 30 2 * * *
  timezone: Europe/Berlin
  missed: {missed}
  overlap: {overlap}
steps:
  recordings:
    use: zoom.list_account_recordings
    with: {{ from: '${{{{ inputs.day }}}}', to: '${{{{ inputs.day }}}}' }}
"
        );
        let compiled = compile("nightly.yaml", &file, &watershed_zoom::catalogue());
        let compiled = compiled.expect("it is good");
        let read = stage.clock.clone();
        let sink = SqliteSink::in_memory(watershed_zoom::catalogue()).await;
        Nights {
            stage: stage.clone(),
            connection: connection(
                "acme".into(),
                &account,
                Limits(Vec::new()),
                Content::Transcripts,
            ),
            account,
            ledger: Arc::new(MemoryLedger::new(Arc::new(move || read.now()))),
            sink: Arc::new(sink.expect("a sink")),
            of: Scheduled {
                connection: "acme".into(),
                source: file.into(),
                plan: Arc::new(compiled.plan),
                hash: compiled.hash,
                schedules: compiled.schedules.into(),
                lookback_days: LOOKBACK_DAYS,
            },
        }
    }

    fn schedule(&self) -> &Schedule {
        &self.of.schedules[0]
    }

    /// An engine of a process.
    fn engine(&self, process: &Arc<Process>) -> Engine {
        let network = Network::new(self.account.clone(), Arc::new(self.stage.clock.clone()));
        Engine::new(Parts {
            ledger: Arc::new(OwnLedger {
                process: process.clone(),
                inner: self.ledger.clone(),
                memory: None,
                plants: Plants::new(None),
            }),
            sink: Arc::new(OwnSink {
                process: process.clone(),
                inner: self.sink.clone(),
                plants: Plants::new(None),
            }),
            files: Arc::new(MemoryFiles::default()),
            transport: Arc::new(OwnNetwork { process: process.clone(), network }),
            clock: Arc::new(OwnClock(process.clone())),
            catalogue: watershed_zoom::catalogue(),
            connections: vec![self.connection.clone()],
        })
    }

    /// A scheduler and those that follow it.
    async fn schedules(&self, number: u64, until: Millis, seed: u64) {
        let mut draw = Draws(seed ^ (number + 1));
        let clock = &self.stage.clock;
        while clock.now() < until {
            let process = Process::new(self.stage.clone(), number, stop().0);
            let engine = self.engine(&process);
            tokio::select! {
                biased;
                () = process.died.notified() => {}
                () = self.looks(&engine, until) => {}
            }
            let away = if draw.below(2) == 0 { AWAY_MS } else { 60_000 };
            clock.sleep_until(clock.now() + draw.below(away) as i64).await;
        }
    }

    async fn looks(&self, engine: &Engine, until: Millis) {
        let clock = &self.stage.clock;
        while clock.now() < until {
            let next = match engine.look(&self.of, &mut |_| {}).await {
                Ok(next) => next,
                Err(error) => panic!("nothing fails here: {error}"),
            };
            // What is queued would be looked at every few seconds, for days.
            let (soonest, latest) = (clock.now() + HOUR / 3, clock.now() + 6 * HOUR);
            clock.sleep_until(next.clamp(soonest, latest)).await;
        }
    }

    /// Ends runs that the ledger knows: most within hours, some only after days.
    async fn works(&self, until: Millis, seed: u64) {
        let mut draw = Draws(seed ^ 0x0E_1D);
        let clock = &self.stage.clock;
        while clock.now() < until {
            let long = draw.below(6) == 0;
            let ms = draw.below(if long { 80 } else { 3 } * HOUR as u64) as i64;
            clock.sleep_until(clock.now() + ms).await;
            self.end_runs();
        }
    }

    fn end_runs(&self) {
        let open = here(self.sink.open_ticks("nightly".to_owned(), "acme".into()));
        for id in open.expect("a sink").into_iter().filter_map(|known| known.tick.run) {
            let row = here(self.sink.run(id)).expect("a sink").expect("an open tick's run");
            if here(self.ledger.run(&row.id)).expect("a ledger").is_some() {
                let ended_at = Some(self.stage.clock.now());
                let row = RunRow { state: RunState::Complete, ended_at, ..row };
                here(self.sink.put_run(row)).expect("a sink");
            }
        }
    }

    fn runs(&self) -> Vec<RunRow> {
        let mut runs = here(self.sink.runs(None, ALL)).expect("a sink");
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        runs
    }

    /// All ticks, oldest first.
    fn ticks(&self) -> Vec<KnownTick> {
        let ticks = self.sink.ticks("nightly".to_owned(), "acme".into(), ALL);
        let mut ticks = here(ticks).expect("a sink");
        ticks.reverse();
        ticks
    }

    /// Nothing happens any more, until nothing is left to decide.
    async fn calm(&self) {
        let operator = self.engine(&Process::new(self.stage.clone(), OPERATOR, stop().0));
        loop {
            operator.look(&self.of, &mut |_| {}).await.expect("nothing is in its way");
            for known in self.ticks().iter().filter(|known| known.is_open()) {
                let Some(run) = &known.tick.run else { continue };
                let view = here(self.ledger.run(run)).expect("a ledger");
                assert!(view.is_some(), "{run} is lost between its row and the ledger");
            }
            self.end_runs();
            if self.ticks().iter().all(|known| known.tick.state != TickState::Queued) {
                return;
            }
        }
    }
}

/// Plays the nights by these policies; what became of the ticks: runs, missed, overlap.
fn nights(missed: &str, overlap: &str, seed: u64) -> [usize; 4] {
    let mut draw = Draws(seed);
    let mut history = History::quiet(seed, Store::Memory);
    let points = (0..POINTS / FAULT_EVERY).map(|n| n * FAULT_EVERY + draw.below(FAULT_EVERY));
    let points: Vec<u64> = points.collect();
    history.faults = points
        .into_iter()
        .map(|point| match draw.below(2) {
            0 => (point, Fault::Crash),
            _ => (point, Fault::Pause(draw.below(PAUSE_MS) as i64)),
        })
        .collect();
    let begins = Millis::from(Spec::default().now);
    let clock = VirtualClock::new(begins, seed);
    let stage = Arc::new(Stage::new(clock.clone(), history, false));
    let first_seen = Mutex::new(None);
    let nights = in_virtual_time(&clock, async {
        let nights = Nights::new(&stage, missed, overlap).await;
        let key = ScheduleKey {
            workflow: "nightly".to_owned(),
            connection: "acme".into(),
            schedule: nights.schedule().key(),
        };
        *first_seen.lock().expect("one thread") =
            Some(here(nights.sink.decided_until(key, begins)).expect("a sink"));
        let until = begins + NIGHTS * Millis::DAY;
        let schedulers = async {
            let one = |number| nights.schedules(number, until, seed);
            tokio::join!(one(0), one(1), one(SCHEDULERS - 1));
        };
        tokio::select! {
            biased;
            () = schedulers => {}
            () = async { nights.works(until + 100 * Millis::DAY, seed).await } => {}
        }
        nights.calm().await;
        nights
    });
    let first_seen = first_seen.into_inner().expect("one thread").expect("it was seen");
    let passed = stage.passed();
    assert!(passed.points < POINTS, "{} points", passed.points);
    assert!(passed.happened.len() > 500, "{} faults", passed.happened.len());
    audit(&nights, first_seen, clock.now())
}

fn audit(nights: &Nights, first_seen: Millis, now: Millis) -> [usize; 4] {
    let schedule = nights.schedule();
    let (ticks, runs) = (nights.ticks(), nights.runs());
    let due: Vec<Millis> = ticks.iter().map(|known| known.tick.due_at).collect();
    assert_eq!(due, schedule.between(first_seen, now), "each due tick is decided, and no other");

    let mut of_ticks = Vec::new();
    for KnownTick { tick, .. } in &ticks {
        if tick.state != TickState::Run {
            continue;
        }
        let id = tick_run("nightly", &"acme".into(), tick.due_at);
        assert_eq!(tick.run.as_ref(), Some(&id));
        let row = runs.iter().find(|row| row.id == id).expect("a run stands with its tick");
        assert_eq!(row.inputs["day"], tick.due_at.date().to_string(), "the day of the tick");
        assert_eq!(row.trigger, Trigger::Schedule);
        of_ticks.push(id);
    }
    of_ticks.sort();
    let all: Vec<_> = runs.iter().map(|row| row.id.clone()).collect();
    assert_eq!(of_ticks, all, "each tick starts one run, and nothing else does");

    let skipped = |why| ticks.iter().filter(move |known| known.tick.why == Some(why));
    for KnownTick { tick, .. } in skipped(Skipped::Missed) {
        let later = schedule.next(tick.due_at).is_some_and(|next| next <= tick.at);
        match schedule.missed {
            Missed::RunAll => panic!("{tick:?}"),
            Missed::RunOnce => assert!(later, "the latest one starts a run: {tick:?}"),
            Missed::Skip => assert!(later || tick.at - tick.due_at > GRACE_MS, "{tick:?}"),
        }
    }
    for KnownTick { tick, .. } in skipped(Skipped::Overlap) {
        assert_eq!(schedule.overlap, Overlap::Skip);
        // It may have ended between the look and the decision.
        let busy = |row: &&RunRow| {
            let ended = row.ended_at.expect("all have ended");
            row.started_at <= tick.at && ended + 2 * PAUSE_MS as i64 >= tick.at
        };
        assert!(runs.iter().any(|row| busy(&row)), "nothing was in its way: {tick:?}");
    }
    if schedule.overlap != Overlap::CancelPrevious {
        for pair in runs.windows(2) {
            let ended = pair[0].ended_at.expect("all have ended");
            assert!(pair[1].started_at >= ended, "{} and {} at once", pair[0].id, pair[1].id);
        }
    }
    let cancelled = runs.iter().filter(|row| row.state == RunState::Cancelled).count();
    let [missed, busy] = [Skipped::Missed, Skipped::Overlap].map(|why| skipped(why).count());
    [runs.len(), missed, busy, cancelled]
}

#[test]
fn each_due_tick_starts_one_run_or_is_skipped_for_a_reason() {
    let size = Size::asked();
    let seeds = seeds(size.of(1, 20));
    let mut total = [0; 4];
    for seed in &seeds {
        for missed in MISSED {
            for overlap in OVERLAP {
                let became = nights(missed, overlap, *seed);
                let [runs, lost, busy, cancelled] = became;
                eprintln!(
                    "schedules: seed {seed}, {missed}, {overlap}: {runs} runs, {lost} missed, \
                     {busy} in the way, {cancelled} cancelled"
                );
                assert!(runs > 100, "{became:?}");
                assert_eq!(lost > 0, missed != "run_all", "{became:?}");
                assert_eq!(busy > 0, overlap == "skip", "{became:?}");
                assert_eq!(cancelled > 0, overlap == "cancel_previous", "{became:?}");
                let decided = runs + lost + busy;
                assert!((NIGHTS as usize..NIGHTS as usize + 10).contains(&decided), "{became:?}");
                total.iter_mut().zip(became).for_each(|(sum, n)| *sum += n);
            }
        }
    }
    let [runs, missed, busy, cancelled] = total;
    told(
        "WATERSHED_MEASURED",
        &format!(
            "| {NIGHTS} nights, {SCHEDULERS} schedulers that die between any two acts, each \
             `missed` and `overlap` | {} | {runs} runs, {missed} missed, {busy} in the way, \
             {cancelled} cancelled; 0 ticks twice, 0 left out | 0; 0 |",
            9 * seeds.len()
        ),
    );
}
