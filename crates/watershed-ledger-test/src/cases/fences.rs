//! Whose right it is: fences, sequences, repeats, rollbacks.

use watershed_ledger::Settled;

use super::scenario::{LEASE_MS, Scenario, brings, done, item_names, of, task};
use super::suite::declare;
use crate::sketch::{From, Line};

declare! {
    a_stale_fence_settles_nothing,
    a_forged_nonce_settles_nothing,
    the_fence_of_another_worker_settles_nothing,
    two_settles_of_one_task_in_a_batch_count_once,
    a_settled_task_is_not_settled_again,
    a_repeated_exchange_gives_the_same_answer_and_changes_nothing,
    a_repeat_shows_only_leases_that_still_stand,
    an_older_sequence_settles_and_leases_nothing,
    a_lease_number_that_repeats_after_a_rollback_is_told_apart needs Rollback,
    what_a_rollback_undid_is_handed_out_again needs Rollback,
    a_restart_forgets_nothing needs Restart,
}

fn two_items(s: &mut Scenario) {
    s.run("run", vec![Line::new(From::Literals(2))], vec![task(0, "a"), task(0, "b")], vec![]);
}

fn parent(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), Line::new(From::Each(vec![(0, false)]))];
    s.run("run", lines, vec![task(0, "root")], vec![]);
}

fn a_stale_fence_settles_nothing(s: &mut Scenario) {
    parent(s);
    let slow = s.lease_one("slow");
    s.after(LEASE_MS + 1);
    let quick = s.lease_one("quick");
    assert_eq!(s.settle("slow", &slow, brings(vec![task(1, "child")])), Settled::Stale);
    assert_eq!(s.step("run", 1).known, 0);
    assert_eq!(s.step("run", 0).open, 1);
    s.close("quick", &quick, done());
}

fn a_forged_nonce_settles_nothing(s: &mut Scenario) {
    parent(s);
    let mut leased = s.lease_one("w");
    leased.fence.nonce ^= 1;
    assert_eq!(s.settle("w", &leased, done()), Settled::Stale);
    leased.fence.nonce ^= 1;
    leased.fence.index += 1;
    assert_eq!(s.settle("w", &leased, done()), Settled::Stale);
    leased.fence.index -= 1;
    s.close("w", &leased, done());
}

fn the_fence_of_another_worker_settles_nothing(s: &mut Scenario) {
    parent(s);
    let leased = s.lease_one("owner");
    assert_eq!(s.settle("thief", &leased, done()), Settled::Stale);
    s.close("owner", &leased, done());
}

fn two_settles_of_one_task_in_a_batch_count_once(s: &mut Scenario) {
    parent(s);
    let leased = s.lease_one("w");
    let twice = vec![
        of(&leased, brings(vec![task(1, "child")])),
        of(&leased, brings(vec![task(1, "child")])),
    ];
    let answer = s.exchange("w", &["zoom"], 0, twice);
    assert_eq!(answer.settled, [Settled::Accepted, Settled::Stale]);
    assert_eq!(s.step("run", 1).known, 1);
    assert_eq!(s.view("run").calls["none"], 1);
}

fn a_settled_task_is_not_settled_again(s: &mut Scenario) {
    two_items(s);
    let leased = s.lease("w", 2);
    s.close("w", &leased[0], done());
    assert_eq!(s.settle("w", &leased[0], done()), Settled::Stale);
    assert_eq!(s.step("run", 0).done, 1);
    s.close("w", &leased[1], done());
}

fn a_repeated_exchange_gives_the_same_answer_and_changes_nothing(s: &mut Scenario) {
    parent(s);
    let root = s.lease_one("w");
    let children = brings(vec![task(1, "a"), task(1, "b"), task(1, "c")]);
    s.exchange("w", &["zoom"], 2, vec![of(&root, children)]);
    let before = s.view("run");
    s.after(1_000);
    let (first, second) = s.repeat();
    assert_eq!(first.settled, second.settled);
    assert_eq!(first.leased, second.leased);
    assert_eq!(first.ended, second.ended);
    assert_eq!(before, s.view("run"));
}

fn a_repeat_shows_only_leases_that_still_stand(s: &mut Scenario) {
    two_items(s);
    s.lease("slow", 2);
    let (first, _) = s.repeat();
    s.after(LEASE_MS + 1);
    // The other worker takes both back, and gets one of them.
    let mut other = s.lease("quick", 1);
    assert_eq!(other.len(), 1);
    assert_eq!(other.remove(0).lost, 1);
    assert_eq!(first.leased.len(), 2);
}

fn an_older_sequence_settles_and_leases_nothing(s: &mut Scenario) {
    two_items(s);
    let leased = s.lease("w", 1);
    s.exchange("w", &["zoom"], 1, vec![of(&leased[0], done())]);
    s.lease("w", 0);
    s.exchange("w", &["zoom"], 1, Vec::new());
    let answer = s.last_as(1);
    assert!(answer.leased.is_empty());
    assert!(answer.settled.is_empty());
    assert_eq!(s.step("run", 0).done, 1);
}

fn a_lease_number_that_repeats_after_a_rollback_is_told_apart(s: &mut Scenario) {
    parent(s);
    let kept = s.keep();
    let before = s.lease_one("w");
    s.roll_back(&kept);
    let after = s.lease_one("w");
    assert_ne!(before.fence, after.fence);
    assert_eq!(s.settle("w", &before, done()), Settled::Stale);
    s.close("w", &after, done());
}

fn what_a_rollback_undid_is_handed_out_again(s: &mut Scenario) {
    parent(s);
    let root = s.lease_one("w");
    let kept = s.keep();
    s.close("w", &root, brings(vec![task(1, "a")]));
    assert_eq!(s.finish("w"), ["a"]);
    s.roll_back(&kept);
    // The same settle once more: its fence is from before.
    s.close("w", &root, brings(vec![task(1, "a")]));
    assert_eq!(s.finish("w"), ["a"]);
    assert_eq!(s.step("run", 1).done, 1);
}

fn a_restart_forgets_nothing(s: &mut Scenario) {
    parent(s);
    let root = s.lease_one("w");
    s.close("w", &root, brings(vec![task(1, "a"), task(1, "b")]));
    let leased = s.lease("w", 1);
    let before = s.view("run");
    s.restart();
    assert_eq!(before, s.view("run"));
    let (first, second) = s.repeat();
    assert_eq!(first.leased, second.leased);
    s.close("w", &leased[0], done());
    assert_eq!(item_names(&s.lease("w", 9)), ["b"]);
}
