use std::collections::BTreeMap;

use proptest::prelude::*;
use watershed_model::{
    Backoff, CategorySet, Feed, Limit, Limits, OnFailure, OnUnavailable, PLAN_FORMAT, Period,
    Retry, ScopeLevel, Tolerate,
};

use super::*;

/// A morning.
const NOW: Millis = Millis(20_000 * Millis::DAY + 36_000_000);
const OLD: u16 = 24_301;
const NEW: u16 = 24_303;

/// A step as it is told: what feeds it, its category, whether it goes newest first; closed
/// ones; and open ones by month, 0 where none is known.
#[derive(Debug, Clone, Default)]
struct Told {
    from: Vec<u16>,
    category: Option<Category>,
    newest_first: bool,
    closed: u64,
    open: Vec<(u16, u64)>,
    leased: u64,
}

/// Nothing is known of its items' months.
fn listed(from: &[u16], closed: u64, open: u64) -> Told {
    Told { from: from.to_vec(), closed, open: vec![(0, open)], ..Told::default() }
}

fn dated(from: &[u16], closed: u64, open: &[(u16, u64)]) -> Told {
    let open = open.to_vec();
    Told { from: from.to_vec(), newest_first: true, closed, open, ..Told::default() }
}

/// Its calls are counted by the day.
fn scarce(from: &[u16], closed: u64, open: &[(u16, u64)]) -> Told {
    Told { category: Some(Category::Heavy), ..dated(from, closed, open) }
}

fn step(at: usize, told: &[Told]) -> Step {
    let this = &told[at];
    let ids = |steps: Vec<usize>| steps.into_iter().map(|s| StepId(u16::try_from(s).unwrap()));
    let feeds = this.from.iter().map(|step| Feed { step: StepId(*step), field: None });
    let from_this = |s: &usize| told[*s].from.iter().any(|from| usize::from(*from) == at);
    Step {
        name: format!("step{at}"),
        operation: format!("zoom.operation{at}").into(),
        operation_version: 1,
        category: this.category,
        source: if this.from.is_empty() { Source::Run } else { Source::Items(feeds.collect()) },
        item: None,
        windows: None,
        when: None,
        once: None,
        with: BTreeMap::new(),
        order: if this.newest_first { Order::NewestFirst } else { Order::AsListed },
        order_field: None,
        on_unavailable: OnUnavailable::Stop,
        retry: Retry { attempts: 1, backoff: Backoff { first_ms: 1, max_ms: 1 }, jitter: false },
        on_failure: OnFailure::DeadLetter,
        tolerate: Tolerate { fraction: 1.0 },
        carries: Vec::new(),
        depth: 0,
        scope: 0,
        feeds: ids((0..told.len()).filter(from_this).collect()).collect(),
    }
}

fn tally(told: &Told) -> Tally {
    let open = told.open.iter().map(|(_, open)| open).sum();
    let mut months = BTreeMap::new();
    for (month, open) in told.open.iter().filter(|(month, open)| *month > 0 && *open > 0) {
        if told.newest_first {
            *months.entry(*month).or_insert(0) += open;
        }
    }
    let known = told.closed + open;
    Tally { known, done: told.closed, open, leased: told.leased, months, ..Tally::default() }
}

fn plan(told: &[Told]) -> Plan {
    Plan {
        format: PLAN_FORMAT,
        name: "told".to_owned(),
        description: String::new(),
        inputs: Vec::new(),
        steps: (0..told.len()).map(|at| step(at, told)).collect(),
        scopes: vec![ScopeLevel { parent: None, name: "run".to_owned() }],
        joins: Vec::new(),
    }
}

/// So many heavy calls a day, ten a second.
fn budget(calls: f64) -> Budget {
    let heavy = CategorySet::of(&[Category::Heavy]);
    let limits = [(Period::Second, 10.0), (Period::Day, calls)];
    let limits = limits.map(|(period, calls)| Limit::new(heavy, period, calls));
    let mut budget = Budget::default();
    budget.set(&Limits(limits.to_vec()));
    budget
}

