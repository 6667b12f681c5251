//! What `estimate` tells before a run, against the run that follows.

use std::collections::BTreeMap;

use serde_json::Value;
use watershed_tests::{Account, Home, Settings, Size, Spec, Stats, seeds};

use crate::ground::{SCOPES, account, free_account, free_home, home, measured};

/// The categories of the operations that the backfill uses, as Zoom labels them.
const CATEGORIES: [(&str, &str); 15] = [
    ("get_user", "light"),
    ("get_user_settings", "medium"),
    ("get_meeting", "light"),
    ("get_invitation", "light"),
    ("get_recording_settings", "light"),
    ("report_meeting", "heavy"),
    ("list_users", "medium"),
    ("list_meetings", "medium"),
    ("list_past_instances", "medium"),
    ("list_account_recordings", "medium"),
    ("list_user_recordings", "medium"),
    ("list_past_participants", "medium"),
    ("get_past_meeting", "light"),
    ("get_recording", "light"),
    ("report_participants", "heavy"),
];
/// What is promised, in percent.
const CLOSE: f64 = 5.0;

fn by_category(stats: &Stats) -> BTreeMap<&'static str, u64> {
    let mut calls = BTreeMap::new();
    for (operation, category) in CATEGORIES {
        *calls.entry(category).or_default() += stats.calls_of(operation);
    }
    calls
}

fn made(before: &Stats, after: &Stats) -> BTreeMap<&'static str, u64> {
    let before = by_category(before);
    by_category(after).into_iter().map(|(c, n)| (c, n - before[c])).collect()
}

/// Calls of a category, and how close they are said to be.
fn told(estimate: &Value, category: &str) -> (f64, f64) {
    let all = estimate["categories"].as_array().expect("categories");
    let found = all.iter().find(|c| c["category"] == category);
    found.map_or((0.0, 0.0), |c| {
        (c["calls"].as_f64().expect("a number"), c["plus_minus"].as_f64().expect("a number"))
    })
}

fn step<'v>(estimate: &'v Value, name: &str) -> &'v Value {
    let steps = estimate["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["step"] == name).expect("a step")
}

/// How far the run was from its estimate, in percent, by category; insists that it is about as
/// close as was said, and that what is said to be further off than 5 % is explained.
fn compared(estimate: &Value, made: &BTreeMap<&str, u64>, about: &str) -> Vec<f64> {
    let mut far = Vec::new();
    for (category, calls) in made {
        let (foretold, plus_minus) = told(estimate, category);
        let off = 100.0 * (foretold - *calls as f64).abs() / (*calls as f64).max(1.0);
        let why = format!("{about}: {category} {calls}, foretold {foretold} ± {plus_minus} %");
        eprintln!("{why}: {off:.1} % off");
        // A call or two are no percents.
        let few = (foretold - *calls as f64).abs() <= 3.0;
        // Once in a hundred times it may lie outside of what is told; never so far.
        assert!(off <= (1.6 * plus_minus).max(CLOSE) || few, "{why}");
        let explained = estimate["notes"].to_string().contains(&format!("{category} calls"));
        assert!(plus_minus <= CLOSE || explained, "{why}: {}", estimate["notes"]);
        far.push(if few { 0.0 } else { off });
    }
    far
}

/// Estimates, then runs: the estimate, the calls that the run made.
fn foretold(account: &Account, home: &Home, more: &[&str]) -> (Value, BTreeMap<&'static str, u64>) {
    let words = [&["estimate", "zoom-backfill", "--json"], more].concat();
    let before = account.stats().expect("stats");
    let estimate = home.run(&words).expect(0).json();
    let between = account.stats().expect("stats");
    let sampled = estimate["sampling"]["calls"].as_u64().expect("a number");
    assert_eq!(between.counted() - before.counted(), sampled, "it counts its own calls");
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    (estimate, made(&between, &account.stats().expect("stats")))
}

