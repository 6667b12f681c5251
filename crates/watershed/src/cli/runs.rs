//! Arguments of what begins runs, works on them and shows them.

use std::net::SocketAddr;

use clap::Args;

/// What does not come within three days does not come.
const WAIT_MAX_MS: i64 = 72 * 3_600_000;

/// What is run, for whom, with what.
#[derive(Debug, Args)]
pub(crate) struct What {
    /// A workflow file, or the name of a shipped one (zoom-backfill)
    #[arg(value_name = "WORKFLOW")]
    pub workflow: String,
    /// The connection; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// An input of the workflow; may be repeated
    #[arg(long = "input", value_name = "K=V", value_parser = pair)]
    pub inputs: Vec<(String, String)>,
}

/// `run`
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub what: What,
    /// The run's id: the same again goes on with it, or tells how it ended
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub run_id: Option<String>,
    /// Wait so long for what is not there yet at Zoom (fresh reports, late transcripts), and
    /// ask for it again within the run, such as 2h; else a later run does
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    pub wait: Option<i64>,
    /// Run nothing, tell what it would cost: as `watershed estimate`
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
}

/// `submit`
#[derive(Debug, Args)]
pub(crate) struct Submit {
    #[command(flatten)]
    pub what: What,
    /// The run's id: the same again goes on with it, or tells how it ended
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub run_id: Option<String>,
}

/// `schedule`
#[derive(Debug, Args)]
pub(crate) struct Schedule {
    /// Show when runs are due instead of starting them
    #[arg(long)]
    pub list: bool,
}

/// `worker`
#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// Calls in flight at once, shared by the accounts [default: `worker.concurrency`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: Option<u16>,
    /// A connection to work for; may be repeated; all of them, where left out
    #[arg(long = "connection", value_name = "NAME")]
    pub connections: Vec<String>,
    /// Where to tell its metrics [default: `worker.metrics`; nowhere without]
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
}

/// `estimate`
#[derive(Debug, Args)]
pub(crate) struct Estimate {
    #[command(flatten)]
    pub what: What,
    /// Sampling calls at most, lists under the run itself left out [default: 2 % of the run's
    /// calls, from 400 to 2,000]
    #[arg(long, value_name = "CALLS")]
    pub sample: Option<u64>,
}

/// `resume`
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The run; the latest that has not ended, where left out
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Only lift the pause, for another process to go on
    #[arg(long)]
    pub detach: bool,
}

/// `status`
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The run; the latest, where left out
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Go on showing it until it ends
    #[arg(long)]
    pub follow: bool,
}

/// `watch`
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The run; the latest, where left out
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
}

/// `runs`
#[derive(Debug, Args)]
pub(crate) struct Runs {}

/// `pause` and `cancel`
#[derive(Debug, Args)]
pub(crate) struct OneRun {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: String,
}

/// `failures`
#[derive(Debug, Args)]
pub(crate) struct Failures {
    /// Of this run only
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
}

/// `retry`
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Of this step only
    #[arg(long, value_name = "S")]
    pub step: Option<String>,
    /// This one only: its id, as `watershed failures` shows it
    #[arg(long, value_name = "K")]
    pub key: Option<String>,
}

fn run_id(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("an id has letters, digits, `-`, `_` and `.`, at most 64 of them".to_owned())
    }
}

/// In milliseconds.
fn wait(text: &str) -> Result<i64, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok().map(|d| d.as_millis());
    match parsed.and_then(|ms| i64::try_from(ms).ok()) {
        Some(ms) if (0..=WAIT_MAX_MS).contains(&ms) => Ok(ms),
        _ => Err("write a time of at most 72h, such as 90m or 2h".to_owned()),
    }
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, such as from=2026-01-01".to_owned()),
    }
}
