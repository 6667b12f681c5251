//! Instants, days and JSON on the wire: their binary forms, as PostgreSQL documents them.

use bytes::{BufMut, BytesMut};
use jiff::Timestamp;
use jiff::civil::Date;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};
use watershed_model::Millis;

type Failed = Box<dyn std::error::Error + Sync + Send>;

/// 2000-01-01T00:00:00Z, where PostgreSQL begins to count.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// 2000-01-01.
const EPOCH_DAY: Date = Date::constant(2000, 1, 1);
/// -4712-01-01, before which PostgreSQL has no instant, in microseconds of its count.
const MICROS_MIN: i64 = -211_810_204_800_000_000;

/// A `timestamptz`: microseconds since 2000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(i64);

impl Instant {
    /// The column's value; `None` where the instant is too early for it.
    pub(crate) fn of(at: Timestamp) -> Option<Instant> {
        Some(Instant(at.as_microsecond() - EPOCH_MICROS)).filter(|at| at.0 >= MICROS_MIN)
    }

    /// What stands for an instant of the state. Out-of-range values are clamped.
    pub(crate) fn at(at: Millis) -> Instant {
        Instant::of(at.timestamp()).unwrap_or(Instant(MICROS_MIN))
    }

    /// The instant of the state.
    pub(crate) fn millis(self) -> Millis {
        Millis(self.0.saturating_add(EPOCH_MICROS).div_euclid(1_000))
    }
}

impl ToSql for Instant {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        out.put_i64(self.0);
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Instant {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Instant, Failed> {
        Ok(Instant(i64::from_be_bytes(raw.try_into()?)))
    }

    accepts!(TIMESTAMPTZ);
}

/// A `date`: days since 2000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day(i32);

impl Day {
    /// The column's value.
    pub(crate) fn of(day: Date) -> Option<Day> {
        day.since(EPOCH_DAY).ok().map(|span| Day(span.get_days()))
    }
}

impl ToSql for Day {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        out.put_i32(self.0);
        Ok(IsNull::No)
    }

    accepts!(DATE);
    to_sql_checked!();
}

/// A `jsonb`, as its text: written as it is, read as PostgreSQL shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Json(pub(crate) String);

/// The only version there is of the binary form: this byte, then the text.
const JSONB: u8 = 1;

impl ToSql for Json {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        out.put_u8(JSONB);
        out.put_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    accepts!(JSONB);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Json {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Json, Failed> {
        match raw.split_first() {
            Some((&JSONB, text)) => Ok(Json(std::str::from_utf8(text)?.to_owned())),
            _ => Err("a jsonb of an unknown version".into()),
        }
    }

    accepts!(JSONB);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_days_are_counted_from_2000() {
        let of = |text: &str| Instant::of(text.parse().expect("an instant"));
        assert_eq!(of("2000-01-01T00:00:00Z"), Some(Instant(0)));
        assert_eq!(of("1999-12-31T23:59:59.5Z"), Some(Instant(-500_000)));
        assert_eq!(of("-004712-01-01T00:00:00Z"), Some(Instant(MICROS_MIN)));
        assert_eq!(of("-004713-12-31T23:59:59Z"), None);
        assert_eq!(Day::of(Date::constant(2000, 3, 1)), Some(Day(60)));
        assert_eq!(Day::of(Date::constant(1999, 12, 31)), Some(Day(-1)));
        assert!(Day::of(Date::MIN).is_some() && Day::of(Date::MAX).is_some());
    }

    #[test]
    fn the_instants_of_the_state_come_back() {
        for ms in [0, -1, 1, 1_700_000_000_123, 946_684_800_000] {
            assert_eq!(Instant::at(Millis(ms)).millis(), Millis(ms));
        }
    }
}
