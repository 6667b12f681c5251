//! Several workers, one ledger on Redis: one dataset, one budget, whatever is killed.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use watershed_test_servers::RedisServer;
use watershed_tests::{Account, Home, Running, Scope, Settings, Size, Spec, audit, seeds};

use crate::ground::{account, free_account, measured};

/// A run takes seconds; one that takes longer is stuck.
const RUN_MAX: Duration = Duration::from_secs(180);
/// Calls that one worker has in flight.
const CONCURRENCY: u16 = 8;

/// A folder whose ledger is on that Redis.
fn home(account: &Account, redis: &RedisServer, limits: Option<&'static str>) -> Home {
    let settings = Settings { concurrency: CONCURRENCY, limits, ..Settings::default() };
    let mut home = Home::new(account, &settings).expect("a folder");
    home.set("WATERSHED_STORE__URL", Some(&redis.url()));
    home
}

fn workers(home: &Home, many: usize) -> Vec<Running> {
    (0..many).map(|_| home.start(&["worker"])).collect()
}

/// Calls answered so far.
fn calls(account: &Account) -> u64 {
    account.stats().map_or(0, |stats| stats.calls())
}

/// Waits until so many calls were made.
fn until_calls(account: &Account, many: u64) {
    let begun = Instant::now();
    while calls(account) < many {
        assert!(begun.elapsed() < RUN_MAX, "{} of {many} calls", calls(account));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until the run is complete, and `runs` says so too.
fn until_complete(home: &Home, workers: &mut [Running]) {
    let begun = Instant::now();
    loop {
        let told = home.run(&["runs", "--json"]);
        let state = told.json_lines().first().map(|run| run["state"].clone());
        if state.as_ref().and_then(|state| state.as_str()) == Some("complete") {
            return;
        }
        let log = || workers.iter().map(Running::stderr).collect::<Vec<_>>().join("\n");
        assert!(begun.elapsed() < RUN_MAX, "not complete: {state:?}\n{}", log());
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Ends the workers, each with all in flight settled.
fn drained(workers: Vec<Running>) {
    for mut worker in workers {
        worker.signal(Signal::TERM);
        worker.wait(Duration::from_secs(60)).expect("it drains").expect(0);
    }
}

fn equal(account: &Account, home: &Home) -> u64 {
    let truth = account.truth().expect("the truth");
    let found = audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit");
    found.expect_equal().rows.values().sum()
}

#[test]
fn workers_share_one_run_and_its_budget() {
    let size = Size::asked();
    let redis = RedisServer::start(&[]);
    let (mut rows, mut spent) = (0, 0);
    let many: &[usize] = size.of(&[2], &[1, 2, 4, 8]);
    for (seed, many) in seeds(many.len() as u64).into_iter().zip(many) {
        redis.ask(&["FLUSHALL"]).expect("it is empty");
        let limits = Some("shape=fixed".to_owned());
        let spec =
            Spec { users: size.of(12, 60), seed, tier: "business", limits, ..Spec::default() };
        let account = account(spec);
        let home = home(&account, &redis, None);
        let mut working = workers(&home, *many);
        home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
        until_complete(&home, &mut working);
        drained(working);
        rows += equal(&account, &home);
        let stats = account.stats().expect("stats");
        assert_eq!(stats.in_vain(), 0, "{many} workers, seed {seed}: {:#}", stats.0);
        spent += stats.calls();
    }
    measured(
        "workers on one Redis",
        &format!("{many:?} workers"),
        &format!("{rows} rows, 0 differ; 0 of {spent} calls in vain"),
        "0; 0",
    );
}

/// What is struck in the middle of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// A worker is killed, and another takes its place.
    Worker,
    /// Redis is killed, and reads its log.
    Redis,
    /// All that Redis holds is deleted.
    Flush,
}

#[test]
fn whatever_is_killed_the_dataset_is_whole() {
    let size = Size::asked();
    let (mut blows, mut repeated) = (0, 0);
    for seed in seeds(size.of(1, 10)) {
        for blow in [Blow::Worker, Blow::Redis, Blow::Flush] {
            let mut redis =
                RedisServer::start(&["--appendonly", "yes", "--appendfsync", "everysec"]);
            let account = free_account(25, seed);
            let home = home(&account, &redis, Some(Settings::FREE));
            let mut working = workers(&home, 2);
            home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
            for at in [50, 120, 200] {
                until_calls(&account, at);
                match blow {
                    Blow::Worker => {
                        working.remove(0).kill().expect("it is gone");
                        working.push(home.start(&["worker"]));
                    }
                    Blow::Redis => {
                        redis.kill();
                        redis.go();
                    }
                    Blow::Flush => {
                        redis.ask(&["FLUSHALL"]).expect("all is gone");
                    }
                }
                blows += 1;
            }
            until_complete(&home, &mut working);
            drained(working);
            equal(&account, &home);
            let again = account.stats().expect("stats").repeated();
            // What was in flight of one worker, or of both.
            let most = 3 * 2 * u64::from(CONCURRENCY) * 2;
            assert!(again <= most, "{blow:?}, seed {seed}: {again} calls repeated, {most} may be");
            repeated += again;
        }
    }
    measured(
        "workers and Redis killed, Redis emptied",
        &format!("{blows} blows"),
        &format!("0 rows differ; {:.1} calls repeated a blow", repeated as f64 / blows as f64),
        &format!("0; {} a blow", 4 * CONCURRENCY),
    );
}
