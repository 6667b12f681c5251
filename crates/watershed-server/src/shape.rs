//! What the JSON API and the commands' `--json` tell alike. Published as `schemas/*.schema.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use watershed_ledger::{RunLine, WorkerView};
use watershed_model::{Coverage as Row, DeadLetter, Millis, RunHead, WorkerName};

/// A worker speaks each second, unless all that it may hold is in flight: then it has leases.
const ALIVE_MS: i64 = 60_000;

/// A run in a list: the report, shortened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its id.
    pub run: String,
    /// The workflow's name.
    pub workflow: String,
    /// The connection.
    pub connection: String,
    /// Where it stands.
    pub state: &'static str,
    /// The exit code that `run` gave, once it has ended.
    pub exit: Option<u8>,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub ended_at: Option<String>,
}

impl Run {
    /// Of what the sink remembers, and the ledger knows better.
    pub fn of(row: &RunHead, live: Option<&RunLine>) -> Run {
        let (state, ended_at) =
            live.map_or((row.state, row.ended_at), |line| (line.state, line.ended_at));
        let exit = row.figures.and_then(|figures| figures.exit).filter(|_| state.ended());
        Run {
            run: row.id.to_string(),
            workflow: row.workflow.clone(),
            connection: row.connection.to_string(),
            state: state.name(),
            exit,
            started_at: row.started_at.to_string(),
            ended_at: ended_at.map(|at| at.to_string()),
        }
    }
}

/// What became of a person who was erased: counts, and nothing that tells who it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The connection.
    pub connection: String,
    /// Rows that are gone, by dataset.
    pub rows: BTreeMap<String, u64>,
    /// Rows of others in which pseudonyms stand now, by dataset.
    pub changed: BTreeMap<String, u64>,
    /// Files that are gone.
    pub files: u64,
    /// Lines of coverage that are gone or changed.
    pub coverage: u64,
    /// Dead letters that are gone or changed.
    pub letters: u64,
    /// Events that are gone or changed.
    pub events: u64,
    /// Runs that name the person no longer.
    pub runs: u64,
    /// What is left to do by hand.
    pub warnings: Vec<String>,
}

impl Erased {
    /// What there is, with how much of it is gone or changed, and in how much a pseudonym stands.
    pub fn counts(&self) -> Vec<(&str, u64, Option<u64>)> {
        let of = |counts: &BTreeMap<String, u64>, dataset| counts.get(dataset).copied();
        let datasets: BTreeSet<&String> = self.rows.keys().chain(self.changed.keys()).collect();
        let datasets = datasets.into_iter().map(|dataset| {
            let gone = of(&self.rows, dataset).unwrap_or(0);
            (dataset.as_str(), gone, of(&self.changed, dataset).or(Some(0)))
        });
        let rest = [
            ("files", self.files),
            ("_coverage", self.coverage),
            ("_failures", self.letters),
            ("_inbox", self.events),
            ("_runs", self.runs),
        ];
        let rest = rest.into_iter().filter(|(_, count)| *count > 0);
        datasets.chain(rest.map(|(what, count)| (what, count, None))).collect()
    }
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// Its id.
    pub id: String,
    /// The run.
    pub run: String,
    /// The step's name.
    pub step: String,
    /// The branch, as a path.
    pub branch: String,
    /// The operation.
    pub operation: String,
    /// What was asked.
    pub subject: Option<Value>,
    /// What the last answer meant.
    pub verdict: String,
    /// HTTP status of the last answer.
    pub http: Option<u16>,
    /// Zoom's error code in it.
    pub code: Option<i64>,
    /// What it said, less secrets.
    pub message: String,
    /// Attempts that were made.
    pub attempts: u16,
    /// When it was given up (RFC 3339).
    pub at: String,
    /// What to do about it.
    pub hint: String,
}

impl Failure {
    /// Of a stored one.
    pub fn of(letter: &DeadLetter) -> Failure {
        let subject = letter.subject.as_ref();
        Failure {
            id: letter.id.to_string(),
            run: letter.run.to_string(),
            step: letter.step.clone(),
            branch: letter.branch.clone(),
            operation: letter.operation.to_string(),
            subject: subject.map(|s| serde_json::from_str(s.as_str()).unwrap_or(s.as_str().into())),
            verdict: letter.verdict.clone(),
            http: letter.http,
            code: letter.code,
            message: letter.message.clone(),
            attempts: letter.attempts,
            at: letter.at.to_string(),
            hint: letter.hint.clone(),
        }
    }
}

/// A row of `_coverage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The connection.
    pub connection: String,
    /// The operation.
    pub operation: String,
    /// What was asked, as canonical JSON.
    pub subject: String,
    /// First day of the window.
    pub from: Option<String>,
    /// Last day of the window.
    pub to: Option<String>,
    /// How much is known.
    pub state: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// Rows that it brought.
    pub rows: u64,
    /// When it is asked again (RFC 3339).
    pub retry_at: Option<String>,
    /// The run that found it.
    pub run: String,
    /// When (RFC 3339).
    pub at: String,
}

