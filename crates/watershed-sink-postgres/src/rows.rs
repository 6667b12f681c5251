//! What a batch does to stored rows: worked out in its order, written key by key at once.
//!
//! Guarantee: the outcome is that of writing each row on its own, in the order of the batch;
//! each key is written once, in the order of keys.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Transaction;
use serde_json::{Map, Value};
use tokio_postgres::types::ToSql;
use watershed_model::{ConnectionName, Millis, RunId};
use watershed_sink::{Batch, Error, listing_hash};

use crate::cells::Cells;
use crate::fault::Fault;
use crate::members::Listings;
use crate::table::{Table, Tables};
use crate::text::{kept, kept_json, told};
use crate::value::{Instant, Json};

/// Rows, and bytes of their records, that go in one statement: a column is one array, and
/// PostgreSQL takes up to 1 GiB of that.
const ROWS_MAX: usize = 2_000;
const BYTES_MAX: usize = 16 << 20;

/// Connection and key.
type Key = (String, String);

/// What stands in a row, as far as it matters here.
struct Held {
    fetched_at: Millis,
    deleted_at: Option<Millis>,
    listing: Option<String>,
    record: Option<Json>,
}

impl Held {
    /// Whether a row that was fetched then may be written over it.
    fn gives_way(&self, fetched_at: Millis) -> bool {
        fetched_at >= self.fetched_at && self.deleted_at.is_none_or(|at| fetched_at > at)
    }

    /// Whether the row is still what its listing said.
    fn is(&self, listing: Option<&str>, record: &Json) -> bool {
        self.listing.as_deref() == listing
            && self.record.as_ref().is_some_and(|held| same(held, record))
    }
}

/// PostgreSQL shows the same JSON with blanks of its own.
fn same(one: &Json, other: &Json) -> bool {
    let read = |json: &Json| serde_json::from_str::<Value>(&json.0).ok();
    one == other || read(one).is_some_and(|value| Some(value) == read(other))
}

/// A row to be written.
pub(crate) struct Line<'a> {
    pub connection: &'a ConnectionName,
    pub key: &'a str,
    pub record: &'a Value,
    pub asked: &'a Map<String, Value>,
    /// The record, as it is stored.
    pub json: Json,
    pub listing: Option<String>,
    pub fetched_at: Millis,
    pub run: &'a RunId,
}

/// Writes the rows of a batch and what they mean for its listings.
pub(crate) async fn write(
    act: &Transaction<'_>,
    tables: &Tables,
    batch: &Batch,
) -> Result<(), Fault> {
    let mut listings = Listings::load(act, batch).await?;
    let mut held = held(act, tables, batch).await?;
    let mut chosen: BTreeMap<&str, BTreeMap<Key, Line<'_>>> = BTreeMap::new();
    for write in &batch.writes {
        let text = write.listing.as_ref().map(watershed_sink::Listing::text);
        let list = listings.page(write, text.as_deref());
        for row in &write.rows {
            let record = Json(kept_json(&row.record));
            let dataset = row.dataset.name;
            let key = (write.connection.0.clone(), row.key.clone());
            let stored = held.entry(dataset).or_default();
            let before = stored.get(&key);
            let taken = before.is_none_or(|before| before.gives_way(write.fetched_at));
            if let (true, Some(before)) = (taken, before)
                && !before.is(text.as_deref(), &record)
                && let (Some(listing), Some(said)) = (&before.listing, &before.record)
            {
                let listing = listing_hash(&write.connection, dataset, listing);
                listings.keep(listing, &row.key, said);
            }
            if let Some(list) = list.as_ref().filter(|list| list.lists(row)) {
                // A row that is newer than this answer holds another record than it sent.
                listings.put(list, &row.key, (!taken).then(|| record.clone()));
            }
            if taken {
                let now = Held {
                    fetched_at: write.fetched_at,
                    deleted_at: None,
                    listing: text.clone(),
                    record: Some(record.clone()),
                };
                stored.insert(key.clone(), now);
                let line = Line {
                    connection: &write.connection,
                    key: &row.key,
                    record: &row.record,
                    asked: &row.asked,
                    json: record,
                    listing: text.clone(),
                    fetched_at: write.fetched_at,
                    run: &write.run,
                };
                chosen.entry(dataset).or_default().insert(key, line);
            }
        }
    }
    for (dataset, rows) in chosen {
        upsert(act, table(tables, dataset)?, rows.into_values().collect()).await?;
    }
    listings.write(act).await
}

