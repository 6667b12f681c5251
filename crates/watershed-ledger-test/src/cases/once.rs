//! `once`: at most one branch for each value, per connection and operation.

use watershed_ledger::{Command, Outcome};

use super::scenario::{Scenario, brings, done, letter, of, once_task, submit, task};
use super::suite::declare;
use crate::sketch::{From, Line};
use watershed_model::{Kin, RunState, Trigger};

declare! {
    a_value_that_is_open_is_not_made_twice,
    a_value_twice_on_one_page_is_made_once,
    a_value_may_come_again_after_it_closed,
    a_value_of_a_dead_letter_stays_taken,
    the_later_comer_counts_as_done,
    runs_of_one_connection_meet,
    connections_do_not_meet,
    operations_do_not_meet,
    a_cancelled_run_frees_its_values,
    a_cancelled_run_frees_the_values_of_its_dead_letters,
    another_try_keeps_the_value_taken,
    a_letter_whose_value_is_open_again_is_dropped needs Rollback,
}

fn lines() -> Vec<Line> {
    vec![Line::new(From::Literals(2)), Line::new(From::Each(vec![(0, false)])).once()]
}

fn two_parents(s: &mut Scenario) -> Vec<watershed_ledger::Leased> {
    s.run("run", lines(), vec![task(0, "one"), task(0, "two")], vec![]);
    s.lease("w", 2)
}

