//! What only the whole program can do: acts on runs, and what needs a plan or the configuration.
//!
//! This crate knows neither engine nor workflows; the binary hands this in.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde_json::Value;
use watershed_ledger::RunView;
use watershed_model::{ConnectionName, DeadLetter, Plan, RunId, RunReport, RunRow, StepReport};
use watershed_sink::CoverageCount;

use crate::shape::{Connection, Erased, Schedule};

/// Something under way.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send + 'a>>;

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There is no such thing.
    Unknown,
    /// It does not allow that now.
    Conflict,
    /// A store or the account does not answer.
    Away,
    /// It failed.
    Failed,
}

/// Why something is not done, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal it is.
    pub kind: Kind,
    /// What is told.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Refusal {
    /// Without a hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Refusal {
        Refusal { kind, message: message.into(), hint: None }
    }

    /// There is no such run.
    pub(crate) fn no_run(run: &RunId) -> Refusal {
        let run = watershed_model::printable(run.as_str(), 200);
        Refusal::new(Kind::Unknown, format!("there is no run {run}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<watershed_sink::Error> for Refusal {
    fn from(error: watershed_sink::Error) -> Refusal {
        let kind = if error.waits() { Kind::Away } else { Kind::Failed };
        Refusal::new(kind, error.to_string())
    }
}

impl From<watershed_ledger::Error> for Refusal {
    fn from(error: watershed_ledger::Error) -> Refusal {
        let kind = match &error {
            watershed_ledger::Error::NoRun(_) => Kind::Unknown,
            watershed_ledger::Error::Illegal { .. } => Kind::Conflict,
            error if error.waits() => Kind::Away,
            _ => Kind::Failed,
        };
        Refusal::new(kind, error.to_string())
    }
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub about: String,
    /// How it is.
    pub standing: Standing,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How something is that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As it should be.
    Good,
    /// It deserves a word, and leaves nothing out.
    Note,
    /// It keeps a backfill from being complete.
    Bad,
}

/// What `doctor` answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// Whether a backfill would be complete.
    pub complete: bool,
    /// What was looked at, in order.
    pub findings: Vec<Finding>,
    /// The same as `doctor --json` tells it.
    pub json: Value,
}

/// What only the whole program can do.
pub trait Control: Send + Sync {
    /// The report of a run that the ledger knows.
    fn report(&self, view: &RunView, rows: &Rows, coverage: &[CoverageCount]) -> RunReport;

    /// The report of a run that only the sink remembers.
    fn remembered(&self, row: RunRow, rows: &Rows) -> RunReport;

    /// The plan that a workflow's text compiles to; `None` where this version makes none of it.
    fn plan(&self, row: &RunRow) -> Option<Plan>;

    /// A plan as SVG for a page: no style of its own, each step a link to `#step-NAME`, with the
    /// figures of each step where they are known.
    fn picture(&self, plan: &Plan, steps: &[StepReport]) -> String;

    /// What is in flight settles, nothing new starts.
    fn pause(&self, run: RunId) -> Doing<'_, ()>;

    /// Lifts a pause, or sets a failed run going again; a worker takes it up.
    fn resume(&self, run: RunId) -> Doing<'_, ()>;

    /// Ends a run for good; what it has fetched stays.
    fn cancel(&self, run: RunId) -> Doing<'_, ()>;

    /// Puts dead letters back. How many it were.
    fn retry(&self, run: RunId, letters: Vec<DeadLetter>) -> Doing<'_, u64>;

    /// What is configured, by name.
    fn connections(&self) -> Vec<Connection>;

    /// Schedules of all connections, with their ticks.
    fn schedules(&self) -> Doing<'_, Vec<Schedule>>;

    /// Looks at a connection; asks Zoom a handful of questions.
    fn diagnose(&self, connection: String) -> Doing<'_, Diagnosis>;

    /// Takes who is called so, by id or address, out of all that is kept of a connection, for good.
    fn erase(&self, connection: ConnectionName, user: String) -> Doing<'_, Erased>;
}

/// Rows by dataset.
pub type Rows = std::collections::BTreeMap<String, u64>;
