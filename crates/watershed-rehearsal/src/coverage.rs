//! A row of coverage in two bytes: what many rows say alike stands in a table beside them.

use std::collections::HashMap;

use watershed_model::{Coverage, CoverageState, Millis, RunId};
use watershed_sink::Ask;

/// Rows that are told apart: that there are any is what counts.
const ROWS_MAX: u16 = 1_000;
/// Lines of the table after which there are rows, or none.
const LINES_TOLD: usize = 50_000;

/// The place of a line in the table.
pub(crate) type Number = [u8; 2];

/// A line of the table: what is known of a subject and window, without which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Known {
    state: CoverageState,
    operation: u8,
    reason: u16,
    to: u16,
    /// Rows, at most [`ROWS_MAX`].
    pub(crate) rows: u16,
}

/// What rows say, by number, and the names in it.
#[derive(Default)]
pub(crate) struct Table {
    lines: Vec<Known>,
    numbers: HashMap<Known, Number>,
    operations: Vec<String>,
    /// The first one is number 1; 0 is none.
    texts: Vec<String>,
}

impl Table {
    /// In short.
    pub(crate) fn number(&mut self, coverage: &Coverage) -> Number {
        let mut known = self.known(coverage);
        if self.lines.len() > LINES_TOLD {
            known.rows = known.rows.min(1);
        }
        *self.numbers.entry(known).or_insert_with(|| {
            let number = u16::try_from(self.lines.len()).expect("rows are told apart no longer");
            self.lines.push(known);
            number.to_le_bytes()
        })
    }

    fn known(&mut self, coverage: &Coverage) -> Known {
        let operation = number(&mut self.operations, coverage.operation.as_str());
        let mut text = |text: &Option<String>| match text {
            Some(text) => number(&mut self.texts, text) + 1,
            None => 0,
        };
        Known {
            state: coverage.state,
            operation: u8::try_from(operation).expect("the catalogue is shorter than that"),
            reason: text(&coverage.reason),
            to: text(&coverage.to),
            rows: u16::try_from(coverage.rows).map_or(ROWS_MAX, |rows| rows.min(ROWS_MAX)),
        }
    }

    /// At length again. When it was learnt is not kept.
    pub(crate) fn coverage(
        &self,
        number: Number,
        ask: Ask,
        retry_at: Option<Millis>,
        run: RunId,
    ) -> Coverage {
        let known = self.line(number);
        Coverage {
            connection: ask.connection,
            operation: ask.operation,
            subject: ask.subject,
            from: ask.from,
            to: self.text(known.to),
            state: known.state,
            reason: self.text(known.reason),
            rows: u64::from(known.rows),
            retry_at,
            run,
            at: Millis(0),
        }
    }

    /// The line of that number.
    pub(crate) fn line(&self, number: Number) -> Known {
        self.lines[usize::from(u16::from_le_bytes(number))]
    }

    /// Operation, state and reason.
    pub(crate) fn told(&self, known: Known) -> (String, CoverageState, Option<String>) {
        let operation = self.operations[usize::from(known.operation)].clone();
        (operation, known.state, self.text(known.reason))
    }

    fn text(&self, number: u16) -> Option<String> {
        number.checked_sub(1).map(|number| self.texts[usize::from(number)].clone())
    }
}

/// The place of a name, the last one where there is no room for more.
fn number(names: &mut Vec<String>, name: &str) -> u16 {
    let place = names.iter().rposition(|known| known == name).unwrap_or_else(|| {
        if names.len() < usize::from(u16::MAX) - 1 {
            names.push(name.to_owned());
        }
        names.len() - 1
    });
    u16::try_from(place).expect("bounded above")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_in_short_comes_back_whole() {
        let mut table = Table::default();
        let rows = [("zoom.a", None, Some("2026-11-01")), ("zoom.b", Some("scope"), None)].map(
            |(operation, reason, to)| Coverage {
                connection: "c".into(),
                operation: operation.into(),
                subject: watershed_model::Subject("{}".to_owned()),
                from: None,
                to: to.map(str::to_owned),
                state: CoverageState::Unavailable,
                reason: reason.map(str::to_owned),
                rows: 3,
                retry_at: None,
                run: "r".into(),
                at: Millis(0),
            },
        );
        let numbers: Vec<Number> = rows.iter().map(|row| table.number(row)).collect();
        for (number, row) in numbers.into_iter().zip(&rows) {
            assert_eq!(table.coverage(number, Ask::of(row), None, "r".into()), *row);
        }
    }

    #[test]
    fn however_many_differ_it_stays_known_whether_there_were_rows() {
        let mut table = Table::default();
        for n in 0..200_000_u64 {
            let row = Coverage {
                connection: "c".into(),
                operation: "zoom.a".into(),
                subject: watershed_model::Subject("{}".to_owned()),
                from: None,
                to: Some((n / 1_000).to_string()),
                state: CoverageState::Complete,
                reason: None,
                rows: n % 1_000,
                retry_at: None,
                run: "r".into(),
                at: Millis(0),
            };
            let number = table.number(&row);
            let told = table.coverage(number, Ask::of(&row), None, "r".into());
            assert_eq!((told.to, told.rows > 0), (row.to, row.rows > 0));
        }
    }
}
