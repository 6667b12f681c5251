//! Expressions: what compiles is evaluated over any record, always alike or refused always alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use watershed_workflow::{Program, RunContext, compile, resolve_inputs};
use watershed_zoom::catalogue;

use crate::corpus::Corpus;

/// Where an expression may stand, in a workflow that is good but for it.
fn workflow(place: &str, expression: &str) -> String {
    // A JSON text is a YAML text.
    let quoted = |text: String| Value::from(text).to_string();
    let when = if place == "when" { expression } else { "true" };
    let once = if place == "once" { expression } else { "user.id" };
    let user_id = if place == "with" { expression } else { "user.id" };
    format!(
        "name: any\ninputs:\n  from: {{ type: date, default: -30d }}\nsteps:\n  \
         users:\n    use: zoom.list_users\n    with: {{ status: active }}\n  \
         meetings:\n    for_each: users\n    as: user\n    when: {}\n    once: {}\n    \
         use: zoom.list_meetings\n    with: {{ user_id: {}, type: previous_meetings }}\n",
        quoted(when.to_owned()),
        quoted(once.to_owned()),
        quoted(format!("${{{{ {user_id} }}}}")),
    )
}

#[test]
fn expressions() {
    let records = [
        json!({ "id": "u", "email": "a@example.com", "status": "active", "type": 2,
                "created_at": "2026-11-03T10:00:00Z", "group_ids": ["g", "h"] }),
        json!({ "id": 7, "status": null, "type": "2", "created_at": "soon", "group_ids": "g" }),
        json!({ "id": "", "type": i64::MIN, "group_ids": [null, 1, ["x"]] }),
        json!({}),
    ];
    Corpus::of("expressions").read(|text| {
        let expression = String::from_utf8_lossy(text);
        for place in ["when", "once", "with"] {
            let file = workflow(place, &expression);
            match compile("any.yaml", &file, &catalogue()) {
                Err(wrong) => assert!(wrong.to_string().contains("any.yaml"), "{wrong}"),
                Ok(compiled) => evaluated(compiled.plan, &records),
            }
        }
    });
}

fn evaluated(plan: watershed_model::Plan, records: &[Value]) {
    let today = jiff::civil::date(2026, 11, 24);
    let inputs = resolve_inputs(&plan, &BTreeMap::new(), today).expect("they have defaults");
    let program = Program::new(Arc::new(plan), &catalogue()).expect("what compiled can be run");
    let granted = catalogue().operations.iter().map(|o| o.id.to_owned()).collect();
    let run = RunContext { connection: "acme".into(), inputs, granted };
    let (users, _) = program.plan().step_named("users").expect("it is there");
    let (meetings, _) = program.plan().step_named("meetings").expect("it is there");
    for record in records {
        let expanded = program.expand(&run, users, "[]", record);
        assert_eq!(expanded, program.expand(&run, users, "[]", record));
        let broods = expanded.iter().flat_map(|expanded| &expanded.broods);
        for kin in broods.flat_map(|brood| &brood.kin) {
            let watershed_model::Kin::Task(child) = kin else { panic!("there is no join") };
            let asked = || program.parameters(&run, meetings, &child.item, &[].into());
            assert_eq!(asked(), asked());
        }
    }
}
