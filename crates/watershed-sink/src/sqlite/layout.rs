//! Brings a file up to date: numbered migrations for the state, the catalogue for datasets.
//!
//! All of it is one transaction: a file is of one version or of the other. A column that a
//! newer catalogue brings is filled from `_raw`, so nothing needs to be asked again.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use serde_json::Value;

use super::fault::Fault;
use super::members;
use super::opening::mark;
use super::table::{Table, Tables, of_record};
use crate::Column;

/// The state tables, version by version. Released ones are never edited.
const MIGRATIONS: [&str; 8] = [
    include_str!("../../migrations/0001_state.sql"),
    include_str!("../../migrations/0002_members.sql"),
    include_str!("../../migrations/0003_days.sql"),
    include_str!("../../migrations/0004_inbox.sql"),
    include_str!("../../migrations/0005_ticks.sql"),
    include_str!("../../migrations/0006_left_out.sql"),
    include_str!("../../migrations/0007_audit.sql"),
    include_str!("../../migrations/0008_coverage_by_run.sql"),
];

/// The first version that keeps the members of listings apart.
const WITH_MEMBERS: u32 = 2;

/// The version of the state tables (`PRAGMA user_version`). Only what is built for tests can be of
/// another one.
pub(super) fn version() -> u32 {
    let off = cfg!(debug_assertions).then(|| std::env::var("WATERSHED_TEST_SINK_OFF").ok());
    let off = off.flatten().and_then(|off| off.parse().ok()).unwrap_or(0);
    (MIGRATIONS.len() as u32).saturating_add_signed(off)
}

/// Brings the file to [`version`], and its datasets to this catalogue. Several processes
/// may do so at once: the first one does it, the others find it done.
pub(super) fn bring_up_to_date(connection: &mut Connection, tables: &Tables) -> Result<(), Fault> {
    let act = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = act.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let missing = MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX));
    for migration in missing {
        act.execute_batch(migration)?;
    }
    if found < version() {
        mark(&act)?;
        act.pragma_update(None, "user_version", version())?;
    }
    for table in tables.all() {
        act.execute_batch(&table.create)?;
        let missing = missing_columns(&act, table)?;
        for column in &missing {
            act.execute_batch(&table.add_column(*column))?;
        }
        fill(&act, table, &missing)?;
        if found < WITH_MEMBERS {
            members::fill(&act, table)?;
            act.execute_batch(&table.drop_by_listing())?;
        }
    }
    act.commit()?;
    Ok(())
}

fn missing_columns(act: &Transaction<'_>, table: &Table) -> Result<Vec<Column>, Fault> {
    let mut statement = act.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let there: Vec<String> =
        statement.query_map([table.name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let is_there = |column: &Column| there.iter().any(|t| t.eq_ignore_ascii_case(column.name));
    Ok(table.columns.iter().filter(|column| !is_there(column)).copied().collect())
}

/// Fills new columns from the stored records, some rows at a time.
fn fill(act: &Transaction<'_>, table: &Table, columns: &[Column]) -> Result<(), Fault> {
    if columns.is_empty() {
        return Ok(());
    }
    let mut after = i64::MIN;
    loop {
        let mut statement = act.prepare_cached(&table.raw_after())?;
        let rows: Vec<(i64, String)> = statement
            .query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = *last;
        for (rowid, raw) in &rows {
            let record: Value = serde_json::from_str(raw).map_err(|error| {
                Fault::Unreadable(format!("a record of {}: {error}", table.name))
            })?;
            for column in columns {
                let mut set = act.prepare_cached(&table.set(*column))?;
                set.execute((of_record(*column, &record), rowid))?;
            }
        }
    }
}
