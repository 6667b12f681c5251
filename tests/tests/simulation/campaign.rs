//! Histories of the day, and those that failed once.

use std::time::{Duration, Instant};

use watershed_tests::{Size, seeds, told};

use crate::history::{History, Store};
use crate::play::{Played, play, play_aloud};

/// Histories of a day that none of another day is among.
const APART: u64 = 1_000_000;
/// One history in so many is played twice.
const TWICE_EVERY: u64 = 5;
/// How long a sample goes on: as many histories as fit.
const SAMPLE: Duration = Duration::from_secs(180);
/// How often a long campaign tells how far it is.
const TELLS: Duration = Duration::from_secs(60);
/// Histories that failed once.
const KEPT: &str = include_str!("seeds.txt");

/// What is wrong with a history: what the auditor says, and coverage that is not that of the
/// same run without any fault.
pub(crate) fn wrong(history: &History, played: &Played) -> Vec<String> {
    let mut wrong = played.wrong.clone();
    let quiet = play(&history.calm(), None);
    wrong.extend(quiet.wrong.iter().map(|what| format!("a quiet run: {what}")));
    if quiet.coverage != played.coverage {
        let differs = |of: &[String], from: &[String]| {
            of.iter().find(|line| !from.contains(line)).cloned().unwrap_or_default()
        };
        wrong.push(format!(
            "coverage differs from that of a quiet run: it has {}, and not {}",
            differs(&played.coverage, &quiet.coverage),
            differs(&quiet.coverage, &played.coverage)
        ));
    }
    wrong
}

/// Insists that a history goes well.
#[track_caller]
pub(crate) fn goes_well(history: &History) -> Played {
    let played = play(history, None);
    let found = wrong(history, &played);
    if !found.is_empty() {
        let short = shortest(history);
        let at = wrong(&short, &play(&short, None));
        panic!(
            "{history}\nfails: {}\n\nthe shortest history found:\n{short}\nfails: {}\n\nonce \
             mended, its line belongs into seeds.txt: {} {}",
            found.join("\n"),
            at.join("\n"),
            name(history.store),
            history.seed
        );
    }
    played
}

/// The history with as few faults as still fail.
fn shortest(history: &History) -> History {
    let mut short = history.clone();
    if short.account_faults.is_some() {
        let calm = History { account_faults: None, ..short.clone() };
        if !wrong(&calm, &play(&calm, None)).is_empty() {
            short = calm;
        }
    }
    for point in history.faults.keys() {
        let less = short.without(*point);
        if !wrong(&less, &play(&less, None)).is_empty() {
            short = less;
        }
    }
    short
}

fn name(store: Store) -> &'static str {
    match store {
        Store::Memory => "memory",
        Store::Sqlite => "sqlite",
    }
}

/// Plays the histories of these seeds alone, and tells of each that fails; of one alone, `N` in
/// place of `A..B`, each of its acts.
fn asked_for(store: Store, seeds: &str) {
    let number = |text: &str| text.parse::<u64>().expect("a seed");
    let seeds = match seeds.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(seeds)..number(seeds) + 1,
    };
    let alone = seeds.end - seeds.start == 1;
    let mut failed = Vec::new();
    for seed in seeds {
        let history = History::of(seed, store);
        let played = if alone { play_aloud(&history) } else { play(&history, None) };
        let found = wrong(&history, &played);
        if alone {
            eprintln!("{history}\n{:?}", played.passed);
        }
        if !found.is_empty() {
            eprintln!("{}:{seed} fails: {}", name(store), found.join("\n"));
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "{} failed: {failed:?}", failed.len());
}

/// Plays so many histories of the day, or a sample of them.
fn campaign(store: Store, all: u64) {
    if let Ok(asked) = std::env::var("WATERSHED_SIMULATE") {
        if let Some(seeds) = asked.strip_prefix(name(store)).and_then(|s| s.strip_prefix(':')) {
            asked_for(store, seeds);
        }
        return;
    }
    let first = APART * seeds(1)[0];
    let time = Size::asked().of(SAMPLE, Duration::MAX);
    let begun = Instant::now();
    let (mut count, mut points, mut faults) = (0, 0, 0);
    let mut tell_at = begun + TELLS;
    while count < all && begun.elapsed() < time {
        if Instant::now() > tell_at {
            eprintln!("ledger {}: {count} of {all} histories went well", name(store));
            tell_at = Instant::now() + TELLS;
        }
        let history = History::of(first + count, store);
        let played = goes_well(&history);
        if count.is_multiple_of(TWICE_EVERY) {
            let again = play(&history, None).passed;
            assert_eq!(again.hash, played.passed.hash, "played twice it differs: {history}");
        }
        count += 1;
        points += played.passed.points;
        faults += played.passed.happened.len();
    }
    let (name, last) = (name(store), first + count - 1);
    eprintln!(
        "simulated: {count} histories, ledger {name}, seeds {first} to {last}, {faults} faults at \
         {points} points, {} s",
        begun.elapsed().as_secs()
    );
    told(
        "WATERSHED_MEASURED",
        &format!(
            "| simulated histories, ledger {name}: seeds {first} to {last}, {faults} faults | \
             {count} | 0 failures | 0 |"
        ),
    );
}

#[test]
fn each_history_of_the_day_goes_well_in_memory() {
    campaign(Store::Memory, 10_000);
}

#[test]
fn each_history_of_the_day_goes_well_on_sqlite() {
    campaign(Store::Sqlite, 2_000);
}

#[test]
fn histories_that_failed_once_go_well() {
    for line in KEPT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (store, seed) = line.split_once(' ').expect("a ledger and a seed");
        let store = if store == "sqlite" { Store::Sqlite } else { Store::Memory };
        let seed = seed.split(' ').next().unwrap_or_default();
        goes_well(&History::of(seed.parse().expect("a seed"), store));
    }
}

#[test]
fn a_seed_played_twice_passes_the_same_points() {
    for store in [Store::Memory, Store::Sqlite] {
        let history = History::of(seeds(1)[0], store);
        let [first, second] = [(); 2].map(|()| play(&history, None).passed);
        assert_eq!((first.hash, first.points), (second.hash, second.points), "{history}");
        let other = play(&History::of(seeds(1)[0] + 1, store), None).passed;
        assert_ne!(first.hash, other.hash, "the hash tells nothing");
    }
}
