//! From a webhook to its row, while a backfill uses the whole budget.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use watershed_tests::{Running, Spec};

use super::endpoint::{SECRET, asked, now, signed};
use crate::ground::{account, home};

/// Light calls a second that the account has, and the part of them that is used.
const LIGHT: f64 = 4.0;
const SHARE: f64 = 0.9;
/// Events, one after the other.
const EVENTS: usize = 5;
/// What is promised from a webhook to its row.
const ROW_MS: i64 = 5_000;
const UP_MAX: Duration = Duration::from_secs(60);

fn until(what: &str, up: &Running, mut met: impl FnMut() -> bool) {
    let end = Instant::now() + UP_MAX;
    while !met() {
        assert!(Instant::now() < end, "{what} did not come: {}", up.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Milliseconds between two instants as the dataset has them.
fn between(home: &watershed_tests::Home, from: &str, to: &str) -> i64 {
    let sql = format!(
        "SELECT CAST(CAST(round((julianday('{to}') - julianday('{from}')) * 86400000) AS INTEGER) \
         AS TEXT)"
    );
    asked(home, &sql).remove(0).parse().expect("a number")
}

#[test]
fn an_event_becomes_a_row_within_five_seconds_while_a_backfill_uses_the_whole_budget() {
    let limits = format!("light_per_second={LIGHT}");
    let account = account(Spec { users: 60, seed: 90, limits: Some(limits), ..Spec::default() });
    let settings = watershed_tests::Settings {
        limits: Some("light_per_second = 4"),
        share: Some(SHARE),
        ..watershed_tests::Settings::default()
    };
    let mut home = home(&account, &settings);
    home.set("HOOK", Some(SECRET));
    let text = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    home.write("watershed.toml", &format!("{text}webhook_secret = {{ env = \"HOOK\" }}\n"));
    let mut up = home.start(&["up", "--listen", "127.0.0.1:0"]);
    up.until("a place to listen", UP_MAX, |p| p.stdout().contains("listening on http://"))
        .expect("it listens");
    let host = up.stdout().trim().rsplit('/').next().expect("where").to_owned();
    let submit = ["submit", "zoom-backfill", "--run-id", "history", "--input", "details=none"];
    home.run(&[&submit[..], &["--input", "content=metadata"]].concat()).expect(0);
    let light = || -> u64 {
        let stats = account.stats().expect("statistics");
        let calls = &stats.0["calls"]["get_past_meeting"];
        calls.as_object().map_or(0, |by| by.values().filter_map(Value::as_u64).sum())
    };
    until("Light calls", &up, || light() > 8);

    let people: Vec<String> = account
        .truth()
        .expect("the truth")
        .of("user_details")
        .keys()
        .take(EVENTS)
        .cloned()
        .collect();
    let account_id = account.ready("account_id");
    let (began, before) = (Instant::now(), light());
    for person in &people {
        let body = json!({
            "event": "user.updated", "event_ts": 1_700_000_000_000_i64,
            "payload": { "account_id": account_id, "object": { "id": person } },
        });
        let body = body.to_string();
        let endpoint = super::endpoint::At(host.clone());
        let headers = signed(SECRET, &now(), &body);
        let answer = endpoint.ask("POST", "/webhooks/zoom/default", &headers, body.as_bytes());
        assert_eq!(answer.status, 204);
        let row = format!("SELECT _fetched_at FROM user_details WHERE _key = '{person}'");
        until("its row", &up, || !asked(&home, &row).is_empty());
        std::thread::sleep(Duration::from_millis(700));
    }
    let (took, calls) = (began.elapsed().as_secs_f64(), light() - before);
    let fetched = "SELECT _fetched_at FROM user_details ORDER BY _fetched_at";
    let received = "SELECT received_at FROM _inbox ORDER BY place";
    let waited: Vec<i64> = asked(&home, received)
        .iter()
        .zip(asked(&home, fetched))
        .map(|(received, fetched)| between(&home, received, &fetched))
        .collect();
    eprintln!("webhook to row: {waited:?} ms; {calls} other Light calls in {took:.1} s");
    assert_eq!(waited.len(), EVENTS);
    assert!(waited.iter().all(|ms| (0..ROW_MS).contains(ms)), "{waited:?}");
    let run = "SELECT DISTINCT _run FROM user_details";
    let [run] = &asked(&home, run)[..] else { panic!("one run of the day") };
    assert!(run.starts_with("zoom-event.default."), "{run}");

    // All that the share allows was used beside them.
    let share = LIGHT * SHARE * took - EVENTS as f64;
    assert!(calls as f64 >= share * 0.8, "{calls} calls of {share}");
    let state = home.run(&["status", "history", "--json"]).expect(0).json();
    assert_eq!(state["state"], "running", "the backfill goes on: {state:#}");
    up.signal(Signal::TERM);
    up.wait(UP_MAX).expect("it ends").expect(0);
}
