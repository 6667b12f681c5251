//! The tables of `decide` on one SQLite transaction.
//!
//! Statements are files under `sql/`, prepared once a connection. Bodies are JSON: what a
//! lookup needs stands in columns beside them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, named_params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use watershed_ledger::tables::{
    Budget, Chunk, ChunkId, Counts, Item, Lease, Place, Ready, RunRecord, Scope, ScopeId, Tables,
    Task, TaskId, WorkerRecord,
};
use watershed_ledger::{Error, LeaseId};
use watershed_model::{
    AccountId, Category, ConnectionName, Millis, Plan, PlanHash, RunId, StepId, WorkerId,
};

use crate::fault::fault;

/// Plans read once a process: they never change.
pub(crate) type Plans = BTreeMap<PlanHash, Arc<Plan>>;

/// The tables, inside a transaction that the caller begins and ends.
pub(crate) struct SqliteTables<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) place: &'a Path,
    pub(crate) plans: &'a mut Plans,
}

macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!("../sql/", $name, ".sql"))
    };
}

impl SqliteTables<'_> {
    fn failed(&self, error: &rusqlite::Error) -> Error {
        fault(self.place, error)
    }

    fn prepared(&self, sql: &str) -> Result<CachedStatement<'_>, Error> {
        self.connection.prepare_cached(sql).map_err(|e| self.failed(&e))
    }

    fn run_sql(&self, sql: &str, params: impl Params) -> Result<usize, Error> {
        self.prepared(sql)?.execute(params).map_err(|e| self.failed(&e))
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Error> {
        self.prepared(sql)?.query_row(params, read).optional().map_err(|e| self.failed(&e))
    }

    fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Error> {
        self.prepared(sql)?
            .query_map(params, read)
            .and_then(Iterator::collect)
            .map_err(|e| self.failed(&e))
    }

    fn body<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.one(sql, params, |row| row.get::<_, String>(0))? else {
            return Ok(None);
        };
        serde_json::from_str(&text).map(Some).map_err(|error| Error::Corrupt {
            place: self.place.display().to_string(),
            why: error.to_string(),
        })
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records of the ledger are plain data")
}

/// Hashes and ids use all 64 bits; SQLite's numbers are signed.
fn signed(number: u64) -> i64 {
    number.cast_signed()
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

fn category_name(category: Option<Category>) -> &'static str {
    category.map_or("none", Category::name)
}

fn id_column(row: &Row<'_>) -> rusqlite::Result<u64> {
    row.get::<_, i64>(0).map(i64::cast_unsigned)
}

