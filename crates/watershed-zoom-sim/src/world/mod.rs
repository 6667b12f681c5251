//! The world: what the account holds, as a pure function of (seed, user, meeting, instance, …).
//!
//! Guarantees: nothing here is stored, nothing reads a clock; memory does not grow with the
//! number of users. What is *said* about these things, field by field, is in `records`.

mod files;
mod gone;
mod instances;
mod meetings;
mod names;
mod people;
mod speech;
mod stays;

pub(crate) use files::{FileKind, Recording, RecordingFile, Source, file_bytes};
pub use gone::Change;
pub(crate) use gone::{Bin, Gone};
pub(crate) use instances::Instance;
pub(crate) use meetings::{Meeting, MeetingKind};
pub(crate) use people::{Person, Profile, Status};
pub(crate) use speech::WRITTEN;
pub(crate) use stays::Stay;

use std::sync::Arc;

use crate::draw::{Draw, Purpose};
use crate::ids::{Ids, MEETINGS_MAX, USERS_MAX};
use crate::spec::Spec;
use crate::time::{DAY_S, day_of, months_before};

/// An instance is told of half an hour after its end: Zoom's own delay is not published.
pub(crate) const SETTLING_S: i64 = 1_800;

/// Everything generated, as it is at one instant.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) users: u64,
    pub(crate) ids: Ids,
    /// Midnight (UTC) of the day the account was made for.
    pub(crate) midnight_s: i64,
    pub(crate) days: i64,
    pub(crate) scale: f64,
    /// The account's present.
    pub(crate) now_s: i64,
    /// Where downloads are served: scheme, host and port.
    pub(crate) base: Arc<str>,
    pub(crate) habits: Habits,
    gone: Arc<Gone>,
    /// The size of the largest video or sound file, in KiB.
    media_kib: u64,
}

/// What Zoom's documents leave open; which of the answers an account gives, its seed decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Habits {
    /// `previous_meetings` lists series without a fixed time as well.
    pub(crate) previous_lists_open_series: bool,
    /// The participants of a one-person meeting: 404 with 3001, or an empty list.
    pub(crate) one_person_is_missing: bool,
}

impl World {
    pub(crate) fn new(spec: &Spec) -> World {
        let mut draw = Draw::of(spec.seed, Purpose::Habits, [0; 3]);
        World {
            seed: spec.seed,
            users: spec.users.min(USERS_MAX),
            ids: Ids::new(spec.seed),
            midnight_s: day_of(spec.now.as_second()) * DAY_S,
            days: i64::from(spec.days.max(1)),
            scale: spec.meetings_per_user.clamp(0.0, MEETINGS_MAX as f64),
            now_s: spec.now.as_second(),
            base: Arc::from("https://sim.zoom.invalid"),
            gone: Arc::default(),
            media_kib: spec.media_kib.max(2),
            habits: Habits {
                previous_lists_open_series: draw.chance(0.5),
                one_person_is_missing: draw.chance(0.5),
            },
        }
    }

    pub(crate) fn today(&self) -> i64 {
        day_of(self.now_s)
    }

    /// The first day from which meetings are listed: Zoom's lists reach back six months.
    pub(crate) fn listed_from_day(&self) -> i64 {
        months_before(self.today(), 6)
    }

    /// The first day of which past meetings and reports are told: a year.
    pub(crate) fn told_from_day(&self) -> i64 {
        months_before(self.today(), 12)
    }

    /// The first day from which instances and past participants are listed: 15 months.
    pub(crate) fn instances_from_day(&self) -> i64 {
        months_before(self.today(), 15)
    }
}
