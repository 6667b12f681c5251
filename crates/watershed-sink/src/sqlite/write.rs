//! The one transaction: rows, the coverage that speaks of them, and dead letters.

use rusqlite::{Connection, Transaction, TransactionBehavior, named_params};
use watershed_model::{Coverage, DayCalls, DeadLetter, LeftOut, LetterId, Millis, RunRow, Subject};

use super::erase;
use super::fault::Fault;
use super::members::{self, List};
use super::state::{json, word};
use super::table::{Tables, cell_of};
use crate::{Batch, Error, Gone, Write};

const PUT_COVERAGE: &str = include_str!("../../sql/put_coverage.sql");
const PUT_DAYS: &str = include_str!("../../sql/put_days.sql");
const PUT_LEFT_OUT: &str = include_str!("../../sql/put_left_out.sql");
const PUT_FAILURE: &str = include_str!("../../sql/put_failure.sql");
const REMOVE_FAILURE: &str = include_str!("../../sql/remove_failure.sql");
const PUT_RUN: &str = include_str!("../../sql/put_run.sql");
const BEGIN_RUN: &str = include_str!("../../sql/begin_run.sql");

/// Writes a batch, whole or not at all.
pub(super) fn write(
    connection: &mut Connection,
    tables: &Tables,
    batch: &Batch,
) -> Result<(), Fault> {
    let act = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for connection in batch.connections() {
        erase::knows(&act, connection, batch.knows_erased(connection))?;
    }
    for write in &batch.writes {
        put_rows(&act, tables, write)?;
        for coverage in &write.coverage {
            put_coverage(&act, coverage)?;
        }
    }
    for letter in &batch.failures {
        put_failure(&act, letter)?;
    }
    remove(&act, &batch.healed)?;
    for gone in &batch.gone {
        mark_gone(&act, tables, gone)?;
    }
    for day in &batch.days {
        put_day(&act, day)?;
    }
    for left_out in &batch.left_out {
        put_left_out(&act, left_out)?;
    }
    act.commit()?;
    Ok(())
}

fn put_rows(act: &Transaction<'_>, tables: &Tables, write: &Write) -> Result<(), Fault> {
    let listing = write.listing.as_ref().map(crate::Listing::text);
    let fetched_at = write.fetched_at.to_string();
    let list = List::of(act, write, listing.as_deref(), &fetched_at)?;
    for row in &write.rows {
        let table = tables
            .named(row.dataset.name)
            .ok_or_else(|| Error::UnknownDataset { dataset: row.dataset.name.to_owned() })?;
        let record = row.record.to_string();
        let held = members::held(act, table, &write.connection, &row.key)?;
        let mut statement = act.prepare_cached(&table.upsert)?;
        let mut place = 0;
        for column in &table.columns {
            place += 1;
            statement.raw_bind_parameter(place, cell_of(*column, &row.record, &row.asked))?;
        }
        // In the order of the table's own columns.
        statement.raw_bind_parameter(place + 1, write.connection.as_str())?;
        statement.raw_bind_parameter(place + 2, &row.key)?;
        statement.raw_bind_parameter(place + 3, &record)?;
        statement.raw_bind_parameter(place + 4, listing.as_deref())?;
        statement.raw_bind_parameter(place + 5, &fetched_at)?;
        statement.raw_bind_parameter(place + 6, write.run.as_str())?;
        let taken = statement.raw_execute()? > 0;
        if let (true, Some(held)) = (taken, held)
            && !held.is(listing.as_deref(), &record)
        {
            held.keep(act, table, &write.connection, &row.key)?;
        }
        if let Some(list) = list.as_ref().filter(|list| list.lists(row)) {
            // A row that is newer than this answer holds another record than it sent.
            list.put(act, &row.key, (!taken).then_some(record.as_str()))?;
        }
    }
    Ok(())
}

fn mark_gone(act: &Transaction<'_>, tables: &Tables, gone: &Gone) -> Result<(), Fault> {
    let dataset = gone.dataset.name;
    let table = tables
        .named(dataset)
        .ok_or_else(|| Error::UnknownDataset { dataset: dataset.to_owned() })?;
    act.prepare_cached(&table.gone(gone.column))?.execute(named_params! {
        ":connection": gone.connection.as_str(),
        ":value": gone.value,
        ":at": gone.at.to_string(),
    })?;
    Ok(())
}

