//! Arguments of what works on an account that is made up.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::runs::{What, pair};

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
