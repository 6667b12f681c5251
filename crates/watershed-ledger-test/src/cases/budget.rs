//! The rate budget: permits with every lease, never more than the limits, nearly all of them.

use watershed_ledger::{Command, Leased, Outcome, Settle};

use super::scenario::{
    LEASE_MS, Scenario, bound_task, done, item_names, month_task, of, page, records, submit, task,
};
use super::suite::declare;
use crate::sketch::{From, Line};
use watershed_model::{Category, KNOWN, Millis, Period, Throttle, Trigger};

declare! {
    a_second_holds_no_more_starts_than_its_limit,
    nearly_all_of_a_second_is_used_while_work_waits,
    fractions_of_a_call_carry_over,
    a_permit_lies_within_the_horizon_and_ends,
    a_minute_holds_no_more_starts_than_its_limit,
    categories_of_one_limit_share_it,
    a_day_is_spent_to_the_last_call_and_begins_anew,
    a_call_that_was_not_made_gives_its_day_back,
    a_429_closes_its_category_until_it_says,
    a_daily_429_closes_what_shares_that_day,
    an_absurd_429_is_believed_for_a_day_and_an_hour,
    what_belongs_together_is_leased_together_with_one_permit,
    a_permit_that_serves_several_is_not_given_back,
    the_last_calls_of_a_day_belong_to_listings_under_way,
    two_connections_of_one_account_share_its_budget,
    two_accounts_do_not_share_a_budget,
    work_that_no_limit_names_needs_no_permit,
    what_needs_no_call_waits_for_no_permit,
    other_categories_go_on_while_one_waits,
    new_limits_count_what_was_used_before,
    a_clock_that_steps_back_gives_nothing_twice,
    the_ledger_says_when_to_ask_again,
    the_view_tells_which_limit_binds,
}

const HEAVY: &[Category] = &[Category::Heavy];
const LIGHT: &[Category] = &[Category::Light];

fn work(s: &mut Scenario, category: Category, n: usize) {
    let kin = (0..n).map(|i| task(0, &format!("item{i}"))).collect();
    s.run("run", vec![Line::new(From::Literals(1)).category(category)], kin, vec![]);
}

/// Works as fast as permits come for so long; gives the starts.
fn starts(s: &mut Scenario, ms: i64) -> Vec<Millis> {
    let until = s.now + ms;
    let mut starts = Vec::new();
    while s.now < until {
        let answer = s.exchange("w", &["zoom"], 100, Vec::new());
        starts.extend(answer.leased.iter().map(|l| l.start_from));
        let settles = answer.leased.iter().map(|l| of(l, done())).collect();
        s.exchange("w", &["zoom"], 0, settles);
        s.now = answer.ask_again_at.unwrap_or(until).max(s.now + 1).min(until);
    }
    starts
}

/// The most starts in any stretch of that length.
fn most(starts: &[Millis], ms: i64) -> usize {
    let inside = |from: Millis| starts.iter().filter(|at| **at >= from && **at - from < ms).count();
    starts.iter().map(|from| inside(*from)).max().unwrap_or(0)
}

fn a_second_holds_no_more_starts_than_its_limit(s: &mut Scenario) {
    s.limits(&[(Period::Second, HEAVY, 10.0)]);
    work(s, Category::Heavy, 200);
    s.horizon_ms = 500;
    let starts = starts(s, 5_000);
    assert_eq!(most(&starts, 1_000), 10);
}

fn nearly_all_of_a_second_is_used_while_work_waits(s: &mut Scenario) {
    s.limits(&[(Period::Second, LIGHT, 30.0)]);
    work(s, Category::Light, 400);
    s.horizon_ms = 200;
    let starts = starts(s, 5_000);
    let used = starts.iter().filter(|at| at.0 < s.now.0).count();
    assert!(used >= 145, "{used} of 150");
}

fn fractions_of_a_call_carry_over(s: &mut Scenario) {
    s.limits(&[(Period::Second, HEAVY, 0.4)]);
    work(s, Category::Heavy, 50);
    let starts = starts(s, 20_000);
    assert_eq!(starts.len(), 8);
    assert_eq!(most(&starts, 1_000), 1);
}

