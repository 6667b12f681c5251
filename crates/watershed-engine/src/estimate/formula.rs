//! From calls to time: what each limit makes of them, and which one binds. Pure.

use serde::Serialize;
use watershed_model::{Category, Limits, Millis, Period};

/// What one limit makes of the calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitTime {
    /// The category, or several joined by `+`.
    pub category: String,
    /// `second`, `minute` or `day`.
    pub period: String,
    /// Calls that the share allows in a period.
    pub share: f64,
    /// Calls of these categories.
    pub calls: u64,
    /// The time that they take at best by this limit alone, in milliseconds; `None` where the
    /// limit allows none.
    pub ms: Option<i64>,
    /// Days (UTC) on which calls are made, where the limit is a day's.
    pub days: Option<u64>,
    /// Whether it is the one that takes longest.
    pub binds: bool,
}

/// What each limit makes of the calls that begin at `now`: categories at once, none waiting for
/// another. Only limits that count any of the calls are told.
pub fn limit_times(
    limits: &Limits,
    calls: impl Fn(Category) -> f64,
    now: Millis,
) -> Vec<LimitTime> {
    let mut times = Vec::new();
    for limit in &limits.0 {
        let sum: f64 = limit.categories.iter().map(&calls).sum();
        let counted = sum.round().max(0.0);
        if counted < 1.0 {
            continue;
        }
        let (ms, days) = match limit.period {
            Period::Second | Period::Minute => {
                (spread_ms(counted, limit.calls, limit.period), None)
            }
            Period::Day => {
                let share = limit.calls.max(0.0).floor();
                let days = (share >= 1.0).then(|| (counted / share).ceil() as u64);
                (days.map(|days| until_day_ms(days, now)), days)
            }
        };
        times.push(LimitTime {
            category: limit.categories.to_string(),
            period: limit.period.name().to_owned(),
            share: limit.calls,
            calls: counted as u64,
            ms,
            days,
            binds: false,
        });
    }
    // A limit that allows nothing takes longest of all.
    let longest = times.iter().map(|t| t.ms.unwrap_or(i64::MAX)).max();
    if let Some(binds) = times.iter_mut().find(|t| Some(t.ms.unwrap_or(i64::MAX)) == longest) {
        binds.binds = true;
    }
    times
}

/// Even spacing: the first call at once.
fn spread_ms(calls: f64, share: f64, period: Period) -> Option<i64> {
    (share > 0.0).then(|| ((calls - 1.0) * period.ms() as f64 / share).ceil() as i64)
}

/// Until the day begins on which the last of them are made; today counts.
fn until_day_ms(days: u64, now: Millis) -> i64 {
    match i64::try_from(days).unwrap_or(i64::MAX) {
        ..=1 => 0,
        days => (now.next_day() - now).saturating_add((days - 2).saturating_mul(Millis::DAY)),
    }
}

#[cfg(test)]
mod tests {
    use watershed_zoom::limits::{Overrides, Tier, limits as limits_of};

    use super::*;

    fn limits(heavy_per_second: f64, heavy_per_day: u64) -> Limits {
        let overrides = Overrides {
            light_per_second: Some(10.0),
            heavy_per_second: Some(heavy_per_second),
            heavy_per_day: Some(heavy_per_day),
            ..Overrides::default()
        };
        limits_of(Tier::Pro, &overrides, 1.0)
    }

    fn calls(light: f64, heavy: f64) -> impl Fn(Category) -> f64 {
        move |category| match category {
            Category::Light => light,
            Category::Heavy => heavy,
            Category::Medium | Category::ResourceIntensive => 0.0,
        }
    }

    fn told(times: &[LimitTime]) -> Vec<String> {
        let line = |t: &LimitTime| {
            let binds = if t.binds { " binds" } else { "" };
            format!("{} {}: {:?} ms, {:?} days{binds}", t.category, t.period, t.ms, t.days)
        };
        times.iter().map(line).collect()
    }

    #[test]
    fn the_limit_that_takes_longest_binds() {
        assert_eq!(
            told(&limit_times(&limits(1.0, 1_000), calls(101.0, 61.0), Millis(0))),
            [
                "light second: Some(10000) ms, None days",
                "heavy second: Some(60000) ms, None days binds",
                "heavy+resource_intensive day: Some(0) ms, Some(1) days",
            ]
        );
    }

    #[test]
    fn a_day_that_is_spent_waits_for_midnight_and_whole_days_after_it() {
        let hour = 3_600_000;
        let evening = Millis(22 * hour);
        let of = |heavy| limit_times(&limits(1.0, 1_000), calls(0.0, heavy), evening)[1].clone();
        assert_eq!((of(1_000.0).ms, of(1_000.0).days), (Some(0), Some(1)));
        assert_eq!((of(1_001.0).ms, of(1_001.0).days), (Some(2 * hour), Some(2)));
        assert_eq!((of(3_500.0).ms, of(3_500.0).days), (Some(50 * hour), Some(4)));
        assert!(of(3_500.0).binds);
    }

    #[test]
    fn a_limit_that_allows_nothing_binds_for_ever() {
        let told = limit_times(&limits(1.0, 0), calls(5.0, 1.0), Millis(0));
        assert_eq!((told[2].ms, told[2].binds), (None, true));
    }

    #[test]
    fn what_makes_no_calls_is_not_told() {
        assert_eq!(limit_times(&limits(1.0, 10), calls(0.0, 0.0), Millis(0)), []);
    }
}
