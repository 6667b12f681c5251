//! What is known of runs and coverage, read from the stores for pages and the API alike.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use watershed_ledger::{RunLine, RunView};
use watershed_model::{
    ConnectionName, DeadLetter, OperationId, Plan, RunHead, RunId, RunReport, RunRow, RunState,
};
use watershed_sink::{BandCount, Bands, CoverageCount, CoverageFilter, FailureFilter, MonthCount};

use crate::control::{Kind, Refusal, Rows};
use crate::shape::Worker;
use crate::slow::Slow;
use crate::state::{Server, Stores};

/// Runs that lists go back to.
pub(crate) const RUNS_MAX: u32 = 1_000;
/// A page is made without what is not counted by then; it comes a moment later.
pub(crate) const PAGE_PATIENCE: Duration = Duration::from_millis(25);
/// Bands of a map: as many rows as one looks over at once. Three steps in are a quarter of a
/// million subjects.
const BANDS: u32 = 64;
/// Programs wait: they do not look again a moment later.
pub(crate) const API_PATIENCE: Duration = Duration::from_secs(20);

/// What takes long to count, as it was a moment ago.
pub(crate) struct Facts {
    stores: Arc<Stores>,
    rows: Arc<Slow<ConnectionName, Rows>>,
    coverage: Arc<Slow<RunId, Vec<CoverageCount>>>,
    runs: Arc<Slow<(), Runs>>,
    letters: Arc<Slow<RunId, Vec<DeadLetter>>>,
    months: Arc<Slow<ConnectionName, Vec<MonthCount>>>,
    reasons: Arc<Slow<ConnectionName, Vec<CoverageCount>>>,
    bands: Arc<Slow<BandsKey, Vec<BandCount>>>,
}

/// Connection, operation, and the subjects between which it is looked.
type BandsKey = (ConnectionName, OperationId, Option<(String, String)>);

/// All runs, newest first, and how those stand that the ledger knows.
pub(crate) struct Runs {
    pub(crate) rows: Vec<RunHead>,
    pub(crate) live: BTreeMap<RunId, RunLine>,
}

/// A run as every surface shows it.
pub(crate) struct Told {
    /// As the ledger knows it; `None` where the ledger was lost or replaced.
    pub(crate) view: Option<RunView>,
    /// As the sink remembers it.
    pub(crate) row: Option<RunRow>,
    pub(crate) report: RunReport,
    pub(crate) coverage: Vec<CoverageCount>,
    /// Whether rows and coverage are counted already.
    pub(crate) counted: bool,
}

impl Told {
    /// Its plan, where anybody still knows it.
    pub(crate) fn plan(&self, server: &Server) -> Option<Arc<Plan>> {
        let known = self.view.as_ref().map(|view| view.plan.clone());
        known.or_else(|| server.control.plan(self.row.as_ref()?).map(Arc::new))
    }
}

impl Facts {
    pub(crate) fn new(stores: Arc<Stores>) -> Facts {
        Facts {
            stores,
            rows: Arc::default(),
            coverage: Arc::default(),
            runs: Arc::default(),
            letters: Arc::default(),
            months: Arc::default(),
            reasons: Arc::default(),
            bands: Arc::default(),
        }
    }

    /// Rows of a connection by dataset.
    pub(crate) async fn rows(&self, of: &ConnectionName, patience: Duration) -> Option<Arc<Rows>> {
        let (stores, asked) = (Arc::clone(&self.stores), of.clone());
        let find = async move { stores.sink.counts(asked).await.ok() };
        Slow::get(&self.rows, of.clone(), patience, find).await.map(|found| found.value)
    }

    /// What a run's coverage says.
    async fn coverage(&self, run: &RunId, patience: Duration) -> Option<Arc<Vec<CoverageCount>>> {
        let filter = CoverageFilter { run: Some(run.clone()), ..CoverageFilter::default() };
        let stores = Arc::clone(&self.stores);
        let find = async move { stores.sink.coverage_counts(filter).await.ok() };
        Slow::get(&self.coverage, run.clone(), patience, find).await.map(|found| found.value)
    }

    /// Dead letters of a run, oldest first.
    pub(crate) async fn letters(&self, run: &RunId) -> Option<Arc<Vec<DeadLetter>>> {
        let filter = FailureFilter { run: Some(run.clone()), ..FailureFilter::default() };
        let stores = Arc::clone(&self.stores);
        let find = async move { stores.sink.failures(filter).await.ok() };
        let found = Slow::get(&self.letters, run.clone(), PAGE_PATIENCE, find).await;
        found.map(|found| found.value)
    }

