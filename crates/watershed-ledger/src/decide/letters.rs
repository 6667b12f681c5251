//! Retry: dead letters are put back, folded branches open again, joins above run again.

use watershed_model::{Child, Millis, RunId, RunState, ScopeSeed, StepId};

use super::{fit, ground, spawn};
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
    fit::letters(&ground.plan, run, letters)?;
    if !letters.is_empty() && ground.run.state.ended() {
        ground.run.state = RunState::Running;
        ground.run.why = None;
        ground.run.ended_at = None;
    }
    for letter in letters {
        one(tables, &mut ground, letter, now)?;
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
    let step = letter.step;
    if !spawn::dig_up_once(tables, ground, step, letter.once)? {
        return drop_letter(tables, ground, letter);
    }
    let scope = scope_of(tables, ground, letter)?;
    let above = joins_above(ground, step);
    let mut at = Some(scope);
    while let Some(id) = at {
        let mut here = fold::load(tables, id)?;
        fold::forget_failure(&mut here, step);
        at = here.parent;
        tables.put_scope(&here)?;
        for index in &above {
            fold::rerun(tables, ground, id, *index)?;
        }
    }
    let tally = &mut ground.counts.steps[step.index()];
    // A run that was rebuilt from the sink has not counted the letter.
    let counted = tally.failed > 0;
    tally.failed = tally.failed.saturating_sub(1);
    if join_runs_anyway(tables, ground, scope, step)? {
        if counted {
            let tally = &mut ground.counts.steps[step.index()];
            tally.known = tally.known.saturating_sub(1);
        }
        return fold::settle_scope(tables, ground, scope, now);
    }
    let tally = &mut ground.counts.steps[step.index()];
    tally.known += u64::from(!counted);
    ground.open_item(step, letter.bucket);
    let child = Child {
        step,
        item: letter.item.clone(),
        once: letter.once,
        bucket: letter.bucket,
        together: false,
    };
    spawn::loose(tables, ground, scope, child, now).map(|_| ())
}

/// Somebody else has the letter's key: as the later comer it counts as done.
fn drop_letter(
    tables: &mut impl Tables,
    ground: &mut Ground,
    letter: &Letter,
) -> Result<(), Error> {
    let tally = &mut ground.counts.steps[letter.step.index()];
    if tally.failed > 0 {
        tally.failed -= 1;
        tally.done += 1;
    }
    let mut at = Some(ground.run.root);
    let mut seeds = letter.scopes.iter();
    while let Some(id) = at {
        let mut here = fold::load(tables, id)?;
        fold::forget_failure(&mut here, letter.step);
        if here.folded && here.failures.is_empty() {
            tables.delete_scope(id)?;
        } else {
            tables.put_scope(&here)?;
        }
        at = match seeds.next() {
            Some(seed) => tables.scope_beneath(id, seed.level, seed.key)?,
            None => None,
        };
    }
    Ok(())
}

/// For a join's own dead letter: whether the join is to run again there with all of its
/// items, this one included. Where it is not, one more of its tasks is open.
fn join_runs_anyway(
    tables: &mut impl Tables,
    ground: &Ground,
    scope: ScopeId,
    step: StepId,
) -> Result<bool, Error> {
    let Some(index) = ground.plan.joins.iter().position(|j| j.step == step) else {
        return Ok(false);
    };
    let mut here = fold::load(tables, scope)?;
    here.states[index] = match here.states[index] {
        JoinState::Waiting => return Ok(true),
        JoinState::Elsewhere => return Ok(false),
        JoinState::Open(_) if here.again[index] => return Ok(true),
        JoinState::Open(n) => JoinState::Open(n.saturating_add(1)),
        JoinState::Done => JoinState::Open(1),
    };
    tables.put_scope(&here)?;
    Ok(false)
}

/// Joins that watch the step, and joins that watch those, and so on.
fn joins_above(ground: &Ground, step: StepId) -> Vec<usize> {
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

/// The letter's scope: found where it is known, made again where it is not; open either way.
fn scope_of(tables: &mut impl Tables, ground: &Ground, letter: &Letter) -> Result<ScopeId, Error> {
    let mut scope = ground.run.root;
    for seed in &letter.scopes {
        scope = match tables.scope_beneath(scope, seed.level, seed.key)? {
            Some(id) => {
                fold::reopen(tables, id)?;
                id
            }
            None => made_again(tables, ground, scope, seed)?,
        };
    }
    Ok(scope)
}

/// A scope that is not known any more: its joins have run already.
fn made_again(
    tables: &mut impl Tables,
    ground: &Ground,
    parent: ScopeId,
    seed: &ScopeSeed,
) -> Result<ScopeId, Error> {
    let id = ScopeId(tables.next_id()?);
    let plan = &ground.plan;
    let state = |level: u8| {
        if level == seed.level { JoinState::Done } else { JoinState::Elsewhere }
    };
    let scope = Scope {
        id,
        run: ground.run.run.clone(),
        parent: Some(parent),
        level: seed.level,
        key: seed.key,
        joins: seed.joins.clone(),
        folded: true,
        units: 0,
        counts: vec![0; plan.joins.len()],
        states: plan.joins.iter().map(|j| state(j.scope)).collect(),
        again: vec![false; plan.joins.len()],
        failures: Default::default(),
    };
    tables.put_scope(&scope)?;
    fold::reopen(tables, id)?;
    Ok(id)
}
