//! Where work happens: the stores opened, the engine put together. Chooses the adapters.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use watershed_engine::{
    Clock, Connection, Engine, HttpTransport, LOOK_MS, Parts, SystemClock, WorkerSettings,
};
use watershed_lake::Lake;
use watershed_ledger::{Ledger, MemoryLedger};
use watershed_ledger_sqlite::Hold;
use watershed_model::{Millis, RunId, RunRow, WorkerName};
use watershed_sink::{Sink, SqliteSink};

use crate::data::Data;
use crate::evidence::Place;
use crate::fault::Fault;
use crate::program::program;
use crate::settings::Settings;
use crate::store::clock;
use crate::workflows;

/// Files on their way into an object store lie here.
const INCOMING: &str = "data/incoming";
/// Runs looked through for the latest one.
const RUNS_MAX: u32 = 1_000;

/// Stores and engine.
pub(crate) struct Site {
    /// The engine.
    pub engine: Engine,
    /// Runs, tasks, leases, budgets.
    pub ledger: Arc<dyn Ledger>,
    /// Rows, coverage, runs.
    pub sink: Arc<dyn Sink>,
    /// What was configured.
    pub settings: Settings,
    _hold: Option<Hold>,
}

impl Site {
    /// Opens the stores to execute on them: no other process may do so meanwhile.
    ///
    /// # Errors
    /// Where another process executes there, or a store cannot be opened.
    pub(crate) async fn to_execute(
        settings: &Settings,
        connections: Vec<Connection>,
    ) -> Result<Site> {
        let held = settings.store.hold()?;
        let site = Site::to_command(settings, connections).await?;
        Ok(Site { _hold: held, ..site })
    }

    /// Opens the stores to say something to them, beside a process that executes.
    ///
    /// # Errors
    /// Where a store cannot be opened.
    pub(crate) async fn to_command(
        settings: &Settings,
        connections: Vec<Connection>,
    ) -> Result<Site> {
        let (sink, inbox) = settings.sink.open_inbox().await?;
        let site = Site::of(settings, settings.store.open().await?, sink, connections)?;
        let engine = site.engine.with_events(workflows::events(inbox));
        Ok(Site { engine, ..site })
    }

    /// Opens the stores to look at them; never in the way of a process that executes.
    ///
    /// # Errors
    /// Where there is nothing yet, or a store cannot be opened.
    pub(crate) async fn to_read(settings: &Settings) -> Result<Site> {
        match Site::to_read_if_any(settings).await? {
            Some(site) => Ok(site),
            None => Err(nothing_yet(&settings.sink).into()),
        }
    }

    /// As [`Site::to_read`]; `None` where there is nothing yet.
    ///
    /// # Errors
    /// Where a store cannot be opened.
    pub(crate) async fn to_read_if_any(settings: &Settings) -> Result<Option<Site>> {
        let Some(sink) = settings.sink.open_existing().await? else { return Ok(None) };
        let ledger: Arc<dyn Ledger> = match settings.store.open_existing()? {
            Some(ledger) => ledger,
            // The dataset outlives the ledger, and tells what it knows.
            None => Arc::new(MemoryLedger::new(clock())),
        };
        Site::of(settings, ledger, sink, Vec::new()).map(Some)
    }

    /// Looks at the dataset and asks the account; writes nothing, and needs no dataset.
    ///
    /// # Errors
    /// Where there is a dataset that cannot be opened.
    pub(crate) async fn to_estimate(
        settings: &Settings,
        connections: Vec<Connection>,
    ) -> Result<Site> {
        let sink: Arc<dyn Sink> = match settings.sink.open_existing().await? {
            Some(sink) => sink,
            None => Arc::new(SqliteSink::in_memory(watershed_zoom::catalogue()).await?),
        };
        Site::of(settings, Arc::new(MemoryLedger::new(clock())), sink, connections)
    }

    /// Of stores that are open already.
    ///
    /// # Errors
    /// Where TLS cannot be set up, or there is no place for files.
    pub(crate) fn of(
        settings: &Settings,
        ledger: Arc<dyn Ledger>,
        sink: Arc<dyn Sink>,
        connections: Vec<Connection>,
    ) -> Result<Site> {
        let transport = HttpTransport::new().context("set up TLS")?;
        let parts = Parts {
            ledger: ledger.clone(),
            sink: sink.clone(),
            files: Arc::new(Lake::open(&settings.files, Path::new(INCOMING))?),
            transport: Arc::new(transport),
            clock: Arc::new(SystemClock),
            catalogue: watershed_zoom::catalogue(),
            connections,
        };
        let settings = settings.clone();
        Ok(Site { engine: Engine::new(parts), ledger, sink, settings, _hold: None })
    }

    /// Now.
    pub(crate) fn now(&self) -> Millis {
        SystemClock.now()
    }

    /// Where the data is, now.
    pub(crate) fn place(&self) -> Place<'_> {
        Place { sink: &self.settings.sink, store: &self.settings.store, now: self.now() }
    }

    /// How this process works; `wait_ms` is how long it waits for
    /// what is not there yet.
    pub(crate) fn worker(&self, wait_ms: Option<i64>) -> WorkerSettings {
        let worker = self.settings.worker;
        WorkerSettings {
            name: WorkerName {
                host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
                process: std::process::id(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            concurrency: worker.concurrency,
            lease_ms: worker.lease_ms,
            shutdown_grace_ms: worker.shutdown_grace_ms,
            alone: self.settings.store.is_alone(),
            look_ms: LOOK_MS,
            wait_until: wait_ms.map(|ms| self.now() + ms),
        }
    }

    /// The run of that name; without a name, the latest that passes.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) async fn run_row(
        &self,
        run: Option<&str>,
        passes: impl Fn(&RunRow) -> bool,
        wanted: &str,
    ) -> Result<RunRow> {
        if let Some(run) = run {
            let row = self.sink.run(RunId::from(run)).await?;
            return row.ok_or_else(|| no_run(run, &self.settings.sink).into());
        }
        let rows = self.sink.runs(None, RUNS_MAX).await?;
        rows.into_iter().find(passes).ok_or_else(|| {
            Fault::usage(format!("{}: there is no run {wanted}", self.settings.sink))
                .hint(format!(
                    "`{0} runs` lists them; `{0} run zoom-backfill` begins one",
                    program()
                ))
                .into()
        })
    }
}

fn nothing_yet(sink: &Data) -> Fault {
    Fault::failed(format!("{sink}: there is no dataset yet"))
        .hint(format!("begin with `{} run zoom-backfill`", program()))
}

/// No such run there.
pub(crate) fn no_run(run: &str, place: impl std::fmt::Display) -> Fault {
    Fault::usage(format!("{place}: there is no run {run:?}"))
        .hint(format!("`{} runs` lists them", program()))
}
