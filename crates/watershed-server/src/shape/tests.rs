use std::path::Path;

use watershed_model::{
    ConnectionName, CoverageState, LetterId, Millis, OperationId, PlanHash, RunId, RunState,
    Skipped, Subject, TickState, Trigger,
};

use super::*;

/// Insists that a value fits `schemas/NAME.schema.json`.
#[track_caller]
fn fits(name: &str, value: &impl Serialize) {
    let file = format!("../../schemas/{name}.schema.json");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).expect("a published schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(!validator.is_valid(&Value::Null), "{name} allows anything");
    let value = serde_json::to_value(value).expect("JSON");
    let wrong: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(wrong, [""; 0], "{value:#}");
}

fn row() -> RunHead {
    RunHead {
        id: RunId::from("r-1"),
        connection: ConnectionName::from("acme"),
        workflow: "zoom-backfill".to_owned(),
        trigger: Trigger::Manual,
        state: RunState::Running,
        started_at: Millis(0),
        ended_at: None,
        figures: None,
    }
}

#[test]
fn a_run_in_the_list_fits_its_published_schema() {
    fits("run-line", &Run::of(&row(), None));
}

#[test]
fn the_ledger_knows_better_than_the_sink_how_a_run_stands() {
    let live = RunLine {
        run: RunId::from("r-1"),
        workflow: "zoom-backfill".to_owned(),
        connection: ConnectionName::from("acme"),
        state: RunState::Paused,
        submitted_at: Millis(0),
        ended_at: None,
    };
    assert_eq!(Run::of(&row(), Some(&live)).state, "paused");
    assert_eq!(Run::of(&row(), None).state, "running");
}

#[test]
fn a_process_is_one_worker_however_many_accounts_it_works_for() {
    let view = |id: &str, seen_at, leases| WorkerView {
        worker: id.into(),
        seen_at: Millis(seen_at),
        leases,
    };
    let now = Millis(2 * Millis::DAY);
    let of = vec![
        view("web:1/0.1.0#a", now.0 - 59_000, 0),
        view("web:1/0.1.0#b", now.0 - 1_000_000, 2),
        view("web:2/0.2.0#c", now.0 - 60_000, 0),
        view("web:3/0.1.0#d", 1, 1),
        view("web:4/0.1.0#e", 1, 0),
        view("c-0123", now.0, 1),
    ];
    let all = Worker::all(of, now);
    fits("worker", &all[0]);
    let told: Vec<(u32, bool, u64)> = all.iter().map(|w| (w.process, w.alive, w.leases)).collect();
    assert_eq!(told, [(1, true, 2), (2, false, 0), (3, true, 1)], "4 is long gone, c- no worker");
    assert_eq!(all[0].seen_at, Millis(now.0 - 59_000).to_string());
}

#[test]
fn a_dead_letter_fits_its_published_schema() {
    let letter = DeadLetter {
        id: LetterId::from("r-1:participants:9"),
        connection: ConnectionName::from("acme"),
        run: RunId::from("r-1"),
        plan: PlanHash::from("p"),
        step: "participants".to_owned(),
        operation: OperationId::from("zoom.report_participants"),
        branch: "participants[past=x]".to_owned(),
        item: "[]".to_owned(),
        key: 9,
        once: None,
        bucket: 0,
        scopes: Vec::new(),
        subject: Some(Subject(r#"{"uuid":"x"}"#.to_owned())),
        from: None,
        to: None,
        verdict: "dead".to_owned(),
        http: Some(403),
        code: None,
        message: "a page of HTML".to_owned(),
        attempts: 3,
        at: Millis(0),
        hint: "ask Zoom".to_owned(),
    };
    fits("failure", &Failure::of(&letter));
}

#[test]
fn a_row_of_coverage_fits_its_published_schema() {
    let row = Row {
        connection: ConnectionName::from("acme"),
        operation: OperationId::from("zoom.list_users"),
        subject: Subject(r#"{"status":"active"}"#.to_owned()),
        from: None,
        to: None,
        state: CoverageState::Waiting,
        reason: Some("late".to_owned()),
        rows: 3,
        retry_at: Some(Millis(1)),
        run: RunId::from("r-1"),
        at: Millis(0),
    };
    fits("coverage", &Coverage::of(&row));
}

#[test]
fn a_schedule_fits_its_published_schema() {
    let at = |day: i64| Millis(day * Millis::DAY).to_string();
    let local = "1970-01-03T02:00:00+01:00[Europe/Berlin]".to_owned();
    let line = Schedule {
        workflow: "zoom-reconcile".to_owned(),
        connection: "acme".to_owned(),
        cron: "0 2 * * *".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        next: vec![NextTick { local, utc: at(2), starts_at: at(2) }],
        last: Some(LastTick {
            due_at: at(1),
            state: TickState::Skipped.name(),
            why: Some(Skipped::Missed.name()),
            run: None,
            run_state: None,
        }),
        heavy: HeavyCalls { a_day: Some(1_240.0), by: Some("r".to_owned()), of: Some(54_000.0) },
    };
    fits("schedule-line", &line);
    let heavy = HeavyCalls { a_day: None, by: None, of: None };
    fits("schedule-line", &Schedule { last: None, heavy, ..line });
}

#[test]
fn a_connection_fits_its_published_schema() {
    let connection = Connection {
        connection: "acme".to_owned(),
        account_id: None,
        tier: "business".to_owned(),
        tier_known: true,
        share: 0.9,
        content: "transcripts".to_owned(),
        limits: vec![ConnectionLimit {
            category: "heavy+resource_intensive".to_owned(),
            period: "day",
            calls: 54_000.0,
        }],
        webhooks: true,
        redacted: vec!["*.join_url".to_owned()],
    };
    fits("connection", &connection);
}
