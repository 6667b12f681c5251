//! The command line, declared. What a command does is in `commands`.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// What does not come within three days does not come.
const WAIT_MAX_MS: i64 = 72 * 3_600_000;

/// Brings a company's whole Zoom history home, and can prove what is there.
#[derive(Debug, Parser)]
#[command(
    name = "watershed",
    version,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:
  watershed demo                 see it work, without an account
  watershed doctor               what a real account allows
  watershed run zoom-backfill    fetch the last 180 days"
)]
pub(crate) struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Globals {
    /// Configuration file [default: $WATERSHED_CONFIG, else ./watershed.toml, else built in]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// Results as JSON on stdout: one document, or one object a line
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// No progress, no remarks: only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Everywhere")]
    pub quiet: bool,
    /// More of what happens, on stderr: -v, -vv, -vvv
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    pub verbose: u8,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        help = "When to use colour: auto, always or never",
        help_heading = "Everywhere"
    )]
    pub color: When,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole backfill on a simulated Zoom account: no file, no network needed
    #[command(after_help = "Example:
  watershed demo --users 100 --dir /tmp/watershed-demo")]
    Demo(Demo),
    /// Run a workflow here until it ends
    #[command(after_help = "Example:
  watershed run zoom-backfill --input from=2026-01-01 --input content=metadata

Stopped or killed, the same command goes on where it was; so does `watershed resume`.

Exit codes: 0 complete, 1 failed, 2 nothing was started, 3 complete but for dead letters or
for steps kept out by scope, role or tier, 4 paused, stopped or cancelled.")]
    Run(Run),
    /// Begin a run that workers execute; its id goes to standard output
    #[command(after_help = "Example:
  watershed submit zoom-backfill --connection acme")]
    Submit(Submit),
    /// Execute the tasks of all runs until told to stop
    #[command(after_help = "Example:
  watershed worker --concurrency 32 --connection acme

Where the ledger is on Redis, any number of workers share the work and its budgets. A first
SIGTERM or SIGINT lets calls in flight settle, a second one ends at once.")]
    Worker(Worker),
    /// Start runs when they are due, until told to stop
    #[command(after_help = "Examples:
  watershed schedule             start runs; `watershed worker` executes them
  watershed schedule --list      when each is due next, how the last one went, what a day costs

Workflows of `schedule.workflows` are started for every connection, as their own `schedule:`
says. Any number of schedulers may run: each tick starts one run.")]
    Schedule(Schedule),
    /// Tell before a run what it costs: calls, time, disk, and what is left out
    #[command(after_help = "Example:
  watershed estimate zoom-backfill --input from=2026-01-01

Asks the account some sampling calls, which it counts; writes nothing. `watershed run
--dry-run` is the same.")]
    Estimate(Estimate),
    /// Run a workflow against a simulated account in virtual time: days in seconds
    #[command(after_help = "Examples:
  watershed rehearse zoom-backfill --users 2000 --tier pro
  watershed rehearse zoom-backfill --users 12000 --tier pro --compare tier=business
  watershed rehearse zoom-backfill --connection acme --sample --html rehearsal.html

The engine is the real one, the account is made up. Tells when each dataset is complete, calls
by day, which limit binds when, and what `watershed estimate` would have said.")]
    Rehearse(Rehearse),
    /// Lift a pause and go on with a run here until it ends
    #[command(after_help = "Example:
  watershed resume               the latest run that has not ended")]
    Resume(Resume),
    /// Show how a run stands: what is done, what waits for what, when it will end
    #[command(after_help = "Example:
  watershed status --follow")]
    Status(Status),
    /// Show a run on the whole terminal, live; keys pause, resume and retry it
    #[command(after_help = "Example:
  watershed watch               the latest run

The same as the run's page of the dashboard. p pauses, r resumes, t puts all dead letters back, q
ends the showing and nothing else.")]
    Watch(Watch),
    /// List the runs, newest first
    #[command(after_help = "Example:
  watershed runs --json")]
    Runs(Runs),
    /// Pause a run: what is in flight settles, nothing new starts
    #[command(after_help = "Example:
  watershed pause 20261124-153012-1f2e3d")]
    Pause(OneRun),
    /// End a run for good; what it has fetched stays
    #[command(after_help = "Example:
  watershed cancel 20261124-153012-1f2e3d")]
    Cancel(OneRun),
    /// List what failed for good, each with its error and what to do
    #[command(after_help = "Example:
  watershed failures             of all runs")]
    Failures(Failures),
    /// Put failures back; `watershed resume` then tries them again
    #[command(after_help = "Example:
  watershed retry 20261124-153012-1f2e3d --step participants")]
    Retry(Retry),
    /// Show what is complete, waiting or unavailable, and why
    #[command(after_help = "Example:
  watershed coverage --json | jq 'select(.state != \"complete\")'")]
    Coverage(Coverage),
    /// Copy rows, coverage, runs and failures from one sink to another
    #[command(after_help = "Example:
  watershed copy --from sqlite://data/zoom.db --to postgres://zoom@db.example.com/zoom

