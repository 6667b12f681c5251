//! Cron fields on the clocks of a zone, as instants.
//!
//! Where the hours are fixed (no `*` in their field), a time is meant by the clock: one that the
//! clock leaps over runs at the end of the leap, and one that it shows twice runs the first time.
//! Where every hour or every so many is meant, ticks come in even distances: what the clock leaps
//! over does not exist, and an hour that is shown twice has its ticks twice.
//!
//! Ticks of a range are a set that is worked out whole, so what is asked in two parts is the same
//! as what is asked at once.

use std::cmp::Ordering;

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, ToSpan};
use watershed_model::Millis;

/// No clock leaps further: Samoa left out a day when it changed sides of the date line.
const LEAP: SignedDuration = SignedDuration::from_hours(25);
/// From one 29 February to the next there are eight years at most.
const YEARS_MAX: i64 = 9;

/// Cron fields in a zone.
#[derive(Debug, Clone)]
pub(crate) struct Wall {
    cron: Cron,
    zone: TimeZone,
    /// Whether its hours are fixed.
    by_the_clock: bool,
}

/// Why text is no cron expression.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WrongCron {
    /// It has so many fields, not five.
    Fields(usize),
    /// What is wrong with one of them.
    Field(String),
    /// There is no such day.
    Never,
}

/// Reads five fields; the text with one blank between them.
pub(crate) fn parse_cron(text: &str) -> Result<(String, Cron), WrongCron> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        return Err(WrongCron::Fields(fields.len()));
    }
    let fields = fields.join(" ");
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(&fields).map_err(|error| WrongCron::Field(told(error)))?;
    let start = Clock(DateTime::constant(2000, 1, 1, 0, 0, 0, 0));
    match cron.find_next_occurrence(&start, true) {
        Ok(_) => Ok((fields, cron)),
        Err(_) => Err(WrongCron::Never),
    }
}

/// What the parser says, without its own preface.
fn told(error: CronError) -> String {
    let text = match error {
        CronError::InvalidPattern(text)
        | CronError::IllegalCharacters(text)
        | CronError::ComponentError(text) => text,
        other => other.to_string(),
    };
    text.trim_end_matches('.').to_owned()
}

impl Wall {
    /// The fields as [`parse_cron`] gave them, in this zone.
    pub(crate) fn new(fields: &str, cron: Cron, zone: TimeZone) -> Wall {
        let hours = fields.split(' ').nth(1).unwrap_or_default();
        Wall { cron, zone, by_the_clock: !hours.contains('*') }
    }

    /// The first tick after `after`.
    pub(crate) fn next(&self, after: Millis) -> Option<Millis> {
        // Far ahead only where there is nothing near.
        [2, 400, YEARS_MAX * 366]
            .into_iter()
            .find_map(|days| self.between(after, after + days * Millis::DAY).into_iter().next())
    }

    /// Whether this instant is a tick.
    pub(crate) fn has(&self, at: Millis) -> bool {
        self.between(at + -1, at) == [at]
    }

    /// The ticks after `after` and up to `until`, in their order.
    pub(crate) fn between(&self, after: Millis, until: Millis) -> Vec<Millis> {
        let (Ok(mut clock), Ok(end)) =
            (self.shown(after).checked_sub(LEAP), self.shown(until).checked_add(LEAP))
        else {
            return Vec::new();
        };
        let mut ticks = Vec::new();
        while let Ok(Clock(next)) = self.cron.find_next_occurrence(&Clock(clock), false) {
            if next > end {
                break;
            }
            ticks.extend(self.instants(next).into_iter().flatten());
            clock = next;
        }
        ticks.retain(|tick| after < *tick && *tick <= until);
        ticks.sort_unstable();
        ticks.dedup();
        ticks
    }

    /// An instant with its offset and zone.
    pub(crate) fn local(&self, at: Millis) -> String {
        at.timestamp().to_zoned_datetime(self.zone.clone()).to_string()
    }

    /// Whether the clocks of the zone show a time of the fields.
    #[cfg(test)]
    pub(super) fn shows(&self, at: Millis) -> bool {
        self.cron.is_time_matching(&Clock(self.shown(at))).unwrap_or(false)
    }

    fn shown(&self, at: Millis) -> DateTime {
        self.zone.to_datetime(at.timestamp())
    }

    /// When a clock of the zone shows this time, as far as it is a tick then.
    fn instants(&self, shown: DateTime) -> [Option<Millis>; 2] {
        let at = self.zone.to_ambiguous_timestamp(shown);
        match at.offset() {
            AmbiguousOffset::Unambiguous { .. } => [at.compatible().ok().map(Millis::from), None],
            AmbiguousOffset::Gap { .. } if self.by_the_clock => {
                // The instant of the leap: the last one before what follows it.
                let leap = at.earlier().ok().and_then(|before| self.zone.following(before).next());
                [leap.map(|leap| Millis::from(leap.timestamp())), None]
            }
            AmbiguousOffset::Gap { .. } => [None, None],
            AmbiguousOffset::Fold { .. } => {
                let second = if self.by_the_clock { None } else { at.later().ok() };
                [at.earlier().ok().map(Millis::from), second.map(Millis::from)]
            }
        }
    }
}

/// What a clock shows, for the search.
#[derive(Debug, Clone)]
struct Clock(DateTime);

impl CronDateTime for Clock {
    fn to_civil(&self) -> CivilDateTime {
        let part = |n: i8| u32::try_from(n).unwrap_or_default();
        let (date, time) = (self.0.date(), self.0.time());
        let date =
            CivilDate::from_ymd_opt(i32::from(date.year()), part(date.month()), part(date.day()));
        let time =
            CivilTime::from_hms_opt(part(time.hour()), part(time.minute()), part(time.second()));
        CivilDateTime::new(
            date.expect("the days of both calendars are the same"),
            time.expect("the times of both are the same"),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let from_sunday = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::try_from(from_sunday).unwrap_or_default())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |n: u32| i8::try_from(n).map_err(|_| CronError::InvalidDate);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute, second) =
            (part(civil.hour())?, part(civil.minute())?, part(civil.second())?);
        DateTime::new(year, month, day, hour, minute, second, 0)
            .map(|shown| Resolution::Single(Clock(shown)))
            .map_err(|_| CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(seconds.seconds()).ok().map(Clock)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
