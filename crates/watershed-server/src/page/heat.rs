//! Cells of a heat map: how much of what is known in a month is complete, and what the rest is.

use std::collections::BTreeMap;
use std::fmt::Write;

use watershed_model::{CoverageState, number};

/// What is known, by month and state.
pub(super) struct Counts(BTreeMap<Option<String>, BTreeMap<usize, u64>>);

/// A cell.
pub(super) struct Cell {
    /// Months that it goes over.
    pub(super) span: usize,
    /// What it shows, in words.
    pub(super) words: String,
    /// SVG.
    pub(super) drawn: String,
}

impl Counts {
    pub(super) fn new() -> Counts {
        Counts(BTreeMap::new())
    }

    pub(super) fn add(&mut self, month: Option<&str>, state: CoverageState, count: u64) {
        let place = CoverageState::ALL.iter().position(|s| *s == state).unwrap_or_default();
        *self.0.entry(month.map(str::to_owned)).or_default().entry(place).or_default() += count;
    }

    fn of(&self, month: Option<&str>) -> Option<&BTreeMap<usize, u64>> {
        self.0.get(&month.map(str::to_owned))
    }
}

/// A cell for each of these months; one over all of them for what has no time.
pub(super) fn cells(counts: &Counts, months: &[&str]) -> Vec<Cell> {
    if let Some(timeless) = counts.of(None) {
        return vec![cell(Some(timeless), "any time", months.len().max(1))];
    }
    months.iter().map(|month| cell(counts.of(Some(month)), month, 1)).collect()
}

fn cell(of: Option<&BTreeMap<usize, u64>>, when: &str, span: usize) -> Cell {
    let mut drawn =
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">".to_owned();
    let mut words = Vec::new();
    let all: u64 = of.map_or(0, |of| of.values().sum());
    let mut x = 0.0;
    for (place, count) in of.into_iter().flatten() {
        let name = CoverageState::ALL[*place].name();
        let width = *count as f64 / all.max(1) as f64 * 100.0;
        // However little it is, one sees it.
        let width = width.max(1.5);
        let _ = write!(
            drawn,
            "<rect class=\"{name}\" x=\"{:.2}\" width=\"{width:.2}\" height=\"10\"/>",
            f64::min(x, 98.5)
        );
        x += width;
        words.push(format!("{} {name}", number(*count)));
    }
    drawn.push_str("</svg>");
    let words = if words.is_empty() { "never tried".to_owned() } else { words.join(", ") };
    Cell { span, words: format!("{when}: {words}"), drawn }
}

/// The last month until which, from the first on, all is complete, or is not to be had and known
/// to be so.
pub(super) fn through(counts: &Counts, months: &[&str]) -> String {
    let settled = |of: &BTreeMap<usize, u64>| {
        of.keys().all(|place| {
            !matches!(
                CoverageState::ALL[*place],
                CoverageState::Partial | CoverageState::Waiting | CoverageState::Failed
            )
        })
    };
    if let Some(timeless) = counts.of(None) {
        return if settled(timeless) { "all".to_owned() } else { "–".to_owned() };
    }
    let known = months.iter().skip_while(|month| counts.of(Some(month)).is_none());
    let whole = known.take_while(|month| counts.of(Some(month)).is_some_and(settled));
    whole.last().map_or("–".to_owned(), |month| (*month).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(known: &[(Option<&str>, CoverageState, u64)]) -> Counts {
        let mut counts = Counts::new();
        for (month, state, count) in known {
            counts.add(*month, *state, *count);
        }
        counts
    }

    #[test]
    fn a_month_that_was_never_tried_says_so_and_what_is_little_is_seen() {
        use CoverageState::{Complete, Failed};
        let counts = counts(&[(Some("2026-01"), Complete, 9_999), (Some("2026-01"), Failed, 1)]);
        let cells = cells(&counts, &["2026-01", "2026-02"]);
        assert_eq!(cells[0].words, "2026-01: 9,999 complete, 1 failed");
        assert!(cells[0].drawn.contains("class=\"failed\" x=\"98.50\" width=\"1.50\""));
        assert_eq!(cells[1].words, "2026-02: never tried");
        assert!(!cells[1].drawn.contains("rect"), "absence is no colour");
    }

    #[test]
    fn complete_through_ends_where_something_is_still_to_come() {
        use CoverageState::{Complete, Unavailable, Waiting};
        let months = ["2026-01", "2026-02", "2026-03", "2026-04"];
        let known = [
            (Some("2026-02"), Complete, 3),
            (Some("2026-03"), Unavailable, 3),
            (Some("2026-04"), Waiting, 1),
        ];
        assert_eq!(through(&counts(&known), &months), "2026-03");
        assert_eq!(through(&counts(&[(None, Complete, 3)]), &months), "all");
        assert_eq!(through(&counts(&[(None, Waiting, 3)]), &months), "–");
    }
}