fn a_permit_lies_within_the_horizon_and_ends(s: &mut Scenario) {
    s.limits(&[(Period::Second, HEAVY, 10.0)]);
    work(s, Category::Heavy, 50);
    s.horizon_ms = 350;
    let leased = s.lease("w", 50);
    let now = s.now;
    let from: Vec<i64> = leased.iter().map(|l| l.start_from - now).collect();
    assert_eq!(from, [0, 103, 205, 308]);
    assert!(leased.iter().all(|l| l.start_until > l.start_from));
    assert!(leased.iter().all(|l| l.category == Some(Category::Heavy)));
}

fn a_minute_holds_no_more_starts_than_its_limit(s: &mut Scenario) {
    s.limits(&[(Period::Minute, HEAVY, 7.0)]);
    work(s, Category::Heavy, 50);
    let starts = starts(s, 180_000);
    assert_eq!(most(&starts, 60_000), 7);
}

fn categories_of_one_limit_share_it(s: &mut Scenario) {
    s.limits(&[(Period::Second, &[Category::Light, Category::Medium], 2.0)]);
    let lines = vec![
        Line::new(From::Literals(1)).category(Category::Light),
        Line::new(From::Literals(1)).category(Category::Medium),
    ];
    let kin = (0..10).flat_map(|n| [task(0, &format!("l{n}")), task(1, &format!("m{n}"))]);
    s.run("run", lines, kin.collect(), vec![]);
    assert_eq!(starts(s, 3_000).len(), 6);
}

fn a_day_is_spent_to_the_last_call_and_begins_anew(s: &mut Scenario) {
    s.limits(&[(Period::Day, HEAVY, 5.7)]);
    work(s, Category::Heavy, 50);
    let answer = s.exchange("w", &["zoom"], 50, Vec::new());
    assert_eq!(answer.leased.len(), 5);
    let settles = answer.leased.iter().map(|l| of(l, done())).collect();
    let answer = s.exchange("w", &["zoom"], 50, settles);
    assert!(answer.leased.is_empty());
    s.now = s.now.next_day() + -1;
    assert!(s.lease("w", 50).is_empty());
    s.after(1);
    assert_eq!(s.lease("w", 50).len(), 5);
}

fn a_call_that_was_not_made_gives_its_day_back(s: &mut Scenario) {
    s.limits(&[(Period::Day, HEAVY, 2.0)]);
    work(s, Category::Heavy, 10);
    let leased = s.lease("w", 10);
    let mut unused = of(&leased[0], Outcome::Released);
    unused.calls = 0;
    s.exchange("w", &["zoom"], 0, vec![unused]);
    let leased = s.lease("w", 10);
    assert_eq!(leased.len(), 1);
    s.close("w", &leased[0], done());
    assert!(s.lease("w", 10).is_empty());
}

fn throttled(leased: &Leased, category: Category, daily: bool, until: Millis) -> Settle {
    let mut settle = of(leased, Outcome::Retry { at: until, counts: false });
    settle.throttle = Some(Throttle { category, daily, until });
    settle
}

fn a_429_closes_its_category_until_it_says(s: &mut Scenario) {
    s.limits(&[(Period::Second, HEAVY, 100.0), (Period::Second, LIGHT, 100.0)]);
    let lines = vec![
        Line::new(From::Literals(1)).category(Category::Heavy),
        Line::new(From::Literals(1)).category(Category::Light),
    ];
    let kin = vec![task(0, "h1"), task(0, "h2"), task(1, "l1")];
    s.run("run", lines, kin, vec![]);
    let first = s.lease("w", 9).into_iter().find(|l| l.item == "h1").expect("a heavy one");
    let until = s.now + 2_000;
    s.exchange("w", &["zoom"], 0, vec![throttled(&first, Category::Heavy, false, until)]);
    s.after(1_999);
    assert!(s.lease("w", 9).iter().all(|l| l.category != Some(Category::Heavy)));
    s.after(1_000);
    assert!(s.lease("w", 9).iter().any(|l| l.category == Some(Category::Heavy)));
}

