//! Which rows a listing brought, kept apart from the rows.
//!
//! Guarantees as in every sink: the members of a reading that is whole are all that its pages
//! so far brought; a member without a record is a row that this listing wrote last. What a
//! batch does to them is worked out here, write by write, on the readings as they stand under
//! the connection's lock; then it is written in four statements at most.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Transaction;
use watershed_model::{Millis, Row};
use watershed_sink::{Batch, Write, listing_hash};

use crate::fault::Fault;
use crate::text::{kept, told};
use crate::value::{Instant, Json};

const READINGS: &str = include_str!("../sql/readings.sql");
const PUT_READINGS: &str = include_str!("../sql/put_readings.sql");
const CLEAR_MEMBERS: &str = include_str!("../sql/clear_members.sql");
const KEEP_RECORDS: &str = include_str!("../sql/keep_records.sql");
const PUT_MEMBERS: &str = include_str!("../sql/put_members.sql");

/// A reading of a listing.
#[derive(Debug, Clone, PartialEq)]
struct Reading {
    first_at: Millis,
    run: String,
    whole: bool,
}

/// What becomes of a member, by what it was before the batch.
#[derive(Debug, Default)]
struct Member {
    /// It was not there: this is what it becomes, a record or none.
    born: Option<Option<Json>>,
    /// It had no record: this is the one it gets.
    kept: Option<Json>,
}

/// The listings that a batch is about.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    before: BTreeMap<i64, Reading>,
    now: BTreeMap<i64, Reading>,
    cleared: BTreeSet<i64>,
    members: BTreeMap<(i64, String), Member>,
}

/// A listing whose members become known.
pub(crate) struct List {
    listing: i64,
    dataset: &'static str,
}

impl List {
    /// Whether a row of its pages is a member.
    pub(crate) fn lists(&self, row: &Row) -> bool {
        row.dataset.name == self.dataset
    }
}

/// The listing that a write is a page of, by its hash.
fn listing_of(write: &Write, text: Option<&str>) -> Option<i64> {
    Some(listing_hash(&write.connection, write.part?.dataset.name, text?))
}

impl Listings {
    /// The readings of every listing that this batch has pages of.
    pub(crate) async fn load(act: &Transaction<'_>, batch: &Batch) -> Result<Listings, Fault> {
        let of = |write: &Write| {
            listing_of(write, write.listing.as_ref().map(watershed_sink::Listing::text).as_deref())
        };
        let asked: Vec<i64> = batch.writes.iter().filter_map(of).collect();
        let mut listings = Listings::default();
        if asked.is_empty() {
            return Ok(listings);
        }
        let statement = act.prepare_cached(READINGS).await?;
        for row in act.query(&statement, &[&asked]).await? {
            let reading = Reading {
                first_at: row.try_get::<_, Instant>("first_at")?.millis(),
                run: told(row.try_get("run")?),
                whole: row.try_get("whole")?,
            };
            listings.before.insert(row.try_get("listing")?, reading);
        }
        listings.now = listings.before.clone();
        Ok(listings)
    }

    /// The listing that a write is a page of. `None` where it is none, or where the pages
    /// before it are not known.
    pub(crate) fn page(&mut self, write: &Write, text: Option<&str>) -> Option<List> {
        let (listing, part) = (listing_of(write, text)?, write.part?);
        let list = List { listing, dataset: part.dataset.name };
        let newer = self.now.get(&listing).is_none_or(|r| write.fetched_at > r.first_at);
        if part.first && newer {
            self.begin(listing, write);
            return Some(list);
        }
        let reading = self.now.get_mut(&listing).filter(|reading| reading.whole)?;
        if write.fetched_at < reading.first_at || write.run.as_str() != reading.run {
            // It stays, so that the same late page again is not taken for a new reading.
            reading.whole = false;
            return None;
        }
        Some(list)
    }

    fn begin(&mut self, listing: i64, write: &Write) {
        let reading =
            Reading { first_at: write.fetched_at, run: write.run.as_str().to_owned(), whole: true };
        self.now.insert(listing, reading);
        self.cleared.insert(listing);
        self.members.retain(|(of, _), _| *of != listing);
    }

    /// Adds a member, with its record where the row does not hold that.
    pub(crate) fn put(&mut self, list: &List, key: &str, record: Option<Json>) {
        let member = self.members.entry((list.listing, key.to_owned())).or_default();
        member.born.get_or_insert(record);
    }

    /// Keeps what a row held for the listing that brought it, before it is written over.
    pub(crate) fn keep(&mut self, listing: i64, key: &str, record: &Json) {
        let member = self.members.entry((listing, key.to_owned())).or_default();
        if let Some(born) = &mut member.born {
            born.get_or_insert_with(|| record.clone());
        }
        member.kept.get_or_insert_with(|| record.clone());
    }

    /// Writes what has become of readings and members.
    pub(crate) async fn write(self, act: &Transaction<'_>) -> Result<(), Fault> {
        self.put_readings(act).await?;
        if !self.cleared.is_empty() {
            let cleared: Vec<i64> = self.cleared.iter().copied().collect();
            let statement = act.prepare_cached(CLEAR_MEMBERS).await?;
            act.execute(&statement, &[&cleared]).await?;
        }
        let mut keeping = Several::default();
        let mut putting = Several::default();
        for ((listing, key), member) in self.members {
            if let (Some(record), false) = (member.kept, self.cleared.contains(&listing)) {
                keeping.add(listing, &key, Some(record));
            }
            if let Some(record) = member.born {
                putting.add(listing, &key, record);
            }
        }
        // In this order: what is put now and needs no record must not be given one.
        keeping.send(act, KEEP_RECORDS).await?;
        putting.send(act, PUT_MEMBERS).await
    }

    async fn put_readings(&self, act: &Transaction<'_>) -> Result<(), Fault> {
        let changed: Vec<(&i64, &Reading)> = self
            .now
            .iter()
            .filter(|(listing, now)| self.before.get(listing) != Some(now))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let listings: Vec<i64> = changed.iter().map(|(listing, _)| **listing).collect();
        let first: Vec<Instant> = changed.iter().map(|(_, r)| Instant::at(r.first_at)).collect();
        let runs: Vec<_> = changed.iter().map(|(_, r)| kept(&r.run)).collect();
        let whole: Vec<bool> = changed.iter().map(|(_, r)| r.whole).collect();
        let statement = act.prepare_cached(PUT_READINGS).await?;
        act.execute(&statement, &[&listings, &first, &runs, &whole]).await?;
        Ok(())
    }
}

/// Members as three arrays.
#[derive(Default)]
struct Several {
    listings: Vec<i64>,
    keys: Vec<String>,
    records: Vec<Option<Json>>,
}

impl Several {
    fn add(&mut self, listing: i64, key: &str, record: Option<Json>) {
        self.listings.push(listing);
        self.keys.push(kept(key).into_owned());
        self.records.push(record);
    }

    async fn send(self, act: &Transaction<'_>, sql: &str) -> Result<(), Fault> {
        if self.listings.is_empty() {
            return Ok(());
        }
        let statement = act.prepare_cached(sql).await?;
        act.execute(&statement, &[&self.listings, &self.keys, &self.records]).await?;
        Ok(())
    }
}
