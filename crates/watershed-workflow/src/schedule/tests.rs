use jiff::civil::{Date, Weekday, date};
use jiff::tz::Offset;
use proptest::prelude::*;

use super::*;

const YEARS: std::ops::Range<i16> = 2026..2036;

fn schedule(cron: &str, timezone: &str, missed: Missed) -> Schedule {
    let (cron, parsed) = parse_cron(cron).expect("cron fields");
    let wall = Wall::new(&cron, parsed, zone(timezone).expect("a zone"));
    Schedule {
        cron,
        timezone: timezone.to_owned(),
        missed,
        overlap: Overlap::Skip,
        inputs: BTreeMap::new(),
        jitter_ms: 0,
        wall,
        above: Vec::new(),
    }
}

fn utc(date: Date, hour: i8, minute: i8) -> Millis {
    let at = Offset::UTC.to_timestamp(date.at(hour, minute, 0, 0)).expect("an instant");
    Millis::from(at)
}

/// Its ticks of a year by the clocks of the zone, as instants.
fn of_year(schedule: &Schedule, year: i16) -> Vec<Millis> {
    let year_of = |at: &Millis| schedule.local(*at)[..4].parse::<i16>().expect("a year");
    let (first, last) = (date(year, 1, 1), date(year, 12, 31));
    let around =
        schedule.between(utc(first, 0, 0) + -Millis::DAY, utc(last, 0, 0) + 3 * Millis::DAY);
    around.into_iter().filter(|at| year_of(at) == year).collect()
}

fn sunday(year: i16, month: i8, nth: i8) -> Date {
    date(year, month, 1).nth_weekday_of_month(nth, Weekday::Sunday).expect("a Sunday")
}

/// A zone, and as its law says: the night in which its clocks leap, when, and a time in the gap;
/// the night in which they go back, and a time that they show twice, with its first instant.
type Law = (&'static str, fn(i16) -> [Millis; 2], &'static str, &'static str);

/// Instants: that of the leap; the first at which the clocks show the repeated time.
const LAWS: [Law; 3] = [
    // Last Sundays of March and October, 01:00 UTC. 02:30 is first shown at +02:00.
    (
        "Europe/Berlin",
        |year| [utc(sunday(year, 3, -1), 1, 0), utc(sunday(year, 10, -1), 0, 30)],
        "30 2 * * *",
        "30 2 * * *",
    ),
    // Second Sunday of March and first of November, at two by the clocks before.
    (
        "America/New_York",
        |year| [utc(sunday(year, 3, 2), 7, 0), utc(sunday(year, 11, 1), 5, 30)],
        "30 2 * * *",
        "30 1 * * *",
    ),
    // First Sundays of October and April, by half an hour: UTC is a day behind.
    (
        "Australia/Lord_Howe",
        |year| {
            let (leap, back) = (sunday(year, 10, 1), sunday(year, 4, 1));
            let day = |date: Date| date.yesterday().expect("a day");
            [utc(day(leap), 15, 30), utc(day(back), 14, 45)]
        },
        "15 2 * * *",
        "45 1 * * *",
    ),
];

#[test]
fn a_time_in_the_gap_runs_at_the_end_of_the_leap_and_one_in_the_fold_the_first_time() {
    for (zone, law, in_gap, in_fold) in LAWS {
        let of = |cron| schedule(cron, zone, Missed::RunAll);
        let (in_gap, in_fold) = (of(in_gap), of(in_fold));
        for year in YEARS {
            let [leap, first] = law(year);
            let days = i64::from(date(year, 1, 1).days_in_year());
            for (schedule, expected) in [(&in_gap, leap), (&in_fold, first)] {
                let ticks = of_year(schedule, year);
                let told = schedule.key();
                assert_eq!(ticks.len() as i64, days, "{told} in {year}: one a night");
                assert!(
                    ticks.contains(&expected),
                    "{told} in {year}: {}",
                    schedule.local(expected)
                );
            }
        }
    }
}

#[test]
fn ticks_in_even_distances_stay_so_through_every_change_of_the_clocks() {
    for (zone, ..) in LAWS {
        let every = schedule("*/30 * * * *", zone, Missed::RunAll);
        let (from, until) = (utc(date(2026, 1, 1), 0, 0), utc(date(2036, 1, 1), 0, 0));
        let ticks = every.between(from, until);
        assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] == 30 * 60_000), "{zone}");
        assert_eq!(ticks.len() as i64, (until - from) / (30 * 60_000), "{zone}");
    }
}

#[test]
fn several_times_in_one_gap_are_one_tick_and_each_in_a_fold_runs_once() {
    let quarters = schedule("*/15 2,3 * * *", "Europe/Berlin", Missed::RunAll);
    let of = |day: Date| {
        let day = utc(day, 0, 0);
        let ticks = quarters.between(day + -1, day + Millis::DAY / 2);
        ticks.iter().map(|at| quarters.local(*at)[11..22].to_owned()).collect::<Vec<_>>()
    };
    let leap = of(date(2027, 3, 28));
    assert_eq!(leap, ["03:00:00+02", "03:15:00+02", "03:30:00+02", "03:45:00+02"]);
    let fold = of(date(2027, 10, 31));
    assert_eq!(fold.len(), 8, "{fold:?}");
    assert_eq!(fold[3..5], ["02:45:00+02", "03:00:00+01"]);
}