impl Coverage {
    /// Of a stored one.
    pub fn of(row: &Row) -> Coverage {
        Coverage {
            connection: row.connection.to_string(),
            operation: row.operation.to_string(),
            subject: row.subject.as_str().to_owned(),
            from: row.from.clone(),
            to: row.to.clone(),
            state: row.state.name(),
            reason: row.reason.clone(),
            rows: row.rows,
            retry_at: row.retry_at.map(|at| at.to_string()),
            run: row.run.to_string(),
            at: row.at.to_string(),
        }
    }
}

/// A process that works, as the ledger last heard of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worker {
    /// The machine.
    pub host: String,
    /// The process's number there.
    pub process: u32,
    /// The version of its program.
    pub version: String,
    /// Whether it spoke within a minute, or has leases.
    pub alive: bool,
    /// When it spoke last (RFC 3339).
    pub seen_at: String,
    /// Leases that it has.
    pub leases: u64,
}

impl Worker {
    /// The processes of these workers: those that are alive, and those that spoke within a day;
    /// those that spoke last first. A process has a worker for each account.
    pub fn all(of: Vec<WorkerView>, now: Millis) -> Vec<Worker> {
        let mut processes: BTreeMap<WorkerName, (Millis, u64)> = BTreeMap::new();
        for view in of {
            let Some(name) = WorkerName::of(&view.worker) else { continue };
            let (seen_at, leases) = processes.entry(name).or_default();
            *seen_at = view.seen_at.max(*seen_at);
            *leases += view.leases;
        }
        let mut all: Vec<(WorkerName, Millis, u64)> =
            processes.into_iter().map(|(name, (at, leases))| (name, at, leases)).collect();
        all.retain(|(_, at, leases)| *leases > 0 || now - *at < Millis::DAY);
        all.sort_by_key(|(_, at, _)| std::cmp::Reverse(*at));
        let shown = all.into_iter().map(|(name, seen_at, leases)| Worker {
            host: name.host,
            process: name.process,
            version: name.version,
            alive: leases > 0 || now - seen_at < ALIVE_MS,
            seen_at: seen_at.to_string(),
            leases,
        });
        shown.collect()
    }
}

/// A schedule of a connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schedule {
    /// The workflow's name.
    pub workflow: String,
    /// The connection.
    pub connection: String,
    /// Five fields.
    pub cron: String,
    /// IANA time zone.
    pub timezone: String,
    /// The next ticks.
    pub next: Vec<NextTick>,
    /// The latest tick.
    pub last: Option<LastTick>,
    /// Heavy and resource-intensive calls a day.
    pub heavy: HeavyCalls,
}

/// A tick to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextTick {
    /// By the clocks of the schedule's zone.
    pub local: String,
    /// In UTC.
    pub utc: String,
    /// When it starts, jitter included.
    pub starts_at: String,
}

/// The latest tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastTick {
    /// When it was due (RFC 3339).
    pub due_at: String,
    /// What became of it.
    pub state: &'static str,
    /// Why it was skipped.
    pub why: Option<&'static str>,
    /// The run that it started.
    pub run: Option<String>,
    /// How that run stands.
    pub run_state: Option<&'static str>,
}

/// Heavy and resource-intensive calls a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeavyCalls {
    /// As many as `by` made, for each of its ticks of a day; null where no run has ended yet.
    pub a_day: Option<f64>,
    /// The run that they were counted in.
    pub by: Option<String>,
    /// What the connection may make.
    pub of: Option<f64>,
}

/// A connection, as configured. Nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Connection {
    /// Its name.
    pub connection: String,
    /// Zoom's id of the account, where it can be read.
    pub account_id: Option<String>,
    /// The Zoom plan.
    pub tier: String,
    /// Whether somebody named it; else the lowest is assumed.
    pub tier_known: bool,
    /// The part of the account's limits that may be used.
    pub share: f64,
    /// What the customer agreed to.
    pub content: String,
    /// Limits that its calls keep to, the share taken: calls by period.
    pub limits: Vec<ConnectionLimit>,
    /// Whether webhooks are taken for it.
    pub webhooks: bool,
    /// Fields that are dropped or pseudonymised: `DATASET.FIELD`.
    pub redacted: Vec<String>,
}

/// A limit of a connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectionLimit {
    /// The categories that it counts together, joined by `+`.
    pub category: String,
    /// `second`, `minute` or `day`.
    pub period: &'static str,
    /// Calls in a period.
    pub calls: f64,
}

#[cfg(test)]
mod tests;
