//! What scripts read: every `--json` answer fits its schema, and the schemas say what the
//! contract says.

use serde_json::Value;
use watershed_tests::{Home, Settings, Spec, root};

use crate::ground::{account, free_account, free_home, home};

/// Insists that a value fits `schemas/NAME.schema.json`.
#[track_caller]
pub(crate) fn fits(name: &str, value: &Value) {
    let path = root().join("schemas").join(format!("{name}.schema.json"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("read schemas/{name}.schema.json: {e}"));
    let schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let wrong: Vec<String> =
        validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(wrong, [""; 0], "{name}: {value:#}");
    assert!(!validator.is_valid(&Value::Null), "schemas/{name} allows anything");
}

/// Insists on the members that the contract names, in whatever order.
#[track_caller]
fn has(value: &Value, members: &[&str]) {
    for member in members {
        assert!(value.get(member).is_some(), "no `{member}` in {value:#}");
    }
}

const REPORT: [&str; 13] = [
    "run",
    "workflow",
    "connection",
    "state",
    "exit",
    "started_at",
    "ended_at",
    "steps",
    "budget",
    "waits",
    "eta",
    "calls",
    "rows",
];

fn with_dead_letters() -> (watershed_tests::Account, Home) {
    let account = account(Spec {
        seed: 51,
        limits: Some("off".to_owned()),
        // One meeting that is refused with a page of HTML, for ever.
        faults: Some("html_403".to_owned()),
        ..Spec::default()
    });
    let home = free_home(&account);
    (account, home)
}

#[test]
fn run_and_status_tell_one_report() {
    let account = free_account(10, 52);
    let home = free_home(&account);
    let run = home.run(&["run", "zoom-backfill", "--run-id", "one", "--json"]).expect(0).json();
    fits("run-report", &run);
    has(&run, &REPORT);
    has(&run["calls"], &["spent", "least", "repeated"]);
    for step in run["steps"].as_array().expect("steps") {
        has(step, &["step", "done", "known", "final", "failed"]);
        assert_eq!(step["done"], step["known"], "a complete run has nothing open: {step}");
    }
    for limit in run["budget"].as_array().expect("limits") {
        has(limit, &["category", "period", "used", "share", "binds", "free_at"]);
    }
    assert_eq!(run["state"], "complete");
    assert_eq!(run["exit"], 0);
    let status = home.run(&["status", "one", "--json"]).expect(0).json();
    fits("run-report", &status);
    for member in ["run", "workflow", "connection", "state", "exit", "steps", "calls", "rows"] {
        assert_eq!(status[member], run[member], "{member}");
    }
    // The probing call comes before the run.
    let counted = account.stats().expect("stats").counted();
    assert_eq!(run["calls"]["spent"], counted - 1, "the run counts as the account counts");
}

#[test]
fn runs_are_one_line_each() {
    let account = free_account(10, 53);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "--run-id", "one", "-q"]).expect(0);
    home.run(&["run", "zoom-backfill", "--run-id", "two", "--input", "from=-20d", "-q"]).expect(0);
    let lines = home.run(&["runs", "--json"]).expect(0).json_lines();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        fits("run-line", line);
        has(line, &["run", "workflow", "connection", "state", "started_at", "ended_at"]);
    }
    assert_eq!(lines[0]["run"], "two", "newest first");
}

