//! Children, listings, `once`, fences, repeats.

use watershed_ledger::{End, Outcome, Settled};
use watershed_model::{Brood, RunState};

use crate::plans::chain;
use crate::scenario::{Scenario, broods, names, once, page, task};

fn users() -> Scenario {
    let mut s = Scenario::run(chain(), vec![task(0, "all")]);
    assert_eq!(s.leases_all("w"), ["users:all"]);
    s
}

#[test]
fn children_wait_in_chunks_of_300_and_are_leased_by_ranges() {
    let mut s = users();
    let kin = names(0..700).iter().map(|n| task(1, n)).collect();
    s.closes("w", "users:all", kin).settles("w");
    assert_eq!(s.open_records().len(), 3);
    let leased = s.leases("w", 650);
    assert_eq!(leased.len(), 650);
    assert_eq!(leased[649], "meetings:0649");
    let mut leases: Vec<_> = s.last.leased.iter().map(|l| l.fence.lease).collect();
    leases.dedup();
    assert_eq!(leases.len(), 3, "a lease is a range of one chunk");
    assert_eq!(s.counts("meetings").open, 700);
}

#[test]
fn large_items_fill_a_chunk_by_their_bytes() {
    let mut s = users();
    let item = "x".repeat(40_000);
    let kin = (0..4).map(|n| task(1, &format!("{n}{item}"))).collect();
    s.closes("w", "users:all", kin).settles("w");
    assert_eq!(s.open_records().len(), 2);
}

#[test]
fn the_few_children_of_siblings_share_one_chunk() {
    let mut s = users();
    s.closes("w", "users:all", names(0..9).iter().map(|n| task(1, n)).collect());
    for meeting in s.leases_all("w") {
        s.closes("w", &meeting, vec![task(2, &meeting)]);
    }
    s.settles("w");
    assert_eq!(s.open_records().len(), 1);
    assert_eq!(s.counts("files").open, 9);
}

#[test]
fn a_run_without_open_items_is_complete() {
    let mut s = Scenario::run(chain(), vec![]);
    assert_eq!(s.state(), RunState::Complete);
    let mut s2 = users();
    s2.closes("w", "users:all", vec![task(1, "m")]).settles("w");
    assert_eq!(s2.state(), RunState::Running);
    assert_eq!(s2.drains("w"), ["meetings:m"]);
    assert_eq!(s2.state(), RunState::Complete);
    assert_eq!(s2.last.ended, ["r".into()]);
    assert_eq!(s.leases_all("w"), [""; 0]);
}

#[test]
fn a_key_that_a_listing_has_brought_adds_nothing_again() {
    let mut s = users();
    let brood = |key: u64, item: &str| Brood { key, kin: vec![task(1, item)] };
    let at = s.now;
    let first = vec![brood(1, "a"), brood(2, "b"), brood(1, "a")];
    s.says("w", "users:all", page("t1", at, first));
    let mut all = s.leases_all("w");
    assert_eq!(s.held("w", "users:all").checkpoint.as_ref().unwrap().token, "t1");
    s.says("w", "users:all", Outcome::Restart);
    all.extend(s.leases_all("w"));
    assert_eq!(s.held("w", "users:all").restarts, 1);
    assert_eq!(s.held("w", "users:all").checkpoint, None);
    let again = vec![brood(2, "b"), brood(3, "c")];
    s.says("w", "users:all", page("t2", at, again));
    all.extend(s.leases_all("w"));
    let last = Outcome::Closed { broods: vec![brood(1, "a"), brood(4, "d")], end: End::Done };
    s.says("w", "users:all", last);
    all.extend(s.leases_all("w"));
    all.retain(|name| name.starts_with("meetings"));
    assert_eq!(all, ["meetings:a", "meetings:b", "meetings:c", "meetings:d"]);
    assert_eq!(s.counts("meetings").known, 4);
}

#[test]
fn a_once_value_that_is_open_counts_the_later_comer_as_done() {
    let mut s = users();
    s.closes("w", "users:all", vec![once(1, "a", 7), once(1, "twin", 7), once(1, "b", 8)]);
    assert_eq!(s.leases_all("w"), ["meetings:a", "meetings:b"]);
    let counts = s.counts("meetings");
    assert_eq!((counts.known, counts.done, counts.open), (3, 1, 2));
}

#[test]
fn a_once_value_is_one_operation_s_and_one_lane_s() {
    let mut s = users();
    s.closes("w", "users:all", vec![once(1, "a", 7), once(2, "b", 7)]).settles("w");
    s.submit("r2", "acme", vec![once(1, "c", 7)], &[]).unwrap();
    s.submit("r3", "other", vec![once(1, "d", 7)], &[]).unwrap();
    assert_eq!(s.leases_all("w"), ["files:b", "meetings:a", "meetings:d"]);
    assert_eq!(s.view_of("r2").state, RunState::Complete, "its one item is open elsewhere");
}

#[test]
fn a_once_value_is_free_again_when_its_item_closes_well() {
    let mut s = users();
    s.closes("w", "users:all", vec![once(1, "a", 7), task(1, "b")]).leases_all("w");
    s.closes("w", "meetings:a", vec![]).settles("w");
    s.closes("w", "meetings:b", vec![once(1, "a2", 7)]);
    assert_eq!(s.leases_all("w"), ["meetings:a2"]);
}

