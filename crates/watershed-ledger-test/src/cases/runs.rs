//! Runs: submitted, paused, resumed, cancelled, looked at.

use watershed_ledger::{Command, Error, Outcome, Repeat, Reply, Settled};

use super::scenario::{Scenario, brings, done, item_names, of, page, records, submit, task};
use super::suite::declare;
use crate::sketch::{From, Line};
use watershed_model::{Category, RetryCause, RunState, Throttle, Trigger};

declare! {
    the_same_submit_again_changes_nothing,
    the_same_id_with_something_else_is_refused,
    a_plan_of_another_format_is_refused,
    an_unknown_run_is_refused,
    a_run_without_work_completes_at_submit,
    a_run_that_ended_is_told_by_the_exchange_that_ended_it,
    a_paused_run_settles_what_is_in_flight_and_starts_nothing,
    a_paused_run_whose_last_task_settles_is_complete,
    a_resumed_run_goes_on_where_it_was,
    a_cancelled_run_adds_no_children_and_ends_with_its_last_lease,
    a_cancelled_run_drops_its_open_items_however_many,
    a_cancelled_run_runs_no_joins,
    what_does_not_fit_a_runs_state_is_refused,
    counts_are_final_once_nothing_leads_there_any_more,
    calls_are_counted_by_category_with_repeats_and_throttles,
    leased_tasks_are_seen_in_the_view,
}

fn listing() -> Vec<Line> {
    vec![Line::new(From::Run), Line::new(From::Each(vec![(0, false)]))]
}

fn a_listing(s: &mut Scenario) {
    s.run("run", listing(), vec![task(0, "list")], vec![]);
}

fn the_same_submit_again_changes_nothing(s: &mut Scenario) {
    let submit = submit("run", "zoom", Trigger::Manual, listing(), vec![task(0, "list")], vec![]);
    let first = s.say(Command::Submit(Box::new(submit.clone())));
    assert_eq!(first, Reply::Submitted { already: false });
    let list = s.lease_one("w");
    s.close("w", &list, brings(vec![task(1, "child")]));
    let before = s.view("run");
    let again = s.say(Command::Submit(Box::new(submit)));
    assert_eq!(again, Reply::Submitted { already: true });
    assert_eq!(before, s.view("run"));
}

fn the_same_id_with_something_else_is_refused(s: &mut Scenario) {
    a_listing(s);
    let other = |lane, lines| submit("run", lane, Trigger::Manual, lines, vec![], vec![]);
    let mut inputs = other("zoom", listing());
    inputs.inputs.insert("from".to_owned(), "2026-01-01".into());
    let plan = other("zoom", vec![Line::new(From::Run)]);
    for (submit, differs) in
        [(plan, "plan"), (other("elsewhere", listing()), "connection"), (inputs, "inputs")]
    {
        match s.refused(Command::Submit(Box::new(submit))) {
            Error::OtherRun { what, .. } => assert_eq!(what, differs),
            error => panic!("refused for another reason: {error}"),
        }
    }
}

fn a_plan_of_another_format_is_refused(s: &mut Scenario) {
    let mut submit = submit("run", "zoom", Trigger::Manual, listing(), vec![], vec![]);
    submit.plan.format += 1;
    let error = s.refused(Command::Submit(Box::new(submit)));
    assert!(matches!(error, Error::Version { .. }), "{error}");
}

fn an_unknown_run_is_refused(s: &mut Scenario) {
    let run = || "nobody".into();
    for command in [
        Command::Pause(run()),
        Command::Resume(run()),
        Command::Cancel(run()),
        Command::Retry { run: run(), letters: Vec::new() },
    ] {
        let error = s.refused(command);
        assert!(matches!(error, Error::NoRun(_)), "{error}");
    }
}

fn a_run_without_work_completes_at_submit(s: &mut Scenario) {
    s.run("run", listing(), vec![], vec![]);
    assert_eq!(s.state("run"), RunState::Complete);
    assert!(s.view("run").ended_at.is_some());
}

fn a_run_that_ended_is_told_by_the_exchange_that_ended_it(s: &mut Scenario) {
    a_listing(s);
    let list = s.lease_one("w");
    let answer = s.exchange("w", &["zoom"], 9, vec![of(&list, done())]);
    assert_eq!(answer.ended, ["run".into()]);
    assert_eq!(answer.ask_again_at, None);
    assert!(s.exchange("w", &["zoom"], 9, Vec::new()).ended.is_empty());
}

fn a_paused_run_settles_what_is_in_flight_and_starts_nothing(s: &mut Scenario) {
    a_listing(s);
    let list = s.lease_one("w");
    s.say(Command::Pause("run".into()));
    let now = s.now;
    s.close("w", &list, page(records(vec![(1, vec![task(1, "child")])]), 1, now));
    assert_eq!(s.step("run", 1).open, 1);
    assert!(s.lease("w", 9).is_empty());
    assert_eq!(s.state("run"), RunState::Paused);
}