pub(super) fn put_coverage(act: &Transaction<'_>, coverage: &Coverage) -> Result<(), Fault> {
    act.prepare_cached(PUT_COVERAGE)?.execute(named_params! {
        ":connection": coverage.connection.as_str(),
        ":operation": coverage.operation.as_str(),
        ":subject": coverage.subject.as_str(),
        ":from": coverage.from,
        ":to": coverage.to,
        ":state": coverage.state.name(),
        ":reason": coverage.reason,
        ":rows": i64::try_from(coverage.rows).unwrap_or(i64::MAX),
        ":retry_at": coverage.retry_at.map(|at| at.to_string()),
        ":run": coverage.run.as_str(),
        ":at": coverage.at.to_string(),
    })?;
    Ok(())
}

fn put_failure(act: &Transaction<'_>, letter: &DeadLetter) -> Result<(), Fault> {
    act.prepare_cached(PUT_FAILURE)?.execute(named_params! {
        ":id": letter.id.as_str(),
        ":connection": letter.connection.as_str(),
        ":run": letter.run.as_str(),
        ":plan": letter.plan.as_str(),
        ":step": letter.step,
        ":operation": letter.operation.as_str(),
        ":branch": letter.branch,
        ":item": letter.item,
        ":key": letter.key.cast_signed(),
        ":once": letter.once.map(u64::cast_signed),
        ":bucket": letter.bucket,
        ":scopes": json(&letter.scopes),
        ":subject": letter.subject.as_ref().map(Subject::as_str),
        ":from": letter.from,
        ":to": letter.to,
        ":verdict": letter.verdict,
        ":http": letter.http,
        ":code": letter.code,
        ":message": letter.message,
        ":attempts": letter.attempts,
        ":at": letter.at.to_string(),
        ":hint": letter.hint,
    })?;
    Ok(())
}

fn put_day(act: &Transaction<'_>, day: &DayCalls) -> Result<(), Fault> {
    act.prepare_cached(PUT_DAYS)?.execute(named_params! {
        ":account": day.account.as_str(),
        ":categories": day.categories.to_string(),
        ":day": Millis::of_day(day.day).date().to_string(),
        ":calls": i64::try_from(day.calls).unwrap_or(i64::MAX),
        ":at": day.at.to_string(),
    })?;
    Ok(())
}

fn put_left_out(act: &Transaction<'_>, left_out: &LeftOut) -> Result<(), Fault> {
    act.prepare_cached(PUT_LEFT_OUT)?.execute(named_params! {
        ":connection": left_out.connection.as_str(),
        ":why": word(&left_out.why),
        ":mark": left_out.mark.cast_signed(),
        ":run": left_out.run.as_str(),
        ":at": left_out.at.to_string(),
    })?;
    Ok(())
}

/// Removes dead letters, all or none.
pub(super) fn remove_failures(connection: &mut Connection, ids: &[LetterId]) -> Result<(), Fault> {
    let act = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    remove(&act, ids)?;
    act.commit()?;
    Ok(())
}

pub(super) fn remove(act: &Transaction<'_>, ids: &[LetterId]) -> Result<(), Fault> {
    for id in ids {
        act.prepare_cached(REMOVE_FAILURE)?.execute(named_params! { ":id": id.as_str() })?;
    }
    Ok(())
}

/// Writes a run's row.
pub(super) fn put_run(connection: &Connection, run: &RunRow) -> Result<(), Fault> {
    write_run(connection, PUT_RUN, run)
}

/// Writes a run's row where there is none of its id.
pub(super) fn begin_run(act: &Transaction<'_>, run: &RunRow) -> Result<(), Fault> {
    write_run(act, BEGIN_RUN, run)
}

fn write_run(connection: &Connection, sql: &str, run: &RunRow) -> Result<(), Fault> {
    connection.prepare_cached(sql)?.execute(named_params! {
        ":id": run.id.as_str(),
        ":connection": run.connection.as_str(),
        ":workflow": run.workflow,
        ":source": run.source,
        ":plan": run.plan.as_str(),
        ":inputs": json(&run.inputs),
        ":granted": json(&run.granted),
        ":trigger": word(&run.trigger),
        ":state": run.state.name(),
        ":started_at": run.started_at.to_string(),
        ":ended_at": run.ended_at.map(|at| at.to_string()),
        ":evidence": run.evidence.as_ref().map(json),
    })?;
    Ok(())
}
