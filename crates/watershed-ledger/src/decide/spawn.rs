//! Children become items: gathered by step, scope and month into chunks.

use std::collections::BTreeMap;

use watershed_model::{Brood, Child, Kin, Millis, RunState, StepId};

use crate::Error;
use crate::fold::{self, Ground};
use crate::order;
use crate::tables::{Chunk, ChunkId, Item, ScopeId, Tables, Task, TaskId};

/// Items of a chunk at most.
const ITEMS_MAX: u16 = 300;
/// Bytes of a chunk's items at most.
const BYTES_MAX: usize = 64 * 1024;

type Groups = BTreeMap<(StepId, ScopeId, u16), Vec<Item>>;

/// Children on their way into chunks.
#[derive(Default)]
struct Gathered {
    groups: Groups,
    /// Scopes that were opened for them.
    opened: Vec<ScopeId>,
    /// The scope of a level above one, looked up once for all of them.
    above: BTreeMap<(ScopeId, u8), ScopeId>,
}

impl Gathered {
    fn at_level(
        &mut self,
        tables: &mut impl Tables,
        from: ScopeId,
        level: u8,
    ) -> Result<ScopeId, Error> {
        if let Some(known) = self.above.get(&(from, level)) {
            return Ok(*known);
        }
        let found = fold::at_level(tables, from, level)?;
        self.above.insert((from, level), found);
        Ok(found)
    }
}

/// Adds children beneath `scope`.
pub(crate) fn kin<'k>(
    tables: &mut impl Tables,
    ground: &mut Ground,
    scope: ScopeId,
    kin: impl IntoIterator<Item = &'k Kin>,
    now: Millis,
) -> Result<(), Error> {
    let mut gathered = Gathered::default();
    for kin in kin {
        gather(tables, ground, scope, kin, &mut gathered)?;
    }
    for ((step, scope, bucket), items) in gathered.groups {
        add(tables, ground, (step, scope, bucket), items)?;
    }
    // The deepest first: a scope that stayed empty releases its joins, or folds.
    for scope in gathered.opened.into_iter().rev() {
        fold::settle_scope(tables, ground, scope, now)?;
    }
    Ok(())
}

/// The broods of a page, less those whose key the listing has brought before.
pub(crate) fn fresh(broods: &[Brood], known: Vec<u64>) -> Vec<&Brood> {
    let mut seen: std::collections::BTreeSet<u64> = known.into_iter().collect();
    broods.iter().filter(|brood| seen.insert(brood.key)).collect()
}

/// A task of a released join.
pub(crate) fn join_task(
    tables: &mut impl Tables,
    ground: &mut Ground,
    scope: ScopeId,
    step: StepId,
    item: String,
    now: Millis,
) -> Result<(), Error> {
    let tally = &mut ground.counts.steps[step.index()];
    tally.known += 1;
    ground.open_item(step, 0);
    let child = Child { step, item, once: None, bucket: 0, together: false };
    loose(tables, ground, scope, child, now).map(|_| ())
}

/// A task with a record of its own, ready now.
pub(crate) fn loose(
    tables: &mut impl Tables,
    ground: &Ground,
    scope: ScopeId,
    child: Child,
    now: Millis,
) -> Result<TaskId, Error> {
    let task = Task {
        id: TaskId(tables.next_id()?),
        run: ground.run.run.clone(),
        step: child.step,
        scope,
        item: child.item,
        once: child.once,
        bucket: child.bucket,
        checkpoint: None,
        attempts: 0,
        lost: 0,
        restarts: 0,
        not_yet: false,
        keyed: false,
        due_at: now,
        together: child.together,
        leased: false,
    };
    tables.put_task(&task, Some(&order::of_task(&ground.plan, &task)))?;
    fold::open_unit(tables, ground, scope, task.step)?;
    Ok(task.id)
}

/// An item of a chunk as the task that it is while it is leased; without an id of its own.
pub(crate) fn of_item(chunk: &Chunk, item: Item) -> Task {
    Task {
        id: TaskId(0),
        run: chunk.run.clone(),
        step: chunk.step,
        scope: chunk.scope,
        item: item.item,
        once: item.once,
        bucket: chunk.bucket,
        checkpoint: None,
        attempts: 0,
        lost: 0,
        restarts: 0,
        not_yet: false,
        keyed: false,
        due_at: Millis(0),
        together: item.together,
        leased: true,
    }
}

fn gather(
    tables: &mut impl Tables,
    ground: &mut Ground,
    scope: ScopeId,
    kin: &Kin,
    gathered: &mut Gathered,
) -> Result<(), Error> {
    match kin {
        Kin::Task(child) => {
            let taken = match child.once {
                Some(once) => take_once(tables, ground, child.step, once)?,
                None => true,
            };
            let tally = &mut ground.counts.steps[child.step.index()];
            tally.known += 1;
            if !taken {
                tally.done += 1;
                return Ok(());
            }
            ground.open_item(child.step, child.bucket);
            let home = gathered.at_level(tables, scope, ground.plan.step(child.step).scope)?;
            let item =
                Item { item: child.item.clone(), once: child.once, together: child.together };
            gathered.groups.entry((child.step, home, child.bucket)).or_default().push(item);
        }
        Kin::Scope { level, key, joins, kin } => {
            let above = ground.plan.scopes[usize::from(*level)].parent.unwrap_or(0);
            let parent = gathered.at_level(tables, scope, above)?;
            let id = branch(tables, ground, parent, (*level, *key), joins)?;
            gathered.opened.push(id);
            for kin in kin {
                gather(tables, ground, id, kin, gathered)?;
            }
        }
    }
    Ok(())
}

