//! Another try: of a call, and of a dead letter.

use watershed_ledger::{Command, Error, Letter, Outcome};

use super::scenario::{Scenario, brings, done, item_names, letter, once_task, page, scope, task};
use super::suite::declare;
use crate::sketch::{From, Line};
use watershed_model::{Kin, RunState, StepId};

declare! {
    another_try_waits_until_it_is_due,
    another_try_counts_its_attempt_where_it_costs_one,
    what_is_not_there_yet_is_asked_again_from_its_first_page,
    a_retried_letter_comes_back_as_new,
    a_retried_letter_sets_a_complete_run_going_again,
    a_retried_letter_sets_a_failed_run_going_again,
    a_retried_letter_leaves_a_paused_run_paused,
    a_retried_letter_reopens_folded_scopes_and_joins_run_again,
    a_retried_letter_in_an_open_branch_is_waited_for,
    joins_that_do_not_watch_the_letter_do_not_run_again,
    a_join_under_way_runs_once_more_after_a_retried_letter,
    a_joins_own_letter_runs_that_item_only,
    two_letters_of_one_branch_run_its_join_once,
    children_of_a_retried_letter_are_worked_on,
    a_retried_letter_keeps_its_once_value,
    letters_of_a_cancelled_run_are_refused,
    a_letter_that_fits_no_step_is_refused,
}

fn one(s: &mut Scenario) {
    s.run("run", vec![Line::new(From::Run)], vec![task(0, "a")], vec![]);
}

fn another_try_waits_until_it_is_due(s: &mut Scenario) {
    one(s);
    let leased = s.lease_one("w");
    let at = s.now + 5_000;
    s.close("w", &leased, Outcome::Retry { at, counts: true });
    let answer = s.exchange("w", &["zoom"], 9, Vec::new());
    assert!(answer.leased.is_empty());
    assert_eq!(answer.ask_again_at, Some(at));
    assert!(s.after(4_999).lease("w", 9).is_empty());
    s.after(1);
    assert_eq!(s.lease_one("w").attempts, 1);
}

fn another_try_counts_its_attempt_where_it_costs_one(s: &mut Scenario) {
    one(s);
    for (counts, attempts) in [(true, 1), (false, 1), (true, 2)] {
        let leased = s.lease_one("w");
        let at = s.now;
        s.close("w", &leased, Outcome::Retry { at, counts });
        let leased = s.lease_one("w");
        assert_eq!(leased.attempts, attempts);
        s.close("w", &leased, Outcome::Released);
    }
}

fn what_is_not_there_yet_is_asked_again_from_its_first_page(s: &mut Scenario) {
    one(s);
    let leased = s.lease_one("w");
    s.close("w", &leased, page(Vec::new(), 1, s.now));
    let leased = s.lease_one("w");
    let at = s.now + 5_000;
    s.close("w", &leased, Outcome::NotYet { at });
    let waits = s.view("run").waits;
    assert_eq!(waits.len(), 1);
    assert_eq!((waits[0].count, waits[0].until.clone()), (1, Some(at.to_string())));
    assert!(waits[0].why.contains("not there yet"), "{}", waits[0].why);
    let counts = s.step("run", 0);
    assert_eq!((counts.known, counts.waiting, counts.open), (1, 0, 1));
    s.after(5_000);
    let again = s.lease_one("w");
    assert_eq!((again.checkpoint.clone(), again.attempts, again.restarts), (None, 0, 0));
    assert!(s.view("run").waits.is_empty());
    s.close("w", &again, done());
    assert_eq!(s.view("run").state, RunState::Complete);
}

fn a_retried_letter_comes_back_as_new(s: &mut Scenario) {
    one(s);
    let leased = s.lease_one("w");
    let at = s.now;
    s.close("w", &leased, Outcome::Retry { at, counts: true });
    let leased = s.lease_one("w");
    s.close("w", &leased, Outcome::Failed);
    s.retry("run", vec![letter(&leased)]);
    let counts = s.step("run", 0);
    assert_eq!((counts.known, counts.failed, counts.open), (1, 0, 1));
    let again = s.lease_one("w");
    assert_eq!((again.item.as_str(), again.attempts, again.checkpoint), ("a", 0, None));
}

