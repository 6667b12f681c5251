//! The shipped backfill compiles to what it means, and expands as it says.

use crate::common::{Children as _, Scenario, compiled};
use serde_json::{Value, json};
use watershed_model::{Child, Kin, StepId};
use watershed_workflow::{Expanded, Parameters};

const BACKFILL: &str = include_str!("../../../../workflows/zoom-backfill.yaml");

fn backfill() -> Scenario {
    Scenario::of(BACKFILL, &[("from", "2026-09-01"), ("to", "2026-11-24")])
}

fn expand(scenario: &Scenario, step: &str, item: &Value, record: &Value) -> Expanded {
    let id = scenario.step(step);
    let item = scenario.item(step, item);
    scenario.program.expand(&scenario.run, id, &item, record).expect("it expands")
}

/// `step item` of every child.
fn lines(scenario: &Scenario, kin: &[Kin]) -> Vec<String> {
    kin.iter()
        .map(|kin| match kin {
            Kin::Task(Child { step, item, .. }) => {
                format!("{} {item}", scenario.program.plan().step(*step).name)
            }
            Kin::Scope { level, joins, kin, .. } => {
                format!("scope {level}: {joins:?} {:?}", lines(scenario, kin))
            }
        })
        .collect()
}

fn call(scenario: &Scenario, step: StepId, item: &str) -> Value {
    match scenario.program.parameters(&scenario.run, step, item, &[].into()) {
        Ok(Parameters::Call(with)) => Value::Object(with),
        other => panic!("no call: {other:?}"),
    }
}

#[test]
fn it_compiles_without_a_warning() {
    let backfill = compiled(BACKFILL);
    assert_eq!(backfill.warnings.to_string(), "");
    insta::assert_json_snapshot!(backfill.plan);
}

#[test]
fn the_plan_has_one_hash_however_its_expressions_are_laid_out() {
    let laid_out = BACKFILL.replace("user.status !=", "user.status   !=  ");
    assert_ne!(laid_out, BACKFILL);
    assert_eq!(compiled(&laid_out).hash, compiled(BACKFILL).hash);
    let other = BACKFILL.replace("size: 30d", "size: 20d");
    assert_ne!(compiled(&other).hash, compiled(BACKFILL).hash);
}

