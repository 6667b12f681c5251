//! Dead letters: what they close, and what they fail.

use watershed_ledger::{Command, Outcome};

use super::scenario::{Scenario, brings, done, of, task};
use super::suite::declare;
use crate::sketch::{From, Line};
use watershed_model::RunState;

declare! {
    a_failed_item_closes_its_branch,
    a_step_that_may_not_fail_fails_the_run,
    a_step_that_may_not_fail_fails_the_run_as_its_last_item_too,
    a_failed_run_hands_out_nothing_and_settles_what_is_in_flight,
    a_resumed_run_goes_on_after_it_failed,
    more_failures_than_tolerated_fail_the_run_from_the_hundredth_item_on,
    fewer_than_ten_failures_never_fail_a_run,
    failures_are_judged_once_more_at_the_end,
}

fn items(s: &mut Scenario, line: Line, n: usize) {
    let kin = (0..n).map(|i| task(0, &format!("item{i}"))).collect();
    s.run("run", vec![line], kin, vec![]);
}

fn literals() -> Line {
    Line::new(From::Literals(3))
}

/// Fails the first so many of the items to be had, closes the others well.
fn fail(s: &mut Scenario, failed: usize, closed: usize) {
    for n in 0..failed + closed {
        let Some(leased) = s.lease("w", 1).pop() else { return };
        let outcome = if n < failed { Outcome::Failed } else { done() };
        s.exchange("w", &["zoom"], 0, vec![of(&leased, outcome)]);
    }
}

fn a_failed_item_closes_its_branch(s: &mut Scenario) {
    items(s, literals(), 2);
    fail(s, 1, 1);
    let counts = s.step("run", 0);
    assert_eq!((counts.failed, counts.done, counts.open), (1, 1, 0));
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_step_that_may_not_fail_fails_the_run(s: &mut Scenario) {
    items(s, literals().fails_run(), 2);
    fail(s, 1, 0);
    let view = s.view("run");
    assert_eq!(view.state, RunState::Failed);
    assert!(view.why.is_some_and(|why| why.contains("step0")));
    assert!(s.lease("w", 9).is_empty());
}

fn a_step_that_may_not_fail_fails_the_run_as_its_last_item_too(s: &mut Scenario) {
    items(s, literals().fails_run(), 1);
    fail(s, 1, 0);
    assert_eq!(s.state("run"), RunState::Failed);
}

fn a_failed_run_hands_out_nothing_and_settles_what_is_in_flight(s: &mut Scenario) {
    let lines = vec![literals().fails_run(), Line::new(From::Each(vec![(0, false)]))];
    s.run("run", lines, vec![task(0, "bad"), task(0, "good")], vec![]);
    let leased = s.lease("w", 2);
    s.close("w", &leased[0], Outcome::Failed);
    s.close("w", &leased[1], brings(vec![task(1, "child")]));
    assert_eq!(s.step("run", 1).known, 1);
    assert!(s.lease("w", 9).is_empty());
}

fn a_resumed_run_goes_on_after_it_failed(s: &mut Scenario) {
    items(s, literals().fails_run(), 2);
    fail(s, 1, 0);
    s.say(Command::Resume("run".into()));
    assert_eq!(s.state("run"), RunState::Running);
    assert_eq!(s.view("run").why, None);
    assert_eq!(s.finish("w").len(), 1);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn more_failures_than_tolerated_fail_the_run_from_the_hundredth_item_on(s: &mut Scenario) {
    items(s, literals().tolerates(0.1), 200);
    fail(s, 11, 88);
    assert_eq!(s.state("run"), RunState::Running);
    // 11 of 100 are more than a tenth; judged when something fails.
    fail(s, 1, 0);
    assert_eq!(s.state("run"), RunState::Failed);
}

fn fewer_than_ten_failures_never_fail_a_run(s: &mut Scenario) {
    items(s, literals().tolerates(0.0), 200);
    fail(s, 9, 191);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn failures_are_judged_once_more_at_the_end(s: &mut Scenario) {
    items(s, literals().tolerates(0.5), 20);
    fail(s, 11, 9);
    assert_eq!(s.state("run"), RunState::Failed);
}
