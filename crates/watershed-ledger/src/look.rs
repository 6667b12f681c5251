//! Looking at a run: counts, budget, and what waits for what.

use std::collections::BTreeSet;

use watershed_model::{Category, Millis, Plan, RunId, RunState, Source, StepId, WaitReport};

use crate::decide::heads::Heads;
use crate::fold::Ground;
use crate::scarce::{Bar, Scarce};
use crate::tables::{Budget, Counts, Queue, Tables};
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
    let ground = Ground::loaded(record, plan, counts);
    let Standing { waiting, barred, idle } = Standing::of(tables, &ground, &budget, now)?;
    let Ground { run: record, plan, counts, .. } = ground;
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
        waits.extend(barred);
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

/// What is ready in a run.
struct Standing {
    /// Categories of which anything waits for nothing but its budget.
    waiting: BTreeSet<Category>,
    /// What is barred, and why.
    barred: Vec<WaitReport>,
    /// Whether nothing is ready.
    idle: bool,
}

impl Standing {
    fn of(
        tables: &mut impl Tables,
        ground: &Ground,
        budget: &Budget,
        now: Millis,
    ) -> Result<Standing, Error> {
        let scarce = Scarce::of(ground, budget, now);
        let mut standing = Standing { waiting: BTreeSet::new(), barred: Vec::new(), idle: true };
        for category in Category::ALL.into_iter().map(Some).chain([None]) {
            let heads = Heads::of(tables, ground, category)?;
            for (queue, month, bar) in heads.barred(&scarce) {
                standing.idle = false;
                match bar {
                    Some(bar) => standing.barred.extend(why(ground, queue, month, bar)),
                    None => standing.waiting.extend(category),
                }
            }
        }
        Ok(standing)
    }
}

/// What waits in a barred queue, in words.
fn why(ground: &Ground, queue: Queue, month: u16, bar: Bar) -> Option<WaitReport> {
    let (Queue::Dated(step) | Queue::Undated(step)) = queue else { return None };
    let tally = &ground.counts.steps[step.index()];
    let count = match queue {
        Queue::Undated(_) => tally.undated(),
        _ => tally.months.range(..=month).map(|(_, open)| open).sum(),
    };
    let name = |step: StepId| ground.plan.step(step).name.as_str();
    let (step, cause, until) = match bar {
        Bar::Newer { from, until } => {
            let cause = format!("newer months are still being looked for ({})", name(from));
            (name(step), cause, Some(until.to_string()))
        }
        Bar::Enough { step: scarce } => {
            let category = ground.plan.step(scarce).category.map_or("daily", Category::name);
            let cause = format!("two days of the {category} budget wait for {}", name(scarce));
            (name(step), cause, None)
        }
    };
    Some(WaitReport { why: format!("{step}, while {cause}"), count, until })
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
