//! Which rows a listing brought, kept apart from the rows.
//!
//! Guarantees: the members of a reading that is whole are all that its pages so far brought;
//! and a member without a record is a row that this listing wrote last. Where pages of two
//! readings come mixed (a worker that was asleep, a run beside this one), nothing is known of
//! the listing until it is read anew. All of it is in the transaction of the rows.

use rusqlite::{OptionalExtension, Transaction, named_params};
use serde_json::Value;
use watershed_model::{ConnectionName, Row};

use super::fault::Fault;
use super::table::Table;
use crate::{Write, listing_hash};

const BEGIN_LISTING: &str = include_str!("../../sql/begin_listing.sql");
const READING: &str = include_str!("../../sql/reading.sql");
const MIX_LISTING: &str = include_str!("../../sql/mix_listing.sql");
const CLEAR_MEMBERS: &str = include_str!("../../sql/clear_members.sql");
const PUT_MEMBER: &str = include_str!("../../sql/put_member.sql");
const COVERAGE_ROWS: &str = include_str!("../../sql/coverage_rows.sql");
const KEEP_RECORD: &str = include_str!("../../sql/keep_record.sql");

/// One reading of a listing, of which everything is known.
pub(super) struct Reading {
    first_at: String,
    run: String,
}

/// The newest reading of a listing, where it is known whole.
pub(super) fn reading(act: &Transaction<'_>, listing: i64) -> Result<Option<Reading>, Fault> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Reading { first_at: row.get("first_at")?, run: row.get("run")? })
    };
    let mut statement = act.prepare_cached(READING)?;
    Ok(statement.query_row(named_params! { ":listing": listing }, read).optional()?)
}

/// A listing whose members become known.
pub(super) struct List {
    listing: i64,
    dataset: &'static str,
}

impl List {
    /// The listing that a write is a page of. `None` where it is none, or where the pages
    /// before it are not known.
    pub(super) fn of(
        act: &Transaction<'_>,
        write: &Write,
        text: Option<&str>,
        fetched_at: &str,
    ) -> Result<Option<List>, Fault> {
        let (Some(part), Some(text)) = (write.part, text) else { return Ok(None) };
        let dataset = part.dataset.name;
        let list = List { listing: listing_hash(&write.connection, dataset, text), dataset };
        if part.first && list.begin(act, fetched_at, write.run.as_str())? {
            return Ok(Some(list));
        }
        let Some(reading) = reading(act, list.listing)? else { return Ok(None) };
        if fetched_at < reading.first_at.as_str() || write.run.as_str() != reading.run {
            let params = named_params! { ":listing": list.listing };
            act.prepare_cached(MIX_LISTING)?.execute(params)?;
            return Ok(None);
        }
        Ok(Some(list))
    }

    /// Begins a reading; whether it is a new one.
    fn begin(&self, act: &Transaction<'_>, first_at: &str, run: &str) -> Result<bool, Fault> {
        let params = named_params! { ":listing": self.listing, ":first_at": first_at, ":run": run };
        let new = act.prepare_cached(BEGIN_LISTING)?.execute(params)? > 0;
        if new {
            let params = named_params! { ":listing": self.listing };
            act.prepare_cached(CLEAR_MEMBERS)?.execute(params)?;
        }
        Ok(new)
    }

    /// Whether a row of its pages is a member.
    pub(super) fn lists(&self, row: &Row) -> bool {
        row.dataset.name == self.dataset
    }

    /// Adds a member, with its record where the row does not hold that.
    pub(super) fn put(
        &self,
        act: &Transaction<'_>,
        key: &str,
        record: Option<&str>,
    ) -> Result<(), Fault> {
        let params = named_params! { ":listing": self.listing, ":key": key, ":record": record };
        act.prepare_cached(PUT_MEMBER)?.execute(params)?;
        Ok(())
    }
}

/// What a row holds before it is written over.
pub(super) struct Held {
    listing: Option<String>,
    record: String,
}

/// What the row of a key holds.
pub(super) fn held(
    act: &Transaction<'_>,
    table: &Table,
    connection: &ConnectionName,
    key: &str,
) -> Result<Option<Held>, Fault> {
    let mut statement = act.prepare_cached(&table.held)?;
    let params = named_params! { ":connection": connection.as_str(), ":key": key };
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Held { listing: row.get("_listing")?, record: row.get("_raw")? })
    };
    Ok(statement.query_row(params, read).optional()?)
}

impl Held {
    /// Whether the row is still what its listing said.
    pub(super) fn is(&self, listing: Option<&str>, record: &str) -> bool {
        self.listing.as_deref() == listing && self.record == record
    }

    /// Keeps what it held for the listing that brought it.
    pub(super) fn keep(
        &self,
        act: &Transaction<'_>,
        table: &Table,
        connection: &ConnectionName,
        key: &str,
    ) -> Result<(), Fault> {
        let Some(text) = &self.listing else { return Ok(()) };
        act.prepare_cached(KEEP_RECORD)?.execute(named_params! {
            ":listing": listing_hash(connection, table.name, text),
            ":key": key,
            ":record": self.record,
        })?;
        Ok(())
    }
}

/// Fills in, once, what a file of version 1 knows: the listings that still have as many rows
/// as coverage counts. What the others brought is not known.
pub(super) fn fill(act: &Transaction<'_>, table: &Table) -> Result<(), Fault> {
    let mut listings = act.prepare(&table.listings)?;
    let mut found = listings.query([])?;
    while let Some(row) = found.next()? {
        let connection = ConnectionName(row.get("_connection")?);
        let text: String = row.get("_listing")?;
        let rows: i64 = row.get("rows")?;
        if counted(act, &connection, &text)? != Some(rows) {
            continue;
        }
        let list =
            List { listing: listing_hash(&connection, table.name, &text), dataset: table.name };
        let (first_at, run): (String, String) = (row.get("first_at")?, row.get("run")?);
        list.begin(act, &first_at, &run)?;
        act.prepare_cached(&table.fill_members)?.execute(named_params! {
            ":listing": list.listing,
            ":connection": connection.as_str(),
            ":text": text,
        })?;
    }
    Ok(())
}

/// Rows that coverage counts for a listing.
fn counted(
    act: &Transaction<'_>,
    connection: &ConnectionName,
    text: &str,
) -> Result<Option<i64>, Fault> {
    let listing: Value = serde_json::from_str(text)
        .map_err(|error| Fault::Unreadable(format!("the name of a listing: {error}")))?;
    let params = named_params! {
        ":connection": connection.as_str(),
        ":operation": listing["operation"].as_str(),
        ":subject": listing["subject"].to_string(),
        ":from": listing["from"].as_str(),
    };
    let mut statement = act.prepare_cached(COVERAGE_ROWS)?;
    Ok(statement.query_row(params, |row| row.get(0)).optional()?)
}
