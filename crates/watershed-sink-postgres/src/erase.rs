//! What is taken out for good, and how nobody brings it back.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{Pool, Transaction};
use watershed_model::{ConnectionName, Coverage};
use watershed_sink::{Erasure, Error, StoredRow, listing_hash};

use crate::fault::Fault;
use crate::opening::names;
use crate::pool::{begin, client, lock_of};
use crate::rows::table;
use crate::state::{counted, json, text};
use crate::stored::restore_rows;
use crate::table::{Table, Tables, anew};
use crate::text::kept;
use crate::value::Instant;
use crate::write::{put_coverage, remove};

const ERASED: &str = include_str!("../sql/erased.sql");
const ERASE_MEMBERS: &str = include_str!("../sql/erase_members.sql");
const ERASE_LISTINGS: &str = include_str!("../sql/erase_listings.sql");
const CLEAR_MEMBERS: &str = include_str!("../sql/clear_members.sql");
const ERASE_COVERAGE: &str = include_str!("../sql/erase_coverage.sql");
const ERASE_EVENTS: &str = include_str!("../sql/erase_events.sql");
/// What the planner knows of our tables.
const STATISTICS: &str = "VACUUM FULL pg_catalog.pg_statistic";
/// Large tables are written anew for as long as it takes.
const NO_LIMIT: &str = "SET statement_timeout = 0";

/// Refuses who knows of fewer erased people than are remembered.
pub(crate) async fn knows(
    act: &Transaction<'_>,
    connections: &BTreeSet<&ConnectionName>,
    known: &BTreeMap<ConnectionName, u64>,
) -> Result<(), Fault> {
    if connections.is_empty() {
        return Ok(());
    }
    let asked: Vec<_> = connections.iter().map(|c| kept(c.as_str())).collect();
    let statement = act.prepare_cached(ERASED).await?;
    for row in act.query(&statement, &[&asked]).await? {
        let connection = ConnectionName(text(&row, "connection")?);
        let erased = counted(row.try_get("erased")?)?;
        if erased > known.get(&connection).copied().unwrap_or(0) {
            return Err(Error::Erased { connection }.into());
        }
    }
    Ok(())
}

/// Takes out what an erasure names, all of it or nothing.
pub(crate) async fn erase(pool: &Pool, tables: &Tables, erasure: &Erasure) -> Result<(), Fault> {
    let rows = erasure.rows.iter().chain(&erasure.changed);
    let of_rows = rows.map(|(_, row)| &row.at.connection);
    let of_coverage = erasure.asks.iter().map(|ask| &ask.connection);
    let locks: BTreeSet<i64> = of_rows.chain(of_coverage).map(lock_of).collect();
    let mut client = client(pool).await?;
    let act = begin(&mut client, &locks.into_iter().collect::<Vec<_>>()).await?;
    for (dataset, rows) in by_dataset(&erasure.rows) {
        take(&act, table(tables, dataset)?, &rows).await?;
        forget_members(&act, dataset, &rows).await?;
    }
    for (dataset, rows) in by_dataset(&erasure.changed) {
        let table = table(tables, dataset)?;
        let taken = take(&act, table, &rows).await?;
        let again: Vec<StoredRow> = rows
            .into_iter()
            .filter(|row| taken.contains(&(row.at.connection.0.clone(), row.at.key.clone())))
            .cloned()
            .collect();
        restore_rows(&act, table, &again).await?;
    }
    for sql in [CLEAR_MEMBERS, ERASE_LISTINGS] {
        act.execute(sql, &[&erasure.listings]).await?;
    }
    forget_coverage(&act, erasure).await?;
    let coverage: Vec<&Coverage> = erasure.coverage.iter().collect();
    put_coverage(&act, coverage).await?;
    remove(&act, &erasure.letters).await?;
    let connections: Vec<_> = erasure.events.iter().map(|(c, ..)| kept(c.as_str())).collect();
    let keys: Vec<_> = erasure.events.iter().map(|(_, key, _)| kept(key.as_str())).collect();
    let bodies: Vec<_> = erasure.events.iter().map(|(.., body)| json(body)).collect();
    act.execute(ERASE_EVENTS, &[&connections, &keys, &bodies]).await?;
    act.commit().await?;
    Ok(())
}

fn by_dataset(rows: &[(String, StoredRow)]) -> BTreeMap<&str, Vec<&StoredRow>> {
    let mut by: BTreeMap<&str, Vec<&StoredRow>> = BTreeMap::new();
    for (dataset, row) in rows {
        by.entry(dataset).or_default().push(row);
    }
    by
}

/// Deletes rows that are still those that were read. Connection and key of each.
async fn take(
    act: &Transaction<'_>,
    table: &Table,
    rows: &[&StoredRow],
) -> Result<BTreeSet<(String, String)>, Fault> {
    let connections: Vec<_> = rows.iter().map(|row| kept(row.at.connection.as_str())).collect();
    let keys: Vec<_> = rows.iter().map(|row| kept(&row.at.key)).collect();
    let fetched: Vec<_> = rows.iter().map(|row| Instant::at(row.fetched_at)).collect();
    let runs: Vec<_> = rows.iter().map(|row| kept(row.run.as_str())).collect();
    let statement = act.prepare_cached(&table.take).await?;
    let taken = act.query(&statement, &[&connections, &keys, &fetched, &runs]).await?;
    taken.iter().map(|row| Ok((text(row, "_connection")?, text(row, "_key")?))).collect()
}

async fn forget_members(
    act: &Transaction<'_>,
    dataset: &str,
    rows: &[&StoredRow],
) -> Result<(), Fault> {
    let listed = || rows.iter().filter_map(|row| Some((&row.at, row.listing.as_deref()?)));
    let listings: Vec<i64> =
        listed().map(|(at, text)| listing_hash(&at.connection, dataset, text)).collect();
    let keys: Vec<_> = listed().map(|(at, _)| kept(&at.key)).collect();
    let statement = act.prepare_cached(ERASE_MEMBERS).await?;
    act.execute(&statement, &[&listings, &keys]).await?;
    Ok(())
}

async fn forget_coverage(act: &Transaction<'_>, erasure: &Erasure) -> Result<(), Fault> {
    let connections: Vec<_> = erasure.asks.iter().map(|a| kept(a.connection.as_str())).collect();
    let operations: Vec<_> = erasure.asks.iter().map(|a| kept(a.operation.as_str())).collect();
    let subjects: Vec<_> = erasure.asks.iter().map(|a| kept(a.subject.as_str())).collect();
    let from: Vec<_> =
        erasure.asks.iter().map(|a| kept(a.from.as_deref().unwrap_or_default())).collect();
    act.execute(ERASE_COVERAGE, &[&connections, &operations, &subjects, &from]).await?;
    Ok(())
}

/// Writes our tables anew without what was deleted.
pub(crate) async fn compact(pool: &Pool, tables: &Tables) -> Result<(), Fault> {
    // A connection of its own, which does not go back with another limit.
    let client = deadpool_postgres::Object::take(client(pool).await?);
    client.batch_execute(NO_LIMIT).await?;
    for table in names(tables) {
        client.batch_execute(&anew(table)).await?;
    }
    // Samples of what was deleted; whose database it is not may not.
    client.batch_execute(STATISTICS).await?;
    Ok(())
}
