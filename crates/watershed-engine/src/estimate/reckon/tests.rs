use serde_json::json;
use watershed_model::{Brood, Child, Kin};

use super::*;
use crate::estimate::tree::{Known, Left};

const WORKFLOW: &str = r#"
name: two-levels
steps:
  users:
    use: zoom.list_users
    with: { status: active }
  meetings:
    for_each: users
    as: user
    use: zoom.list_meetings
    with: { user_id: "${{ user.id }}", type: scheduled }
  held:
    for_each: meetings
    as: meeting
    once: meeting.uuid
    use: zoom.get_past_meeting
    with: { uuid: "${{ meeting.uuid }}" }
"#;

fn plan() -> Plan {
    let catalogue = watershed_zoom::catalogue();
    watershed_workflow::compile("two.yaml", WORKFLOW, &catalogue).expect("it is good").plan
}

fn brood(plan: &Plan, step: &str, key: u64, id: &str, once: Option<u64>) -> Brood {
    let (step, _) = plan.step_named(step).expect("a step");
    let child = Child { step, item: json!([id]).to_string(), once, bucket: 0, together: false };
    Brood { key, kin: vec![Kin::Task(child)] }
}

fn known(rows: u64) -> Known {
    Known { calls: 1, spent: 1, rows }
}

/// A tree of so many users, those that `asked` picks with as many meetings as `has` says.
fn tree(plan: &Plan, users: u64, asked: impl Fn(u64) -> bool, has: impl Fn(u64) -> u64) -> Tree {
    let mut tree = Tree::default();
    let (step, _) = plan.step_named("users").expect("a step");
    let root = Child { step, item: "[]".to_owned(), once: None, bucket: 0, together: false };
    tree.seed(plan, vec![Kin::Task(root)], Vec::new());
    let broods = (0..users).map(|u| brood(plan, "meetings", u, &format!("user{u}"), None));
    tree.answer(plan, 0, known(users), broods.collect());
    for user in (0..users).filter(|user| asked(*user)) {
        let meetings = (0..has(user)).map(|m| {
            let once = user * 1_000 + m;
            brood(plan, "held", once, &format!("uuid{once}"), Some(once))
        });
        let at = 1 + usize::try_from(user).expect("few");
        tree.answer(plan, at, known(has(user)), meetings.collect());
    }
    tree
}

fn light(reckoned: &Reckoned) -> f64 {
    reckoned.calls[&Category::Light]
}

#[test]
fn what_was_read_whole_is_exact() {
    let plan = plan();
    let reckoned = reckon(&tree(&plan, 50, |_| true, |user| user % 7), &plan);
    let truth: u64 = (0..50).map(|user| user % 7).sum();
    assert!((light(&reckoned) - truth as f64).abs() < 1e-6);
    assert_eq!(reckoned.half_width(Category::Light), 0.0);
    assert!((reckoned.calls[&Category::Medium] - 51.0).abs() < 1e-6);
}

#[test]
fn the_call_that_told_that_nothing_is_to_be_had_is_made_once() {
    let plan = plan();
    let mut tree = tree(&plan, 100, |user| user < 10, |_| 1);
    let (held, _) = plan.step_named("held").expect("a step");
    let first = tree.nodes.iter().position(|node| node.step == held).expect("one");
    tree.answer(&plan, first, known(0), Vec::new());
    for node in tree.nodes.iter_mut().filter(|node| node.step == held) {
        node.left = Some(Left { why: "tier", what: "a paid plan".to_owned() });
        node.free = node.answer.is_none();
    }
    let reckoned = reckon(&tree, &plan);
    assert!((light(&reckoned) - 1.0).abs() < 1e-6, "{}", light(&reckoned));
}

#[test]
fn those_that_were_asked_stand_for_those_that_were_not() {
    let plan = plan();
    let reckoned = reckon(&tree(&plan, 100, |user| user < 10, |user| 2 + user % 2), &plan);
    assert!((light(&reckoned) - 250.0).abs() < 1e-6);
    // Ten of a hundred, one half with 2 and one with 3: 100 × 90 ÷ 10 × 0.2778.
    let error = reckoned.half_width(Category::Light) / ERRORS;
    assert!((error - 15.81).abs() < 0.01, "{error}");
    // A call for each user is known without asking.
    assert_eq!(reckoned.half_width(Category::Medium), 0.0);
}

#[test]
fn one_key_is_asked_once_however_often_it_comes() {
    let plan = plan();
    let mut tree = tree(&plan, 2, |_| false, |_| 0);
    for at in [1, 2] {
        let same = brood(&plan, "held", 7, "uuid7", Some(7));
        tree.answer(&plan, at, known(1), vec![same]);
    }
    assert!((light(&reckon(&tree, &plan)) - 1.0).abs() < 1e-6);
}

#[test]
fn users_that_are_named_more_often_are_reckoned_to_have_more() {
    let plan = plan();
    let named = |user: u64| user % 5;
    // Chance would have the sample lie low: all that are named often are left out of it.
    let mut tree = tree(&plan, 100, |user| user % 5 != 4, |user| 1 + 2 * named(user));
    for user in 0..100 {
        for _ in 0..named(user) {
            tree.name(&json!({ "host_id": format!("user{user}") }));
        }
    }
    tree.recount(0);
    let reckoned = reckon(&tree, &plan);
    let truth: u64 = (0..100).map(|user| 1 + 2 * named(user)).sum();
    assert!((light(&reckoned) - truth as f64).abs() < 1e-6, "{}", light(&reckoned));
    assert!(reckoned.half_width(Category::Light) < 1e-3);
}

#[test]
fn a_stratum_that_was_not_asked_says_so() {
    let plan = plan();
    let reckoned = reckon(&tree(&plan, 10, |_| false, |_| 0), &plan);
    let stratum = reckoned.strata.iter().find(|s| s.feeds && s.known == 10).expect("users");
    assert_eq!((stratum.known, stratum.asked, stratum.open.len()), (10, 0, 10));
    assert!((reckoned.calls[&Category::Medium] - 11.0).abs() < 1e-6);
}

/// A number that looks like chance.
fn chance(seed: u64, n: u64) -> u64 {
    watershed_model::hash64(&[&seed.to_le_bytes(), &n.to_le_bytes()])
}

#[test]
fn the_truth_lies_within_what_is_told_nearly_always() {
    let plan = plan();
    let mut outside = 0;
    for seed in 0..300 {
        let has = |user: u64| chance(seed, user) % 4 * (chance(seed, user + 1_000) % 5);
        let drawn = |user: u64| chance(seed, user + 2_000).is_multiple_of(4);
        let reckoned = reckon(&tree(&plan, 200, drawn, has), &plan);
        let truth: u64 = (0..200).map(has).sum();
        let off = (light(&reckoned) - truth as f64).abs();
        assert!(reckoned.half_width(Category::Light) < truth as f64, "it says something");
        outside += u32::from(off > reckoned.half_width(Category::Light));
    }
    assert!(outside <= 8, "{outside} of 300 outside");
}
