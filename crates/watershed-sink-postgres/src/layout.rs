//! Brings the tables up to date: numbered migrations for the state, the catalogue for datasets.
//!
//! All of it is one transaction, and one program at a time: a database is of one version or of
//! the other. A column that a newer catalogue brings is filled from `_raw`, so nothing needs to
//! be asked again. What is up to date already is only looked at, without a lock.

use deadpool_postgres::{GenericClient, Object, Transaction};
use serde_json::Value;
use tokio_postgres::types::ToSql;
use watershed_sink::Column;

use crate::cells::Cells;
use crate::fault::Fault;
use crate::opening::{Found, recognise};
use crate::pool::{begin, lock_of_tables};
use crate::table::{Table, Tables};
use crate::text::told_json;
use crate::value::Json;

/// The state tables, version by version. Released ones are never edited.
const MIGRATIONS: [&str; 7] = [
    include_str!("../migrations/0001_state.sql"),
    include_str!("../migrations/0002_days.sql"),
    include_str!("../migrations/0003_inbox.sql"),
    include_str!("../migrations/0004_ticks.sql"),
    include_str!("../migrations/0005_left_out.sql"),
    include_str!("../migrations/0006_audit.sql"),
    include_str!("../migrations/0007_coverage_by_run.sql"),
];

/// The version of the state tables (`_meta`). Only what is built for tests can be of another one.
pub(crate) fn version() -> u32 {
    let off = cfg!(debug_assertions).then(|| std::env::var("WATERSHED_TEST_SINK_OFF").ok());
    let off = off.flatten().and_then(|off| off.parse().ok()).unwrap_or(0);
    (MIGRATIONS.len() as u32).saturating_add_signed(off)
}

const PUT_VERSION: &str = include_str!("../sql/put_version.sql");
/// A new column of a large dataset is filled for as long as it takes.
const NO_LIMIT: &str = "SET LOCAL statement_timeout = 0";
/// Rows that are filled at once.
const ROWS_AT_ONCE: i64 = 1_000;

/// Brings what is there to [`version`], and its datasets to this catalogue.
pub(crate) async fn bring_up_to_date(
    client: &mut Object,
    tables: &Tables,
    place: &str,
) -> Result<(), Fault> {
    if complete(&recognise(client, tables, place).await?, tables) {
        return Ok(());
    }
    let act = begin(client, &[lock_of_tables()]).await?;
    act.batch_execute(NO_LIMIT).await?;
    // Somebody else may have done it meanwhile.
    let found = recognise(&act, tables, place).await?;
    for migration in MIGRATIONS.iter().skip(found.version as usize) {
        act.batch_execute(migration).await?;
    }
    if found.version < version() {
        act.execute(PUT_VERSION, &[&(version() as i32)]).await?;
    }
    for table in tables.all() {
        let Some(columns) = found.tables.get(table.name) else {
            act.batch_execute(&table.create).await?;
            continue;
        };
        let missing = missing(table, columns);
        for column in &missing {
            act.batch_execute(&table.add_column(*column)).await?;
        }
        fill(&act, table, &missing).await?;
    }
    act.commit().await?;
    Ok(())
}

fn complete(found: &Found, tables: &Tables) -> bool {
    found.version == version()
        && tables.all().all(|table| {
            found.tables.get(table.name).is_some_and(|there| missing(table, there).is_empty())
        })
}

fn missing(table: &Table, there: &[String]) -> Vec<Column> {
    let is_there = |column: &Column| there.iter().any(|name| name == column.name);
    table.columns.iter().filter(|column| !is_there(column)).copied().collect()
}

/// Fills new columns from the stored records, some rows at a time.
async fn fill(act: &Transaction<'_>, table: &Table, columns: &[Column]) -> Result<(), Fault> {
    if columns.is_empty() {
        return Ok(());
    }
    let set = table.set(columns);
    let mut after = (String::new(), String::new());
    loop {
        let rows = act.query(&table.raw_after, &[&after.0, &after.1, &ROWS_AT_ONCE]).await?;
        let (mut connections, mut keys, mut records) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let Json(raw) = row.try_get("_raw")?;
            let record = told_json(&raw).map_err(|error| {
                Fault::Unreadable(format!("a record of {}: {error}", table.name))
            })?;
            connections.push(row.try_get::<_, String>("_connection")?);
            keys.push(row.try_get::<_, String>("_key")?);
            records.push(record);
        }
        let (Some(connection), Some(key)) = (connections.last(), keys.last()) else {
            return Ok(());
        };
        after = (connection.clone(), key.clone());
        let cells: Vec<Cells<'_>> = columns.iter().map(|column| of(column, &records)).collect();
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&connections, &keys];
        params.extend(cells.iter().map(Cells::bound));
        act.execute(&set, &params).await?;
    }
}

fn of<'a>(column: &Column, records: &'a [Value]) -> Cells<'a> {
    Cells::of(column.ty, records.iter().map(|record| record.get(column.name)))
}
