//! What is asked of a connection; nothing here writes, but for the account's first time.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Params, Row, named_params};
use watershed_model::{
    AccountId, ConnectionName, Coverage, CoverageState, DayCalls, DeadLetter, LeftOut, LetterId,
    OperationId, PlanHash, RunCoverage, RunHead, RunId, RunRow,
};

use super::fault::Fault;
use super::layout::version;
use super::members;
use super::state::{self, counted, json, named};
use super::table::Tables;
use crate::{
    Ask, CoverageCount, CoverageFilter, Error, FailureFilter, Health, ListedRow, ListingKey,
    listing_hash,
};

const COVERED: &str = include_str!("../../sql/covered.sql");
const COVERAGE: &str = include_str!("../../sql/coverage.sql");
pub(super) const COVERAGE_COUNTS: &str = include_str!("../../sql/coverage_counts.sql");
const COVERAGE_BY_RUN: &str = include_str!("../../sql/coverage_by_run.sql");
const BIND_ACCOUNT: &str = include_str!("../../sql/bind_account.sql");
const ACCOUNT: &str = include_str!("../../sql/account.sql");
const DAYS: &str = include_str!("../../sql/days.sql");
const LEFT_OUT: &str = include_str!("../../sql/left_out.sql");
const RUN: &str = include_str!("../../sql/run.sql");
const RUNS: &str = include_str!("../../sql/runs.sql");
const RUN_HEADS: &str = include_str!("../../sql/run_heads.sql");
const UNFINISHED: &str = include_str!("../../sql/unfinished.sql");
const FAILURES: &str = include_str!("../../sql/failures.sql");

/// Every row of a query, by `read`.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

pub(super) fn covered(
    connection: &Connection,
    asks: &[Ask],
) -> Result<Vec<Option<Coverage>>, Fault> {
    let mut answers: Vec<Option<Coverage>> = vec![None; asks.len()];
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>("place")?, state::coverage(row)?));
    for (place, found) in all(connection, COVERED, named_params! { ":asks": json(&asks) }, read)? {
        let answer = usize::try_from(place).ok().and_then(|place| answers.get_mut(place));
        *answer.expect("json_each counts the places of the array given") = Some(found);
    }
    Ok(answers)
}

pub(super) fn listed(
    connection: &mut Connection,
    tables: &Tables,
    key: &ListingKey,
    after: Option<&str>,
    limit: u32,
) -> Result<Option<Vec<ListedRow>>, Fault> {
    let table = tables
        .named(&key.dataset)
        .ok_or_else(|| Error::UnknownDataset { dataset: key.dataset.clone() })?;
    let text = key.listing().text();
    let listing = listing_hash(&key.connection, table.name, &text);
    let moment = connection.transaction()?;
    if members::reading(&moment, listing)?.is_none() {
        return Ok(None);
    }
    let params = named_params! {
        ":connection": key.connection.as_str(),
        ":listing": listing,
        ":text": text,
        ":after": after.unwrap_or_default(),
        ":limit": limit,
    };
    let rows = all(&moment, &table.listed, params, |row| {
        let Some(record) = row.get::<_, Option<String>>("record")? else { return Ok(None) };
        let record = serde_json::from_str(&record)
            .map_err(|e| Fault::Unreadable(format!("a record of {}: {e}", table.name)))?;
        Ok(Some(ListedRow { key: row.get("key")?, record }))
    })?;
    Ok(rows.into_iter().collect())
}

pub(super) fn bind_account(
    connection: &Connection,
    name: &ConnectionName,
    given: AccountId,
) -> Result<(), Fault> {
    let params = named_params! { ":connection": name.as_str(), ":account": given.as_str() };
    connection.prepare_cached(BIND_ACCOUNT)?.execute(params)?;
    match account(connection, name)? {
        Some(stored) if stored != given => {
            Err(Error::OtherAccount { connection: name.clone(), stored, given }.into())
        }
        _ => Ok(()),
    }
}

/// The account that a connection's data is of.
pub(super) fn account(
    connection: &Connection,
    name: &ConnectionName,
) -> Result<Option<AccountId>, Fault> {
    let params = named_params! { ":connection": name.as_str() };
    let stored = all(connection, ACCOUNT, params, |row| Ok(AccountId(row.get(0)?)))?;
    Ok(stored.into_iter().next())
}

pub(super) fn days(
    connection: &Connection,
    of: &AccountId,
    limit: u32,
) -> Result<Vec<DayCalls>, Fault> {
    let params = named_params! { ":account": of.as_str(), ":limit": limit };
    all(connection, DAYS, params, state::day)
}

pub(super) fn left_out(
    connection: &Connection,
    of: &ConnectionName,
) -> Result<Vec<LeftOut>, Fault> {
    all(connection, LEFT_OUT, named_params! { ":connection": of.as_str() }, state::left_out)
}

pub(super) fn run(connection: &Connection, id: &RunId) -> Result<Option<RunRow>, Fault> {
    Ok(all(connection, RUN, named_params! { ":id": id.as_str() }, state::run)?.pop())
}

pub(super) fn runs(
    connection: &Connection,
    of: Option<&ConnectionName>,
    limit: u32,
) -> Result<Vec<RunRow>, Fault> {
    let of = of.map(ConnectionName::as_str);
    all(connection, RUNS, named_params! { ":connection": of, ":limit": limit }, state::run)
}

