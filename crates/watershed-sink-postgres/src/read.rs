//! What is asked of a connection; nothing here writes.

use std::collections::BTreeMap;

use deadpool_postgres::{GenericClient, Object};
use serde_json::Value;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};
use watershed_model::{
    AccountId, ConnectionName, Coverage, CoverageState, DayCalls, DeadLetter, LeftOut, LetterId,
    OperationId, PlanHash, RunCoverage, RunHead, RunId, RunRow,
};
use watershed_sink::{
    Ask, CoverageCount, CoverageFilter, Error, FailureFilter, Health, ListedRow, ListingKey,
    listing_hash,
};

use crate::fault::Fault;
use crate::layout::version;
use crate::opening::{names, recognise};
use crate::pool::durable;
use crate::state::{self, counted, json, named, text, text_or_none};
use crate::table::Tables;
use crate::text::{kept, told_json};
use crate::value::Json;

const COVERED: &str = include_str!("../sql/covered.sql");
const COVERAGE: &str = include_str!("../sql/coverage.sql");
const COVERAGE_COUNTS: &str = include_str!("../sql/coverage_counts.sql");
const COVERAGE_BY_RUN: &str = include_str!("../sql/coverage_by_run.sql");
const DAYS: &str = include_str!("../sql/days.sql");
const LEFT_OUT: &str = include_str!("../sql/left_out.sql");
const RUN: &str = include_str!("../sql/run.sql");
const RUNS: &str = include_str!("../sql/runs.sql");
const RUN_HEADS: &str = include_str!("../sql/run_heads.sql");
const UNFINISHED: &str = include_str!("../sql/unfinished.sql");
const FAILURES: &str = include_str!("../sql/failures.sql");
const HEALTH: &str = include_str!("../sql/health.sql");

/// Every row of a query, by `read`.
pub(crate) async fn all<T>(
    client: &impl GenericClient,
    sql: &str,
    params: &[&(dyn ToSql + Sync)],
    read: impl Fn(&Row) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let statement = client.prepare_cached(sql).await?;
    client.query(&statement, params).await?.iter().map(read).collect()
}

/// What `LIMIT` takes.
pub(crate) fn page(limit: u32) -> i64 {
    i64::from(limit)
}

pub(crate) async fn covered(client: &Object, asks: &[Ask]) -> Result<Vec<Option<Coverage>>, Fault> {
    let mut answers: Vec<Option<Coverage>> = vec![None; asks.len()];
    if asks.is_empty() {
        return Ok(answers);
    }
    let connections: Vec<_> = asks.iter().map(|ask| kept(ask.connection.as_str())).collect();
    let operations: Vec<_> = asks.iter().map(|ask| kept(ask.operation.as_str())).collect();
    let subjects: Vec<_> = asks.iter().map(|ask| kept(ask.subject.as_str())).collect();
    let from: Vec<_> = asks.iter().map(|ask| ask.from.as_deref().map(kept)).collect();
    let read = |row: &Row| Ok((row.try_get::<_, i64>("place")?, state::coverage(row)?));
    let params: [&(dyn ToSql + Sync); 4] = [&connections, &operations, &subjects, &from];
    for (place, found) in all(client, COVERED, &params, read).await? {
        let answer = usize::try_from(place - 1).ok().and_then(|place| answers.get_mut(place));
        *answer.expect("ordinality counts the places of the arrays given") = Some(found);
    }
    Ok(answers)
}

pub(crate) async fn listed(
    client: &Object,
    tables: &Tables,
    key: &ListingKey,
    after: Option<&str>,
    limit: u32,
) -> Result<Option<Vec<ListedRow>>, Fault> {
    let table = tables
        .named(&key.dataset)
        .ok_or_else(|| Error::UnknownDataset { dataset: key.dataset.clone() })?;
    let listing = key.listing().text();
    let hash = listing_hash(&key.connection, table.name, &listing);
    let params: [&(dyn ToSql + Sync); 5] =
        [&hash, &kept(key.connection.as_str()), &kept(&listing), &after.map(kept), &page(limit)];
    let read = |row: &Row| {
        let member = text_or_none(row, "key")?;
        Ok((member, row.try_get::<_, Option<Json>>("record")?))
    };
    let rows = all(client, &table.listed, &params, read).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut members = Vec::with_capacity(rows.len());
    for (member, record) in rows {
        let Some(member) = member else { continue };
        let Some(Json(record)) = record else { return Ok(None) };
        members.push(ListedRow { key: member, record: recorded(table.name, &record)? });
    }
    Ok(Some(members))
}

/// A stored record.
pub(crate) fn recorded(dataset: &str, record: &str) -> Result<Value, Fault> {
    told_json(record).map_err(|e| Fault::Unreadable(format!("a record of {dataset}: {e}")))
}

pub(crate) async fn days(
    client: &Object,
    of: &AccountId,
    limit: u32,
) -> Result<Vec<DayCalls>, Fault> {
    all(client, DAYS, &[&kept(of.as_str()), &page(limit)], state::day).await
}

pub(crate) async fn left_out(client: &Object, of: &ConnectionName) -> Result<Vec<LeftOut>, Fault> {
    all(client, LEFT_OUT, &[&kept(of.as_str())], state::left_out).await
}

pub(crate) async fn run(client: &Object, id: &RunId) -> Result<Option<RunRow>, Fault> {
    Ok(all(client, RUN, &[&kept(id.as_str())], state::run).await?.pop())
}

pub(crate) async fn runs(
    client: &Object,
    of: Option<&ConnectionName>,
    limit: u32,
) -> Result<Vec<RunRow>, Fault> {
    let of = of.map(|name| kept(name.as_str()));
    all(client, RUNS, &[&of, &page(limit)], state::run).await
}

