//! Retry: dead letters are put back, folded branches open again, joins above run again.

use watershed_model::{Child, Millis, RunId, RunState};

use super::{ground, spawn};
use crate::fold::{self, Ground};
use crate::tables::{JoinState, Scope, ScopeId, Tables};
use crate::{Error, Letter, Reply};

pub(super) fn put_back(
    tables: &mut impl Tables,
    run: &RunId,
    letters: &[Letter],
    now: Millis,
) -> Result<Reply, Error> {
    let mut ground = ground(tables, run)?;
    if matches!(ground.run.state, RunState::Cancelling | RunState::Cancelled) {
        let why = format!("it is {}", ground.run.state.name());
        return Err(Error::Illegal { command: "retry", run: run.clone(), why });
    }
    // Checked before the first write: an error leaves everything as it was.
    if let Some(letter) = letters.iter().find(|l| l.step.index() >= ground.plan.steps.len()) {
        return Err(fold::damaged(format!("a dead letter names step {}", letter.step.0)));
    }
    for letter in letters {
        one(tables, &mut ground, letter, now)?;
    }
    if !letters.is_empty() && ground.run.state.ended() {
        ground.run.state = RunState::Running;
        ground.run.why = None;
        ground.run.ended_at = None;
    }
    let root = ground.run.root;
    fold::settle_scope(tables, &mut ground, root, now)?;
    ground.keep(tables)?;
    Ok(Reply::PutBack { letters: letters.len() as u64 })
}

fn one(
    tables: &mut impl Tables,
    ground: &mut Ground,
    letter: &Letter,
    now: Millis,
) -> Result<(), Error> {
    let above = joins_above(ground, letter.step);
    let scope = scope_of(tables, ground, letter)?;
    let mut at = Some(scope);
    while let Some(id) = at {
        let mut here = fold::load(tables, id)?;
        if let Some(n) = here.failures.get_mut(&letter.step) {
            *n = n.saturating_sub(1);
            here.failures.retain(|_, n| *n > 0);
        }
        at = here.parent;
        tables.put_scope(&here)?;
        for index in &above {
            fold::rerun(tables, ground, id, *index)?;
        }
    }
    let tally = &mut ground.counts.steps[letter.step.index()];
    tally.failed = tally.failed.saturating_sub(1);
    tally.open += 1;
    let child = Child {
        step: letter.step,
        item: letter.item.clone(),
        once: letter.once,
        bucket: letter.bucket,
    };
    if let Some(once) = letter.once {
        // The dead letter kept its key; a key that was lost with the ledger is taken anew.
        spawn::take_once(tables, ground, letter.step, once)?;
    }
    spawn::loose(tables, ground, scope, child, now).map(|_| ())
}

/// Joins that watch the step, and joins that watch those, and so on.
fn joins_above(ground: &Ground, step: watershed_model::StepId) -> Vec<usize> {
    let joins = &ground.plan.joins;
    let mut steps = vec![step];
    let mut above = Vec::new();
    while let Some(step) = steps.pop() {
        for (index, join) in joins.iter().enumerate() {
            if join.watches.contains(&step) && !above.contains(&index) {
                above.push(index);
                steps.push(join.step);
            }
        }
    }
    above
}

/// The letter's scope: found where it is open, made again where it has folded.
fn scope_of(tables: &mut impl Tables, ground: &Ground, letter: &Letter) -> Result<ScopeId, Error> {
    let mut scope = ground.run.root;
    for seed in &letter.scopes {
        scope = match tables.scope_beneath(scope, seed.level, seed.key)? {
            Some(id) => id,
            None => reopened(tables, ground, scope, seed)?,
        };
    }
    Ok(scope)
}

/// A folded scope opens again: its joins have run already.
fn reopened(
    tables: &mut impl Tables,
    ground: &Ground,
    parent: ScopeId,
    seed: &watershed_model::ScopeSeed,
) -> Result<ScopeId, Error> {
    let id = ScopeId(tables.next_id()?);
    let plan = &ground.plan;
    let scope = Scope {
        id,
        run: ground.run.run.clone(),
        parent: Some(parent),
        level: seed.level,
        key: seed.key,
        joins: seed.joins.clone(),
        units: 0,
        counts: vec![0; plan.joins.len()],
        states: plan
            .joins
            .iter()
            .map(|j| if j.scope == seed.level { JoinState::Done } else { JoinState::Elsewhere })
            .collect(),
        again: vec![false; plan.joins.len()],
        failures: Default::default(),
    };
    tables.put_scope(&scope)?;
    let mut above = fold::load(tables, parent)?;
    above.units += 1;
    tables.put_scope(&above)?;
    Ok(id)
}