fn a_daily_429_closes_what_shares_that_day(s: &mut Scenario) {
    let day = &[Category::Heavy, Category::ResourceIntensive];
    s.limits(&[(Period::Day, day, 100.0), (Period::Second, LIGHT, 100.0)]);
    let lines = vec![
        Line::new(From::Literals(1)).category(Category::Heavy),
        Line::new(From::Literals(1)).category(Category::ResourceIntensive),
        Line::new(From::Literals(1)).category(Category::Light),
    ];
    let kin = ["h1", "h2", "h3"].map(|n| task(0, n)).to_vec();
    s.run("run", lines.clone(), kin, vec![]);
    let first = s.lease("w", 1).remove(0);
    let until = s.now + 3_600_000;
    s.exchange("w", &["zoom"], 0, vec![throttled(&first, Category::Heavy, true, until)]);
    s.run("more", lines, vec![task(1, "intensive"), task(2, "light")], vec![]);
    s.after(3_599_999);
    let names: Vec<String> = s.lease("w", 9).into_iter().map(|l| l.item).collect();
    assert_eq!(names, ["light"]);
    s.after(1);
    assert!(s.lease("w", 9).len() >= 3);
}

fn an_absurd_429_is_believed_for_a_day_and_an_hour(s: &mut Scenario) {
    s.limits(&[(Period::Second, HEAVY, 100.0)]);
    work(s, Category::Heavy, 3);
    let first = s.lease("w", 1).remove(0);
    let until = Millis(i64::MAX / 2);
    let mut settle = throttled(&first, Category::Heavy, false, until);
    settle.outcome = Outcome::Retry { at: s.now, counts: false };
    s.exchange("w", &["zoom"], 0, vec![settle]);
    s.after(25 * 3_600_000 + 1_000);
    assert!(!s.lease("w", 9).is_empty());
}

fn lane(s: &mut Scenario, lane: &str, account: &str) {
    let line = Line::new(From::Literals(1)).category(Category::Heavy);
    let kin = (0..10).map(|n| task(0, &format!("{lane}{n}"))).collect();
    let mut submit = submit(lane, lane, Trigger::Manual, vec![line], kin, vec![]);
    submit.account = account.into();
    s.say(Command::Submit(Box::new(submit)));
}

fn what_belongs_together_is_leased_together_with_one_permit(s: &mut Scenario) {
    s.limits(&[(Period::Second, LIGHT, 2.0)]);
    let kin = vec![
        task(0, "a1"),
        bound_task(0, "a2"),
        bound_task(0, "a3"),
        task(0, "b1"),
        bound_task(0, "b2"),
    ];
    s.run("run", vec![Line::new(From::Literals(1)).category(Category::Light)], kin, vec![]);
    let a = s.exchange("w", &["zoom"], 1, Vec::new()).leased;
    assert_eq!(item_names(&a), ["a1", "a2", "a3"], "one was asked for");
    let starts = |s: &Scenario, l: &[Leased]| -> Vec<i64> {
        l.iter().map(|l| l.start_from - s.now).collect()
    };
    assert_eq!(starts(s, &a), [0, 0, 0], "one call serves them all");
    assert_eq!(a.iter().map(|l| l.bound).collect::<Vec<_>>(), [false, true, true]);
    s.now = s.now + 513;
    let b = s.exchange("w", &["zoom"], 9, Vec::new()).leased;
    assert_eq!(item_names(&b), ["b1", "b2"]);
    assert_eq!(starts(s, &b), [0, 0], "and the next permit is the next one's");
    // What was given back belongs together as before, and so does what ran out; but it need not
    // have come back from one recording, so each has a permit of its own.
    s.after(1_025);
    let settles = [a, b].concat().iter().map(|l| of(l, Outcome::Released)).collect();
    s.exchange("w", &["zoom"], 0, settles);
    let back = s.exchange("v", &["zoom"], 1, Vec::new()).leased;
    assert_eq!(item_names(&back), ["a1", "a2", "a3"]);
    assert_eq!(starts(s, &back), [0, 513, 1_025]);
    assert!(back.iter().all(|l| !l.bound));
    s.close("v", &back[0], done());
    s.now = s.now + LEASE_MS;
    let rest = s.exchange("w", &["zoom"], 1, Vec::new()).leased;
    assert_eq!(item_names(&rest), ["a2", "a3"]);
    assert_eq!(rest.iter().map(|l| l.lost).collect::<Vec<_>>(), [1, 1]);
    s.after(1_025);
    let rest = s.exchange("w", &["zoom"], 1, Vec::new()).leased;
    assert_eq!(item_names(&rest), ["b1", "b2"]);
}

