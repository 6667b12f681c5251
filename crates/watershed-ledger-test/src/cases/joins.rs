//! Joins and scopes: when a join runs, and when a branch is finished.

use watershed_ledger::{End, Outcome};

use super::scenario::{Scenario, brings, done, item_names, page, records, scope, task};
use super::suite::declare;
use crate::sketch::{From, Line};
use watershed_model::{RunState, StepId};

declare! {
    a_join_waits_for_everything_beneath_its_needs,
    a_join_over_no_items_runs_once,
    a_join_without_items_is_done_at_once,
    a_join_is_not_released_between_two_pages,
    a_join_runs_once_with_each_of_its_items,
    a_join_in_a_branch_runs_once_for_each_branch,
    a_join_runs_in_a_branch_that_brought_nothing,
    a_join_waits_for_the_joins_beneath_it,
    a_join_is_not_held_by_what_it_does_not_need,
    what_a_join_brings_keeps_its_branch_open,
    a_join_of_the_run_waits_for_what_inner_joins_bring,
    a_join_hears_of_failures_beneath_its_branch_only,
    five_levels_fold_up_to_the_run,
    a_step_with_several_sources_hangs_under_what_they_share,
    a_join_is_counted_when_it_runs,
}

fn each(step: usize) -> Line {
    Line::new(From::Each(vec![(step, false)]))
}

fn needs(steps: &[usize]) -> Line {
    Line::new(From::Needs(steps.to_vec()))
}

/// `users` → `meetings`, and `total` over the meetings of the run.
fn users_and_total(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), each(0), needs(&[0, 1])];
    s.run("run", lines, vec![task(0, "users")], vec![(2, &["total"])]);
}

fn a_join_waits_for_everything_beneath_its_needs(s: &mut Scenario) {
    users_and_total(s);
    let users = s.lease_one("w");
    s.close("w", &users, brings(vec![task(1, "a"), task(1, "b")]));
    let meetings = s.lease("w", 9);
    assert_eq!(meetings.len(), 2);
    s.close("w", &meetings[0], done());
    assert!(s.lease("w", 9).is_empty());
    s.close("w", &meetings[1], done());
    assert_eq!(s.lease_one("w").item, "total");
    assert_eq!(s.state("run"), RunState::Running);
}

fn a_join_over_no_items_runs_once(s: &mut Scenario) {
    users_and_total(s);
    let users = s.lease_one("w");
    s.close("w", &users, done());
    let total = s.lease_one("w");
    assert_eq!(total.item, "total");
    s.close("w", &total, done());
    assert_eq!(s.step("run", 2).done, 1);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_join_without_items_is_done_at_once(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), needs(&[0]), needs(&[1])];
    s.run("run", lines, vec![task(0, "users")], vec![(1, &[]), (2, &["after"])]);
    let users = s.lease_one("w");
    s.close("w", &users, done());
    assert_eq!(s.lease_one("w").item, "after");
    assert_eq!(s.step("run", 1).known, 0);
}

fn a_join_is_not_released_between_two_pages(s: &mut Scenario) {
    users_and_total(s);
    let users = s.lease_one("w");
    let now = s.now;
    s.close("w", &users, page(records(vec![(1, vec![task(1, "a")])]), 1, now));
    let leased = s.lease("w", 9);
    let child = leased.iter().find(|l| l.item == "a").expect("the child");
    s.close("w", child, done());
    let users = leased.iter().find(|l| l.item == "users").expect("the next page");
    s.close("w", users, page(Vec::new(), 2, now));
    let users = s.lease_one("w");
    assert_eq!(users.item, "users");
    s.close("w", &users, done());
    assert_eq!(s.lease_one("w").item, "total");
}

fn a_join_runs_once_with_each_of_its_items(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), needs(&[0]).windows()];
    s.run("run", lines, vec![task(0, "users")], vec![(1, &["june", "july", "august"])]);
    let users = s.lease_one("w");
    s.close("w", &users, done());
    let mut names = s.finish("w");
    names.sort_unstable();
    assert_eq!(names, ["august", "july", "june"]);
    assert_eq!(s.state("run"), RunState::Complete);
}

