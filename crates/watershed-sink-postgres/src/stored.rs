//! What this sink holds, page by page, and what it takes over from another one.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{Object, Pool, Transaction};
use serde_json::Map;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use watershed_model::{AccountId, ConnectionName, DeadLetter, LetterId, RunId};
use watershed_sink::{Member, MemberKey, Missing, Reading, RowKey, Stored, StoredRow};

use crate::fault::Fault;
use crate::pool::{begin, client, lock_of};
use crate::read::{all, page};
use crate::rows::{Line, table, upsert};
use crate::state::{self, json, millis, millis_or_none, parsed, text, text_or_none};
use crate::table::{Table, Tables};
use crate::text::{kept, kept_json};
use crate::value::{Instant, Json};

const ACCOUNTS: &str = include_str!("../sql/accounts.sql");
const LETTERS: &str = include_str!("../sql/letters.sql");
const READINGS: &str = include_str!("../sql/readings_after.sql");
const MEMBERS: &str = include_str!("../sql/members_after.sql");
const RESTORE_CLEAR: &str = include_str!("../sql/restore_clear.sql");
const RESTORE_READINGS: &str = include_str!("../sql/restore_readings.sql");
const RESTORE_MEMBERS: &str = include_str!("../sql/restore_members.sql");

pub(crate) async fn accounts(
    client: &Object,
) -> Result<BTreeMap<ConnectionName, AccountId>, Fault> {
    let read = |row: &Row| {
        Ok((ConnectionName(text(row, "connection")?), AccountId(text(row, "account")?)))
    };
    Ok(all(client, ACCOUNTS, &[], read).await?.into_iter().collect())
}

pub(crate) async fn letters(
    client: &Object,
    after: Option<&LetterId>,
    limit: u32,
) -> Result<Vec<DeadLetter>, Fault> {
    let after = kept(after.map_or("", LetterId::as_str));
    all(client, LETTERS, &[&after, &page(limit)], state::failure).await
}

