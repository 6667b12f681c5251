//! Schedules: when a workflow is due, and what becomes of what was missed.
//!
//! Pure: instants are arguments. The zones are those that are built into this program, so any
//! number of schedulers of one version agree on every tick, whatever machine they run on.
//! Next: `watershed-engine`, where ticks become runs.

mod due;
mod wall;

use std::collections::BTreeMap;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use watershed_model::{Millis, hash64};

pub use due::{Due, Fate, GRACE_MS, due};

pub(crate) use wall::{Wall, WrongCron, parse_cron};

/// What becomes of ticks that nobody was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missed {
    /// The latest of them starts a run.
    RunOnce,
    /// Each of them starts a run.
    RunAll,
    /// None of them starts a run.
    Skip,
}

/// What becomes of a tick while the run before it has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overlap {
    /// It starts no run.
    Skip,
    /// Its run starts once that one has ended.
    Queue,
    /// That one is cancelled.
    CancelPrevious,
}

/// An entry of `schedule:`, ready to be asked when it is due.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Five fields, one blank between them.
    pub cron: String,
    /// The name of the time zone.
    pub timezone: String,
    /// What becomes of ticks that nobody was there for.
    pub missed: Missed,
    /// What becomes of a tick while the run before it has not ended.
    pub overlap: Overlap,
    /// Inputs of the runs that it starts; the others have their defaults.
    pub inputs: BTreeMap<String, String>,
    /// Its ticks start so much later at most.
    pub jitter_ms: i64,
    pub(crate) wall: Wall,
    /// Entries above it in the file: an instant that one of them has is that one's.
    pub(crate) above: Vec<Wall>,
}

impl Schedule {
    /// What it is known by: a schedule that is due at other times is another one.
    pub fn key(&self) -> String {
        format!("{} {}", self.cron, self.timezone)
    }

    /// Its first tick after `after`.
    pub fn next(&self, after: Millis) -> Option<Millis> {
        let mut after = after;
        loop {
            let next = self.wall.next(after)?;
            if !self.above.iter().any(|wall| wall.has(next)) {
                return Some(next);
            }
            after = next;
        }
    }

    /// Its ticks after `after` and up to `until`, in their order.
    pub fn between(&self, after: Millis, until: Millis) -> Vec<Millis> {
        let mut ticks = self.wall.between(after, until);
        for wall in &self.above {
            let theirs = wall.between(after, until);
            ticks.retain(|tick| theirs.binary_search(tick).is_err());
        }
        ticks
    }

    /// How much later the ticks of this workflow and connection start: always the same, so that
    /// their order stays, and another for each connection, so that they do not start at once.
    pub fn delay_ms(&self, workflow: &str, connection: &str) -> i64 {
        let drawn = hash64(&[workflow.as_bytes(), connection.as_bytes(), self.key().as_bytes()]);
        let most = self.jitter_ms.max(0).cast_unsigned();
        drawn.checked_rem(most).map_or(0, |ms| i64::try_from(ms).unwrap_or(0))
    }

    /// An instant by the clocks of its zone: `2026-11-30T02:00:00+01:00[Europe/Berlin]`.
    pub fn local(&self, at: Millis) -> String {
        self.wall.local(at)
    }
}

/// The zone of that name.
pub fn zone(name: &str) -> Option<TimeZone> {
    // Only as it is written in the database: `europe/berlin` would be another key.
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    (zone.iana_name() == Some(name)).then_some(zone)
}

/// The names of all zones.
pub(crate) fn zone_names() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests;
