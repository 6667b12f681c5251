//! Moments at which to strike.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::child::Running;

/// How often a file is looked at: well below the time of one transaction.
const LOOK: Duration = Duration::from_micros(300);

/// When to strike a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So long after its start.
    After(Duration),
    /// At once when this many writes to the log of the dataset were seen.
    DatasetWrites(u32),
    /// At once when this many writes to the log of the state were seen.
    StateWrites(u32),
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
}

/// Waits for the moment; whether the process still runs then. `within` bounds the wait.
pub fn at(moment: Moment, process: &mut Running, data: &Path, within: Duration) -> bool {
    let (file, writes) = match moment {
        Moment::After(time) => return !process.ends_within(time),
        Moment::DatasetWrites(writes) => (data.join("zoom.db-wal"), writes),
        Moment::StateWrites(writes) => (data.join("state.db-wal"), writes),
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

fn look(file: &PathBuf) -> Option<(u64, SystemTime)> {
    let about = std::fs::metadata(file).ok()?;
    Some((about.len(), about.modified().ok()?))
}
