//! Ten million items that wait in one run, all of Redis counted: in Zoom's shape and in pages of
//! 300, then reports that wait for the day's heavy budget. Beside them, how long `watershed
//! status` takes, and what a worker holds in memory.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use watershed_test_servers::RedisServer;
use watershed_tests::{Account, Home, Settings, Spec};

use crate::chain::{Chain, MEETINGS, RECORDINGS, Size, recordings_once};
use crate::figure::{Figure, median};
use crate::process::Process;
use crate::server::used_memory;

const ZOOM: Size = Size { users: 100_000, meetings: 20, instances: &[5] };
/// Recordings of a user: a page.
const PAGES: Size = Size { users: 33_334, meetings: 300, instances: &[] };
/// 120,000 reports.
const REPORTS: Size = Size { users: 2_000, meetings: 20, instances: &[1, 2, 3, 4, 5] };
/// So long a worker works before its memory counts.
const WORKED: Duration = Duration::from_secs(10);
const ROUNDS: usize = 5;

pub(crate) fn figures() -> Result<Vec<Figure>> {
    let figure = |name, value, unit| Figure { of: "scale", ..Figure::alone(name, value, unit) };
    let bytes = "bytes of all of Redis an item";
    let mut figures = Vec::new();
    for (name, text, size) in [
        ("scale_reports", MEETINGS, REPORTS),
        ("scale_pages", RECORDINGS, PAGES),
        ("scale_pages_once", &recordings_once(), PAGES),
    ] {
        let server = RedisServer::start(&[]);
        let chain = Chain::of(text, "bench", "bench", size)?;
        figures.push(figure(name, fill(&server, &chain)?, bytes));
    }
    let account = Account::start(Spec { users: 100, ..Spec::default() })?;
    let server = RedisServer::start(&[]);
    let home = home(&account, &server)?;
    let submitted = home.run(&["submit", "bench.yaml", "--run-id", "bench"]);
    ensure!(submitted.code == Some(0), "submit: {}", submitted.stderr);
    let chain = Chain::of(MEETINGS, "default", account.ready("account_id"), ZOOM)?;
    figures.push(figure("scale_zoom", fill(&server, &chain)?, bytes));
    figures.push(figure("scale_status", status(&home)?, "ms of `watershed status`"));
    figures.push(figure("scale_worker_rss", worker(&home, &account)?, "MB of memory at most"));
    Ok(figures)
}

fn fill(server: &RedisServer, chain: &Chain) -> Result<f64> {
    let empty = used_memory(server)?;
    let begun = Instant::now();
    let waiting = chain.fill_redis(server)?;
    let bytes = (used_memory(server)? - empty) as f64 / waiting as f64;
    eprintln!("  {waiting} wait, {bytes:.1} bytes each, {:.0} s", begun.elapsed().as_secs_f64());
    Ok(bytes)
}

/// A folder whose ledger is that Redis, with limits that let a worker work.
fn home(account: &Account, server: &RedisServer) -> Result<Home> {
    let settings =
        Settings { concurrency: 64, limits: Some(Settings::FREE), ..Settings::default() };
    let mut home = Home::new(account, &settings)?;
    home.set("WATERSHED_STORE__URL", Some(&server.url()));
    home.write("bench.yaml", MEETINGS);
    Ok(home)
}

/// The whole command, in milliseconds.
fn status(home: &Home) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let command = home.command(&["status", "bench", "--json"]);
        let ended = Process::start(command, home.path())?.end(Duration::from_secs(60))?;
        ensure!(ended.stdout.contains("participants"), "status tells: {}", ended.stdout);
        times.push(ended.wall.as_secs_f64() * 1e3);
    }
    median(times).context("a round")
}

/// What a worker holds at most while it works on them, in MB.
fn worker(home: &Home, account: &Account) -> Result<f64> {
    let before = account.stats()?.calls();
    let running = home.start(&["worker"]);
    std::thread::sleep(WORKED);
    let bytes = running.peak_memory();
    let said = running.kill()?.stderr;
    ensure!(account.stats()?.calls() > before + 1_000, "the worker does not work: {said}");
    Ok(bytes as f64 / 1e6)
}
