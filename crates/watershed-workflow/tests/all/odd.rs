//! Odd workflows: deep nests, joins on any level, shared ancestors, windows within branches.

use crate::common::{Children as _, Scenario, compiled};
use serde_json::{Value, json};
use watershed_model::{Kin, Source};
use watershed_workflow::{Expanded, Parameters};

const FOUR_LEVELS: &str = include_str!("../odd/four-levels.yaml");
const JOIN_IN_A_BRANCH: &str = include_str!("../odd/join-in-a-branch.yaml");
const SHARED_ANCESTOR: &str = include_str!("../odd/shared-ancestor.yaml");
const JOIN_OVER_NOTHING: &str = include_str!("../odd/join-over-nothing.yaml");
const WINDOWS_WITHIN_USERS: &str = include_str!("../odd/windows-within-users.yaml");

/// Steps, scopes and joins in lines.
fn shape(text: &str) -> String {
    let plan = compiled(text).plan;
    let name = |id: &watershed_model::StepId| plan.step(*id).name.clone();
    let names =
        |ids: &[watershed_model::StepId]| ids.iter().map(name).collect::<Vec<_>>().join(" ");
    let mut lines = Vec::new();
    for step in &plan.steps {
        let source = match &step.source {
            Source::Run => "run".to_owned(),
            Source::Literals(values) => format!("{} literals", values.len()),
            Source::Items(feeds) => feeds
                .iter()
                .map(|f| match &f.field {
                    Some(field) => format!("{}.{field}", name(&f.step)),
                    None => name(&f.step),
                })
                .collect::<Vec<_>>()
                .join(" + "),
            Source::Join(needs) => format!("after {}", names(needs)),
        };
        let carries: Vec<String> = step
            .carries
            .iter()
            .map(|c| match &c.field {
                Some(field) => format!("{}.{field}", c.name),
                None => c.name.clone(),
            })
            .collect();
        lines.push(format!(
            "{}: {source}; depth {}, scope {}, carries [{}], feeds [{}]",
            step.name,
            step.depth,
            step.scope,
            carries.join(" "),
            names(&step.feeds)
        ));
    }
    for (at, scope) in plan.scopes.iter().enumerate() {
        lines.push(format!("scope {at}: {} in {:?}", scope.name, scope.parent));
    }
    for join in &plan.joins {
        let watches = names(&join.watches);
        lines.push(format!("join {} at {} watches {watches}", name(&join.step), join.scope));
    }
    lines.join("\n")
}

fn expand(scenario: &Scenario, step: &str, item: &Value, record: &Value) -> Expanded {
    let item = scenario.item(step, item);
    let id = scenario.step(step);
    scenario.program.expand(&scenario.run, id, &item, record).expect("it expands")
}

/// Children as an indented tree.
fn tree(scenario: &Scenario, kin: &[Kin]) -> String {
    fn grow(scenario: &Scenario, kin: &[Kin], indent: usize, text: &mut String) {
        let pad = " ".repeat(indent);
        let name = |step| &scenario.program.plan().step(step).name;
        for kin in kin {
            match kin {
                Kin::Task(child) => {
                    text.push_str(&format!("{pad}{} {}\n", name(child.step), child.item));
                }
                Kin::Scope { level, joins, kin, .. } => {
                    let scope = &scenario.program.plan().scopes[usize::from(*level)].name;
                    text.push_str(&format!("{pad}scope {scope}\n"));
                    for (join, items) in joins {
                        text.push_str(&format!("{pad}  join {} {items:?}\n", name(*join)));
                    }
                    grow(scenario, kin, indent + 2, text);
                }
            }
        }
    }
    let mut text = String::new();
    grow(scenario, kin, 0, &mut text);
    text
}

fn keys(kin: &[Kin]) -> Vec<u64> {
    kin.iter()
        .flat_map(|kin| match kin {
            Kin::Task(_) => Vec::new(),
            Kin::Scope { key, kin, .. } => [vec![*key], keys(kin)].concat(),
        })
        .collect()
}

#[test]
fn a_nest_of_four_levels_carries_what_the_deepest_uses() {
    insta::assert_snapshot!(shape(FOUR_LEVELS));
}

#[test]
fn a_join_in_the_middle_of_a_branch_watches_what_is_beneath_its_needs() {
    insta::assert_snapshot!(shape(JOIN_IN_A_BRANCH));
}

#[test]
fn two_sources_hang_under_the_ancestor_that_they_share() {
    insta::assert_snapshot!(shape(SHARED_ANCESTOR));
}

#[test]
fn a_join_over_steps_of_different_depth_stands_where_both_are_beneath() {
    insta::assert_snapshot!(shape(JOIN_OVER_NOTHING));
}

#[test]
fn windows_within_users_are_a_level_of_their_own() {
    insta::assert_snapshot!(shape(WINDOWS_WITHIN_USERS));
}

