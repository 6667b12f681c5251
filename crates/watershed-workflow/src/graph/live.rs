//! SVG within a page: from left to right, each step a link with how far it is. The page has the
//! style.

use std::fmt::Write;

use watershed_model::StepReport;

use super::Picture;
use super::layout::lay_out;
use super::svg::{Place, Placed, about, count, edges, escaped, ground, width, words};

const BOX_HEIGHT: f64 = 88.0;
/// Between one layer's boxes and the next.
const LAYER_GAP: f64 = 56.0;
const MARGIN: f64 = 8.0;
/// A step's name and figures have room in it.
const WIDTH_MIN: f64 = 150.0;

pub(super) fn draw(picture: &Picture<'_>, steps: &[StepReport]) -> String {
    let placed = placed(picture);
    let mut svg = format!(
        "<svg class=\"graph\" viewBox=\"0 0 {0:.0} {1:.0}\" width=\"{0:.0}\" height=\"{1:.0}\" \
         role=\"group\" aria-label=\"steps of {2}\">\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8Z\"/></marker></defs>\n",
        placed.width,
        placed.height,
        escaped(picture.title),
    );
    edges(&mut svg, picture, &placed);
    for (at, (node, place)) in picture.nodes.iter().zip(&placed.boxes).enumerate() {
        let step = steps.get(at);
        let class = step.map_or("idle", class);
        let join = if node.join { " join" } else { "" };
        let name = escaped(node.name);
        let _ = write!(svg, "<a href=\"#step-{name}\" class=\"step {class}{join}\">");
        ground(&mut svg, place);
        about(&mut svg, node);
        words(&mut svg, node, place);
        if let Some(step) = step {
            bar(&mut svg, step, place);
        }
        svg.push_str("</a>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn class(step: &StepReport) -> &'static str {
    match step {
        StepReport { failed: 1.., .. } => "failed",
        StepReport { done, known, is_final: true, .. } if done == known => "complete",
        StepReport { known: 0, .. } => "idle",
        _ => "active",
    }
}

/// The layers stand side by side, each as wide as its widest box.
fn placed(picture: &Picture<'_>) -> Placed {
    let widths: Vec<f64> = picture.nodes.iter().map(|node| width(node).max(WIDTH_MIN)).collect();
    let layout = lay_out(picture, &vec![BOX_HEIGHT; widths.len()]);
    let mut columns = vec![0.0_f64; layout.layers];
    for ((_, layer), width) in layout.boxes.iter().zip(&widths) {
        columns[*layer] = columns[*layer].max(*width);
    }
    let left =
        |layer: usize| MARGIN + columns[..layer].iter().sum::<f64>() + count(layer) * LAYER_GAP;
    let boxes = layout.boxes.iter().map(|(y, layer)| Place {
        x: left(*layer) + columns[*layer] / 2.0,
        y: y + MARGIN - BOX_HEIGHT / 2.0,
        width: columns[*layer],
        height: BOX_HEIGHT,
    });
    let boxes: Vec<Place> = boxes.collect();
    let lines = picture.edges.iter().zip(&layout.bends).map(|(edge, bends)| {
        let (from, to) = (&boxes[edge.from], &boxes[edge.to]);
        let mut points = vec![(from.x + from.width / 2.0, from.y + BOX_HEIGHT / 2.0)];
        for (y, layer) in bends {
            points.push((left(*layer), y + MARGIN));
            points.push((left(*layer) + columns[*layer], y + MARGIN));
        }
        points.push((to.x - to.width / 2.0, to.y + BOX_HEIGHT / 2.0));
        // Between two layers is no room for a label; the box says what it takes.
        (curve(&points), None)
    });
    let lines = lines.collect();
    let width = left(layout.layers.saturating_sub(1)) + columns.last().unwrap_or(&0.0) + MARGIN;
    Placed { boxes, lines, width, height: layout.width + 2.0 * MARGIN }
}

/// A smooth line through the points: curves between layers, straight past boxes.
fn curve(points: &[(f64, f64)]) -> String {
    let mut path = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for (at, pair) in points.windows(2).enumerate() {
        let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
        if at % 2 == 1 {
            let _ = write!(path, "L{bx:.1} {by:.1}");
        } else {
            let middle = f64::midpoint(ax, bx);
            let _ = write!(path, "C{middle:.1} {ay:.1} {middle:.1} {by:.1} {bx:.1} {by:.1}");
        }
    }
    path
}

/// How far a step is: a bar along the foot of its box, the figures above it.
fn bar(svg: &mut String, step: &StepReport, place: &Place) {
    let left = place.x - place.width / 2.0 + 12.0;
    let (full, y) = (place.width - 24.0, place.y + place.height - 9.0);
    let part = |n: u64| (full * n as f64 / step.known.max(1) as f64).min(full);
    let _ = write!(
        svg,
        "<text class=\"figures\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        place.x,
        y - 5.0,
        step.figures(),
    );
    let mut piece = |class: &str, x: f64, width: f64| {
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"4\" rx=\"2\"/>"
        );
    };
    piece("track", left, full);
    piece("done", left, part(step.done));
    if step.failed > 0 {
        // However few they are, one sees them.
        let lost = part(step.failed).max(4.0);
        piece("lost", left + full - lost, lost);
    }
}
