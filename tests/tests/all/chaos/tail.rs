//! A ledger that has lost its last acts: a log that was cut, a replica that was promoted.

use std::time::{Duration, Instant};

use watershed_test_servers::{Proxy, RedisServer};
use watershed_tests::Size;

use super::field::{Field, Harm, IN_FLIGHT, Struck};

/// What a worker says of it.
const LOST: &str = "the ledger has lost its last acts";
const BOUND: &str = "the calls of what was lost, and what was in flight before; 3 s";

#[test]
fn a_log_that_was_cut_repeats_at_most_the_calls_of_what_was_lost() {
    let lost: &[u64] = Size::asked().of(&[300, 1_000], &[100, 300, 1_000, 3_000, 30_000]);
    let harm = Harm {
        name: "the log of Redis cut by 0.1 to 30 s",
        runs: 5,
        strikes: [2, 5],
        redis: &["--appendonly", "yes", "--appendfsync", "everysec"],
        by_proxy: false,
        lease: None,
        bound: BOUND,
    };
    harm.campaign(|field, number| cut(field, Duration::from_millis(lost[number % lost.len()])));
}

/// The last so long of the log is lost.
fn cut(field: &mut Field, lost: Duration) -> Struck {
    let before = field.fleet.calls();
    let length = field.redis.log_length();
    // How much is lost is the harm.
    std::thread::sleep(lost);
    field.redis.kill();
    let calls = field.fleet.until_still();
    field.redis.cut_log(length);
    field.redis.go();
    let recovered = field.recovered(Instant::now(), calls);
    field.expect_told(LOST);
    Struck { faults: 1, again_max: calls - before + IN_FLIGHT, recovered }
}

#[test]
fn a_replica_that_lagged_and_was_promoted_repeats_at_most_the_calls_of_what_was_lost() {
    let harm = Harm {
        name: "a replica promoted that lagged behind",
        runs: 4,
        strikes: [2, 4],
        redis: PRIMARY,
        by_proxy: true,
        lease: None,
        bound: BOUND,
    };
    harm.campaign(|field, number| promoted(field, [20, 80, 5, 160][number % 4]));
}

/// A server that a replica follows at once.
const PRIMARY: &[&str] = &["--repl-diskless-sync-delay", "0"];

/// A replica follows, then lags by so many calls, then takes over.
fn promoted(field: &mut Field, lag: u64) -> Struck {
    let between = Proxy::to(field.redis.port());
    let port = between.port().to_string();
    let replica = RedisServer::start(&[PRIMARY, &["--replicaof", "127.0.0.1", &port]].concat());
    let follows = || replica.ask(&["INFO", "replication"]);
    field.fleet.until("a replica that follows", || {
        follows().is_some_and(|told| told.contains("master_link_status:up"))
    });
    field.fleet.until_calls(field.fleet.calls() + 20);
    let before = field.fleet.calls();
    between.hold();
    field.fleet.until_calls(before + lag);
    field.redis.kill();
    let calls = field.fleet.until_still();
    replica.ask(&["REPLICAOF", "NO", "ONE"]).expect("it is promoted");
    field.way().lead_to(replica.port());
    field.redis = replica;
    let recovered = field.recovered(Instant::now(), calls);
    field.expect_told(LOST);
    Struck { faults: 1, again_max: calls - before + IN_FLIGHT, recovered }
}