/// Nobody knows which of them makes the call before all have settled.
fn a_permit_that_serves_several_is_not_given_back(s: &mut Scenario) {
    s.limits(&[(Period::Day, LIGHT, 3.0)]);
    let kin = vec![task(0, "a1"), bound_task(0, "a2"), task(0, "b1"), task(0, "c1")];
    s.run("run", vec![Line::new(From::Literals(1)).category(Category::Light)], kin, vec![]);
    let all = s.lease("w", 9);
    assert_eq!(item_names(&all), ["a1", "a2", "b1", "c1"]);
    assert_eq!(all.iter().map(|l| l.bound).collect::<Vec<_>>(), [false, true, false, false]);
    let unused = |l: &Leased| Settle { calls: 0, least: 0, ..of(l, Outcome::Released) };
    s.exchange("w", &["zoom"], 0, all.iter().map(unused).collect());
    assert_eq!(s.lease("w", 9).len(), 2, "of three calls two are there again");
}

fn the_last_calls_of_a_day_belong_to_listings_under_way(s: &mut Scenario) {
    s.limits(&[(Period::Day, HEAVY, 3.0)]);
    let lines = vec![
        Line::new(From::Literals(1)).category(Category::Heavy),
        Line::new(From::Each(vec![(0, false)])).category(Category::Heavy),
    ];
    s.run("run", lines, vec![task(0, "listing")], vec![]);
    let listing = s.lease("w", 1);
    let (found, now) = (records(vec![(1, vec![task(1, "a"), task(1, "b")])]), s.now);
    s.settle("w", &listing[0], page(found, 1, now));
    // What it found is deeper and goes first, but for the last call of the day.
    let names: Vec<String> = s.lease("w", 9).iter().map(|l| l.item.clone()).collect();
    assert_eq!(names, ["a", "listing"]);
    assert_eq!(s.lease("w", 9).len(), 0, "the day is spent");
}

fn two_connections_of_one_account_share_its_budget(s: &mut Scenario) {
    s.limits(&[(Period::Second, HEAVY, 1.0), (Period::Day, HEAVY, 3.0)]);
    lane(s, "north", "account");
    lane(s, "south", "account");
    let mut leased = 0;
    for _ in 0..10 {
        for lane in ["north", "south"] {
            leased += s.exchange("w", &[lane], 9, Vec::new()).leased.len();
        }
        s.after(500);
    }
    assert_eq!(leased, 3);
}

fn two_accounts_do_not_share_a_budget(s: &mut Scenario) {
    s.limits(&[(Period::Day, HEAVY, 1.0)]);
    lane(s, "north", "account");
    lane(s, "south", "another account");
    assert_eq!(s.exchange("w", &["north"], 9, Vec::new()).leased.len(), 1);
    assert_eq!(s.exchange("w", &["south"], 9, Vec::new()).leased.len(), 9);
}

fn work_that_no_limit_names_needs_no_permit(s: &mut Scenario) {
    s.limits(&[(Period::Second, HEAVY, 1.0)]);
    let lines =
        vec![Line::new(From::Literals(1)).category(Category::Light), Line::new(From::Literals(1))];
    let kin = vec![task(0, "a"), task(0, "b"), task(1, "c"), task(1, "d")];
    s.run("run", lines, kin, vec![]);
    let leased = s.lease("w", 9);
    assert_eq!(leased.len(), 4);
    assert!(leased.iter().all(|l| l.start_from <= s.now && l.start_until > s.now));
}

