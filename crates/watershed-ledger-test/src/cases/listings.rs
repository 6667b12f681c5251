//! Listings: pages, checkpoints, keys; children make items.

use watershed_ledger::{End, Outcome};

use super::scenario::{Scenario, brings, checkpoint, done, page, records, task};
use super::suite::declare;
use crate::sketch::{From, Line};
use watershed_model::RunState;

declare! {
    children_start_while_their_listing_goes_on,
    a_checkpoint_comes_back_with_the_next_lease,
    a_restarted_listing_makes_no_child_twice,
    a_record_that_moves_between_pages_makes_no_child_twice,
    a_key_twice_on_one_page_makes_one_child,
    keys_survive_retries_and_lost_leases,
    keys_of_one_listing_do_not_hide_records_of_another,
    a_restart_starts_from_the_first_page,
    seven_hundred_children_are_handed_out_once_each,
    large_items_are_handed_out_once_each,
    children_of_many_small_parents_are_handed_out_once_each,
    all_ends_of_an_item_close_it,
}

fn listing(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), Line::new(From::Each(vec![(0, false)]))];
    s.run("run", lines, vec![task(0, "list")], vec![]);
}

fn record(key: u64) -> (u64, Vec<watershed_model::Kin>) {
    (key, vec![task(1, &format!("record{key}"))])
}

fn children_start_while_their_listing_goes_on(s: &mut Scenario) {
    listing(s);
    let list = s.lease_one("w");
    let now = s.now;
    s.close("w", &list, page(records(vec![record(1)]), 1, now));
    let leased = s.lease("w", 9);
    let mut steps: Vec<u16> = leased.iter().map(|l| l.step.0).collect();
    steps.sort_unstable();
    assert_eq!(steps, [0, 1]);
}

fn a_checkpoint_comes_back_with_the_next_lease(s: &mut Scenario) {
    listing(s);
    let list = s.lease_one("w");
    assert_eq!(list.checkpoint, None);
    let now = s.now;
    s.close("w", &list, page(Vec::new(), 1, now));
    let list = s.lease_one("w");
    assert_eq!(list.checkpoint, Some(checkpoint(1, now)));
    s.close("w", &list, Outcome::Retry { at: now, counts: true });
    let list = s.lease_one("w");
    assert_eq!(list.checkpoint, Some(checkpoint(1, now)));
    assert_eq!(list.attempts, 1);
}

fn a_restarted_listing_makes_no_child_twice(s: &mut Scenario) {
    listing(s);
    let list = s.lease_one("w");
    let now = s.now;
    s.close("w", &list, page(records(vec![record(1), record(2)]), 1, now));
    let list = s.lease("w", 9).into_iter().find(|l| l.step.0 == 0).expect("the next page");
    s.close("w", &list, Outcome::Restart);
    let list = s.lease_one("w");
    assert_eq!(list.restarts, 1);
    let all = records(vec![record(1), record(2), record(3)]);
    s.close("w", &list, Outcome::Closed { broods: all, end: End::Done });
    assert_eq!(s.step("run", 1).known, 3);
    // The two of the first page are leased still.
    assert_eq!(s.finish("w"), ["record3"]);
}

fn a_record_that_moves_between_pages_makes_no_child_twice(s: &mut Scenario) {
    listing(s);
    let list = s.lease_one("w");
    let now = s.now;
    s.close("w", &list, page(records(vec![record(1), record(2)]), 1, now));
    let list = s.lease("w", 9).into_iter().find(|l| l.step.0 == 0).expect("the next page");
    let moved = records(vec![record(2), record(3)]);
    s.close("w", &list, Outcome::Closed { broods: moved, end: End::Done });
    assert_eq!(s.step("run", 1).known, 3);
}