pub(super) fn run_heads(
    connection: &Connection,
    of: Option<&ConnectionName>,
    limit: u32,
) -> Result<Vec<RunHead>, Fault> {
    let params = named_params! { ":connection": of.map(ConnectionName::as_str), ":limit": limit };
    all(connection, RUN_HEADS, params, state::run_head)
}

pub(super) fn unfinished(
    connection: &Connection,
    of: &ConnectionName,
    plan: &PlanHash,
    inputs: &BTreeMap<String, serde_json::Value>,
) -> Result<Option<RunRow>, Fault> {
    let params = named_params! {
        ":connection": of.as_str(),
        ":plan": plan.as_str(),
        ":inputs": json(inputs),
    };
    Ok(all(connection, UNFINISHED, params, state::run)?.pop())
}

pub(super) fn failures(
    connection: &Connection,
    filter: &FailureFilter,
) -> Result<Vec<DeadLetter>, Fault> {
    let params = named_params! {
        ":connection": filter.connection.as_ref().map(ConnectionName::as_str),
        ":run": filter.run.as_ref().map(RunId::as_str),
        ":step": filter.step,
        ":key": filter.key.map(u64::cast_signed),
        ":id": filter.id.as_ref().map(LetterId::as_str),
    };
    all(connection, FAILURES, params, state::failure)
}

pub(super) fn coverage(
    connection: &Connection,
    filter: &CoverageFilter,
    after: Option<&Ask>,
    limit: u32,
) -> Result<Vec<Coverage>, Fault> {
    let params = named_params! {
        ":after_connection": after.map_or("", |ask| ask.connection.as_str()),
        ":after_operation": after.map_or("", |ask| ask.operation.as_str()),
        ":after_subject": after.map_or("", |ask| ask.subject.as_str()),
        ":after_from": after.and_then(|ask| ask.from.as_deref()).unwrap_or_default(),
        ":connection": filter.connection.as_ref().map(ConnectionName::as_str),
        ":operation": filter.operation.as_ref().map(OperationId::as_str),
        ":run": filter.run.as_ref().map(RunId::as_str),
        ":state": filter.state.map(CoverageState::name),
        ":user": filter.user,
        ":limit": limit,
    };
    all(connection, COVERAGE, params, state::coverage)
}

pub(super) fn coverage_counts(
    connection: &Connection,
    filter: &CoverageFilter,
) -> Result<Vec<CoverageCount>, Fault> {
    let params = named_params! {
        ":connection": filter.connection.as_ref().map(ConnectionName::as_str),
        ":operation": filter.operation.as_ref().map(OperationId::as_str),
        ":run": filter.run.as_ref().map(RunId::as_str),
        ":state": filter.state.map(CoverageState::name),
        ":user": filter.user,
    };
    all(connection, COVERAGE_COUNTS, params, |row| {
        Ok(CoverageCount {
            operation: OperationId(row.get("operation")?),
            state: named(row.get("state")?)?,
            reason: row.get("reason")?,
            count: counted(row.get("count")?)?,
            rows: counted(row.get("rows")?)?,
        })
    })
}

pub(super) fn coverage_by_run(
    connection: &Connection,
    of: &ConnectionName,
) -> Result<Vec<RunCoverage>, Fault> {
    all(connection, COVERAGE_BY_RUN, named_params! { ":connection": of.as_str() }, |row| {
        Ok(RunCoverage {
            operation: OperationId(row.get("operation")?),
            run: RunId(row.get("run")?),
            whole: counted(row.get("whole")?)?,
            waiting: counted(row.get("waiting")?)?,
            open: counted(row.get("open")?)?,
        })
    })
}

/// A dataset that this file does not have yet (it is newer, and the file is only read)
/// counts 0.
pub(super) fn counts(
    connection: &mut Connection,
    tables: &Tables,
    of: &ConnectionName,
) -> Result<BTreeMap<String, u64>, Fault> {
    let moment = connection.transaction()?;
    let mut counts = BTreeMap::new();
    for table in tables.all() {
        let there = moment
            .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")?
            .query_row([table.name], |_| Ok(()))
            .optional()?;
        let count = match there {
            None => 0,
            Some(()) => moment
                .prepare_cached(&table.count)?
                .query_row(named_params! { ":connection": of.as_str() }, |row| row.get(0))?,
        };
        counts.insert(table.name.to_owned(), counted(count)?);
    }
    Ok(counts)
}

pub(super) fn check(connection: &Connection, path: &Path) -> Result<Health, Fault> {
    let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    let bytes: i64 = connection.query_row(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        [],
        |row| row.get(0),
    )?;
    // 2 = FULL, 3 = EXTRA. Journals in memory survive nothing.
    let durable = synchronous >= 2 && journal != "memory" && journal != "off";
    let level = match synchronous {
        0 => "off",
        1 => "normal",
        2 => "full",
        _ => "extra",
    };
    Ok(Health {
        place: path.display().to_string(),
        engine: format!("SQLite {}", rusqlite::version()),
        version: version(),
        durability: format!("journal_mode={journal}, synchronous={level}"),
        durable,
        bytes: counted(bytes)?,
    })
}
