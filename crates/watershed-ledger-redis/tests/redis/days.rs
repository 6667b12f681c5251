//! The calls of a day on a Redis that was emptied, or has lost its last acts: the sink knows what
//! was written, each worker what it heard last.

use watershed_ledger::{Command, Exchange, Exchanged, Outcome, Settle, Submit, Want};
use watershed_ledger_test::{Subject, plain_plan, plain_step};
use watershed_model::{Category, CategorySet, DayCalls, Limit, Limits, Millis, Period, Source};

use crate::losses::{NOW, exchange_by, submit};
use crate::on_redis::OnRedis;

/// Calls that a day may have.
const A_DAY: f64 = 10.0;

/// The limits are said with what the sink knows, then the run, as by a process that begins or
/// rebuilds it.
fn begun_by(on: &mut OnRedis, days: Vec<DayCalls>, now: Millis) {
    let limit = Limit::new(CategorySet::of(&[Category::Heavy]), Period::Day, A_DAY);
    let limits = Limits(vec![limit]);
    on.execute(Command::SetLimits { account: "acme".into(), limits, days }, now).expect("limits");
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

/// Two processes, of which the second one knows of eight calls and the first one of four; and what
/// the sink knows: what the first one has written.
fn two_at_work() -> (OnRedis, OnRedis, Vec<DayCalls>) {
    let mut first = OnRedis::empty();
    let mut second = first.beside();
    begun_by(&mut first, Vec::new(), NOW);
    let (four, written) = leased(&mut first, "a", 1, NOW);
    assert_eq!((four, leased(&mut second, "b", 1, NOW + 500).0), (4, 4));
    (first, second, written)
}

fn emptied(on: &mut OnRedis) {
    let nothing: Vec<(String, Vec<u8>)> = Vec::new();
    on.go_back(&nothing);
}

#[test]
fn an_emptied_ledger_goes_on_from_what_each_worker_has_heard() {
    let (mut first, mut second, written) = two_at_work();
    emptied(&mut first);
    begun_by(&mut first, written, NOW + 1_000);
    assert_eq!(leased(&mut first, "a", 2, NOW + 1_100).0, 0, "others may know more");
    assert_eq!(leased(&mut second, "b", 2, NOW + 2_000).0, 0);
    assert_eq!(leased(&mut first, "a", 3, NOW + 3_000).0, 2, "eight of ten were given");
    assert_eq!(used(&mut first), 10);
}

#[test]
fn who_knows_nothing_of_a_loss_and_rebuilds_goes_on_from_what_was_written() {
    let (mut first, mut second, written) = two_at_work();
    emptied(&mut first);
    // A process that has just begun: it sees a ledger without a past, but for the sink.
    let mut third = first.beside();
    begun_by(&mut third, written, NOW + 1_000);
    assert_eq!(leased(&mut third, "c", 1, NOW + 1_100).0, 0, "others may know more");
    assert_eq!(leased(&mut second, "b", 2, NOW + 2_000).0, 0);
    let answers = [4_000, 4_100].map(|ms| leased(&mut third, "c", ms as u64, NOW + ms).0);
    assert_eq!(answers, [2, 0], "eight of ten were given");
}

#[test]
fn what_was_given_since_a_loss_is_added_to_what_a_late_one_knows() {
    let (mut first, mut second, written) = two_at_work();
    emptied(&mut first);
    begun_by(&mut first, written, NOW + 1_000);
    // It was asleep for longer than all wait.
    assert_eq!(leased(&mut first, "a", 2, NOW + 3_000).0, 4);
    assert_eq!(used(&mut first), 8);
    assert_eq!(leased(&mut second, "b", 2, NOW + 3_100).0, 0);
    assert_eq!(used(&mut first), 12);
    assert_eq!(leased(&mut first, "a", 3, NOW + 9_000).0, 0);
}

#[test]
fn of_a_lost_tail_the_calls_still_count() {
    let (mut first, mut second, _) = two_at_work();
    let before = first.snapshot();
    assert_eq!(leased(&mut second, "b", 2, NOW + 1_000).0, 2);
    first.go_back(before.as_ref());
    assert_eq!(leased(&mut second, "b", 3, NOW + 1_500).0, 0);
    assert_eq!(used(&mut second), 10);
    assert_eq!(leased(&mut first, "a", 2, NOW + 9_000).0, 0, "the day is spent");
}

#[test]
fn what_is_given_back_when_a_loss_is_found_is_not_counted_again() {
    let mut on = OnRedis::empty();
    begun_by(&mut on, Vec::new(), NOW);
    let given = exchange_by(&mut on, "a", 1, Exchanged::default(), NOW);
    let before = on.snapshot();
    // What was heard last is lost: four calls more.
    assert_eq!(leased(&mut on, "b", 1, NOW + 1_000).0, 4);
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
    assert_eq!(used(&mut on), 4, "eight were given, four came back");
}

#[test]
fn yesterdays_calls_are_forgotten_with_it() {
    let (mut first, _, written) = two_at_work();
    emptied(&mut first);
    let tomorrow = NOW.next_day();
    begun_by(&mut first, written, tomorrow);
    assert_eq!(used(&mut first), 0);
    assert_eq!(leased(&mut first, "a", 2, tomorrow + 2_000).0, 4);
}
