//! Walks over all records of an account and compares what is counted with what is there.
//!
//! Reads only, some records at a time: Redis is never held up. What changes meanwhile may look
//! wrong once; what is told was found in each of several walks.

use std::collections::{BTreeMap, BTreeSet};

use redis::RedisResult;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use watershed_ledger::Walked;
use watershed_model::{RunId, RunState};

use crate::link::Connection;
use crate::read::Maybe;
use crate::seen::Step;

/// Records of one look.
const PAGE: u32 = 200;
/// Walks in each of which something must be found, unless nothing changed during the first.
const WALKS: u32 = 3;
/// Findings that are told.
const TOLD_MAX: usize = 20;

/// Fields and their values.
type Page = Vec<(Vec<u8>, Vec<u8>)>;

/// Walks until it is sure.
pub(crate) async fn walk(
    connection: &mut Connection,
    records: &str,
    orders: &str,
) -> RedisResult<Walked> {
    let mut sure: Option<BTreeSet<String>> = None;
    let mut read = 0;
    for _ in 0..WALKS {
        let before = acts(connection, records).await?;
        let mut there = There::default();
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("HSCAN");
            scan.arg(records).arg(cursor).arg("COUNT").arg(PAGE);
            let (next, page): (u64, Page) = scan.query_async(connection).await?;
            page.iter().for_each(|(field, value)| there.take(field, value));
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        let members: u64 = redis::cmd("ZCARD").arg(orders).query_async(connection).await?;
        let still = acts(connection, records).await? == before;
        read = there.fields.len() as u64;
        let found = there.wrong(members);
        let sure = match &mut sure {
            Some(known) => {
                known.retain(|wrong| found.contains(wrong));
                known
            }
            None => sure.insert(found),
        };
        if still || sure.is_empty() {
            break;
        }
    }
    let wrong = sure.unwrap_or_default().into_iter().take(TOLD_MAX).collect();
    Ok(Walked { records: read, wrong })
}

async fn acts(connection: &mut Connection, records: &str) -> RedisResult<Option<Vec<u8>>> {
    redis::cmd("HGET").arg(records).arg("m").query_async(connection).await
}

/// What was read.
#[derive(Default)]
struct There {
    fields: BTreeSet<Vec<u8>>,
    unread: BTreeSet<String>,
    runs: BTreeMap<String, Run>,
    counts: BTreeMap<u64, Counts>,
    scopes: BTreeMap<u64, Scope>,
    chunks: BTreeMap<u64, Chunk>,
    tasks: BTreeMap<u64, Task>,
    leases: BTreeMap<u64, Lease>,
    workers: BTreeMap<String, Worker>,
}

#[derive(Deserialize)]
struct Run {
    run: RunId,
    number: u64,
    state: RunState,
}

#[derive(Deserialize)]
struct Counts {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Scope {
    #[serde(default)]
    parent: Maybe<u64>,
    units: u64,
    folded: bool,
    states: Vec<State>,
}

/// Of a join: a letter, or how many of its tasks are open.
#[derive(Deserialize)]
#[serde(untagged)]
enum State {
    Letter(String),
    Open(IgnoredAny),
}

#[derive(Deserialize)]
struct Chunk {
    run: u64,
    step: usize,
    scope: u64,
    open: u64,
    len: u64,
    next: u64,
    at: Maybe<crate::read::Raw>,
}

#[derive(Deserialize)]
struct Task {
    run: String,
    step: usize,
    scope: u64,
    places: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Lease {
    worker: String,
    run: String,
    of: String,
    what: u64,
    open: Vec<bool>,
    left: u64,
}

#[derive(Deserialize)]
struct Worker {
    held: u64,
}

impl There {
    fn take(&mut self, field: &[u8], value: &[u8]) {
        if !self.fields.insert(field.to_vec()) {
            return;
        }
        let Some((kind, name)) = field.split_first() else { return };
        let number = name.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let text = || String::from_utf8_lossy(name).into_owned();
        let unread = &mut self.unread;
        match kind {
            b'r' => keep(&mut self.runs, text(), value, "run", unread),
            b'k' => keep(&mut self.counts, number, value, "counts", unread),
            b's' => keep(&mut self.scopes, number, value, "scope", unread),
            b'c' => keep(&mut self.chunks, number, value, "chunk", unread),
            b't' => keep(&mut self.tasks, number, value, "task", unread),
            b'l' => keep(&mut self.leases, number, value, "lease", unread),
            b'w' => keep(&mut self.workers, text(), value, "worker", unread),
            _ => {}
        }
    }

