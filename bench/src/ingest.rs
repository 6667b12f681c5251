//! A whole chain brought home: users, meetings, instances, participants, every row stored.
//!
//! One simulated account, as a process of its own on the same cores, serves Watershed and the
//! peers in turn; so all read the same rows, and a slow minute of the machine meets them all.
//! Rate limits are off on both sides: what is measured is what the programs can do.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use watershed_tests::{Account, Home, Settings, Spec, root};

use crate::figure::{Better, Figure, median};
use crate::peer::{PEERS, Ready};
use crate::process::Process;

/// Some 7,000 calls: seconds of Watershed, half a minute of each peer.
const USERS: u64 = 1_400;
/// Runs of Watershed; of the peers, which differ less than they are apart, one.
const ROUNDS: usize = 3;
/// A run that takes longer is stuck.
const RUN_MAX: Duration = Duration::from_secs(120);

/// One run of a program.
struct Run {
    calls_per_s: f64,
    peak_mb: f64,
    rows: BTreeMap<String, u64>,
}

pub(crate) fn at_once() -> Result<Vec<Figure>> {
    figures(["ingest", "ingest_rss"], 0)
}

pub(crate) fn after_20_ms() -> Result<Vec<Figure>> {
    figures(["ingest_20ms", "ingest_20ms_rss"], 20)
}

fn figures([name, name_rss]: [&'static str; 2], latency_ms: u64) -> Result<Vec<Figure>> {
    let account = account(USERS, latency_ms)?;
    let mut ours = Vec::new();
    let (mut speeds, mut sizes) = (Vec::new(), Vec::new());
    let mut waiting = PEERS.iter();
    for _ in 0..ROUNDS {
        ours.push(watershed(&account)?);
        // In between, so that a slow minute meets all.
        let Some(peer) = waiting.next() else { continue };
        let (shown, run) = match peer.ready() {
            Ok(ready) => (ready.shown.clone(), Ok(by_peer(&ready, &account)?)),
            Err(why) => (peer.name.to_owned(), Err(why)),
        };
        if let Ok(run) = &run {
            ensure!(
                run.rows == ours[0].rows,
                "{shown} brought {:?}, Watershed {:?}",
                run.rows,
                ours[0].rows
            );
        }
        speeds.push((shown.clone(), run.as_ref().map(|r| r.calls_per_s).map_err(Clone::clone)));
        sizes.push((shown, run.map(|r| r.peak_mb)));
    }
    let middle = |of: fn(&Run) -> f64| median(ours.iter().map(of).collect()).context("a run");
    Ok(vec![
        Figure {
            name,
            value: middle(|run| run.calls_per_s)?,
            unit: "calls/s, rows stored",
            better: Better::Higher,
            peers: speeds,
            of: name,
        },
        Figure {
            name: name_rss,
            value: middle(|run| run.peak_mb)?,
            unit: "MB of memory at most",
            better: Better::Lower,
            peers: sizes,
            of: name,
        },
    ])
}

/// An account without limits.
pub(crate) fn account(users: u64, latency_ms: u64) -> Result<Account> {
    Account::start(Spec {
        users,
        limits: Some("off".to_owned()),
        latency_ms: Some(latency_ms),
        ..Spec::default()
    })
}

/// A folder to run Watershed in, with limits that never bind.
pub(crate) fn home(account: &Account) -> Result<Home> {
    let limits = "light_per_second = 100000, medium_per_second = 100000, \
                  heavy_per_second = 100000, heavy_per_day = 1000000000";
    let settings = Settings { concurrency: 256, limits: Some(limits), ..Settings::default() };
    Home::new(account, &settings)
}

/// Starts a run of Watershed there, or goes on with it.
pub(crate) fn start(home: &Home) -> Result<Process> {
    let file = root().join("bench/ingest.yaml");
    let file = file.to_str().context("the path of the repository is no text")?;
    Process::start(home.command(&["run", file, "--run-id", "bench", "--json", "-q"]), home.path())
}

fn watershed(account: &Account) -> Result<Run> {
    let home = home(account)?;
    let before = account.stats()?.calls();
    let measured = start(&home)?.end(RUN_MAX).context("watershed run")?;
    let said = measured.stdout.lines().last().unwrap_or_default();
    let report: serde_json::Value = serde_json::from_str(said).context("the report of the run")?;
    let stored = |table: &str| match report["rows"][table].as_u64() {
        Some(rows) => Ok(rows),
        None => bail!("the report of the run names no {table}: {report}"),
    };
    let rows = [
        ("users", "users"),
        ("meetings", "meetings"),
        ("instances", "past_instances"),
        ("participants", "past_participants"),
    ]
    .into_iter()
    .map(|(stream, table)| Ok((stream.to_owned(), stored(table)?)))
    .collect::<Result<_>>()?;
    let calls = account.stats()?.calls() - before;
    Ok(run("watershed", calls, measured.wall, measured.peak_kib, rows))
}

fn by_peer(peer: &Ready, account: &Account) -> Result<Run> {
    let folder = tempfile::tempdir()?;
    let before = account.stats()?.calls();
    let (measured, rows) = peer.run(account, folder.path())?;
    let calls = account.stats()?.calls() - before;
    Ok(run(&peer.shown, calls, measured.wall, measured.peak_kib, rows))
}

fn run(who: &str, calls: u64, wall: Duration, peak_kib: u64, rows: BTreeMap<String, u64>) -> Run {
    let (seconds, peak_mb) = (wall.as_secs_f64(), peak_kib as f64 / 1_024.0);
    let stored: u64 = rows.values().sum();
    eprintln!("  {who}: {calls} calls, {stored} rows, {seconds:.2} s, {peak_mb:.0} MB");
    Run { calls_per_s: calls as f64 / seconds, peak_mb, rows }
}
