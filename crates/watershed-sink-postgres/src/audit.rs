//! The audit log in the database.

use deadpool_postgres::{GenericClient, Object, Pool, Transaction};
use tokio_postgres::Row;
use watershed_model::Audit;
use watershed_sink::{AuditEntry, Error};

use crate::fault::Fault;
use crate::pool::{begin, client, lock_of_audit};
use crate::read::page;
use crate::state::{counted, text, text_or_none};
use crate::text::kept;

const HEAD: &str = include_str!("../sql/audit_head.sql");
const PUT: &str = include_str!("../sql/put_audit.sql");
const AUDITED: &str = include_str!("../sql/audited.sql");

/// Adds an entry. Who adds holds the log's lock, so nobody else follows on the same one.
pub(crate) async fn add(pool: &Pool, audit: &Audit) -> Result<(), Fault> {
    let mut client = client(pool).await?;
    let act = begin(&mut client, &[lock_of_audit()]).await?;
    follow(&act, audit).await?;
    act.commit().await?;
    Ok(())
}

/// The same, as a part of something else that holds the log's lock.
pub(crate) async fn follow(act: &Transaction<'_>, audit: &Audit) -> Result<(), Fault> {
    put(act, &AuditEntry::after(head(act).await?.as_ref(), audit)).await
}

/// Takes over entries of another sink: those that follow on what is here.
pub(crate) async fn restore(pool: &Pool, entries: &[AuditEntry], place: &str) -> Result<(), Fault> {
    let mut client = client(pool).await?;
    let act = begin(&mut client, &[lock_of_audit()]).await?;
    let mut last = head(&act).await?;
    let known = last.as_ref().map_or(0, |last| last.place);
    for entry in entries.iter().filter(|entry| entry.place > known) {
        if let Some(why) = entry.broken(last.as_ref()) {
            let (path, message) = (place.into(), format!("_audit: {why}"));
            return Err(Error::Refused { path, message }.into());
        }
        put(&act, entry).await?;
        last = Some(entry.clone());
    }
    act.commit().await?;
    Ok(())
}

/// Entries after a place, in their order.
pub(crate) async fn audited(
    client: &Object,
    after: u64,
    limit: u32,
) -> Result<Vec<AuditEntry>, Fault> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = client.query(AUDITED, &[&after, &page(limit)]).await?;
    rows.iter().map(entry).collect()
}

async fn head(act: &impl GenericClient) -> Result<Option<AuditEntry>, Fault> {
    act.query_opt(HEAD, &[]).await?.as_ref().map(entry).transpose()
}

async fn put(act: &Transaction<'_>, entry: &AuditEntry) -> Result<(), Fault> {
    let statement = act.prepare_cached(PUT).await?;
    act.execute(
        &statement,
        &[
            &i64::try_from(entry.place).unwrap_or(i64::MAX),
            &kept(&entry.at),
            &kept(&entry.who),
            &kept(&entry.via),
            &kept(&entry.act),
            &entry.connection.as_deref().map(kept),
            &entry.run.as_deref().map(kept),
            &kept(&entry.outcome),
            &kept(&entry.before),
            &kept(&entry.hash),
        ],
    )
    .await?;
    Ok(())
}

fn entry(row: &Row) -> Result<AuditEntry, Fault> {
    Ok(AuditEntry {
        place: counted(row.try_get("place")?)?,
        at: text(row, "at")?,
        who: text(row, "who")?,
        via: text(row, "via")?,
        act: text(row, "act")?,
        connection: text_or_none(row, "connection")?,
        run: text_or_none(row, "run")?,
        outcome: text(row, "outcome")?,
        before: text(row, "before")?,
        hash: text(row, "hash")?,
    })
}
