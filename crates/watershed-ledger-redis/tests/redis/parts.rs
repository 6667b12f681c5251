//! An exchange that brings more children than one script adds: carried out in parts, and one
//! exchange all the same.

use std::collections::BTreeSet;

use watershed_ledger::{
    Checkpoint, Command, End, Exchange, Exchanged, Leased, Outcome, Reply, Settle, Settled, Submit,
    Want,
};
use watershed_ledger_test::{Subject, plain_plan, plain_step};
use watershed_model::{
    Brood, Child, Kin, Millis, PlanHash, RunId, Source, StepId, Trigger, hash64,
};

use crate::on_redis::OnRedis;

const LIST: StepId = StepId(0);
const ITEM: StepId = StepId(1);

fn child(step: StepId, n: u64) -> Kin {
    Kin::Task(Child { step, item: format!("[{n}]"), once: None, bucket: 0, together: false })
}

fn brood(n: u64) -> Brood {
    Brood { key: hash64(&[&n.to_be_bytes()]), kin: vec![child(ITEM, n)] }
}

/// Long after a token that was given at the beginning: its listing goes before everything else.
const LATE: Millis = Millis(600_000);

/// A run of so many lists.
fn begun(lists: u64) -> OnRedis {
    let mut redis = OnRedis::empty();
    let step = |name: &str, depth| plain_step(name, depth, None, Source::Literals(Vec::new()));
    let submit = Submit {
        run: RunId::from("run"),
        connection: "zoom".into(),
        account: "acme".into(),
        plan: plain_plan(vec![step("lists", 0), step("items", 1)]),
        plan_hash: PlanHash("plan".to_owned()),
        inputs: Default::default(),
        granted: Vec::new(),
        trigger: Trigger::Manual,
        kin: (0..lists).map(|n| child(LIST, n)).collect(),
        joins: Vec::new(),
    };
    redis.execute(Command::Submit(Box::new(submit)), Millis(0)).expect("it begins");
    redis
}

fn exchange(redis: &mut OnRedis, sequence: u64, settles: Vec<Settle>, tasks: u16) -> Exchanged {
    let exchange = Exchange {
        worker: "w".into(),
        sequence,
        random: 7,
        settles,
        held: None,
        want: Want {
            lanes: vec!["zoom".into()],
            tasks,
            lease_ms: 15_000,
            horizon_ms: 0,
            lead_ms: 0,
        },
    };
    match redis.execute(Command::Exchange(exchange), LATE).expect("it is carried out") {
        Reply::Exchanged(exchanged) => exchanged,
        other => panic!("{other:?}"),
    }
}

fn settle(leased: &Leased, outcome: Outcome) -> Settle {
    Settle::after(1, leased.fence, outcome)
}

fn known(redis: &mut OnRedis, step: StepId) -> u64 {
    let view = redis.view(&RunId::from("run")).expect("a view").expect("the run");
    view.steps[step.index()].known
}

#[test]
fn lists_that_bring_many_children_are_settled_and_a_repeat_is_answered_the_same() {
    let mut redis = begun(20);
    let lists = exchange(&mut redis, 1, Vec::new(), 20).leased;
    let all = |list: &Leased| {
        let first = u64::from(list.fence.index) * 1_000;
        let broods = (first..first + 300).map(brood).collect();
        settle(list, Outcome::Closed { broods, end: End::Done })
    };
    // One is stale, in the middle of a part.
    let mut settles: Vec<Settle> = lists.iter().map(all).collect();
    settles[7].fence.nonce ^= 1;
    let first = exchange(&mut redis, 2, settles.clone(), 10);
    let stale: Vec<usize> = (0..20).filter(|at| first.settled[*at] == Settled::Stale).collect();
    assert_eq!((first.settled.len(), stale), (20, vec![7]));
    assert_eq!(known(&mut redis, ITEM), 19 * 300);
    assert_eq!(first.leased.len(), 10);
    let again = exchange(&mut redis, 2, settles, 10);
    assert_eq!(again, first);
    assert_eq!(known(&mut redis, ITEM), 19 * 300);
}

#[test]
fn a_listing_of_many_pages_knows_every_key_that_it_has_brought() {
    let mut redis = begun(1);
    let mut brought = BTreeSet::new();
    let mut list = exchange(&mut redis, 1, Vec::new(), 1).leased.remove(0);
    // Each page has a third of the one before once more; the last is the first again.
    let pages = (0..40).map(|page| page * 200..page * 200 + 300).chain(std::iter::once(0..300));
    for (sequence, records) in (2..).zip(pages) {
        brought.extend(records.clone());
        let checkpoint = Checkpoint {
            token: sequence.to_string(),
            token_at: Millis(0),
            first_at: Millis(0),
            pages: 1,
            rows: 0,
        };
        let more = Outcome::More { broods: records.map(brood).collect(), checkpoint };
        list = exchange(&mut redis, sequence, vec![settle(&list, more)], 1).leased.remove(0);
        assert_eq!(list.step, LIST);
        assert_eq!(known(&mut redis, ITEM), brought.len() as u64, "page {sequence}");
    }
    let empty = redis.size();
    exchange(
        &mut redis,
        99,
        vec![settle(&list, Outcome::Closed { broods: Vec::new(), end: End::Done })],
        0,
    );
    assert!(empty - redis.size() > 8 * brought.len() as u64, "its keys are forgotten");
}