fn a_value_that_is_open_is_not_made_twice(s: &mut Scenario) {
    let parents = two_parents(s);
    s.close("w", &parents[0], brings(vec![once_task(1, "first", 5)]));
    s.close("w", &parents[1], brings(vec![once_task(1, "second", 5)]));
    assert_eq!(s.finish("w"), ["first"]);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn a_value_twice_on_one_page_is_made_once(s: &mut Scenario) {
    let parents = two_parents(s);
    s.close("w", &parents[0], brings(vec![once_task(1, "a", 5), once_task(1, "b", 5)]));
    s.close("w", &parents[1], done());
    assert_eq!(s.finish("w"), ["a"]);
}

fn a_value_may_come_again_after_it_closed(s: &mut Scenario) {
    let parents = two_parents(s);
    s.close("w", &parents[0], brings(vec![once_task(1, "first", 5)]));
    let first = s.lease_one("w");
    s.close("w", &first, done());
    s.close("w", &parents[1], brings(vec![once_task(1, "second", 5)]));
    assert_eq!(s.finish("w"), ["second"]);
}

fn a_value_of_a_dead_letter_stays_taken(s: &mut Scenario) {
    let parents = two_parents(s);
    s.close("w", &parents[0], brings(vec![once_task(1, "first", 5)]));
    let first = s.lease_one("w");
    s.close("w", &first, Outcome::Failed);
    s.close("w", &parents[1], brings(vec![once_task(1, "second", 5)]));
    assert!(s.lease("w", 9).is_empty());
    assert_eq!(s.state("run"), RunState::Complete);
    // It is the letter's: put back, it is worked on and then free.
    s.retry("run", vec![letter(&first)]);
    assert_eq!(s.finish("w"), ["first"]);
}

fn the_later_comer_counts_as_done(s: &mut Scenario) {
    let parents = two_parents(s);
    s.close("w", &parents[0], brings(vec![once_task(1, "first", 5)]));
    s.close("w", &parents[1], brings(vec![once_task(1, "second", 5)]));
    let counts = s.step("run", 1);
    assert_eq!((counts.known, counts.done, counts.open), (2, 1, 1));
}

fn start(s: &mut Scenario, run: &str, lane: &str, line: Line, kin: Vec<Kin>) {
    let submit = submit(run, lane, Trigger::Manual, vec![line], kin, vec![]);
    s.say(Command::Submit(Box::new(submit)));
}

fn once_line() -> Line {
    Line::new(From::Literals(2)).once()
}

fn runs_of_one_connection_meet(s: &mut Scenario) {
    start(s, "backfill", "zoom", once_line(), vec![once_task(0, "a", 1), once_task(0, "b", 2)]);
    start(s, "reconcile", "zoom", once_line(), vec![once_task(0, "a", 1), once_task(0, "c", 3)]);
    let counts = s.step("reconcile", 0);
    assert_eq!((counts.known, counts.done, counts.open), (2, 1, 1));
    assert_eq!(s.finish("w").len(), 3);
}

fn connections_do_not_meet(s: &mut Scenario) {
    start(s, "north", "north", once_line(), vec![once_task(0, "a", 1)]);
    start(s, "south", "south", once_line(), vec![once_task(0, "a", 1)]);
    let leased = s.exchange("w", &["north", "south"], 9, Vec::new()).leased;
    assert_eq!(leased.len(), 2);
}

fn operations_do_not_meet(s: &mut Scenario) {
    // Steps 0 and 1 use different operations.
    let lines = vec![once_line(), once_line()];
    s.run("run", lines, vec![once_task(0, "a", 1), once_task(1, "b", 1)], vec![]);
    assert_eq!(s.lease("w", 9).len(), 2);
}

fn a_cancelled_run_frees_its_values(s: &mut Scenario) {
    let kin = vec![once_task(0, "leased", 1), once_task(0, "waiting", 2)];
    start(s, "first", "zoom", once_line(), kin);
    let leased = s.lease("w", 1).remove(0);
    s.say(Command::Cancel("first".into()));
    let settles = vec![of(&leased, done())];
    s.exchange("w", &["zoom"], 0, settles);
    s.lease("w", 0);
    assert_eq!(s.state("first"), RunState::Cancelled);
    let kin = vec![once_task(0, "leased", 1), once_task(0, "waiting", 2)];
    start(s, "second", "zoom", once_line(), kin);
    assert_eq!(s.finish("w").len(), 2);
}

fn a_cancelled_run_frees_the_values_of_its_dead_letters(s: &mut Scenario) {
    let kin = vec![once_task(0, "before", 1), once_task(0, "after", 2)];
    start(s, "first", "zoom", once_line(), kin);
    start(s, "other", "zoom", once_line(), vec![once_task(0, "of another run", 3)]);
    let leased = s.lease("w", 3);
    s.close("w", &leased[0], Outcome::Failed);
    s.close("w", &leased[2], Outcome::Failed);
    s.say(Command::Cancel("first".into()));
    s.close("w", &leased[1], Outcome::Failed);
    s.lease("w", 0);
    assert_eq!(s.state("first"), RunState::Cancelled);
    let kin = vec![once_task(0, "before", 1), once_task(0, "after", 2), once_task(0, "else", 3)];
    start(s, "second", "zoom", once_line(), kin);
    // What died in the run that can still put it back is taken.
    assert_eq!(s.finish("w").len(), 2);
}

fn another_try_keeps_the_value_taken(s: &mut Scenario) {
    let parents = two_parents(s);
    s.close("w", &parents[0], brings(vec![once_task(1, "first", 5)]));
    let first = s.lease_one("w");
    let at = s.now + 60_000;
    s.close("w", &first, Outcome::Retry { at, counts: true });
    s.close("w", &parents[1], brings(vec![once_task(1, "second", 5)]));
    assert!(s.lease("w", 9).is_empty());
    s.after(60_000);
    assert_eq!(s.finish("w"), ["first"]);
}

fn a_letter_whose_value_is_open_again_is_dropped(s: &mut Scenario) {
    start(s, "run", "zoom", once_line(), vec![once_task(0, "a", 1)]);
    let kept = s.keep();
    let a = s.lease_one("w");
    s.close("w", &a, Outcome::Failed);
    // The letter lies in the sink; the ledger has forgotten that it failed.
    s.roll_back(&kept);
    s.retry("run", vec![letter(&a)]);
    assert_eq!(s.finish("w"), ["a"]);
    let counts = s.step("run", 0);
    assert_eq!((counts.known, counts.done, counts.failed), (1, 1, 0));
}