Made again, it changes nothing that is there already. Let nothing work on the first sink
meanwhile. Then point sink.url to the other one: what was complete is not asked again.")]
    Copy(Copy),
    /// Take one person out of datasets, files and state, for good
    #[command(after_help = "Example:
  watershed erase --connection acme --user ada@example.com

The person's own records, meetings and recordings go; in others' records a pseudonym stands.
Who it was is remembered by keyed marks alone, so the connection needs a redact_key; no reconcile
and no event brings the person back. Made again, it does what is left to do (docs/people.md).")]
    Erase(Erase),
    /// Show who did what when, and whether the log of it is whole
    #[command(after_help = "Examples:
  watershed audit                who ran, paused, erased and signed in
  watershed audit --verify       walk along the hashes; exit code 1 where one does not fit

The log only grows, and each entry holds the hash of the one before. That its end was cut off
shows only to whoever keeps a hash elsewhere: `--verify --kept HASH` looks for it
(docs/audit.md).")]
    Audit(Audit),
    /// Check workflow files: every mistake with line, column and suggestion
    #[command(after_help = "Example:
  watershed validate workflows/*.yaml")]
    Validate(Validate),
    /// Draw a workflow
    #[command(after_help = "Example:
  watershed graph zoom-backfill > backfill.svg")]
    Graph(Graph),
    /// Print the JSON Schema of workflow files or of the configuration, for editors
    #[command(after_help = "Example:
  watershed schema workflow > workflow.schema.json")]
    Schema(Schema),
    /// Serve a simulated Zoom account over HTTP
    #[command(after_help = "Example:
  watershed simulate --listen 127.0.0.1:8082 --users 200 --faults http_500=0.02,slow

The first line on stdout is JSON: base, api_url, token_url, account_id, client_id and
client_secret. The account's truth is at /__sim/truth, its statistics at /__sim/stats.")]
    Simulate(Simulate),
    /// Serve webhooks, health and metrics over HTTP until told to stop
    #[command(after_help = "Example:
  watershed serve --listen 127.0.0.1:8080

Webhooks come in at /webhooks/zoom/CONNECTION, for each connection with a webhook_secret
(docs/webhooks.md). /healthz, /readyz and /metrics are beside them. A first SIGTERM or SIGINT
ends what is in flight, a second one ends at once.")]
    Serve(Serve),
    /// Serve, schedule and work in one process: the one-machine deployment
    #[command(after_help = "Example:
  watershed up --listen 127.0.0.1:8080

The same as `watershed serve`, `watershed schedule` and `watershed worker` together. Without
`schedule.workflows`, zoom-reconcile is what is scheduled. `watershed submit` starts other runs.
A first SIGTERM or SIGINT lets what is in flight settle, a second one ends at once.")]
    Up(Up),
    /// Send a signed sample of a webhook, to test a deployment
    #[command(after_help = "Example:
  watershed webhook send meeting.ended --to https://hooks.example.com")]
    Webhook(Webhook),
    /// Check credentials, scopes, limits and stores: what would a backfill miss?
    #[command(after_help = "Example:
  watershed doctor --connection acme

Exit code 1 where a backfill would be incomplete.")]
    Doctor(Doctor),
    /// Print completions for a shell
    #[command(after_help = "Example:
  watershed completions bash > /etc/bash_completion.d/watershed")]
    Completions(Completions),
    /// Print the manual page, or write one for each command
    #[command(after_help = "Example:
  watershed man --dir /usr/local/share/man/man1")]
    Man(Man),
}

/// `demo`
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// People in the simulated account
    #[arg(
        long,
        value_name = "N",
        default_value_t = 40,
        value_parser = clap::value_parser!(u64).range(1..=100_000),
    )]
    pub(crate) users: u64,
    /// What the account is made from: the same seed, the same account
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Where the data goes; what an earlier demo left there is replaced
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    pub dir: PathBuf,
    /// Keep what an earlier demo left in DIR, and go on with it
    #[arg(long)]
    pub keep: bool,
}

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

/// `coverage`
#[derive(Debug, Args)]
pub(crate) struct Coverage {
    /// Of this connection only
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Write one page (Markdown) to hand back to the customer: what was taken, and what not
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `copy`
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The sink that is read [default: `sink.url`]
    #[arg(long, value_name = "URL", required_unless_present = "to")]
    pub from: Option<String>,
    /// The sink that is written; one whose URL holds a password is named by `sink.url`
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
}

/// `validate`
#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// Workflow files, or names of shipped ones
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
}

/// `graph`
#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// A workflow file, or the name of a shipped one
    #[arg(value_name = "FILE")]
    pub file: String,
    /// The form of the picture
    #[arg(long, value_name = "FORMAT", default_value = "svg")]
    pub format: Picture,
}

/// The form of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Picture {
    /// For a browser.
    Svg,
    /// For Markdown.
    Mermaid,
    /// For Graphviz.
    Dot,
}

/// `schema`
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Of what
    #[arg(value_name = "WHAT")]
    pub of: SchemaOf,
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Workflow files.
    Workflow,
    /// The configuration file.
    Config,
}

/// `rehearse`
#[derive(Debug, Args)]
pub(crate) struct Rehearse {
    #[command(flatten)]
    pub what: What,
    /// People in the account
    #[arg(long, value_name = "N", required_unless_present = "sample")]
    pub(crate) users: Option<u64>,
    /// Its Zoom plan: free, pro, business, education, enterprise or partner [default: that of the
    /// connection]
    #[arg(long, value_name = "TIER", required_unless_present_any = ["connection", "sample"])]
    pub tier: Option<String>,
    /// The part of the account's rate limit that is used [default: that of the connection, or 0.9]
    #[arg(long, value_name = "PART")]
    pub share: Option<f64>,
    /// Meetings that each person holds on a working day [default: 0.5]
    #[arg(long, value_name = "D")]
    pub meetings_per_user: Option<f64>,
    /// Ask the connection how many people and meetings it has: some calls, which it counts
    #[arg(long)]
    pub sample: bool,
    /// What the account is made from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Time that each answer takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 250)]
    pub latency: u64,
    /// Processes that execute
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub workers: u16,
    /// Rehearse once more with one thing changed, beside the first: tier, share, users,
    /// meetings-per-user, latency, workers, or an input of the workflow; may be repeated
    #[arg(long, value_name = "K=V", value_parser = pair)]
    pub compare: Vec<(String, String)>,
    /// Also write one self-contained page with charts
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// `audit`
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Walk along the log, and tell the first entry that is not as it was written
    #[arg(long)]
    pub verify: bool,
    /// A hash that was told before and must still be there
    #[arg(long, value_name = "HASH", requires = "verify")]
    pub kept: Option<String>,
}

/// `erase`
#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// The connection; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Who: an id, or an address
    #[arg(long, value_name = "ID|EMAIL")]
    pub user: String,
    /// Do not ask whether it is meant
    #[arg(long)]
    pub yes: bool,
}

/// `simulate`
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8082")]
    pub listen: SocketAddr,
    /// People in the account
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub(crate) users: u64,
    /// What the account is made from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Which account of that seed: each has an id and an app of its own, all else is the same
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub number: u64,
    /// Its Zoom plan: free, pro, business, education, enterprise or partner
    #[arg(long, value_name = "TIER", default_value = "business")]
    pub tier: String,
    /// Limits in place of the plan's: shape=fixed|sliding|bucket, light_per_second=N,
    /// medium_per_second=N, heavy_per_second=N, heavy_per_day=N, other_app=PART of each, or off
    #[arg(long, value_name = "SPEC")]
    pub limits: Option<String>,
    /// Scopes of the app, separated by commas; else the 16 that an admin is asked for
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub scopes: Option<Vec<String>>,
    /// Time that each answer takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency: u64,
    /// So many times the usual number of meetings for each person
    #[arg(long, value_name = "TIMES", default_value_t = 1.0)]
    pub meetings: f64,
    /// The size of the largest video or sound file
    #[arg(long, value_name = "KIB", default_value_t = 64)]
    pub media_kib: u64,
    /// How fast a file is sent; 0: as fast as it is taken
    #[arg(long, value_name = "KIB", default_value_t = 0)]
    pub media_kib_per_second: u64,
    /// Faults: all, none, or NAME[=RATE] separated by commas
    #[arg(long, value_name = "SPEC")]
    pub faults: Option<String>,
}

/// `serve`
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one [default: `server.listen`]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

/// `up`
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where to listen; port 0 takes a free one [default: `server.listen`]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

/// `webhook`
#[derive(Debug, Args)]
pub(crate) struct Webhook {
    /// What to do
    #[command(subcommand)]
    pub command: WebhookCommand,
}

/// What `webhook` does.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Sign and send a sample event, and tell how it was answered
    #[command(after_help = "Example:
  watershed webhook send meeting.ended --to https://hooks.example.com

endpoint.url_validation sends the challenge with which Zoom makes sure of an endpoint. Exit code
1 where it was not taken.")]
    Send(Send),
}

/// `webhook send`
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The event, such as meeting.ended or recording.completed
    #[arg(value_name = "EVENT")]
    pub event: String,
    /// The server, or the whole address of the endpoint
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// The connection with whose secret it is signed; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}

/// `doctor`
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The connection; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Also compare what the ledger counts with what is there, record by record
    #[arg(long)]
    pub deep: bool,
}

/// `completions`
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// `man`
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, such as from=2026-01-01".to_owned()),
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

fn run_id(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("an id has letters, digits, `-`, `_` and `.`, at most 64 of them".to_owned())
    }
}
