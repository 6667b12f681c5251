//! Scopes: units that open and close, joins that are released, branches that fold.
//!
//! A unit is a chunk, a task, a waiting join or a scope, open directly in a scope. Each scope
//! counts its units, and for each join the units that it watches. A scope beneath counts as
//! one watched unit of its parent while it has any itself.

use std::sync::Arc;

use watershed_model::{Join, Millis, Order, Plan, RunState, StepId};

use crate::Error;
use crate::tables::{Counts, JoinState, RunRecord, Scope, ScopeId, Tables, Tally};

/// The run that a command works on.
pub(crate) struct Ground {
    /// The run.
    pub(crate) run: RunRecord,
    /// Its plan.
    pub(crate) plan: Arc<Plan>,
    /// Its counts.
    pub(crate) counts: Counts,
    /// Both as they were stored; `None` for a run that begins with this command.
    stored: Option<(RunRecord, Counts)>,
}

impl Ground {
    /// A run that begins.
    pub(crate) fn begun(run: RunRecord, plan: Arc<Plan>, counts: Counts) -> Ground {
        Ground { run, plan, counts, stored: None }
    }

    /// A run as it is stored.
    pub(crate) fn loaded(run: RunRecord, plan: Arc<Plan>, counts: Counts) -> Ground {
        let stored = Some((run.clone(), counts.clone()));
        Ground { run, plan, counts, stored }
    }

    /// Keeps what a command changed of the run.
    pub(crate) fn keep(&self, tables: &mut impl Tables) -> Result<(), Error> {
        let (run, counts) = match &self.stored {
            Some((run, counts)) => (*run != self.run, *counts != self.counts),
            None => (true, true),
        };
        if run {
            tables.put_run(&self.run)?;
        }
        if counts {
            tables.put_counts(&self.run.run, &self.counts)?;
        }
        Ok(())
    }

    /// Whether the run ended by this command.
    pub(crate) fn ended_now(&self) -> bool {
        let before = self.stored.as_ref().is_some_and(|(run, _)| run.state.ended());
        self.run.state.ended() && !before
    }

    /// One open item of a step and month more.
    pub(crate) fn open_item(&mut self, step: StepId, month: u16) {
        let tally = &mut self.counts.steps[step.index()];
        tally.open += 1;
        if month > 0 && self.plan.step(step).order == Order::NewestFirst {
            *tally.months.entry(month).or_default() += 1;
        }
    }

    /// Items of a step are leased.
    pub(crate) fn take(&mut self, step: StepId, items: usize) {
        self.counts.steps[step.index()].leased += items as u64;
    }

    /// An item of a step is not leased any more.
    pub(crate) fn give_up(&mut self, step: StepId) {
        let tally = &mut self.counts.steps[step.index()];
        tally.leased = tally.leased.saturating_sub(1);
    }

    /// One open item of a step and month less.
    pub(crate) fn close_item(&mut self, step: StepId, month: u16) -> Result<&mut Tally, Error> {
        let tally = &mut self.counts.steps[step.index()];
        if let Some(open) = tally.months.get_mut(&month) {
            *open = open.saturating_sub(1);
        }
        tally.months.retain(|_, open| *open > 0);
        tally.open = tally
            .open
            .checked_sub(1)
            .ok_or_else(|| damaged(format!("step {} counts less than nothing open", step.0)))?;
        Ok(tally)
    }
}

/// A new scope, its joins waiting, nothing open beneath it yet. Its own unit in the parent
/// is open; [`settle_scope`] closes it once its children were added and nothing is open.
pub(crate) fn open_scope(
    tables: &mut impl Tables,
    ground: &Ground,
    parent: Option<ScopeId>,
    level: u8,
    key: u64,
    joins: Vec<(StepId, Vec<String>)>,
) -> Result<ScopeId, Error> {
    let id = ScopeId(tables.next_id()?);
    let plan = &ground.plan;
    let state = |join: &Join| {
        if join.scope == level { JoinState::Waiting } else { JoinState::Elsewhere }
    };
    let scope = Scope {
        id,
        run: ground.run.run.clone(),
        parent,
        level,
        key,
        joins,
        folded: false,
        units: 0,
        counts: vec![0; plan.joins.len()],
        states: plan.joins.iter().map(state).collect(),
        again: vec![false; plan.joins.len()],
        failures: Default::default(),
    };
    tables.put_scope(&scope)?;
    if let Some(parent) = parent {
        let mut above = load(tables, parent)?;
        above.units += 1;
        tables.put_scope(&above)?;
    }
    for join in plan.joins.iter().filter(|j| j.scope == level) {
        open_unit(tables, ground, id, join.step)?;
    }
    Ok(id)
}