fn at<T>(told: &[Told], calls: f64, now: Millis, ask: impl FnOnce(&Scarce<'_>) -> T) -> T {
    let counts = Counts { steps: told.iter().map(tally).collect(), ..Counts::default() };
    let (plan, budget) = (plan(told), budget(calls));
    ask(&Scarce { plan: &plan, counts: &counts, budget: &budget, event: false, now })
}

fn bar(told: &[Told], calls: f64, step: u16, month: u16) -> Option<Bar> {
    let step = StepId(step);
    let queue = if month > 0 { Queue::Dated(step) } else { Queue::Undated(step) };
    at(told, calls, NOW, |scarce| scarce.bar(queue, month))
}

fn is_newer(bar: Option<Bar>, step: u16) -> bool {
    matches!(bar, Some(Bar::Newer { from, .. }) if from == StepId(step))
}

#[test]
fn what_is_expected_is_told_by_what_each_step_has_brought() {
    // Of 30 meetings 90 instances, of 60 of these 40 reports: ten meetings more bring thirty
    // instances more, and they and the thirty that are open bring forty reports.
    let told = [listed(&[], 30, 10), listed(&[0], 60, 30), scarce(&[1], 20, &[(OLD, 20)])];
    let expected =
        |told: &[Told]| at(told, 1.0, NOW, |s| s.expected(StepId(2), &[StepId(0), StepId(1)]));
    assert_eq!(expected(&told), 20.0 + 40.0);
    let mut few = told.clone();
    few[0] = listed(&[], 19, 20);
    assert_eq!(expected(&few), f64::INFINITY);
    // Of three lists, two that closed brought 90 instances: the third may bring 90 more, and
    // 120 instances bring 80 reports.
    few[0] = listed(&[], 2, 1);
    assert_eq!(expected(&few), 20.0 + 80.0);
    few[0] = listed(&[], 0, 1);
    assert_eq!(expected(&few), f64::INFINITY);
    let mut leased = told.clone();
    leased[2].leased = 5;
    assert_eq!(expected(&leased), 55.0);
    assert!(is_newer(bar(&told, 59.0, 2, OLD), 0));
    assert_eq!(bar(&told, 60.0, 2, OLD), None);
}

#[test]
fn the_rest_of_the_day_begins_as_early_as_its_calls_need() {
    let told = [listed(&[], 0, 1), scarce(&[0], 0, &[(OLD, 100)])];
    // 1,000 calls at 102.5 ms, a tenth more, and ten minutes.
    let rest = NOW.next_day() + -(112_750 + 600_000);
    for (now, barred) in [(rest + -1, true), (rest, false)] {
        let bar = at(&told, 1_000.0, now, |s| s.bar(Queue::Dated(StepId(1)), OLD));
        assert_eq!(bar, barred.then_some(Bar::Newer { from: StepId(0), until: rest }));
    }
    let all_day = bar(&told, 2_000_000.0, 1, OLD);
    assert_eq!(all_day, None, "a day is too short for its calls");
}

#[test]
fn without_calls_left_it_is_tomorrow_that_is_waited_for() {
    let told = [listed(&[], 0, 1), scarce(&[0], 0, &[(OLD, 100)])];
    assert_eq!(bar(&told, 0.0, 1, OLD), None);
}

#[test]
fn what_is_held_back_makes_nothing_wait() {
    // Step 0 is held back for the sake of step 1; by step 2, which never had an item, it leads
    // to step 3 too, of which nobody knows the month.
    let told = [
        dated(&[], 30, &[(NEW, 9)]),
        scarce(&[0], 0, &[(NEW, 9)]),
        dated(&[0], 0, &[]),
        scarce(&[2], 0, &[(0, 10)]),
    ];
    assert_eq!(bar(&told, 2.0, 0, NEW), Some(Bar::Enough { step: StepId(1) }));
    assert_eq!(bar(&told, 2.0, 3, 0), None);
    assert!(is_newer(bar(&told, 9.0, 3, 0), 0), "it is not held back any more");
}

#[test]
fn a_day_without_calls_holds_nothing_back_before_anything_waits() {
    let told = [dated(&[], 0, &[(NEW, 1)]), scarce(&[0], 1, &[])];
    assert_eq!(bar(&told, 0.0, 0, NEW), None);
}

#[test]
fn enough_is_counted_from_the_month_on() {
    let mut told = [dated(&[], 0, &[(NEW, 1)]), scarce(&[0], 0, &[(NEW, 3)])];
    assert_eq!(bar(&told, 2.0, 0, NEW), None);
    told[1].open = vec![(NEW, 3), (OLD, 1)];
    assert_eq!(bar(&told, 2.0, 0, NEW), None);
    assert!(bar(&told, 2.0, 0, OLD).is_some());
}

fn drawn_step(at: u16) -> impl Strategy<Value = Told> {
    let from = proptest::collection::vec(0..at.max(1), 0..3);
    let month = prop_oneof![Just(0), Just(OLD), Just(OLD + 1), Just(NEW)];
    let open = proptest::collection::vec((month, 0..6_u64), 0..3);
    let category =
        prop_oneof![Just(None), Just(Some(Category::Light)), Just(Some(Category::Heavy))];
    (from, category, prop::bool::weighted(0.75), 0..60_u64, open).prop_map(
        move |(mut from, category, newest_first, closed, open)| {
            from.retain(|from| *from < at);
            Told { from, category, newest_first, closed, open, leased: 0 }
        },
    )
}

fn drawn_plan() -> impl Strategy<Value = Vec<Told>> {
    (drawn_step(0), drawn_step(1), drawn_step(2), drawn_step(3), drawn_step(4), drawn_step(5))
        .prop_map(|(a, b, c, d, e, f)| vec![a, b, c, d, e, f])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn never_is_everything_barred(told in drawn_plan(), calls in 0..4_u8) {
        let mut open = false;
        let mut free = false;
        for (step, told_step) in (0..).zip(&told) {
            for (month, _) in told_step.open.iter().filter(|(_, open)| *open > 0) {
                open = true;
                free |= !told_step.newest_first || bar(&told, calls.into(), step, *month).is_none();
            }
        }
        prop_assert!(free || !open);
    }

    #[test]
    fn with_a_month_every_older_one_is_barred(told in drawn_plan(), calls in 0..4_u8) {
        for (step, _) in (0..).zip(&told).filter(|(_, told)| told.newest_first) {
            let barred = |month| bar(&told, calls.into(), step, month).is_some();
            for month in OLD..NEW {
                prop_assert!(!barred(month + 1) || barred(month), "step {step}, month {month}");
            }
        }
    }
}
