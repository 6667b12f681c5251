//! Charts as SVG within a page. Colours come from the page's style.

use std::fmt::Write;

use watershed_model::Millis;

use crate::history::Moment;

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 170.0;
/// Room for the figures at the left, and for those beneath.
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 22.0;
const TOP: f64 = 10.0;
/// The highest that anything is.
const HIGH: f64 = HEIGHT - BOTTOM - TOP;
/// Columns of the chart: each is the mean of what happened in it.
const COLUMNS: i64 = 72;

/// The categories that are drawn, in the order in which they stand on each other.
pub(crate) const CATEGORIES: [&str; 4] = ["light", "medium", "heavy", "resource_intensive"];

/// Calls a second over time, by category, one on the other. Empty before there are two moments.
pub(crate) fn calls(moments: &[Moment], now: Millis) -> String {
    let Some(columns) = Columns::of(moments, now) else { return String::new() };
    let rates = |from, ms| {
        let rate = |of: &str| rate(moments, from, ms, |m| m.calls.get(of).copied().unwrap_or(0));
        CATEGORIES.map(rate)
    };
    let all: Vec<[f64; 4]> = columns.each(rates);
    let most = all.iter().map(|of| of.iter().sum::<f64>()).fold(0.0, f64::max);
    let most = nice(most.max(1.0));
    let mut svg = begun(&format!("calls a second, at most {most}"), most);
    for (n, column) in all.iter().enumerate() {
        let mut y = HEIGHT - BOTTOM;
        for (rate, category) in column.iter().zip(CATEGORIES) {
            let height = rate / most * HIGH;
            if height < 0.2 {
                continue;
            }
            y -= height;
            bar(&mut svg, category, n, y, height);
        }
    }
    columns.ended(svg)
}

/// Items closed a second over time. Empty before there are two moments.
pub(crate) fn throughput(moments: &[Moment], now: Millis) -> String {
    let Some(columns) = Columns::of(moments, now) else { return String::new() };
    let all = columns.each(|from, ms| rate(moments, from, ms, |m| m.closed));
    one(&columns, &all, "throughput", "items a second")
}

/// Seconds from a task's lease to its settle over time: as many as are leased, by how many calls
/// there are a second (Little's law). Empty before there are two moments.
pub(crate) fn latency(moments: &[Moment], now: Millis) -> String {
    let Some(columns) = Columns::of(moments, now) else { return String::new() };
    let all = columns.each(|from, ms| {
        let calls = rate(moments, from, ms, |m| m.calls.values().sum());
        if calls > 0.0 { leased(moments, from, ms) / calls } else { 0.0 }
    });
    one(&columns, &all, "latency", "seconds from lease to settle")
}

/// A chart of one thing.
fn one(columns: &Columns, all: &[f64], class: &str, about: &str) -> String {
    let most = nice(all.iter().copied().fold(0.0, f64::max));
    let mut svg = begun(&format!("{about}, at most {most}"), most);
    for (n, value) in all.iter().enumerate() {
        let height = value / most * HIGH;
        if height >= 0.2 {
            bar(&mut svg, class, n, HEIGHT - BOTTOM - height, height);
        }
    }
    columns.ended(svg)
}

/// The time that a chart shows, in columns.
struct Columns {
    begin: Millis,
    span: i64,
}

impl Columns {
    /// From the first moment to now; `None` before there are two moments.
    fn of(moments: &[Moment], now: Millis) -> Option<Columns> {
        let first = moments.first().filter(|_| moments.len() > 1)?;
        let span = (now - first.at).max(60_000);
        Some(Columns { begin: now + -span, span })
    }

    /// What each column shows: from when, and for how long, in milliseconds.
    fn each<T>(&self, of: impl Fn(Millis, i64) -> T) -> Vec<T> {
        let step = self.span / COLUMNS;
        (0..COLUMNS).map(|n| of(self.begin + n * step, step)).collect()
    }

    /// The chart with its times beneath.
    fn ended(&self, mut svg: String) -> String {
        for (part, anchor) in [(0, "start"), (1, "middle"), (2, "end")] {
            let x = LEFT + (WIDTH - LEFT) * f64::from(part) / 2.0;
            let ago = self.span - self.span * i64::from(part) / 2;
            let label = if ago == 0 { "now".to_owned() } else { format!("{} ago", short(ago)) };
            let _ = write!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{label}</text>",
                HEIGHT - 6.0
            );
        }
        svg.push_str("</svg>");
        svg
    }
}

fn begun(about: &str, most: f64) -> String {
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{about}\">"
    );
    grid(&mut svg, most);
    svg
}

