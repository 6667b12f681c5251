//! A Redis that serves no more in the middle of a run: what is said of it, who waits for it and who
//! does not; and once it serves again, the run ends as if nothing had been.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use watershed_test_servers::RedisServer;
use watershed_tests::{Scope, Settings, Spec};

use crate::fleet::{Fleet, RUN};
use crate::ground::{NO_LIMITS, account};

/// Calls after which Redis is harmed: some are in flight then, more are to come.
const CALLS: u64 = 60;
/// Calls that one worker has in flight.
const IN_FLIGHT: u64 = crate::fleet::CONCURRENCY as u64;
/// What ends, ends within this.
const SOON: Duration = Duration::from_secs(60);
/// Killed, it has lost nothing that it acknowledged.
const KEPT: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// Four thousand keys of somebody else.
const MUCH: &str =
    "for n = 1, 4000 do redis.call('SET', 'theirs:' .. n, ('x'):rep(100)) end return 1";

fn fleet(redis: &RedisServer, seed: u64) -> Fleet {
    let limits = Some(NO_LIMITS.to_owned());
    let spec = Spec { users: 12, seed, limits, latency_ms: Some(30), ..Spec::default() };
    let mut fleet = Fleet::new(account(spec), Some(Settings::FREE), &redis.url());
    // However slow the disk is: what is in flight stays the worker's.
    fleet.home.set("WATERSHED_WORKER__LEASE", Some("60s"));
    fleet
}

/// A run in the middle, by one worker.
fn at_work(redis: &RedisServer, seed: u64) -> Fleet {
    let mut fleet = fleet(redis, seed);
    fleet.begin(1, "zoom-backfill");
    assert!(fleet.until_calls(CALLS), "the run is over already");
    fleet
}

/// Waits until the worker has told its operator so.
fn until_told(fleet: &Fleet, words: &str) {
    fleet.until(words, || fleet.workers[0].stderr().contains(words));
}

/// Insists that a command does not wait, and says why.
fn is_refused(fleet: &Fleet, words: &str) {
    let told = fleet.home.run(&["pause", RUN]).expect(1);
    assert!(told.stderr.contains(words), "{words}: {told}");
}

/// Insists that nothing is missing, and little was asked again.
fn ends_whole(fleet: &mut Fleet, again_max: u64) {
    fleet.until_complete();
    fleet.drain();
    fleet.equal(&Scope::backfill());
    let stats = fleet.stats();
    assert!(stats.in_vain() <= again_max, "{again_max} may be: {:#}", stats.0);
}

#[test]
fn while_redis_reads_what_it_had_workers_wait() {
    let mut redis = RedisServer::start(&KEPT);
    let mut fleet = at_work(&redis, 71);
    // Much to read, slowly, and from time to time it looks up: it does while it reads a snapshot.
    redis.ask(&["EVAL", MUCH, "0"]).expect("it is written");
    redis.ask(&["BGREWRITEAOF"]).expect("it begins");
    let rewritten = || redis.ask(&["INFO", "persistence"]);
    fleet.until("a snapshot", || {
        rewritten().is_some_and(|told| told.contains("aof_rewrite_in_progress:0"))
    });
    redis.kill();
    redis.change(&["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"]);
    redis.begin();
    let loading = || redis.ask(&["PING"]).is_some_and(|told| told.starts_with("LOADING"));
    fleet.until("Redis to load", loading);
    is_refused(&fleet, "loading the dataset");
    // One that is there, and one that comes meanwhile.
    until_told(&fleet, "waiting: what is in flight is kept");
    fleet.start();
    assert!(loading(), "it took longer than it loads");
    ends_whole(&mut fleet, 0);
}

/// Redis refuses writes (`MISCONF`) until `mended`.
fn written_no_more(redis: &RedisServer, seed: u64, harm: impl Fn(), mended: impl Fn()) {
    let mut fleet = at_work(redis, seed);
    harm();
    let refuses = || redis.ask(&["DEL", "nothing"]).is_some_and(|told| told.contains("MISCONF"));
    fleet.until("Redis to refuse writes", refuses);
    until_told(&fleet, "waiting: what is in flight is kept");
    until_told(&fleet, "MISCONF");
    is_refused(&fleet, "MISCONF");
    let calls = fleet.until_still();
    mended();
    fleet.until_on(calls);
    ends_whole(&mut fleet, 0);
}

#[test]
fn while_the_log_of_redis_cannot_grow_workers_wait() {
    // With `always` it would end instead.
    let redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let full = || redis.let_files_grow(Some(redis.log_length() + 4_096));
    written_no_more(&redis, 72, full, || redis.let_files_grow(None));
}

#[test]
fn while_snapshots_of_redis_fail_workers_wait() {
    let redis = RedisServer::start(&[]);
    let in_the_way = redis.folder().join("dump.rdb");
    let failing = || {
        std::fs::create_dir_all(in_the_way.join("not empty")).expect("a folder");
        redis.ask(&["CONFIG", "SET", "save", "1 1"]).expect("it is set");
    };
    let mended = || {
        std::fs::remove_dir_all(&in_the_way).expect("it goes");
        redis.ask(&["BGSAVE"]).expect("it begins");
    };
    written_no_more(&redis, 73, failing, mended);
}

/// A stop does not wait for a Redis that is gone any longer than it waits for calls.
#[test]
fn a_stop_while_redis_is_gone_ends_like_any_other() {
    const GRACE: Duration = Duration::from_secs(2);
    let mut redis = RedisServer::start(&KEPT);
    let mut fleet = fleet(&redis, 74);
    fleet.home.set("WATERSHED_WORKER__SHUTDOWN_GRACE", Some("2s"));
    // What is not given back is to be had soon.
    fleet.home.set("WATERSHED_WORKER__LEASE", Some("5s"));
    for (signals, least, words, code) in [
        (1, GRACE, &["worker"][..], 0),
        (1, GRACE, &["run", "zoom-backfill", "--run-id", RUN], 4),
        (2, Duration::ZERO, &["run", "zoom-backfill", "--run-id", RUN], 4),
    ] {
        if words[0] == "worker" {
            fleet.home.run(&["submit", "zoom-backfill", "--run-id", RUN]).expect(0);
        }
        let calls = fleet.calls() + CALLS;
        let mut running = fleet.home.start(words);
        fleet.until("calls", || fleet.calls() >= calls);
        redis.kill();
        let waits =
            |running: &watershed_tests::Running| running.stderr().contains("ERROR waiting:");
        running.until("word of the wait", SOON, waits).expect("it says so");
        let asked = Instant::now();
        for _ in 0..signals {
            running.signal(Signal::TERM);
            std::thread::sleep(Duration::from_millis(100));
        }
        let told = running.wait(SOON).expect("it ends").expect(code);
        let took = asked.elapsed();
        assert!(took >= least && took < 4 * GRACE, "{words:?}: {took:?}: {told}");
        redis.go();
    }
    fleet.start();
    ends_whole(&mut fleet, 3 * 2 * IN_FLIGHT);
}

/// One that is back before its time is over settles what was in flight.
#[test]
fn a_stop_settles_with_a_redis_that_comes_back_in_time() {
    let mut redis = RedisServer::start(&KEPT);
    let mut fleet = at_work(&redis, 75);
    redis.kill();
    until_told(&fleet, "waiting: what is in flight is kept");
    fleet.workers[0].signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(500));
    redis.go();
    let worker = fleet.workers.remove(0);
    worker.wait(SOON).expect("it drains").expect(0);
    fleet.start();
    ends_whole(&mut fleet, 0);
}
