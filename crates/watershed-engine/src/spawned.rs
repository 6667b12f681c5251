//! Children of records: items for the steps beneath, and coverage for those kept out.

use serde_json::Value;
use watershed_ledger::Leased;
use watershed_model::{Brood, Coverage, CoverageState, DeadLetter, Millis};
use watershed_workflow::{Expanded, Skip};

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
    /// The children of these records.
    pub(crate) fn of(leased: &Leased, run: &ActiveRun, items: &[Value], now: Millis) -> Spawned {
        let mut spawned = Spawned::default();
        if run.program.plan().step(leased.step).feeds.is_empty() {
            return spawned;
        }
        for record in items {
            match run.program.expand(&run.context, leased.step, &leased.item, record) {
                Ok(expanded) => spawned.take(leased, run, expanded, now),
                Err(error) => {
                    let trouble = Trouble::expression(&error);
                    spawned.failures.push(letter(leased, run, None, trouble, now));
                }
            }
        }
        spawned
    }

    pub(crate) fn take(
        &mut self,
        leased: &Leased,
        run: &ActiveRun,
        expanded: Expanded,
        now: Millis,
    ) {
        self.broods.push(Brood { key: expanded.key, kin: expanded.children });
        for Skip { step, with } in expanded.skipped {
            let Ok(request) = watershed_zoom::request(run.operation(step), &with, None) else {
                continue;
            };
            let mut coverage = coverage_of(run, run.operation(step), &request, now);
            coverage.state = CoverageState::Skipped;
            coverage.reason =
                Some(format!("condition of step {}", run.program.plan().step(step).name));
            self.coverage.push(coverage);
        }
        let _ = leased;
    }
}
