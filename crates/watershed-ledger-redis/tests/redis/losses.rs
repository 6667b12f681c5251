//! Redis that lost something, and Redis that cannot be used.

use std::time::Duration;

use watershed_ledger::{
    Command, Error, Exchange, Exchanged, Fence, Leased, Ledger, Reply, Settled, Submit, Want,
};
use watershed_ledger_redis::{Link, RedisLedger};
use watershed_ledger_test::{Subject, plain_plan, plain_step};
use watershed_model::{Child, Kin, Limits, Millis, PlanHash, RunId, Source, StepId, Trigger};

use crate::on_redis::{OnRedis, SERVER};

/// A morning.
pub(crate) const NOW: Millis = Millis(20_000 * Millis::DAY + 36_000_000);

pub(crate) fn submit(run: &str, connection: &str, account: &str, items: u32) -> Command {
    let child = |n: u32| Child {
        step: StepId(0),
        item: format!("[{n}]"),
        once: None,
        bucket: 0,
        together: false,
    };
    Command::Submit(Box::new(Submit {
        run: RunId::from(run),
        connection: connection.into(),
        account: account.into(),
        plan: plain_plan(vec![plain_step("items", 1, None, Source::Literals(Vec::new()))]),
        plan_hash: PlanHash("plan".to_owned()),
        inputs: Default::default(),
        granted: Vec::new(),
        trigger: Trigger::Manual,
        kin: (0..items).map(|n| Kin::Task(child(n))).collect(),
        joins: Vec::new(),
    }))
}

fn exchange(
    on: &mut OnRedis,
    sequence: u64,
    settles: Exchanged,
    lane: &str,
    now: Millis,
) -> Exchanged {
    said(on, Asks { worker: "w", lane, sequence, held: None }, settles, now)
}

/// Closes what was leased, and leases four tasks of the lane `zoom`.
pub(crate) fn exchange_by(
    on: &mut OnRedis,
    worker: &str,
    sequence: u64,
    settles: Exchanged,
    now: Millis,
) -> Exchanged {
    said(on, Asks { worker, lane: "zoom", sequence, held: None }, settles, now)
}

struct Asks<'a> {
    worker: &'a str,
    lane: &'a str,
    sequence: u64,
    /// What it says that it holds.
    held: Option<Vec<Fence>>,
}