pub(crate) async fn run_heads(
    client: &Object,
    of: Option<&ConnectionName>,
    limit: u32,
) -> Result<Vec<RunHead>, Fault> {
    let of = of.map(|name| kept(name.as_str()));
    all(client, RUN_HEADS, &[&of, &page(limit)], state::run_head).await
}

pub(crate) async fn unfinished(
    client: &Object,
    of: &ConnectionName,
    plan: &PlanHash,
    inputs: &BTreeMap<String, Value>,
) -> Result<Option<RunRow>, Fault> {
    let (of, plan) = (kept(of.as_str()), kept(plan.as_str()));
    Ok(all(client, UNFINISHED, &[&of, &plan, &json(inputs)], state::run).await?.pop())
}

pub(crate) async fn failures(
    client: &Object,
    filter: &FailureFilter,
) -> Result<Vec<DeadLetter>, Fault> {
    let params: [&(dyn ToSql + Sync); 5] = [
        &filter.connection.as_ref().map(|name| kept(name.as_str())),
        &filter.run.as_ref().map(|run| kept(run.as_str())),
        &filter.step.as_deref().map(kept),
        &filter.key.map(u64::cast_signed),
        &filter.id.as_ref().map(LetterId::as_str).map(kept),
    ];
    all(client, FAILURES, &params, state::failure).await
}

pub(crate) async fn coverage(
    client: &Object,
    filter: &CoverageFilter,
    after: Option<&Ask>,
    limit: u32,
) -> Result<Vec<Coverage>, Fault> {
    let params: [&(dyn ToSql + Sync); 10] = [
        &kept(after.map_or("", |ask| ask.connection.as_str())),
        &kept(after.map_or("", |ask| ask.operation.as_str())),
        &kept(after.map_or("", |ask| ask.subject.as_str())),
        &kept(after.and_then(|ask| ask.from.as_deref()).unwrap_or_default()),
        &filter.connection.as_ref().map(|name| kept(name.as_str())),
        &filter.operation.as_ref().map(OperationId::as_str).map(kept),
        &filter.run.as_ref().map(RunId::as_str).map(kept),
        &filter.state.map(CoverageState::name),
        &filter.user.as_deref().map(member),
        &page(limit),
    ];
    all(client, COVERAGE, &params, state::coverage).await
}

/// How a subject says that one of its members is this text. It is canonical JSON, and within
/// its strings every quote is escaped, so this stands nowhere else in it.
fn member(user: &str) -> String {
    kept(&format!(":{}", Value::from(user))).into_owned()
}

pub(crate) async fn coverage_by_run(
    client: &Object,
    of: &ConnectionName,
) -> Result<Vec<RunCoverage>, Fault> {
    all(client, COVERAGE_BY_RUN, &[&kept(of.as_str())], |row| {
        Ok(RunCoverage {
            operation: OperationId(text(row, "operation")?),
            run: RunId(text(row, "run")?),
            whole: counted(row.try_get("whole")?)?,
            waiting: counted(row.try_get("waiting")?)?,
            open: counted(row.try_get("open")?)?,
        })
    })
    .await
}

pub(crate) async fn coverage_counts(
    client: &Object,
    filter: &CoverageFilter,
) -> Result<Vec<CoverageCount>, Fault> {
    let params: [&(dyn ToSql + Sync); 5] = [
        &filter.connection.as_ref().map(|name| kept(name.as_str())),
        &filter.operation.as_ref().map(OperationId::as_str).map(kept),
        &filter.run.as_ref().map(RunId::as_str).map(kept),
        &filter.state.map(CoverageState::name),
        &filter.user.as_deref().map(member),
    ];
    all(client, COVERAGE_COUNTS, &params, |row| {
        Ok(CoverageCount {
            operation: OperationId(text(row, "operation")?),
            state: named(text(row, "state")?)?,
            reason: text_or_none(row, "reason")?,
            count: counted(row.try_get("count")?)?,
            rows: counted(row.try_get("rows")?)?,
        })
    })
    .await
}

/// All of one moment. A dataset that is not there yet (it is newer, and the tables are only
/// read) counts 0.
pub(crate) async fn counts(
    client: &mut Object,
    tables: &Tables,
    of: &ConnectionName,
    place: &str,
) -> Result<BTreeMap<String, u64>, Fault> {
    let moment = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let there = recognise(&moment, tables, place).await?.tables;
    let mut counts = BTreeMap::new();
    for table in tables.all() {
        let count = match there.contains_key(table.name) {
            false => 0,
            true => moment.query_one(&table.count, &[&kept(of.as_str())]).await?.try_get(0)?,
        };
        counts.insert(table.name.to_owned(), counted(count)?);
    }
    Ok(counts)
}

/// How what is acknowledged is kept, asked within a transaction like those that write.
pub(crate) async fn check(
    client: &impl GenericClient,
    tables: &Tables,
    place: &str,
) -> Result<Health, Fault> {
    let row = client.query_one(HEALTH, &[&names(tables)]).await?;
    let setting = |name: &str| -> Result<&str, Fault> { Ok(row.try_get(name)?) };
    let commits = setting("synchronous_commit")?;
    let (fsync, pages) = (setting("fsync")?, setting("full_page_writes")?);
    Ok(Health {
        place: place.to_owned(),
        engine: format!("PostgreSQL {}", setting("version")?),
        version: version(),
        durability: format!(
            "synchronous_commit={commits}, fsync={fsync}, full_page_writes={pages}"
        ),
        durable: durable(commits).is_ok() && fsync == "on" && pages == "on",
        bytes: counted(row.try_get("bytes")?)?,
    })
}