/// `users` → `meetings` of each → `held` of each, with `digest` once a user.
fn digest_lines() -> Vec<Line> {
    vec![Line::new(From::Run), each(0), each(1), needs(&[1, 2])]
}

fn user(key: u64, digest: &'static [&'static str], meetings: &str) -> watershed_model::Kin {
    scope(1, key, vec![(3, digest)], vec![task(1, meetings)])
}

fn a_join_in_a_branch_runs_once_for_each_branch(s: &mut Scenario) {
    s.run("run", digest_lines(), vec![task(0, "users")], vec![]);
    let users = s.lease_one("w");
    let kin = vec![user(1, &["digest ann"], "ann"), user(2, &["digest bob"], "bob")];
    s.close("w", &users, brings(kin));
    let meetings = s.lease("w", 9);
    let ann = meetings.iter().find(|l| l.item == "ann").expect("ann's");
    let bob = meetings.iter().find(|l| l.item == "bob").expect("bob's");
    s.close("w", ann, brings(vec![task(2, "ann 1")]));
    s.close("w", bob, done());
    // Bob's branch is done with; Ann's waits for her meeting.
    let leased = s.lease("w", 9);
    let mut names = item_names(&leased);
    names.sort_unstable();
    assert_eq!(names, ["ann 1", "digest bob"]);
    let held = leased.iter().find(|l| l.item == "ann 1").expect("ann's meeting");
    s.close("w", held, done());
    assert_eq!(s.lease_one("w").item, "digest ann");
    assert_eq!(s.step("run", 3).known, 2);
}

fn a_join_runs_in_a_branch_that_brought_nothing(s: &mut Scenario) {
    s.run("run", digest_lines(), vec![task(0, "users")], vec![]);
    let users = s.lease_one("w");
    // A branch in which every condition was false: no task at all, but its join.
    s.close("w", &users, brings(vec![scope(1, 1, vec![(3, &["digest"])], vec![])]));
    let digest = s.lease_one("w");
    assert_eq!(digest.scopes.len(), 1);
    assert_eq!((digest.scopes[0].level, digest.scopes[0].key), (1, 1));
    s.close("w", &digest, done());
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_join_waits_for_the_joins_beneath_it(s: &mut Scenario) {
    let mut lines = digest_lines();
    lines.push(needs(&[3]));
    lines.push(needs(&[0, 1, 2]));
    // Step 4 needs the digests only, so it stands in the user's branch; step 5 in the run.
    let joins: Vec<(u16, &[&str])> = vec![(5, &["report"])];
    s.run("run", lines, vec![task(0, "users")], joins);
    let users = s.lease_one("w");
    let digests: Vec<(u16, &[&str])> = vec![(3, &["digest"]), (4, &["after digest"])];
    s.close("w", &users, brings(vec![scope(1, 1, digests, vec![task(1, "ann")])]));
    assert_eq!(s.finish("w"), ["ann", "digest", "after digest", "report"]);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_join_is_not_held_by_what_it_does_not_need(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), Line::new(From::Literals(1)), needs(&[0])];
    s.run("run", lines, vec![task(0, "needed"), task(1, "other")], vec![(2, &["join"])]);
    let leased = s.lease("w", 9);
    let needed = leased.iter().find(|l| l.item == "needed").expect("the needed one");
    s.close("w", needed, done());
    assert_eq!(s.lease_one("w").item, "join");
    assert_eq!(s.step("run", 1).open, 1);
}

fn what_a_join_brings_keeps_its_branch_open(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), needs(&[0]), each(1)];
    s.run("run", lines, vec![task(0, "users")], vec![(1, &["join"])]);
    let users = s.lease_one("w");
    s.close("w", &users, done());
    let join = s.lease_one("w");
    s.close("w", &join, brings(vec![task(2, "brought")]));
    assert_eq!(s.state("run"), RunState::Running);
    assert_eq!(s.finish("w"), ["brought"]);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_join_of_the_run_waits_for_what_inner_joins_bring(s: &mut Scenario) {
    let mut lines = digest_lines();
    lines.push(each(3));
    lines.push(needs(&[0, 4]));
    s.run("run", lines, vec![task(0, "users")], vec![(5, &["report"])]);
    let users = s.lease_one("w");
    s.close("w", &users, brings(vec![user(1, &["digest"], "ann")]));
    let ann = s.lease_one("w");
    s.close("w", &ann, done());
    let digest = s.lease_one("w");
    s.close("w", &digest, brings(vec![task(4, "line of the digest")]));
    assert_eq!(s.finish("w"), ["line of the digest", "report"]);
}