#[test]
fn a_user_is_a_scope_with_the_items_of_its_joins() {
    let scenario = Scenario::of(JOIN_IN_A_BRANCH, &[]);
    let user = json!({ "id": "u1", "type": 2, "email": "a@example.com" });
    let brought = expand(&scenario, "users", &json!({}), &user);
    insta::assert_snapshot!(tree(&scenario, &brought.children()));
    let meeting = json!({ "id": 7, "uuid": "M==" });
    let item = json!({ "user": { "id": "u1", "email": "a@example.com" } });
    let brought = expand(&scenario, "meetings", &item, &meeting);
    insta::assert_snapshot!(tree(&scenario, &brought.children()), @r#"
    scope meeting
      join held ["[\"M==\"]"]
      instances [7]
    "#);
}

#[test]
fn a_join_that_has_nothing_beneath_it_has_its_scope_all_the_same() {
    let scenario = Scenario::of(JOIN_OVER_NOTHING, &[]);
    let user = json!({ "id": "u1", "type": 1 });
    let brought = expand(&scenario, "users", &json!({}), &user);
    insta::assert_snapshot!(tree(&scenario, &brought.children()), @r#"
    scope user
      join a_user ["[\"u1\"]"]
    "#);
    let joins = scenario.program.root_joins(&scenario.run).expect("they have items");
    assert_eq!(joins, [(scenario.step("a_run"), vec!["[]".to_owned()])]);
}

#[test]
fn a_join_asks_its_condition_when_it_is_released() {
    let scenario = Scenario::of(JOIN_IN_A_BRANCH, &[]);
    let step = scenario.step("recordings");
    let item = r#"["a@example.com","u1","2026-01-01","2026-01-30"]"#;
    let parameters = |failures: &[(&str, u64)]| {
        let failures = failures.iter().map(|(step, n)| ((*step).to_owned(), *n)).collect();
        scenario.program.parameters(&scenario.run, step, item, &failures).expect("it is good")
    };
    let Parameters::Call(with) = parameters(&[("instances", 2)]) else { panic!("no call") };
    let expected = json!({ "user_id": "u1", "from": "2026-01-01", "to": "2026-01-30" });
    assert_eq!(Value::Object(with), expected);
    assert_eq!(parameters(&[("instances", 3)]), Parameters::Skip);
    assert_eq!(parameters(&[("meetings", 1)]), Parameters::Skip);
}

#[test]
fn a_union_reaches_the_names_that_its_sources_share() {
    let scenario = Scenario::of(SHARED_ANCESTOR, &[]);
    let item = json!({ "status": "active", "user": { "id": "u1", "status": "active" } });
    let meeting = json!({ "id": 7, "uuid": "M==" });
    let brought = expand(&scenario, "previous", &item, &meeting);
    assert_eq!(tree(&scenario, &brought.children()), "instances [7]\n");
    let elsewhere = json!({ "status": "inactive", "user": { "id": "u1", "status": "active" } });
    let brought = expand(&scenario, "previous", &elsewhere, &meeting);
    assert!(brought.children().is_empty());
}

#[test]
fn every_window_of_a_user_is_a_scope_of_its_own() {
    let scenario = Scenario::of(WINDOWS_WITHIN_USERS, &[]);
    let user = json!({ "id": "u1", "created_at": "2026-01-15T22:30:00-05:00" });
    let brought = expand(&scenario, "users", &json!({}), &user);
    insta::assert_snapshot!(tree(&scenario, &brought.children()), @r#"
    scope window
      join checked ["[\"u1\",\"2026-01-16\",\"2026-02-14\"]"]
      recordings ["u1","2026-01-16","2026-02-14"]
    scope window
      join checked ["[\"u1\",\"2026-02-14\",\"2026-03-01\"]"]
      recordings ["u1","2026-02-14","2026-03-01"]
    "#);
    let mut keys = keys(&brought.children());
    keys.dedup();
    assert_eq!(keys.len(), 2, "siblings have keys of their own");
    let item = json!({
        "user": { "id": "u1" }, "window": { "from": "2026-02-14", "to": "2026-03-01" },
    });
    let brought = expand(&scenario, "recordings", &item, &json!({ "uuid": "R==" }));
    insta::assert_snapshot!(tree(&scenario, &brought.children()), @r#"
    closer ["2026-02-14","2026-02-28"]
    closer ["2026-02-28","2026-03-01"]
    "#);
}

#[test]
fn a_record_of_two_listings_is_a_branch_in_each() {
    let scenario = Scenario::of(SHARED_ANCESTOR, &[]);
    let user = json!({ "id": "u1", "status": "active" });
    let of = |status: &str| {
        let brought = expand(&scenario, "users", &json!({ "status": status }), &user);
        keys(&brought.children())
    };
    assert_eq!(of("active").len(), 1);
    assert_ne!(of("active"), of("inactive"));
    assert_eq!(of("active"), of("active"));
}
