//! Meetings: what users schedule, start on the spot, or only recordings know of.
//!
//! A meeting is one record however often it is listed: the rows of a series' occurrences are
//! equal, and so are the rows of two lists that both hold it.

use super::World;
use super::names::{ODD, TIMEZONES, TOPICS};
use super::people::{Profile, Showcase};
use crate::draw::{Draw, Purpose};
use crate::ids::{InstanceAt, MEETINGS_MAX, MeetingAt, UuidShape};
use crate::time::{DAY_S, HOUR_S, day_of};

/// Days ahead of today that have meetings.
const AHEAD_DAYS: i64 = 14;
/// A meeting id lapses so many days after the last use.
const LAPSE_DAYS: i64 = 30;

/// Zoom's number for what a meeting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MeetingKind {
    Instant,
    Scheduled,
    /// Recurring without a fixed time.
    OpenSeries,
    /// Recurring with a fixed time.
    Series,
    /// A webinar, of type 5, 6 or 9.
    Webinar(u8),
    /// An uploaded recording.
    Upload,
}

impl MeetingKind {
    pub(crate) fn code(self) -> u8 {
        match self {
            MeetingKind::Instant => 1,
            MeetingKind::Scheduled => 2,
            MeetingKind::OpenSeries => 3,
            MeetingKind::Series => 8,
            MeetingKind::Webinar(code) => code,
            MeetingKind::Upload => 99,
        }
    }

    /// Whether meetings lists may hold it.
    pub(crate) fn is_listed(self) -> bool {
        use MeetingKind::{OpenSeries, Scheduled, Series};
        matches!(self, Scheduled | OpenSeries | Series)
    }

    /// Whether past meetings and reports know it; webinars and uploads they do not.
    pub(crate) fn is_meeting(self) -> bool {
        !matches!(self, MeetingKind::Webinar(_) | MeetingKind::Upload)
    }
}

/// A meeting, with the times it was set for and the times it was held.
#[derive(Clone, Debug)]
pub(crate) struct Meeting {
    pub(crate) at: MeetingAt,
    pub(crate) number: i64,
    pub(crate) kind: MeetingKind,
    pub(crate) showcase: Option<Showcase>,
    pub(crate) topic: String,
    pub(crate) timezone: &'static str,
    pub(crate) duration_min: i64,
    pub(crate) created_s: i64,
    /// When it was set to begin, occurrence by occurrence; empty where no time is set.
    pub(crate) occurrences_s: Vec<i64>,
    /// When it was, or will be, held: start and end, in order of time.
    pub(crate) held_s: Vec<(i64, i64)>,
    pub(crate) uses_pmi: bool,
}

impl Meeting {
    /// Whether the id still leads somewhere: it lapses a month after the last use.
    pub(crate) fn is_alive(&self, now_s: i64) -> bool {
        let lapsed =
            |last_s: Option<&i64>| last_s.is_none_or(|last| last + LAPSE_DAYS * DAY_S < now_s);
        match self.kind {
            MeetingKind::OpenSeries => true,
            MeetingKind::Scheduled | MeetingKind::Series => !lapsed(self.occurrences_s.last()),
            _ => false,
        }
    }

    /// How many rows `previous_meetings` has of it, between two days (both inclusive).
    pub(crate) fn previous_rows(&self, world: &World, from_day: i64, to_day: i64) -> usize {
        if !world.has_meeting(self.at) {
            return 0;
        }
        let from_day = from_day.max(world.listed_from_day());
        let inside = |start: &i64| (from_day..=to_day).contains(&day_of(*start));
        match self.kind {
            MeetingKind::Scheduled | MeetingKind::Series => self
                .occurrences_s
                .iter()
                .filter(|start| **start + self.duration_min * 60 < world.now_s && inside(start))
                .count(),
            MeetingKind::OpenSeries if world.habits.previous_lists_open_series => {
                let held = self.held_s.iter().filter(|(_, end)| *end < world.now_s);
                usize::from(held.clone().any(|(start, _)| inside(start)))
            }
            _ => 0,
        }
    }

