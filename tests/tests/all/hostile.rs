//! A hostile account: each behaviour on each kind of operation that it can be done to, one run of
//! the shipped backfill for each pair. It ends; what was not touched is complete; what was touched
//! is complete, taken for data, or named.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use watershed_tests::{Behaviour, Kind, Leaves, Size, behaviours, seeds, told};

use crate::ground::measured;

mod judge;
mod play;

use judge::Came;
pub(crate) use play::hostile_home;
use play::{Ground, play};

/// Pairs at once: most of a run is waiting.
const AT_ONCE: usize = 8;
/// The same of those that do nothing but wait.
const SLOW_AT_ONCE: usize = 24;
/// Pairs that are played each day.
const SAMPLE: usize = 16;

type Pair = (Behaviour, Kind);

#[test]
fn whatever_an_account_answers_a_run_ends_and_the_rest_is_complete() {
    let size = Size::asked();
    let seed = seeds(1)[0];
    let ground = Ground::new(seed);
    let all = pairs();
    let count = all.len();
    let (slow, quick): (Vec<Pair>, Vec<Pair>) = all.into_iter().partition(is_slow);
    let (slow, quick) = match wanted() {
        Some(name) => {
            let is = |(b, kind): &Pair| format!("{} · {}", b.name, kind.name()).contains(&name);
            (slow.into_iter().filter(is).collect(), quick.into_iter().filter(is).collect())
        }
        None => (
            drawn(slow, size.of(2, usize::MAX), seed),
            drawn(quick, size.of(SAMPLE, usize::MAX), seed),
        ),
    };
    let began = Instant::now();
    let came = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        scope.spawn(|| played(&slow, SLOW_AT_ONCE, &ground, &came));
        played(&quick, AT_ONCE, &ground, &came);
    });
    let came = came.into_inner().expect("no player broke");
    tell(&came);
    let wrong: Vec<&String> = came.values().flat_map(|came: &Came| &came.wrong).collect();
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.iter().map(|w| format!("{w}\n")).collect::<String>()
    );
    let peak = came.values().map(|came| came.peak).max().unwrap_or(0) / 1_000_000;
    measured(
        "a hostile account",
        &format!("{} of {count} pairs of behaviour and operation", came.len()),
        &format!(
            "each ends as it must; the rest of the account complete; at most {peak} MB of memory; \
             {} min",
            began.elapsed().as_secs() / 60
        ),
        "0 wrong; 256 MB",
    );
}

/// Whether it mostly waits: a token that does not come is asked for again for half a minute.
fn is_slow((behaviour, kind): &Pair) -> bool {
    behaviour.slow
        || (*kind == Kind::Token && !matches!(behaviour.leaves, Leaves::Whole | Leaves::Taken))
}

/// Every behaviour with every kind that it can be done to.
fn pairs() -> Vec<Pair> {
    let with = |b: Behaviour| b.on.iter().map(move |kind| (b, *kind));
    behaviours().into_iter().flat_map(with).collect()
}

/// `WATERSHED_HOSTILE_PAIRS`: those alone whose `behaviour · kind` holds it.
fn wanted() -> Option<String> {
    std::env::var("WATERSHED_HOSTILE_PAIRS").ok()
}

fn drawn(mut pairs: Vec<Pair>, count: usize, seed: u64) -> Vec<Pair> {
    pairs.shuffle(&mut StdRng::seed_from_u64(seed));
    pairs.truncate(count);
    pairs
}

type Table = BTreeMap<(&'static str, Kind), Came>;

fn played(pairs: &[Pair], at_once: usize, ground: &Ground, came: &Mutex<Table>) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(pairs.len()) {
            scope.spawn(|| {
                while let Some((behaviour, kind)) =
                    pairs.get(next.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
                {
                    let began = Instant::now();
                    let of = play(*behaviour, *kind, ground);
                    let took = Duration::from_millis(began.elapsed().as_millis() as u64);
                    eprintln!(
                        "{} · {}: {} ({took:?}, {} MB){}",
                        behaviour.name,
                        kind.name(),
                        of.end,
                        of.peak / 1_000_000,
                        if of.wrong.is_empty() { "" } else { " WRONG" }
                    );
                    of.wrong.iter().for_each(|wrong| eprintln!("  {wrong}"));
                    came.lock().expect("no player broke").insert((behaviour.name, *kind), of);
                }
            });
        }
    });
}

/// The table of the page, a line for each behaviour that was played on all its kinds.
fn tell(came: &Table) {
    for behaviour in behaviours() {
        let of = |kind: &Kind| came.get(&(behaviour.name, *kind));
        if !behaviour.on.iter().all(|kind| of(kind).is_some()) {
            continue;
        }
        let cells = Kind::ALL.iter().map(|kind| of(kind).map_or("", |came| &came.end));
        let cells: Vec<&str> = cells.collect();
        told("WATERSHED_HOSTILE", &format!("| {} | {} |", behaviour.name, cells.join(" | ")));
    }
}