fn a_paused_run_whose_last_task_settles_is_complete(s: &mut Scenario) {
    a_listing(s);
    let list = s.lease_one("w");
    s.say(Command::Pause("run".into()));
    s.close("w", &list, done());
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_resumed_run_goes_on_where_it_was(s: &mut Scenario) {
    a_listing(s);
    let list = s.lease_one("w");
    s.close("w", &list, brings(vec![task(1, "a"), task(1, "b")]));
    s.say(Command::Pause("run".into()));
    s.say(Command::Resume("run".into()));
    assert_eq!(item_names(&s.lease("w", 9)), ["a", "b"]);
}

fn a_cancelled_run_adds_no_children_and_ends_with_its_last_lease(s: &mut Scenario) {
    a_listing(s);
    let list = s.lease_one("w");
    s.say(Command::Cancel("run".into()));
    assert_eq!(s.state("run"), RunState::Cancelling);
    assert_eq!(s.settle("w", &list, brings(vec![task(1, "child")])), Settled::Accepted);
    s.lease("w", 9);
    assert_eq!(s.state("run"), RunState::Cancelled);
    assert_eq!(s.step("run", 0).done, 1);
    assert_eq!(s.step("run", 1).known, 0);
}

fn a_cancelled_run_drops_its_open_items_however_many(s: &mut Scenario) {
    let kin = (0..1_000).map(|n| task(0, &format!("item{n}"))).collect();
    s.run("run", vec![Line::new(From::Literals(1))], kin, vec![]);
    // Many records of their own, besides the chunks.
    for leased in s.lease("w", 200) {
        let at = s.now + 1_000;
        s.close("w", &leased, Outcome::Retry { at, counts: true });
    }
    s.say(Command::Cancel("run".into()));
    for _ in 0..100 {
        assert!(s.lease("w", 9).is_empty());
    }
    assert_eq!(s.state("run"), RunState::Cancelled);
}

fn a_cancelled_run_runs_no_joins(s: &mut Scenario) {
    let mut lines = listing();
    lines.push(Line::new(From::Needs(vec![0, 1])));
    s.run("run", lines, vec![task(0, "list")], vec![(2, &["join"])]);
    let list = s.lease_one("w");
    s.say(Command::Cancel("run".into()));
    s.close("w", &list, done());
    for _ in 0..3 {
        assert!(s.lease("w", 9).is_empty());
    }
    assert_eq!(s.state("run"), RunState::Cancelled);
    assert_eq!(s.step("run", 2).known, 0);
}

fn what_does_not_fit_a_runs_state_is_refused(s: &mut Scenario) {
    s.run("run", listing(), vec![], vec![]);
    let run = || "run".into();
    for command in [Command::Pause(run()), Command::Resume(run()), Command::Cancel(run())] {
        let error = s.refused(command);
        assert!(matches!(error, Error::Illegal { .. }), "{error}");
    }
}

fn counts_are_final_once_nothing_leads_there_any_more(s: &mut Scenario) {
    let mut lines = listing();
    lines.push(Line::new(From::Each(vec![(1, false)])));
    s.run("run", lines, vec![task(0, "list")], vec![]);
    let finals = |s: &mut Scenario| [0, 1, 2].map(|step| s.step("run", step).is_final);
    assert_eq!(finals(s), [true, false, false]);
    let list = s.lease_one("w");
    s.close("w", &list, brings(vec![task(1, "child")]));
    assert_eq!(finals(s), [true, true, false]);
    s.finish("w");
    assert_eq!(finals(s), [true, true, true]);
}

fn calls_are_counted_by_category_with_repeats_and_throttles(s: &mut Scenario) {
    let kin = vec![task(0, "a"), task(1, "b")];
    let lines = vec![Line::new(From::Run).category(Category::Heavy), Line::new(From::Literals(1))];
    s.run("run", lines, kin, vec![]);
    let leased = s.lease("w", 9);
    let heavy = leased.iter().find(|l| l.item == "a").expect("the heavy one");
    let other = leased.iter().find(|l| l.item == "b").expect("the uncounted one");
    let now = s.now;
    let mut first = of(heavy, Outcome::Retry { at: now, counts: false });
    first.calls = 2;
    first.least = 0;
    first.throttle = Some(Throttle { category: Category::Heavy, daily: false, until: now });
    first.repeats = Some(Repeat::Retry(RetryCause::RateLimit));
    let mut second = of(other, done());
    second.repeats = Some(Repeat::LostLease);
    s.exchange("w", &["zoom"], 0, vec![first, second]);
    let view = s.view("run");
    // The call of the lease that was lost may have been made.
    assert_eq!((view.calls["heavy"], view.calls["none"], view.least), (2, 2, 1));
    assert_eq!((view.repeated["rate_limit"], view.repeated["lost_lease"]), (1, 1));
    assert_eq!(view.throttled["per_second"], 1);
}

fn leased_tasks_are_seen_in_the_view(s: &mut Scenario) {
    let kin = vec![task(0, "a"), task(0, "b"), task(0, "c")];
    s.run("run", vec![Line::new(From::Literals(3))], kin, vec![]);
    let leased = s.lease("w", 2);
    assert_eq!(s.view("run").leased, 2);
    s.close("w", &leased[0], done());
    assert_eq!(s.view("run").leased, 1);
}