/// The table of a dataset.
pub(crate) fn table<'a>(tables: &'a Tables, dataset: &str) -> Result<&'a Table, Fault> {
    let unknown = || Error::UnknownDataset { dataset: dataset.to_owned() };
    Ok(tables.named(dataset).ok_or_else(unknown)?)
}

/// What is stored of the keys that a batch brings.
async fn held<'a>(
    act: &Transaction<'_>,
    tables: &Tables,
    batch: &'a Batch,
) -> Result<BTreeMap<&'a str, BTreeMap<Key, Held>>, Fault> {
    let mut asked: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for write in &batch.writes {
        for row in &write.rows {
            let keys = asked.entry(row.dataset.name).or_default();
            keys.insert((write.connection.as_str(), &row.key));
        }
    }
    // Before anything is asked: a batch with a row of nowhere brings nothing at all.
    for dataset in asked.keys() {
        table(tables, dataset)?;
    }
    let mut held = BTreeMap::new();
    for (dataset, keys) in asked {
        let connections: Vec<_> = keys.iter().map(|(connection, _)| kept(connection)).collect();
        let keys: Vec<_> = keys.iter().map(|(_, key)| kept(key)).collect();
        let statement = act.prepare_cached(&table(tables, dataset)?.held).await?;
        let mut rows = BTreeMap::new();
        for row in act.query(&statement, &[&connections, &keys]).await? {
            let key = (told(row.try_get("_connection")?), told(row.try_get("_key")?));
            let of = Held {
                fetched_at: row.try_get::<_, Instant>("_fetched_at")?.millis(),
                deleted_at: row.try_get::<_, Option<Instant>>("_deleted_at")?.map(Instant::millis),
                listing: row.try_get::<_, Option<String>>("_listing")?.map(told),
                record: row.try_get("_raw")?,
            };
            rows.insert(key, of);
        }
        held.insert(dataset, rows);
    }
    Ok(held)
}

/// Writes rows of different keys, some at a time.
pub(crate) async fn upsert(
    act: &Transaction<'_>,
    table: &Table,
    rows: Vec<Line<'_>>,
) -> Result<(), Fault> {
    let statement = act.prepare_cached(&table.upsert).await?;
    let mut rest = rows.as_slice();
    while !rest.is_empty() {
        let mut bytes = 0;
        let fit = rest.iter().take(ROWS_MAX).take_while(|row| {
            bytes += row.json.0.len();
            bytes <= BYTES_MAX
        });
        let (some, more) = rest.split_at(fit.count().max(1));
        rest = more;
        let cells: Vec<Cells<'_>> = table
            .columns
            .iter()
            .map(|column| {
                let members = some.iter().map(|row| column.of_record(row.record, row.asked));
                Cells::of(column.ty, members)
            })
            .collect();
        let connections: Vec<_> = some.iter().map(|r| kept(r.connection.as_str())).collect();
        let keys: Vec<_> = some.iter().map(|r| kept(r.key)).collect();
        let records: Vec<&Json> = some.iter().map(|r| &r.json).collect();
        let listings: Vec<_> = some.iter().map(|r| r.listing.as_deref().map(kept)).collect();
        let fetched: Vec<_> = some.iter().map(|r| Instant::at(r.fetched_at)).collect();
        let runs: Vec<_> = some.iter().map(|r| kept(r.run.as_str())).collect();
        let mut params: Vec<&(dyn ToSql + Sync)> = cells.iter().map(Cells::bound).collect();
        // In the order of the table's own columns.
        params.extend([
            &connections as &(dyn ToSql + Sync),
            &keys,
            &records,
            &listings,
            &fetched,
            &runs,
        ]);
        act.execute(&statement, &params).await?;
    }
    Ok(())
}
