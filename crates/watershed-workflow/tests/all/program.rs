//! Programs of stored plans; parameters; conditions; keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common::{Children as _, Scenario, catalogue, compiled};
use serde_json::{Value, json};
use watershed_model::{Kin, Plan};
use watershed_workflow::{ExpandError, Expanded, Parameters, Program};

const USERS: &str = "
name: test
inputs:
  to: { type: date, default: 2026-11-24 }
steps:
  users: { use: zoom.list_users, with: { status: active } }
  meetings:
    for_each: users
    as: user
";

fn scenario(rest: &str) -> Scenario {
    let call = "    use: zoom.list_meetings\n    with: { user_id: \"${{ user.id }}\" }\n";
    Scenario::of(&format!("{USERS}{rest}{call}"), &[])
}

fn expand(scenario: &Scenario, user: &Value) -> Result<Expanded, ExpandError> {
    scenario.program.expand(&scenario.run, scenario.step("users"), "[]", user)
}

/// Whether a condition lets this user through.
fn holds(condition: &str, user: &Value) -> Result<bool, String> {
    let scenario = scenario(&format!("    when: '{}'\n", condition.replace('\'', "''")));
    let brought = expand(&scenario, user).expect("it expands");
    match brought.children().first() {
        None => Ok(false),
        Some(child) => match worked_on(&scenario, child) {
            Ok(_) => Ok(true),
            Err(ExpandError::Broken { why }) => {
                let told = why.rsplit_once("`: ").expect("it names the expression").1;
                Err(told.rsplit_once(" (id ").expect("it names the record").0.to_owned())
            }
            Err(other) => Err(other.to_string()),
        },
    }
}

fn worked_on(scenario: &Scenario, child: &Kin) -> Result<Parameters, ExpandError> {
    let Kin::Task(child) = child else { panic!("a task, not {child:?}") };
    scenario.program.parameters(&scenario.run, child.step, &child.item, &BTreeMap::new())
}