#[test]
fn what_zones_have_done_to_their_calendars_loses_no_order() {
    // Samoa had no 30 December 2011.
    let daily = schedule("0 12 * * *", "Pacific/Apia", Missed::RunAll);
    let ticks = daily.between(utc(date(2011, 12, 28), 0, 0), utc(date(2012, 1, 2), 0, 0));
    let told: Vec<_> = ticks.iter().map(|at| daily.local(*at)[..16].to_owned()).collect();
    let expected = ["2011-12-28T12:00", "2011-12-29T12:00", "2011-12-31T00:00", "2011-12-31T12:00"];
    assert_eq!(told[..4], expected);
}

#[test]
fn an_instant_of_two_entries_is_the_upper_ones() {
    let weekly = schedule("0 2 * * SUN", "Europe/Berlin", Missed::RunOnce);
    let nightly = Schedule {
        above: vec![weekly.wall],
        ..schedule("0 2 * * *", "Europe/Berlin", Missed::RunOnce)
    };
    let saturday = utc(date(2026, 11, 28), 12, 0);
    let next = nightly.next(saturday).expect("a tick");
    assert_eq!(nightly.local(next), "2026-11-30T02:00:00+01:00[Europe/Berlin]");
    assert_eq!(nightly.between(saturday, saturday + 2 * Millis::DAY), [next]);
}

#[test]
fn each_connection_has_a_delay_of_its_own_that_never_changes() {
    let jitter = 600_000;
    let nightly = Schedule { jitter_ms: jitter, ..schedule("0 2 * * *", "UTC", Missed::RunOnce) };
    let delays: Vec<i64> =
        (0..50).map(|n| nightly.delay_ms("zoom-reconcile", &format!("c{n}"))).collect();
    assert!(delays.iter().all(|ms| (0..jitter).contains(ms)));
    assert!(delays.iter().max() > delays.iter().min().map(|least| least + jitter / 2).as_ref());
    assert_eq!(delays[7], nightly.delay_ms("zoom-reconcile", "c7"));
    let exact = Schedule { jitter_ms: 0, ..nightly };
    assert_eq!(exact.delay_ms("zoom-reconcile", "c7"), 0);
}

#[test]
fn what_was_missed_runs_once_each_time_or_never() {
    let (from, nights) = (utc(date(2026, 11, 1), 0, 0), 3);
    let now = from + nights * Millis::DAY;
    let runs = |missed, now| {
        let schedule = schedule("0 2 * * *", "UTC", missed);
        let due = due(&schedule, from, now);
        assert_eq!(due.len(), 3, "all of them are told of");
        due.iter().map(|due| due.fate == Fate::Run).collect::<Vec<_>>()
    };
    assert_eq!(runs(Missed::RunAll, now), [true, true, true]);
    assert_eq!(runs(Missed::RunOnce, now), [false, false, true]);
    assert_eq!(runs(Missed::Skip, now), [false, false, false]);
    let in_time = from + 2 * Millis::DAY + 2 * 3_600_000 + GRACE_MS;
    assert_eq!(runs(Missed::Skip, in_time), [false, false, true]);
    assert_eq!(runs(Missed::Skip, in_time + 1), [false, false, false]);
}

#[test]
fn the_next_tick_may_be_years_away() {
    let leap_day = schedule("0 0 29 2 *", "UTC", Missed::RunOnce);
    let next = leap_day.next(utc(date(2096, 3, 1), 0, 0)).expect("2100 has none");
    assert_eq!(leap_day.local(next), "2104-02-29T00:00:00+00:00[UTC]");
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let cron = prop::sample::select(vec![
        "30 2 * * *",
        "0 * * * *",
        "*/7 * * * *",
        "15,45 1-3 * * *",
        "0 0 * * *",
        "0 */5 * * MON-FRI",
        "59 23 L * *",
    ]);
    let zone = prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Africa/Casablanca",
    ]);
    let missed = prop::sample::select(vec![Missed::RunAll, Missed::RunOnce, Missed::Skip]);
    (cron, zone, missed).prop_map(|(cron, zone, missed)| schedule(cron, zone, missed))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn looked_at_in_any_steps_no_tick_comes_twice_and_none_is_left_out(
        schedule in any_schedule(),
        hour in 0..87_600_i64,
        steps in prop::collection::vec(1..80_000_000_i64, 1..12),
    ) {
        let begin = utc(date(2026, 1, 1), 0, 0) + hour * 3_600_000;
        let (mut now, mut last, mut seen) = (begin, begin, Vec::new());
        for step in &steps {
            now = now + *step;
            let due = due(&schedule, last, now);
            seen.extend(due.iter().map(|due| due.at));
            last = due.last().map_or(last, |due| due.at);
            let runs = due.iter().filter(|due| due.fate == Fate::Run).count();
            let most = if schedule.missed == Missed::RunAll { due.len() } else { 1 };
            prop_assert!(runs <= most);
            prop_assert_eq!(schedule.next(begin), seen.first().copied().or(schedule.next(now)));
        }
        prop_assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "in their order, each once");
        prop_assert_eq!(seen, schedule.between(begin, now));
    }

    #[test]
    fn every_tick_is_a_time_of_its_fields_by_the_clocks_or_the_end_of_a_leap(
        schedule in any_schedule(),
        hour in 0..87_600_i64,
    ) {
        let begin = utc(date(2026, 1, 1), 0, 0) + hour * 3_600_000;
        let tick = schedule.next(begin).expect("a tick");
        prop_assert!(tick > begin);
        prop_assert!(schedule.wall.has(tick));
        let zone = zone(&schedule.timezone).expect("a zone");
        let offset = |at: Millis| zone.to_offset(at.timestamp());
        let leaps = offset(tick) != offset(tick + -1);
        prop_assert!(leaps || schedule.wall.shows(tick), "{}", schedule.local(tick));
    }
}
