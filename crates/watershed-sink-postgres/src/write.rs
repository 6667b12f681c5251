//! The one transaction: rows, the coverage that speaks of them, and dead letters.
//!
//! Guarantee: whoever writes for a connection holds its lock until the commit, so what is read
//! first still holds when it is written. A handful of statements, however many rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use deadpool_postgres::{Object, Pool, Transaction};
use watershed_model::{
    ConnectionName, Coverage, DayCalls, DeadLetter, LeftOut, LeftOutWhy, LetterId, Millis, RunRow,
};
use watershed_sink::{Ask, Batch, Error, Gone};

use crate::erase;
use crate::fault::Fault;
use crate::pool::{begin, client, lock_of, lock_of_inbox};
use crate::rows;
use crate::state::{self, json, word};
use crate::table::Tables;
use crate::text::{kept, told};
use crate::value::Instant;

const PUT_COVERAGE: &str = include_str!("../sql/put_coverage.sql");
const PUT_DAYS: &str = include_str!("../sql/put_days.sql");
const PUT_LEFT_OUT: &str = include_str!("../sql/put_left_out.sql");
const PUT_FAILURE: &str = include_str!("../sql/put_failure.sql");
const REMOVE_FAILURES: &str = include_str!("../sql/remove_failures.sql");
const PUT_RUN: &str = include_str!("../sql/put_run.sql");
const BEGIN_RUN: &str = include_str!("../sql/begin_run.sql");
const BIND_ACCOUNT: &str = include_str!("../sql/bind_account.sql");
const ACCOUNT: &str = include_str!("../sql/account.sql");

/// Times that an act is made before another transaction in its way is told of: our own never
/// are, and others' seldom twice.
const TRIES_MAX: u32 = 5;
/// 20 ms, then twice that each time: what was in the way is over by then.
const PAUSE: Duration = Duration::from_millis(20);

/// Writes a batch, whole or not at all.
pub(crate) async fn write(pool: &Pool, tables: &Tables, batch: &Batch) -> Result<(), Fault> {
    let mut tries = 1;
    loop {
        let mut client = client(pool).await?;
        match attempt(&mut client, tables, batch).await {
            Err(fault) if fault.again() && tries < TRIES_MAX => {
                tracing::debug!(tries, "another transaction was in the way of a batch");
                drop(client);
                tokio::time::sleep(PAUSE * 2_u32.pow(tries - 1)).await;
                tries += 1;
            }
            done => return done,
        }
    }
}

async fn attempt(client: &mut Object, tables: &Tables, batch: &Batch) -> Result<(), Fault> {
    let connections = batch.connections();
    let erased = batch.left_out.iter().filter(|left_out| left_out.why == LeftOutWhy::Erased);
    let of_inboxes = erased.map(|left_out| lock_of_inbox(&left_out.connection));
    let locks: BTreeSet<i64> =
        connections.iter().map(|connection| lock_of(connection)).chain(of_inboxes).collect();
    let act = begin(client, &locks.into_iter().collect::<Vec<_>>()).await?;
    erase::knows(&act, &connections, &batch.erased).await?;
    rows::write(&act, tables, batch).await?;
    let coverage: Vec<&Coverage> = batch.writes.iter().flat_map(|write| &write.coverage).collect();
    put_coverage(&act, coverage).await?;
    put_failures(&act, &batch.failures).await?;
    remove(&act, &batch.healed).await?;
    for gone in &batch.gone {
        mark_gone(&act, tables, gone).await?;
    }
    put_days(&act, &batch.days).await?;
    put_left_out(&act, &batch.left_out).await?;
    act.commit().await?;
    Ok(())
}

async fn mark_gone(act: &Transaction<'_>, tables: &Tables, gone: &Gone) -> Result<(), Fault> {
    let sql = rows::table(tables, gone.dataset.name)?.gone(gone.column);
    let (connection, value) = (kept(gone.connection.as_str()), kept(&gone.value));
    let statement = act.prepare_cached(&sql).await?;
    act.execute(&statement, &[&connection, &value, &Instant::at(gone.at)]).await?;
    Ok(())
}

/// Writes coverage in its order. What has the same key goes in a statement of its own, since
/// what it meets is what the one before it made.
pub(crate) async fn put_coverage(
    act: &Transaction<'_>,
    coverage: Vec<&Coverage>,
) -> Result<(), Fault> {
    let mut rounds: Vec<BTreeMap<Ask, &Coverage>> = Vec::new();
    let mut seen: BTreeMap<Ask, usize> = BTreeMap::new();
    for one in coverage {
        let key = Ask::of(one);
        let round = seen.entry(key.clone()).and_modify(|round| *round += 1).or_insert(0);
        if rounds.len() <= *round {
            rounds.push(BTreeMap::new());
        }
        rounds[*round].insert(key, one);
    }
    for round in rounds {
        let rows: Vec<&Coverage> = round.into_values().collect();
        put_round(act, &rows).await?;
    }
    Ok(())
}

