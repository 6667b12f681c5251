//! Walks over all records of a file and compares what is counted with what is there. Reads only,
//! in one transaction: what others write meanwhile is not seen.

use rusqlite::Row;
use watershed_ledger::pack::Packed;
use watershed_ledger::{Error, Walked};

use crate::rows::{SqliteTables, sql};

/// Findings that are told.
const TOLD_MAX: usize = 20;

/// What the walk has found.
pub(crate) fn walk(tables: &SqliteTables<'_>) -> Result<Walked, Error> {
    let text = |row: &Row<'_>| row.get::<_, String>(0);
    let records = tables.one(sql!("walk_records"), [], |row| row.get::<_, i64>(0))?;
    let mut wrong = tables.all(sql!("walk"), [], text)?;
    let items = tables.all(sql!("walk_items"), [], |row| {
        let (id, len): (i64, u16) = (row.get(0)?, row.get(1)?);
        let bytes: Option<Vec<u8>> = row.get(2)?;
        let there = bytes.and_then(Packed::read).map(|packed| packed.count());
        Ok((there != Some(usize::from(len)))
            .then(|| format!("chunk {id} does not have its {len} items")))
    })?;
    wrong.extend(items.into_iter().flatten());
    // Of a file that is whole it says `ok`.
    let whole = tables.all("PRAGMA integrity_check(20)", [], text)?;
    wrong.extend(whole.into_iter().filter(|said| said != "ok"));
    wrong.truncate(TOLD_MAX);
    Ok(Walked { records: records.unwrap_or_default().cast_unsigned(), wrong })
}
