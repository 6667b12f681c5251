//! Leases: how they run out, are kept, given back, taken over.

use watershed_ledger::{Command, Outcome, Reply, Settled};

use super::scenario::{LEASE_MS, Scenario, done, item_names, letter, of, page, submit, task};
use super::suite::declare;
use crate::sketch::{From, Line};
use watershed_model::{RunState, Trigger};

declare! {
    a_lease_that_runs_out_goes_to_another_worker,
    an_extended_lease_does_not_run_out,
    extending_tells_which_leases_are_lost,
    three_lost_leases_make_a_suspect_that_is_worked_on_alone,
    six_lost_leases_make_a_poisoned_lease,
    a_poisoned_task_can_become_a_dead_letter_and_come_back,
    a_released_task_counts_no_loss_and_no_attempt,
    an_accepted_settle_forgets_lost_leases,
    a_takeover_takes_back_what_others_hold_and_nothing_else,
    a_worker_gets_no_more_than_it_asked_for,
    only_lanes_that_were_asked_for_are_leased,
    what_was_settled_of_a_range_stays_settled_when_the_rest_runs_out,
    every_lease_that_runs_out_is_taken_back_in_the_end,
}

fn items(s: &mut Scenario, names: &[&str]) {
    let kin = names.iter().map(|name| task(0, name)).collect();
    s.run("run", vec![Line::new(From::Literals(names.len() as u8))], kin, vec![]);
}

fn a_lease_that_runs_out_goes_to_another_worker(s: &mut Scenario) {
    items(s, &["a"]);
    s.lease_one("slow");
    s.after(LEASE_MS - 1);
    assert!(s.lease("quick", 1).is_empty());
    s.after(2);
    let leased = s.lease_one("quick");
    assert_eq!((leased.item.as_str(), leased.lost, leased.attempts), ("a", 1, 0));
}

fn an_extended_lease_does_not_run_out(s: &mut Scenario) {
    items(s, &["a"]);
    let leased = s.lease_one("slow");
    s.after(LEASE_MS - 1);
    assert!(s.extend("slow", vec![leased.fence.lease]).is_empty());
    s.after(LEASE_MS - 1);
    assert!(s.lease("quick", 1).is_empty());
    s.close("slow", &leased, done());
}

fn extending_tells_which_leases_are_lost(s: &mut Scenario) {
    items(s, &["a"]);
    let leased = s.lease_one("slow");
    assert_eq!(s.extend("other", vec![leased.fence.lease]), [leased.fence.lease]);
    s.after(LEASE_MS + 1);
    s.lease_one("quick");
    assert_eq!(s.extend("slow", vec![leased.fence.lease]), [leased.fence.lease]);
}

fn three_lost_leases_make_a_suspect_that_is_worked_on_alone(s: &mut Scenario) {
    items(s, &["a", "b", "c"]);
    for _ in 0..3 {
        assert_eq!(s.lease("w", 9).len(), 3);
        s.after(LEASE_MS + 1);
    }
    for left in (1..=3).rev() {
        let suspect = s.lease("w", 9);
        assert_eq!(suspect.len(), 1, "alone, with {left} to go");
        assert_eq!((suspect[0].lost, suspect[0].poisoned), (3, false));
        assert!(s.lease("w", 9).is_empty(), "nothing beside it");
        s.close("w", &suspect[0], done());
    }
    assert_eq!(s.state("run"), RunState::Complete);
}

fn six_lost_leases_make_a_poisoned_lease(s: &mut Scenario) {
    items(s, &["a"]);
    for lost in 0..6 {
        let leased = s.lease_one("w");
        assert_eq!((leased.lost, leased.poisoned), (lost, false));
        s.after(LEASE_MS + 1);
    }
    let leased = s.lease_one("w");
    assert_eq!((leased.lost, leased.poisoned), (6, true));
}

