//! Plays a history: processes that begin, die and begin again, until the run has ended.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, PoisonError};

use serde_json::json;
use tokio::task::JoinSet;
use watershed_engine::{
    Clock, Connection, Content, Ending, Engine, Parts, Request, WorkerSettings, stop,
};
use watershed_lake::MemoryFiles;
use watershed_ledger::tables::Tables;
use watershed_ledger::{Ledger, MemoryLedger, MemoryTables};
use watershed_ledger_sqlite::SqliteLedger;
use watershed_model::{Limits, Millis, RunId, RunState, Trigger};
use watershed_rehearsal::{Draws, Network, VirtualClock, connection, in_virtual_time};
use watershed_sink::{Sink, SqliteSink};
use watershed_tests::{Scope, Truth, audit, root};
use watershed_workflow::{Compiled, compile, resolve_inputs};
use watershed_zoom::limits::{Overrides, Tier, limits};
use watershed_zoom_sim::{Account, Spec};

use crate::history::{Fault, History, Store};
use crate::planted::{Plant, Plants};
use crate::process::{OPERATOR, OwnClock, OwnNetwork, Passed, Process, Stage};
use crate::stores::{OwnLedger, OwnSink, here};

/// A run that has not ended by then does not end: its heavy calls take two or three days.
const DAYS_MAX: i64 = 5;
/// Tasks at once in a process.
const CONCURRENCY: u16 = 6;
/// A process that died begins again within so many milliseconds.
const AGAIN_MS: u64 = 20_000;
/// How often an operator looks whether the ledger still knows the run, and keeps a copy of it.
const LOOK_MS: i64 = 1_000;
/// Records that a ledger keeps of a run that has ended, at most.
const RECORDS_MAX: u64 = 40;
/// Its repeats are not held against a run: no limit counts it.
const UNCOUNTED: &str = "download_recording_file";
/// The account. One process alone uses all of its limits, so that one call too many is refused;
/// of several, one may be late, and the share that is shipped leaves room for that.
const PER_SECOND: [u64; 3] = [20, 10, 5];
/// Of each person: less than what they hold, so that the rest waits for midnight.
const HEAVY_PER_DAY: u64 = 9;

/// The shipped backfill, compiled once.
static BACKFILL: LazyLock<(String, Compiled)> = LazyLock::new(|| {
    let text = std::fs::read_to_string(root().join("workflows/zoom-backfill.yaml"));
    let text = text.expect("the shipped workflow");
    let compiled = compile("zoom-backfill.yaml", &text, &watershed_zoom::catalogue());
    (text, compiled.expect("it is good"))
});

/// What came of a history.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) passed: Passed,
    /// What the auditor has against it.
    pub(crate) wrong: Vec<String>,
    /// What coverage says at the end, less its times.
    pub(crate) coverage: Vec<String>,
}

/// Plays a history.
pub(crate) fn play(history: &History, plant: Option<Plant>) -> Played {
    let folder = folder();
    let clock = VirtualClock::new(begins(history.seed), history.seed);
    let stage = Arc::new(Stage::new(clock.clone(), history.clone()));
    let theatre = in_virtual_time(&clock, Theatre::open(&stage, history, folder.path(), plant));
    let mut wrong = in_virtual_time(&clock, theatre.run());
    let coverage = in_virtual_time(&clock, theatre.coverage());
    wrong.extend(in_virtual_time(&clock, theatre.overwritten()));
    wrong.extend(theatre.audited());
    let passed = stage.passed().clone();
    Played { passed, wrong, coverage }
}

/// Some minutes before midnight: what the day's heavy calls do not do for waits no longer.
fn begins(seed: u64) -> Millis {
    let midnight = Millis::from(Spec::default().now).next_day();
    midnight + -(60_000 + Draws(seed ^ 0xDA7).below(600_000) as i64)
}