/// What stands in a column.
fn bar(svg: &mut String, class: &str, column: usize, y: f64, height: f64) {
    let width = (WIDTH - LEFT) / COLUMNS as f64;
    let x = LEFT + width * column as f64;
    let _ = write!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" \
         height=\"{height:.1}\"/>",
        (width - 1.0).max(1.0)
    );
}

/// How fast a count grows between two times, a second.
fn rate(moments: &[Moment], from: Millis, ms: i64, count: impl Fn(&Moment) -> u64) -> f64 {
    let at = |at: Millis| {
        let after = moments.iter().position(|moment| moment.at >= at).unwrap_or(moments.len() - 1);
        let (a, b) = (&moments[after.saturating_sub(1)], &moments[after]);
        let (before, between) = ((at - a.at).clamp(0, b.at - a.at), b.at - a.at);
        if between == 0 {
            return count(b) as f64;
        }
        let (first, last) = (count(a) as f64, count(b) as f64);
        first + (last - first) * before as f64 / between as f64
    };
    ((at(from + ms) - at(from)) * 1_000.0 / ms as f64).max(0.0)
}

/// Tasks that were leased between two times: the mean of the moments there, or else what the next
/// one tells.
fn leased(moments: &[Moment], from: Millis, ms: i64) -> f64 {
    let within: Vec<u64> = moments
        .iter()
        .filter(|moment| moment.at >= from && moment.at < from + ms)
        .map(|moment| moment.leased)
        .collect();
    if within.is_empty() {
        let next = moments.iter().find(|moment| moment.at >= from);
        return next.map_or(0.0, |moment| moment.leased as f64);
    }
    within.iter().sum::<u64>() as f64 / within.len() as f64
}

/// The next number that is easy to read.
fn nice(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(0.1).log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 10.0];
    // What is a hair above a step is a sum that was rounded.
    steps.into_iter().map(|step| step * power).find(|n| *n * 1.001 >= most).unwrap_or(10.0 * power)
}

fn grid(svg: &mut String, most: f64) {
    for part in 0..=2 {
        let value = most * f64::from(part) / 2.0;
        let y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * f64::from(part) / 2.0;
        let figure = if value >= 10.0 || value == 0.0 {
            format!("{value:.0}")
        } else {
            format!("{value:.1}")
        };
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{WIDTH}\" y2=\"{y:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{figure}</text>",
            LEFT - 8.0,
            y + 4.0
        );
    }
}

/// A time in one unit.
fn short(ms: i64) -> String {
    match ms / 1_000 {
        s @ 0..=119 => format!("{s} s"),
        s @ 120..=7_199 => format!("{} min", s / 60),
        s @ 7_200..=172_799 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn moment(second: i64, light: u64, heavy: u64) -> Moment {
        let calls = BTreeMap::from([("light".to_owned(), light), ("heavy".to_owned(), heavy)]);
        Moment { at: Millis(second * 1_000), calls, closed: light, leased: 30 }
    }

    #[test]
    fn rates_are_of_the_time_between() {
        let moments = [moment(0, 0, 0), moment(10, 100, 20), moment(20, 100, 40)];
        let of = |from: i64, ms, name| {
            rate(&moments, Millis(from * 1_000), ms, |moment| moment.calls[name])
        };
        assert_eq!([of(0, 10_000, "light"), of(0, 10_000, "heavy")], [10.0, 2.0]);
        assert_eq!([of(5, 10_000, "light"), of(5, 10_000, "heavy")], [5.0, 2.0]);
        assert_eq!(of(30, 10_000, "light"), 0.0, "nothing is known of it");
    }

    #[test]
    fn a_chart_needs_two_moments_and_has_each_category() {
        assert_eq!(calls(&[moment(0, 0, 0)], Millis(60_000)), "");
        let svg = calls(&[moment(0, 0, 0), moment(60, 600, 60)], Millis(60_000));
        assert!(svg.contains("class=\"light\"") && svg.contains("class=\"heavy\""), "{svg}");
        assert!(!svg.contains("class=\"medium\""), "{svg}");
    }

    #[test]
    fn thirty_leased_and_ten_calls_a_second_are_three_seconds_each() {
        let moments = [moment(0, 0, 0), moment(60, 600, 0)];
        let svg = latency(&moments, Millis(60_000));
        assert!(svg.contains("seconds from lease to settle, at most 4"), "{svg}");
        let svg = throughput(&moments, Millis(60_000));
        assert!(svg.contains("items a second, at most 10"), "{svg}");
        assert_eq!(
            latency(&[moment(0, 0, 0), moment(60, 0, 0)], Millis(60_000)).matches("<rect").count(),
            0
        );
    }

    #[test]
    fn scales_end_at_a_round_number() {
        assert_eq!(
            [0.3, 1.0, 11.0, 36.0, 41.0, 99.0].map(nice),
            [0.4, 1.0, 20.0, 40.0, 50.0, 100.0]
        );
    }
}
