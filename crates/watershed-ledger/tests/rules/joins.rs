//! Scopes and joins: what is released when, what folds.

use watershed_model::{RunState, Source, StepId};

use crate::plans::{half_watched, items, join, plan, step, summed};
use crate::scenario::{Scenario, branch, task};

/// Users `a` (meetings `a1`, `a2`) and `b` (none), each with its summary; then the total.
fn two_users() -> Scenario {
    let mut s = Scenario::run_with(summed(), vec![task(0, "all")], &[(3, &["t"])]);
    s.leases_all("w");
    let kin = vec![
        branch(1, 10, &[(2, &["sum a"])], vec![task(1, "a1"), task(1, "a2")]),
        branch(1, 11, &[(2, &["sum b"])], vec![]),
    ];
    s.closes("w", "users:all", kin);
    s
}

#[test]
fn a_join_runs_once_for_each_branch_after_everything_beneath_it() {
    let mut s = two_users();
    assert_eq!(s.leases_all("w"), ["summary:sum b", "meetings:a1", "meetings:a2"]);
    s.closes("w", "meetings:a1", vec![]);
    assert_eq!(s.leases_all("w"), [""; 0]);
    s.closes("w", "meetings:a2", vec![]);
    assert_eq!(s.leases_all("w"), ["summary:sum a"]);
}

