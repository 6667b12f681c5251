//! A layered layout: sources above what they feed, few crossings, edges around boxes.
//!
//! Each edge that spans layers runs through an invisible place in every layer between, so
//! that it has room of its own. The same plan gives the same picture.

use super::Picture;

/// Rounds of ordering and of straightening; more change nothing that one sees.
const ROUNDS: usize = 8;
/// Room between neighbours in a layer.
const GAP: f64 = 28.0;
/// Room that an edge takes where it passes a layer.
const LANE: f64 = 18.0;

/// Where everything stands; boxes and bends by their middle.
pub(super) struct Layout {
    pub(super) width: f64,
    /// Middle and layer of each step.
    pub(super) boxes: Vec<(f64, usize)>,
    pub(super) layers: usize,
    /// For each edge: middle and layer of the places it runs through, between its ends.
    pub(super) bends: Vec<Vec<(f64, usize)>>,
}

struct Place {
    width: f64,
    above: Vec<usize>,
    below: Vec<usize>,
    x: f64,
}

/// Lays out boxes of these widths.
pub(super) fn lay_out(picture: &Picture<'_>, widths: &[f64]) -> Layout {
    let layer_of = layers(picture);
    let layers = layer_of.iter().max().map_or(0, |deepest| deepest + 1);
    let mut places: Vec<Place> = widths
        .iter()
        .map(|width| Place { width: *width, above: Vec::new(), below: Vec::new(), x: 0.0 })
        .collect();
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); layers];
    for (step, layer) in layer_of.iter().enumerate() {
        rows[*layer].push(step);
    }
    let mut lanes: Vec<Vec<(usize, usize)>> = Vec::new();
    for edge in &picture.edges {
        let mut last = edge.from;
        let mut passed = Vec::new();
        let between = layer_of[edge.from] + 1..layer_of[edge.to];
        for (layer, row) in rows.iter_mut().enumerate().take(between.end).skip(between.start) {
            let lane = places.len();
            places.push(Place { width: LANE, above: vec![last], below: Vec::new(), x: 0.0 });
            places[last].below.push(lane);
            row.push(lane);
            passed.push((lane, layer));
            last = lane;
        }
        places[last].below.push(edge.to);
        places[edge.to].above.push(last);
        lanes.push(passed);
    }
    order(&mut places, &mut rows);
    straighten(&mut places, &rows);
    let left = places.iter().map(|p| p.x - p.width / 2.0).fold(f64::INFINITY, f64::min);
    let right = places.iter().map(|p| p.x + p.width / 2.0).fold(0.0, f64::max);
    let left = if left.is_finite() { left } else { 0.0 };
    Layout {
        width: right - left,
        boxes: layer_of.iter().enumerate().map(|(s, layer)| (places[s].x - left, *layer)).collect(),
        layers,
        bends: lanes
            .into_iter()
            .map(|lane| lane.into_iter().map(|(p, layer)| (places[p].x - left, layer)).collect())
            .collect(),
    }
}

/// Each step one layer beneath the deepest of what leads to it. Steps are in topological
/// order, so one pass is enough.
fn layers(picture: &Picture<'_>) -> Vec<usize> {
    let mut layer = vec![0; picture.nodes.len()];
    for step in 0..layer.len() {
        let above = picture.edges.iter().filter(|e| e.to == step && e.from < step);
        layer[step] = above.map(|e| layer[e.from] + 1).max().unwrap_or(0);
    }
    layer
}

/// Orders each layer by the mean place of its neighbours, downward and upward in turn.
fn order(places: &mut [Place], rows: &mut [Vec<usize>]) {
    let renumber = |places: &mut [Place], row: &[usize]| {
        for (at, place) in (0u32..).zip(row) {
            places[*place].x = f64::from(at);
        }
    };
    rows.iter().for_each(|row| renumber(places, row));
    for round in 0..ROUNDS {
        let downward = round % 2 == 0;
        let sequence: Vec<usize> =
            if downward { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
        for layer in sequence {
            let mut keyed: Vec<(f64, usize)> = rows[layer]
                .iter()
                .map(|place| {
                    let near = if downward { &places[*place].above } else { &places[*place].below };
                    (mean(places, near).unwrap_or(places[*place].x), *place)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows[layer] = keyed.into_iter().map(|(_, place)| place).collect();
            renumber(places, &rows[layer]);
        }
    }
}

/// Moves each place towards its neighbours above and below, as far as its row lets it.
fn straighten(places: &mut [Place], rows: &[Vec<usize>]) {
    for row in rows {
        let mut x = 0.0;
        for place in row {
            places[*place].x = x + places[*place].width / 2.0;
            x += places[*place].width + GAP;
        }
    }
    for round in 0..ROUNDS * 2 {
        let downward = round % 2 == 0;
        let sequence: Vec<usize> =
            if downward { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
        for layer in sequence {
            let wanted: Vec<f64> = rows[layer]
                .iter()
                .map(|place| {
                    let near = if downward { &places[*place].above } else { &places[*place].below };
                    mean(places, near).unwrap_or(places[*place].x)
                })
                .collect();
            settle(places, &rows[layer], &wanted);
        }
    }
}

/// Puts a row as near to where it wants to be as its order and widths allow: the mean of
/// pushing from the left and pushing from the right.
fn settle(places: &mut [Place], row: &[usize], wanted: &[f64]) {
    let mut from_left = wanted.to_vec();
    let mut from_right = wanted.to_vec();
    let apart = |places: &[Place], a: usize, b: usize| {
        (places[row[a]].width + places[row[b]].width) / 2.0 + GAP
    };
    for at in 1..row.len() {
        from_left[at] = from_left[at].max(from_left[at - 1] + apart(places, at - 1, at));
    }
    for at in (1..row.len()).rev() {
        from_right[at - 1] = from_right[at - 1].min(from_right[at] - apart(places, at - 1, at));
    }
    for (at, place) in row.iter().enumerate() {
        places[*place].x = f64::midpoint(from_left[at], from_right[at]);
    }
}

fn mean(places: &[Place], near: &[usize]) -> Option<f64> {
    let count = u32::try_from(near.len()).ok().filter(|n| *n > 0)?;
    Some(near.iter().map(|place| places[*place].x).sum::<f64>() / f64::from(count))
}
