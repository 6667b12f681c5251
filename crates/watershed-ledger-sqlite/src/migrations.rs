//! Bringing a state file to this program's version: one step for each version.

use rusqlite::{Connection, Transaction, TransactionBehavior, named_params};
use watershed_ledger::tables::Item;

use crate::pack::Packed;
use crate::rows::sql;

/// Marks a file as a Watershed ledger (`PRAGMA application_id`): the letters `WsLg`.
pub(crate) const APPLICATION_ID: u32 = 0x5773_4c67;

/// What brings a file from the version before.
struct Migration {
    statements: &'static str,
    /// What statements cannot do, after them.
    then: Option<fn(&Transaction<'_>) -> rusqlite::Result<()>>,
}

/// One for each version, from the first.
const MIGRATIONS: [Migration; 3] = [
    Migration { statements: include_str!("../migrations/0001_ledger.sql"), then: None },
    Migration { statements: include_str!("../migrations/0002_together.sql"), then: None },
    Migration {
        statements: include_str!("../migrations/0003_compact.sql"),
        then: Some(pack_items),
    },
];

/// The version of the state that this program writes.
pub(crate) fn version() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Brings the file to this program's version, in one transaction.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for migration in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(migration.statements)?;
        if let Some(then) = migration.then {
            then(&transaction)?;
        }
    }
    if found < version() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version())?;
    }
    transaction.commit()
}

/// Puts the items of each chunk into its one stored value, and drops the rows that they were.
fn pack_items(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut chunks = transaction.prepare("SELECT id FROM chunk")?;
    let mut items = transaction
        .prepare("SELECT item, once, together FROM item WHERE chunk = :chunk ORDER BY position")?;
    let mut keep = transaction.prepare(sql!("chunk_items_put"))?;
    let mut found = chunks.query([])?;
    while let Some(row) = found.next()? {
        let chunk: i64 = row.get(0)?;
        let mut packed = Packed::default();
        let mut rows = items.query(named_params! {":chunk": chunk})?;
        while let Some(row) = rows.next()? {
            let once = row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned);
            packed.push(&Item { item: row.get(0)?, once, together: row.get(2)? });
        }
        keep.execute(named_params! {":chunk": chunk, ":items": packed.bytes()})?;
    }
    drop(found);
    transaction.execute_batch("DROP TABLE item")
}