async fn put_round(act: &Transaction<'_>, rows: &[&Coverage]) -> Result<(), Fault> {
    let connections: Vec<_> = rows.iter().map(|c| kept(c.connection.as_str())).collect();
    let operations: Vec<_> = rows.iter().map(|c| kept(c.operation.as_str())).collect();
    let subjects: Vec<_> = rows.iter().map(|c| kept(c.subject.as_str())).collect();
    let from: Vec<_> = rows.iter().map(|c| c.from.as_deref().map(kept)).collect();
    let to: Vec<_> = rows.iter().map(|c| c.to.as_deref().map(kept)).collect();
    let states: Vec<_> = rows.iter().map(|c| c.state.name()).collect();
    let reasons: Vec<_> = rows.iter().map(|c| c.reason.as_deref().map(kept)).collect();
    let counts: Vec<_> = rows.iter().map(|c| i64::try_from(c.rows).unwrap_or(i64::MAX)).collect();
    let retry: Vec<_> = rows.iter().map(|c| c.retry_at.map(Instant::at)).collect();
    let runs: Vec<_> = rows.iter().map(|c| kept(c.run.as_str())).collect();
    let at: Vec<_> = rows.iter().map(|c| Instant::at(c.at)).collect();
    let statement = act.prepare_cached(PUT_COVERAGE).await?;
    act.execute(
        &statement,
        &[
            &connections,
            &operations,
            &subjects,
            &from,
            &to,
            &states,
            &reasons,
            &counts,
            &retry,
            &runs,
            &at,
        ],
    )
    .await?;
    Ok(())
}

/// Writes dead letters; of several with one id the latest, the last of those of one time.
async fn put_failures(act: &Transaction<'_>, letters: &[DeadLetter]) -> Result<(), Fault> {
    let mut latest: BTreeMap<&LetterId, &DeadLetter> = BTreeMap::new();
    for letter in letters {
        let stands = latest.entry(&letter.id).or_insert(letter);
        if letter.at >= stands.at {
            *stands = letter;
        }
    }
    if latest.is_empty() {
        return Ok(());
    }
    let rows: Vec<&DeadLetter> = latest.into_values().collect();
    let text = |of: fn(&DeadLetter) -> &str| rows.iter().map(|l| kept(of(l))).collect::<Vec<_>>();
    let some = |of: fn(&DeadLetter) -> Option<&str>| {
        rows.iter().map(|letter| of(letter).map(kept)).collect::<Vec<_>>()
    };
    let keys: Vec<_> = rows.iter().map(|l| l.key.cast_signed()).collect();
    let once: Vec<_> = rows.iter().map(|l| l.once.map(u64::cast_signed)).collect();
    let buckets: Vec<_> = rows.iter().map(|l| i32::from(l.bucket)).collect();
    let scopes: Vec<_> = rows.iter().map(|l| json(&l.scopes)).collect();
    let http: Vec<_> = rows.iter().map(|l| l.http.map(i32::from)).collect();
    let codes: Vec<_> = rows.iter().map(|l| l.code).collect();
    let attempts: Vec<_> = rows.iter().map(|l| i32::from(l.attempts)).collect();
    let at: Vec<_> = rows.iter().map(|l| Instant::at(l.at)).collect();
    let statement = act.prepare_cached(PUT_FAILURE).await?;
    act.execute(
        &statement,
        &[
            &text(|l| l.id.as_str()),
            &text(|l| l.connection.as_str()),
            &text(|l| l.run.as_str()),
            &text(|l| l.plan.as_str()),
            &text(|l| &l.step),
            &text(|l| l.operation.as_str()),
            &text(|l| &l.branch),
            &text(|l| &l.item),
            &keys,
            &once,
            &buckets,
            &scopes,
            &some(|l| l.subject.as_ref().map(watershed_model::Subject::as_str)),
            &some(|l| l.from.as_deref()),
            &some(|l| l.to.as_deref()),
            &text(|l| &l.verdict),
            &http,
            &codes,
            &text(|l| &l.message),
            &attempts,
            &at,
            &text(|l| &l.hint),
        ],
    )
    .await?;
    Ok(())
}

