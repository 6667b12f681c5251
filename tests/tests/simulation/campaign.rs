//! Histories of the day, and those that failed once.

use std::ops::Range;
use std::time::{Duration, Instant};

use watershed_tests::{Size, seeds, told};

use crate::history::{History, Store};
use crate::play::{Played, play, play_aloud};

/// Histories of a day that none of another day is among.
const APART: u64 = 1_000_000;
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
            "{history}\nfails: {}\n\nthe shortest history found:\n{short}\nfails: {}\n\n{}",
            found.join("\n"),
            at.join("\n"),
            kept_as(history)
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

/// How a history that failed is to be played again once it is mended.
fn kept_as(history: &History) -> String {
    let History { seed, store, .. } = history;
    match *history == History::of(*seed, *store) {
        true => format!("once mended, its line belongs into seeds.txt: {} {seed}", name(*store)),
        false => "it is of no seed: what is told above is all of it".to_owned(),
    }
}

fn name(store: Store) -> &'static str {
    match store {
        Store::Memory => "memory",
        Store::Sqlite => "sqlite",
    }
}

/// Plays one history alone, and tells each of its acts.
fn alone(store: Store, seed: u64) {
    let history = History::of(seed, store);
    let played = play_aloud(&history);
    let found = wrong(&history, &played);
    eprintln!("{history}\n{:?}", played.passed);
    assert!(found.is_empty(), "{}:{seed} fails: {}", name(store), found.join("\n"));
}

/// Plays so many histories of the day, or a sample of them; or those that were asked for, `N` or
/// `A..B`.
fn campaign(store: Store, all: u64) {
    let first = APART * seeds(1)[0];
    let time = Size::asked().of(SAMPLE, Duration::MAX);
    let Ok(asked) = std::env::var("WATERSHED_SIMULATE") else {
        return play_all(store, first..first + all, time);
    };
    let number = |text: &str| text.parse::<u64>().expect("a seed");
    let seeds = asked.strip_prefix(name(store)).and_then(|seeds| seeds.strip_prefix(':'));
    match seeds.map(|seeds| (seeds, seeds.split_once(".."))) {
        Some((_, Some((from, to)))) => play_all(store, number(from)..number(to), Duration::MAX),
        Some((seed, None)) => alone(store, number(seed)),
        None => {}
    }
}

/// Plays histories of these seeds, each of them twice, until the time is over.
fn play_all(store: Store, seeds: Range<u64>, time: Duration) {
    let begun = Instant::now();
    let (all, mut count, mut points, mut faults) = (seeds.end - seeds.start, 0, 0, 0);
    let mut tell_at = begun + TELLS;
    for seed in seeds.clone() {
        if begun.elapsed() >= time {
            break;
        }
        if Instant::now() > tell_at {
            let name = name(store);
            eprintln!("ledger {name}: {count} of {all} histories went well, next is {seed}");
            tell_at = Instant::now() + TELLS;
        }
        let history = History::of(seed, store);
        let played = goes_well(&history);
        let again = play(&history, None);
        assert_eq!(again.passed.hash, played.passed.hash, "played twice it differs: {history}");
        assert_eq!(again.coverage, played.coverage, "played twice it ends otherwise: {history}");
        count += 1;
        points += played.passed.points + played.passed.beside;
        faults += played.passed.happened.len();
    }
    let (name, first) = (name(store), seeds.start);
    let last = first + count - 1;
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
