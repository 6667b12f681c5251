//! A row of coverage in eight bytes: names stand in a table beside it.

use watershed_model::{Coverage, CoverageState, Millis, RunId};
use watershed_sink::Ask;

/// What is known of a subject and window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    state: CoverageState,
    operation: u8,
    reason: u16,
    to: u16,
    /// Rows, at most 65,535: that there are any is what counts.
    pub(crate) rows: u16,
}

/// Names that many rows share, by number; the first of each is none.
#[derive(Default)]
pub(crate) struct Names {
    operations: Vec<String>,
    texts: Vec<String>,
}

impl Names {
    /// In short.
    pub(crate) fn known(&mut self, coverage: &Coverage) -> Known {
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
            rows: u16::try_from(coverage.rows).unwrap_or(u16::MAX),
        }
    }

    /// At length again. When it was learnt is not kept.
    pub(crate) fn coverage(
        &self,
        known: Known,
        ask: Ask,
        retry_at: Option<Millis>,
        run: RunId,
    ) -> Coverage {
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
    fn a_row_takes_eight_bytes_and_comes_back_whole() {
        assert_eq!(size_of::<Known>(), 8);
        let mut names = Names::default();
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
        let known: Vec<Known> = rows.iter().map(|row| names.known(row)).collect();
        for (known, row) in known.into_iter().zip(&rows) {
            assert_eq!(names.coverage(known, Ask::of(row), None, "r".into()), *row);
        }
    }
}