#[test]
fn a_stale_fence_settles_nothing() {
    let mut s = users();
    let mut settle = Scenario::clone(&s);
    settle.closes("w", "users:all", vec![task(1, "a")]);
    let entry = settle.exchange_of("w", 0).settles.remove(0);

    let mut wrong = entry.clone();
    wrong.fence.nonce ^= 1;
    s.add(wrong);
    let mut beyond = entry.clone();
    beyond.fence.index = 1;
    s.add(beyond);
    let mut unknown = entry.clone();
    unknown.fence.lease.0 += 1_000;
    s.add(unknown);
    assert_eq!(s.settles("w"), [Settled::Stale; 3]);
    s.add(entry.clone());
    assert_eq!(s.settles("somebody else"), [Settled::Stale]);
    assert_eq!(s.counts("users").open, 1);
    assert_eq!(s.view().calls.values().sum::<u64>(), 0);
    s.add(entry);
    assert_eq!(s.settles("w"), [Settled::Accepted]);
}

#[test]
fn the_second_settle_of_one_task_in_a_batch_is_stale() {
    let mut s = users();
    s.closes("w", "users:all", vec![task(1, "a")]);
    s.fails("w", "users:all");
    assert_eq!(s.settles("w"), [Settled::Accepted, Settled::Stale]);
    assert_eq!((s.counts("users").done, s.counts("users").failed), (1, 0));
}

#[test]
fn a_task_that_was_settled_cannot_be_settled_by_its_old_lease() {
    let mut s = users();
    let old = s.held("w", "users:all").fence;
    let at = s.now;
    s.says("w", "users:all", page("t", at, vec![])).leases_all("w");
    s.closes("w", "users:all", vec![]);
    let mut exchange = s.exchange_of("w", 0);
    exchange.settles[0].fence = old;
    assert_eq!(s.exchanged(exchange).settled, [Settled::Stale]);
    assert_eq!(s.counts("users").open, 1);
}

#[test]
fn a_repeated_exchange_gives_the_same_answer_and_changes_nothing() {
    let mut s = users();
    s.closes("w", "users:all", vec![task(1, "a"), task(1, "b")]);
    let exchange = s.exchange_of("w", 1);
    let answer = s.exchanged(exchange.clone());
    assert_eq!(answer.leased.len(), 1);
    let before = format!("{:?}", s.tables);
    let mut again = s.exchanged(exchange);
    again.now = answer.now;
    assert_eq!(again, answer);
    assert_eq!(format!("{:?}", s.tables), before);
}

#[test]
fn an_exchange_older_than_the_last_is_all_stale() {
    let mut s = users();
    s.closes("w", "users:all", vec![task(1, "a")]);
    let old = s.exchange_of("w", 5);
    let new = s.exchange_of("w", 0);
    s.exchanged(new);
    let answer = s.exchanged(old);
    assert_eq!(answer.settled, [Settled::Stale]);
    assert!(answer.leased.is_empty());
    assert_eq!(s.counts("users").open, 1);
}

#[test]
fn a_child_that_the_plan_has_no_place_for_is_refused_and_nothing_changes() {
    let mut s = users();
    s.closes("w", "users:all", vec![task(1, "a"), task(99, "b")]);
    let before = format!("{:?}", s.tables);
    let exchange = s.exchange_of("w", 5);
    let error = s.say(watershed_ledger::Command::Exchange(exchange)).unwrap_err();
    assert_eq!(error.to_string(), "exchange does not fit run r: a child names step 99");
    assert_eq!(format!("{:?}", s.tables), before);
}

#[test]
fn ends_are_counted_by_kind_and_calls_by_category() {
    let mut s = users();
    s.closes("w", "users:all", names(0..5).iter().map(|n| task(1, n)).collect());
    s.leases_all("w");
    let ends = [End::Done, End::Skipped, End::Unavailable, End::Waiting];
    for (n, end) in ends.into_iter().enumerate() {
        let outcome = Outcome::Closed { broods: broods(vec![]), end };
        s.says("w", &format!("meetings:{n:04}"), outcome);
    }
    s.fails("w", "meetings:0004").settles("w");
    let c = s.counts("meetings");
    assert_eq!((c.known, c.open, c.failed), (5, 0, 1));
    assert_eq!((c.done, c.skipped, c.unavailable, c.waiting), (1, 1, 1, 1));
    assert_eq!(s.view().calls["none"], 6);
    assert_eq!(s.view().least, 6);
}

#[test]
fn a_step_is_final_when_nothing_that_leads_to_it_is_open() {
    let mut s = users();
    let finals =
        |s: &mut Scenario| s.view().steps.iter().map(|step| step.is_final).collect::<Vec<_>>();
    assert_eq!(finals(&mut s), [true, false, false]);
    s.closes("w", "users:all", vec![task(1, "a")]).leases_all("w");
    assert_eq!(finals(&mut s), [true, true, false]);
    s.closes("w", "meetings:a", vec![task(2, "f")]).settles("w");
    assert_eq!(finals(&mut s), [true, true, true]);
}
