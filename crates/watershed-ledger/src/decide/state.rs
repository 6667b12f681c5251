//! Pause, resume, cancel; and the bounded dropping of a cancelled run's open items.

use watershed_model::{Millis, RunId, RunState};

use super::ground;
use super::settle::close_task_unit;
use super::spawn;
use crate::fold::{self, Ground};
use crate::tables::{ChunkId, Ready, Tables, TaskId};
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
            ground.run.why = None;
            ground.run.ended_at = None;
            spawn::free_buried(tables, &ground)?;
            sweep(tables, &mut ground, now)?;
        }
        RunState::Cancelling | RunState::Cancelled => {}
        state => return Err(illegal("cancel", run, state)),
    }
    ground.keep(tables)?;
    Ok(Reply::Done)
}

/// Drops some more of a run that is being cancelled; ends it where nothing is left.
pub(super) fn sweep(
    tables: &mut impl Tables,
    ground: &mut Ground,
    now: Millis,
) -> Result<(), Error> {
    if ground.run.state != RunState::Cancelling {
        return Ok(());
    }
    for work in tables.open_work(&ground.run.run, DROPPED_MAX)? {
        match work {
            Ready::Chunk(id) => drop_chunk(tables, ground, id, now)?,
            Ready::Task(id) => drop_task(tables, ground, id, now)?,
        }
    }
    // Joins that waited run no more; without open units the run ends here.
    let root = ground.run.root;
    fold::settle_scope(tables, ground, root, now)
}

/// Drops the items of a chunk that are not leased.
fn drop_chunk(
    tables: &mut impl Tables,
    ground: &mut Ground,
    id: ChunkId,
    now: Millis,
) -> Result<(), Error> {
    let Some(mut chunk) = tables.chunk(id)? else { return Ok(()) };
    let waiting = chunk.len - chunk.next;
    for item in tables.items(id, chunk.next, waiting)? {
        spawn::free_once(tables, ground, chunk.step, item.once)?;
        ground.close_item(chunk.step, chunk.bucket)?;
    }
    chunk.next = chunk.len;
    chunk.open = chunk
        .open
        .checked_sub(waiting)
        .ok_or_else(|| fold::damaged(format!("chunk {} has fewer items than none", id.0)))?;
    if chunk.open > 0 {
        return tables.put_chunk(&chunk, None);
    }
    tables.delete_chunk(id)?;
    fold::close_unit(tables, ground, chunk.scope, chunk.step, now)
}

fn drop_task(
    tables: &mut impl Tables,
    ground: &mut Ground,
    id: TaskId,
    now: Millis,
) -> Result<(), Error> {
    let Some(task) = tables.task(id)? else { return Ok(()) };
    spawn::free_once(tables, ground, task.step, task.once)?;
    ground.close_item(task.step, task.bucket)?;
    if task.keyed {
        tables.delete_keys(id)?;
    }
    tables.delete_task(id)?;
    close_task_unit(tables, ground, task.scope, task.step, now)
}

fn illegal(command: &'static str, run: &RunId, state: RunState) -> Error {
    Error::Illegal { command, run: run.clone(), why: format!("it is {}", state.name()) }
}