fn a_join_hears_of_failures_beneath_its_branch_only(s: &mut Scenario) {
    let mut lines = digest_lines();
    lines.push(needs(&[0, 1, 2]));
    s.run("run", lines, vec![task(0, "users")], vec![(4, &["report"])]);
    let users = s.lease_one("w");
    let kin = vec![user(1, &["digest ann"], "ann"), user(2, &["digest bob"], "bob")];
    s.close("w", &users, brings(kin));
    for leased in s.lease("w", 9) {
        let outcome = if leased.item == "ann" { Outcome::Failed } else { done() };
        s.close("w", &leased, outcome);
    }
    for digest in s.lease("w", 9) {
        let heard = if digest.item == "digest ann" { vec![(StepId(1), 1)] } else { vec![] };
        assert_eq!(digest.failures, heard);
        s.close("w", &digest, done());
    }
    assert_eq!(s.lease_one("w").failures, [(StepId(1), 1)]);
}

fn five_levels_fold_up_to_the_run(s: &mut Scenario) {
    // A chain of six steps with a join over the end of the chain from each depth.
    let mut lines = vec![Line::new(From::Run)];
    for above in 0..5 {
        lines.push(each(above));
    }
    for level in (1..=5).rev() {
        lines.push(needs(&[level, 5]));
    }
    lines.push(needs(&[0, 5]));
    s.run("run", lines, vec![task(0, "level 0")], vec![(11, &["join of the run"])]);
    for level in 1..=5_u16 {
        let leased = s.lease_one("w");
        let name = format!("join of level {level}");
        let joins: [&str; 1] = [&name];
        let step = 11 - level;
        let kin = vec![task(level, &format!("level {level}"))];
        s.close("w", &leased, brings(vec![scope(level as u8, 1, vec![(step, &joins)], kin)]));
    }
    let leaf = s.lease_one("w");
    assert_eq!(leaf.scopes.len(), 5);
    s.close("w", &leaf, done());
    let wanted = ["join of level 5", "join of level 4", "join of level 3", "join of level 2"];
    let names = s.finish("w");
    assert_eq!(names[..4], wanted);
    assert_eq!(names[4..], ["join of level 1", "join of the run"]);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_step_with_several_sources_hangs_under_what_they_share(s: &mut Scenario) {
    // Two listings of each user feed one step; a join in the user's branch needs the first.
    let both = Line::new(From::Each(vec![(1, false), (2, false)]));
    let lines = vec![Line::new(From::Run), each(0), each(0), both, needs(&[1, 2])];
    s.run("run", lines, vec![task(0, "users")], vec![]);
    let users = s.lease_one("w");
    let kin = vec![task(1, "first"), task(2, "second")];
    s.close("w", &users, brings(vec![scope(1, 7, vec![(4, &["join"])], kin)]));
    for listing in s.lease("w", 9) {
        let item = format!("of {}", listing.item);
        let broods = records(vec![(1, vec![task(3, &item)])]);
        s.close("w", &listing, Outcome::Closed { broods, end: End::Done });
    }
    let items = s.lease("w", 9);
    assert_eq!(items.len(), 2);
    assert!(items.iter().all(|l| l.scopes.len() == 1 && l.scopes[0].key == 7));
    s.close("w", &items[0], done());
    assert!(s.lease("w", 9).is_empty());
    s.close("w", &items[1], done());
    assert_eq!(s.lease_one("w").item, "join");
}

fn a_join_is_counted_when_it_runs(s: &mut Scenario) {
    users_and_total(s);
    assert_eq!(s.step("run", 2).known, 0);
    assert!(!s.step("run", 2).is_final);
    let users = s.lease_one("w");
    s.close("w", &users, done());
    let counts = s.step("run", 2);
    assert_eq!((counts.known, counts.open, counts.is_final), (1, 1, true));
}