/// In memory, where the system has a folder there: each commit waits for the disk otherwise.
fn folder() -> tempfile::TempDir {
    let shared = Path::new("/dev/shm");
    let folder = tempfile::Builder::new().prefix("simulation").tempdir_in(shared);
    folder.or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// The stage with everything on it.
struct Theatre {
    stage: Arc<Stage>,
    history: History,
    account: Arc<Account>,
    connection: Connection,
    memory: Option<Arc<MemoryLedger>>,
    ledger: Arc<dyn Ledger>,
    sink: Arc<SqliteSink>,
    sink_path: PathBuf,
    files: Arc<MemoryFiles>,
    plants: Arc<Plants>,
}

impl Theatre {
    async fn open(
        stage: &Arc<Stage>,
        history: &History,
        folder: &Path,
        plant: Option<Plant>,
    ) -> Theatre {
        let [light, medium, heavy] = PER_SECOND;
        let mut spec = Spec {
            users: history.users,
            seed: history.seed,
            latency_ms: 1 + Draws(history.seed).below(300),
            now: begins(history.seed).timestamp(),
            ..Spec::default()
        };
        spec.limits = format!(
            "shape=sliding,light_per_second={light},medium_per_second={medium},\
             heavy_per_second={heavy},heavy_per_day={}",
            HEAVY_PER_DAY * history.users
        )
        .parse()
        .expect("limits that the account takes");
        if let Some(faults) = history.account_faults {
            spec.faults = faults.parse().expect("faults that the account knows");
        }
        let account = Arc::new(Account::new(spec));
        let connection =
            connection("default".into(), &account, limits_of(history), Content::Transcripts);
        let read = stage.clock.clone();
        let read = Arc::new(move || read.now());
        let memory =
            (history.store == Store::Memory).then(|| Arc::new(MemoryLedger::new(read.clone())));
        let ledger: Arc<dyn Ledger> = match &memory {
            Some(memory) => memory.clone(),
            None => {
                Arc::new(SqliteLedger::open(&folder.join("state.db"), read).expect("a new ledger"))
            }
        };
        let sink_path = folder.join("zoom.db");
        let sink = SqliteSink::open(&sink_path, watershed_zoom::catalogue()).await;
        Theatre {
            stage: stage.clone(),
            history: history.clone(),
            account,
            connection,
            memory,
            ledger,
            sink: Arc::new(sink.expect("a new dataset")),
            sink_path,
            files: Arc::default(),
            plants: Plants::new(plant),
        }
    }

    /// Until the run has ended, or no end is to be seen. What went wrong on the way.
    async fn run(&self) -> Vec<String> {
        let operator = self.operator();
        let run = match operator.submit(request(&self.history)).await {
            Ok(submitted) => submitted.run().clone(),
            Err(error) => return vec![format!("the run could not begin: {error}")],
        };
        // The probing call has no permit: it is past before others begin.
        self.stage.clock.sleep_until(self.stage.clock.now() + 2_000).await;
        let give_up_at = self.stage.clock.now() + DAYS_MAX * Millis::DAY;
        let mut processes = JoinSet::new();
        for number in 0..self.history.workers {
            processes.spawn(self.life(number, &run));
        }
        let mut wrong = Vec::new();
        let mut copies = VecDeque::new();
        loop {
            tokio::select! {
                biased;
                ended = processes.join_next() => match ended {
                    None => break,
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(why))) => wrong.push(why),
                    Some(Err(panic)) => wrong.push(format!("a process panicked: {panic}")),
                },
                () = self.stage.clock.sleep_until(self.stage.clock.now() + LOOK_MS) => {
                    self.lose(&mut copies);
                    if let Ok(None) = here(self.ledger.run(&run))
                        && let Err(error) = operator.submit(request(&self.history)).await
                    {
                        wrong.push(format!("the run could not be restored: {error}"));
                    }
                }
            }
            if self.stage.clock.now() > give_up_at || wrong.len() > 3 {
                wrong.push(format!("the run has not ended within {DAYS_MAX} days"));
                break;
            }
        }
        drop(processes);
        match operator.record(&run).await {
            Ok(standing) => {
                let (state, exit) = (standing.report.state, standing.report.exit);
                if state != RunState::Complete || exit != Some(0) {
                    wrong.push(format!("the run ended as {state:?}, exit code {exit:?}"));
                }
            }
            Err(error) => wrong.push(format!("the run is gone: {error}")),
        }
        wrong
    }

    /// The ledger forgets, as a process's point has asked; a copy is kept for the next time.
    fn lose(&self, copies: &mut VecDeque<(Millis, MemoryTables)>) {
        let Some(memory) = &self.memory else { return };
        let asked =
            std::mem::take(&mut *self.stage.asked.lock().unwrap_or_else(PoisonError::into_inner));
        let now = self.stage.clock.now();
        for fault in asked {
            let (tables, since) = match fault {
                Fault::Back(ms) => {
                    let copy = copies.iter().rev().find(|(at, _)| *at <= now + -ms);
                    match copy {
                        Some((at, tables)) => (tables.clone(), *at),
                        None => continue,
                    }
                }
                _ => (MemoryTables::default(), Millis(i64::MIN)),
            };
            let settled = self.stage.settled.lock().unwrap_or_else(PoisonError::into_inner);
            let lost = settled.iter().filter(|(at, _)| *at >= since);
            // A call that is under way is settled by nobody.
            self.stage.allow(lost.map(|(_, calls)| calls).sum::<u64>() + self.in_flight());
            self.stage.forgot.store(true, Ordering::SeqCst);
            memory.restore(tables);
        }
        if copies.len() >= 64 {
            copies.pop_front();
        }
        copies.push_back((now, memory.snapshot()));
    }

    fn in_flight(&self) -> u64 {
        self.history.workers * 2 * u64::from(CONCURRENCY)
    }

    /// A process and those that follow it, until the run has ended.
    fn life(
        &self,
        number: u64,
        run: &RunId,
    ) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let (stage, ledger, sink) = (self.stage.clone(), self.ledger.clone(), self.sink.clone());
        let (account, connection) = (self.account.clone(), self.connection.clone());
        let files = self.files.clone();
        let (plants, run) = (self.plants.clone(), run.clone());
        async move {
            loop {
                let (handle, never) = stop();
                let process = Process::new(stage.clone(), number, handle);
                let clock = Arc::new(OwnClock(process.clone()));
                let engine = Engine::new(Parts {
                    ledger: Arc::new(OwnLedger {
                        process: process.clone(),
                        inner: ledger.clone(),
                        plants: plants.clone(),
                    }),
                    sink: Arc::new(OwnSink {
                        process: process.clone(),
                        inner: sink.clone(),
                        plants: plants.clone(),
                    }),
                    files: files.clone(),
                    transport: Arc::new(OwnNetwork {
                        process: process.clone(),
                        network: Network::new(account.clone(), Arc::new(stage.clock.clone())),
                    }),
                    clock,
                    catalogue: watershed_zoom::catalogue(),
                    connections: vec![connection.clone()],
                });
                let settings = WorkerSettings {
                    concurrency: CONCURRENCY,
                    lease_ms: 15_000,
                    shutdown_grace_ms: 20_000,
                    alone: false,
                    wait_until: None,
                };
                tokio::select! {
                    biased;
                    () = process.died.notified() => {
                        plants.held();
                    }
                    ending = engine.work(Some(&run), settings, never) => match ending {
                        Ok(Ending::Run(_)) => {
                            if let Some(batch) = plants.held() {
                                here(sink.write(batch)).map_err(|e| e.to_string())?;
                            }
                            return Ok(());
                        }
                        Ok(Ending::Stopped) => {}
                        Ok(Ending::Fatal(why)) => return Err(format!("fatal: {why}")),
                        // What cannot wait while it stops ends, and its like goes on.
                        Err(watershed_engine::Error::Store(_)) => stage.allow(process.unsettled()),
                        Err(error) => {
                            let waits = matches!(&error,
                                watershed_engine::Error::Sink(e) if e.waits());
                            let waits = waits || matches!(&error,
                                watershed_engine::Error::Ledger(e) if e.waits());
                            if !waits {
                                return Err(format!("a process ended: {error}"));
                            }
                        }
                    },
                }
                let wait_ms = stage.clock.random() % AGAIN_MS;
                stage.clock.sleep_until(stage.clock.now() + wait_ms as i64).await;
            }
        }
    }

    /// An engine to which nothing happens.
    fn operator(&self) -> Engine {
        let clock = Arc::new(self.stage.clock.clone());
        let process = Process::new(self.stage.clone(), OPERATOR, stop().0);
        let plants = Plants::new(None);
        Engine::new(Parts {
            ledger: Arc::new(OwnLedger {
                process: process.clone(),
                inner: self.ledger.clone(),
                plants: plants.clone(),
            }),
            sink: Arc::new(OwnSink { process, inner: self.sink.clone(), plants }),
            files: self.files.clone(),
            transport: Arc::new(Network::new(self.account.clone(), clock.clone())),
            clock,
            catalogue: watershed_zoom::catalogue(),
            connections: vec![self.connection.clone()],
        })
    }

    /// Coverage at the end, as lines.
    async fn coverage(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut after = None;
        loop {
            let page = self.sink.coverage(Default::default(), after, 500).await.expect("a sink");
            after = page.last().map(watershed_sink::Ask::of);
            // Where a window was cut at the present, `to` tells when that was.
            lines.extend(page.iter().map(|c| {
                json!([c.operation, c.subject, c.from, c.state, c.reason, c.rows]).to_string()
            }));
            if page.len() < 500 {
                return lines;
            }
        }
    }

    /// Rows that are older than what was written.
    async fn overwritten(&self) -> Vec<String> {
        let newest =
            std::mem::take(&mut *self.stage.newest.lock().unwrap_or_else(PoisonError::into_inner));
        let datasets: BTreeSet<&str> = newest.keys().map(|(dataset, _)| *dataset).collect();
        let mut stored = BTreeMap::new();
        for dataset in datasets {
            let rows = self.sink.rows(dataset.to_owned(), None, u32::MAX).await;
            let rows = rows.expect("a sink");
            stored.extend(rows.into_iter().map(|row| ((dataset, row.at.key), row.fetched_at)));
        }
        let older = newest.iter().filter(|(at, version)| stored.get(*at) < Some(*version));
        let told = older.map(|((dataset, key), _)| format!("{dataset} {key}: an older version"));
        told.take(3).collect()
    }

    /// What the auditor has against the dataset, the account's figures and the ledger.
    fn audited(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let lines: Vec<String> = self.account.truth().map(|row| json!(row).to_string()).collect();
        let truth = Truth::read(lines.join("\n").as_bytes()).expect("the account's own truth");
        let found = audit(&self.sink_path, &truth, &Scope::backfill()).expect("a dataset");
        wrong.extend(found.differences.iter().map(|d| format!("the dataset differs: {d}")));
        let stats = self.account.stats();
        let refused: BTreeMap<&String, u64> = stats
            .rate_limited
            .iter()
            .filter(|(kind, _)| *kind != "fault")
            .map(|(kind, by)| (kind, by.values().sum()))
            .collect();
        if !refused.is_empty() && !self.stage.forgot.load(Ordering::SeqCst) {
            wrong.push(format!("over a limit: {refused:?}, at most {:?}", stats.peak_per_second));
        }
        let repeated: u64 = stats
            .in_vain
            .repeated
            .iter()
            .filter(|(operation, _)| *operation != UNCOUNTED)
            .map(|(_, count)| count)
            .sum();
        // A file that does not come is asked for anew, and its recording with it.
        let of_account: u64 = stats.faults.values().sum();
        let allowed = self.stage.repeats_allowed.load(Ordering::SeqCst) + of_account;
        if repeated > allowed {
            let by = &stats.in_vain.repeated;
            wrong.push(format!("{repeated} calls repeated, {allowed} allowed: {by:?}"));
        }
        for cause in ["report_below_two", "foretold"] {
            let count = stats.in_vain.by_cause.get(cause).copied().unwrap_or(0);
            if count > allowed {
                wrong.push(format!("{count} calls in vain: {cause}"));
            }
        }
        if let Some(memory) = &self.memory {
            let mut tables = memory.snapshot();
            let records = tables.records();
            if records > RECORDS_MAX {
                wrong.push(format!("the ledger keeps {records} records of a run that has ended"));
            }
            let runs = tables.runs().expect("a table").len();
            if runs != 1 {
                wrong.push(format!("the ledger knows {runs} runs"));
            }
        }
        wrong
    }
}

fn limits_of(history: &History) -> Limits {
    let [light, medium, heavy] = PER_SECOND.map(|calls| Some(calls as f64));
    let overrides = Overrides {
        light_per_second: light,
        medium_per_second: medium,
        heavy_per_second: heavy,
        heavy_per_day: Some(HEAVY_PER_DAY * history.users),
    };
    let share = if history.workers == 1 { 1.0 } else { 0.9 };
    limits(Tier::Business, &overrides, share)
}

fn request(history: &History) -> Request {
    let (source, compiled) = &*BACKFILL;
    let today = begins(history.seed).date();
    let inputs = resolve_inputs(&compiled.plan, &BTreeMap::new(), today);
    let id = RunId::from("simulated");
    Request {
        connection: "default".into(),
        source: source.clone(),
        plan: compiled.plan.clone(),
        hash: compiled.hash.clone(),
        inputs: inputs.expect("its own defaults"),
        run: Some(id.clone()),
        fresh: id,
        trigger: Trigger::Manual,
    }
}
