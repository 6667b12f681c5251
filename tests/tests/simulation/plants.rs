//! Bugs planted on purpose: each is found by the histories of the day, and only because it is
//! there.

use watershed_tests::{seeds, told};

use crate::campaign::wrong;
use crate::history::{History, Store};
use crate::planted::Plant;
use crate::play::play;

/// A plant that so many histories do not find is not found.
const HISTORIES_MAX: u64 = 200;

fn found(plant: Plant, name: &str) {
    let first = seeds(1)[0];
    for n in 0..HISTORIES_MAX {
        let history = History::of(first + n, Store::Memory);
        let planted = play(&history, Some(plant));
        let found = wrong(&history, &planted);
        let Some(what) = found.first() else { continue };
        let without = play(&history, None);
        assert_eq!(wrong(&history, &without), [""; 0], "without a plant: {history}");
        eprintln!("planted: {name}: found by history {} (seed {}): {what}", n + 1, history.seed);
        let at = format!("history {} of {HISTORIES_MAX} (seed {})", n + 1, history.seed);
        told("WATERSHED_PLANTS", &format!("| {name} | simulated histories | {at} |"));
        return;
    }
    panic!("{name}: not found in {HISTORIES_MAX} histories from seed {first}");
}

#[test]
fn rows_written_after_the_settle_are_found() {
    found(Plant::RowsAfterSettle, "rows after settle");
}

#[test]
fn coverage_written_without_its_rows_is_found() {
    found(Plant::CoverageWithoutRows, "coverage written without rows");
}

#[test]
fn a_key_that_drops_rejoins_is_found() {
    found(Plant::KeyDropsRejoins, "a key that drops rejoins");
}

#[test]
fn a_lost_child_is_found() {
    found(Plant::LostChild, "a lost child");
}

#[test]
fn a_second_with_one_call_too_many_is_found() {
    found(Plant::BudgetOffByOne, "a second with one call too many");
}

#[test]
fn a_day_with_one_call_too_many_is_found() {
    found(Plant::DayOffByOne, "a day with one call too many");
}

#[test]
fn a_task_given_back_that_counts_as_done_is_found() {
    found(Plant::ReleasedIsDone, "a task given back counts as done");
}

#[test]
fn a_lease_that_does_not_pass_is_found() {
    found(Plant::LeaseKept, "a lease that does not pass");
}

#[test]
fn a_settle_without_fence_is_found() {
    found(Plant::SettleWithoutFence, "a settle without fence");
}

#[test]
fn a_join_released_early_is_found() {
    found(Plant::JoinReleasedEarly, "a join released early");
}
