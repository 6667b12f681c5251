//! A run that is rebuilt on another day than it was submitted on.

use std::time::{Duration, SystemTime};

use watershed_tests::{Scope, Size, ahead, seeds};

use super::field::{Field, IN_FLIGHT, WORKERS, limited};
use crate::ground::measured;

/// Until a minute after the next midnight, UTC.
fn until_tomorrow() -> Duration {
    const DAY_S: u64 = 86_400;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Duration::from_secs(DAY_S - now.as_secs() % DAY_S + 60)
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
        field.redis.ask(&["FLUSHALL"]).expect("all is gone");
        for _ in 0..WORKERS {
            field.take_worker().kill().expect("it is gone");
        }
        for (name, value) in ahead(until_tomorrow()) {
            field.fleet.home.set(name, Some(&value));
        }
        (0..WORKERS).for_each(|_| field.fleet.start());
        rows += field.end(&Scope::backfill());
        assert_eq!(inputs(&field), before, "seed {seed}: today is the day of submitting");
        // A file is two calls.
        let repeated = field.fleet.stats().repeated();
        assert!(repeated <= 2 * IN_FLIGHT, "seed {seed}: {:#}", field.fleet.stats().0);
        again += repeated;
    }
    measured(
        "Redis emptied, and the run rebuilt by workers for whom it is the next day",
        &format!("{} runs", seeds.len()),
        &format!("{rows} rows, 0 differ; the days of the run kept; {again} called again"),
        "0; what was in flight",
    );
}
