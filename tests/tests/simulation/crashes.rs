//! A small run with a crash at each of its points, one after another.

use std::collections::BTreeMap;

use watershed_rehearsal::Draws;
use watershed_tests::{Size, seeds, told};

use crate::campaign::goes_well;
use crate::history::{Fault, History, Store};
use crate::play::play;

/// Of a sample, one point in so many; which ones, the day says.
const SAMPLE_EVERY: u64 = 40;
/// Pairs of points.
const PAIRS: u64 = 500;
const PAIRS_SAMPLE: u64 = 5;

/// One process, and two people who hold little.
fn small() -> History {
    History { workers: 1, users: 2, ..History::quiet(11, Store::Memory) }
}

#[test]
fn a_crash_at_any_point_loses_nothing() {
    let whole = play(&small(), None);
    assert_eq!(whole.wrong, [""; 0]);
    let all: Vec<u64> = whole.passed.all().collect();
    let points = all.len();
    let day = seeds(1)[0];
    let every = Size::asked().of(SAMPLE_EVERY, 1);
    let firsts: Vec<u64> = whole.passed.places.values().map(|(_, first)| *first).collect();
    let wanted = |point: &u64| (point + day).is_multiple_of(every) || firsts.contains(point);
    let mut visited: BTreeMap<&str, u64> = BTreeMap::new();
    let mut count = 0;
    for point in all.iter().copied().filter(wanted) {
        let history = History { faults: [(point, Fault::Crash)].into(), ..small() };
        let played = goes_well(&history);
        for (at, place, _) in played.passed.happened {
            assert_eq!(at, point);
            *visited.entry(place).or_default() += 1;
            count += 1;
        }
    }
    for (place, (passed, _)) in &whole.passed.places {
        let crashes = visited.get(place).copied().unwrap_or(0);
        eprintln!("crash points: {place}: {crashes} of {passed}");
        assert!(crashes > 0, "no crash {place}");
    }
    if every == 1 {
        assert_eq!(count, points, "each point is visited");
    }
    let pairs = Size::asked().of(PAIRS_SAMPLE, PAIRS);
    let mut draw = Draws(day);
    let mut drawn = || all[usize::try_from(draw.below(points as u64)).expect("a place in a list")];
    for _ in 0..pairs {
        let first = drawn();
        let second = std::iter::repeat_with(&mut drawn).find(|point| *point != first);
        let two = [Some(first), second].into_iter().flatten().map(|point| (point, Fault::Crash));
        let played = goes_well(&History { faults: two.collect(), ..small() });
        assert_eq!(played.passed.happened.len(), 2, "a pair of crashes is two");
    }
    eprintln!("crash points: {count} of {points}, and {pairs} pairs");
    told(
        "WATERSHED_MEASURED",
        &format!(
            "| a crash at each of {points} points of a small run, and {pairs} pairs | {count} | 0 \
             failures | 0 |"
        ),
    );
}