#[test]
fn failures_are_one_line_each_and_retry_puts_them_back() {
    let (_account, home) = with_dead_letters();
    let run = home.run(&["run", "zoom-backfill", "--run-id", "one", "--json"]).expect(3).json();
    fits("run-report", &run);
    let letters = home.run(&["failures", "one", "--json"]).expect(0).json_lines();
    assert!(!letters.is_empty(), "the fault made no dead letter");
    for letter in &letters {
        fits("failure", letter);
        let members = [
            "id",
            "step",
            "branch",
            "operation",
            "subject",
            "verdict",
            "http",
            "code",
            "message",
            "attempts",
            "at",
            "hint",
        ];
        has(letter, &members);
        assert!(letter["hint"].as_str().is_some_and(|h| !h.is_empty()), "{letter}");
    }
    let step = letters[0]["step"].as_str().expect("a step").to_owned();
    home.run(&["retry", "one", "--step", &step]).expect(0);
    let again = home.run(&["run", "zoom-backfill", "--run-id", "one", "--json"]).expect(3).json();
    let rest = home.run(&["failures", "one", "--json"]).expect(0).json_lines();
    assert_eq!(rest.len(), letters.len(), "refused again, it is a dead letter again");
    assert_eq!(again["rows"], run["rows"]);
}

#[test]
fn coverage_is_one_line_a_row() {
    let account = free_account(10, 54);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    let lines = home.run(&["coverage", "--json"]).expect(0).json_lines();
    let stored = watershed_tests::coverage(&home.sink()).expect("coverage").lines.len();
    assert_eq!(lines.len(), stored);
    for line in &lines {
        let members = [
            "connection",
            "operation",
            "subject",
            "from",
            "to",
            "state",
            "reason",
            "rows",
            "retry_at",
            "run",
            "at",
        ];
        has(line, &members);
    }
    for line in lines.iter().take(50) {
        fits("coverage", line);
    }
}

#[test]
fn doctor_tells_each_scope_and_what_it_costs() {
    let account = free_account(10, 55);
    let home = free_home(&account);
    let healthy = home.run(&["doctor", "--json"]).expect(0).json();
    fits("doctor", &healthy);
    assert!(healthy["recording"]["sampled"].as_u64() > Some(1), "{:#}", healthy["recording"]);
    for member in ["role", "clock"] {
        assert_eq!(healthy[member]["ok"], true, "{member}: {}", healthy[member]["found"]);
    }
    assert_eq!(healthy["unused"].as_array().map(Vec::len), Some(0), "{}", healthy["unused"]);

    let missing = "report:read:list_meeting_participants:admin";
    let scopes: Vec<&str> = crate::ground::SCOPES.into_iter().filter(|s| *s != missing).collect();
    let poor = crate::ground::account(Spec {
        users: 10,
        scopes: Some(scopes.join(",")),
        ..Spec::default()
    });
    let home = self::home(&poor, &Settings::default());
    let told = home.run(&["doctor", "--json"]).expect(1);
    fits("doctor", &told.json());
    assert!(told.stdout.contains(missing), "{told}");
    let words = home.run(&["doctor"]).expect(1);
    assert!(words.stdout.contains(missing), "{words}");
    assert!(words.stdout.contains("report_participants"), "what it costs: {words}");
}

#[test]
fn an_estimate_is_one_document() {
    let account = free_account(10, 57);
    let home = free_home(&account);
    let told = home.run(&["estimate", "zoom-backfill", "--json"]).expect(0).json();
    fits("estimate", &told);
    has(&told, &["steps", "categories", "limits", "best_ms", "disk_bytes", "left_out", "sampling"]);
}

#[test]
fn rehearsals_are_one_document() {
    let account = free_account(1, 59);
    let home = free_home(&account);
    let words = ["rehearse", "zoom-backfill", "--users", "5", "--tier", "pro", "--json"];
    let told = home.run(&[&words[..], &["--compare", "share=0.5"]].concat()).expect(0).json();
    fits("rehearsal", &told);
    assert_eq!(told["rehearsals"][0]["state"], "complete", "{told}");
    assert_eq!(told["rehearsals"][1]["label"], "share=0.5", "{told}");
}

#[test]
fn a_simulated_account_says_where_it_is() {
    let account = free_account(20, 56);
    fits("simulate-ready", account.ready_line());
    let members = ["base", "api_url", "token_url", "account_id", "client_id", "client_secret"];
    has(account.ready_line(), &members);
}
