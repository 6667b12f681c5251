//! Each scope taken away in turn: the run brings all that the others open; `doctor`, `estimate` and
//! `coverage` name the scope and what goes without it.

use serde_json::Value;
use watershed_tests::{Scope, Size, Spec, audit, coverage, seeds};

use crate::ground::{SCOPES, account, free_home, measured};

/// The operation that a scope opens and nothing else does; none where the backfill has another
/// way, or where only events need it.
const COSTS: [(&str, Option<&str>); 16] = [
    ("user:read:list_users:admin", Some("list_users")),
    ("user:read:user:admin", Some("get_user")),
    ("user:read:settings:admin", Some("get_user_settings")),
    ("meeting:read:list_meetings:admin", Some("list_meetings")),
    ("meeting:read:meeting:admin", Some("get_meeting")),
    ("meeting:read:invitation:admin", Some("get_invitation")),
    ("meeting:read:list_past_instances:admin", Some("list_past_instances")),
    ("meeting:read:past_meeting:admin", Some("get_past_meeting")),
    ("meeting:read:list_past_participants:admin", Some("list_past_participants")),
    ("cloud_recording:read:list_user_recordings:admin", None),
    ("cloud_recording:read:list_account_recordings:admin", None),
    ("cloud_recording:read:list_recording_files:admin", Some("download_recording_file")),
    ("cloud_recording:read:recording_settings:admin", Some("get_recording_settings")),
    ("cloud_recording:read:recording:admin", None),
    ("report:read:list_meeting_participants:admin", Some("report_participants")),
    ("report:read:meeting:admin", Some("report_meeting")),
];
/// Operations that a backfill by default inputs does not use.
const BY_INPUT: [&str; 2] = ["list_past_participants", "report_meeting"];
/// No first backfill needs it; a later one looks into the trash for what its lists no longer have.
const LATER: &str = "cloud_recording:read:list_user_recordings:admin";
/// Every operation is used.
const WIDEST: [&str; 4] =
    ["--input", "attendance=fast_then_report", "--input", "meeting_reports=all"];

fn without(scope: &str, cost: Option<&str>, seed: u64) -> u64 {
    let rest: Vec<&str> = SCOPES.into_iter().filter(|s| *s != scope).collect();
    assert_eq!(rest.len(), 15, "{scope}");
    let account = account(Spec {
        users: 20,
        seed,
        scopes: Some(rest.join(",")),
        limits: Some("off".to_owned()),
        ..Spec::default()
    });
    let home = free_home(&account);

    let incomplete = cost.is_some_and(|operation| !BY_INPUT.contains(&operation));
    let told = incomplete || scope == LATER;
    let doctor = home.run(&["doctor", "--json"]).expect(i32::from(told)).json();
    let scopes = doctor["scopes"].as_array().expect("scopes");
    let line = scopes.iter().find(|line| line["scope"] == scope).expect("doctor names it");
    assert_eq!(line["granted"], false, "{scope}");
    assert_eq!(line["costs"] != Value::Array(Vec::new()), told, "{scope}: {line}");

    let estimate = home.run(&[&["estimate", "zoom-backfill", "--json"], &WIDEST[..]].concat());
    let left_out = estimate.expect(0).json()["left_out"].to_string();
    assert_eq!(left_out.contains(scope), cost.is_some(), "{scope}: {left_out}");

    let code = if cost.is_some() { 3 } else { 0 };
    home.run(&[&["run", "zoom-backfill", "-q"], &WIDEST[..]].concat()).expect(code);
    let truth = account.truth().expect("the truth");
    let found = audit(&home.sink(), &truth, &Scope::everything()).expect("an audit");
    let rows = found.expect_equal().rows.values().sum();
    let covered = coverage(&home.sink()).expect("coverage");
    let named = |operation: &str| {
        let operation = format!("zoom.{operation}");
        let lines = covered.of(&operation).filter(|line| line.state == "unavailable");
        lines.filter(|line| line.reason.as_ref().is_some_and(|why| why.contains(scope))).count()
    };
    if let Some(operation) = cost {
        assert!(named(operation) > 0, "{scope}: coverage does not name it");
        let stats = account.stats().expect("stats");
        let asked = stats.calls_of(&format!("zoom.{operation}"));
        assert_eq!(asked, 0, "{scope}: the token had told: {:#}", stats.0);
    }
    rows
}

#[test]
fn without_any_one_scope_all_that_the_others_open_comes() {
    let size = Size::asked();
    let seed = seeds(1)[0];
    let count = size.of(3, COSTS.len());
    let mut rows = 0;
    for at in 0..count {
        let (scope, cost) = COSTS[(seed as usize * count + at) % COSTS.len()];
        rows += without(scope, cost, seed);
    }
    measured(
        "a scope taken away",
        &format!("{count} of 16 scopes, every operation used"),
        &format!("{rows} rows, 0 differ; each is named by doctor, estimate and coverage"),
        "0 differ",
    );
}
