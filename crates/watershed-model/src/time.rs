//! Instants as plain numbers: time is always an argument, never read here.

use std::fmt;
use std::ops::{Add, Sub};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Milliseconds of one day.
    pub const DAY: i64 = 86_400_000;

    /// The UTC day as days since 1970-01-01.
    pub fn day(self) -> i64 {
        self.0.div_euclid(Self::DAY)
    }

    /// The start of that day since 1970-01-01.
    pub fn of_day(day: i64) -> Millis {
        Millis(day.saturating_mul(Self::DAY))
    }

    /// The start of that UTC day; out-of-range dates are clamped.
    pub fn of_date(date: Date) -> Millis {
        let begins = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0));
        Millis::from(begins.unwrap_or(if date < Date::ZERO {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        }))
    }

    /// The start of the next UTC day.
    pub fn next_day(self) -> Millis {
        Millis((self.day() + 1) * Self::DAY)
    }

    /// The UTC day.
    pub fn date(self) -> Date {
        Offset::UTC.to_datetime(self.timestamp()).date()
    }

    /// The instant as a `jiff` timestamp; out-of-range values are clamped.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }
}

/// An RFC 3339 instant; `None` where it is none.
pub fn instant(text: &str) -> Option<Millis> {
    text.parse::<Timestamp>().ok().map(Millis::from)
}

impl From<Timestamp> for Millis {
    fn from(at: Timestamp) -> Self {
        Millis(at.as_millisecond())
    }
}

impl Add<i64> for Millis {
    type Output = Millis;

    fn add(self, ms: i64) -> Millis {
        Millis(self.0.saturating_add(ms))
    }
}

impl Sub<Millis> for Millis {
    type Output = i64;

    fn sub(self, other: Millis) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

/// RFC 3339 in UTC, as the sink stores it.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.timestamp())
    }
}
