//! SVG that stands alone: no font, no script, no reference to anything outside.

use std::fmt::Write;

use super::layout::lay_out;
use super::{NodeText, Picture};

/// Pixels of a character of a step's name and of the small text.
const NAME_CHAR: f64 = 8.4;
const SMALL_CHAR: f64 = 6.7;
const BOX_HEIGHT: f64 = 66.0;
const LAYER_HEIGHT: f64 = 130.0;
const MARGIN: f64 = 24.0;
const TITLE_HEIGHT: f64 = 52.0;

const STYLE: &str = "\
text{font-family:ui-sans-serif,system-ui,sans-serif;fill:#1f2328}\
.name{font-weight:600;font-size:14px}.small{font-size:11.5px;fill:#57606a}\
.title{font-size:17px;font-weight:600}\
rect{fill:#f6f8fa;stroke:#57606a;stroke-width:1.2}\
.join rect{stroke-dasharray:5 4}\
.ground{fill:#ffffff;stroke:none}\
path{fill:none;stroke:#0969da;stroke-width:1.4}\
path.waits{stroke:#8250df;stroke-dasharray:5 4}\
marker path{fill:#57606a;stroke:none}\
@media(prefers-color-scheme:dark){\
text{fill:#e6edf3}.small{fill:#9da7b1}rect{fill:#161b22;stroke:#7d8590}.ground{fill:#0d1117}\
path{stroke:#58a6ff}path.waits{stroke:#bc8cff}marker path{fill:#9da7b1}}";

pub(super) fn draw(picture: &Picture<'_>) -> String {
    let widths: Vec<f64> = picture.nodes.iter().map(width).collect();
    let layout = lay_out(picture, &widths);
    let title = chars(picture.title) * 10.0;
    let description = chars(picture.description) * SMALL_CHAR;
    let inner = layout.width.max(title).max(description);
    let shift = MARGIN + (inner - layout.width) / 2.0;
    let width = inner + 2.0 * MARGIN;
    let layers = f64::from(u32::try_from(layout.layers).unwrap_or(u32::MAX));
    let height = TITLE_HEIGHT + 2.0 * MARGIN + layers * LAYER_HEIGHT - (LAYER_HEIGHT - BOX_HEIGHT);
    let top = |layer: usize| {
        let layer = f64::from(u32::try_from(layer).unwrap_or(u32::MAX));
        TITLE_HEIGHT + MARGIN + layer * LAYER_HEIGHT
    };

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
         aria-label=\"workflow {name}\">\n<style>{STYLE}</style>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8Z\"/></marker></defs>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n\
         <text class=\"title\" x=\"{MARGIN}\" y=\"34\">{name}</text>\n\
         <text class=\"small\" x=\"{MARGIN}\" y=\"53\">{said}</text>\n",
        name = escaped(picture.title),
        said = escaped(picture.description),
    );
    for (edge, bends) in picture.edges.iter().zip(&layout.bends) {
        let (from, to) = (layout.boxes[edge.from], layout.boxes[edge.to]);
        let mut points = vec![(from.0 + shift, top(from.1) + BOX_HEIGHT)];
        for (x, layer) in bends {
            points.push((x + shift, top(*layer)));
            points.push((x + shift, top(*layer) + BOX_HEIGHT));
        }
        points.push((to.0 + shift, top(to.1)));
        let class = if edge.waits { " class=\"waits\"" } else { "" };
        let _ = writeln!(svg, "<path{class} d=\"{}\" marker-end=\"url(#tip)\"/>", curve(&points));
        if let Some(label) = edge.label {
            let (a, b) = (points[points.len() - 2], points[points.len() - 1]);
            let _ = writeln!(
                svg,
                "<text class=\"small\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                f64::midpoint(a.0, b.0) + 6.0,
                f64::midpoint(a.1, b.1),
                escaped(label)
            );
        }
    }
    for ((node, (x, layer)), width) in picture.nodes.iter().zip(&layout.boxes).zip(&widths) {
        step(&mut svg, node, x + shift, top(*layer), *width);
    }
    svg.push_str("</svg>\n");
    svg
}

fn step(svg: &mut String, node: &NodeText<'_>, x: f64, y: f64, width: f64) {
    let class = if node.join { " class=\"join\"" } else { "" };
    let _ = write!(
        svg,
        "<g{class}><rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BOX_HEIGHT}\" \
         rx=\"8\"/>",
        x - width / 2.0
    );
    if let Some(condition) = node.condition {
        let _ = write!(svg, "<title>when {}</title>", escaped(condition));
    }
    let lines = [("name", node.name), ("small", node.operation), ("small", &node.fan_out)];
    for ((class, text), down) in lines.into_iter().zip([22.0, 40.0, 56.0]) {
        if !text.is_empty() {
            let _ = write!(
                svg,
                "<text class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                y + down,
                escaped(text)
            );
        }
    }
    svg.push_str("</g>\n");
}

/// A smooth line through the points: curves between layers, straight beside boxes.
fn curve(points: &[(f64, f64)]) -> String {
    let mut path = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for (at, pair) in points.windows(2).enumerate() {
        let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
        if at % 2 == 1 {
            let _ = write!(path, "L{bx:.1} {by:.1}");
        } else {
            let middle = f64::midpoint(ay, by);
            let _ = write!(path, "C{ax:.1} {middle:.1} {bx:.1} {middle:.1} {bx:.1} {by:.1}");
        }
    }
    path
}

fn width(node: &NodeText<'_>) -> f64 {
    let small = chars(node.operation).max(chars(&node.fan_out)) * SMALL_CHAR;
    (chars(node.name) * NAME_CHAR).max(small) + 28.0
}

fn chars(text: &str) -> f64 {
    f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX))
}

/// Text for XML; what a file cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