pub(crate) async fn readings(
    client: &Object,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<Reading>, Fault> {
    all(client, READINGS, &[&after, &page(limit)], |row| {
        Ok(Reading {
            listing: row.try_get("listing")?,
            first_at: millis(row, "first_at")?,
            run: RunId(text(row, "run")?),
            whole: row.try_get("whole")?,
        })
    })
    .await
}

pub(crate) async fn members(
    client: &Object,
    after: Option<&MemberKey>,
    limit: u32,
) -> Result<Vec<Member>, Fault> {
    let listing = after.map_or(i64::MIN, |member| member.listing);
    let key = kept(after.map_or("", |member| &member.key));
    all(client, MEMBERS, &[&listing, &key, &page(limit)], |row| {
        Ok(Member {
            at: MemberKey { listing: row.try_get("listing")?, key: text(row, "key")? },
            record: row.try_get::<_, Option<Json>>("record")?.map(parsed).transpose()?,
            first_at: millis(row, "first_at")?,
            run: RunId(text(row, "run")?),
        })
    })
    .await
}

pub(crate) async fn rows(
    client: &Object,
    tables: &Tables,
    dataset: &str,
    after: Option<&RowKey>,
    limit: u32,
) -> Result<Vec<StoredRow>, Fault> {
    let table = table(tables, dataset)?;
    let connection = kept(after.map_or("", |row| row.connection.as_str()));
    let key = kept(after.map_or("", |row| &row.key));
    let params: [&(dyn ToSql + Sync); 3] = [&connection, &key, &page(limit)];
    all(client, &table.rows_after, &params, |row| stored_row(table, row)).await
}

pub(crate) async fn missing(
    client: &Object,
    tables: &Tables,
    missing: &Missing,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<StoredRow>, Fault> {
    let table = table(tables, &missing.dataset)?;
    let connection = kept(missing.connection.as_str());
    let (run, before) = (kept(missing.run.as_str()), Instant::at(missing.before));
    let after = kept(after.unwrap_or_default());
    let params: [&(dyn ToSql + Sync); 5] = [&connection, &after, &page(limit), &run, &before];
    all(client, &table.missing, &params, |row| stored_row(table, row)).await
}

fn stored_row(table: &Table, row: &Row) -> Result<StoredRow, Fault> {
    let mut asked = Map::new();
    for column in &table.asked {
        let value = row.try_get::<_, Option<Json>>(column.name)?.map(parsed).transpose()?;
        asked.insert(column.name.to_owned(), value.unwrap_or_default());
    }
    Ok(StoredRow {
        at: RowKey {
            connection: ConnectionName(text(row, "_connection")?),
            key: text(row, "_key")?,
        },
        record: parsed(row.try_get("_raw")?)?,
        asked,
        listing: text_or_none(row, "_listing")?,
        fetched_at: millis(row, "_fetched_at")?,
        run: RunId(text(row, "_run")?),
        deleted_at: millis_or_none(row, "_deleted_at")?,
    })
}

/// Takes over what another sink holds, all of it or nothing.
pub(crate) async fn restore(pool: &Pool, tables: &Tables, stored: &Stored) -> Result<(), Fault> {
    let mut client = client(pool).await?;
    match stored {
        Stored::Rows(dataset, rows) => {
            let table = table(tables, dataset)?;
            let locks: BTreeSet<i64> = rows.iter().map(|row| lock_of(&row.at.connection)).collect();
            let act = begin(&mut client, &locks.into_iter().collect::<Vec<_>>()).await?;
            restore_rows(&act, table, rows).await?;
            act.commit().await?;
        }
        // It has locks and rules of its own: `audit`.
        Stored::Audit(_) => {}
        Stored::Readings(readings) => {
            let act = begin(&mut client, &[]).await?;
            restore_readings(&act, readings).await?;
            act.commit().await?;
        }
        Stored::Members(members) => {
            let act = begin(&mut client, &[]).await?;
            restore_members(&act, members).await?;
            act.commit().await?;
        }
    }
    Ok(())
}

pub(crate) async fn restore_rows(
    act: &Transaction<'_>,
    table: &Table,
    rows: &[StoredRow],
) -> Result<(), Fault> {
    let lines = rows.iter().map(|row| Line {
        connection: &row.at.connection,
        key: &row.at.key,
        record: &row.record,
        asked: &row.asked,
        json: Json(kept_json(&row.record)),
        listing: row.listing.clone(),
        fetched_at: row.fetched_at,
        run: &row.run,
    });
    upsert(act, table, lines.collect()).await?;
    let deleted = || rows.iter().filter_map(|row| Some((&row.at, row.deleted_at?)));
    if deleted().next().is_none() {
        return Ok(());
    }
    let connections: Vec<_> = deleted().map(|(at, _)| kept(at.connection.as_str())).collect();
    let keys: Vec<_> = deleted().map(|(at, _)| kept(&at.key)).collect();
    let at: Vec<_> = deleted().map(|(_, at)| Instant::at(at)).collect();
    let statement = act.prepare_cached(&table.delete).await?;
    act.execute(&statement, &[&connections, &keys, &at]).await?;
    Ok(())
}

async fn restore_readings(act: &Transaction<'_>, readings: &[Reading]) -> Result<(), Fault> {
    let listings: Vec<i64> = readings.iter().map(|reading| reading.listing).collect();
    let first: Vec<_> = readings.iter().map(|reading| Instant::at(reading.first_at)).collect();
    let runs: Vec<_> = readings.iter().map(|reading| kept(reading.run.as_str())).collect();
    let whole: Vec<bool> = readings.iter().map(|reading| reading.whole).collect();
    act.execute(RESTORE_CLEAR, &[&listings, &first]).await?;
    act.execute(RESTORE_READINGS, &[&listings, &first, &runs, &whole]).await?;
    Ok(())
}

async fn restore_members(act: &Transaction<'_>, members: &[Member]) -> Result<(), Fault> {
    let listings: Vec<i64> = members.iter().map(|member| member.at.listing).collect();
    let keys: Vec<_> = members.iter().map(|member| kept(&member.at.key)).collect();
    let records: Vec<_> = members.iter().map(|member| member.record.as_ref().map(json)).collect();
    let first: Vec<_> = members.iter().map(|member| Instant::at(member.first_at)).collect();
    let runs: Vec<_> = members.iter().map(|member| kept(member.run.as_str())).collect();
    act.execute(RESTORE_MEMBERS, &[&listings, &keys, &records, &first, &runs]).await?;
    Ok(())
}