#[test]
fn the_run_begins_with_three_statuses_and_three_windows_of_the_account() {
    let scenario = backfill();
    let seeds = scenario.program.seeds(&scenario.run).expect("it has seeds");
    assert_eq!(
        lines(&scenario, &seeds.children),
        [
            r#"users ["active"]"#,
            r#"users ["inactive"]"#,
            r#"users ["pending"]"#,
            r#"recordings_account ["2026-10-29","2026-11-24"]"#,
            r#"recordings_account ["2026-09-30","2026-10-29"]"#,
            r#"recordings_account ["2026-09-01","2026-09-30"]"#,
        ]
    );
    let first = call(&scenario, scenario.step("users"), r#"["active"]"#);
    assert_eq!(first, json!({ "status": "active" }));
}

#[test]
fn a_user_brings_record_settings_and_both_lists_and_what_is_kept_out_is_told() {
    let scenario = backfill();
    let user = json!({ "id": "u1", "status": "active", "email": "a@example.com" });
    let brought = expand(&scenario, "users", &json!({ "status": "active" }), &user);
    let expected = [
        r#"meetings ["u1"]"#,
        r#"meetings_scheduled ["u1"]"#,
        r#"user_details ["u1"]"#,
        r#"user_settings ["u1"]"#,
    ];
    assert_eq!(lines(&scenario, &brought.children()), expected);
    let skipped: Vec<Value> = brought.skipped.iter().map(|s| s.with.clone().into()).collect();
    let window = |from, to| json!({ "user_id": "u1", "from": from, "to": to });
    assert_eq!(
        skipped,
        [
            window("2026-10-29", "2026-11-24"),
            window("2026-09-30", "2026-10-29"),
            window("2026-09-01", "2026-09-30"),
        ]
    );
    assert_eq!(
        call(&scenario, scenario.step("meetings"), r#"["u1"]"#),
        json!({
            "user_id": "u1", "type": "previous_meetings",
            "from": "2026-09-01", "to": "2026-11-24",
        })
    );
}

#[test]
fn without_the_account_list_each_user_has_its_own_windows() {
    let scenario = backfill().without(&["zoom.list_account_recordings"]);
    let seeds = scenario.program.seeds(&scenario.run).expect("it has seeds");
    assert_eq!(seeds.children.len(), 3);
    let user = json!({ "id": "u1", "status": "active" });
    let brought = expand(&scenario, "users", &json!({ "status": "active" }), &user);
    assert_eq!(
        lines(&scenario, &brought.children())[2..5],
        [
            r#"recordings_user ["u1","2026-10-29","2026-11-24"]"#,
            r#"recordings_user ["u1","2026-09-30","2026-10-29"]"#,
            r#"recordings_user ["u1","2026-09-01","2026-09-30"]"#,
        ]
    );
    assert_eq!(
        scenario
            .program
            .branch(scenario.step("recordings_user"), r#"["u1","2026-09-30","2026-10-29"]"#),
        "recordings_user[user=u1, window=2026-09-30..2026-10-29]"
    );
}

#[test]
fn a_pending_user_brings_nothing() {
    let scenario = backfill();
    let user = json!({ "email": "p@example.com", "status": "pending" });
    let brought = expand(&scenario, "users", &json!({ "status": "pending" }), &user);
    assert!(brought.children().is_empty());
    assert!(brought.skipped.is_empty(), "a call without user cannot be named in coverage");
}

#[test]
fn an_instance_of_either_source_is_asked_once() {
    let scenario = backfill();
    let instance = json!({ "uuid": "U==", "start_time": "2026-11-03T23:59:59Z" });
    let from_list = expand(&scenario, "instances", &json!({ "meeting": { "id": 7 } }), &instance);
    let recording = json!({
        "uuid": "U==", "type": "2", "start_time": "2026-11-03T23:59:59Z", "recording_files": [],
    });
    let window = json!({ "window": { "from": "2026-10-29", "to": "2026-11-24" } });
    let from_recordings = expand(&scenario, "recordings_account", &window, &recording);
    let held = scenario.step("held");
    let once = |brought: &Expanded| {
        let children = brought.children();
        let found = children.iter().find_map(|kin| match kin {
            Kin::Task(child) if child.step == held => child.once,
            _ => None,
        });
        found.expect("held has `once`")
    };
    assert_eq!(once(&from_list), once(&from_recordings));
}

#[test]
fn a_webinar_is_not_asked_for_even_where_its_type_comes_as_text() {
    let scenario = backfill();
    let window = json!({ "window": { "from": "2026-10-29", "to": "2026-11-24" } });
    let webinar = json!({ "uuid": "W==", "type": "5", "start_time": "2026-11-03T10:00:00Z" });
    let brought = expand(&scenario, "recordings_account", &window, &webinar);
    assert_eq!(lines(&scenario, &brought.children()), [r#"recording_settings ["W=="]"#]);
    assert_eq!(brought.skipped.len(), 1);
}

#[test]
fn a_transcript_passes_only_what_the_download_declares() {
    let scenario = backfill();
    let window = json!({ "window": { "from": "2026-10-29", "to": "2026-11-24" } });
    let recording = json!({
        "uuid": "U==", "type": 2, "start_time": "2026-11-03T10:00:00Z",
        "recording_files": [
            { "id": "f1", "meeting_id": "U==", "file_type": "TRANSCRIPT", "file_size": 12,
              "recording_start": "2026-11-03T10:00:00Z" },
            { "file_type": "CC" },
        ],
    });
    let brought = expand(&scenario, "recordings_account", &window, &recording);
    let transcripts = scenario.step("files");
    let children = brought.children();
    let found = children.iter().find_map(|kin| match kin {
        Kin::Task(child) if child.step == transcripts => Some(child),
        _ => None,
    });
    let transcript = found.expect("a transcript");
    assert_eq!(
        call(&scenario, transcript.step, &transcript.item),
        json!({ "file": {
            "id": "f1", "meeting_id": "U==", "file_type": "TRANSCRIPT",
            "recording_start": "2026-11-03T10:00:00Z",
        } })
    );
}

#[test]
fn beneath_an_unavailable_meeting_the_item_goes_on_with_the_other_fields_null() {
    let scenario = backfill();
    let item = scenario.item(
        "held",
        &json!({ "instance": { "uuid": "U==", "start_time": "2026-11-03T10:00:00Z" } }),
    );
    let held = scenario.step("held");
    let brought =
        scenario.program.expand_unavailable(&scenario.run, held, &item).expect("it goes on");
    assert_eq!(lines(&scenario, &brought.children()), [r#"participants [null,null,"U=="]"#]);
    let Kin::Task(child) = &brought.children()[0] else { panic!("no task") };
    assert_eq!(child.bucket, 2026 * 12 + 10, "November of the instance");
    let with = call(&scenario, child.step, &child.item);
    assert_eq!(with, json!({ "uuid": "U==" }), "a hint that is null is left out");
}

#[test]
fn an_invitation_is_asked_for_beneath_what_is_known_of_its_meeting() {
    let lines = |scenario: &Scenario, detail: Option<Value>| {
        let (details, item) = (scenario.step("meeting_details"), json!({ "meeting": { "id": 7 } }));
        let item = scenario.item("meeting_details", &item);
        let brought = match detail {
            Some(detail) => scenario.program.expand(&scenario.run, details, &item, &detail),
            None => scenario.program.expand_unavailable(&scenario.run, details, &item),
        };
        lines(scenario, &brought.expect("it expands").children())
    };
    let asked = [r#"meeting_invitations [7]"#];
    let detail = json!({ "id": 7, "uuid": "U==", "status": "waiting" });
    assert_eq!(lines(&backfill(), Some(detail)), asked);
    assert_eq!(lines(&backfill(), None), [""; 0], "forgotten at Zoom");
    let without = backfill().without(&["zoom.get_meeting"]);
    assert_eq!(lines(&without, None), asked, "nobody knows what is forgotten");
}

#[test]
fn null_where_a_value_is_due_is_an_error_that_names_the_expression() {
    let scenario = backfill();
    let instances = scenario.step("instances");
    let item = scenario.item("instances", &json!({ "meeting": { "id": 7 } }));
    let record = json!({ "uuid": "U==" });
    let brought = scenario.program.expand(&scenario.run, instances, &item, &record);
    let children = brought.expect("it expands").children();
    let [Kin::Task(child)] = &children[..] else { panic!("{children:?}") };
    let called = scenario.program.parameters(&scenario.run, child.step, &child.item, &[].into());
    let error = called.expect_err("it has no start").to_string();
    assert!(error.starts_with("step held: `date(instance.start_time)"), "{error}");
    assert!(error.ends_with("null stands where text is due (uuid U==)"), "{error}");
}
