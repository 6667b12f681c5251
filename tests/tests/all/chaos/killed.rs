//! Processes that are killed: a worker, Redis.

use std::time::{Duration, Instant};

use watershed_tests::{InFlight, Size};

use super::field::{Field, Harm, Struck, WORKERS, limited};
use crate::fleet::CONCURRENCY;
use crate::ground::measured;

/// A short lease, and how long that is.
const LEASE: &str = "2s";
const LEASE_S: f64 = 2.0;

#[test]
fn a_killed_worker_repeats_at_most_what_it_had_in_flight() {
    let harm = Harm {
        name: "workers killed",
        runs: 6,
        strikes: [3, 6],
        redis: &[],
        by_proxy: false,
        lease: Some(LEASE),
        bound: "what was in flight, by the killed worker's trace",
    };
    harm.campaign(|field, _| {
        let killed = field.take_worker().kill().expect("it is gone");
        field.fleet.start();
        let in_flight = InFlight::read(&killed.stderr).expect("its trace can be read");
        // A file is two calls: its recording is read again.
        Struck { faults: 1, again_max: 2 * in_flight.all(), recovered: None }
    });
}

#[test]
fn what_a_killed_worker_held_is_leased_again_once_its_lease_is_over() {
    let times = Size::asked().of(1, 8);
    let mut slowest = Duration::ZERO;
    for seed in 0..times {
        let mut spec = limited(4, seed);
        spec.latency_ms = Some(4_000);
        let mut field = Field::new(spec, &[], false);
        field.fleet.home.set("WATERSHED_WORKER__LEASE", Some(LEASE));
        // It holds all that there is, for its calls take their time and it takes all at once.
        field.fleet.home.set("WATERSHED_WORKER__CONCURRENCY", Some("64"));
        field.fleet.begin(1, "zoom-backfill");
        let leased = |log: &str| log.matches(r#""phase":"sent""#).count();
        let mut first = field.take_worker();
        first
            .until("calls", Duration::from_secs(30), |worker| leased(&worker.stderr()) >= 3)
            .expect("it calls");
        field.fleet.start();
        let second = &mut field.fleet.workers[0];
        let ready = |log: &str| log.contains("working for");
        second.until("its start", Duration::from_secs(30), |w| ready(&w.stderr())).expect("ready");
        first.kill().expect("it is gone");
        let killed = Instant::now();
        second
            .until("a lease", Duration::from_secs(30), |w| leased(&w.stderr()) > 0)
            .expect("it takes over");
        slowest = slowest.max(killed.elapsed());
    }
    measured(
        "work of a killed worker, called by another",
        &format!("{times} kills, leases of {LEASE_S} s"),
        &format!("at most {:.1} s after the kill", slowest.as_secs_f64()),
        &format!("{} s", LEASE_S + 1.0),
    );
}

#[test]
fn redis_killed_repeats_nothing_that_its_log_has() {
    let harm = Harm {
        name: "Redis killed, its log whole",
        runs: 4,
        strikes: [2, 6],
        // `everysec` may leave an act unwritten where the disk is slow: see `tail`.
        redis: &["--appendonly", "yes", "--appendfsync", "always"],
        by_proxy: false,
        lease: None,
        bound: "nothing; 3 s",
    };
    harm.campaign(|field, _| {
        field.redis.kill();
        let calls = field.fleet.until_still();
        field.redis.go();
        let recovered = field.recovered(Instant::now(), calls);
        Struck { faults: 1, again_max: 0, recovered }
    });
}

#[test]
fn redis_and_all_workers_killed_at_once_repeat_at_most_what_was_in_flight() {
    let harm = Harm {
        name: "Redis and all workers killed at once",
        runs: 4,
        strikes: [1, 4],
        redis: &["--appendonly", "yes", "--appendfsync", "always"],
        by_proxy: false,
        lease: Some(LEASE),
        bound: "what was in flight",
    };
    harm.campaign(|field, _| {
        field.redis.kill();
        for _ in 0..WORKERS {
            field.take_worker().kill().expect("it is gone");
        }
        let calls = field.fleet.until_still();
        field.redis.go();
        (0..WORKERS).for_each(|_| field.fleet.start());
        let recovered = field.recovered(Instant::now(), calls);
        let again_max = 2 * WORKERS as u64 * u64::from(CONCURRENCY);
        Struck { faults: 1 + WORKERS as u64, again_max, recovered }
    });
}
