//! The tables of `decide` on one SQLite transaction.
//!
//! Bodies are JSON: what a lookup needs stands in columns beside them. Chunks and their items
//! have a file of their own: `chunks`.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::{Row, named_params};
use watershed_ledger::tables::{
    Budget, Chunk, ChunkId, Counts, Item, Lease, Place, Queue, Ready, RunRecord, Scope, ScopeId,
    Tables, Task, TaskId, WorkerRecord,
};
use watershed_ledger::{Error, LeaseId};
use watershed_model::{
    AccountId, Category, ConnectionName, Millis, Plan, PlanHash, RunId, StepId, WorkerId,
};

use crate::numbers::{category, queue};
use crate::rows::{Later, SqliteTables, id_column, json, limit, signed, sql};

/// Workers whose last exchange is kept. A file has one at a time (docs/adr/0005): by the time
/// so many others have begun nobody repeats it.
const WORKERS_KEPT: u32 = 64;

impl Tables for SqliteTables<'_> {
    fn next_id(&mut self) -> Result<u64, Error> {
        let last = match self.last_id {
            Some(id) => id,
            None => self
                .one(sql!("last_id_get"), [], id_column)?
                .ok_or_else(|| self.corrupt("the counter of ids is missing"))?,
        };
        self.last_id = Some(last + 1);
        Ok(last + 1)
    }

    fn plan(&mut self, hash: &PlanHash) -> Result<Option<Arc<Plan>>, Error> {
        if let Some(plan) = self.plans.get(hash) {
            return Ok(Some(plan.clone()));
        }
        let found: Option<Plan> =
            self.body(sql!("plan_get"), named_params! {":hash": hash.as_str()})?;
        let plan = found.map(Arc::new);
        if let Some(plan) = &plan {
            self.plans.insert(hash.clone(), plan.clone());
        }
        Ok(plan)
    }

    fn put_plan(&mut self, hash: &PlanHash, plan: &Plan) -> Result<(), Error> {
        let params = named_params! {":hash": hash.as_str(), ":body": json(plan)};
        self.run_sql(sql!("plan_put"), params).map(|_| ())
    }

    fn run(&mut self, run: &RunId) -> Result<Option<RunRecord>, Error> {
        if let Some(record) = self.runs.get(run) {
            return Ok(Some(record.clone()));
        }
        let found = self.body(sql!("run_get"), named_params! {":run": run.as_str()})?;
        Ok(found.inspect(|record: &RunRecord| self.keep_run(record)))
    }

    fn put_run(&mut self, run: &RunRecord) -> Result<(), Error> {
        let params = named_params! {
            ":run": run.run.as_str(),
            ":connection": run.connection.as_str(),
            ":state": run.state.name(),
            ":submitted_at": run.submitted_at.0,
            ":body": json(run),
        };
        self.run_sql(sql!("run_put"), params)?;
        self.keep_run(run);
        Ok(())
    }

    fn runs(&mut self) -> Result<Vec<RunRecord>, Error> {
        self.bodies(sql!("run_all"), [])
    }

    fn live_runs(&mut self, lane: &ConnectionName) -> Result<Vec<RunRecord>, Error> {
        let params = named_params! {":connection": lane.as_str()};
        let runs: Vec<RunRecord> = self.bodies(sql!("run_live"), params)?;
        runs.iter().for_each(|run| self.keep_run(run));
        Ok(runs)
    }

    fn counts(&mut self, run: &RunId) -> Result<Counts, Error> {
        let found = self.body(sql!("counts_get"), named_params! {":run": run.as_str()})?;
        Ok(found.unwrap_or_default())
    }

    fn put_counts(&mut self, run: &RunId, counts: &Counts) -> Result<(), Error> {
        let params = named_params! {":run": run.as_str(), ":body": json(counts)};
        self.run_sql(sql!("counts_put"), params).map(|_| ())
    }

    fn scope(&mut self, id: ScopeId) -> Result<Option<Scope>, Error> {
        if let Some(scope) = self.scopes.get(&id) {
            return Ok(Some(scope.record.clone()));
        }
        let found = self.body(sql!("scope_get"), named_params! {":id": signed(id.0)})?;
        Ok(found.inspect(|record: &Scope| {
            let record = record.clone();
            self.scopes.insert(id, Later { record, unwritten: false });
        }))
    }

    fn scope_beneath(
        &mut self,
        parent: ScopeId,
        level: u8,
        key: u64,
    ) -> Result<Option<ScopeId>, Error> {
        let params = named_params! {
            ":parent": signed(parent.0), ":level": level, ":key": signed(key)
        };
        Ok(self.one(sql!("scope_beneath"), params, id_column)?.map(ScopeId))
    }

    fn put_scope(&mut self, scope: &Scope) -> Result<(), Error> {
        match self.scopes.entry(scope.id) {
            Entry::Occupied(mut known) => {
                known.insert(Later { record: scope.clone(), unwritten: true });
                return Ok(());
            }
            Entry::Vacant(unknown) => {
                unknown.insert(Later { record: scope.clone(), unwritten: false });
            }
        }
        // At once, so that `scope_beneath` finds it.
        let params = named_params! {
            ":id": signed(scope.id.0),
            ":parent": scope.parent.map(|p| signed(p.0)),
            ":level": scope.level,
            ":key": signed(scope.key),
            ":body": json(scope),
        };
        self.run_sql(sql!("scope_put"), params).map(|_| ())
    }

    fn delete_scope(&mut self, id: ScopeId) -> Result<(), Error> {
        self.scopes.remove(&id);
        self.run_sql(sql!("scope_delete"), named_params! {":id": signed(id.0)}).map(|_| ())
    }

    fn chunk(&mut self, id: ChunkId) -> Result<Option<Chunk>, Error> {
        self.chunk_head(id)
    }

    fn chunk_to_fill(
        &mut self,
        run: &RunId,
        step: StepId,
        scope: ScopeId,
        bucket: u16,
    ) -> Result<Option<ChunkId>, Error> {
        self.chunk_of_group(run, step, scope, bucket)
    }

    fn put_chunk(&mut self, chunk: &Chunk, place: Option<&Place>) -> Result<(), Error> {
        self.change_chunk(chunk, place)
    }

    fn add_items(&mut self, id: ChunkId, items: &[Item]) -> Result<(), Error> {
        self.append_items(id, items)
    }

    fn items(&mut self, id: ChunkId, from: u16, len: u16) -> Result<Vec<Item>, Error> {
        self.item_range(id, from, len)
    }

    fn delete_chunk(&mut self, id: ChunkId) -> Result<(), Error> {
        self.remove_chunk(id)
    }

    fn task(&mut self, id: TaskId) -> Result<Option<Task>, Error> {
        if let Some(task) = self.tasks.get(&id) {
            return Ok(Some(task.clone()));
        }
        let found = self.body(sql!("task_get"), named_params! {":id": signed(id.0)})?;
        Ok(found.inspect(|task: &Task| {
            self.tasks.insert(id, task.clone());
        }))
    }

    fn put_task(&mut self, task: &Task, place: Option<&Place>) -> Result<(), Error> {
        let params = named_params! {
            ":id": signed(task.id.0),
            ":run": self.run_number(&task.run)?,
            ":leased": task.leased,
            ":lost": task.lost,
            ":due_at": task.due_at.0,
            ":token_at": place.and_then(|p| p.token_at).map(|at| at.0),
            ":category": place.map(|p| category(p.category)),
            ":queue": place.map(|p| queue(p.queue)),
            ":rank": place.map(|p| p.rank),
            ":body": json(task),
        };
        self.run_sql(sql!("task_put"), params)?;
        self.tasks.insert(task.id, task.clone());
        Ok(())
    }

    fn delete_task(&mut self, id: TaskId) -> Result<(), Error> {
        self.tasks.remove(&id);
        self.run_sql(sql!("task_delete"), named_params! {":id": signed(id.0)}).map(|_| ())
    }

    fn keys(&mut self, id: TaskId) -> Result<Vec<u64>, Error> {
        let params = named_params! {":task": signed(id.0)};
        let pages = self.all(sql!("listing_get"), params, |row| row.get::<_, Vec<u8>>(0))?;
        let keys = pages.iter().flat_map(|page| page.as_chunks::<8>().0);
        Ok(keys.map(|key| u64::from_le_bytes(*key)).collect())
    }

    fn add_keys(&mut self, id: TaskId, keys: &[u64]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
        let params = named_params! {":task": signed(id.0), ":keys": bytes};
        self.run_sql(sql!("listing_add"), params).map(|_| ())
    }

    fn delete_keys(&mut self, id: TaskId) -> Result<(), Error> {
        self.run_sql(sql!("listing_delete"), named_params! {":task": signed(id.0)}).map(|_| ())
    }

    fn due(&mut self, run: &RunId, now: Millis, max: usize) -> Result<Vec<TaskId>, Error> {
        let params =
            named_params! {":run": self.run_known(run)?, ":now": now.0, ":max": limit(max)};
        Ok(self.all(sql!("task_due"), params, id_column)?.into_iter().map(TaskId).collect())
    }

    fn first_due(&mut self, run: &RunId) -> Result<Option<Millis>, Error> {
        let params = named_params! {":run": self.run_known(run)?};
        Ok(self.one(sql!("task_first_due"), params, |row| row.get(0))?.map(Millis))
    }

    fn delayed(&mut self, run: &RunId, not_yet: bool) -> Result<u64, Error> {
        let params = named_params! {":run": self.run_known(run)?, ":not_yet": not_yet};
        Ok(self.one(sql!("task_delayed"), params, id_column)?.unwrap_or(0))
    }

    fn ready(&mut self, run: &RunId, of: Queue, max: usize) -> Result<Vec<(i64, Ready)>, Error> {
        self.write_chunks()?;
        let params = named_params! {
            ":run": self.run_known(run)?, ":queue": queue(of), ":max": limit(max)
        };
        let ranked = |row: &Row<'_>| Ok((row.get::<_, i64>(1)?, id_column(row)?));
        let chunks = self.all(sql!("chunk_ready"), params, ranked)?;
        let tasks = self.all(sql!("task_ready"), params, ranked)?;
        let mut ready: Vec<(i64, u64, Ready)> = chunks
            .into_iter()
            .map(|(rank, id)| (rank, id, Ready::Chunk(ChunkId(id))))
            .chain(tasks.into_iter().map(|(rank, id)| (rank, id, Ready::Task(TaskId(id)))))
            .collect();
        ready.sort();
        ready.truncate(max);
        Ok(ready.into_iter().map(|(rank, _, ready)| (rank, ready)).collect())
    }

    fn aging(
        &mut self,
        run: &RunId,
        of: Option<Category>,
        before: Millis,
        max: usize,
    ) -> Result<Vec<TaskId>, Error> {
        let params = named_params! {
            ":run": self.run_known(run)?,
            ":category": category(of),
            ":before": before.0,
            ":max": limit(max),
        };
        Ok(self.all(sql!("task_aging"), params, id_column)?.into_iter().map(TaskId).collect())
    }

    fn poisoned(&mut self, run: &RunId, lost_min: u16, max: usize) -> Result<Vec<TaskId>, Error> {
        let params =
            named_params! {":run": self.run_known(run)?, ":lost_min": lost_min, ":max": limit(max)};
        Ok(self.all(sql!("task_lost"), params, id_column)?.into_iter().map(TaskId).collect())
    }

    fn open_work(&mut self, run: &RunId, max: usize) -> Result<Vec<Ready>, Error> {
        self.write_chunks()?;
        let params = named_params! {":run": self.run_known(run)?, ":max": limit(max)};
        let chunks = self.all(sql!("chunk_of_run"), params, id_column)?;
        let tasks = self.all(sql!("task_of_run"), params, id_column)?;
        let chunks = chunks.into_iter().map(|id| Ready::Chunk(ChunkId(id)));
        let tasks = tasks.into_iter().map(|id| Ready::Task(TaskId(id)));
        Ok(chunks.chain(tasks).take(max).collect())
    }

    fn lease(&mut self, id: LeaseId) -> Result<Option<Lease>, Error> {
        self.body(sql!("lease_get"), named_params! {":id": signed(id.0)})
    }

    fn put_lease(&mut self, lease: &Lease) -> Result<(), Error> {
        let params = named_params! {
            ":id": signed(lease.id.0),
            ":worker": lease.worker.as_str(),
            ":run": self.run_number(&lease.run)?,
            ":until": lease.until.0,
            ":tasks": limit(lease.open.iter().filter(|open| **open).count()),
            ":body": json(lease),
        };
        self.run_sql(sql!("lease_put"), params).map(|_| ())
    }

    fn delete_lease(&mut self, id: LeaseId) -> Result<(), Error> {
        self.run_sql(sql!("lease_delete"), named_params! {":id": signed(id.0)}).map(|_| ())
    }

    fn run_out(&mut self, now: Millis, max: usize) -> Result<Vec<LeaseId>, Error> {
        let params = named_params! {":now": now.0, ":max": limit(max)};
        Ok(self.all(sql!("lease_run_out"), params, id_column)?.into_iter().map(LeaseId).collect())
    }

    fn leases_of(&mut self, worker: &WorkerId) -> Result<Vec<LeaseId>, Error> {
        let params = named_params! {":worker": worker.as_str()};
        Ok(self.all(sql!("lease_of"), params, id_column)?.into_iter().map(LeaseId).collect())
    }

    fn leases_of_others(&mut self, worker: &WorkerId) -> Result<Vec<LeaseId>, Error> {
        let params = named_params! {":worker": worker.as_str()};
        Ok(self.all(sql!("lease_of_others"), params, id_column)?.into_iter().map(LeaseId).collect())
    }

    fn first_run_out(&mut self) -> Result<Option<Millis>, Error> {
        Ok(self.one(sql!("lease_first"), [], |row| row.get(0))?.map(Millis))
    }

    fn leased(&mut self, run: &RunId) -> Result<u64, Error> {
        let params = named_params! {":run": self.run_known(run)?};
        Ok(self.one(sql!("lease_tasks"), params, id_column)?.unwrap_or(0))
    }

    fn take_once(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
        key: u64,
    ) -> Result<bool, Error> {
        let name = self.name_number(connection, operation)?;
        let params = named_params! {":name": name, ":key": signed(key)};
        Ok(self.run_sql(sql!("once_take"), params)? == 1)
    }

    fn free_once(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
        key: u64,
    ) -> Result<(), Error> {
        let name = self.name_known(connection, operation)?;
        let params = named_params! {":name": name, ":key": signed(key)};
        self.run_sql(sql!("once_free"), params).map(|_| ())
    }

    fn once_under(
        &mut self,
        connection: &ConnectionName,
        prefix: &str,
    ) -> Result<Vec<(String, u64)>, Error> {
        let params = named_params! {
            ":connection": connection.as_str(),
            ":from": prefix,
            ":to": format!("{prefix}{}", char::MAX),
        };
        self.all(sql!("once_under"), params, |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
        })
    }

    fn budget(&mut self, account: &AccountId) -> Result<Budget, Error> {
        if let Some(known) = self.budgets.get(account) {
            return Ok(known.record.clone());
        }
        let found = self.body(sql!("budget_get"), named_params! {":account": account.as_str()})?;
        let record: Budget = found.unwrap_or_default();
        let known = Later { record: record.clone(), unwritten: false };
        self.budgets.insert(account.clone(), known);
        Ok(record)
    }

    fn put_budget(&mut self, account: &AccountId, budget: &Budget) -> Result<(), Error> {
        let known = Later { record: budget.clone(), unwritten: true };
        self.budgets.insert(account.clone(), known);
        Ok(())
    }

    fn worker(&mut self, worker: &WorkerId) -> Result<Option<WorkerRecord>, Error> {
        if let Some(record) = self.workers.get(worker) {
            return Ok(Some(record.clone()));
        }
        let found = self.body(sql!("worker_get"), named_params! {":worker": worker.as_str()})?;
        Ok(found.inspect(|record: &WorkerRecord| {
            self.workers.insert(worker.clone(), record.clone());
        }))
    }

    fn workers(&mut self) -> Result<Vec<WorkerId>, Error> {
        self.all(sql!("worker_all"), [], |row| Ok(WorkerId(row.get(0)?)))
    }

    fn put_worker(&mut self, worker: &WorkerId, record: &WorkerRecord) -> Result<(), Error> {
        let params = named_params! {":worker": worker.as_str(), ":body": json(record)};
        self.run_sql(sql!("worker_put"), params)?;
        if !self.workers.contains_key(worker) {
            self.run_sql(sql!("worker_forget"), named_params! {":kept": WORKERS_KEPT})?;
        }
        self.workers.insert(worker.clone(), record.clone());
        Ok(())
    }
}

impl SqliteTables<'_> {
    fn keep_run(&mut self, run: &RunRecord) {
        self.runs.insert(run.run.clone(), run.clone());
    }
}
