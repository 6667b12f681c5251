//! What is taken out for good, and how nobody brings it back.

use rusqlite::{Connection, Transaction, TransactionBehavior, named_params};
use watershed_model::ConnectionName;

use super::fault::Fault;
use super::stored::{named, restore_row};
use super::table::{Table, Tables};
use super::write::{put_coverage, remove};
use crate::{Erasure, Error, StoredRow, listing_hash};

const ERASED: &str = include_str!("../../sql/erased.sql");
const ERASE_MEMBER: &str = include_str!("../../sql/erase_member.sql");
const ERASE_LISTING: &str = include_str!("../../sql/erase_listing.sql");
const CLEAR_MEMBERS: &str = include_str!("../../sql/clear_members.sql");
const ERASE_COVERAGE: &str = include_str!("../../sql/erase_coverage.sql");
const ERASE_EVENT: &str = include_str!("../../sql/erase_event.sql");

/// Refuses who knows of fewer erased people than are remembered.
pub(super) fn knows(
    act: &Transaction<'_>,
    connection: &ConnectionName,
    known: u64,
) -> Result<(), Fault> {
    let params = named_params! { ":connection": connection.as_str() };
    let erased: i64 = act.prepare_cached(ERASED)?.query_row(params, |row| row.get(0))?;
    match u64::try_from(erased).is_ok_and(|erased| erased <= known) {
        true => Ok(()),
        false => Err(Error::Erased { connection: connection.clone() }.into()),
    }
}

/// Takes out what an erasure names, all of it or nothing.
pub(super) fn erase(
    connection: &mut Connection,
    tables: &Tables,
    erasure: &Erasure,
) -> Result<(), Fault> {
    let act = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (dataset, row) in &erasure.rows {
        take(&act, named(tables, dataset)?, row)?;
        if let Some(text) = &row.listing {
            let listing = listing_hash(&row.at.connection, dataset, text);
            let params = named_params! { ":listing": listing, ":key": row.at.key };
            act.prepare_cached(ERASE_MEMBER)?.execute(params)?;
        }
    }
    for (dataset, row) in &erasure.changed {
        let table = named(tables, dataset)?;
        if take(&act, table, row)? {
            restore_row(&act, table, row)?;
        }
    }
    for listing in &erasure.listings {
        for sql in [CLEAR_MEMBERS, ERASE_LISTING] {
            act.prepare_cached(sql)?.execute(named_params! { ":listing": listing })?;
        }
    }
    for ask in &erasure.asks {
        act.prepare_cached(ERASE_COVERAGE)?.execute(named_params! {
            ":connection": ask.connection.as_str(),
            ":operation": ask.operation.as_str(),
            ":subject": ask.subject.as_str(),
            ":from": ask.from.as_deref().unwrap_or_default(),
        })?;
    }
    for coverage in &erasure.coverage {
        put_coverage(&act, coverage)?;
    }
    remove(&act, &erasure.letters)?;
    for (connection, key, body) in &erasure.events {
        act.prepare_cached(ERASE_EVENT)?.execute(named_params! {
            ":connection": connection.as_str(),
            ":key": key.as_str(),
            ":body": body.to_string(),
        })?;
    }
    act.commit()?;
    Ok(())
}

/// Deletes a row, where it is still the one that was read.
fn take(act: &Transaction<'_>, table: &Table, row: &StoredRow) -> Result<bool, Fault> {
    let taken = act.prepare_cached(&table.take)?.execute(named_params! {
        ":connection": row.at.connection.as_str(),
        ":key": row.at.key,
        ":fetched_at": row.fetched_at.to_string(),
        ":run": row.run.as_str(),
    })?;
    Ok(taken > 0)
}

/// Writes the file anew without what was deleted, and empties the journal.
pub(super) fn compact(connection: &Connection) -> Result<(), Fault> {
    connection.execute_batch("VACUUM")?;
    let busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match busy {
        true => Err(Error::Busy { path: connection.path().unwrap_or_default().into() }.into()),
        false => Ok(()),
    }
}
