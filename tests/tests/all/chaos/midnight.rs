//! A run that is rebuilt on another day than it was submitted on.

use std::time::SystemTime;

use watershed_tests::{Scope, Size, clock_off, seeds};

use super::field::{Field, IN_FLIGHT, WORKERS, limited};
use crate::ground::measured;

/// Seconds until a minute after the next midnight, UTC.
fn until_tomorrow() -> i64 {
    const DAY_S: u64 = 86_400;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    i64::try_from(DAY_S - now.as_secs() % DAY_S + 60).expect("less than two days")
}

/// The inputs that the run was begun with, as the dataset has them.
fn inputs(field: &Field) -> String {
    let sink = rusqlite::Connection::open(field.fleet.home.sink()).expect("the dataset");
    sink.query_row("SELECT inputs FROM _runs", [], |row| row.get(0)).expect("one run")
}

#[test]
fn emptied_and_rebuilt_after_midnight_a_run_keeps_its_days() {
    let size = Size::asked();
    let seeds = seeds(size.of(1, 3));
    let (mut rows, mut again) = (0, 0);
    for seed in &seeds {
        let mut field = Field::new(limited(6, *seed), &[], false);
        field.fleet.begin(WORKERS, "zoom-backfill");
        field.fleet.until_calls(90);
        let before = inputs(&field);
        // It keeps nothing on disk.
        field.redis.kill();
        for _ in 0..WORKERS {
            field.take_worker().kill().expect("it is gone");
        }
        for (name, value) in clock_off(until_tomorrow(), field.fleet.home.path()) {
            field.fleet.home.set(name, Some(&value));
            field.redis.set(name, &value);
        }
        field.redis.go();
        let (theirs, ours) = (field.redis.ask(&["TIME"]).expect("a time"), SystemTime::now());
        let theirs: u64 = theirs.lines().next().and_then(|s| s.parse().ok()).expect("seconds");
        let ours = ours.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
        assert!(theirs / 86_400 > ours / 86_400, "its day is the next one");
        (0..WORKERS).for_each(|_| field.fleet.start());
        rows += field.end(&Scope::backfill());
        assert_eq!(inputs(&field), before, "seed {seed}: today is the day of submitting");
        // A file is two calls.
        let repeated = field.fleet.stats().again();
        assert!(repeated <= 2 * IN_FLIGHT, "seed {seed}: {:#}", field.fleet.stats().0);
        again += repeated;
    }
    measured(
        "Redis emptied, and the run rebuilt on what is the next day for it and for the workers",
        &format!("{} runs", seeds.len()),
        &format!("{rows} rows, 0 differ; the days of the run kept; {again} called again"),
        "0; what was in flight",
    );
}