fn said(on: &mut OnRedis, asks: Asks<'_>, settles: Exchanged, now: Millis) -> Exchanged {
    let Asks { worker, lane, sequence, held } = asks;
    let settles = settles.leased.iter().map(|leased| {
        let outcome = watershed_ledger::Outcome::Closed {
            broods: Vec::new(),
            end: watershed_ledger::End::Done,
        };
        watershed_ledger::Settle::after(1, leased.fence, outcome)
    });
    let exchange = Exchange {
        worker: worker.into(),
        sequence,
        random: sequence,
        settles: settles.collect(),
        held,
        want: Want {
            lanes: vec![lane.into()],
            tasks: 4,
            lease_ms: 15_000,
            horizon_ms: 400,
            lead_ms: 0,
        },
    };
    match on.execute(Command::Exchange(exchange), now) {
        Ok(Reply::Exchanged(exchanged)) => exchanged,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ledger_that_went_back_leases_nothing_for_two_seconds() {
    let mut on = OnRedis::empty();
    on.execute(submit("run", "zoom", "acme", 40), NOW).expect("it begins");
    let before = on.snapshot();
    let first = exchange(&mut on, 1, Exchanged::default(), "zoom", NOW);
    assert_eq!(first.leased.len(), 4);
    on.go_back(before.as_ref());
    let cold = exchange(&mut on, 2, first, "zoom", NOW + 100);
    assert_eq!(cold.settled, [Settled::Stale; 4], "nobody knows those leases any more");
    assert_eq!(cold.leased, [], "what was leased may be under way");
    assert_eq!(cold.ask_again_at, Some(NOW + 2_100));
    let warm = exchange(&mut on, 3, Exchanged::default(), "zoom", NOW + 2_100);
    assert_eq!(warm.leased.len(), 4);
}

#[test]
fn a_loss_that_another_finds_later_pauses_no_longer() {
    let mut on = OnRedis::empty();
    on.execute(submit("run", "zoom", "acme", 40), NOW).expect("it begins");
    let before = on.snapshot();
    exchange(&mut on, 1, Exchanged::default(), "zoom", NOW);
    let mut other = on.beside();
    for sequence in 2..6 {
        exchange(&mut other, sequence, Exchanged::default(), "zoom", NOW);
    }
    on.go_back(before.as_ref());
    let first = exchange(&mut on, 6, Exchanged::default(), "zoom", NOW + 100);
    assert_eq!(first.ask_again_at, Some(NOW + 2_100));
    let second = exchange(&mut other, 7, Exchanged::default(), "zoom", NOW + 1_100);
    assert_eq!((second.leased, second.ask_again_at), (vec![], Some(NOW + 2_100)));
    let warm = exchange(&mut other, 8, Exchanged::default(), "zoom", NOW + 2_100);
    assert_eq!(warm.leased.len(), 4);
}

#[test]
fn a_loss_is_found_however_much_others_have_done_since() {
    let mut on = OnRedis::empty();
    on.execute(submit("run", "zoom", "acme", 40), NOW).expect("it begins");
    let mut other = on.beside();
    exchange_by(&mut other, "v", 1, Exchanged::default(), NOW);
    let before = on.snapshot();
    assert_eq!(exchange(&mut on, 1, Exchanged::default(), "zoom", NOW).leased.len(), 4);
    on.go_back(before.as_ref());
    for sequence in 2..6 {
        let more = exchange_by(&mut other, "v", sequence, Exchanged::default(), NOW + 200);
        assert_eq!(more.leased.len(), 4, "of all that it knows nothing was lost");
    }
    let found = exchange(&mut on, 2, Exchanged::default(), "zoom", NOW + 300);
    assert_eq!((found.leased, found.ask_again_at), (vec![], Some(NOW + 2_300)));
}

/// The items of what is leased, and how many leases each has lost.
fn items(leased: &[Leased]) -> Vec<(&str, u16)> {
    leased.iter().map(|leased| (leased.item.as_str(), leased.lost)).collect()
}

#[test]
fn what_was_settled_by_a_lost_act_is_leased_again_once_its_worker_says_what_it_holds() {
    let mut on = OnRedis::empty();
    on.execute(submit("run", "zoom", "acme", 12), NOW).expect("it begins");
    let first = exchange(&mut on, 1, Exchanged::default(), "zoom", NOW);
    let others = exchange_by(&mut on, "v", 1, Exchanged::default(), NOW);
    assert_eq!((first.leased.len(), others.leased.len()), (4, 4));
    let before = on.snapshot();
    // Two of the four are settled, and what that leased is lost with it.
    let done = Exchanged { leased: first.leased[..2].to_vec(), ..Exchanged::default() };
    let lost = exchange(&mut on, 2, done, "zoom", NOW + 100);
    assert_eq!(lost.leased.len(), 4);
    on.go_back(before.as_ref());
    let holds = first.leased[2..].iter().chain(&lost.leased).map(|leased| leased.fence);
    let holds: Vec<Fence> = holds.collect();
    for (sequence, at, leases) in
        [(3, 200, &[][..]), (4, 2_200, &[("[0]", 0), ("[1]", 0), ("[8]", 0), ("[9]", 0)])]
    {
        let held = Some(holds.clone());
        let asks = Asks { worker: "w", lane: "zoom", sequence, held };
        let answer = said(&mut on, asks, Exchanged::default(), NOW + at);
        assert_eq!(items(&answer.leased), leases, "at {at}");
    }
    let still = Exchanged { leased: first.leased[2..].to_vec(), ..Exchanged::default() };
    let settled = exchange(&mut on, 5, still, "zoom", NOW + 2_300).settled;
    assert_eq!(settled, [Settled::Accepted; 2], "what it holds is its own");
    let settled = exchange_by(&mut on, "v", 2, others, NOW + 2_400).settled;
    assert_eq!(settled, [Settled::Accepted; 4], "and what others hold, theirs");
}

#[test]
fn after_all_is_gone_two_accounts_are_told_apart_again() {
    for noticed in [true, false] {
        let mut on = OnRedis::empty();
        let empty = on.snapshot();
        for (run, lane, account) in [("a", "north", "acme"), ("b", "south", "bolt")] {
            on.execute(submit(run, lane, account, 40), NOW).expect("it begins");
        }
        let held = exchange(&mut on, 1, Exchanged::default(), "north", NOW);
        on.go_back(empty.as_ref());
        if noticed {
            let gone = exchange(&mut on, 2, held, "north", NOW + 100);
            assert_eq!((gone.settled, gone.leased), (vec![Settled::Stale; 4], vec![]));
            assert!(on.view(&RunId::from("a")).expect("it is looked for").is_none());
            let paused = on.execute(Command::Pause(RunId::from("a")), NOW + 100);
            assert!(matches!(paused, Err(Error::NoRun(_))), "{paused:?}");
        }
        // Another process begins them again, in another order.
        let mut other = on.beside();
        for (run, lane, account) in [("b", "south", "bolt"), ("a", "north", "acme")] {
            other.execute(submit(run, lane, account, 40), NOW + 200).expect("it begins");
        }
        let cold = exchange(&mut on, 3, Exchanged::default(), "north", NOW + 300);
        assert_eq!(cold.leased, [], "what was leased before may be under way");
        let leased = exchange(&mut on, 4, Exchanged::default(), "north", NOW + 2_300);
        assert_eq!(leased.leased.len(), 4);
        let settled = exchange(&mut on, 5, leased, "north", NOW + 2_400);
        assert_eq!(settled.settled, [Settled::Accepted; 4], "noticed: {noticed}");
    }
}

#[test]
fn an_account_that_is_forgotten_is_as_if_it_had_been_lost_and_others_stay() {
    let mut on = OnRedis::empty();
    for (run, lane, account) in [("a", "north", "acme"), ("b", "south", "bolt")] {
        on.execute(submit(run, lane, account, 40), NOW).expect("it begins");
    }
    let held = exchange(&mut on, 1, Exchanged::default(), "north", NOW);
    on.forget("acme");
    assert!(on.view(&RunId::from("a")).expect("it is looked for").is_none());
    assert!(on.view(&RunId::from("b")).expect("it is looked for").is_some());
    let gone = exchange(&mut on, 2, held, "north", NOW + 100);
    assert_eq!((gone.settled, gone.leased), (vec![Settled::Stale; 4], vec![]));
    on.execute(submit("a", "north", "acme", 40), NOW + 200).expect("it begins again");
    let cold = exchange(&mut on, 3, Exchanged::default(), "north", NOW + 300);
    assert_eq!(cold.leased, [], "what was leased before may be under way");
    let leased = exchange(&mut on, 4, Exchanged::default(), "north", NOW + 2_300);
    assert_eq!(leased.leased.len(), 4);
    assert_eq!(exchange(&mut on, 5, Exchanged::default(), "south", NOW + 2_300).leased.len(), 4);
}

async fn said_by(url: &str) -> Error {
    let ledger = match Link::open(url) {
        Ok(link) => RedisLedger::new(link, "refused"),
        Err(error) => return error,
    };
    let limits = Command::SetLimits {
        account: "acme".into(),
        limits: Limits::default(),
        days: Vec::new(),
        recount: None,
    };
    let said = tokio::time::timeout(Duration::from_secs(20), ledger.execute(limits)).await;
    said.expect("it answers in time").expect_err("it cannot be used")
}

#[tokio::test]
async fn what_cannot_be_used_is_named_without_its_password() {
    let nobody = said_by("redis://:hush@127.0.0.1:1/0").await;
    assert!(matches!(&nobody, Error::Unreachable { .. }), "{nobody:?}");
    let wrong = said_by(&SERVER.url().replace("redis://", "redis://who:hush@")).await;
    assert!(matches!(&wrong, Error::Refused { .. }), "{wrong:?}");
    let nonsense = said_by("redis://:hush@/nowhere").await;
    for error in [nobody, wrong, nonsense] {
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hush") && said.contains("redis://"), "{said}");
    }
}