/// A scope that has folded counts in its parent again; one that is open is left alone.
pub(crate) fn reopen(tables: &mut impl Tables, id: ScopeId) -> Result<(), Error> {
    let mut here = load(tables, id)?;
    if let Some(parent) = here.parent.filter(|_| here.folded) {
        here.folded = false;
        tables.put_scope(&here)?;
        let mut above = load(tables, parent)?;
        above.units += 1;
        tables.put_scope(&above)?;
    }
    Ok(())
}

/// One more open unit of a step in a scope.
pub(crate) fn open_unit(
    tables: &mut impl Tables,
    ground: &Ground,
    scope: ScopeId,
    step: StepId,
) -> Result<(), Error> {
    count(tables, &ground.plan, scope, step, Turn::Opens)
}

/// One open unit less. What it releases is released, what it folds is folded, up to the run.
pub(crate) fn close_unit(
    tables: &mut impl Tables,
    ground: &mut Ground,
    scope: ScopeId,
    step: StepId,
    now: Millis,
) -> Result<(), Error> {
    count(tables, &ground.plan, scope, step, Turn::Closes)?;
    settle_scope(tables, ground, scope, now)
}

/// Releases the joins of a scope that nothing keeps waiting, and folds it where it is empty.
pub(crate) fn settle_scope(
    tables: &mut impl Tables,
    ground: &mut Ground,
    scope: ScopeId,
    now: Millis,
) -> Result<(), Error> {
    let mut at = Some(scope);
    while let Some(id) = at {
        release(tables, ground, id, now)?;
        let Some(mut here) = tables.scope(id)?.filter(|s| !s.folded) else { return Ok(()) };
        at = here.parent;
        if here.units > 0 {
            // What closed here may still have released a join further up.
            continue;
        }
        let Some(parent) = here.parent else { return end_run(ground, now) };
        let mut above = load(tables, parent)?;
        above.units = less(above.units, &above)?;
        tables.put_scope(&above)?;
        // One with dead letters beneath stays, with nothing open: a retry finds it again and
        // its joins are told of the other letters. So what stays is bounded by the letters.
        if here.failures.is_empty() {
            tables.delete_scope(id)?;
        } else {
            here.folded = true;
            tables.put_scope(&here)?;
        }
    }
    Ok(())
}

/// A join has run (one of its tasks closed).
pub(crate) fn join_closed(
    tables: &mut impl Tables,
    ground: &Ground,
    scope: ScopeId,
    step: StepId,
) -> Result<(), Error> {
    let Some(index) = ground.plan.joins.iter().position(|j| j.step == step) else { return Ok(()) };
    let mut here = load(tables, scope)?;
    if let JoinState::Open(n) = here.states[index] {
        here.states[index] = match n {
            0 | 1 => JoinState::Done,
            n => JoinState::Open(n - 1),
        };
        let again = here.again[index] && here.states[index] == JoinState::Done;
        if again {
            here.again[index] = false;
            here.states[index] = JoinState::Waiting;
        }
        tables.put_scope(&here)?;
        if again {
            open_unit(tables, ground, scope, step)?;
        }
    }
    Ok(())
}

/// Joins of this scope that have run already run once more.
pub(crate) fn rerun(
    tables: &mut impl Tables,
    ground: &Ground,
    scope: ScopeId,
    index: usize,
) -> Result<(), Error> {
    let mut here = load(tables, scope)?;
    match here.states[index] {
        JoinState::Done => {
            here.states[index] = JoinState::Waiting;
            tables.put_scope(&here)?;
            open_unit(tables, ground, scope, ground.plan.joins[index].step)
        }
        JoinState::Open(_) => {
            here.again[index] = true;
            tables.put_scope(&here)
        }
        JoinState::Waiting | JoinState::Elsewhere => Ok(()),
    }
}

/// A dead letter beneath a scope: known to every scope above it at once, so that a join hears
/// of it also from branches that are still open for something else.
pub(crate) fn count_failure(
    tables: &mut impl Tables,
    scope: ScopeId,
    step: StepId,
) -> Result<(), Error> {
    let mut at = Some(scope);
    while let Some(id) = at {
        let mut here = load(tables, id)?;
        *here.failures.entry(step).or_default() += 1;
        at = here.parent;
        tables.put_scope(&here)?;
    }
    Ok(())
}

