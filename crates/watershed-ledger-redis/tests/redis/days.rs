//! The calls of a day on a Redis that was emptied, or has lost its last acts: the sink knows of
//! each before it begins.

use watershed_ledger::{Command, Exchange, Exchanged, Outcome, Settle, Submit, Want};
use watershed_ledger_test::{Subject, plain_plan, plain_step};
use watershed_model::{Category, CategorySet, DayCalls, Limit, Limits, Millis, Period, Source};

use crate::losses::{NOW, exchange_by, submit};
use crate::on_redis::OnRedis;

/// Calls that a day may have.
const A_DAY: f64 = 10.0;

fn limited(days: Vec<DayCalls>, recount: Option<Millis>) -> Command {
    let limit = Limit::new(CategorySet::of(&[Category::Heavy]), Period::Day, A_DAY);
    Command::SetLimits { account: "acme".into(), limits: Limits(vec![limit]), days, recount }
}

/// The limits are said with what the sink knows, then the run, as by a process that begins or
/// rebuilds it.
fn begun_by(on: &mut OnRedis, days: Vec<DayCalls>, now: Millis) {
    on.execute(limited(days, None), now).expect("limits");
    let Command::Submit(submit) = submit("run", "zoom", "acme", 40) else { panic!("no submit") };
    let step = plain_step("items", 1, Some(Category::Heavy), Source::Literals(Vec::new()));
    let submit = Submit { plan: plain_plan(vec![step]), ..*submit };
    on.execute(Command::Submit(Box::new(submit)), now).expect("it begins");
}

/// What a worker is leased, at most four; and what it hears of the day.
fn leased(on: &mut OnRedis, worker: &str, sequence: u64, now: Millis) -> (usize, Vec<DayCalls>) {
    let answer = exchange_by(on, worker, sequence, Exchanged::default(), now);
    (answer.leased.len(), answer.days)
}

/// Calls of the day as operators see them.
fn used(on: &mut OnRedis) -> u64 {
    on.view(&"run".into()).expect("a look").expect("the run").budget[0].used
}

/// Two processes, each of which was given four calls; and what the sink was told by each.
fn two_at_work() -> (OnRedis, OnRedis, [Vec<DayCalls>; 2]) {
    let mut first = OnRedis::empty();
    let mut second = first.beside();
    begun_by(&mut first, Vec::new(), NOW);
    let (four, written) = leased(&mut first, "a", 1, NOW);
    let (more, later) = leased(&mut second, "b", 1, NOW + 500);
    assert_eq!((four, more), (4, 4));
    (first, second, [written, later])
}

fn emptied(on: &mut OnRedis) {
    let nothing: Vec<(String, Vec<u8>)> = Vec::new();
    on.go_back(&nothing);
}

/// Answers what the ledger asks a worker for; since when it has asked.
fn recounted(
    on: &mut OnRedis,
    (worker, sequence): (&str, u64),
    days: Vec<DayCalls>,
    now: Millis,
) -> Option<Millis> {
    let answer = exchange_by(on, worker, sequence, Exchanged::default(), now);
    assert_eq!(answer.leased, [], "nothing of the day before it was told");
    assert_eq!(answer.days, [], "the sink knows better");
    let asked_at = answer.recount.first()?.asked_at;
    on.execute(limited(days, Some(asked_at)), now).expect("it is told");
    Some(asked_at)
}

#[test]
fn an_emptied_ledger_goes_on_from_what_the_sink_knows_once_all_that_began_before_is_there() {
    let (mut first, _, [written, later]) = two_at_work();
    emptied(&mut first);
    begun_by(&mut first, written, NOW + 1_000);
    // The second one stands still: it says nothing of what it was given.
    assert_eq!(recounted(&mut first, ("a", 2), Vec::new(), NOW + 2_999), None, "it is too early");
    assert_eq!(recounted(&mut first, ("a", 3), later, NOW + 3_000), Some(NOW + 3_000));
    assert_eq!(leased(&mut first, "a", 4, NOW + 3_000).0, 2, "eight of ten were given");
    assert_eq!(used(&mut first), 10);
}

