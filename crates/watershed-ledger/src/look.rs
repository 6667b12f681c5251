//! Looking at a run: counts, budget, and what waits for what.

use std::collections::BTreeSet;
use std::sync::Arc;

use watershed_model::{Category, Millis, Plan, RunId, RunState, Source, Step, StepId, WaitReport};

use crate::decide::heads::Heads;
use crate::fold::Ground;
use crate::order;
use crate::scarce::{Bar, Scarce};
use crate::tables::{Budget, Counts, Queue, RunRecord, Tables, Tally};
use crate::{Error, RunLine, RunView, StepCounts, WorkerView};

/// The operation whose task looks again and again for what has come.
const LISTENS: &str = "watershed.events";

/// What a view of a run is made of, wherever it was read.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The run.
    pub run: RunRecord,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Its counts.
    pub counts: Counts,
    /// Its account's budget.
    pub budget: Budget,
    /// The heads of its queues, and how far in front they stand.
    pub heads: Vec<(Queue, i64)>,
    /// When the first delayed task is due.
    pub due_at: Option<Millis>,
    /// Tasks that are delayed because a call did not go well.
    pub tries: u64,
    /// Tasks that are delayed because their answer was not there yet.
    pub not_yet: u64,
    /// Tasks leased now.
    pub leased: u64,
}

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
    let budget = tables.budget(&record.account)?;
    let ground = Ground::loaded(record, plan, counts);
    let mut heads = Vec::new();
    for category in Category::ALL.into_iter().map(Some).chain([None]) {
        heads.extend(Heads::of(tables, &ground, category)?.ranks());
    }
    let Ground { run: record, plan, counts, .. } = ground;
    Ok(Some(show(
        Seen {
            run: record,
            plan,
            counts,
            budget,
            heads,
            due_at: tables.first_due(run)?,
            tries: tables.delayed(run, false)?,
            not_yet: tables.delayed(run, true)?,
            leased: tables.leased(run)?,
        },
        now,
    )))
}

/// The view of what was read.
pub fn show(seen: Seen, now: Millis) -> RunView {
    let Seen { run, plan, counts, budget, heads, due_at, tries, not_yet, leased } = seen;
    let ground = Ground::loaded(run, plan, counts);
    let Standing { waiting, barred, idle } = Standing::of(&heads, &ground, &budget, now);
    let Ground { run: record, plan, counts, .. } = ground;
    let budget = budget.report(now, |category| waiting.contains(&category));
    let mut waits = Vec::new();
    if record.state == RunState::Running {
        for limit in budget.iter().filter(|b| b.binds) {
            let count = open_of(&plan, &counts, &limit.category);
            let why = format!("the {} budget of this {}", limit.category, limit.period);
            waits.push(WaitReport { why, count, until: limit.free_at.clone() });
        }
        waits.extend(barred);
    }
    for (count, why) in [
        (tries, "another try of calls that did not go well"),
        (
            not_yet.saturating_sub(listening(&plan, &counts)),
            "answers that are not there yet at Zoom",
        ),
    ] {
        if count > 0 {
            let until = due_at.map(|at| at.to_string());
            waits.push(WaitReport { why: why.to_owned(), count, until });
        }
    }
    RunView {
        run: record.run,
        connection: record.connection,
        account: record.account,
        steps: steps(&plan, &counts),
        plan,
        plan_hash: record.plan_hash,
        inputs: record.inputs,
        granted: record.granted,
        trigger: record.trigger,
        state: record.state,
        why: record.why,
        submitted_at: record.submitted_at,
        ended_at: record.ended_at,
        calls: counts.calls,
        least: counts.least,
        repeated: counts.repeated,
        throttled: counts.throttled,
        budget,
        waits,
        leased,
        next_at: due_at.filter(|_| idle && leased == 0),
    }
}

/// Tasks that wait for what comes, and for no answer.
fn listening(plan: &Plan, counts: &Counts) -> u64 {
    let no_call = |(step, _): &(&Step, &Tally)| step.operation.as_str() == LISTENS;
    let steps = plan.steps.iter().zip(&counts.steps).filter(no_call);
    steps.map(|(_, tally)| tally.open - tally.leased.min(tally.open)).sum()
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

/// All workers, those that spoke last first.
///
/// # Errors
/// The tables'.
pub fn workers(tables: &mut impl Tables) -> Result<Vec<WorkerView>, Error> {
    let mut seen = Vec::new();
    for worker in tables.workers()? {
        let Some(record) = tables.worker(&worker)? else { continue };
        let leases = tables.leases_of(&worker)?.len() as u64;
        seen.push(WorkerView { worker, seen_at: record.at, leases });
    }
    seen.sort_by_key(|view| std::cmp::Reverse(view.seen_at));
    Ok(seen)
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
    fn of(heads: &[(Queue, i64)], ground: &Ground, budget: &Budget, now: Millis) -> Standing {
        let scarce = Scarce::of(ground, budget, now);
        let mut standing = Standing { waiting: BTreeSet::new(), barred: Vec::new(), idle: true };
        for (queue, rank) in heads {
            standing.idle = false;
            let month = order::month_of(*rank);
            let category = match queue {
                Queue::Listed(category) => *category,
                Queue::Dated(step) | Queue::Undated(step) => ground.plan.step(*step).category,
            };
            match scarce.bar(*queue, month) {
                Some(bar) => standing.barred.extend(why(ground, *queue, month, bar)),
                None => standing.waiting.extend(category),
            }
        }
        standing
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