    /// Whether `scheduled` lists it.
    pub(crate) fn is_scheduled(&self, world: &World) -> bool {
        self.kind.is_listed() && self.is_alive(world.now_s) && world.has_meeting(self.at)
    }
}

impl World {
    /// How many meetings the user has, listed or not.
    pub(crate) fn meeting_count(&self, user: u64) -> u64 {
        let hosts = matches!(self.profile(user), Profile::Host(_) | Profile::Inactive);
        if !hosts || !self.has_user(user) {
            return 0;
        }
        let mut draw = Draw::of(self.seed, Purpose::MeetingCount, [user, 0, 0]);
        let count = draw.between(5, 15).min(draw.between(5, 15));
        ((count as f64 * self.scale).round() as u64).clamp(2, MEETINGS_MAX)
    }

    pub(crate) fn meetings(&self, user: u64) -> impl Iterator<Item = Meeting> + '_ {
        (0..self.meeting_count(user)).map(move |meeting| self.meeting(MeetingAt { user, meeting }))
    }

    /// The meeting of a number, if there is one.
    pub(crate) fn find_meeting(&self, number: i64) -> Option<Meeting> {
        let at = self.ids.open_meeting(number)?;
        let is_there = at.user < self.users
            && at.meeting < self.meeting_count(at.user)
            && self.has_meeting(at);
        is_there.then(|| self.meeting(at))
    }

    /// The UUID of an instance; the one after the last held is the coming one's.
    pub(crate) fn uuid(&self, meeting: &Meeting, instance: u64) -> String {
        let shape = match meeting.showcase {
            Some(Showcase::LeadingSlash) => UuidShape::LeadingSlash,
            Some(Showcase::DoubleSlash) => UuidShape::DoubleSlash,
            _ => UuidShape::Any,
        };
        self.ids.instance(InstanceAt { of: meeting.at, instance }, shape)
    }

    pub(crate) fn meeting(&self, at: MeetingAt) -> Meeting {
        let mut draw = Draw::of(self.seed, Purpose::Meeting, [at.user, at.meeting, 0]);
        let showcase = match self.profile(at.user) {
            Profile::Host(showcase) if at.meeting == 0 => Some(showcase),
            Profile::Host(Showcase::Webinars) if at.meeting == 1 => Some(Showcase::Webinars),
            _ => None,
        };
        let kind = kind(&mut draw, showcase, at.meeting);
        let duration_min = draw.pick(&[30, 30, 45, 60, 60, 90]);
        let mut meeting = Meeting {
            at,
            number: self.ids.meeting(at),
            kind,
            showcase,
            topic: draw.pick(&TOPICS).to_owned(),
            timezone: draw.pick(&TIMEZONES),
            duration_min,
            created_s: 0,
            occurrences_s: Vec::new(),
            held_s: Vec::new(),
            uses_pmi: kind == MeetingKind::Scheduled && draw.chance(0.05),
        };
        if showcase == Some(Showcase::OddText) || draw.chance(0.05) {
            meeting.topic = format!("{} {}", meeting.topic, draw.pick(&ODD));
        }
        self.place_in_time(&mut meeting, &mut draw);
        let first_s = meeting.occurrences_s.first().or(meeting.held_s.first().map(|h| &h.0));
        let first_s = first_s.copied().unwrap_or(self.midnight_s);
        meeting.created_s = first_s - draw.between(1, 20) * DAY_S - draw.between(0, 5_000);
        meeting
    }

    fn place_in_time(&self, meeting: &mut Meeting, draw: &mut Draw) {
        match meeting.kind {
            MeetingKind::Scheduled => {
                let set_s = self.set_for(meeting.showcase, draw);
                meeting.occurrences_s.push(set_s);
                let times = match meeting.showcase {
                    Some(Showcase::NeverHeld) => 0,
                    Some(Showcase::HeldTwice) => 2,
                    Some(_) => 1,
                    None => draw.pick(&[0, 1, 1, 1, 1, 1, 1, 1, 1, 2]),
                };
                let mut start_s = set_s + draw.between(-240, 600);
                for _ in 0..times {
                    let held = held(start_s, meeting.duration_min, draw);
                    meeting.held_s.push(held);
                    start_s = held.1 + draw.between(120, 1_500);
                }
            }
            MeetingKind::Series => {
                let spacing = draw.pick(&[1, 7, 7, 14]);
                let times = draw.between(2, 5);
                let last_day = if meeting.showcase.is_some() { -1 - spacing * 4 } else { 7 };
                let first_day = draw.between(-self.days, last_day.max(-self.days));
                let hour_s = draw.between(7, 18) * HOUR_S;
                for time in 0..times {
                    let set_s = self.midnight_s + (first_day + time * spacing) * DAY_S + hour_s;
                    meeting.occurrences_s.push(set_s);
                    if meeting.showcase.is_some() || draw.chance(0.9) {
                        let start_s = set_s + draw.between(-240, 600);
                        meeting.held_s.push(held(start_s, meeting.duration_min, draw));
                    }
                }
            }
            MeetingKind::OpenSeries => {
                let times = draw.between(2, 4);
                let mut days: Vec<i64> = (0..times).map(|_| draw.between(-self.days, -1)).collect();
                days.sort_unstable();
                days.dedup();
                for day in days {
                    let start_s = self.midnight_s + day * DAY_S + draw.between(7, 18) * HOUR_S;
                    meeting.held_s.push(held(start_s + draw.between(0, 900), 45, draw));
                }
            }
            MeetingKind::Instant | MeetingKind::Webinar(_) | MeetingKind::Upload => {
                let day = draw.between(-self.days, -1);
                let start_s = self.midnight_s + day * DAY_S + draw.between(7, 20) * HOUR_S;
                let start_s = start_s + draw.between(0, 3_000);
                meeting.held_s.push(held(start_s, meeting.duration_min, draw));
            }
        }
    }

    /// The instant a single meeting is set for; what is to show something lies in the past.
    fn set_for(&self, showcase: Option<Showcase>, draw: &mut Draw) -> i64 {
        let (first, last) = match showcase {
            Some(Showcase::Yesterday) => (-1, -1),
            Some(_) => (-self.days, -1),
            None => (-self.days, AHEAD_DAYS),
        };
        let day = draw.between(first, last);
        let quarter_s = draw.between(0, 3) * 900;
        self.midnight_s + day * DAY_S + draw.between(7, 18) * HOUR_S + quarter_s
    }
}

