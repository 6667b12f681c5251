//! The engine: ledger, sink and network put together. What the command line calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use watershed_lake::FileStore;
use watershed_ledger::{Command, Ledger, Letter, Reply, RunView};
use watershed_model::{
    Catalogue, ConnectionName, DeadLetter, Limits, RunId, RunReport, RunRow, StepId,
};
use watershed_sink::{CoverageCount, CoverageFilter, FailureFilter, Sink};

use crate::active::Link;
use crate::clock::Clock;
use crate::connection::Connection;
use crate::dispatch::{Dispatch, Ending, State, WorkerSettings};
use crate::error::Error;
use crate::events::Events;
use crate::pace::Paces;
use crate::people;
use crate::report;
use crate::runtime::{self, Ends};
use crate::stop::{Stop, Stopping};
use crate::task::Tools;
use crate::token::Tokens;
use crate::transport::Transport;

/// Letters put back in one command.
const LETTERS_AT_ONCE: usize = 500;

/// Counts of an account's newest days that a ledger is told: today's are among them.
pub(crate) const DAYS_MAX: u32 = 8;

/// What an engine is made of.
pub struct Parts {
    /// Runs, tasks, leases, budgets.
    pub ledger: Arc<dyn Ledger>,
    /// Rows, coverage, what outlives the ledger.
    pub sink: Arc<dyn Sink>,
    /// Files of recordings.
    pub files: Arc<dyn FileStore>,
    /// The network.
    pub transport: Arc<dyn Transport>,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// Operations and datasets.
    pub catalogue: Catalogue,
    /// The accounts.
    pub connections: Vec<Connection>,
}

/// Ledger, sink and network put together.
pub struct Engine {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) files: Arc<dyn FileStore>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) catalogue: Catalogue,
    pub(crate) links: BTreeMap<ConnectionName, Arc<Link>>,
    pub(crate) paces: Arc<Paces>,
    pub(crate) events: Option<Events>,
}

/// A run as every surface shows it.
#[derive(Debug, Clone)]
pub struct Standing {
    /// As the ledger knows it; `None` where the ledger was lost or replaced.
    pub view: Option<RunView>,
    /// The report.
    pub report: RunReport,
    /// What this run's coverage says, by operation, state and reason.
    pub coverage: Vec<CoverageCount>,
}

impl Engine {
    /// Puts the parts together. Does nothing yet.
    pub fn new(parts: Parts) -> Engine {
        let Parts { ledger, sink, files, transport, clock, catalogue, connections } = parts;
        let links = connections
            .into_iter()
            .map(|connection| {
                let connection = Arc::new(connection);
                let tokens = Tokens::new(connection.clone(), transport.clone(), clock.clone());
                (connection.name.clone(), Arc::new(Link::new(connection, tokens)))
            })
            .collect();
        let paces = Arc::new(Paces::new(clock.now()));
        let events = None;
        Engine { ledger, sink, files, transport, clock, catalogue, links, paces, events }
    }

    /// Executes tasks of all lanes until `run` has ended (where one is named) or a stop is
    /// asked for.
    ///
    /// # Errors
    /// A store that fails in a way that waiting does not mend; what was settled stays.
    pub async fn work(
        &self,
        run: Option<&RunId>,
        settings: WorkerSettings,
        stop: Stop,
    ) -> Result<Ending, Error> {
        let mut state = State::default();
        for link in self.links.values() {
            let connection = &link.connection;
            self.sink.bind_account(connection.name.clone(), connection.account.clone()).await?;
            people::same_key(connection, &*self.sink).await?;
            state.limits.insert(connection.name.clone(), self.set_limits(link).await?);
        }
        // What the first calls tell of other apps is exact.
        tokio::select! {
            biased;
            () = self.clock.sleep_until(self.paces.free_from()) => {}
            () = stop.reached(Stopping::Drain) => {}
        }
        let slots = usize::from(settings.concurrency).max(1);
        let (tickets, ticket_end) = mpsc::channel(slots);
        let (return_end, returns) = mpsc::channel(slots);
        let tools =
            Tools { alone: settings.alone, ..self.tools(stop.clone(), settings.wait_until) };
        let tools = Arc::new(tools);
        let worker = settings.name.id(self.clock.random());
        // The conversation is over and its end of the channel closed: idle workers end; one
        // that still holds a call past its grace is dropped with its connection.
        let _workers = AbortOnDropHandle::new(tokio::spawn(runtime::run(
            worker.to_string(),
            Ends::new(ticket_end, return_end),
            tools.clone(),
        )));
        let dispatch = Dispatch {
            ledger: self.ledger.clone(),
            tools,
            catalogue: self.catalogue,
            links: self.links.clone(),
            accounts: self.links.values().map(|link| link.connection.account.clone()).collect(),
            settings,
            worker,
            stop,
            tickets,
            returns,
            state,
        };
        dispatch.run(run).await
    }