#[test]
fn a_child_that_cannot_be_made_is_a_dead_letter_of_its_own_and_its_siblings_are_made() {
    let other = "
  settings: { for_each: users, as: user, use: zoom.list_user_recordings, with: {
    user_id: \"${{ user.id }}\", from: 2026-11-01, to: 2026-11-24 } }
";
    let scenario = Scenario::of(
        &format!(
            "{USERS}    once: user.email\n    use: zoom.list_meetings\n    with: {{ user_id: \
             \"${{{{ user.id }}}}\" }}{other}"
        ),
        &[],
    );
    let brought = expand(&scenario, &json!({ "id": "u1" })).expect("it expands");
    let made: Vec<_> = brought.children().iter().map(|child| worked_on(&scenario, child)).collect();
    assert_eq!(made.len(), 2);
    let Err(ExpandError::Broken { why }) = &made[0] else { panic!("{made:?}") };
    assert_eq!(why, "step meetings: `user.email`: it is null, which tells nothing apart (id u1)");
    assert!(matches!(made[1], Ok(Parameters::Call(_))), "{made:?}");
}

#[test]
fn a_plan_that_this_program_does_not_know_is_refused_by_name() {
    let plan =
        compiled(&format!("{USERS}    use: zoom.list_meetings\n    with: {{ user_id: \"1\" }}"))
            .plan;
    let refused = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        Program::new(Arc::new(plan), &catalogue()).expect_err("it is not known").to_string()
    };
    let said = [
        refused(&|plan| plan.format = 9),
        refused(&|plan| plan.steps[0].operation = "zoom.list_rooms".into()),
        refused(&|plan| plan.steps[1].operation_version = 7),
        refused(&|plan| plan.steps.swap(0, 1)),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_stored_plan_runs_as_the_compiled_one() {
    let plan = compiled(include_str!("../../../../workflows/zoom-backfill.yaml")).plan;
    let stored = serde_json::to_string(&plan).expect("it is plain");
    let read: Plan = serde_json::from_str(&stored).expect("it is a plan");
    assert_eq!(read, plan);
    Program::new(Arc::new(read), &catalogue()).expect("it is known");
}

#[test]
fn null_is_compared_and_any_other_use_of_it_is_an_error() {
    let nobody = json!({ "id": "u" });
    assert_eq!(holds("user.type == null", &nobody), Ok(true));
    assert_eq!(holds("user.type != 2", &nobody), Ok(true));
    assert_eq!(holds("!(user.type in [1, 2])", &nobody), Ok(true));
    assert_eq!(holds("has(user.type)", &nobody), Ok(false));
    assert_eq!(holds("has(user.type)", &json!({ "id": "u", "type": 1 })), Ok(true));
    assert_eq!(holds("user.type > 1", &nobody), Err("`>` was given null".to_owned()));
    assert_eq!(
        holds("user.email.startsWith(\"a\")", &nobody),
        Err("`startsWith` was given null".to_owned())
    );
    assert_eq!(
        holds("date(user.created_at) <= inputs.to", &nobody),
        Err("null stands where text is due".to_owned())
    );
    assert_eq!(holds("size(user.group_ids) > 0", &nobody), Err("`size` was given null".to_owned()));
}

#[test]
fn lists_and_days_are_what_they_are_documented_to_be() {
    let user = json!({
        "id": 17, "type": "2", "created_at": "2026-11-24T23:30:00-02:00",
        "group_ids": ["a", 7], "custom_attributes": [{ "key": "k" }],
    });
    assert_eq!(holds("user.id == \"17\" && user.type == 2", &user), Ok(true));
    assert_eq!(holds("date(user.created_at) == \"2026-11-25\"", &user), Ok(true));
    assert_eq!(holds("user.group_ids.exists(g, g == \"7\")", &user), Ok(true));
    let nulls = "user.custom_attributes.all(a, a.value == null && a.key != null)";
    assert_eq!(holds(nulls, &user), Ok(true));
    assert_eq!(holds("user.group_ids.filter(g, g == \"a\").size() == 1", &user), Ok(true));
    assert_eq!(holds("connection.name == \"acme\"", &user), Ok(true));
}

#[test]
fn granted_is_what_was_granted_at_submit() {
    let condition = "    when: granted(\"zoom.list_account_recordings\")\n";
    let user = json!({ "id": "u" });
    let all = scenario(condition);
    assert_eq!(expand(&all, &user).expect("it expands").children().len(), 1);
    let fewer = scenario(condition).without(&["zoom.list_account_recordings"]);
    assert_eq!(expand(&fewer, &user).expect("it expands").children().len(), 0);
}

#[test]
fn once_tells_values_apart_and_refuses_null() {
    let scenario = scenario("    once: user.email\n");
    let once = |user: &Value| match &expand(&scenario, user).expect("it expands").children()[..] {
        [Kin::Task(child)] => child.once.expect("it has a key"),
        other => panic!("not one child: {other:?}"),
    };
    let a = once(&json!({ "id": "1", "email": "a" }));
    assert_eq!(a, once(&json!({ "id": "2", "email": "a" })));
    assert_ne!(a, once(&json!({ "id": "1", "email": "b" })));
    let brought = expand(&scenario, &json!({ "id": "1" })).expect("it expands");
    let error = worked_on(&scenario, &brought.children()[0]).expect_err("it is null").to_string();
    assert_eq!(error, "step meetings: `user.email`: it is null, which tells nothing apart (id 1)");
}

#[test]
fn a_record_is_known_again_by_its_id_and_without_one_by_all_it_says() {
    let scenario = scenario("");
    let key = |user: Value| expand(&scenario, &user).expect("it expands").broods[0].key;
    let first = key(json!({ "id": "u", "email": "old@example.com" }));
    assert_eq!(first, key(json!({ "email": "new@example.com", "id": "u" })));
    assert_ne!(first, key(json!({ "id": "v", "email": "old@example.com" })));
    let pending = key(json!({ "id": "", "email": "p@example.com", "type": 1 }));
    assert_eq!(pending, key(json!({ "type": 1, "email": "p@example.com", "id": "" })));
    assert_ne!(pending, key(json!({ "id": "", "email": "q@example.com", "type": 1 })));
}

#[test]
fn a_null_parameter_is_an_error_never_left_out() {
    let scenario = scenario("");
    let step = scenario.step("meetings");
    let error = scenario
        .program
        .parameters(&scenario.run, step, "[null]", &[].into())
        .expect_err("it is null");
    assert_eq!(error.to_string(), "step meetings: parameter `user_id` is null");
    let call = scenario.program.parameters(&scenario.run, step, "[\"u\"]", &[].into());
    let Ok(Parameters::Call(with)) = call else { panic!("no call") };
    assert_eq!(Value::Object(with), json!({ "user_id": "u" }));
    let other = scenario.program.parameters(&scenario.run, step, "[1,2]", &[].into());
    assert_eq!(other, Err(ExpandError::Item { step: "meetings".to_owned() }));
}

#[test]
fn an_error_tells_no_value_of_the_record() {
    let user = json!({ "id": "u", "email": "secret@example.com", "group_ids": ["x"] });
    let said = holds("int(user.email) > 1", &user).expect_err("it is no number");
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn a_record_that_is_met_again_with_one_file_more_brings_that_file() {
    let scenario = Scenario::of(include_str!("../../../../workflows/zoom-backfill.yaml"), &[]);
    let item = scenario.item(
        "recordings_account",
        &json!({ "window": { "from": "2026-11-01", "to": "2026-11-24" } }),
    );
    let file = |id: &str| json!({ "id": id, "meeting_id": "U==", "file_type": "TRANSCRIPT" });
    let keys = |files: Value| -> Vec<(u64, usize)> {
        let record = json!({
            "uuid": "U==", "start_time": "2026-11-02T10:00:00Z", "recording_files": files,
        });
        let step = scenario.step("recordings_account");
        let brought = scenario.program.expand(&scenario.run, step, &item, &record);
        brought.expect("it expands").broods.iter().map(|b| (b.key, b.kin.len())).collect()
    };
    let before = keys(json!([file("a")]));
    let after = keys(json!([file("b"), file("a")]));
    assert_eq!(before.len(), 2, "the recording's own, and its file's");
    assert_eq!(after.len(), 3);
    let new: Vec<_> = after.iter().filter(|brood| !before.contains(brood)).collect();
    assert_eq!(new.len(), 1);
}
