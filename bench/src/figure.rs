//! Figures: a value beside those of the peers, as a row of the table or a member of the JSON.

use serde_json::{Map, Value, json};

/// Which of two figures is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Higher,
    Lower,
}

/// One figure.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// Peers and their figures; or why there is none.
    pub(crate) peers: Vec<(String, Result<f64, String>)>,
    /// The benchmark that gives it.
    pub(crate) of: &'static str,
}

impl Figure {
    /// A figure that no peer has, of the benchmark of the same name.
    pub(crate) fn alone(name: &'static str, value: f64, unit: &'static str) -> Figure {
        Figure { name, value, unit, better: Better::Lower, peers: Vec::new(), of: name }
    }

    /// How many times as good as the best of the peers; `None` without peers. Nothing at all
    /// (no call repeated) counts as one.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let lead = |peer: f64| match self.better {
            Better::Higher => self.value / peer,
            Better::Lower => peer / self.value.max(1.0),
        };
        self.peers
            .iter()
            .filter_map(|(_, value)| value.as_ref().ok().copied().map(lead))
            .reduce(f64::min)
    }

    fn command(&self) -> String {
        format!("bench/run {}", self.of)
    }
}

/// The table: value, unit, ratio, peers.
pub(crate) fn table(figures: &[Figure]) -> String {
    let row = |figure: &Figure| {
        let ratio = figure.ratio().map_or_else(String::new, |ratio| format!("{ratio:.1}x"));
        let peers: Vec<String> = figure
            .peers
            .iter()
            .map(|(peer, value)| match value {
                Ok(value) => format!("{peer}: {}", shown(*value)),
                Err(why) => format!("{peer}: skipped ({why})"),
            })
            .collect();
        let (name, value) = (figure.name, shown(figure.value));
        let row =
            format!("{name:<24} {value:>10} {:<38} {ratio:>7} {}", figure.unit, peers.join(" · "));
        row.trim_end().to_owned()
    };
    figures.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// The JSON document.
pub(crate) fn document(figures: &[Figure]) -> Value {
    let member = |figure: &Figure| {
        let peers: Map<String, Value> = figure
            .peers
            .iter()
            .map(|(peer, value)| match value {
                Ok(value) => (peer.clone(), json!(rounded(*value))),
                Err(why) => (peer.clone(), json!({ "skipped": why })),
            })
            .collect();
        let shown = json!({
            "value": rounded(figure.value),
            "unit": figure.unit,
            "peers": peers,
            "ratio": figure.ratio().map(rounded),
            "command": figure.command(),
        });
        (figure.name.to_owned(), shown)
    };
    Value::Object(figures.iter().map(member).collect())
}

/// The middle one; of two middle ones the lower.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn shown(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64, better: Better, peers: &[f64]) -> Figure {
        let peers = peers.iter().map(|value| ("peer".to_owned(), Ok(*value))).collect();
        Figure { name: "x", value, unit: "u", better, peers, of: "x" }
    }

    #[test]
    fn the_ratio_is_the_lead_over_the_best_peer() {
        assert_eq!(figure(300.0, Better::Higher, &[100.0, 10.0]).ratio(), Some(3.0));
        assert_eq!(figure(10.0, Better::Lower, &[50.0, 200.0]).ratio(), Some(5.0));
        assert_eq!(figure(0.0, Better::Lower, &[7.0]).ratio(), Some(7.0));
        assert_eq!(figure(1.0, Better::Lower, &[]).ratio(), None);
    }

    #[test]
    fn a_peer_that_was_skipped_says_why_and_does_not_count() {
        let mut figure = figure(10.0, Better::Higher, &[5.0]);
        figure.peers.push(("absent".to_owned(), Err("no Python".to_owned())));
        assert_eq!(figure.ratio(), Some(2.0));
        assert_eq!(document(&[figure])["x"]["peers"]["absent"]["skipped"], "no Python");
    }

    #[test]
    fn the_median_of_three_is_the_middle_one() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(Vec::new()), None);
    }
}
