//! The report of a run: one shape for `status`, the end of `run`, and every page.

use std::collections::BTreeMap;

use watershed_ledger::{RunView, StepCounts};
use watershed_model::{
    BudgetUse, CallCount, Millis, Plan, RunReport, RunRow, Source, StepReport, Trigger, WaitReport,
};
use watershed_sink::CoverageCount;

use crate::exit;

/// The report of a run that the ledger knows, with rows by dataset and its coverage.
pub fn report_of_view(
    view: &RunView,
    rows: BTreeMap<String, u64>,
    coverage: &[CoverageCount],
    now: Millis,
) -> RunReport {
    let steps = view
        .plan
        .steps
        .iter()
        .zip(&view.steps)
        .map(|(step, counts)| StepReport {
            step: step.name.clone(),
            done: counts.closed_well(),
            known: counts.known,
            is_final: counts.is_final,
            failed: counts.failed,
        })
        .collect();
    let mut waits: Vec<WaitReport> = view.waits.clone();
    let later: u64 = view.steps.iter().map(|s| s.waiting).sum();
    if later > 0 {
        let why = "not there yet at Zoom; the next run asks again".to_owned();
        waits.push(WaitReport { why, count: later, until: None });
    }
    RunReport {
        run: view.run.clone(),
        workflow: view.plan.name.clone(),
        connection: view.connection.clone(),
        state: view.state,
        exit: view.state.ended().then(|| exit::of_run(view, coverage)),
        started_at: view.submitted_at.to_string(),
        ended_at: view.ended_at.map(|at| at.to_string()),
        steps,
        budget: view.budget.clone(),
        waits,
        // A run of events ends with its day.
        eta: if view.state.ended() || view.trigger == Trigger::Event {
            None
        } else {
            eta(view, now).map(|at| at.to_string())
        },
        calls: CallCount {
            spent: view.calls.values().sum(),
            least: view.least,
            repeated: view.repeated.clone(),
        },
        rows,
    }
}

/// The report of a run that only the sink remembers, with rows by dataset.
pub fn report_of_row(row: RunRow, rows: BTreeMap<String, u64>) -> RunReport {
    let at_end = row.evidence.unwrap_or_else(|| RunReport {
        run: row.id.clone(),
        workflow: row.workflow.clone(),
        connection: row.connection.clone(),
        state: row.state,
        exit: None,
        started_at: row.started_at.to_string(),
        ended_at: row.ended_at.map(|at| at.to_string()),
        steps: Vec::new(),
        budget: Vec::new(),
        waits: Vec::new(),
        eta: None,
        calls: CallCount::default(),
        rows: BTreeMap::new(),
    });
    RunReport { rows, ..at_end }
}

/// When the run will be done at best, by what is known so far: what each step is still to
/// ask, against what the account's limits let start. `None` before anything is known.
pub fn eta(view: &RunView, now: Millis) -> Option<Millis> {
    let expected = expected(&view.plan, &view.steps);
    let mut left: BTreeMap<&str, f64> = BTreeMap::new();
    for ((step, counts), expected) in view.plan.steps.iter().zip(&view.steps).zip(expected) {
        let closed = (counts.closed_well() + counts.failed) as f64;
        if let Some(category) = step.category {
            *left.entry(category.name()).or_default() += (expected - closed).max(0.0);
        }
    }
    let wait_ms = view
        .budget
        .iter()
        .map(|limit| {
            let calls: f64 = limit.category.split('+').filter_map(|c| left.get(c)).sum();
            wait_ms(limit, calls)
        })
        .fold(0.0, f64::max);
    let known = view.steps.iter().any(|s| s.known > 0);
    // Where nothing but waiting is left, it ends no sooner than the wait.
    let at = (now + wait_ms as i64).max(view.next_at.unwrap_or(now));
    known.then_some(at)
}

fn wait_ms(limit: &BudgetUse, calls: f64) -> f64 {
    if limit.share <= 0.0 {
        return 0.0;
    }
    match limit.period.as_str() {
        "second" => calls / limit.share * 1_000.0,
        "minute" => calls / limit.share * 60_000.0,
        _ => {
            let today = (limit.share - limit.used as f64).max(0.0);
            let more = (calls - today).max(0.0);
            (more / limit.share).ceil() * Millis::DAY as f64
        }
    }
}

/// Branches that each step will have, by what the closed branches of its sources brought.
fn expected(plan: &Plan, counts: &[StepCounts]) -> Vec<f64> {
    let mut expected: Vec<f64> = Vec::with_capacity(counts.len());
    for (step, own) in plan.steps.iter().zip(counts) {
        let known = own.known as f64;
        let grown = match &step.source {
            Source::Items(feeds) if !own.is_final => {
                let (mut closed, mut all) = (0.0, 0.0);
                for feed in feeds {
                    closed += counts[feed.step.index()].closed_well() as f64;
                    all += expected[feed.step.index()];
                }
                if closed > 0.0 { known * all / closed } else { known }
            }
            _ => known,
        };
        expected.push(grown.max(known));
    }
    expected
}
