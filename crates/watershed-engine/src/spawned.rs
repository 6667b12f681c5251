//! Children of records: items for the steps beneath, and coverage for those kept out.

use std::collections::BTreeSet;

use serde_json::Value;
use watershed_ledger::Leased;
use watershed_model::{Brood, Coverage, CoverageState, DeadLetter, Millis, Row};
use watershed_workflow::{Expanded, Skip};
use watershed_zoom::unseen::UNSEEN;

use crate::active::ActiveRun;
use crate::entry::coverage_of;
use crate::letter::{Trouble, letter};

/// Children of records, and what stands in coverage for those that were kept out.
#[derive(Default)]
pub(crate) struct Spawned {
    pub(crate) broods: Vec<Brood>,
    pub(crate) coverage: Vec<Coverage>,
    pub(crate) failures: Vec<DeadLetter>,
}

impl Spawned {
    /// The children of what a page brought.
    pub(crate) fn of_rows(leased: &Leased, run: &ActiveRun, rows: &[Row], now: Millis) -> Spawned {
        if !feeds(leased, run) {
            return Spawned::default();
        }
        let records = watershed_zoom::items(run.operation(leased.step), rows);
        Spawned::of(leased, run, &records, now)
    }

    /// The children of these records, as steps beneath see them.
    pub(crate) fn of(leased: &Leased, run: &ActiveRun, items: &[Value], now: Millis) -> Spawned {
        let mut spawned = Spawned::default();
        if !feeds(leased, run) {
            return spawned;
        }
        for record in items {
            match run.program.expand(&run.context, leased.step, &leased.item, record) {
                Ok(expanded) => spawned.take(run, expanded, now),
                Err(error) => {
                    let trouble = Trouble::expression(&error);
                    spawned.failures.push(letter(leased, run, None, trouble, now));
                }
            }
        }
        spawned
    }

    pub(crate) fn take(&mut self, run: &ActiveRun, expanded: Expanded, now: Millis) {
        self.broods.extend(expanded.broods);
        self.coverage.extend(kept_out(run, expanded.skipped, now));
    }
}

/// Whether steps beneath take records of this one.
pub(crate) fn feeds(leased: &Leased, run: &ActiveRun) -> bool {
    !run.program.plan().step(leased.step).feeds.is_empty()
}

/// Coverage of children that their step's condition keeps out.
pub(crate) fn kept_out(run: &ActiveRun, skipped: Vec<Skip>, now: Millis) -> Vec<Coverage> {
    let line = |Skip { step, with }: Skip| {
        // What is no request is no question that coverage could name.
        let request = watershed_zoom::request(run.operation(step), &with, None).ok()?;
        let coverage = coverage_of(run, run.operation(step), &request, now);
        let reason = format!("condition of step {}", run.program.plan().step(step).name);
        Some(Coverage { state: CoverageState::Skipped, reason: Some(reason), ..coverage })
    };
    skipped.into_iter().filter_map(line).collect()
}

/// Coverage of what the operations of the plan cannot show with any call.
pub(crate) fn unseen(run: &ActiveRun, now: Millis) -> Vec<Coverage> {
    let used: BTreeSet<&str> =
        run.program.plan().steps.iter().map(|step| step.operation.as_str()).collect();
    let left_out = UNSEEN.iter().filter(|unseen| used.contains(unseen.operation));
    left_out
        .map(|unseen| Coverage {
            connection: run.connection().clone(),
            operation: unseen.operation.into(),
            subject: unseen.subject(),
            from: None,
            to: None,
            state: CoverageState::Unavailable,
            reason: Some(unseen.why.to_owned()),
            rows: 0,
            retry_at: None,
            run: run.id.clone(),
            at: now,
        })
        .collect()
}
