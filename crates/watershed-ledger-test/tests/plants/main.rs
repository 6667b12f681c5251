//! Planted bugs: each is found by the histories of the day, and only because it is there.
//!
//! The table in `docs/reliability.md` is made from what these tests say (`told`).

mod planted;

use watershed_ledger_test::{Size, Subject, history, play, shorten};

use crate::planted::{Plant, Planted};

/// A plant that so many histories do not find is not found.
const HISTORIES_MAX: u64 = 200;
/// Acts of the shortest history of a plant, at most, or a quarter of those drawn: more than
/// anybody would read is not short.
const ACTS_MAX: usize = 30;

/// The first seed: that of the day.
fn first() -> u64 {
    match std::env::var("WATERSHED_SEED") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("WATERSHED_SEED={text} is no number")),
        Err(_) => 1,
    }
}

fn with(plant: Option<Plant>) -> Box<dyn Subject> {
    Box::new(Planted::new(plant))
}

/// Plays the histories of the day until one finds the plant, which must be within 200; makes
/// that one short; and insists that without the plant neither goes wrong.
fn found(plant: Plant, name: &str) {
    for n in 0..HISTORIES_MAX {
        let seed = first() + n;
        let drawn = history(seed, Size::of(seed));
        let Err(divergence) = play(&drawn, &mut || with(Some(plant))) else { continue };
        let short = shorten(divergence, &mut || with(Some(plant)));
        for history in [&drawn, &short.history] {
            if let Err(divergence) = play(history, &mut || with(None)) {
                panic!("without a plant: {divergence}");
            }
        }
        let acts = short.history.acts();
        assert!(acts <= ACTS_MAX.max(short.drawn / 4), "{acts} acts are not short: {short}");
        let at = format!("history {} of {HISTORIES_MAX} (seed {seed})", n + 1);
        told(name, "histories of commands", &format!("{at}; {acts} acts at the shortest"));
        return;
    }
    panic!("{name}: not found in {HISTORIES_MAX} histories from seed {}", first());
}

/// Says where a plant was found: on the terminal, and in the table of `./scripts/test --all`.
fn told(plant: &str, by: &str, at: &str) {
    eprintln!("planted: {plant}: found by {by}: {at}");
    watershed_ledger_test::told("WATERSHED_PLANTS", &format!("| {plant} | {by} | {at} |"));
}

#[test]
fn a_settle_without_fence_is_found() {
    found(Plant::SettleWithoutFence, "a settle without fence");
}

#[test]
fn a_lost_child_is_found() {
    found(Plant::LostChild, "a lost child");
}

#[test]
fn a_budget_off_by_one_is_found() {
    found(Plant::BudgetOffByOne, "a budget off by one");
}

#[test]
fn a_join_released_early_is_found() {
    found(Plant::JoinReleasedEarly, "a join released early");
}

#[test]
fn a_listing_restart_that_doubles_children_is_found() {
    found(Plant::RestartDoublesChildren, "a listing restart that doubles children");
}

#[test]
fn a_reserve_never_freed_is_found() {
    found(Plant::ReserveNeverFreed, "a reserve never freed (the call of a permit given back)");
}

#[test]
fn a_retry_that_forgets_the_attempt_is_found() {
    found(Plant::RetryForgetsAttempt, "a retry that forgets the attempt");
}

#[test]
fn a_day_that_begins_anew_is_found() {
    found(Plant::DayBegunAnew, "a day whose count is lost with a tail, and begins anew");
}

#[test]
fn without_a_plant_all_these_histories_agree() {
    for seed in first()..first() + HISTORIES_MAX {
        if let Err(divergence) = play(&history(seed, Size::of(seed)), &mut || with(None)) {
            panic!("without a plant: {divergence}");
        }
    }
}
