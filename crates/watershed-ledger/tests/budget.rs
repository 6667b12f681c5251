//! Properties of the rate budget: never more than the share, and all of it while work waits.

use std::collections::VecDeque;

use proptest::prelude::*;
use watershed_ledger::budget::{Claim, Permit};
use watershed_ledger::tables::{Budget, Slot};
use watershed_model::{
    Category, CategorySet, Heard, Left, Limit, Limits, Millis, OperationId, Period, Throttle,
};

const NOON: Millis = Millis(20_000 * Millis::DAY + Millis::DAY / 2);

fn limit(categories: &[Category], period: Period, calls: f64) -> Limit {
    Limit::new(CategorySet::of(categories), period, calls)
}

fn budget(limits: Vec<Limit>) -> Budget {
    let mut budget = Budget::default();
    budget.set(&Limits(limits));
    budget
}

fn heard(category: Category, left: Option<Left>) -> Heard {
    Heard { category, left, own: Some(0), alone: false }
}

fn granted(permit: Permit) -> Option<Slot> {
    match permit {
        Permit::Granted(slot) => Some(slot),
        Permit::Later(_) => None,
    }
}

/// All that is granted now. A budget that never ends fails here, and hangs nothing.
fn all_granted(budget: &mut Budget, category: Category, now: Millis, horizon: i64) -> Vec<Millis> {
    let next = || granted(budget.permit(category, now, horizon)).map(|slot| slot.from);
    let starts: Vec<Millis> = std::iter::from_fn(next).take(1_000).collect();
    assert!(starts.len() < 1_000, "it never ends");
    starts
}

