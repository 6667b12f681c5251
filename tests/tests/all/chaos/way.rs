//! The way to Redis: cut, slow, a black hole. What was said twice is done once.

use std::time::{Duration, Instant};

use watershed_test_servers::Cut;

use super::field::{Field, Harm, Struck};

/// Requests that are cut one after another.
const CUTS: u64 = 4;
/// Answers that take so long come; a longer black hole is taken for the end of the connection.
const SLOW: Duration = Duration::from_millis(150);
const HELD: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(7)];

#[test]
fn requests_that_are_cut_repeat_no_call() {
    let harm = Harm {
        name: "connections to Redis cut after the request, or in its middle",
        runs: 4,
        strikes: [3, 6],
        redis: &[],
        by_proxy: true,
        lease: None,
        bound: "nothing",
    };
    harm.campaign(|field, number| {
        let made = field.way().cuts_made();
        match number % 3 {
            0 | 1 => field.way().cut(Cut::Answer, CUTS),
            _ => field.way().cut(Cut::Request, CUTS),
        }
        field.fleet.until("the cuts", || field.way().cuts_to_come() == 0);
        field.way().cut_all();
        let faults = 1 + field.way().cuts_made() - made;
        Struck { faults, again_max: 0, recovered: None }
    });
}

#[test]
fn a_slow_way_and_a_black_hole_repeat_no_call() {
    let harm = Harm {
        name: "the way to Redis slow, or a black hole for up to 7 s",
        runs: 2,
        strikes: [2, 6],
        redis: &[],
        by_proxy: true,
        lease: None,
        bound: "nothing",
    };
    harm.campaign(|field, number| match number % 3 {
        0 => slow(field),
        1 => held(field, HELD[0]),
        _ => held(field, HELD[1]),
    });
}

/// Each way takes its time, for a part of the run.
fn slow(field: &Field) -> Struck {
    field.way().delay(SLOW);
    field.fleet.until_calls(field.fleet.calls() + 40);
    field.way().delay(Duration::ZERO);
    Struck { faults: 1, again_max: 0, recovered: None }
}

/// Nothing passes for so long.
fn held(field: &Field, long: Duration) -> Struck {
    field.way().hold();
    // Its length is the harm.
    std::thread::sleep(long);
    let calls = field.fleet.calls();
    field.way().let_pass();
    let recovered = field.recovered(Instant::now(), calls);
    Struck { faults: 1, again_max: 0, recovered }
}
