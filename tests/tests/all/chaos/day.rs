//! The day's share of calls, when what counts them is lost in the middle of the day: never more
//! than the share, and all of it.

use std::time::{Duration, Instant, SystemTime};

use rustix::process::Signal;
use watershed_test_servers::RedisServer;
use watershed_tests::{Size, Spec, Stats, clock_off, seeds};

use super::field::{IN_FLIGHT, WORKERS, limited};
use crate::fleet::{Fleet, RUN, drained};
use crate::ground::{account, measured};

/// Heavy calls that the account allows a day, and what a connection may use of them.
const ALLOWED: u64 = 40;
const SHARE: u64 = 36;
/// The heavy calls of these runs.
const REPORTS: &str = "zoom.report_participants";
/// Who wants far more of them than a day has.
const USERS: u64 = 24;

/// An account with few heavy calls a day, and a fleet on `store`.
fn few(store: &str, seed: u64, clock_off_s: i64) -> Fleet {
    let limits = Some(format!("heavy_per_day={ALLOWED}"));
    let spec = Spec { limits, clock_off_s, ..limited(USERS, seed) };
    Fleet::new(account(spec), Some("heavy_per_day = 40"), store)
}

fn reports(fleet: &Fleet) -> u64 {
    fleet.stats().calls_of(REPORTS)
}

/// Calls of the day as operators see them; `None` while no ledger knows the run.
fn counted(fleet: &Fleet) -> Option<u64> {
    let told = fleet.home.run(&["status", RUN, "--json"]);
    let budget = (told.code == Some(0)).then(|| told.json()["budget"].clone())?;
    let day = budget.as_array()?.iter().find(|limit| limit["period"] == "day")?;
    day["used"].as_u64()
}

/// Waits until the ledger says that the day is spent (or Zoom does, and it was too much), and
/// nothing is called any more.
fn until_spent(fleet: &Fleet) -> Stats {
    fleet.until("the share to be spent", || {
        counted(fleet) >= Some(SHARE) || fleet.stats().refused_for_rate() > 0
    });
    fleet.until_still();
    fleet.stats()
}

/// Insists that a day's share was kept to; the calls that were made.
fn kept(stats: &Stats) -> u64 {
    let reports = stats.calls_of(REPORTS);
    assert!(reports <= SHARE, "{reports} of {SHARE}: {:#}", stats.0);
    assert_eq!(stats.refused_for_rate(), 0, "{:#}", stats.0);
    // What was given and not begun when its ledger was lost is given up.
    assert!(reports + IN_FLIGHT >= SHARE, "{reports} of {SHARE}: {:#}", stats.0);
    reports
}

fn until_known(redis: &RedisServer, fleet: &Fleet) {
    let known = || redis.ask(&["HEXISTS", "ws:{ws}:runs", RUN]).as_deref() == Some("1");
    fleet.until("the run to be rebuilt", known);
}

#[test]
fn emptied_again_and_again_a_ledger_spends_its_day_once() {
    let seeds = seeds(Size::asked().of(1, 5));
    let (mut spent, mut times) = (Vec::new(), 0);
    for seed in &seeds {
        let redis = RedisServer::start(&[]);
        let mut fleet = few(&redis.url(), *seed, 0);
        fleet.begin(WORKERS, "zoom-backfill");
        for many in [10, 25, 32] {
            fleet.until("reports", || reports(&fleet) >= many);
            redis.ask(&["FLUSHALL"]).expect("all is gone");
            times += 1;
            until_known(&redis, &fleet);
        }
        spent.push(kept(&until_spent(&fleet)));
        fleet.drain();
    }
    measured(
        "Redis emptied on a day whose heavy calls are few, its workers alive",
        &format!("{} runs, {times} times", seeds.len()),
        &format!("{spent:?} of {SHARE} spent, {ALLOWED} allowed; 0 refused"),
        "the share; 0",
    );
}

/// So few users that soon nothing but reports is left to ask for; and calls that a second has of
/// them then, of which nine tenths are used.
const FEW_USERS: u64 = 8;
const SLOWLY: &str = "heavy_per_day = 40, heavy_per_second = 4";
/// A worker is not heard for so long: its hands fill with calls that nobody else knows of.
const UNHEARD: Duration = Duration::from_secs(2);
/// It stands still until the others have spent the day, and this long at most.
const STANDS_MAX: Duration = Duration::from_secs(15);

#[test]
fn what_a_worker_was_given_that_stands_still_since_is_not_given_again() {
    let seeds = seeds(Size::asked().of(1, 5));
    let mut spent = Vec::new();
    for seed in &seeds {
        let redis = RedisServer::start(&[]);
        let limits = Some(format!("heavy_per_day={ALLOWED}"));
        let spec = Spec { limits, ..limited(FEW_USERS, *seed) };
        let mut fleet = Fleet::new(account(spec), Some(SLOWLY), &redis.url());
        fleet.begin(WORKERS, "zoom-backfill");
        fleet.until("reports", || reports(&fleet) >= SHARE / 2);
        // What the second one is given from now on, neither the first one nor the dataset hears.
        let sink = rusqlite::Connection::open(fleet.home.sink()).expect("the dataset");
        sink.busy_timeout(Duration::from_secs(10)).expect("it waits");
        sink.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        fleet.workers[0].signal(Signal::STOP);
        // For how long is the harm.
        std::thread::sleep(UNHEARD);
        fleet.workers[1].signal(Signal::STOP);
        redis.ask(&["FLUSHALL"]).expect("all is gone");
        sink.execute_batch("ROLLBACK").expect("nothing was written");
        fleet.workers[0].signal(Signal::CONT);
        let stands = Instant::now();
        fleet.until("the share to be spent", || {
            counted(&fleet) >= Some(SHARE) || stands.elapsed() > STANDS_MAX
        });
        fleet.workers[1].signal(Signal::CONT);
        spent.push(kept(&until_spent(&fleet)));
        fleet.drain();
    }
    measured(
        "Redis emptied on a day whose heavy calls are few, a worker standing still",
        &format!("{} runs", seeds.len()),
        &format!("{spent:?} of {SHARE} spent, {ALLOWED} allowed; 0 refused"),
        "the share; 0",
    );
}