#[test]
fn who_knows_nothing_of_a_loss_and_rebuilds_goes_on_from_what_was_written() {
    let (mut first, mut second, [written, later]) = two_at_work();
    emptied(&mut first);
    // A process that has just begun: it sees a ledger without a past, but for the sink.
    let mut third = first.beside();
    begun_by(&mut third, written, NOW + 1_000);
    assert_eq!(leased(&mut second, "b", 2, NOW + 2_000).0, 0);
    assert_eq!(recounted(&mut third, ("c", 1), later, NOW + 4_000), Some(NOW + 3_000));
    let answers = [4_000, 4_100].map(|ms| leased(&mut third, "c", ms as u64, NOW + ms).0);
    assert_eq!(answers, [2, 0], "eight of ten were given");
}

#[test]
fn what_was_read_before_the_ledger_asked_is_no_answer() {
    let (mut first, _, [written, later]) = two_at_work();
    emptied(&mut first);
    begun_by(&mut first, written.clone(), NOW + 1_000);
    // Whoever read too early says so late, or in answer to something older.
    for (sequence, recount) in [(2, None), (3, Some(NOW + 2_000))] {
        first.execute(limited(written.clone(), recount), NOW + 3_100).expect("it is told");
        assert_eq!(leased(&mut first, "a", sequence, NOW + 3_100).0, 0);
    }
    assert!(recounted(&mut first, ("a", 4), later, NOW + 3_200).is_some());
    assert_eq!(leased(&mut first, "a", 5, NOW + 3_300).0, 2);
}

#[test]
fn work_that_no_day_counts_goes_on_before_the_sink_has_answered() {
    let (mut first, _, [written, _]) = two_at_work();
    emptied(&mut first);
    begun_by(&mut first, written, NOW + 1_000);
    let free = Command::Submit(match submit("free", "zoom", "acme", 3) {
        Command::Submit(submit) => {
            Box::new(Submit { plan_hash: "free".to_owned().into(), ..*submit })
        }
        other => panic!("{other:?}"),
    });
    first.execute(free, NOW + 1_000).expect("it begins");
    assert_eq!(leased(&mut first, "a", 2, NOW + 3_000).0, 3);
}

#[test]
fn of_a_lost_tail_the_calls_still_count() {
    let (mut first, mut second, _) = two_at_work();
    let before = first.snapshot();
    let (two, written) = leased(&mut second, "b", 2, NOW + 1_000);
    assert_eq!(two, 2);
    first.go_back(before.as_ref());
    assert_eq!(leased(&mut second, "b", 3, NOW + 1_500).0, 0);
    assert!(recounted(&mut first, ("a", 2), written, NOW + 3_500).is_some());
    assert_eq!(used(&mut second), 10);
    assert_eq!(leased(&mut first, "a", 3, NOW + 9_000).0, 0, "the day is spent");
}

#[test]
fn what_is_given_back_before_the_sink_was_asked_hides_nothing_of_what_was_lost() {
    let mut on = OnRedis::empty();
    begun_by(&mut on, Vec::new(), NOW);
    let given = exchange_by(&mut on, "a", 1, Exchanged::default(), NOW);
    let before = on.snapshot();
    let (four, written) = leased(&mut on, "b", 1, NOW + 1_000);
    assert_eq!(four, 4);
    on.go_back(before.as_ref());
    let back = given.leased.iter().map(|l| Settle::after(0, l.fence, Outcome::Released));
    let exchange = Exchange {
        worker: "a".into(),
        sequence: 2,
        random: 2,
        settles: back.collect(),
        held: None,
        want: Want {
            lanes: vec!["zoom".into()],
            tasks: 0,
            lease_ms: 15_000,
            horizon_ms: 400,
            lead_ms: 0,
        },
    };
    on.execute(Command::Exchange(exchange), NOW + 1_500).expect("it is settled");
    assert!(recounted(&mut on, ("a", 3), written, NOW + 3_500).is_some());
    assert_eq!(used(&mut on), 8, "what came back cannot be told from what was lost");
}

#[test]
fn yesterdays_calls_are_forgotten_with_it() {
    let (mut first, _, [written, _]) = two_at_work();
    emptied(&mut first);
    let tomorrow = NOW.next_day();
    begun_by(&mut first, written, tomorrow);
    assert_eq!(used(&mut first), 0);
    assert!(recounted(&mut first, ("a", 2), Vec::new(), tomorrow + 2_000).is_some());
    assert_eq!(leased(&mut first, "a", 3, tomorrow + 2_000).0, 4);
}
