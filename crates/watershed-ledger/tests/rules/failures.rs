//! Dead letters, what is tolerated, and retries of them.

use watershed_ledger::{Command, Outcome};
use watershed_model::{OnFailure, RunState, Source, StepId};

use crate::plans::{chain, items, join, plan, step, summed};
use crate::scenario::{Scenario, branch, names, once, task};

/// A user with meetings `m1` and `m2`, whose summary is `sum`; the run's total is `t`.
fn one_user() -> Scenario {
    let mut s = Scenario::run_with(summed(), vec![task(0, "all")], &[(3, &["t"])]);
    s.leases_all("w");
    let beneath = vec![task(1, "m1"), task(1, "m2")];
    s.closes("w", "users:all", vec![branch(1, 10, &[(2, &["sum"])], beneath)]).leases_all("w");
    s
}

fn meetings(run: std::ops::Range<u32>, fraction: f64) -> Scenario {
    let mut plan = chain();
    plan.steps[1].tolerate.fraction = fraction;
    let mut s = Scenario::run(plan, vec![task(0, "all")]);
    s.leases_all("w");
    s.closes("w", "users:all", names(run).iter().map(|n| task(1, n)).collect()).leases_all("w");
    s
}

#[test]
fn a_dead_letter_closes_its_item_and_joins_hear_of_it() {
    let mut s = one_user();
    s.fails("w", "meetings:m1").closes("w", "meetings:m2", vec![]);
    assert_eq!(s.leases_all("w"), ["summary:sum"]);
    assert_eq!(s.held("w", "summary:sum").failures, [(StepId(1), 1)]);
    s.closes("w", "summary:sum", vec![]);
    assert_eq!(s.leases_all("w"), ["total:t"]);
    assert_eq!(s.held("w", "total:t").failures, [(StepId(1), 1)]);
    s.closes("w", "total:t", vec![]).settles("w");
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn a_retried_letter_reopens_folded_scopes_and_joins_run_again() {
    let mut s = one_user();
    let letter = s.letter("w", "meetings:m1");
    s.fails("w", "meetings:m1").closes("w", "meetings:m2", vec![]);
    assert_eq!(s.drains("w"), ["summary:sum", "total:t"]);
    s.retries(vec![letter]);
    assert_eq!(s.state(), RunState::Running);
    assert_eq!((s.counts("meetings").failed, s.counts("meetings").open), (0, 1));
    assert_eq!(s.leases_all("w"), ["meetings:m1"]);
    assert_eq!(s.held("w", "meetings:m1").attempts, 0);
    s.closes("w", "meetings:m1", vec![]);
    assert_eq!(s.leases_all("w"), ["summary:sum"]);
    assert!(s.held("w", "summary:sum").failures.is_empty());
    s.closes("w", "summary:sum", vec![]);
    assert_eq!(s.drains("w"), ["total:t"]);
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn joins_that_run_again_hear_of_the_letters_that_were_not_put_back() {
    let mut s = one_user();
    let letter = s.letter("w", "meetings:m1");
    s.fails("w", "meetings:m1").fails("w", "meetings:m2");
    assert_eq!(s.drains("w"), ["summary:sum", "total:t"]);
    s.retries(vec![letter]);
    s.leases_all("w");
    s.closes("w", "meetings:m1", vec![]).leases_all("w");
    assert_eq!(s.held("w", "summary:sum").failures, [(StepId(1), 1)]);
    s.closes("w", "summary:sum", vec![]).leases_all("w");
    assert_eq!(s.held("w", "total:t").failures, [(StepId(1), 1)]);
}

#[test]
fn a_join_that_is_under_way_runs_once_more_after_the_retry() {
    let mut s = one_user();
    let letter = s.letter("w", "meetings:m1");
    s.fails("w", "meetings:m1").closes("w", "meetings:m2", vec![]);
    assert_eq!(s.leases_all("w"), ["summary:sum"]);
    s.retries(vec![letter]);
    assert_eq!(s.leases_all("w"), ["meetings:m1"]);
    s.closes("w", "summary:sum", vec![]);
    assert_eq!(s.leases_all("w"), [""; 0], "its second time waits for the retry");
    s.closes("w", "meetings:m1", vec![]);
    assert_eq!(s.drains("w"), ["summary:sum", "total:t"]);
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn a_join_that_still_waits_runs_once_only() {
    let mut s = one_user();
    let letter = s.letter("w", "meetings:m1");
    s.fails("w", "meetings:m1").settles("w");
    s.retries(vec![letter]);
    s.closes("w", "meetings:m2", vec![]);
    assert_eq!(s.drains("w"), ["meetings:m1", "summary:sum", "total:t"]);
    assert_eq!(s.counts("summary").known, 1);
}

#[test]
fn a_join_s_own_letter_runs_alone_and_what_waits_for_it_again() {
    let mut s = one_user();
    s.closes("w", "meetings:m1", vec![]).closes("w", "meetings:m2", vec![]).leases_all("w");
    let letter = s.letter("w", "summary:sum");
    s.fails("w", "summary:sum");
    assert_eq!(s.drains("w"), ["total:t"]);
    s.retries(vec![letter]);
    assert_eq!(s.drains("w"), ["summary:sum", "total:t"]);
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn a_join_s_letter_is_part_of_a_join_that_runs_again_anyway() {
    let mut s = one_user();
    let beneath = s.letter("w", "meetings:m1");
    s.fails("w", "meetings:m1").closes("w", "meetings:m2", vec![]).leases_all("w");
    let own = s.letter("w", "summary:sum");
    s.fails("w", "summary:sum");
    s.drains("w");
    s.retries(vec![beneath, own]);
    assert_eq!(s.drains("w"), ["meetings:m1", "summary:sum", "total:t"]);
    let counts = s.counts("summary");
    assert_eq!((counts.known, counts.done, counts.failed, counts.open), (1, 1, 0, 0));
}

#[test]
fn letters_of_nested_folded_branches_share_their_ancestors() {
    let plan = plan(
        vec![
            step("users", 0, 0, Source::Run),
            step("meetings", 1, 1, items(0)),
            step("files", 2, 2, items(1)),
            step("inner", 2, 2, Source::Join(vec![StepId(2)])),
            step("outer", 1, 1, Source::Join(vec![StepId(3)])),
        ],
        &[(None, "run"), (Some(0), "user"), (Some(1), "meeting")],
        vec![join(3, 2, &[2]), join(4, 1, &[1, 2, 3])],
    );
    let mut s = Scenario::run(plan, vec![task(0, "all")]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![branch(1, 1, &[(4, &["out"])], vec![task(1, "m")])]);
    s.leases_all("w");
    let kin = vec![
        branch(2, 5, &[(3, &["in5"])], vec![task(2, "f5")]),
        branch(2, 6, &[(3, &["in6"])], vec![task(2, "f6")]),
    ];
    s.closes("w", "meetings:m", kin).leases_all("w");
    let letters = vec![s.letter("w", "files:f5"), s.letter("w", "files:f6")];
    s.fails("w", "files:f5").fails("w", "files:f6");
    assert_eq!(s.drains("w"), ["inner:in5", "inner:in6", "outer:out"]);
    s.retries(letters);
    assert_eq!(s.drains("w"), ["files:f5", "files:f6", "inner:in5", "inner:in6", "outer:out"]);
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn letters_outlive_the_ledger() {
    let s = one_user();
    let letter = s.letter("w", "meetings:m1");
    // A new ledger, in which the run's listing found everything covered.
    let mut s = Scenario::run_with(s.plan.clone(), vec![], &[(3, &["t"])]);
    assert_eq!(s.drains("w"), ["total:t"]);
    s.retries(vec![letter]);
    assert_eq!(s.drains("w"), ["meetings:m1", "summary:sum", "total:t"]);
    let counts = s.counts("meetings");
    assert_eq!((counts.known, counts.done, counts.failed), (1, 1, 0));
}

#[test]
fn a_dead_letter_keeps_its_once_value_until_it_is_put_back_and_closes() {
    let mut s = Scenario::run(chain(), vec![task(0, "all")]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![once(1, "a", 7)]).leases_all("w");
    let letter = s.letter("w", "meetings:a");
    s.fails("w", "meetings:a").settles("w");
    s.submit("r2", "acme", vec![once(1, "twin", 7)], &[]).unwrap();
    assert_eq!(s.leases_all("w"), [""; 0], "dead-lettered is not asked again");
    s.retries(vec![letter]);
    s.submit("r3", "acme", vec![once(1, "twin", 7)], &[]).unwrap();
    assert_eq!(s.drains("w"), ["meetings:a"]);
    s.submit("r4", "acme", vec![once(1, "twin", 7)], &[]).unwrap();
    assert_eq!(s.drains("w"), ["meetings:twin"]);
}

#[test]
fn a_letter_whose_once_value_is_open_elsewhere_is_dropped() {
    let mut s = Scenario::run(chain(), vec![task(0, "all")]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![once(1, "a", 7)]).leases_all("w");
    let letter = s.letter("w", "meetings:a");
    s.fails("w", "meetings:a").settles("w");
    s.retries(vec![letter.clone()]);
    s.retries(vec![letter]);
    assert_eq!(s.drains("w"), ["meetings:a"]);
    let counts = s.counts("meetings");
    assert_eq!((counts.known, counts.done, counts.failed, counts.open), (1, 1, 0, 0));
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn a_step_that_may_not_fail_fails_the_run() {
    let mut plan = chain();
    plan.steps[1].on_failure = OnFailure::FailRun;
    let mut s = Scenario::run(plan, vec![task(0, "all")]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![task(1, "a"), task(1, "b")]).leases("w", 1);
    s.fails("w", "meetings:a");
    assert_eq!(s.leases_all("w"), [""; 0], "a failed run hands out nothing");
    assert_eq!(s.state(), RunState::Failed);
    assert_eq!(s.view().why.unwrap(), "step meetings may not fail, and did");
    s.say(Command::Resume("r".into())).unwrap();
    assert_eq!(s.view().why, None);
    assert_eq!(s.drains("w"), ["meetings:b"]);
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn the_last_item_too_may_fail_the_run() {
    let mut plan = chain();
    plan.steps[1].on_failure = OnFailure::FailRun;
    let mut s = Scenario::run(plan, vec![task(0, "all")]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![task(1, "a")]).leases_all("w");
    s.fails("w", "meetings:a").settles("w");
    assert_eq!(s.state(), RunState::Failed);
    assert_eq!(s.last.ended, ["r".into()]);
}

#[test]
fn more_failures_than_are_tolerated_fail_the_run_from_the_100th_item_on() {
    let mut s = meetings(0..200, 0.14);
    for n in 0..15 {
        s.fails("w", &format!("meetings:{n:04}"));
    }
    for n in 15..99 {
        s.closes("w", &format!("meetings:{n:04}"), vec![]);
    }
    s.settles("w");
    assert_eq!(s.state(), RunState::Running, "99 are not enough to judge by");
    s.closes("w", "meetings:0099", vec![]).settles("w");
    assert_eq!(s.state(), RunState::Failed);
    let why = s.view().why.unwrap();
    assert_eq!(why, "step meetings: 15 of 100 failed, more than the 14.0 % that are tolerated");
}

#[test]
fn fewer_than_ten_failures_never_fail_a_run() {
    let mut s = meetings(0..9, 0.0);
    for n in 0..9 {
        s.fails("w", &format!("meetings:{n:04}"));
    }
    s.settles("w");
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn at_the_end_fewer_than_a_hundred_items_are_judged_too() {
    let mut s = meetings(0..20, 0.49);
    for n in 0..20 {
        let name = format!("meetings:{n:04}");
        if n < 10 {
            s.fails("w", &name)
        } else {
            s.closes("w", &name, vec![])
        };
    }
    s.settles("w");
    assert_eq!(s.state(), RunState::Failed);
}

#[test]
fn settles_in_flight_are_accepted_after_the_run_has_failed() {
    let mut plan = chain();
    plan.steps[1].on_failure = OnFailure::FailRun;
    let mut s = Scenario::run(plan, vec![task(0, "all")]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![task(1, "a"), task(1, "b")]).leases_all("w");
    s.fails("w", "meetings:a").settles("w");
    s.closes("w", "meetings:b", vec![task(2, "f")]).settles("w");
    assert_eq!(s.counts("meetings").done, 1);
    s.say(Command::Resume("r".into())).unwrap();
    assert_eq!(s.drains("w"), ["files:f"]);
}

#[test]
fn letters_of_a_run_that_failed_set_it_going_again() {
    let mut plan = chain();
    plan.steps[1].on_failure = OnFailure::FailRun;
    let mut s = Scenario::run(plan, vec![task(0, "all")]);
    s.leases_all("w");
    s.closes("w", "users:all", vec![task(1, "a")]).leases_all("w");
    let letter = s.letter("w", "meetings:a");
    s.fails("w", "meetings:a").settles("w");
    s.retries(vec![letter]);
    assert_eq!(s.state(), RunState::Running);
    assert_eq!(s.view().ended_at, None);
    assert_eq!(s.drains("w"), ["meetings:a"]);
    assert_eq!(s.state(), RunState::Complete);
}

#[test]
fn a_letter_that_names_an_unknown_step_or_branch_is_refused() {
    let mut s = one_user();
    let mut letter = s.letter("w", "meetings:m1");
    letter.step = StepId(9);
    let retry = |letter| Command::Retry { run: "r".into(), letters: vec![letter] };
    assert!(s.say(retry(letter)).is_err());
    let mut letter = s.letter("w", "meetings:m1");
    letter.scopes[0].level = 7;
    assert!(s.say(retry(letter)).is_err());
}

#[test]
fn a_try_that_counts_costs_an_attempt_and_waits_until_its_time() {
    let mut s = meetings(0..1, 0.5);
    let due = s.now + 5_000;
    s.says("w", "meetings:0000", Outcome::Retry { at: due, counts: true });
    assert_eq!(s.leases_all("w"), [""; 0]);
    assert_eq!(s.last.ask_again_at, Some(due));
    assert_eq!(s.view().next_at, Some(due));
    assert_eq!(s.later(5_000).leases_all("w"), ["meetings:0000"]);
    assert_eq!(s.held("w", "meetings:0000").attempts, 1);
    let now = s.now;
    s.says("w", "meetings:0000", Outcome::Retry { at: now, counts: false });
    s.leases_all("w");
    assert_eq!(s.held("w", "meetings:0000").attempts, 1);
}