/// How what counts is lost together with all that work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Each settles what it has in flight.
    Drained,
    Killed,
}

/// A run whose workers end, and whose ledger is lost then, at each of these numbers of reports;
/// others take their places. The calls of the day.
fn begun_anew(
    fleet: &mut Fleet,
    workers: usize,
    end: End,
    mut lose: impl FnMut(&Fleet),
    reports_at: &[u64],
) -> Stats {
    fleet.begin(workers, "zoom-backfill");
    for many in reports_at {
        fleet.until("reports", || reports(fleet) >= *many);
        for worker in std::mem::take(&mut fleet.workers) {
            match end {
                End::Drained => drained(worker),
                End::Killed => drop(worker.kill().expect("it is gone")),
            }
        }
        lose(fleet);
        (0..workers).for_each(|_| fleet.start());
    }
    let stats = until_spent(fleet);
    fleet.drain();
    stats
}

#[test]
fn a_ledger_that_was_lost_with_its_workers_goes_on_with_the_day_as_it_was_written() {
    let seeds = seeds(Size::asked().of(1, 5));
    for end in [End::Drained, End::Killed] {
        let mut spent = Vec::new();
        for seed in &seeds {
            let redis = RedisServer::start(&[]);
            let mut fleet = few(&redis.url(), *seed, 0);
            let lose = |_: &Fleet| drop(redis.ask(&["FLUSHALL"]).expect("all is gone"));
            let stats = begun_anew(&mut fleet, WORKERS, end, lose, &[20]);
            spent.push(kept(&stats));
        }
        measured(
            &format!("Redis emptied on a day whose heavy calls are few, its workers {end:?}"),
            &format!("{} runs", seeds.len()),
            &format!("{spent:?} of {SHARE} spent, {ALLOWED} allowed; 0 refused"),
            "the share; 0",
        );
    }
}

#[test]
fn a_state_file_that_was_lost_goes_on_with_the_day_as_it_was_written() {
    let seeds = seeds(Size::asked().of(1, 5));
    let mut spent = Vec::new();
    for seed in &seeds {
        let mut fleet = few("sqlite://data/state.db", *seed, 0);
        let lose = |fleet: &Fleet| {
            for file in ["state.db", "state.db-wal", "state.db-shm"] {
                let gone = std::fs::remove_file(fleet.home.data().join(file));
                assert!(gone.is_ok() || file != "state.db", "{gone:?}");
            }
        };
        let stats = begun_anew(&mut fleet, 1, End::Drained, lose, &[10, 25]);
        spent.push(kept(&stats));
    }
    measured(
        "A state file deleted on a day whose heavy calls are few",
        &format!("{} runs, twice each", seeds.len()),
        &format!("{spent:?} of {SHARE} spent, {ALLOWED} allowed; 0 refused"),
        "the share; 0",
    );
}

/// Seconds that a clock must be off for the UTC day to end in so many.
fn off_until_midnight(in_s: i64) -> i64 {
    const DAY_S: i64 = 86_400;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let past = i64::try_from(now.as_secs()).expect("before the end of time") % DAY_S;
    DAY_S - past - in_s
}

#[test]
fn emptied_after_midnight_a_ledger_spends_each_of_both_days_once() {
    let seeds = seeds(Size::asked().of(1, 3));
    let mut spent = Vec::new();
    for seed in &seeds {
        let off_s = off_until_midnight(20);
        let mut redis = RedisServer::start(&[]);
        let mut fleet = few(&redis.url(), *seed, off_s);
        redis.kill();
        for (name, value) in clock_off(off_s, fleet.home.path()) {
            fleet.home.set(name, Some(&value));
            redis.set(name, &value);
        }
        redis.go();
        fleet.begin(WORKERS, "zoom-backfill");
        // It is spent before midnight, or was not on a slow machine; each day has its share.
        fleet.until("the next day's reports", || reports(&fleet) >= SHARE + 10);
        redis.ask(&["FLUSHALL"]).expect("all is gone");
        until_known(&redis, &fleet);
        let stats = until_spent(&fleet);
        let reports = stats.calls_of(REPORTS);
        assert!(reports <= 2 * SHARE, "{reports}: {:#}", stats.0);
        assert!(reports + IN_FLIGHT >= 2 * SHARE, "{reports}: {:#}", stats.0);
        assert_eq!(stats.refused_for_rate(), 0, "{:#}", stats.0);
        spent.push(reports);
        fleet.drain();
    }
    measured(
        "Redis emptied after midnight, days whose heavy calls are few",
        &format!("{} runs", seeds.len()),
        &format!("{spent:?} of twice {SHARE} spent, {ALLOWED} allowed a day; 0 refused"),
        "the share of each day; 0",
    );
}
