//! Moments at which to strike.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::child::Running;
use crate::phases::{Phase, Watch};

/// How often a file is looked at: well below the time of one transaction.
const LOOK: Duration = Duration::from_micros(300);
/// How often a trace is looked at: some phases are over in less than a millisecond.
const LOOK_AT_TRACE: Duration = Duration::from_micros(20);

/// When to strike a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So long after its start.
    After(Duration),
    /// At once when this many writes to the log of the dataset were seen.
    DatasetWrites(u32),
    /// At once when this many writes to the log of the state were seen.
    StateWrites(u32),
    /// At once when its trace has told so often that a task has come to the phase.
    Phase(Phase, u32),
}

impl Moment {
    /// Moments without end, made from a seed: a third each of the three kinds.
    pub fn chosen(seed: u64, within: Duration, writes_max: u32) -> impl Iterator<Item = Moment> {
        let mut chance = StdRng::seed_from_u64(seed);
        std::iter::from_fn(move || {
            Some(match chance.random_range(0..3) {
                0 => Moment::After(within.mul_f64(chance.random_range(0.02..1.0))),
                1 => Moment::DatasetWrites(chance.random_range(1..=writes_max)),
                _ => Moment::StateWrites(chance.random_range(1..=writes_max)),
            })
        })
    }

    /// Moments without end, made from a seed: each phase in turn, then one of [`Moment::chosen`].
    pub fn phased(
        seed: u64,
        within: Duration,
        writes_max: u32,
        events_max: u32,
    ) -> impl Iterator<Item = Moment> {
        let mut chance = StdRng::seed_from_u64(!seed);
        let mut others = Moment::chosen(seed, within, writes_max);
        let aims = Phase::ALL.map(Some).into_iter().chain([None]).cycle();
        // Each seed begins elsewhere: a run that is over early leaves out others.
        let skipped = chance.random_range(0..=Phase::ALL.len());
        aims.skip(skipped).map_while(move |aim| match aim {
            Some(phase) => Some(Moment::Phase(phase, chance.random_range(1..=events_max))),
            None => others.next(),
        })
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Moment::After(time) => write!(f, "{} ms after the start", time.as_millis()),
            Moment::DatasetWrites(writes) => write!(f, "write {writes} to the dataset"),
            Moment::StateWrites(writes) => write!(f, "write {writes} to the state"),
            Moment::Phase(phase, events) => write!(f, "\"{}\" {events}", phase.name()),
        }
    }
}

/// Waits for the moment; whether the process still runs then. `within` bounds the wait.
pub fn at(moment: Moment, process: &mut Running, data: &Path, within: Duration) -> bool {
    let (file, writes) = match moment {
        Moment::After(time) => return !process.ends_within(time),
        Moment::DatasetWrites(writes) => (data.join("zoom.db-wal"), writes),
        Moment::StateWrites(writes) => (data.join("state.db-wal"), writes),
        Moment::Phase(phase, events) => return at_phase(phase, events, process, within),
    };
    let until = Instant::now() + within;
    let mut seen = look(&file);
    let mut changes = 0;
    while changes < writes {
        if process.ends_within(LOOK) {
            return false;
        }
        if Instant::now() > until {
            break;
        }
        let now = look(&file);
        if now != seen {
            seen = now;
            changes += 1;
        }
    }
    true
}

fn at_phase(phase: Phase, events: u32, process: &mut Running, within: Duration) -> bool {
    let until = Instant::now() + within;
    let mut watch = Watch::new(process.log(), phase).expect("its log can be read");
    while watch.seen().expect("its log can be read") < events && Instant::now() < until {
        if process.ends_within(LOOK_AT_TRACE) {
            return false;
        }
    }
    true
}

fn look(file: &PathBuf) -> Option<(u64, SystemTime)> {
    let about = std::fs::metadata(file).ok()?;
    Some((about.len(), about.modified().ok()?))
}
