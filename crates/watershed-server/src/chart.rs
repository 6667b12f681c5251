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
/// Columns of the chart: each is the mean of what happened in it.
const COLUMNS: i64 = 72;

/// The categories that are drawn, in the order in which they stand on each other.
pub(crate) const CATEGORIES: [&str; 4] = ["light", "medium", "heavy", "resource_intensive"];

/// Calls a second over time, by category, one on the other. Empty before there are two moments.
pub(crate) fn calls(moments: &[Moment], now: Millis) -> String {
    let (Some(first), true) = (moments.first(), moments.len() > 1) else { return String::new() };
    let span = (now - first.at).max(60_000);
    let (begin, step) = (now + -span, span / COLUMNS);
    let columns: Vec<[f64; 4]> =
        (0..COLUMNS).map(|n| rates(moments, begin + n * step, step)).collect();
    let most = columns.iter().map(|of| of.iter().sum::<f64>()).fold(0.0, f64::max);
    let most = nice(most.max(1.0));
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"calls a second, at most {most}\">"
    );
    grid(&mut svg, most);
    let width = (WIDTH - LEFT) / COLUMNS as f64;
    let high = HEIGHT - BOTTOM - TOP;
    for (n, column) in columns.iter().enumerate() {
        let x = LEFT + width * n as f64;
        let mut y = HEIGHT - BOTTOM;
        for (rate, category) in column.iter().zip(CATEGORIES) {
            let height = rate / most * high;
            if height < 0.2 {
                continue;
            }
            y -= height;
            let _ = write!(
                svg,
                "<rect class=\"{category}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" \
                 height=\"{height:.1}\"/>",
                (width - 1.0).max(1.0)
            );
        }
    }
    for (part, anchor) in [(0, "start"), (1, "middle"), (2, "end")] {
        let x = LEFT + (WIDTH - LEFT) * f64::from(part) / 2.0;
        let ago = span - span * i64::from(part) / 2;
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

/// Calls a second of each category between two times.
fn rates(moments: &[Moment], from: Millis, ms: i64) -> [f64; 4] {
    let at = |at: Millis, category: &str| {
        let after = moments.iter().position(|moment| moment.at >= at).unwrap_or(moments.len() - 1);
        let (a, b) = (&moments[after.saturating_sub(1)], &moments[after]);
        let calls = |of: &Moment| of.calls.get(category).copied().unwrap_or(0) as f64;
        let (before, between) = ((at - a.at).clamp(0, b.at - a.at), b.at - a.at);
        if between == 0 {
            return calls(b);
        }
        calls(a) + (calls(b) - calls(a)) * before as f64 / between as f64
    };
    CATEGORIES.map(|of| ((at(from + ms, of) - at(from, of)) * 1_000.0 / ms as f64).max(0.0))
}

/// The next number that is easy to read.
fn nice(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(0.1).log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|n| *n >= most).unwrap_or(10.0 * power)
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
        Moment { at: Millis(second * 1_000), calls }
    }

    #[test]
    fn rates_are_calls_of_the_time_between() {
        let moments = [moment(0, 0, 0), moment(10, 100, 20), moment(20, 100, 40)];
        let of = |from: i64, ms| rates(&moments, Millis(from * 1_000), ms);
        assert_eq!(of(0, 10_000), [10.0, 0.0, 2.0, 0.0]);
        assert_eq!(of(5, 10_000), [5.0, 0.0, 2.0, 0.0]);
        assert_eq!(of(30, 10_000), [0.0; 4], "nothing is known of it");
    }

    #[test]
    fn a_chart_needs_two_moments_and_has_each_category() {
        assert_eq!(calls(&[moment(0, 0, 0)], Millis(60_000)), "");
        let svg = calls(&[moment(0, 0, 0), moment(60, 600, 60)], Millis(60_000));
        assert!(svg.contains("class=\"light\"") && svg.contains("class=\"heavy\""), "{svg}");
        assert!(!svg.contains("class=\"medium\""), "{svg}");
    }

    #[test]
    fn scales_end_at_a_round_number() {
        assert_eq!(
            [0.3, 1.0, 11.0, 36.0, 41.0, 99.0].map(nice),
            [0.4, 1.0, 20.0, 40.0, 50.0, 100.0]
        );
    }
}
