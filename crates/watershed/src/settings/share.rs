//! The part of an account's limits that may be used, by the hours of the day.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde_json::Value;
use watershed_model::Millis;
use watershed_workflow::zone;

/// How a list is written.
pub(super) const WANTED: &str = "a number above 0 and at most 1, or a list such as [{ between = \
                                 \"08:00-18:00 Europe/Berlin\", share = 0.3 }, { share = 0.9 }], \
                                 the last of it without `between`";

/// Parts of the limits, each with the hours in which it counts: of several the first.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    by_hours: Vec<(Hours, f64)>,
    /// The part in all other hours.
    otherwise: f64,
}

/// From one time of the day to another, by the clocks of a zone; over midnight, where the second
/// is the earlier one.
#[derive(Debug, Clone)]
struct Hours {
    from: Time,
    to: Time,
    zone: TimeZone,
}

impl From<f64> for Share {
    fn from(share: f64) -> Share {
        Share { by_hours: Vec::new(), otherwise: share }
    }
}

impl Share {
    /// Reads a number or a list; `None` where it is neither.
    pub(super) fn read(value: &Value) -> Option<Share> {
        let Value::Array(parts) = value else { return part(value).map(Share::from) };
        let (last, rest) = parts.split_last()?;
        let by_hours = rest.iter().map(|one| {
            let one = one.as_object().filter(|one| one.len() == 2)?;
            Some((Hours::read(one.get("between")?.as_str()?)?, part(one.get("share")?)?))
        });
        let last = last.as_object().filter(|last| last.len() == 1)?;
        Some(Share {
            by_hours: by_hours.collect::<Option<_>>()?,
            otherwise: part(last.get("share")?)?,
        })
    }

    /// Whether it is another at another time.
    pub(crate) fn changes(&self) -> bool {
        !self.by_hours.is_empty()
    }

    /// The part at that time.
    pub(crate) fn at(&self, now: Millis) -> f64 {
        let now_is = self.by_hours.iter().find(|(hours, _)| hours.hold(now));
        now_is.map_or(self.otherwise, |(_, share)| *share)
    }
}

fn part(value: &Value) -> Option<f64> {
    value.as_f64().filter(|share| *share > 0.0 && *share <= 1.0)
}

impl Hours {
    /// Reads `08:00-18:00 Europe/Berlin`; without a zone, UTC.
    fn read(text: &str) -> Option<Hours> {
        let (hours, name) = text.split_once(' ').unwrap_or((text, "UTC"));
        let (from, to) = hours.split_once('-')?;
        let time = |text: &str| Time::strptime("%H:%M", text).ok();
        let hours = Hours { from: time(from)?, to: time(to)?, zone: zone(name.trim())? };
        (hours.from != hours.to).then_some(hours)
    }

    fn hold(&self, now: Millis) -> bool {
        let time = self.zone.to_datetime(now.timestamp()).time();
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(instant: &str) -> Millis {
        let instant: jiff::Timestamp = instant.parse().expect("an instant");
        instant.into()
    }

    #[test]
    fn the_first_part_whose_hours_hold_the_time_counts_and_hours_are_those_of_their_zone() {
        let share = Share::read(&json!([
            { "between": "08:00-18:00 Europe/Berlin", "share": 0.3 },
            { "between": "22:00-02:00", "share": 1 },
            { "between": "00:00-12:00", "share": 0.5 },
            { "share": 0.9 },
        ]))
        .expect("it is right");
        for (instant, expected) in [
            ("2026-11-29T06:59:59Z", 0.5),
            ("2026-11-29T07:00:00Z", 0.3),
            ("2026-11-29T16:59:59Z", 0.3),
            ("2026-11-29T17:00:00Z", 0.9),
            ("2026-11-29T22:00:00Z", 1.0),
            ("2026-11-30T01:59:59Z", 1.0),
            ("2026-11-30T02:00:00Z", 0.5),
            // In summer the clocks of Berlin are an hour further.
            ("2026-07-01T06:00:00Z", 0.3),
        ] {
            assert!((share.at(at(instant)) - expected).abs() < 1e-9, "{instant}");
        }
    }

    #[test]
    fn what_does_not_say_which_part_counts_at_each_hour_is_refused() {
        assert!(Share::read(&json!(0.4)).is_some());
        assert!(Share::read(&json!([{ "share": 0.4 }])).is_some());
        for wrong in [
            json!(0),
            json!(1.1),
            json!("0.5"),
            json!([]),
            json!([{ "between": "08:00-18:00", "share": 0.3 }]),
            json!([{ "share": 0.3 }, { "share": 0.9 }]),
            json!([{ "between": "8-18", "share": 0.3 }, { "share": 0.9 }]),
            json!([{ "between": "08:00-08:00", "share": 0.3 }, { "share": 0.9 }]),
            json!([{ "between": "08:00-18:00 Berlin", "share": 0.3 }, { "share": 0.9 }]),
            json!([{ "between": "08:00-18:00", "share": 0 }, { "share": 0.9 }]),
            json!([{ "between": "08:00-18:00", "share": 0.3, "to": 1 }, { "share": 0.9 }]),
        ] {
            assert!(Share::read(&wrong).is_none(), "{wrong}");
        }
    }
}