/// The most starts in any stretch of one period.
fn most_in_a_period(mut starts: Vec<Millis>, period: Period) -> usize {
    starts.sort();
    let mut first = 0;
    let mut most = 0;
    for last in 0..starts.len() {
        while starts[last] - starts[first] >= period.ms() {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

fn category() -> impl Strategy<Value = Category> {
    prop::sample::select(Category::ALL.to_vec())
}

fn any_limits() -> impl Strategy<Value = Vec<Limit>> {
    let period = prop::sample::select(vec![Period::Second, Period::Minute, Period::Day]);
    let calls = prop_oneof![0.2..3.0, 3.0..120.0, (1u32..90).prop_map(f64::from)];
    let one = (prop::collection::vec(category(), 1..4), period, calls)
        .prop_map(|(categories, period, calls)| limit(&categories, period, calls));
    prop::collection::vec(one, 1..5)
}

/// An ask: milliseconds since the one before (back, too), category, horizon, calls asked for,
/// and whether the permits are given back.
fn any_ask() -> impl Strategy<Value = (i64, Category, i64, usize, bool)> {
    let step = prop_oneof![
        10 => 0i64..400,
        2 => 400i64..90_000,
        1 => -3_600_000i64..0,
        1 => 3_600_000i64..90_000_000,
    ];
    (step, category(), 0i64..1_500, 1usize..40, prop::bool::weighted(0.1))
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn no_stretch_of_a_period_holds_more_starts_than_its_share(
        limits in any_limits(),
        asks in prop::collection::vec(any_ask(), 1..80),
        late in prop::collection::vec(0i64..=25, 7),
    ) {
        let mut budget = budget(limits.clone());
        let mut now = NOON;
        let mut starts: Vec<(Category, Millis)> = Vec::new();
        let mut used: Vec<(Category, Millis)> = Vec::new();
        for (step, category, horizon, calls, given_back) in asks {
            now = now + step;
            for _ in 0..calls {
                let Permit::Granted(slot) = budget.permit(category, now, horizon) else { break };
                prop_assert!(slot.from >= now && slot.from <= now + horizon);
                // A call starts a little after its slot begins.
                let start = slot.from + late[starts.len() % late.len()];
                prop_assert!(slot.from < slot.until && slot.until.day() == slot.from.day());
                if given_back {
                    budget.give_back(category, slot, now);
                }
                if !given_back || slot.from <= now {
                    starts.push((category, start));
                }
                if !given_back {
                    used.push((category, slot.from));
                }
            }
        }
        for limit in limits {
            let of = |all: &[(Category, Millis)]| -> Vec<Millis> {
                let named = all.iter().filter(|(c, _)| limit.categories.contains(*c));
                named.map(|(_, at)| *at).collect()
            };
            match limit.period {
                Period::Second | Period::Minute => {
                    let most = most_in_a_period(of(&starts), limit.period);
                    prop_assert!(most as f64 <= limit.calls.ceil(), "{most} of {limit:?}");
                }
                Period::Day => {
                    let mut days: Vec<i64> = of(&used).iter().map(|at| at.day()).collect();
                    days.sort_unstable();
                    let most = days.chunk_by(|a, b| a == b).map(<[i64]>::len).max().unwrap_or(0);
                    prop_assert!(most as f64 <= limit.calls.floor(), "{most} of {limit:?}");
                }
            }
        }
    }

    #[test]
    fn while_work_waits_nearly_all_of_a_second_is_used(
        calls in prop_oneof![1.0f64..10.0, 10.0..200.0],
        pace in 10i64..200,
        horizon in 200i64..1_000,
    ) {
        let mut budget = budget(vec![limit(&[Category::Medium], Period::Second, calls)]);
        let mut starts = Vec::new();
        let seconds = 30;
        let mut now = NOON;
        while now - NOON < seconds * 1_000 {
            starts.extend(all_granted(&mut budget, Category::Medium, now, horizon));
            now = now + pace;
        }
        let in_time = starts.iter().filter(|at| **at - NOON < seconds * 1_000).count();
        let share = calls * seconds as f64;
        prop_assert!(in_time as f64 >= share * 0.97 - 1.0, "{in_time} of {share}");
        for second in 0..seconds {
            let (from, to) = (NOON + second * 1_000, NOON + (second + 1) * 1_000);
            let used = starts.iter().filter(|at| **at >= from && **at < to).count();
            // A fraction carries over to a later second.
            prop_assert!(used as f64 >= (calls * 0.97).floor(), "{used} in second {second}");
        }
    }

    #[test]
    fn a_lane_that_is_busy_for_minutes_drifts_into_no_call_more(calls in 1u32..120) {
        let share = f64::from(calls);
        let mut budget = budget(vec![limit(&[Category::Light], Period::Second, share)]);
        let mut starts = Vec::new();
        for second in 0..120 {
            starts.extend(all_granted(&mut budget, Category::Light, NOON + second * 1_000, 999));
        }
        prop_assert!(most_in_a_period(starts, Period::Second) as u32 <= calls);
    }

    #[test]
    fn a_day_is_used_to_its_last_permit_and_no_further(
        calls in 1.0f64..300.0,
        hours in prop::collection::vec(0i64..20, 1..12),
    ) {
        let mut budget = budget(vec![
            limit(&[Category::Heavy, Category::ResourceIntensive], Period::Day, calls),
            limit(&[Category::Heavy], Period::Second, 40.0),
        ]);
        let mut now = NOON;
        for hour in hours {
            now = now + hour * 3_600_000;
            let day = now.day();
            let mut used = 0u64;
            loop {
                match budget.permit(Category::Heavy, now, 0) {
                    Permit::Granted(_) => {
                        used += 1;
                        prop_assert!(used as f64 <= calls);
                    }
                    Permit::Later(at) if at.day() == day => now = at,
                    Permit::Later(at) => {
                        prop_assert_eq!(at, now.next_day());
                        break;
                    }
                }
            }
            prop_assert!(used == calls.floor() as u64 || used == 0);
        }
    }
}

#[test]
fn a_share_of_less_than_a_call_a_day_starts_none() {
    let mut budget = budget(vec![limit(&[Category::Heavy], Period::Day, 0.2)]);
    assert_eq!(budget.permit(Category::Heavy, NOON, 0), Permit::Later(NOON.next_day()));
}

#[test]
fn a_fresh_lane_does_not_burst() {
    let mut budget = budget(vec![limit(&[Category::Heavy], Period::Second, 10.0)]);
    let starts = all_granted(&mut budget, Category::Heavy, NOON, 350);
    let slots: Vec<i64> = starts.into_iter().map(|at| at - NOON).collect();
    assert_eq!(slots, [0, 103, 205, 308]);
    assert_eq!(budget.permit(Category::Heavy, NOON, 350), Permit::Later(NOON + 60));
}

#[test]
fn fractions_of_a_call_carry_over_to_the_next_second() {
    let mut budget = budget(vec![limit(&[Category::Light], Period::Second, 2.5)]);
    let mut per_second = [0u32; 4];
    for at in all_granted(&mut budget, Category::Light, NOON, 3_999) {
        per_second[usize::try_from((at - NOON) / 1_000).unwrap()] += 1;
    }
    assert_eq!(per_second, [3, 2, 3, 2]);
}

#[test]
fn a_call_must_fit_every_limit_that_names_its_category() {
    let mut budget = budget(vec![
        limit(&[Category::Heavy], Period::Second, 100.0),
        limit(&[Category::Heavy, Category::Light], Period::Minute, 60.0),
    ]);
    assert!(granted(budget.permit(Category::Light, NOON, 0)).is_some());
    assert_eq!(budget.permit(Category::Heavy, NOON, 0), Permit::Later(NOON + 1_001));
    assert!(granted(budget.permit(Category::Medium, NOON, 0)).is_some(), "no limit names it");
}

#[test]
fn a_permit_given_back_frees_the_calls_of_its_own_day_only() {
    let mut budget = budget(vec![limit(&[Category::Heavy], Period::Day, 2.0)]);
    let first = granted(budget.permit(Category::Heavy, NOON, 0)).unwrap();
    granted(budget.permit(Category::Heavy, NOON, 0)).unwrap();
    assert_eq!(budget.permit(Category::Heavy, NOON, 0), Permit::Later(NOON.next_day()));
    budget.give_back(Category::Heavy, first, NOON);
    assert!(granted(budget.permit(Category::Heavy, NOON, 0)).is_some());

    let tomorrow = NOON.next_day();
    granted(budget.permit(Category::Heavy, tomorrow, 0)).unwrap();
    granted(budget.permit(Category::Heavy, tomorrow, 0)).unwrap();
    budget.give_back(Category::Heavy, first, NOON);
    assert!(granted(budget.permit(Category::Heavy, tomorrow, 0)).is_none());
}

#[test]
fn a_slot_given_back_before_it_came_is_the_next_to_be_given() {
    let mut budget = budget(vec![limit(&[Category::Light], Period::Second, 10.0)]);
    let slots: Vec<Slot> =
        (0..4).filter_map(|_| granted(budget.permit(Category::Light, NOON, 400))).collect();
    budget.give_back(Category::Light, slots[2], NOON);
    budget.give_back(Category::Light, slots[1], NOON);
    assert!(granted(budget.permit(Category::Medium, NOON, 400)).is_some(), "it is Light's");
    for slot in [slots[1], slots[2]] {
        let again = granted(budget.permit(Category::Light, NOON, 400)).unwrap();
        assert_eq!(again.from, slot.from);
    }
    let next = granted(budget.permit(Category::Light, NOON, 900)).unwrap();
    assert!(next.from > slots[3].from);
    let (limits, mut other) = (budget.limits.clone(), budget.clone());
    other.set(&limits);
    other.give_back(Category::Light, slots[3], NOON);
    let after = granted(other.permit(Category::Light, NOON, 900)).unwrap();
    assert!(after.from > next.from, "it was given before the limits were set");
    budget.give_back(Category::Light, slots[1], slots[1].from);
    budget.give_back(Category::Light, slots[3], NOON);
    let late = slots[3].from + 1;
    assert!(granted(budget.permit(Category::Light, late, 900)).unwrap().from > next.from);
}

#[test]
fn a_clock_that_steps_back_over_midnight_begins_no_day_twice() {
    let mut budget = budget(vec![limit(&[Category::Heavy], Period::Day, 3.0)]);
    let midnight = NOON.next_day();
    assert!(granted(budget.permit(Category::Heavy, midnight + 5, 0)).is_some());
    assert_eq!(
        budget.permit(Category::Heavy, midnight + -5, 0),
        Permit::Later(midnight),
        "what today had used is not known any more"
    );
    assert!(granted(budget.permit(Category::Heavy, midnight + 6, 0)).is_some());
    assert!(granted(budget.permit(Category::Heavy, midnight + 7, 0)).is_some());
    assert!(granted(budget.permit(Category::Heavy, midnight + 8, 0)).is_none());
}

#[test]
fn a_clock_that_steps_back_by_days_is_believed_again() {
    let mut budget = budget(vec![limit(&[Category::Light], Period::Second, 1.0)]);
    granted(budget.permit(Category::Light, NOON + 400 * Millis::DAY, 0)).unwrap();
    budget.throttle(
        Throttle {
            category: Category::Light,
            daily: false,
            until: NOON + 400 * Millis::DAY + 60_000,
        },
        NOON + 400 * Millis::DAY,
    );
    assert!(granted(budget.permit(Category::Light, NOON, 0)).is_some());
}

#[test]
fn new_limits_keep_what_was_used() {
    let day = |calls| limit(&[Category::Heavy], Period::Day, calls);
    let mut budget = budget(vec![day(5.0)]);
    for _ in 0..4 {
        granted(budget.permit(Category::Heavy, NOON, 0)).unwrap();
    }
    let second = limit(&[Category::Heavy], Period::Second, 2_000.0);
    budget.set(&Limits(vec![second, day(6.0)]));
    assert!(granted(budget.permit(Category::Heavy, NOON, 0)).is_some());
    assert!(granted(budget.permit(Category::Heavy, NOON + 1, 0)).is_some());
    assert!(granted(budget.permit(Category::Heavy, NOON + 2, 0)).is_none());
}

#[test]
fn a_429_of_the_second_closes_its_category_until_then() {
    let mut budget =
        budget(vec![limit(&[Category::Heavy, Category::ResourceIntensive], Period::Day, 100.0)]);
    let until = NOON + 2_000;
    budget.throttle(Throttle { category: Category::Heavy, daily: false, until }, NOON);
    assert_eq!(budget.permit(Category::Heavy, NOON, 0), Permit::Later(until));
    assert!(granted(budget.permit(Category::ResourceIntensive, NOON, 0)).is_some());
    assert!(granted(budget.permit(Category::Heavy, until, 0)).is_some());
}

#[test]
fn a_429_of_the_day_closes_all_that_share_the_day_and_for_25_hours_at_most() {
    let mut budget =
        budget(vec![limit(&[Category::Heavy, Category::ResourceIntensive], Period::Day, 100.0)]);
    let until = NOON + 100 * Millis::DAY;
    budget.throttle(Throttle { category: Category::Heavy, daily: true, until }, NOON);
    let reopens = NOON + 25 * 3_600_000;
    for category in [Category::Heavy, Category::ResourceIntensive] {
        assert_eq!(budget.permit(category, NOON, 0), Permit::Later(reopens));
    }
    assert!(granted(budget.permit(Category::Light, NOON, 0)).is_some());
}

#[test]
fn the_report_says_what_is_used_and_what_binds() {
    let mut budget = budget(vec![limit(&[Category::Heavy], Period::Day, 2.0)]);
    granted(budget.permit(Category::Heavy, NOON, 0)).unwrap();
    let report = budget.report(NOON, |_| true);
    assert_eq!((report[0].used, report[0].share, report[0].binds), (1, 2.0, false));
    granted(budget.permit(Category::Heavy, NOON, 0)).unwrap();
    let report = budget.report(NOON, |_| true);
    assert!(report[0].binds);
    assert_eq!(report[0].free_at, Some(NOON.next_day().to_string()));
    assert!(!budget.report(NOON, |_| false)[0].binds, "nothing waits for it");
    assert_eq!(budget.report(NOON.next_day(), |_| true)[0].used, 0);
}

#[test]
fn of_a_second_the_report_tells_the_last_whole_one() {
    let mut budget = budget(vec![limit(&[Category::Light], Period::Second, 10.0)]);
    let starts = all_granted(&mut budget, Category::Light, NOON, 900);
    let within = starts.iter().filter(|at| **at < NOON + 1_000).count() as u64;
    assert!(within > 5, "{starts:?}");
    let used = |budget: &Budget, ms| budget.report(NOON + ms, |_| true)[0].used;
    assert_eq!(used(&budget, 500), 0, "it has just begun");
    assert_eq!(used(&budget, 1_000), within);
    assert_eq!(used(&budget, 2_000), 0, "nothing was given in the one before");
    // Slots of the next second are given already: the running one is all that is known.
    let more = all_granted(&mut budget, Category::Light, NOON + 990, 400);
    let (running, next): (Vec<Millis>, Vec<Millis>) =
        more.into_iter().partition(|at| *at < NOON + 1_000);
    assert!(!next.is_empty());
    assert_eq!(used(&budget, 990), within + running.len() as u64);
}

#[test]
fn a_part_of_the_day_is_kept_back_for_events_until_ten_in_the_evening() {
    let reserved = Limit { reserve: 1.0, ..limit(&[Category::Heavy], Period::Day, 3.0) };
    let mut budget = budget(vec![reserved]);
    let event = |left| Claim { category: Category::Heavy, event: true, leave: left };
    granted(budget.permit(Category::Heavy, NOON, 0)).unwrap();
    granted(budget.permit(Category::Heavy, NOON, 0)).unwrap();
    let evening = Millis(NOON.day() * Millis::DAY + 22 * 3_600_000);
    assert_eq!(budget.permit(Category::Heavy, NOON, 0), Permit::Later(evening));
    assert!(granted(budget.clone().permit(event(0), NOON, 0)).is_some(), "it is there for them");
    assert!(granted(budget.permit(Category::Heavy, evening, 0)).is_some(), "then for all");
    assert_eq!(budget.permit(event(0), evening, 0), Permit::Later(NOON.next_day()));
}

#[test]
fn the_last_calls_of_a_day_are_left_to_listings_under_way() {
    let mut budget = budget(vec![limit(&[Category::Heavy], Period::Day, 3.0)]);
    let new = Claim { category: Category::Heavy, event: false, leave: 2 };
    assert!(granted(budget.permit(new, NOON, 0)).is_some());
    assert_eq!(budget.left_today(Category::Heavy, NOON), Some((2, 3)));
    assert_eq!(budget.permit(new, NOON, 0), Permit::Later(NOON.next_day()));
    assert!(granted(budget.permit(Category::Heavy, NOON, 0)).is_some(), "a further page");
}

#[test]
fn what_answers_say_of_the_day_is_believed() {
    let day = Limit { of: 10.0, ..limit(&[Category::Heavy], Period::Day, 9.0) };
    let mut budget = budget(vec![day]);
    let slot = granted(budget.permit(Category::Heavy, NOON, 0)).unwrap();
    let left = Some(Left { daily: true, limit: 10, remaining: 3 });
    let told = heard(Category::Heavy, left);
    let reports = OperationId::from("zoom.report_participants");
    budget.hear((&reports, Some(Category::Heavy)), told, slot, NOON);
    assert_eq!(budget.left_today(Category::Heavy, NOON), Some((3, 4)), "others have made six");
    assert_eq!(
        budget.left_today(Category::Heavy, NOON.next_day()),
        Some((9, 9)),
        "it is new tomorrow"
    );
}

#[test]
fn the_category_that_an_answer_names_is_believed() {
    let mut budget = budget(vec![limit(&[Category::Light], Period::Second, 10.0)]);
    let slot = granted(budget.permit(Category::Light, NOON, 0)).unwrap();
    let lists = OperationId::from("zoom.list_meetings");
    let planned = (&lists, Some(Category::Light));
    budget.hear(planned, heard(Category::Medium, None), slot, NOON);
    assert_eq!(budget.label(&lists), Some(Category::Medium));
    budget.hear(planned, heard(Category::Light, None), slot, NOON);
    assert_eq!(budget.label(&lists), None);
}

/// Starts in ten seconds of a light budget of that share of so many calls.
fn in_ten_seconds(share: f64, of: f64) -> usize {
    let second = Limit { of, ..limit(&[Category::Light], Period::Second, share * of) };
    all_granted(&mut budget(vec![second]), Category::Light, NOON, 9_999).len()
}

#[test]
fn a_share_needs_less_room_than_the_whole_limit() {
    // A second of a share is spread over 1,010 ms, one of the whole limit over 1,025.
    assert_eq!(in_ten_seconds(0.5, 20.0), 100);
    assert_eq!(in_ten_seconds(0.9, 20.0), 179);
    assert_eq!(in_ten_seconds(1.0, 20.0), 196);
}

#[test]
fn what_a_call_that_was_alone_tells_is_exact_and_believed_at_once() {
    let calls_left = |alone: bool, slots: usize| {
        let second = Limit { of: 20.0, ..limit(&[Category::Light], Period::Second, 18.0) };
        let mut budget = budget(vec![second]);
        let mut last = None;
        for _ in 0..slots {
            last = granted(budget.permit(Category::Light, NOON, 1_000));
        }
        let left = Some(Left { daily: false, limit: 20, remaining: 11 });
        let told = Heard { alone, ..heard(Category::Light, left) };
        let lists = OperationId::from("zoom.list_meetings");
        budget.hear((&lists, Some(Category::Light)), told, last.expect("a slot"), NOON);
        all_granted(&mut budget, Category::Light, NOON + 10_000, 9_999).len()
    };
    let share = calls_left(false, 3);
    assert_eq!(share, 179, "one answer alone is not believed");
    // Slots that were given and not used are in the second too, but no calls.
    assert_eq!(calls_left(true, 3), 118, "others make eight of the twenty");
}

/// What an account's limiter leaves of a second's calls to us, counted its own way.
struct Limiter {
    shape: &'static str,
    calls: usize,
    arrived: Vec<Millis>,
}

impl Limiter {
    /// What remains after a call; `None`: it is refused.
    fn remaining(&mut self, at: Millis) -> Option<u32> {
        if self.shape == "fixed" {
            self.arrived.retain(|before| before.0 / 1_000 == at.0 / 1_000);
        } else if self.shape == "sliding" {
            self.arrived.retain(|before| at - *before < 1_000);
        } else {
            // A bucket that a call fills by one, and that drains evenly.
            let gap_ms = 1_000.0 / self.calls as f64;
            let mut empty_at = 0.0_f64;
            for before in &self.arrived {
                empty_at = empty_at.max(before.0 as f64) + gap_ms;
            }
            let full = ((empty_at - at.0 as f64) / gap_ms).max(0.0);
            if full + 1.0 > self.calls as f64 {
                return None;
            }
            self.arrived.retain(|before| at - *before < 20_000);
            self.arrived.push(at);
            return Some((self.calls as f64 - full - 1.0).floor() as u32);
        }
        self.arrived.push(at);
        self.calls.checked_sub(self.arrived.len()).map(|left| left as u32)
    }
}

/// Works for five minutes beside an app that takes 12 of 30 calls a second, asking ahead as a
/// worker does, each answer that much after its call.
fn beside_another_app(shape: &'static str, latency_ms: i64) -> (usize, usize) {
    let whole = Limit { of: 30.0, ..limit(&[Category::Light], Period::Second, 27.0) };
    let mut budget = budget(vec![whole]);
    let lists = OperationId::from("zoom.list_meetings");
    let mut limiter = Limiter { shape, calls: 18, arrived: Vec::new() };
    let (mut slots, mut answers) = (VecDeque::new(), VecDeque::new());
    let (mut used, mut refused) = (0, 0);
    for now in (0..300_000).map(|ms| NOON + ms) {
        while slots.front().is_some_and(|slot: &Slot| slot.from <= now) {
            let slot = slots.pop_front().unwrap();
            used += 1;
            match limiter.remaining(now) {
                Some(remaining) => answers.push_back((now + latency_ms, slot, remaining)),
                None => refused += 1,
            }
        }
        while answers.front().is_some_and(|(at, ..)| *at <= now) {
            let (_, slot, remaining) = answers.pop_front().unwrap();
            let left = Some(Left { daily: false, limit: 30, remaining });
            let heard = heard(Category::Light, left);
            budget.hear((&lists, Some(Category::Light)), heard, slot, now);
        }
        if now.0 % 25 == 0 {
            while let Permit::Granted(slot) = budget.permit(Category::Light, now, 200) {
                slots.push_back(slot);
            }
        }
    }
    (used, refused)
}

#[test]
fn beside_another_app_what_it_leaves_is_used_and_no_more() {
    for shape in ["fixed", "sliding", "bucket"] {
        for latency_ms in [0, 15, 150] {
            let (used, refused) = beside_another_app(shape, latency_ms);
            assert_eq!(refused, 0, "{shape}, {latency_ms} ms");
            assert!(used as f64 >= 18.0 * 300.0 * 0.97, "{shape}, {latency_ms} ms: {used}");
        }
    }
}
