//! Seconds since the epoch, days since the epoch, and how Zoom writes them.

use jiff::Timestamp;
use jiff::civil::Date;

pub(crate) const DAY_S: i64 = 86_400;
pub(crate) const HOUR_S: i64 = 3_600;

/// `2022-03-23T06:58:09Z`.
pub(crate) fn utc(at_s: i64) -> String {
    Timestamp::from_second(at_s).expect("the account's history lies in this era").to_string()
}

/// `2022-03-23`, of a day counted from the epoch.
pub(crate) fn date(day: i64) -> String {
    utc(day * DAY_S)[..10].to_owned()
}

/// The day a date names, counted from the epoch; none for what is no date.
pub(crate) fn day(text: &str) -> Option<i64> {
    let date: Date = text.parse().ok()?;
    let start: Timestamp = format!("{date}T00:00:00Z").parse().ok()?;
    Some(start.as_second().div_euclid(DAY_S))
}

/// The day an instant lies in.
pub(crate) fn day_of(at_s: i64) -> i64 {
    at_s.div_euclid(DAY_S)
}

/// The same day so many months earlier (the last of the month where there is no such day).
pub(crate) fn months_before(day: i64, months: i32) -> i64 {
    let date_then: Date = date(day).parse().expect("a date that was just written");
    let earlier = date_then.saturating_sub(jiff::Span::new().months(months));
    self::day(&earlier.to_string()).expect("a date of this era")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_one() {
        assert_eq!(date(day("2026-11-24").unwrap()), "2026-11-24");
        assert_eq!(date(months_before(day("2026-08-31").unwrap(), 6)), "2026-02-28");
        assert_eq!(day("2026-13-01"), None);
    }
}
