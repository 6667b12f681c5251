//! A run beside which others look and steer, from processes of their own.

use std::time::{Duration, Instant};

use watershed_tests::{Account, Home, Running, Scope, Spec, audit};

use crate::ground::{account, free_home};

const RUN_MAX: Duration = Duration::from_secs(120);

/// A run that takes some seconds, with its first calls made.
fn under_way(seed: u64) -> (Account, Home, Running) {
    let account = account(Spec {
        seed,
        users: 15,
        limits: Some("off".to_owned()),
        latency_ms: Some(100),
        ..Spec::default()
    });
    let home = free_home(&account);
    let mut process = home.start(&["run", "zoom-backfill", "--run-id", "one", "-q"]);
    process
        .until("thirty calls", RUN_MAX, |_| account.stats().is_ok_and(|s| s.calls() > 30))
        .expect("it works");
    (account, home, process)
}

fn calls(account: &Account) -> u64 {
    account.stats().expect("stats").calls()
}

/// Looks until the count of calls has stood still for a second, and how long that took.
fn quiet(account: &Account) -> Duration {
    let begun = Instant::now();
    let (mut last, mut since) = (calls(account), Instant::now());
    while since.elapsed() < Duration::from_secs(1) {
        assert!(begun.elapsed() < Duration::from_secs(10), "calls go on and on");
        std::thread::sleep(Duration::from_millis(20));
        let now = calls(account);
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    since.duration_since(begun)
}

#[test]
fn status_works_while_run_runs() {
    let (account, home, process) = under_way(61);
    let status = home.run(&["status", "one", "--json"]).expect(0).json();
    assert_eq!(status["state"], "running");
    let open = |s: &serde_json::Value| s["done"].as_u64() < s["known"].as_u64();
    let steps = status["steps"].as_array().expect("steps");
    assert!(steps.iter().any(open) || steps.iter().any(|s| s["final"] == false), "{status:#}");
    home.run(&["status"]).expect(0);
    home.run(&["runs"]).expect(0);
    home.run(&["coverage"]).expect(0);
    home.run(&["failures"]).expect(0);
    process.wait(RUN_MAX).expect("undisturbed").expect(0);
    let truth = account.truth().expect("the truth");
    audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit").expect_equal();
}

#[test]
fn pause_stops_new_calls_within_two_seconds_and_resume_goes_on() {
    let (account, home, process) = under_way(62);
    home.run(&["pause", "one"]).expect(0);
    let took = quiet(&account);
    assert!(took < Duration::from_secs(2), "calls went on for {took:?}");
    let status = home.run(&["status", "one", "--json"]).expect(0).json();
    assert_eq!(status["state"], "paused");
    process.wait(RUN_MAX).expect("it stops").expect(4);
    home.run(&["resume", "one", "-q"]).expect(0);
    let truth = account.truth().expect("the truth");
    audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit").expect_equal();
    let stats = account.stats().expect("stats");
    assert_eq!(stats.in_vain(), 0, "a pause repeats no call: {:#}", stats.0);
}

#[test]
fn cancel_is_final_and_keeps_what_is_there() {
    let (account, home, process) = under_way(63);
    home.run(&["cancel", "one"]).expect(0);
    let took = quiet(&account);
    assert!(took < Duration::from_secs(2), "calls went on for {took:?}");
    process.wait(RUN_MAX).expect("it stops").expect(4);
    let status = home.run(&["status", "one", "--json"]).expect(0).json();
    assert_eq!(status["state"], "cancelled");
    assert!(status["rows"]["users"].as_u64().is_some_and(|rows| rows > 0), "{status:#}");
    let before = calls(&account);
    home.run(&["run", "zoom-backfill", "--run-id", "one", "-q"]).expect(4);
    assert_eq!(calls(&account), before, "cancelled is final");
    // A new run goes on from coverage: what is settled is not asked again.
    home.run(&["run", "zoom-backfill", "--run-id", "two", "-q"]).expect(0);
    let truth = account.truth().expect("the truth");
    audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit").expect_equal();
}