/// A dead letter less beneath this one scope.
pub(crate) fn forget_failure(scope: &mut Scope, step: StepId) {
    if let Some(n) = scope.failures.get_mut(&step) {
        *n = n.saturating_sub(1);
        scope.failures.retain(|_, n| *n > 0);
    }
}

/// Loads a scope that must be there.
pub(crate) fn load(tables: &mut impl Tables, id: ScopeId) -> Result<Scope, Error> {
    tables.scope(id)?.ok_or_else(|| damaged(format!("scope {} is missing", id.0)))
}

/// The scope at that level, from one at or beneath it.
pub(crate) fn at_level(
    tables: &mut impl Tables,
    from: ScopeId,
    level: u8,
) -> Result<ScopeId, Error> {
    let mut id = from;
    loop {
        let here = load(tables, id)?;
        if here.level == level {
            return Ok(id);
        }
        id = here
            .parent
            .ok_or_else(|| damaged(format!("no scope of level {level} above {}", from.0)))?;
    }
}

/// An error for state that does not make sense.
pub(crate) fn damaged(why: String) -> Error {
    Error::Corrupt { place: "the ledger".to_owned(), why }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Opens,
    Closes,
}

/// Counts a unit in its scope, and for the joins that watch it as far up as they stand: a
/// scope beneath is one watched unit of its parent while it has any itself.
fn count(
    tables: &mut impl Tables,
    plan: &Plan,
    scope: ScopeId,
    step: StepId,
    turn: Turn,
) -> Result<(), Error> {
    let mut here = load(tables, scope)?;
    here.units = match turn {
        Turn::Opens => here.units + 1,
        Turn::Closes => less(here.units, &here)?,
    };
    let mut moved: Vec<usize> =
        (0..plan.joins.len()).filter(|i| plan.joins[*i].watches.contains(&step)).collect();
    loop {
        let mut further = Vec::new();
        for index in moved {
            let before = here.counts[index];
            here.counts[index] = match turn {
                Turn::Opens => before + 1,
                Turn::Closes => before
                    .checked_sub(1)
                    .ok_or_else(|| damaged(format!("scope {} counts below zero", here.id.0)))?,
            };
            let crossed = before.min(here.counts[index]) == 0;
            if crossed && plan.joins[index].scope < here.level {
                further.push(index);
            }
        }
        tables.put_scope(&here)?;
        let Some(parent) = here.parent.filter(|_| !further.is_empty()) else { return Ok(()) };
        here = load(tables, parent)?;
        moved = further;
    }
}

fn release(
    tables: &mut impl Tables,
    ground: &mut Ground,
    id: ScopeId,
    now: Millis,
) -> Result<(), Error> {
    loop {
        let Some(mut here) = tables.scope(id)? else { return Ok(()) };
        let due = (0..here.states.len())
            .find(|i| here.states[*i] == JoinState::Waiting && here.counts[*i] == 0);
        let Some(index) = due else { return Ok(()) };
        let step = ground.plan.joins[index].step;
        // A run that is being cancelled starts nothing more.
        let items: Vec<String> = here
            .joins
            .iter()
            .filter(|(s, _)| *s == step && ground.run.state != RunState::Cancelling)
            .flat_map(|(_, items)| items.iter().cloned())
            .collect();
        let n = u32::try_from(items.len()).unwrap_or(u32::MAX);
        here.states[index] = if n == 0 { JoinState::Done } else { JoinState::Open(n) };
        tables.put_scope(&here)?;
        for item in items {
            crate::decide::spawn::join_task(tables, ground, id, step, item, now)?;
        }
        // The waiting join's own unit, after those of its tasks: nothing reaches zero between.
        count(tables, &ground.plan, id, step, Turn::Closes)?;
    }
}

fn end_run(ground: &mut Ground, now: Millis) -> Result<(), Error> {
    if ground.run.state.ended() {
        return Ok(());
    }
    let judged = crate::decide::tolerate::judge_at_end(&ground.plan, &ground.counts);
    ground.run.state = match (ground.run.state, &judged) {
        (RunState::Cancelling, _) => RunState::Cancelled,
        (_, Some(_)) => RunState::Failed,
        (_, None) => RunState::Complete,
    };
    if ground.run.state == RunState::Failed {
        ground.run.why = judged;
    }
    ground.run.ended_at = Some(now);
    Ok(())
}

fn less(units: u64, scope: &Scope) -> Result<u64, Error> {
    units
        .checked_sub(1)
        .ok_or_else(|| damaged(format!("scope {} has fewer units than none", scope.id.0)))
}
