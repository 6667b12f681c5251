//! What is written of one question: its coverage, and the listing that its rows belong to.

use watershed_ledger::Leased;
use watershed_model::{Coverage, CoverageState, Millis, Operation, Window};
use watershed_sink::{Listing, Part, Write};
use watershed_zoom::Request;

use crate::active::ActiveRun;

/// A window that reaches into the present is known up to its first call less this: records
/// of what just happened come late.
const PRESENT_MARGIN_MS: i64 = 15 * 60_000;

/// Coverage of a question, its state still open.
pub(crate) fn coverage_of(
    run: &ActiveRun,
    operation: &Operation,
    request: &Request,
    now: Millis,
) -> Coverage {
    Coverage {
        connection: run.connection().clone(),
        operation: operation.id.into(),
        subject: request.subject.clone(),
        from: request.window.as_ref().map(|w| w.from.to_string()),
        to: request.window.as_ref().map(|w| w.to.to_string()),
        state: CoverageState::Partial,
        reason: None,
        rows: 0,
        retry_at: None,
        run: run.id.clone(),
        at: now,
    }
}

/// What is written of one question.
pub(crate) struct Entry {
    write: Write,
    window: Option<Window>,
}

impl Entry {
    pub(crate) fn new(run: &ActiveRun, leased: &Leased, request: &Request, now: Millis) -> Entry {
        let operation = run.operation(leased.step);
        let coverage = coverage_of(run, operation, request, now);
        let listing = Listing {
            subject: request.subject.clone(),
            from: coverage.from.clone(),
            to: coverage.to.clone(),
            operation: operation.id.into(),
        };
        let write = Write {
            connection: run.connection().clone(),
            run: run.id.clone(),
            fetched_at: now,
            rows: Vec::new(),
            coverage: vec![coverage],
            listing: Some(listing),
            part: None,
        };
        Entry { write, window: request.window }
    }

    /// A page of an answer, after which `rows` have come in all.
    pub(crate) fn page(mut self, operation: &Operation, first: bool, rows: u64) -> Entry {
        self.write.coverage[0].rows = rows;
        self.write.part = Some(Part { dataset: operation.dataset, first });
        self
    }

    /// Cuts the window at the present, where it reaches so far.
    pub(crate) fn known_until(mut self, first_at: Millis) -> Entry {
        let known = first_at + -PRESENT_MARGIN_MS;
        if let Some(window) = self.window
            && window.to >= known.date()
        {
            self.write.coverage[0].to = Some(known.to_string());
        }
        self
    }

    pub(crate) fn state(mut self, state: CoverageState, reason: Option<String>) -> Write {
        let coverage = &mut self.write.coverage[0];
        coverage.state = state;
        coverage.reason = reason.map(|r| watershed_model::printable(&r, 300));
        self.write
    }

    pub(crate) fn write(self) -> Write {
        self.write
    }
}