    /// What does not agree.
    fn wrong(mut self, members: u64) -> BTreeSet<String> {
        let mut wrong = std::mem::take(&mut self.unread);
        self.counters(&mut wrong);
        self.units(&mut wrong);
        self.held(&mut wrong);
        let places: u64 = self.tasks.values().map(|task| task.places.len() as u64).sum();
        let chunks = self.chunks.values().filter(|chunk| chunk.at.0.is_some()).count() as u64;
        let due = (self.runs.len() + self.leases.len()) as u64 + places + chunks;
        if members != due {
            wrong.insert(format!("the orders have {members} members, the records {due}"));
        }
        wrong
    }

    /// Open and leased items of each step.
    fn counters(&self, wrong: &mut BTreeSet<String>) {
        let numbers: BTreeMap<&str, u64> =
            self.runs.iter().map(|(name, run)| (name.as_str(), run.number)).collect();
        let number = |run: &str| numbers.get(run).copied().unwrap_or(0);
        let mut open: BTreeMap<(u64, usize), u64> = BTreeMap::new();
        let mut leased = open.clone();
        for (id, chunk) in &self.chunks {
            *open.entry((chunk.run, chunk.step)).or_default() += chunk.open;
            if chunk.open > chunk.len || (chunk.next < chunk.len) != chunk.at.0.is_some() {
                wrong.insert(format!("chunk {id} is not where its items say"));
            }
        }
        for task in self.tasks.values() {
            *open.entry((number(&task.run), task.step)).or_default() += 1;
        }
        for (id, lease) in &self.leases {
            let step = match lease.of.as_str() {
                "c" => self.chunks.get(&lease.what).map(|chunk| chunk.step),
                _ => self.tasks.get(&lease.what).map(|task| task.step),
            };
            let items = lease.open.iter().filter(|open| **open).count() as u64;
            match step {
                Some(step) => {
                    *leased.entry((number(&lease.run), step)).or_default() += items;
                }
                None => drop(wrong.insert(format!("lease {id} is of nothing"))),
            }
            if items != lease.left {
                wrong.insert(format!("lease {id} counts {} open, {items} are", lease.left));
            }
        }
        for run in self.runs.values() {
            let Some(counts) = self.counts.get(&run.number) else {
                wrong.insert(format!("run {}: its counts are missing", run.run));
                continue;
            };
            for (at, step) in counts.steps.iter().enumerate() {
                let of = |there: &BTreeMap<(u64, usize), u64>| {
                    there.get(&(run.number, at)).copied().unwrap_or(0)
                };
                let closed =
                    step.done + step.skipped + step.unavailable + step.waiting + step.failed;
                // What a cancelled run dropped is known, and nothing more.
                let known = match run.state {
                    RunState::Cancelling | RunState::Cancelled => step.known,
                    _ => step.open + closed,
                };
                for (what, counted, there) in [
                    ("open", step.open, of(&open)),
                    ("leased", step.leased, of(&leased)),
                    ("known", step.known, known),
                ] {
                    if counted != there {
                        wrong.insert(format!(
                            "run {}, step {at}: {counted} are counted as {what}, {there} are",
                            run.run
                        ));
                    }
                }
            }
        }
    }

    /// What keeps each scope from folding.
    fn units(&self, wrong: &mut BTreeSet<String>) {
        let mut units: BTreeMap<u64, u64> = BTreeMap::new();
        let chunks = self.chunks.values().map(|chunk| chunk.scope);
        let tasks = self.tasks.values().map(|task| task.scope);
        let open = self.scopes.values().filter(|scope| !scope.folded);
        for scope in chunks.chain(tasks).chain(open.filter_map(|scope| scope.parent.0)) {
            *units.entry(scope).or_default() += 1;
        }
        for (id, scope) in &self.scopes {
            let waiting = |state: &&State| matches!(state, State::Letter(name) if name == "w");
            let joins = scope.states.iter().filter(waiting).count() as u64;
            let there = units.remove(id).unwrap_or(0) + joins;
            if scope.units != there {
                wrong.insert(format!("scope {id} counts {} units, {there} are", scope.units));
            }
        }
        wrong.extend(units.keys().map(|id| format!("scope {id} is missing")));
    }

    /// Leases of each worker.
    fn held(&self, wrong: &mut BTreeSet<String>) {
        for (name, worker) in &self.workers {
            let there = self.leases.values().filter(|lease| lease.worker == *name).count() as u64;
            if worker.held != there {
                wrong.insert(format!("worker {name} counts {} leases, {there} are", worker.held));
            }
        }
    }
}

fn keep<K: Ord + std::fmt::Display, V: DeserializeOwned>(
    there: &mut BTreeMap<K, V>,
    key: K,
    value: &[u8],
    what: &str,
    unread: &mut BTreeSet<String>,
) {
    match rmp_serde::from_slice(value) {
        Ok(record) => drop(there.insert(key, record)),
        Err(error) => drop(unread.insert(format!("{what} {key} cannot be read: {error}"))),
    }
}
