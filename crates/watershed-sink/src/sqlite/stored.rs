//! What this sink holds, page by page, and what it takes over from another one.

use std::collections::BTreeMap;

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, named_params};
use serde_json::{Map, Value};
use watershed_model::{AccountId, ConnectionName, DeadLetter, FieldType, LetterId, RunId};

use super::audit;
use super::fault::Fault;
use super::read::all;
use super::state::{self, instant, instant_or_none, parsed};
use super::table::{Table, Tables, cell_of};
use crate::{Error, Member, MemberKey, Missing, Reading, RowKey, Stored, StoredRow};

const ACCOUNTS: &str = include_str!("../../sql/accounts.sql");
const LETTERS: &str = include_str!("../../sql/letters.sql");
const READINGS: &str = include_str!("../../sql/readings.sql");
const MEMBERS: &str = include_str!("../../sql/members.sql");
const RESTORE_CLEAR: &str = include_str!("../../sql/restore_clear.sql");
const RESTORE_READING: &str = include_str!("../../sql/restore_reading.sql");
const RESTORE_MEMBER: &str = include_str!("../../sql/restore_member.sql");

pub(super) fn accounts(
    connection: &Connection,
) -> Result<BTreeMap<ConnectionName, AccountId>, Fault> {
    let read = |row: &Row<'_>| Ok((ConnectionName(row.get(0)?), AccountId(row.get(1)?)));
    Ok(all(connection, ACCOUNTS, [], read)?.into_iter().collect())
}

pub(super) fn letters(
    connection: &Connection,
    after: Option<&LetterId>,
    limit: u32,
) -> Result<Vec<DeadLetter>, Fault> {
    let after = after.map_or("", LetterId::as_str);
    all(connection, LETTERS, named_params! { ":after": after, ":limit": limit }, state::failure)
}

pub(super) fn readings(
    connection: &Connection,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<Reading>, Fault> {
    let params = named_params! { ":after": after, ":limit": limit };
    all(connection, READINGS, params, |row| {
        Ok(Reading {
            listing: row.get("listing")?,
            first_at: instant(&row.get::<_, String>("first_at")?)?,
            run: RunId(row.get("run")?),
            whole: row.get("whole")?,
        })
    })
}

pub(super) fn members(
    connection: &Connection,
    after: Option<&MemberKey>,
    limit: u32,
) -> Result<Vec<Member>, Fault> {
    let params = named_params! {
        ":listing": after.map_or(i64::MIN, |member| member.listing),
        ":key": after.map_or("", |member| &member.key),
        ":limit": limit,
    };
    all(connection, MEMBERS, params, |row| {
        let record: Option<String> = row.get("record")?;
        Ok(Member {
            at: MemberKey { listing: row.get("listing")?, key: row.get("key")? },
            record: record.as_deref().map(parsed).transpose()?,
            first_at: instant(&row.get::<_, String>("first_at")?)?,
            run: RunId(row.get("run")?),
        })
    })
}

pub(super) fn named<'a>(tables: &'a Tables, dataset: &str) -> Result<&'a Table, Fault> {
    let unknown = || Error::UnknownDataset { dataset: dataset.to_owned() };
    Ok(tables.named(dataset).ok_or_else(unknown)?)
}

pub(super) fn rows(
    connection: &Connection,
    tables: &Tables,
    dataset: &str,
    after: Option<&RowKey>,
    limit: u32,
) -> Result<Vec<StoredRow>, Fault> {
    let table = named(tables, dataset)?;
    let params = named_params! {
        ":connection": after.map_or("", |row| row.connection.as_str()),
        ":key": after.map_or("", |row| &row.key),
        ":limit": limit,
    };
    all(connection, &table.rows_after, params, |row| stored_row(table, row))
}

