//! The file becomes smaller when the frontier does.
//!
//! SQLite uses the pages of finished work again, but keeps them in the file. Where more than
//! half of a file is such pages, a few of them are given back to the disk with every command
//! that finishes a chunk: bounded work, in the command's own transaction.

use rusqlite::Connection;

use crate::rows::sql;

/// Fewer free pages than these (256 KiB) are kept: the frontier breathes.
const FREE_KEPT: u32 = 64;
/// `PRAGMA auto_vacuum`: free pages can be given back.
const INCREMENTAL: u32 = 2;

/// Makes a file that an older program made able to shrink. Where that cannot be done now
/// (somebody else reads it, the disk is full) it stays as it is: that is no fault of the file.
pub(crate) fn prepare(connection: &Connection) {
    let able = connection
        .pragma_query_value(None, "auto_vacuum", |row| row.get::<_, u32>(0))
        .is_ok_and(|mode| mode == INCREMENTAL);
    if able {
        return;
    }
    if let Err(error) = connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM") {
        tracing::debug!("the state file keeps its free pages for now: {error}");
    }
}

/// Gives some free pages back where they are more than half of the file.
pub(crate) fn step(connection: &Connection) -> rusqlite::Result<()> {
    let number = |sql| connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, u32>(0));
    let free = number("PRAGMA freelist_count")?;
    if free <= FREE_KEPT || free <= number("PRAGMA page_count")? / 2 {
        return Ok(());
    }
    // Gives a page back with every row that it is asked for.
    let mut giving = connection.prepare_cached(sql!("free_pages"))?;
    let mut given = giving.query([])?;
    while given.next()?.is_some() {}
    Ok(())
}
