//! Charts as inline SVG: bars by day, and a line of progress. Colours come from the page's CSS.

use std::fmt::Write;

/// Width and height of a chart, in its own units.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 240.0;
/// Room for the figures at the left, and for those beneath.
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 28.0;
const TOP: f64 = 10.0;

/// Bars, each of them several parts one on the other: label, and the parts by series.
pub(crate) fn bars(title: &str, bars: &[(String, Vec<u64>)]) -> String {
    let most = bars.iter().map(|(_, parts)| parts.iter().sum::<u64>()).max().unwrap_or(0).max(1);
    // Each of the grid's four parts is a whole number.
    let most = most.next_multiple_of(4);
    let mut svg = begin(title);
    grid(&mut svg, most as f64, &|value| crate::output::number(value as u64));
    let step = (WIDTH - LEFT) / bars.len().max(1) as f64;
    for (n, (label, parts)) in bars.iter().enumerate() {
        let x = LEFT + step * n as f64;
        let mut y = HEIGHT - BOTTOM;
        for (series, part) in parts.iter().enumerate() {
            let height = *part as f64 / most as f64 * (HEIGHT - BOTTOM - TOP);
            y -= height;
            let _ = write!(
                svg,
                "<rect class=\"s{series}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" \
                 height=\"{height:.1}\"><title>{label}: {part}</title></rect>",
                x + step * 0.1,
                step * 0.8
            );
        }
        if shown(n, bars.len()) {
            below(&mut svg, "below", x + step / 2.0, label);
        }
    }
    svg.push_str("</svg>");
    svg
}

/// A line for each series: days since the beginning, and a part of one.
pub(crate) fn lines(title: &str, series: &[Vec<(f64, f64)>]) -> String {
    let days = series.iter().flatten().map(|(day, _)| *day).fold(0.0, f64::max).max(1e-6);
    let mut svg = begin(title);
    grid(&mut svg, 100.0, &|value| format!("{value:.0} %"));
    for (n, points) in series.iter().enumerate() {
        let points: Vec<String> = points
            .iter()
            .map(|(day, part)| {
                let x = LEFT + day / days * (WIDTH - LEFT - 4.0);
                let y = HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP);
                format!("{x:.1},{y:.1}")
            })
            .collect();
        let _ = write!(svg, "<polyline class=\"l{n}\" points=\"{}\"/>", points.join(" "));
    }
    for part in 0..=4 {
        let day = days * f64::from(part) / 4.0;
        let x = LEFT + (WIDTH - LEFT - 4.0) * f64::from(part) / 4.0;
        let label = match days {
            days if days < 0.125 => format!("{:.1} min", day * 1_440.0),
            days if days < 2.0 => format!("{:.1} h", day * 24.0),
            _ => format!("day {day:.1}"),
        };
        let class = match part {
            0 => "first",
            4 => "last",
            _ => "below",
        };
        below(&mut svg, class, x, &label);
    }
    svg.push_str("</svg>");
    svg
}

/// At most a dozen labels.
fn shown(n: usize, of: usize) -> bool {
    n.is_multiple_of(of.div_ceil(12))
}

fn begin(title: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">")
}

fn grid(svg: &mut String, most: f64, figure: &dyn Fn(f64) -> String) {
    for part in 0..=4 {
        let value = most * f64::from(part) / 4.0;
        let y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * f64::from(part) / 4.0;
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{WIDTH}\" y2=\"{y:.1}\"/>\
             <text class=\"left\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            figure(value)
        );
    }
}

/// A label beneath: `first` begins at its place, `last` ends there, `below` has it in the middle.
fn below(svg: &mut String, class: &str, x: f64, label: &str) {
    let y = HEIGHT - 8.0;
    let _ = write!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{label}</text>");
}