    /// Tells the ledger the limits of this hour, and which they are.
    pub(crate) async fn set_limits(&self, link: &Link) -> Result<Limits, Error> {
        let account = link.connection.account.clone();
        let limits = link.connection.limits.at(self.clock.now());
        // The ledger may be a new one: what it counts of a day goes on from what was written.
        let days = self.sink.days(account.clone(), DAYS_MAX).await?;
        let told = Command::SetLimits { account, limits: limits.clone(), days, recount: None };
        self.ledger.execute(told).await?;
        Ok(limits)
    }

    /// The scopes that came with the connection's token.
    ///
    /// # Errors
    /// [`Error::Token`] where the credential is refused or the endpoint does not answer;
    /// [`Error::NoConnection`].
    pub async fn token_scopes(&self, connection: &ConnectionName) -> Result<Vec<String>, Error> {
        Ok(self.link(connection)?.tokens.get().await?.scopes.to_vec())
    }

    /// A run, as it stands now; `None` where neither ledger nor sink knows it.
    ///
    /// # Errors
    /// The stores'.
    pub async fn standing(&self, run: &RunId) -> Result<Option<Standing>, Error> {
        let view = self.ledger.run(run).await?;
        let row = self.sink.run(run.clone()).await?;
        let connection = match (&view, &row) {
            (Some(view), _) => view.connection.clone(),
            (None, Some(row)) => row.connection.clone(),
            (None, None) => return Ok(None),
        };
        let rows = self.sink.counts(connection).await?;
        let filter = CoverageFilter { run: Some(run.clone()), ..CoverageFilter::default() };
        let coverage = self.sink.coverage_counts(filter).await?;
        let report = match (&view, row) {
            (Some(view), row) => {
                let mut report = report::report_of_view(view, rows, &coverage, self.clock.now());
                // Other runs have written coverage since: its exit code is what it was.
                let at_end = row.filter(|row| row.ended_at == view.ended_at && view.state.ended());
                if let Some(exit) = at_end.and_then(|row| row.evidence).and_then(|e| e.exit) {
                    report.exit = Some(exit);
                }
                report
            }
            (None, Some(row)) => report::report_of_row(row, rows),
            (None, None) => return Ok(None),
        };
        Ok(Some(Standing { view, report, coverage }))
    }

    /// Writes how a run stands into `_runs`: its state, and at its end the evidence.
    ///
    /// # Errors
    /// The stores'; [`Error::NoRun`].
    pub async fn record(&self, run: &RunId) -> Result<Standing, Error> {
        let standing = self.standing(run).await?.ok_or_else(|| Error::NoRun(run.clone()))?;
        if let (Some(view), Some(row)) = (&standing.view, self.sink.run(run.clone()).await?) {
            let row = RunRow {
                state: view.state,
                ended_at: view.ended_at,
                evidence: Some(standing.report.clone()),
                ..row
            };
            self.sink.put_run(row).await?;
        }
        Ok(standing)
    }

    /// Puts back the dead letters of a run that pass the filter. Returns how many.
    ///
    /// # Errors
    /// As [`Engine::put_back`].
    pub async fn retry(&self, run: &RunId, filter: FailureFilter) -> Result<u64, Error> {
        let filter = FailureFilter { run: Some(run.clone()), ..filter };
        self.put_back(run, self.sink.failures(filter).await?).await
    }

    /// Puts dead letters of a run back: their folded branches open again, joins above run again.
    /// Returns how many.
    ///
    /// # Errors
    /// The stores'; [`Error::NoRun`] where the ledger does not know the run.
    pub async fn put_back(&self, run: &RunId, dead: Vec<DeadLetter>) -> Result<u64, Error> {
        let view = self.ledger.run(run).await?.ok_or_else(|| Error::NoRun(run.clone()))?;
        let mut put_back = 0;
        for dead in dead.chunks(LETTERS_AT_ONCE) {
            let letters = dead
                .iter()
                .filter_map(|letter| {
                    let (step, _) = view.plan.step_named(&letter.step)?;
                    Some(letter_of(step, letter))
                })
                .collect();
            let command = Command::Retry { run: run.clone(), letters };
            // The ledger first: a crash in between leaves letters that are put back twice,
            // and the ledger drops the second.
            if let Reply::PutBack { letters } = self.ledger.execute(command).await? {
                put_back += letters;
            }
            self.sink.remove_failures(dead.iter().map(|l| l.id.clone()).collect()).await?;
        }
        if put_back > 0 {
            self.record(run).await?;
        }
        Ok(put_back)
    }
}

fn letter_of(step: StepId, letter: &DeadLetter) -> Letter {
    Letter {
        step,
        item: letter.item.clone(),
        once: letter.once,
        bucket: letter.bucket,
        scopes: letter.scopes.clone(),
    }
}
