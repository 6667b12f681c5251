//! Looking at a run: counts, budget, and what waits for what.

use std::collections::BTreeSet;

use watershed_model::{Category, Millis, Plan, RunId, RunState, Source, StepId, WaitReport};

use crate::tables::{Counts, Tables};
use crate::{Error, RunLine, RunView, StepCounts};

/// A run, whole; `None` where it is not known.
///
/// # Errors
/// The tables'.
pub fn view(tables: &mut impl Tables, run: &RunId, now: Millis) -> Result<Option<RunView>, Error> {
    let Some(record) = tables.run(run)? else { return Ok(None) };
    let plan = tables
        .plan(&record.plan_hash)?
        .ok_or_else(|| crate::fold::damaged(format!("the plan of run {run} is missing")))?;
    let counts = tables.counts(run)?;
    let steps = steps(&plan, &counts);
    let budget = tables.budget(&record.account)?;
    let mut waiting = BTreeSet::new();
    for category in Category::ALL {
        if !tables.ready(run, Some(category), 1)?.is_empty() {
            waiting.insert(category);
        }
    }
    let idle = waiting.is_empty() && tables.ready(run, None, 1)?.is_empty();
    let budget = budget.report(now, |category| waiting.contains(&category));
    let leased = tables.leased(run)?;
    let due_at = tables.first_due(run)?;
    let mut waits = Vec::new();
    if record.state == RunState::Running {
        for limit in budget.iter().filter(|b| b.binds) {
            let count = open_of(&plan, &counts, &limit.category);
            let why = format!("the {} budget of this {}", limit.category, limit.period);
            waits.push(WaitReport { why, count, until: limit.free_at.clone() });
        }
    }
    for (not_yet, why) in [
        (false, "another try of calls that did not go well"),
        (true, "answers that are not there yet at Zoom"),
    ] {
        let count = tables.delayed(run, not_yet)?;
        if count > 0 {
            let until = due_at.map(|at| at.to_string());
            waits.push(WaitReport { why: why.to_owned(), count, until });
        }
    }
    Ok(Some(RunView {
        run: record.run,
        connection: record.connection,
        account: record.account,
        plan: (*plan).clone(),
        plan_hash: record.plan_hash,
        inputs: record.inputs,
        granted: record.granted,
        trigger: record.trigger,
        state: record.state,
        why: record.why,
        submitted_at: record.submitted_at,
        ended_at: record.ended_at,
        steps,
        calls: counts.calls,
        least: counts.least,
        repeated: counts.repeated,
        throttled: counts.throttled,
        budget,
        waits,
        leased,
        next_at: due_at.filter(|_| idle && leased == 0),
    }))
}

/// All runs, newest first.
///
/// # Errors
/// The tables'.
pub fn lines(tables: &mut impl Tables) -> Result<Vec<RunLine>, Error> {
    let mut lines = Vec::new();
    for record in tables.runs()? {
        let plan = tables.plan(&record.plan_hash)?;
        lines.push(RunLine {
            run: record.run,
            workflow: plan.map_or_else(String::new, |p| p.name.clone()),
            connection: record.connection,
            state: record.state,
            submitted_at: record.submitted_at,
            ended_at: record.ended_at,
        });
    }
    lines.reverse();
    Ok(lines)
}

/// Open items of the steps whose calls are of these categories.
fn open_of(plan: &Plan, counts: &Counts, categories: &str) -> u64 {
    plan.steps
        .iter()
        .zip(&counts.steps)
        .filter(|(step, _)| {
            step.category.is_some_and(|c| categories.split('+').any(|name| name == c.name()))
        })
        .map(|(_, tally)| tally.open)
        .sum()
}

/// Counts of each step, and whether they are final: nothing that leads to it is open.
fn steps(plan: &Plan, counts: &Counts) -> Vec<StepCounts> {
    let mut settled: Vec<bool> = Vec::with_capacity(plan.steps.len());
    let mut shown = Vec::with_capacity(plan.steps.len());
    for (step, tally) in plan.steps.iter().zip(&counts.steps) {
        let closed = |id: &StepId| {
            let at = id.index();
            settled.get(at) == Some(&true) && counts.steps[at].open == 0
        };
        let is_final = match &step.source {
            Source::Run | Source::Literals(_) => true,
            Source::Items(feeds) => feeds.iter().all(|f| closed(&f.step)),
            Source::Join(_) => plan
                .joins
                .iter()
                .filter(|j| plan.step(j.step).name == step.name)
                .all(|j| j.watches.iter().all(closed)),
        };
        settled.push(is_final);
        shown.push(StepCounts {
            known: tally.known,
            done: tally.done,
            skipped: tally.skipped,
            unavailable: tally.unavailable,
            waiting: tally.waiting,
            failed: tally.failed,
            open: tally.open,
            is_final,
        });
    }
    shown
}