fn a_poisoned_task_can_become_a_dead_letter_and_come_back(s: &mut Scenario) {
    items(s, &["a"]);
    for _ in 0..6 {
        s.lease_one("w");
        s.after(LEASE_MS + 1);
    }
    let poisoned = s.lease_one("w");
    s.close("w", &poisoned, Outcome::Failed);
    assert_eq!(s.state("run"), RunState::Complete);
    s.retry("run", vec![letter(&poisoned)]);
    let again = s.lease_one("w");
    assert_eq!((again.lost, again.poisoned), (0, false));
}

fn a_released_task_counts_no_loss_and_no_attempt(s: &mut Scenario) {
    items(s, &["a"]);
    for _ in 0..5 {
        let leased = s.lease_one("w");
        assert_eq!((leased.lost, leased.attempts, leased.poisoned), (0, 0, false));
        s.close("w", &leased, Outcome::Released);
    }
}

fn an_accepted_settle_forgets_lost_leases(s: &mut Scenario) {
    items(s, &["a"]);
    for _ in 0..2 {
        s.lease_one("w");
        s.after(LEASE_MS + 1);
    }
    let leased = s.lease_one("w");
    assert_eq!(leased.lost, 2);
    let now = s.now;
    s.close("w", &leased, page(Vec::new(), 1, now));
    let leased = s.lease_one("w");
    assert_eq!(leased.lost, 0);
    s.after(LEASE_MS + 1);
    assert_eq!(s.lease_one("w").lost, 1);
}

fn a_takeover_takes_back_what_others_hold_and_nothing_else(s: &mut Scenario) {
    items(s, &["a", "b"]);
    let mine = s.lease("alone", 1);
    let theirs = s.lease("dead", 1);
    let reply = s.say(Command::Takeover { worker: "alone".into() });
    assert_eq!(reply, Reply::TakenOver { tasks: 1 });
    assert_eq!(s.settle("dead", &theirs[0], done()), Settled::Stale);
    s.close("alone", &mine[0], done());
    assert_eq!(s.lease_one("alone").item, theirs[0].item);
}

fn a_worker_gets_no_more_than_it_asked_for(s: &mut Scenario) {
    items(s, &["a", "b", "c", "d", "e"]);
    assert!(s.lease("w", 0).is_empty());
    assert_eq!(s.lease("w", 2).len(), 2);
    assert_eq!(s.lease("w", 9).len(), 3);
}

fn only_lanes_that_were_asked_for_are_leased(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run)];
    for lane in ["north", "south"] {
        let kin = vec![task(0, lane)];
        let submit = submit(lane, lane, Trigger::Manual, lines.clone(), kin, vec![]);
        s.say(Command::Submit(Box::new(submit)));
    }
    let north = s.exchange("w", &["north"], 9, Vec::new()).leased;
    assert_eq!(item_names(&north), ["north"]);
    let both = s.exchange("w", &["north", "south"], 9, Vec::new()).leased;
    assert_eq!(item_names(&both), ["south"]);
}

fn what_was_settled_of_a_range_stays_settled_when_the_rest_runs_out(s: &mut Scenario) {
    items(s, &["a", "b", "c"]);
    let leased = s.lease("slow", 3);
    s.close("slow", &leased[1], done());
    s.after(LEASE_MS + 1);
    let again = s.lease("quick", 9);
    let mut names = item_names(&again);
    names.sort_unstable();
    assert_eq!(names, ["a", "c"]);
    let settles = again.iter().map(|l| of(l, done())).collect();
    s.exchange("quick", &["zoom"], 0, settles);
    assert_eq!(s.state("run"), RunState::Complete);
}

fn every_lease_that_runs_out_is_taken_back_in_the_end(s: &mut Scenario) {
    let names: Vec<String> = (0..200).map(|n| format!("item{n}")).collect();
    items(s, &names.iter().map(String::as_str).collect::<Vec<_>>());
    for _ in 0..200 {
        assert_eq!(s.lease("slow", 1).len(), 1);
    }
    s.after(LEASE_MS + 1);
    let mut taken = 0;
    for _ in 0..200 {
        taken += s.lease("quick", 50).len();
    }
    assert_eq!(taken, 200);
}
