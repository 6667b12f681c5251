//! The calls of a day, in a ledger that may have lost its count of them: the sink knows it.

use watershed_ledger::{Command, Leased, Outcome, Settle};
use watershed_model::{
    Category, CategorySet, DayCalls, Heard, Left, Limit, Limits, Millis, Period,
};

use super::scenario::{Scenario, done, of, task};
use super::suite::declare;
use crate::sketch::{From, Line};
use crate::subject::COOL_MS;

declare! {
    what_a_lost_ledger_gave_of_a_day_is_not_given_again,
    an_exchange_tells_what_it_has_counted_of_the_day,
    a_count_that_is_not_later_than_the_ledgers_own_changes_nothing,
    a_later_count_than_the_ledgers_own_counts_where_it_is_larger,
    the_count_of_another_day_or_another_limit_says_nothing,
    a_day_that_was_told_ends_like_any_other,
    what_zoom_says_is_gone_was_not_all_made_by_others,
}

fn heavy() -> CategorySet {
    CategorySet::of(&[Category::Heavy])
}

/// Heavy work, of which a day may have five calls.
fn begin(s: &mut Scenario, days: Vec<DayCalls>) {
    say_limits(s, days.clone(), None);
    let kin = (0..20).map(|i| task(0, &format!("item{i}"))).collect();
    s.run("run", vec![Line::new(From::Literals(1)).category(Category::Heavy)], kin, vec![]);
    asked_again(s, days);
}

fn say_limits(s: &mut Scenario, days: Vec<DayCalls>, recount: Option<Millis>) {
    let limits = Limits(vec![Limit::new(heavy(), Period::Day, 5.0)]);
    s.say(Command::SetLimits { account: "account".into(), limits, days, recount });
}

/// Limits are said with what is known of days, and that again once the ledger asks for it.
fn set_limits(s: &mut Scenario, days: Vec<DayCalls>) {
    say_limits(s, days.clone(), None);
    asked_again(s, days);
}

fn asked_again(s: &mut Scenario, days: Vec<DayCalls>) {
    s.after(COOL_MS);
    for recount in s.exchange("asked", &["zoom"], 0, Vec::new()).recount {
        say_limits(s, days.clone(), Some(recount.asked_at));
    }
}

/// So many heavy calls of today.
fn counted(calls: u64, at: Millis) -> DayCalls {
    let (account, categories) = ("account".into(), heavy());
    DayCalls { account, categories, day: at.day(), calls, at }
}

/// Given back: no call was made.
fn unused(leased: &Leased) -> Settle {
    Settle { calls: 0, ..of(leased, Outcome::Released) }
}

fn what_a_lost_ledger_gave_of_a_day_is_not_given_again(s: &mut Scenario) {
    let told = counted(3, s.now + -60_000);
    begin(s, vec![told.clone()]);
    assert_eq!(s.lease("w", 20).len(), 2);
    // Told twice, it counts once.
    set_limits(s, vec![told]);
    assert_eq!(s.lease("w", 20).len(), 0);
    let used = s.view("run").budget[0].used;
    assert_eq!(used, 5);
}

fn an_exchange_tells_what_it_has_counted_of_the_day(s: &mut Scenario) {
    let told = s.now + -60_000;
    begin(s, vec![counted(2, told)]);
    let now = s.now;
    let answer = s.exchange("w", &["zoom"], 1, Vec::new());
    assert_eq!(answer.days, [counted(3, now)]);
    s.after(1_000);
    let answer = s.exchange("w", &["zoom"], 0, vec![unused(&answer.leased[0])]);
    let now = s.now;
    assert_eq!(answer.days, [counted(2, now)], "what was given back is not counted");
    let at = |s: &mut Scenario, tasks| s.exchange("w", &["zoom"], tasks, Vec::new()).days[0].at;
    assert!(at(s, 1) > now, "of two counts of a millisecond the later one is known by its time");
    s.now = s.now.next_day();
    assert_eq!(s.exchange("w", &["zoom"], 0, Vec::new()).days, []);
}

fn a_count_that_is_not_later_than_the_ledgers_own_changes_nothing(s: &mut Scenario) {
    begin(s, Vec::new());
    let answer = s.exchange("w", &["zoom"], 4, Vec::new());
    s.after(1_000);
    s.exchange("w", &["zoom"], 0, answer.leased[..2].iter().map(unused).collect());
    set_limits(s, answer.days.clone());
    assert_eq!(s.lease("w", 20).len(), 3, "two were given back since");
}

fn a_later_count_than_the_ledgers_own_counts_where_it_is_larger(s: &mut Scenario) {
    begin(s, Vec::new());
    assert_eq!(s.lease("w", 1).len(), 1);
    s.after(1_000);
    let now = s.now;
    for (calls, at, left) in [(3, now, 2), (2, now + 1, 2), (9, now + 2, 0)] {
        set_limits(s, vec![counted(calls, at)]);
        let used = s.view("run").budget[0].used;
        assert_eq!(5_u64.saturating_sub(used), left, "{calls} at {at}");
    }
    assert_eq!(s.lease("w", 20).len(), 0);
}

fn the_count_of_another_day_or_another_limit_says_nothing(s: &mut Scenario) {
    let light = CategorySet::of(&[Category::Light]);
    let both = CategorySet::of(&[Category::Light, Category::Heavy]);
    let yesterday = Millis::of_day(s.now.day()) + -1;
    let now = s.now;
    let days = vec![
        counted(5, yesterday),
        DayCalls { categories: light, ..counted(5, now) },
        DayCalls { categories: both, ..counted(5, now) },
    ];
    begin(s, days);
    assert_eq!(s.lease("w", 20).len(), 5);
}

fn a_day_that_was_told_ends_like_any_other(s: &mut Scenario) {
    let now = s.now;
    begin(s, vec![counted(5, now)]);
    s.now = s.now.next_day() + -1;
    assert_eq!(s.lease("w", 20).len(), 0);
    s.after(1);
    assert_eq!(s.lease("w", 20).len(), 5);
}

fn what_zoom_says_is_gone_was_not_all_made_by_others(s: &mut Scenario) {
    let told = s.now + -60_000;
    begin(s, vec![counted(2, told)]);
    let leased = s.lease("w", 1).remove(0);
    let left = Left { daily: true, limit: 5, remaining: 2 };
    let heard = Heard { category: Category::Heavy, left: Some(left), own: Some(1), alone: false };
    let settle = Settle { heard: Some(heard), ..of(&leased, done()) };
    s.exchange("w", &["zoom"], 0, vec![settle]);
    assert_eq!(s.lease("w", 20).len(), 2, "three are gone, and all three were ours");
}