/// Start and end of a meeting that took about as long as it was set for.
fn held(start_s: i64, duration_min: i64, draw: &mut Draw) -> (i64, i64) {
    let took_s = duration_min * 60 * draw.between(50, 120) / 100;
    (start_s, start_s + took_s + draw.between(0, 59))
}

fn kind(draw: &mut Draw, showcase: Option<Showcase>, meeting: u64) -> MeetingKind {
    let by_chance = match draw.below(100) {
        0..54 => MeetingKind::Scheduled,
        54..69 => MeetingKind::Series,
        69..77 => MeetingKind::OpenSeries,
        77..94 => MeetingKind::Instant,
        94..98 => MeetingKind::Webinar(draw.pick(&[5, 6, 9])),
        _ => MeetingKind::Upload,
    };
    match showcase {
        None | Some(Showcase::Nothing) => by_chance,
        Some(Showcase::Series) => MeetingKind::Series,
        Some(Showcase::OpenSeries) => MeetingKind::OpenSeries,
        Some(Showcase::Instant) => MeetingKind::Instant,
        Some(Showcase::Webinars) => MeetingKind::Webinar(if meeting == 0 { 5 } else { 9 }),
        Some(Showcase::Upload) => MeetingKind::Upload,
        Some(_) => MeetingKind::Scheduled,
    }
}
