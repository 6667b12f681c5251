//! The audit log in the file.

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, named_params};
use watershed_model::Audit;

use super::fault::Fault;
use super::read::all;
use super::state::counted;
use crate::{AuditEntry, Error};

const HEAD: &str = include_str!("../../sql/audit_head.sql");
const PUT: &str = include_str!("../../sql/put_audit.sql");
const AUDITED: &str = include_str!("../../sql/audited.sql");

/// Adds an entry. Who writes holds the file's lock, so nobody else follows on the same one.
pub(super) fn add(connection: &mut Connection, audit: &Audit) -> Result<(), Fault> {
    let act = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    follow(&act, audit)?;
    act.commit()?;
    Ok(())
}

/// The same, as a part of something else.
pub(super) fn follow(act: &Transaction<'_>, audit: &Audit) -> Result<(), Fault> {
    put(act, &AuditEntry::after(head(act)?.as_ref(), audit))
}

/// Takes over entries of another sink: those that follow on what is here.
pub(super) fn restore(act: &Transaction<'_>, entries: &[AuditEntry]) -> Result<(), Fault> {
    let mut last = head(act)?;
    let known = last.as_ref().map_or(0, |last| last.place);
    for entry in entries.iter().filter(|entry| entry.place > known) {
        if let Some(why) = entry.broken(last.as_ref()) {
            let path = act.path().unwrap_or_default().into();
            return Err(Error::Refused { path, message: format!("_audit: {why}") }.into());
        }
        put(act, entry)?;
        last = Some(entry.clone());
    }
    Ok(())
}

/// Entries after a place, in their order.
pub(super) fn audited(
    connection: &Connection,
    after: u64,
    limit: u32,
) -> Result<Vec<AuditEntry>, Fault> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    all(connection, AUDITED, named_params! { ":after": after, ":limit": limit }, entry)
}

fn head(act: &Transaction<'_>) -> Result<Option<AuditEntry>, Fault> {
    Ok(all(act, HEAD, [], entry)?.pop())
}

fn put(act: &Transaction<'_>, entry: &AuditEntry) -> Result<(), Fault> {
    act.prepare_cached(PUT)?.execute(named_params! {
        ":place": i64::try_from(entry.place).unwrap_or(i64::MAX),
        ":at": entry.at,
        ":who": entry.who,
        ":via": entry.via,
        ":act": entry.act,
        ":connection": entry.connection,
        ":run": entry.run,
        ":outcome": entry.outcome,
        ":before": entry.before,
        ":hash": entry.hash,
    })?;
    Ok(())
}

fn entry(row: &Row<'_>) -> Result<AuditEntry, Fault> {
    Ok(AuditEntry {
        place: counted(row.get("place")?)?,
        at: row.get("at")?,
        who: row.get("who")?,
        via: row.get("via")?,
        act: row.get("act")?,
        connection: row.get("connection")?,
        run: row.get("run")?,
        outcome: row.get("outcome")?,
        before: row.get("before")?,
        hash: row.get("hash")?,
    })
}
