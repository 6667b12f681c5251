//! The command line, declared. What a command does is in `commands`.

mod accounts;
mod dataset;
mod files;
mod installation;
mod runs;
mod serving;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use accounts::{Demo, Rehearse, Simulate};
pub(crate) use dataset::{Audit, Copy, Coverage, Erase};
pub(crate) use files::{Graph, Picture, Schema, SchemaOf, Validate};
pub(crate) use installation::{Completions, Doctor, Man};
pub(crate) use runs::{
    Estimate, Failures, OneRun, Resume, Retry, Run, Runs, Schedule, Status, Submit, Watch, What,
    Worker,
};
pub(crate) use serving::{Send, Serve, Up, Webhook, WebhookCommand};

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