/// Writes calls of days, in the order of their keys: connections share an account's.
async fn put_days(act: &Transaction<'_>, days: &[DayCalls]) -> Result<(), Fault> {
    let key = |d: &DayCalls| (d.account.clone(), d.categories, d.day);
    let last: BTreeMap<_, &DayCalls> = days.iter().map(|day| (key(day), day)).collect();
    if last.is_empty() {
        return Ok(());
    }
    let accounts: Vec<_> = last.values().map(|d| kept(d.account.as_str())).collect();
    let categories: Vec<_> = last.values().map(|d| d.categories.to_string()).collect();
    let dates: Vec<_> = last.values().map(|d| Millis::of_day(d.day).date().to_string()).collect();
    let calls: Vec<_> = last.values().map(|d| i64::try_from(d.calls).unwrap_or(i64::MAX)).collect();
    let at: Vec<_> = last.values().map(|d| Instant::at(d.at)).collect();
    let statement = act.prepare_cached(PUT_DAYS).await?;
    act.execute(&statement, &[&accounts, &categories, &dates, &calls, &at]).await?;
    Ok(())
}

/// Writes who is left out; of several of one key the last.
async fn put_left_out(act: &Transaction<'_>, left_out: &[LeftOut]) -> Result<(), Fault> {
    let key = |l: &LeftOut| (l.connection.clone(), l.why, l.mark);
    let last: BTreeMap<_, &LeftOut> = left_out.iter().map(|l| (key(l), l)).collect();
    if last.is_empty() {
        return Ok(());
    }
    let connections: Vec<_> = last.values().map(|l| kept(l.connection.as_str())).collect();
    let whys: Vec<_> = last.values().map(|l| word(&l.why)).collect();
    let marks: Vec<_> = last.values().map(|l| l.mark.cast_signed()).collect();
    let runs: Vec<_> = last.values().map(|l| kept(l.run.as_str())).collect();
    let at: Vec<_> = last.values().map(|l| Instant::at(l.at)).collect();
    let statement = act.prepare_cached(PUT_LEFT_OUT).await?;
    act.execute(&statement, &[&connections, &whys, &marks, &runs, &at]).await?;
    Ok(())
}

/// Removes dead letters, all or none.
pub(crate) async fn remove_failures(pool: &Pool, ids: &[LetterId]) -> Result<(), Fault> {
    let mut client = client(pool).await?;
    let act = begin(&mut client, &[]).await?;
    remove(&act, ids).await?;
    act.commit().await?;
    Ok(())
}

pub(crate) async fn remove(act: &Transaction<'_>, ids: &[LetterId]) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = ids.iter().map(|id| kept(id.as_str())).collect();
    let statement = act.prepare_cached(REMOVE_FAILURES).await?;
    act.execute(&statement, &[&ids]).await?;
    Ok(())
}

/// Writes a run's row.
pub(crate) async fn put_run(pool: &Pool, run: &RunRow) -> Result<(), Fault> {
    let mut client = client(pool).await?;
    let act = begin(&mut client, &[]).await?;
    write_run(&act, PUT_RUN, run).await?;
    act.commit().await?;
    Ok(())
}

/// Writes a run's row where there is none of its id.
pub(crate) async fn begin_run(act: &Transaction<'_>, run: &RunRow) -> Result<(), Fault> {
    write_run(act, BEGIN_RUN, run).await
}

async fn write_run(act: &Transaction<'_>, sql: &str, run: &RunRow) -> Result<(), Fault> {
    let statement = act.prepare_cached(sql).await?;
    act.execute(
        &statement,
        &[
            &kept(run.id.as_str()),
            &kept(run.connection.as_str()),
            &kept(&run.workflow),
            &kept(&run.source),
            &kept(run.plan.as_str()),
            &json(&run.inputs),
            &json(&run.granted),
            &word(&run.trigger),
            &run.state.name(),
            &Instant::at(run.started_at),
            &run.ended_at.map(Instant::at),
            &run.evidence.as_ref().map(json),
        ],
    )
    .await?;
    Ok(())
}

/// Remembers the account of a connection, or makes sure of it.
pub(crate) async fn bind_account(
    pool: &Pool,
    name: &ConnectionName,
    given: watershed_model::AccountId,
) -> Result<(), Fault> {
    let mut client = client(pool).await?;
    let act = begin(&mut client, &[]).await?;
    let connection = kept(name.as_str());
    act.execute(BIND_ACCOUNT, &[&connection, &kept(given.as_str())]).await?;
    let row = act.query_one(ACCOUNT, &[&connection]).await?;
    let stored = watershed_model::AccountId(told(row.try_get("account")?));
    if stored != given {
        return Err(Error::OtherAccount { connection: name.clone(), stored, given }.into());
    }
    act.commit().await?;
    Ok(())
}

/// The account that a connection's data is of.
pub(crate) async fn account(
    client: &Object,
    name: &ConnectionName,
) -> Result<Option<watershed_model::AccountId>, Fault> {
    let row = client.query_opt(ACCOUNT, &[&kept(name.as_str())]).await?;
    row.map(|row| Ok(watershed_model::AccountId(state::text(&row, "account")?))).transpose()
}