/// The scope of a branch. Where another listing has brought the same one, the new children
/// hang there too, and its joins run after them.
fn branch(
    tables: &mut impl Tables,
    ground: &Ground,
    parent: ScopeId,
    (level, key): (u8, u64),
    joins: &[(StepId, Vec<String>)],
) -> Result<ScopeId, Error> {
    let Some(id) = tables.scope_beneath(parent, level, key)? else {
        return fold::open_scope(tables, ground, Some(parent), level, key, joins.to_vec());
    };
    fold::reopen(tables, id)?;
    for (index, join) in ground.plan.joins.iter().enumerate() {
        if join.scope == level {
            fold::rerun(tables, ground, id, index)?;
        }
    }
    Ok(id)
}

/// Takes a `once` key; false where it is open already.
pub(crate) fn take_once(
    tables: &mut impl Tables,
    ground: &Ground,
    step: StepId,
    once: u64,
) -> Result<bool, Error> {
    let operation = &ground.plan.step(step).operation;
    tables.take_once(&ground.run.connection, operation.as_str(), once)
}

/// Gives a `once` key free.
pub(crate) fn free_once(
    tables: &mut impl Tables,
    ground: &Ground,
    step: StepId,
    once: Option<u64>,
) -> Result<(), Error> {
    let Some(once) = once else { return Ok(()) };
    let operation = &ground.plan.step(step).operation;
    tables.free_once(&ground.run.connection, operation.as_str(), once)
}

/// What the keys of a run's dead letters are kept under, beside the operation's own: an item
/// that is put back takes over its own key, and nobody else's.
fn buried(ground: &Ground, operation: &str) -> String {
    format!("dead:{}:{operation}", ground.run.run)
}

/// An item failed: its key stays taken, and is marked as a dead letter's; but of a run that is
/// being cancelled nothing is put back.
pub(crate) fn bury_once(
    tables: &mut impl Tables,
    ground: &Ground,
    step: StepId,
    once: Option<u64>,
) -> Result<(), Error> {
    if ground.run.state == RunState::Cancelling {
        return free_once(tables, ground, step, once);
    }
    let Some(once) = once else { return Ok(()) };
    let operation = buried(ground, ground.plan.step(step).operation.as_str());
    tables.take_once(&ground.run.connection, &operation, once).map(|_| ())
}

/// A run is cancelled: what died in it is nobody's any more, and a new run asks for it.
pub(crate) fn free_buried(tables: &mut impl Tables, ground: &Ground) -> Result<(), Error> {
    let connection = &ground.run.connection;
    let prefix = buried(ground, "");
    for (name, once) in tables.once_under(connection, &prefix)? {
        tables.free_once(connection, &name, once)?;
        tables.free_once(connection, &name[prefix.len()..], once)?;
    }
    Ok(())
}

/// An item is put back: takes over the key that its dead letter kept, or takes it anew where
/// the ledger was lost meanwhile; false where it is open in somebody else's hands.
pub(crate) fn dig_up_once(
    tables: &mut impl Tables,
    ground: &Ground,
    step: StepId,
    once: Option<u64>,
) -> Result<bool, Error> {
    let Some(once) = once else { return Ok(true) };
    let operation = buried(ground, ground.plan.step(step).operation.as_str());
    let connection = &ground.run.connection;
    let unmarked = tables.take_once(connection, &operation, once)?;
    tables.free_once(connection, &operation, once)?;
    if unmarked { take_once(tables, ground, step, once) } else { Ok(true) }
}

fn add(
    tables: &mut impl Tables,
    ground: &Ground,
    (step, scope, bucket): (StepId, ScopeId, u16),
    items: Vec<Item>,
) -> Result<(), Error> {
    let run = &ground.run.run;
    let mut items = items.into_iter().peekable();
    let mut chunk = match tables.chunk_to_fill(run, step, scope, bucket)? {
        Some(id) => tables.chunk(id)?,
        None => None,
    };
    while items.peek().is_some() {
        let mut filling = match chunk.take() {
            Some(chunk) if fits(&chunk) => chunk,
            _ => {
                let id = ChunkId(tables.next_id()?);
                fold::open_unit(tables, ground, scope, step)?;
                Chunk {
                    id,
                    run: run.clone(),
                    step,
                    scope,
                    bucket,
                    len: 0,
                    bytes: 0,
                    next: 0,
                    open: 0,
                }
            }
        };
        let mut new = Vec::new();
        loop {
            let fits = fits(&filling);
            let Some(item) = items.next_if(|item| fits || item.together) else { break };
            filling.len += 1;
            filling.open += 1;
            filling.bytes += u32::try_from(item.item.len()).unwrap_or(u32::MAX / 2);
            new.push(item);
        }
        tables.put_chunk(&filling, Some(&order::of_chunk(&ground.plan, &filling)))?;
        tables.add_items(filling.id, &new)?;
    }
    Ok(())
}

fn fits(chunk: &Chunk) -> bool {
    chunk.len < ITEMS_MAX && (chunk.bytes as usize) < BYTES_MAX
}