#[test]
fn a_run_makes_the_calls_that_were_foretold() {
    let size = Size::asked();
    let (mut far, mut sampled, mut calls, mut disk) = (Vec::new(), 0, 0, Vec::new());
    // A real sample: a third of what there is, and a quarter.
    let (users, sample) = size.of((25, "400"), (60, "700"));
    for seed in seeds(size.of(2, 10)) {
        let account = free_account(users, seed);
        let home = free_home(&account);
        let (estimate, made) = foretold(&account, &home, &["--sample", sample]);
        far.extend(compared(&estimate, &made, &format!("seed {seed}")));
        sampled += estimate["sampling"]["calls"].as_u64().expect("a number");
        calls += made.values().sum::<u64>();
        let bytes = std::fs::metadata(home.sink()).expect("a dataset").len();
        let files: u64 = account.files().expect("files").values().map(|file| file.size).sum();
        disk.push(estimate["disk_bytes"].as_f64().expect("a number") / (bytes + files) as f64);
    }
    for share in &disk {
        assert!((0.5..2.0).contains(share), "disk, foretold for found: {disk:?}");
    }
    let close = far.iter().filter(|off| **off <= CLOSE).count();
    let most = far.iter().copied().fold(0.0, f64::max);
    measured(
        "`estimate` against the run that follows",
        &format!("{} seeds, {users} users each, {calls} calls", size.of(2, 10)),
        &format!(
            "calls of {close} of {} categories within 5 %, at most {most:.1} % off; {sampled} \
             sampling calls",
            far.len()
        ),
        "within 5 %, or as far as it says, with the reason",
    );
}

#[test]
fn with_calls_enough_every_category_is_known_to_five_percent() {
    let account = free_account(25, 71);
    let home = free_home(&account);
    let (estimate, made) = foretold(&account, &home, &["--sample", "100000"]);
    for off in compared(&estimate, &made, "as many as it takes") {
        assert!(off <= CLOSE, "{off}");
    }
    for category in ["light", "medium", "heavy"] {
        assert!(told(&estimate, category).1 <= CLOSE, "{}", estimate["categories"]);
    }
    assert_eq!(estimate["notes"], Value::Array(Vec::new()));
}

#[test]
fn an_estimate_writes_nothing_and_a_dry_run_is_the_same() {
    let account = free_account(20, 72);
    let home = free_home(&account);
    let estimate = home.run(&["estimate", "zoom-backfill", "--json"]).expect(0).json();
    assert!(!home.data().exists(), "neither ledger nor dataset");
    let dry = home.run(&["run", "zoom-backfill", "--dry-run", "--json"]).expect(0).json();
    for member in ["steps", "categories", "left_out"] {
        assert_eq!(dry[member], estimate[member], "{member}");
    }
    // Answers come in any order, and the pages of a file fill accordingly.
    let [dry, told] = [&dry, &estimate].map(|e| e["disk_bytes"].as_f64().expect("bytes"));
    assert!((dry / told - 1.0).abs() < 0.1, "{dry} and {told} bytes");
    assert!(!home.data().exists(), "neither ledger nor dataset");
    let words = home.run(&["estimate", "zoom-backfill"]).expect(0).stdout;
    for word in ["binds", "at best", "sampling", "disk", "participants"] {
        assert!(words.contains(word), "{word}: {words}");
    }
}

#[test]
fn what_is_complete_is_not_counted_again() {
    let account = free_account(20, 73);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    let stored = |home: &Home| std::fs::read(home.sink()).expect("a dataset");
    let before = stored(&home);
    let estimate = home.run(&["estimate", "zoom-backfill", "--json"]).expect(0).json();
    assert!(before == stored(&home), "the dataset is as it was");
    assert!(estimate["run"].is_null(), "that run is complete: a new one would begin");
    let between = account.stats().expect("stats");
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    let made = made(&between, &account.stats().expect("stats"));
    compared(&estimate, &made, "the second run");
    assert_eq!(told(&estimate, "heavy").0, 0.0, "{}", estimate["categories"]);
}

