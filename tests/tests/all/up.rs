//! `watershed up`: the one-machine deployment, as one process.

use std::time::Duration;

use rustix::process::Signal;
use watershed_tests::{Scope, audit};

use crate::ground::{free_account, free_home};

const UP_MAX: Duration = Duration::from_secs(60);
const RUN_MAX: Duration = Duration::from_secs(120);

#[test]
fn up_serves_schedules_and_works_and_a_signal_ends_all_three() {
    let account = free_account(8, 83);
    let mut home = free_home(&account);
    home.set("HOOK", Some("a secret of the app"));
    let settings = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    home.write("watershed.toml", &format!("{settings}webhook_secret = {{ env = \"HOOK\" }}\n"));
    let mut up = home.start(&["up", "--listen", "127.0.0.1:0"]);
    up.until("a place to listen", UP_MAX, |p| p.stdout().contains("listening on http://"))
        .expect("it listens");
    let said = up.stdout();
    let base = said.trim().strip_prefix("listening on ").expect("where it listens").to_owned();
    up.until("schedules", UP_MAX, |p| p.stderr().contains("zoom-reconcile for default: next at"))
        .expect("it schedules the nightly reconcile");

    // It takes webhooks, and executes what is submitted beside it.
    home.run(&["webhook", "send", "meeting.ended", "--to", &base]).expect(0);
    home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
    up.until("the end of the run", RUN_MAX, |p| p.stderr().contains("run one is complete"))
        .expect("it works");
    up.signal(Signal::TERM);
    up.wait(UP_MAX).expect("it ends").expect(0);
    let truth = account.truth().expect("the truth");
    audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit").expect_equal();
    let stats = account.stats().expect("statistics");
    assert_eq!(stats.repeated(), 0, "{:#}", stats.0);
}

#[test]
fn beyond_this_machine_it_wants_a_token_and_starts_nothing_without() {
    let account = free_account(2, 84);
    let home = free_home(&account);
    let ended = home.run(&["up", "--listen", "0.0.0.0:0"]).expect(2);
    assert!(ended.stderr.contains("there is no token"), "{}", ended.stderr);
}

#[test]
fn doctor_tells_whether_webhooks_could_come_in() {
    let account = free_account(2, 85);
    let mut home = free_home(&account);
    let told = home.run(&["doctor"]).expect(0).stdout;
    assert!(told.contains("no secret: no events"), "{told}");
    assert!(told.contains("connections.default.webhook_secret"), "{told}");
    let settings = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    home.write("watershed.toml", &format!("{settings}webhook_secret = {{ env = \"HOOK\" }}\n"));
    let told = home.run(&["doctor"]).expect(0).stdout;
    assert!(told.contains("webhook_secret") && told.contains("HOOK"), "it cannot be read: {told}");
    home.set("HOOK", Some("a secret of the app"));
    let told = home.run(&["doctor"]).expect(0).stdout;
    assert!(told.contains("they come in at /webhooks/zoom/default"), "{told}");
    assert!(!told.contains("a secret of the app"));
}