impl Tables for SqliteTables<'_> {
    fn next_id(&mut self) -> Result<u64, Error> {
        self.one(sql!("next_id"), [], id_column)?.ok_or_else(|| Error::Corrupt {
            place: self.place.display().to_string(),
            why: "the counter of ids is missing".to_owned(),
        })
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
        self.body(sql!("run_get"), named_params! {":run": run.as_str()})
    }

    fn put_run(&mut self, run: &RunRecord) -> Result<(), Error> {
        let params = named_params! {
            ":run": run.run.as_str(), ":submitted_at": run.submitted_at.0, ":body": json(run)
        };
        self.run_sql(sql!("run_put"), params).map(|_| ())
    }

    fn runs(&mut self) -> Result<Vec<RunRecord>, Error> {
        let texts = self.all(sql!("run_all"), [], |row| row.get::<_, String>(0))?;
        texts.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>().map_err(
            |error| Error::Corrupt {
                place: self.place.display().to_string(),
                why: error.to_string(),
            },
        )
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
        self.body(sql!("scope_get"), named_params! {":id": signed(id.0)})
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
        self.run_sql(sql!("scope_delete"), named_params! {":id": signed(id.0)}).map(|_| ())
    }

    fn chunk(&mut self, id: ChunkId) -> Result<Option<Chunk>, Error> {
        self.one(sql!("chunk_get"), named_params! {":id": signed(id.0)}, |row| {
            Ok(Chunk {
                id,
                run: RunId(row.get(0)?),
                step: StepId(row.get(1)?),
                scope: ScopeId(row.get::<_, i64>(2)?.cast_unsigned()),
                bucket: row.get(3)?,
                len: row.get(4)?,
                bytes: row.get(5)?,
                next: row.get(6)?,
                open: row.get(7)?,
            })
        })
    }

    fn chunk_to_fill(
        &mut self,
        run: &RunId,
        step: StepId,
        scope: ScopeId,
        bucket: u16,
    ) -> Result<Option<ChunkId>, Error> {
        let params = named_params! {
            ":run": run.as_str(), ":step": step.0, ":scope": signed(scope.0), ":bucket": bucket
        };
        Ok(self.one(sql!("chunk_to_fill"), params, id_column)?.map(ChunkId))
    }

    fn put_chunk(&mut self, chunk: &Chunk, place: Option<&Place>) -> Result<(), Error> {
        let params = named_params! {
            ":id": signed(chunk.id.0),
            ":run": chunk.run.as_str(),
            ":step": chunk.step.0,
            ":scope": signed(chunk.scope.0),
            ":bucket": chunk.bucket,
            ":len": chunk.len,
            ":bytes": chunk.bytes,
            ":next": chunk.next,
            ":open": chunk.open,
            ":category": place.map(|p| category_name(p.category)),
            ":rank": place.map(|p| p.rank),
        };
        self.run_sql(sql!("chunk_put"), params).map(|_| ())
    }

    fn add_items(&mut self, id: ChunkId, items: &[Item]) -> Result<(), Error> {
        let mut statement = self.prepared(sql!("item_add"))?;
        for item in items {
            statement
                .execute(named_params! {
                    ":chunk": signed(id.0),
                    ":item": item.item,
                    ":once": item.once.map(signed),
                    ":together": item.together,
                })
                .map_err(|e| self.failed(&e))?;
        }
        Ok(())
    }

    fn items(&mut self, id: ChunkId, from: u16, len: u16) -> Result<Vec<Item>, Error> {
        let params = named_params! {
            ":chunk": signed(id.0), ":from": from, ":to": u32::from(from) + u32::from(len)
        };
        self.all(sql!("item_range"), params, |row| {
            let once = row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned);
            Ok(Item { item: row.get(0)?, once, together: row.get(2)? })
        })
    }

    fn delete_chunk(&mut self, id: ChunkId) -> Result<(), Error> {
        self.run_sql(sql!("item_delete"), named_params! {":chunk": signed(id.0)})?;
        self.run_sql(sql!("chunk_delete"), named_params! {":id": signed(id.0)}).map(|_| ())
    }

    fn task(&mut self, id: TaskId) -> Result<Option<Task>, Error> {
        self.body(sql!("task_get"), named_params! {":id": signed(id.0)})
    }

    fn put_task(&mut self, task: &Task, place: Option<&Place>) -> Result<(), Error> {
        let params = named_params! {
            ":id": signed(task.id.0),
            ":run": task.run.as_str(),
            ":leased": task.leased,
            ":lost": task.lost,
            ":due_at": task.due_at.0,
            ":token_at": place.and_then(|p| p.token_at).map(|at| at.0),
            ":category": place.map(|p| category_name(p.category)),
            ":rank": place.map(|p| p.rank),
            ":body": json(task),
        };
        self.run_sql(sql!("task_put"), params).map(|_| ())
    }

    fn delete_task(&mut self, id: TaskId) -> Result<(), Error> {
        self.run_sql(sql!("task_delete"), named_params! {":id": signed(id.0)}).map(|_| ())
    }

    fn keys(&mut self, id: TaskId) -> Result<Vec<u64>, Error> {
        let params = named_params! {":task": signed(id.0)};
        let bytes = self.one(sql!("listing_get"), params, |row| row.get::<_, Vec<u8>>(0))?;
        let (keys, _) = bytes.as_deref().unwrap_or_default().as_chunks::<8>();
        Ok(keys.iter().map(|key| u64::from_le_bytes(*key)).collect())
    }

    fn put_keys(&mut self, id: TaskId, keys: &[u64]) -> Result<(), Error> {
        let bytes: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
        let params = named_params! {":task": signed(id.0), ":keys": bytes};
        self.run_sql(sql!("listing_put"), params).map(|_| ())
    }

    fn delete_keys(&mut self, id: TaskId) -> Result<(), Error> {
        self.run_sql(sql!("listing_delete"), named_params! {":task": signed(id.0)}).map(|_| ())
    }

    fn due(&mut self, run: &RunId, now: Millis, max: usize) -> Result<Vec<TaskId>, Error> {
        let params = named_params! {":run": run.as_str(), ":now": now.0, ":max": limit(max)};
        Ok(self.all(sql!("task_due"), params, id_column)?.into_iter().map(TaskId).collect())
    }

    fn first_due(&mut self, run: &RunId) -> Result<Option<Millis>, Error> {
        let params = named_params! {":run": run.as_str()};
        Ok(self.one(sql!("task_first_due"), params, |row| row.get(0))?.map(Millis))
    }

    fn delayed(&mut self, run: &RunId, not_yet: bool) -> Result<u64, Error> {
        let params = named_params! {":run": run.as_str(), ":not_yet": not_yet};
        Ok(self.one(sql!("task_delayed"), params, id_column)?.unwrap_or(0))
    }

    fn ready(
        &mut self,
        run: &RunId,
        category: Option<Category>,
        max: usize,
    ) -> Result<Vec<Ready>, Error> {
        let category = category_name(category);
        let params =
            named_params! {":run": run.as_str(), ":category": category, ":max": limit(max)};
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
        Ok(ready.into_iter().map(|(_, _, ready)| ready).collect())
    }

    fn aging(
        &mut self,
        run: &RunId,
        category: Option<Category>,
        before: Millis,
        max: usize,
    ) -> Result<Vec<TaskId>, Error> {
        let params = named_params! {
            ":run": run.as_str(),
            ":category": category_name(category),
            ":before": before.0,
            ":max": limit(max),
        };
        Ok(self.all(sql!("task_aging"), params, id_column)?.into_iter().map(TaskId).collect())
    }

    fn poisoned(&mut self, run: &RunId, lost_min: u16, max: usize) -> Result<Vec<TaskId>, Error> {
        let params =
            named_params! {":run": run.as_str(), ":lost_min": lost_min, ":max": limit(max)};
        Ok(self.all(sql!("task_lost"), params, id_column)?.into_iter().map(TaskId).collect())
    }

    fn open_work(&mut self, run: &RunId, max: usize) -> Result<Vec<Ready>, Error> {
        let params = named_params! {":run": run.as_str(), ":max": limit(max)};
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
            ":run": lease.run.as_str(),
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
        let params = named_params! {":run": run.as_str()};
        Ok(self.one(sql!("lease_tasks"), params, id_column)?.unwrap_or(0))
    }

    fn take_once(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
        key: u64,
    ) -> Result<bool, Error> {
        let params = named_params! {
            ":connection": connection.as_str(), ":operation": operation, ":key": signed(key)
        };
        Ok(self.run_sql(sql!("once_take"), params)? == 1)
    }

    fn free_once(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
        key: u64,
    ) -> Result<(), Error> {
        let params = named_params! {
            ":connection": connection.as_str(), ":operation": operation, ":key": signed(key)
        };
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
        let found = self.body(sql!("budget_get"), named_params! {":account": account.as_str()})?;
        Ok(found.unwrap_or_default())
    }

    fn put_budget(&mut self, account: &AccountId, budget: &Budget) -> Result<(), Error> {
        let params = named_params! {":account": account.as_str(), ":body": json(budget)};
        self.run_sql(sql!("budget_put"), params).map(|_| ())
    }

    fn worker(&mut self, worker: &WorkerId) -> Result<Option<WorkerRecord>, Error> {
        self.body(sql!("worker_get"), named_params! {":worker": worker.as_str()})
    }

    fn put_worker(&mut self, worker: &WorkerId, record: &WorkerRecord) -> Result<(), Error> {
        let params = named_params! {":worker": worker.as_str(), ":body": json(record)};
        self.run_sql(sql!("worker_put"), params).map(|_| ())
    }
}
