//! Pause, resume, cancel; and the bounded dropping of a cancelled run's open items.

use watershed_model::{ConnectionName, Millis, RunId, RunState};

use super::exchange::{Grounds, served, touched};
use super::ground;
use super::settle::close_task_unit;
use super::spawn;
use crate::fold::{self, Ground};
use crate::tables::{JoinState, Ready, Tables};
use crate::{Error, Reply};

/// Chunks and tasks dropped in one step.
const DROPPED_MAX: usize = 64;

pub(super) fn pause(tables: &mut impl Tables, run: &RunId) -> Result<Reply, Error> {
    let mut ground = ground(tables, run)?;
    match ground.run.state {
        RunState::Running => ground.run.state = RunState::Paused,
        RunState::Paused => {}
        state => return Err(illegal("pause", run, state)),
    }
    ground.keep(tables)?;
    Ok(Reply::Done)
}

pub(super) fn resume(tables: &mut impl Tables, run: &RunId, now: Millis) -> Result<Reply, Error> {
    let mut ground = ground(tables, run)?;
    match ground.run.state {
        RunState::Paused | RunState::Failed => {
            ground.run.state = RunState::Running;
            ground.run.why = None;
            ground.run.ended_at = None;
            let root = ground.run.root;
            fold::settle_scope(tables, &mut ground, root, now)?;
        }
        RunState::Running => {}
        state => return Err(illegal("resume", run, state)),
    }
    ground.keep(tables)?;
    Ok(Reply::Done)
}

pub(super) fn cancel(tables: &mut impl Tables, run: &RunId, now: Millis) -> Result<Reply, Error> {
    let mut ground = ground(tables, run)?;
    match ground.run.state {
        RunState::Running | RunState::Paused | RunState::Failed => {
            ground.run.state = RunState::Cancelling;
            ground.run.ended_at = None;
            drop_some(tables, &mut ground, now)?;
        }
        RunState::Cancelling | RunState::Cancelled => {}
        state => return Err(illegal("cancel", run, state)),
    }
    ground.keep(tables)?;
    Ok(Reply::Done)
}

/// Drops some more of the lanes' cancelled runs.
pub(super) fn sweep(
    tables: &mut impl Tables,
    grounds: &mut Grounds,
    lanes: &[ConnectionName],
    now: Millis,
) -> Result<(), Error> {
    for run in served(tables, grounds, lanes, &[RunState::Cancelling])? {
        let ground = touched(tables, grounds, &run)?;
        drop_some(tables, ground, now)?;
    }
    Ok(())
}

fn drop_some(tables: &mut impl Tables, ground: &mut Ground, now: Millis) -> Result<(), Error> {
    for work in tables.open_work(&ground.run.run, DROPPED_MAX)? {
        match work {
            Ready::Chunk(id) => {
                let Some(mut chunk) = tables.chunk(id)? else { continue };
                let waiting = chunk.len - chunk.next;
                for item in tables.items(id, chunk.next, waiting)? {
                    spawn::free_once(tables, ground, chunk.step, item.once)?;
                }
                let tally = &mut ground.counts.steps[chunk.step.index()];
                tally.open = tally.open.saturating_sub(u64::from(waiting));
                chunk.next = chunk.len;
                chunk.open -= waiting;
                if chunk.open > 0 {
                    tables.put_chunk(&chunk, None)?;
                } else {
                    tables.delete_chunk(id)?;
                    fold::close_unit(tables, ground, chunk.scope, chunk.step, now)?;
                }
            }
            Ready::Task(id) => {
                let Some(task) = tables.task(id)? else { continue };
                spawn::free_once(tables, ground, task.step, task.once)?;
                let tally = &mut ground.counts.steps[task.step.index()];
                tally.open = tally.open.saturating_sub(1);
                tables.delete_keys(id)?;
                tables.delete_task(id)?;
                close_task_unit(tables, ground, task.scope, task.step, now)?;
            }
        }
    }
    if ground.run.state == RunState::Cancelling && tables.leased(&ground.run.run)? == 0 {
        let root = fold::load(tables, ground.run.root)?;
        let waiting = root.states.iter().filter(|s| **s == JoinState::Waiting).count() as u64;
        if root.units <= waiting && tables.open_work(&ground.run.run, 1)?.is_empty() {
            ground.run.state = RunState::Cancelled;
            ground.run.ended_at = Some(now);
        }
    }
    Ok(())
}

fn illegal(command: &'static str, run: &RunId, state: RunState) -> Error {
    Error::Illegal { command, run: run.clone(), why: format!("it is {}", state.name()) }
}