#[test]
fn a_run_that_was_stopped_goes_on_with_what_is_left() {
    let account = account(Spec {
        users: 20,
        seed: 74,
        limits: Some("off".to_owned()),
        latency_ms: Some(5),
        ..Spec::default()
    });
    let home = free_home(&account);
    let mut run = home.start(&["run", "zoom-backfill", "--run-id", "one"]);
    let some = std::time::Duration::from_secs(60);
    run.until("some calls", some, |_| account.stats().is_ok_and(|s| s.calls() > 120))
        .expect("it works");
    run.kill().expect("it is gone");
    let estimate = home.run(&["estimate", "zoom-backfill", "--json"]).expect(0).json();
    assert_eq!(estimate["run"], "one");
    let between = account.stats().expect("stats");
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    // What was in flight at the kill is known to nobody.
    let made = made(&between, &account.stats().expect("stats"));
    for (category, calls) in &made {
        let (foretold, plus_minus) = told(&estimate, category);
        let off = (foretold - *calls as f64).abs();
        let most = 32.0 + *calls as f64 * plus_minus.max(CLOSE) / 100.0;
        assert!(off <= most, "{category}: {calls}, foretold {foretold} ± {plus_minus} %");
    }
}

#[test]
fn what_scopes_and_consent_leave_out_is_told() {
    let missing = "report:read:list_meeting_participants:admin";
    let scopes: Vec<&str> = SCOPES.into_iter().filter(|scope| *scope != missing).collect();
    let account = account(Spec {
        users: 20,
        scopes: Some(scopes.join(",")),
        limits: Some("off".to_owned()),
        ..Spec::default()
    });
    let settings =
        Settings { limits: Some(Settings::FREE), content: Some("metadata"), ..Settings::default() };
    let home = home(&account, &settings);
    let estimate = home.run(&["estimate", "zoom-backfill", "--json"]).expect(0).json();
    let left: Vec<(&str, &str, &str)> = estimate["left_out"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|left| {
            let text = |member: &str| left[member].as_str().expect("text");
            assert!(left["items"].as_u64().expect("a number") > 10, "{left}");
            (text("step"), text("why"), text("what"))
        })
        .collect();
    assert_eq!(left, [("participants", "scope", missing), ("files", "consent", "metadata")]);
    assert_eq!(step(&estimate, "participants")["calls"], 0);
    assert_eq!(step(&estimate, "files")["calls"], 0);
}

#[test]
fn a_plan_without_reports_costs_one_call_of_each() {
    let account = account(Spec {
        users: 20,
        tier: "free",
        limits: Some("off".to_owned()),
        ..Spec::default()
    });
    let home = free_home(&account);
    let words = ["estimate", "zoom-backfill", "--sample", "100000", "--json"];
    let estimate = home.run(&words).expect(0).json();
    let left = estimate["left_out"].to_string();
    assert!(left.contains("\"tier\"") && left.contains("participants"), "{left}");
    assert_eq!(step(&estimate, "participants")["calls"], 1);
}

#[test]
fn sampling_calls_keep_to_the_limits_and_the_binding_one_is_told() {
    let account = account(Spec { users: 40, seed: 75, tier: "pro", ..Spec::default() });
    let home = home(&account, &Settings::default());
    let estimate = home.run(&["estimate", "zoom-backfill", "--json"]).expect(0).json();
    let stats = account.stats().expect("stats");
    assert_eq!(stats.refused_for_rate(), 0, "{:#}", stats.0);
    let limits = estimate["limits"].as_array().expect("limits");
    let binding: Vec<&Value> = limits.iter().filter(|limit| limit["binds"] == true).collect();
    let [binds] = binding[..] else { panic!("{limits:?}") };
    assert_eq!(binds["period"], "second");
    assert_eq!(binds["ms"], estimate["best_ms"]);
    // By formula: one call at once, the others evenly behind it.
    let (calls, share) = (binds["calls"].as_f64(), binds["share"].as_f64());
    let ms = (calls.expect("a number") - 1.0) * 1_000.0 / share.expect("a number");
    assert_eq!(binds["ms"].as_f64(), Some(ms.ceil()));
}