fn a_retried_letter_sets_a_complete_run_going_again(s: &mut Scenario) {
    one(s);
    let leased = s.lease_one("w");
    s.close("w", &leased, Outcome::Failed);
    assert_eq!(s.state("run"), RunState::Complete);
    s.retry("run", vec![letter(&leased)]);
    assert_eq!(s.state("run"), RunState::Running);
    assert_eq!(s.finish("w"), ["a"]);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_retried_letter_sets_a_failed_run_going_again(s: &mut Scenario) {
    s.run("run", vec![Line::new(From::Run).fails_run()], vec![task(0, "a")], vec![]);
    let leased = s.lease_one("w");
    s.close("w", &leased, Outcome::Failed);
    assert_eq!(s.state("run"), RunState::Failed);
    s.retry("run", vec![letter(&leased)]);
    assert_eq!(s.finish("w"), ["a"]);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_retried_letter_leaves_a_paused_run_paused(s: &mut Scenario) {
    let kin = vec![task(0, "a"), task(0, "b")];
    s.run("run", vec![Line::new(From::Literals(2))], kin, vec![]);
    let leased = s.lease("w", 1).remove(0);
    s.close("w", &leased, Outcome::Failed);
    s.say(Command::Pause("run".into()));
    s.retry("run", vec![letter(&leased)]);
    assert_eq!(s.state("run"), RunState::Paused);
    assert!(s.lease("w", 9).is_empty());
}

/// `users` → `meetings` and `files` of each, a `digest` of the meetings in each user's
/// branch, a `report` over everything in the run, and a `list` over the users alone.
fn branches(s: &mut Scenario) {
    let each = |step| Line::new(From::Each(vec![(step, false)]));
    let lines = vec![
        Line::new(From::Run),
        each(0),
        each(0),
        Line::new(From::Needs(vec![1])),
        Line::new(From::Needs(vec![0, 1])),
    ];
    s.run("run", lines, vec![task(0, "users")], vec![(4, &["report"])]);
    let users = s.lease_one("w");
    s.close(
        "w",
        &users,
        brings(vec![user(1, "ann", &["digest ann"]), user(2, "bob", &["digest bob"])]),
    );
}

fn user(key: u64, name: &str, digest: &'static [&'static str]) -> Kin {
    let kin = vec![task(1, &format!("meetings {name}")), task(2, &format!("files {name}"))];
    scope(1, key, vec![(3, digest)], kin)
}

/// Closes everything to be had, failing what is named so; gives the letters.
fn finish_failing(s: &mut Scenario, failing: &[&str]) -> Vec<Letter> {
    let mut letters = Vec::new();
    loop {
        let leased = s.lease("w", 50);
        if leased.is_empty() {
            return letters;
        }
        for one in leased {
            let fails = failing.contains(&one.item.as_str());
            letters.extend(fails.then(|| letter(&one)));
            s.close("w", &one, if fails { Outcome::Failed } else { done() });
        }
    }
}

fn a_retried_letter_reopens_folded_scopes_and_joins_run_again(s: &mut Scenario) {
    branches(s);
    let letters = finish_failing(s, &["meetings ann"]);
    assert_eq!(s.state("run"), RunState::Complete);
    s.retry("run", letters);
    // Bob's branch is left alone; Ann's digest and the report run once more, in this order.
    assert_eq!(s.finish("w"), ["meetings ann", "digest ann", "report"]);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_retried_letter_in_an_open_branch_is_waited_for(s: &mut Scenario) {
    branches(s);
    let leased = s.lease("w", 9);
    let failed = leased.iter().find(|l| l.item == "meetings ann").expect("ann's");
    s.close("w", failed, Outcome::Failed);
    s.retry("run", vec![letter(failed)]);
    let names: Vec<String> = item_names(&s.lease("w", 9)).iter().map(ToString::to_string).collect();
    assert!(names.contains(&"meetings ann".to_owned()), "{names:?}");
    assert!(!names.contains(&"report".to_owned()), "{names:?}");
}

fn joins_that_do_not_watch_the_letter_do_not_run_again(s: &mut Scenario) {
    branches(s);
    let letters = finish_failing(s, &["files ann"]);
    s.retry("run", letters);
    // The digest needs meetings; the report needs everything that the users bring.
    assert_eq!(s.finish("w"), ["files ann", "report"]);
}

fn a_join_under_way_runs_once_more_after_a_retried_letter(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), Line::new(From::Needs(vec![0]))];
    s.run("run", lines, vec![task(0, "a")], vec![(1, &["join"])]);
    let a = s.lease_one("w");
    s.close("w", &a, Outcome::Failed);
    let join = s.lease_one("w");
    assert_eq!(join.failures, [(StepId(0), 1)]);
    s.retry("run", vec![letter(&a)]);
    assert_eq!(s.lease_one("w").item, "a");
    s.close("w", &join, done());
    assert!(s.lease("w", 9).is_empty());
    s.after(40_000);
    assert_eq!(s.finish("w"), ["a", "join"]);
    assert_eq!(s.step("run", 1).done, 2);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_joins_own_letter_runs_that_item_only(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), Line::new(From::Needs(vec![0]))];
    s.run("run", lines, vec![task(0, "a")], vec![(1, &["june", "july"])]);
    let letters = finish_failing(s, &["july"]);
    s.retry("run", letters);
    assert_eq!(s.finish("w"), ["july"]);
    assert_eq!(s.step("run", 1).done, 2);
}