fn what_needs_no_call_waits_for_no_permit(s: &mut Scenario) {
    s.limits(&[(Period::Day, LIGHT, 1.0)]);
    let mut kin = vec![task(0, "new"), task(0, "another")];
    kin.extend(["stored", "elsewhere", "gone"].map(|item| month_task(0, item, KNOWN)));
    s.run("run", vec![Line::new(From::Literals(1)).category(Category::Light)], kin, vec![]);
    let leased = s.lease("w", 9);
    let mut names = item_names(&leased);
    names.sort_unstable();
    assert_eq!(names, ["elsewhere", "gone", "new", "stored"]);
    assert!(leased.iter().all(|l| (l.item == "new") == l.category.is_some()), "{leased:?}");
    // What was not there after all is given back, and then needs a permit like any other.
    let back = |l: &Leased| if l.item == "gone" { Outcome::Released } else { done() };
    let settles = leased.iter().map(|l| of(l, back(l))).collect();
    assert!(s.exchange("w", &["zoom"], 9, settles).leased.is_empty(), "the day is spent");
    s.now = s.now.next_day();
    let [next] = &s.lease("w", 9)[..] else { panic!("a day has one call") };
    assert_eq!((next.item.as_str(), next.category), ("gone", Some(Category::Light)));
}

fn other_categories_go_on_while_one_waits(s: &mut Scenario) {
    s.limits(&[(Period::Day, HEAVY, 0.0), (Period::Second, LIGHT, 50.0)]);
    let lines = vec![
        Line::new(From::Literals(1)).category(Category::Heavy),
        Line::new(From::Literals(1)).category(Category::Light),
    ];
    let kin = vec![task(0, "heavy"), task(1, "light")];
    s.run("run", lines, kin, vec![]);
    assert_eq!(s.lease_one("w").item, "light");
}

fn new_limits_count_what_was_used_before(s: &mut Scenario) {
    s.limits(&[(Period::Day, HEAVY, 3.0)]);
    work(s, Category::Heavy, 20);
    assert_eq!(s.lease("w", 20).len(), 3);
    s.limits(&[(Period::Day, HEAVY, 5.0)]);
    assert_eq!(s.lease("w", 20).len(), 2);
    s.limits(&[(Period::Day, HEAVY, 2.0)]);
    assert!(s.lease("w", 20).is_empty());
}

fn a_clock_that_steps_back_gives_nothing_twice(s: &mut Scenario) {
    s.limits(&[(Period::Second, HEAVY, 5.0)]);
    work(s, Category::Heavy, 100);
    s.horizon_ms = 2_000;
    let mut starts: Vec<Millis> = Vec::new();
    for step in [700, -400, 300, -1_500, 900, 1_000, -10_000, 5_000, 5_000, 2_000] {
        let leased = s.lease("w", 20);
        starts.extend(leased.iter().map(|l| l.start_from));
        s.after(step);
    }
    assert!(most(&starts, 1_000) <= 5, "{starts:?}");
}

fn the_ledger_says_when_to_ask_again(s: &mut Scenario) {
    s.limits(&[(Period::Second, HEAVY, 2.0)]);
    work(s, Category::Heavy, 5);
    let answer = s.exchange("w", &["zoom"], 9, Vec::new());
    assert_eq!(answer.leased.len(), 1);
    assert_eq!(answer.ask_again_at, Some(s.now + 513));
    s.after(513);
    assert_eq!(s.lease("w", 9).len(), 1);
}

fn the_view_tells_which_limit_binds(s: &mut Scenario) {
    s.limits(&[(Period::Day, HEAVY, 1.0), (Period::Day, LIGHT, 10.0)]);
    work(s, Category::Heavy, 5);
    s.lease("w", 9);
    let view = s.view("run");
    let heavy = view.budget.iter().find(|b| b.category == "heavy").expect("a row of it");
    assert_eq!(
        (heavy.used, heavy.share, heavy.binds, heavy.period.as_str()),
        (1, 1.0, true, "day")
    );
    assert!(heavy.free_at.is_some());
    assert!(view.budget.iter().all(|b| b.category == "heavy" || !b.binds));
}