#[test]
fn a_join_of_the_run_waits_for_the_joins_that_it_needs() {
    let mut s = two_users();
    s.leases_all("w");
    for task in ["meetings:a1", "meetings:a2", "summary:sum b"] {
        s.closes("w", task, vec![]);
    }
    assert_eq!(s.leases_all("w"), ["summary:sum a"]);
    s.closes("w", "summary:sum a", vec![]);
    assert_eq!(s.leases_all("w"), ["total:t"]);
    assert_eq!(s.state(), RunState::Running);
    s.closes("w", "total:t", vec![]).settles("w");
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn a_join_over_no_items_runs_once() {
    let mut s = Scenario::run_with(summed(), vec![task(0, "all")], &[(3, &["t"])]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![]);
    assert_eq!(s.leases_all("w"), ["total:t"], "no user at all");
    s.closes("w", "total:t", vec![]).settles("w");
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn a_join_of_a_run_without_any_item_runs_at_once() {
    let mut s = Scenario::run_with(summed(), vec![], &[(3, &["t"])]);
    assert_eq!(s.leases_all("w"), ["total:t"]);
}

#[test]
fn a_join_without_items_of_its_own_holds_nothing_up() {
    let mut s = Scenario::run(summed(), vec![task(0, "all")]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![branch(1, 10, &[], vec![task(1, "m")])]);
    assert_eq!(s.drains("w"), ["meetings:m"]);
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn a_join_with_several_items_is_done_after_the_last() {
    let mut s = Scenario::run_with(summed(), vec![task(0, "all")], &[(3, &["t"])]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![branch(1, 10, &[(2, &["x", "y"])], vec![])]);
    assert_eq!(s.leases_all("w"), ["summary:x", "summary:y"]);
    s.closes("w", "summary:x", vec![]);
    assert_eq!(s.leases_all("w"), [""; 0]);
    s.closes("w", "summary:y", vec![]);
    assert_eq!(s.leases_all("w"), ["total:t"]);
}

#[test]
fn a_page_to_come_keeps_a_join_waiting() {
    let mut s = Scenario::run_with(summed(), vec![task(0, "all")], &[(3, &["t"])]);
    s.leases_all("w");
    let at = s.now;
    s.says("w", "users:all", crate::scenario::page("t1", at, vec![]));
    assert_eq!(s.leases_all("w"), ["users:all"]);
    s.closes("w", "users:all", vec![]);
    assert_eq!(s.leases_all("w"), ["total:t"]);
}

#[test]
fn what_a_join_brings_belongs_to_its_branch() {
    let mut plan = summed();
    plan.steps.push(step("extra", 2, 1, items(2)));
    plan.joins[1].watches.push(StepId(4));
    let mut s = Scenario::run_with(plan, vec![task(0, "all")], &[(3, &["t"])]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![branch(1, 10, &[(2, &["sum"])], vec![])]);
    s.leases_all("w");
    s.closes("w", "summary:sum", vec![task(4, "more")]);
    assert_eq!(s.drains("w"), ["extra:more", "total:t"]);
}

#[test]
fn a_finished_branch_leaves_nothing_behind() {
    let mut s = two_users();
    s.drains("w");
    let root_only = s.clone();
    assert_eq!(s.state(), RunState::Complete);
    let text = format!("{:?}", root_only.tables);
    assert_eq!(text.matches("Scope {").count(), 1, "the run's own");
    assert!(s.open_records().is_empty());
}

#[test]
fn a_join_hears_of_dead_letters_in_branches_that_are_still_open() {
    let mut s = Scenario::run_with(half_watched(), vec![task(0, "all")], &[(4, &["rep"])]);
    s.leases_all("w");
    let user = branch(1, 10, &[(3, &["n"])], vec![task(1, "m1"), task(1, "m2")]);
    s.closes("w", "users:all", vec![user]).leases_all("w");
    s.closes("w", "meetings:m1", vec![task(2, "file")]).fails("w", "meetings:m2");
    assert_eq!(s.leases_all("w"), ["files:file", "report:rep"]);
    assert_eq!(s.held("w", "report:rep").failures, [(StepId(1), 1)]);
}

#[test]
fn a_leased_task_names_the_branches_above_it() {
    let mut s = two_users();
    s.leases_all("w");
    let scopes = &s.held("w", "meetings:a1").scopes;
    assert_eq!(scopes.len(), 1);
    assert_eq!((scopes[0].level, scopes[0].key), (1, 10));
    assert_eq!(scopes[0].joins, [(StepId(2), vec!["sum a".to_owned()])]);
    assert_eq!(s.held("w", "summary:sum b").scopes[0].key, 11);
}

#[test]
fn a_branch_that_two_listings_bring_is_one_branch() {
    let kin = vec![task(0, "active"), task(0, "pending")];
    let mut s = Scenario::run_with(summed(), kin, &[(3, &["t"])]);
    s.leases_all("w");
    let user = |meeting: &str| branch(1, 10, &[(2, &["sum"])], vec![task(1, meeting)]);
    s.closes("w", "users:active", vec![user("m1")]);
    s.closes("w", "users:pending", vec![user("m2")]);
    assert_eq!(s.drains("w"), ["meetings:m1", "meetings:m2", "summary:sum", "total:t"]);
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn the_join_of_a_branch_that_is_brought_once_more_runs_once_more() {
    let mut plan = summed();
    plan.steps.push(step("extra", 2, 1, items(2)));
    plan.joins[1].watches.push(StepId(4));
    let kin = vec![task(0, "active"), task(0, "pending")];
    let mut s = Scenario::run_with(plan, kin, &[(3, &["t"])]);
    s.leases_all("w");
    let user = |meeting: &str| branch(1, 10, &[(2, &["sum"])], vec![task(1, meeting)]);
    s.closes("w", "users:active", vec![user("m1")]);
    assert_eq!(s.leases_all("w"), ["meetings:m1"]);
    s.closes("w", "meetings:m1", vec![]).leases_all("w");
    s.closes("w", "summary:sum", vec![task(4, "still open")]).leases_all("w");
    s.closes("w", "users:pending", vec![user("m2")]);
    assert_eq!(s.leases_all("w"), ["meetings:m2"]);
    s.closes("w", "meetings:m2", vec![]).closes("w", "extra:still open", vec![]);
    assert_eq!(s.drains("w"), ["summary:sum", "total:t"]);
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn a_step_of_several_sources_hangs_where_its_sources_meet() {
    // 0 users, 1 meetings and 2 webinars of a user, 3 held of both, counted by the run.
    let plan = plan(
        vec![
            step("users", 0, 0, Source::Run),
            step("meetings", 1, 1, items(0)),
            step("webinars", 1, 1, items(0)),
            step("held", 1, 0, items(1)),
            step("summary", 1, 1, Source::Join(vec![StepId(1), StepId(2)])),
        ],
        &[(None, "run"), (Some(0), "user")],
        vec![join(4, 1, &[1, 2])],
    );
    let mut s = Scenario::run(plan, vec![task(0, "all")]);
    s.leases_all("w");
    let beneath = vec![task(1, "m"), task(2, "w")];
    s.closes("w", "users:all", vec![branch(1, 10, &[(4, &["sum"])], beneath)]);
    s.leases_all("w");
    s.closes("w", "meetings:m", vec![task(3, "h1")]).closes("w", "webinars:w", vec![task(3, "h2")]);
    // The branch does not wait for what hangs under the run.
    assert_eq!(s.leases_all("w"), ["summary:sum", "held:h1", "held:h2"]);
    assert!(s.held("w", "held:h1").scopes.is_empty());
}

#[test]
fn nested_branches_fold_from_the_inside() {
    let plan = plan(
        vec![
            step("users", 0, 0, Source::Run),
            step("meetings", 1, 1, items(0)),
            step("files", 2, 2, items(1)),
            step("inner", 2, 2, Source::Join(vec![StepId(2)])),
            step("outer", 1, 1, Source::Join(vec![StepId(1), StepId(3)])),
        ],
        &[(None, "run"), (Some(0), "user"), (Some(1), "meeting")],
        vec![join(3, 2, &[2]), join(4, 1, &[1, 2, 3])],
    );
    let mut s = Scenario::run(plan, vec![task(0, "all")]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![branch(1, 1, &[(4, &["out"])], vec![task(1, "m")])]);
    s.leases_all("w");
    let meeting = |key, join: &'static str, kin| branch(2, key, &[(3, &[join])], kin);
    let kin =
        vec![meeting(5, "in5", vec![task(2, "f1"), task(2, "f2")]), meeting(6, "in6", vec![])];
    s.closes("w", "meetings:m", kin);
    assert_eq!(s.leases_all("w"), ["inner:in6", "files:f1", "files:f2"]);
    s.closes("w", "inner:in6", vec![]).closes("w", "files:f2", vec![]);
    assert_eq!(s.leases_all("w"), [""; 0]);
    s.closes("w", "files:f1", vec![]);
    assert_eq!(s.drains("w"), ["inner:in5", "outer:out"]);
    assert_eq!(s.state(), RunState::Complete);
}