fn a_key_twice_on_one_page_makes_one_child(s: &mut Scenario) {
    listing(s);
    let list = s.lease_one("w");
    let twice = records(vec![record(1), record(1), record(2)]);
    s.close("w", &list, Outcome::Closed { broods: twice, end: End::Done });
    assert_eq!(s.step("run", 1).known, 2);
    assert_eq!(s.finish("w").len(), 2);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn keys_survive_retries_and_lost_leases(s: &mut Scenario) {
    listing(s);
    let list = s.lease_one("w");
    let now = s.now;
    s.close("w", &list, page(records(vec![record(1)]), 1, now));
    assert_eq!(s.lease("w", 9).len(), 2);
    s.after(40_000);
    let again = s.lease("other", 9);
    let list = again.iter().find(|l| l.step.0 == 0).expect("the next page");
    s.close("other", list, Outcome::Retry { at: now, counts: false });
    let list = s.lease_one("other");
    let both = records(vec![record(1), record(2)]);
    s.close("other", &list, Outcome::Closed { broods: both, end: End::Done });
    assert_eq!(s.step("run", 1).known, 2);
}

fn keys_of_one_listing_do_not_hide_records_of_another(s: &mut Scenario) {
    let lines = vec![Line::new(From::Literals(2)), Line::new(From::Each(vec![(0, false)]))];
    s.run("run", lines, vec![task(0, "list1"), task(0, "list2")], vec![]);
    for list in s.lease("w", 2) {
        let child = format!("of {}", list.item);
        s.close("w", &list, brings(vec![task(1, &child)]));
    }
    let mut names = s.finish("w");
    names.sort_unstable();
    assert_eq!(names, ["of list1", "of list2"]);
}

fn a_restart_starts_from_the_first_page(s: &mut Scenario) {
    listing(s);
    let list = s.lease_one("w");
    let now = s.now;
    s.close("w", &list, page(Vec::new(), 1, now));
    let list = s.lease_one("w");
    s.close("w", &list, Outcome::Restart);
    let list = s.lease_one("w");
    assert_eq!((list.checkpoint.clone(), list.restarts), (None, 1));
    s.close("w", &list, done());
    assert_eq!(s.state("run"), RunState::Complete);
}

fn each_once(s: &mut Scenario, names: &[String]) {
    let mut handed_out = s.finish("w");
    handed_out.sort_unstable();
    let mut names = names.to_vec();
    names.sort_unstable();
    assert_eq!(handed_out, names);
    assert_eq!(s.state("run"), RunState::Complete);
    assert_eq!(s.step("run", 1).done, names.len() as u64);
}

fn seven_hundred_children_are_handed_out_once_each(s: &mut Scenario) {
    listing(s);
    let list = s.lease_one("w");
    let names: Vec<String> = (0..700).map(|n| format!("child{n}")).collect();
    s.close("w", &list, brings(names.iter().map(|n| task(1, n)).collect()));
    each_once(s, &names);
}

fn large_items_are_handed_out_once_each(s: &mut Scenario) {
    listing(s);
    let list = s.lease_one("w");
    let names: Vec<String> = (0..100).map(|n| format!("{n}{}", "x".repeat(2_000))).collect();
    s.close("w", &list, brings(names.iter().map(|n| task(1, n)).collect()));
    each_once(s, &names);
}

fn children_of_many_small_parents_are_handed_out_once_each(s: &mut Scenario) {
    let lines = vec![Line::new(From::Literals(40)), Line::new(From::Each(vec![(0, false)]))];
    let parents = (0..40).map(|n| task(0, &format!("parent{n}"))).collect();
    s.run("run", lines, parents, vec![]);
    let mut names = Vec::new();
    // A few at a time: children arrive while others of the same group are leased already.
    for round in 0..10 {
        let parents: Vec<_> =
            s.lease("w", 200).into_iter().filter(|l| l.step.0 == 0).take(4).collect();
        for parent in parents {
            let child = format!("{round} {}", parent.item);
            s.close("w", &parent, brings(vec![task(1, &child)]));
            names.push(child);
        }
        s.after(40_000);
    }
    for parent in s.lease("w", 200) {
        s.close("w", &parent, done());
    }
    assert_eq!(s.step("run", 1).known, names.len() as u64);
    s.finish("w");
    assert_eq!(s.state("run"), RunState::Complete);
    assert_eq!(s.step("run", 1).done, names.len() as u64);
}

fn all_ends_of_an_item_close_it(s: &mut Scenario) {
    let ends = [End::Done, End::Skipped, End::Unavailable, End::Waiting];
    let kin = ["a", "b", "c", "d"].map(|name| task(0, name)).to_vec();
    s.run("run", vec![Line::new(From::Literals(4))], kin, vec![]);
    for (leased, end) in s.lease("w", 4).iter().zip(ends) {
        s.close("w", leased, Outcome::Closed { broods: Vec::new(), end });
    }
    let counts = s.step("run", 0);
    assert_eq!(
        (counts.done, counts.skipped, counts.unavailable, counts.waiting, counts.open),
        (1, 1, 1, 1, 0)
    );
    assert_eq!(s.state("run"), RunState::Complete);
}