    /// Coverage of a connection by operation, month and state.
    pub(crate) async fn months(&self, of: &ConnectionName) -> Option<Arc<Vec<MonthCount>>> {
        let (stores, asked) = (Arc::clone(&self.stores), of.clone());
        let find = async move { stores.map.months(asked).await.ok() };
        let found = Slow::get(&self.months, of.clone(), PAGE_PATIENCE, find).await;
        found.map(|found| found.value)
    }

    /// Coverage of a connection by operation, state and reason.
    pub(crate) async fn reasons(&self, of: &ConnectionName) -> Option<Arc<Vec<CoverageCount>>> {
        let stores = Arc::clone(&self.stores);
        let filter = CoverageFilter { connection: Some(of.clone()), ..CoverageFilter::default() };
        let find = async move { stores.sink.coverage_counts(filter).await.ok() };
        let found = Slow::get(&self.reasons, of.clone(), PAGE_PATIENCE, find).await;
        found.map(|found| found.value)
    }

    /// Coverage of an operation by bands of subjects.
    pub(crate) async fn bands(
        &self,
        of: &ConnectionName,
        operation: &OperationId,
        between: Option<(String, String)>,
    ) -> Option<Arc<Vec<BandCount>>> {
        let key = (of.clone(), operation.clone(), between.clone());
        let stores = Arc::clone(&self.stores);
        let asked =
            Bands { connection: key.0.clone(), operation: key.1.clone(), between, bands: BANDS };
        let find = async move { stores.map.bands(asked).await.ok() };
        let found = Slow::get(&self.bands, key, PAGE_PATIENCE, find).await;
        found.map(|found| found.value)
    }

    /// Looks anew at a run with which something was just done.
    pub(crate) fn touched(&self, run: &RunId) {
        self.letters.forget(run);
        self.runs.forget(&());
    }

    /// All runs.
    ///
    /// # Errors
    /// Where the stores do not answer.
    pub(crate) async fn runs(&self) -> Result<Arc<Runs>, Refusal> {
        let stores = Arc::clone(&self.stores);
        let find = async move {
            let rows = stores.sink.run_heads(None, RUNS_MAX).await.ok()?;
            let lines = stores.ledger.runs().await.ok()?;
            let live = lines.into_iter().map(|line| (line.run.clone(), line)).collect();
            Some(Runs { rows, live })
        };
        let found = Slow::get(&self.runs, (), API_PATIENCE, find).await;
        let away = || Refusal::new(Kind::Away, "the stores do not answer");
        found.map(|found| found.value).ok_or_else(away)
    }
}

impl Runs {
    /// How a run stands.
    pub(crate) fn state(&self, row: &RunHead) -> RunState {
        self.live.get(&row.id).map_or(row.state, |line| line.state)
    }
}

/// A run, as it stands now.
///
/// # Errors
/// Where nobody knows it, or the stores do not answer.
pub(crate) async fn told(
    server: &Server,
    run: &RunId,
    patience: Duration,
) -> Result<Told, Refusal> {
    let (ledger, sink) = (&server.stores.ledger, &server.stores.sink);
    let (view, row) = tokio::join!(ledger.run(run), sink.run(run.clone()));
    let (view, row) = (view?, row?);
    let connection = view.as_ref().map(|view| view.connection.clone());
    let connection = connection.or_else(|| row.as_ref().map(|row| row.connection.clone()));
    let connection = connection.ok_or_else(|| Refusal::no_run(run))?;
    let facts = &server.facts;
    let (rows, coverage) =
        tokio::join!(facts.rows(&connection, patience), facts.coverage(run, patience));
    let counted = rows.is_some() && coverage.is_some();
    let (rows, coverage) = (rows.unwrap_or_default(), coverage.unwrap_or_default());
    let report = match (&view, &row) {
        (Some(view), row) => {
            let mut report = server.control.report(view, &rows, &coverage);
            // Other runs have written coverage since: its exit code is what it was.
            let row = row.as_ref().filter(|r| r.ended_at == view.ended_at && view.state.ended());
            if let Some(exit) = row.and_then(|row| row.evidence.as_ref()).and_then(|e| e.exit) {
                report.exit = Some(exit);
            }
            report
        }
        (None, Some(row)) => server.control.remembered(row.clone(), &rows),
        (None, None) => return Err(Refusal::no_run(run)),
    };
    Ok(Told { view, row, report, coverage: coverage.to_vec(), counted })
}

/// The processes that work, by the ledger's clock.
///
/// # Errors
/// Where the ledger does not answer.
pub(crate) async fn workers(server: &Server) -> Result<Vec<Worker>, Refusal> {
    let ledger = &server.stores.ledger;
    let (heard_of, now) = tokio::join!(ledger.workers(), ledger.now());
    Ok(Worker::all(heard_of?, now?))
}
