//! Plays a history: processes that begin, die and begin again, until the run has ended.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::task::JoinSet;
use watershed_engine::{Clock, Connection, Content, Ending, Engine, Parts, WorkerSettings, stop};
use watershed_lake::MemoryFiles;
use watershed_ledger::{Ledger, MemoryLedger, MemoryTables};
use watershed_ledger_sqlite::SqliteLedger;
use watershed_model::{Millis, RunId, RunState, WorkerName};
use watershed_rehearsal::{Network, VirtualClock, connection, in_virtual_time};
use watershed_sink::{Sink, SqliteSink};
use watershed_zoom_sim::Account;

use crate::files::OwnFiles;
use crate::ground::{LEASE_MS, begins, folder, limits_of, request, spec};
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
    played(history, plant, false)
}

/// Plays a history, and tells each of its acts on stderr.
pub(crate) fn play_aloud(history: &History) -> Played {
    played(history, None, true)
}

/// Names the history in whose middle something panics.
struct Named<'a>(&'a History);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("while this was played: {}", self.0);
        }
    }
}

fn played(history: &History, plant: Option<Plant>, aloud: bool) -> Played {
    let _named = Named(history);
    let folder = folder();
    let clock = VirtualClock::new(begins(history.seed), history.seed);
    let stage = Arc::new(Stage::new(clock.clone(), history.clone(), aloud));
    let theatre = in_virtual_time(&clock, Theatre::open(&stage, history, folder.path(), plant));
    let mut wrong = in_virtual_time(&clock, theatre.run());
    let coverage = in_virtual_time(&clock, theatre.coverage());
    wrong.extend(in_virtual_time(&clock, theatre.overwritten()));
    wrong.extend(theatre.audited());
    let passed = stage.passed().clone();
    Played { passed, wrong, coverage }
}

/// The stage with everything on it.
pub(crate) struct Theatre {
    pub(crate) stage: Arc<Stage>,
    history: History,
    pub(crate) account: Arc<Account>,
    connection: Connection,
    pub(crate) memory: Option<Arc<MemoryLedger>>,
    ledger: Arc<dyn Ledger>,
    pub(crate) sink: Arc<SqliteSink>,
    pub(crate) sink_path: PathBuf,
    pub(crate) files: Arc<MemoryFiles>,
    plants: Arc<Plants>,
}

impl Theatre {
    async fn open(
        stage: &Arc<Stage>,
        history: &History,
        folder: &Path,
        plant: Option<Plant>,
    ) -> Theatre {
        let (spec, heavy_a_day) = spec(history);
        let account = Arc::new(Account::new(spec));
        let connection = connection(
            "default".into(),
            &account,
            limits_of(history, heavy_a_day),
            Content::Transcripts,
        );
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

    /// Calls that may be under way.
    pub(crate) fn in_flight(&self) -> u64 {
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
        let (plants, run, memory) = (self.plants.clone(), run.clone(), self.memory.clone());
        async move {
            loop {
                let (handle, never) = stop();
                let process = Process::new(stage.clone(), number, handle);
                let clock = Arc::new(OwnClock(process.clone()));
                let engine = Engine::new(Parts {
                    ledger: Arc::new(OwnLedger {
                        process: process.clone(),
                        inner: ledger.clone(),
                        memory: memory.clone(),
                        plants: plants.clone(),
                    }),
                    sink: Arc::new(OwnSink {
                        process: process.clone(),
                        inner: sink.clone(),
                        plants: plants.clone(),
                    }),
                    files: Arc::new(OwnFiles { process: process.clone(), inner: files.clone() }),
                    transport: Arc::new(OwnNetwork {
                        process: process.clone(),
                        network: Network::new(account.clone(), Arc::new(stage.clock.clone())),
                    }),
                    clock,
                    catalogue: watershed_zoom::catalogue(),
                    connections: vec![connection.clone()],
                });
                let settings = WorkerSettings {
                    name: WorkerName::default(),
                    concurrency: CONCURRENCY,
                    lease_ms: LEASE_MS,
                    shutdown_grace_ms: 20_000,
                    alone: false,
                    look_ms: watershed_engine::LOOK_MS,
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
        Engine::new(Parts {
            ledger: Arc::new(OwnLedger {
                process: process.clone(),
                inner: self.ledger.clone(),
                memory: self.memory.clone(),
                plants: self.plants.clone(),
            }),
            sink: Arc::new(OwnSink {
                process,
                inner: self.sink.clone(),
                plants: Plants::new(None),
            }),
            files: self.files.clone(),
            transport: Arc::new(Network::new(self.account.clone(), clock.clone())),
            clock,
            catalogue: watershed_zoom::catalogue(),
            connections: vec![self.connection.clone()],
        })
    }
}