pub(super) fn missing(
    connection: &Connection,
    tables: &Tables,
    missing: &Missing,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<StoredRow>, Fault> {
    let table = named(tables, &missing.dataset)?;
    let params = named_params! {
        ":connection": missing.connection.as_str(),
        ":run": missing.run.as_str(),
        ":before": missing.before.to_string(),
        ":after": after.unwrap_or_default(),
        ":limit": limit,
    };
    all(connection, &table.missing, params, |row| stored_row(table, row))
}

fn stored_row(table: &Table, row: &Row<'_>) -> Result<StoredRow, Fault> {
    let mut asked = Map::new();
    for column in &table.asked {
        asked.insert(column.name.to_owned(), told(column.ty, row.get(column.name)?)?);
    }
    Ok(StoredRow {
        at: RowKey { connection: ConnectionName(row.get("_connection")?), key: row.get("_key")? },
        record: parsed(&row.get::<_, String>("_raw")?)?,
        asked,
        listing: row.get("_listing")?,
        fetched_at: instant(&row.get::<_, String>("_fetched_at")?)?,
        run: RunId(row.get("_run")?),
        deleted_at: instant_or_none(row.get("_deleted_at")?)?,
    })
}

/// A cell as the member of a record that it was made of.
fn told(ty: FieldType, cell: Cell) -> Result<Value, Fault> {
    Ok(match (ty, cell) {
        (FieldType::Bool, Cell::Integer(yes)) => Value::from(yes != 0),
        (_, Cell::Integer(number)) => Value::from(number),
        (_, Cell::Real(number)) => Value::from(number),
        (FieldType::Text | FieldType::Time | FieldType::Date, Cell::Text(text)) => text.into(),
        (_, Cell::Text(json)) => parsed(&json)?,
        (_, Cell::Null | Cell::Blob(_)) => Value::Null,
    })
}

/// Takes over what another sink holds, all of it or nothing.
pub(super) fn restore(
    connection: &mut Connection,
    tables: &Tables,
    stored: &Stored,
) -> Result<(), Fault> {
    let act = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match stored {
        Stored::Rows(dataset, rows) => {
            let table = named(tables, dataset)?;
            for row in rows {
                restore_row(&act, table, row)?;
            }
        }
        Stored::Audit(entries) => audit::restore(&act, entries)?,
        Stored::Readings(readings) => {
            for reading in readings {
                restore_reading(&act, reading)?;
            }
        }
        Stored::Members(members) => {
            for member in members {
                act.prepare_cached(RESTORE_MEMBER)?.execute(named_params! {
                    ":listing": member.at.listing,
                    ":key": member.at.key,
                    ":record": member.record.as_ref().map(Value::to_string),
                    ":first_at": member.first_at.to_string(),
                    ":run": member.run.as_str(),
                })?;
            }
        }
    }
    act.commit()?;
    Ok(())
}

pub(super) fn restore_row(
    act: &Transaction<'_>,
    table: &Table,
    row: &StoredRow,
) -> Result<(), Fault> {
    let mut statement = act.prepare_cached(&table.upsert)?;
    let mut place = 0;
    for column in &table.columns {
        place += 1;
        statement.raw_bind_parameter(place, cell_of(*column, &row.record, &row.asked))?;
    }
    // In the order of the table's own columns.
    statement.raw_bind_parameter(place + 1, row.at.connection.as_str())?;
    statement.raw_bind_parameter(place + 2, &row.at.key)?;
    statement.raw_bind_parameter(place + 3, row.record.to_string())?;
    statement.raw_bind_parameter(place + 4, row.listing.as_deref())?;
    statement.raw_bind_parameter(place + 5, row.fetched_at.to_string())?;
    statement.raw_bind_parameter(place + 6, row.run.as_str())?;
    statement.raw_execute()?;
    if let Some(at) = row.deleted_at {
        act.prepare_cached(&table.delete)?.execute(named_params! {
            ":connection": row.at.connection.as_str(),
            ":key": row.at.key,
            ":at": at.to_string(),
        })?;
    }
    Ok(())
}

fn restore_reading(act: &Transaction<'_>, reading: &Reading) -> Result<(), Fault> {
    let first_at = reading.first_at.to_string();
    act.prepare_cached(RESTORE_CLEAR)?
        .execute(named_params! { ":listing": reading.listing, ":first_at": first_at })?;
    act.prepare_cached(RESTORE_READING)?.execute(named_params! {
        ":listing": reading.listing,
        ":first_at": first_at,
        ":run": reading.run.as_str(),
        ":whole": reading.whole,
    })?;
    Ok(())
}
