//! SVG that stands alone: no font, no script, no reference to anything outside.

use std::fmt::Write;

use super::layout::lay_out;
use super::{NodeText, Picture};

/// Pixels of a character of a step's name and of the small text.
const NAME_CHAR: f64 = 8.4;
const SMALL_CHAR: f64 = 6.7;
const BOX_HEIGHT: f64 = 66.0;
/// Between one layer's boxes and the next.
const LAYER_GAP: f64 = 64.0;
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

/// A picture of its own.
pub(super) fn draw(picture: &Picture<'_>) -> String {
    let title = chars(picture.title) * 10.0;
    let description = chars(picture.description) * SMALL_CHAR;
    let placed = placed(picture, title.max(description));
    let (width, height) = (placed.width, placed.height + MARGIN);
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
    edges(&mut svg, picture, &placed);
    for (node, place) in picture.nodes.iter().zip(&placed.boxes) {
        let class = if node.join { " class=\"join\"" } else { "" };
        let _ = write!(svg, "<g{class}>");
        ground(&mut svg, place);
        about(&mut svg, node);
        words(&mut svg, node, place);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// A box: its middle, its top, its size.
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where everything stands in a picture.
pub(super) struct Placed {
    pub(super) boxes: Vec<Place>,
    /// For each edge its line, as a path, and where its label stands, where there is room for it.
    pub(super) lines: Vec<(String, Option<(f64, f64)>)>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// From top to bottom, beneath a title, at least so wide.
fn placed(picture: &Picture<'_>, width_min: f64) -> Placed {
    let widths: Vec<f64> = picture.nodes.iter().map(width).collect();
    let layout = lay_out(picture, &widths);
    let inner = layout.width.max(width_min);
    let shift = MARGIN + (inner - layout.width) / 2.0;
    let top = |layer: usize| TITLE_HEIGHT + MARGIN + count(layer) * (BOX_HEIGHT + LAYER_GAP);
    let boxes = layout.boxes.iter().zip(&widths).map(|((x, layer), width)| Place {
        x: x + shift,
        y: top(*layer),
        width: *width,
        height: BOX_HEIGHT,
    });
    let boxes: Vec<Place> = boxes.collect();
    let lines = picture.edges.iter().zip(&layout.bends).map(|(edge, bends)| {
        let (from, to) = (&boxes[edge.from], &boxes[edge.to]);
        let mut points = vec![(from.x, from.y + from.height)];
        for (x, layer) in bends {
            points.push((x + shift, top(*layer)));
            points.push((x + shift, top(*layer) + BOX_HEIGHT));
        }
        points.push((to.x, to.y));
        let (a, b) = (points[points.len() - 2], points[points.len() - 1]);
        (curve(&points), Some((f64::midpoint(a.0, b.0) + 6.0, f64::midpoint(a.1, b.1))))
    });
    let lines = lines.collect();
    let height = boxes.iter().map(|place| place.y + place.height).fold(0.0, f64::max);
    Placed { boxes, lines, width: inner + 2.0 * MARGIN, height }
}

pub(super) fn edges(svg: &mut String, picture: &Picture<'_>, placed: &Placed) {
    for (edge, (path, place)) in picture.edges.iter().zip(&placed.lines) {
        let class = if edge.waits { " class=\"waits\"" } else { "" };
        let _ = writeln!(svg, "<path{class} d=\"{path}\" marker-end=\"url(#tip)\"/>");
        if let (Some(label), Some((x, y))) = (edge.label, place) {
            let label = escaped(label);
            let _ = writeln!(svg, "<text class=\"small\" x=\"{x:.1}\" y=\"{y:.1}\">{label}</text>");
        }
    }
}

pub(super) fn ground(svg: &mut String, place: &Place) {
    let _ = write!(
        svg,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{}\" rx=\"8\"/>",
        place.x - place.width / 2.0,
        place.y,
        place.width,
        place.height
    );
}

/// For whoever points at it.
pub(super) fn about(svg: &mut String, node: &NodeText<'_>) {
    if let Some(condition) = node.condition {
        let _ = write!(svg, "<title>when {}</title>", escaped(condition));
    }
}

pub(super) fn words(svg: &mut String, node: &NodeText<'_>, place: &Place) {
    let lines = [("name", node.name), ("small", node.operation), ("small", &node.fan_out)];
    for ((class, text), down) in lines.into_iter().zip([22.0, 40.0, 56.0]) {
        if !text.is_empty() {
            let _ = write!(
                svg,
                "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                place.x,
                place.y + down,
                escaped(text)
            );
        }
    }
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

pub(super) fn width(node: &NodeText<'_>) -> f64 {
    let small = chars(node.operation).max(chars(&node.fan_out)) * SMALL_CHAR;
    (chars(node.name) * NAME_CHAR).max(small) + 28.0
}

pub(super) fn chars(text: &str) -> f64 {
    count(text.chars().count())
}

pub(super) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Text for XML; what a file cannot hold is left out.
pub(super) fn escaped(text: &str) -> String {
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