fn two_letters_of_one_branch_run_its_join_once(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), Line::new(From::Needs(vec![0]))];
    s.run("run", lines, vec![task(0, "a"), task(0, "b")], vec![(1, &["join"])]);
    let letters = finish_failing(s, &["a", "b"]);
    s.retry("run", letters);
    let names = s.finish("w");
    assert_eq!(names.len(), 3);
    assert_eq!(names[2], "join");
}

fn children_of_a_retried_letter_are_worked_on(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), Line::new(From::Each(vec![(0, false)]))];
    s.run("run", lines, vec![task(0, "list")], vec![]);
    let list = s.lease_one("w");
    s.close("w", &list, Outcome::Failed);
    s.retry("run", vec![letter(&list)]);
    let list = s.lease_one("w");
    s.close("w", &list, brings(vec![task(1, "child")]));
    assert_eq!(s.finish("w"), ["child"]);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_retried_letter_keeps_its_once_value(s: &mut Scenario) {
    let lines = vec![Line::new(From::Literals(1)).once()];
    s.run("first", lines.clone(), vec![once_task(0, "a", 1)], vec![]);
    let a = s.lease_one("w");
    s.close("w", &a, Outcome::Failed);
    s.retry("first", vec![letter(&a)]);
    s.run("second", lines.clone(), vec![once_task(0, "b", 1)], vec![]);
    assert_eq!(s.state("second"), RunState::Complete);
    assert_eq!(s.finish("w"), ["a"]);
    s.run("third", lines, vec![once_task(0, "c", 1)], vec![]);
    assert_eq!(s.finish("w"), ["c"]);
}

fn letters_of_a_cancelled_run_are_refused(s: &mut Scenario) {
    let kin = vec![task(0, "a"), task(0, "b")];
    s.run("run", vec![Line::new(From::Literals(2))], kin, vec![]);
    let leased = s.lease("w", 1).remove(0);
    s.close("w", &leased, Outcome::Failed);
    s.say(Command::Cancel("run".into()));
    s.lease("w", 1);
    assert_eq!(s.state("run"), RunState::Cancelled);
    let letters = vec![letter(&leased)];
    let error = s.refused(Command::Retry { run: "run".into(), letters });
    assert!(matches!(error, Error::Illegal { .. }), "{error}");
}

fn a_letter_that_fits_no_step_is_refused(s: &mut Scenario) {
    one(s);
    let leased = s.lease_one("w");
    s.close("w", &leased, Outcome::Failed);
    let mut foreign = letter(&leased);
    foreign.step = StepId(9);
    let letters = vec![letter(&leased), foreign];
    s.refused(Command::Retry { run: "run".into(), letters });
    assert_eq!(s.state("run"), RunState::Complete);
}
