//! A hundred days of a scarce budget, day by day, in the ledger's own time.

use std::collections::{BTreeMap, BTreeSet};

use watershed_ledger::{Command, Leased, Outcome};
use watershed_model::{Category, Kin, Millis, Period, RunState, Trigger, hash64};

use super::scenario::{Scenario, brings, done, month_task, of, submit, task};
use super::suite::declare;
use crate::sketch::{From, Line};
use crate::told::told;

declare! {
    a_hundred_days_of_reports_complete_month_by_month_over_all_users,
}

/// The steps: the account's users, their meetings, what was held of each, and the reports,
/// which are scarce.
const USERS: u16 = 0;
const MEETINGS: u16 = 1;
const INSTANCES: u16 = 2;
const HELD: u16 = 3;
const REPORTS: u16 = 4;

const USERS_ALL: u64 = 40;
const MEETINGS_A_USER: u64 = 10;
const MONTHS: u64 = 24;
const NEWEST: u16 = 24_311;
const REPORTS_A_DAY: u64 = 50;
/// Tasks in one exchange.
const BATCH: u16 = 64;
/// A call is answered so long after it began.
const CALL_MS: i64 = 200;

/// The reports asked for so far.
#[derive(Default)]
struct Asked {
    by_day: BTreeMap<i64, u64>,
    items: BTreeSet<String>,
    /// The month of the last one.
    month: u16,
}

fn drawn(text: &str) -> u64 {
    hash64(&[text.as_bytes()])
}

fn month(instance: &str) -> u16 {
    NEWEST - u16::try_from(drawn(instance) % MONTHS).expect("few months")
}

/// What was held of a meeting: 12 or 13 times, in months that have no order.
fn instances(meeting: &str) -> Vec<String> {
    (0..12 + drawn(meeting) % 2).map(|n| format!("{meeting}/{n}")).collect()
}

/// What a call brings. Of those whose calls are not scarce, one in twenty goes wrong at first.
fn answer(leased: &Leased, now: Millis) -> Outcome {
    let item = leased.item.as_str();
    if leased.step.0 != REPORTS && leased.attempts == 0 && drawn(item).is_multiple_of(20) {
        return Outcome::Retry { at: now + 30_000, counts: true };
    }
    let many = |step: u16, n: u64| (0..n).map(|n| task(step, &format!("{item}/{n}"))).collect();
    let dated = |step: u16, items: Vec<String>| -> Vec<Kin> {
        items.iter().map(|item| month_task(step, item, month(item))).collect()
    };
    match leased.step.0 {
        USERS => brings(many(MEETINGS, USERS_ALL)),
        MEETINGS => brings(many(INSTANCES, MEETINGS_A_USER)),
        INSTANCES => brings(dated(HELD, instances(item))),
        HELD => brings(dated(REPORTS, vec![item.to_owned()])),
        _ => done(),
    }
}

fn everything() -> Vec<String> {
    let meetings = (0..USERS_ALL).flat_map(|user| {
        (0..MEETINGS_A_USER).map(move |meeting| format!("account/{user}/{meeting}"))
    });
    meetings.flat_map(|meeting| instances(&meeting)).collect()
}

fn begin(s: &mut Scenario) {
    s.horizon_ms = 1_000;
    let each = |step: usize| Line::new(From::Each(vec![(step, false)])).category(Category::Light);
    let lines = vec![
        Line::new(From::Run).category(Category::Light),
        each(0),
        each(1),
        each(2).newest_first(),
        each(3).newest_first().category(Category::Heavy),
    ];
    s.limits(&[
        (Period::Second, &[Category::Light], 30.0),
        (Period::Second, &[Category::Heavy], 10.0),
        (Period::Day, &[Category::Heavy], REPORTS_A_DAY as f64),
    ]);
    let kin = vec![task(USERS, "account")];
    let submit = submit("run", "zoom", Trigger::Manual, lines, kin, vec![]);
    s.say_alone(Command::Submit(Box::new(submit)));
}

/// The reports of the day are all asked for, and none was asked for before a newer one.
fn judge(asked: &Asked, day: i64, all: &[String]) {
    let left = all.len() - asked.items.len();
    let today = asked.by_day.get(&day).copied().unwrap_or(0);
    assert!(today == REPORTS_A_DAY || left == 0, "{today} reports on day {day}, {left} to go");
    let newer = all.iter().filter(|instance| month(instance) > asked.month);
    let missed: Vec<&String> = newer.filter(|instance| !asked.items.contains(*instance)).collect();
    assert!(missed.is_empty(), "at month {}: {missed:?}", asked.month);
}

fn a_hundred_days_of_reports_complete_month_by_month_over_all_users(s: &mut Scenario) {
    begin(s);
    let all = everything();
    let mut asked = Asked { month: u16::MAX, ..Asked::default() };
    let (first_day, mut day) = (s.now.day(), s.now.day());
    let (mut sizes, mut held_back) = (Vec::new(), 0);
    let mut settles = Vec::new();
    while s.state("run") == RunState::Running {
        let answered = s.exchange_alone(BATCH, std::mem::take(&mut settles));
        for leased in &answered.leased {
            if leased.step.0 == REPORTS {
                assert!(leased.bucket <= asked.month, "{leased:?} after month {}", asked.month);
                asked.month = leased.bucket;
                assert!(asked.items.insert(leased.item.clone()), "twice: {leased:?}");
                *asked.by_day.entry(leased.start_from.day()).or_default() += 1;
            }
        }
        let last = answered.leased.iter().map(|leased| leased.start_from).max();
        let ask = answered.ask_again_at.unwrap_or(s.now + CALL_MS);
        s.now = last.map_or(ask, |last| last + CALL_MS).max(s.now + 1);
        settles = answered.leased.iter().map(|l| of(l, answer(l, s.now))).collect();
        if s.now.day() > day {
            judge(&asked, day, &all);
            let waits = s.view("run").waits;
            held_back += usize::from(waits.iter().any(|w| w.why.contains("two days of the heavy")));
            sizes.push(s.size());
            day = s.now.day();
        }
    }
    judge(&asked, day, &all);
    assert_eq!(asked.items.len(), all.len());
    let days = day - first_day + 1;
    assert!(days >= 100, "{days} days");
    // All was found on the first day, and waits from then on. Items that are done go chunk by
    // chunk, while those that move on are in the next chunk already; a file counts whole pages.
    // So it shrinks within days, not on each.
    let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
    assert!(sizes.iter().all(|size| *size <= first), "the state grows: {sizes:?}");
    let grown = sizes.iter().zip(&sizes[10..]).find(|(before, after)| **after * 10 > **before * 11);
    assert_eq!(grown, None, "the state grows while it waits: {sizes:?}");
    assert!(held_back >= 90, "held back on {held_back} days");
    let size = format!("{} users, {} reports, {REPORTS_A_DAY} a day", USERS_ALL, all.len());
    let result = format!("{days} days, none before a newer one; state from {first} to {last}");
    measured(&size, &result);
}

/// Says the figure: on the terminal, and in the table of `./scripts/test --all`.
fn measured(size: &str, result: &str) {
    let (campaign, bound) = ("Order over a scarce budget", "every day spent, newest first");
    eprintln!("measured: {campaign}: {size}: {result} (bound: {bound})");
    told("WATERSHED_MEASURED", &format!("| {campaign} | {size} | {result} | {bound} |"));
}
