//! The course of a rehearsal, as the dataset saw it: when which rows came.

use std::collections::BTreeMap;

use serde_json::Value;
use watershed_model::{Millis, Row};
use watershed_sink::Write;

/// Rows, and writes, of one operation that are weighed: their size is taken for the others.
const WEIGHED_MAX: usize = 200;
/// Members that tell when something was, in the order in which they are looked for.
const STARTS: [&str; 4] = ["start_time", "join_time", "recording_start", "created_at"];

/// Rows by dataset and month.
#[derive(Debug, Default)]
pub(crate) struct Course {
    datasets: BTreeMap<&'static str, BTreeMap<Month, Came>>,
    weighed: BTreeMap<String, Weighed>,
}

/// `yyyy-mm`; `None` for rows that are of no time.
type Month = Option<[u8; 7]>;

/// What came of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Came {
    /// Rows.
    pub(crate) rows: u64,
    /// When the last one came.
    pub(crate) last_at: Millis,
}

/// Writes of one operation, for their size.
#[derive(Debug, Default)]
pub(crate) struct Weighed {
    /// The first ones, without the records of their rows, which stand beside them as text: as
    /// values they take many times the room.
    writes: Vec<(Write, Vec<String>)>,
    kept: u64,
    all: u64,
}

impl Weighed {
    /// The first ones.
    pub(crate) fn writes(self) -> Vec<Write> {
        let whole = |(mut write, records): (Write, Vec<String>)| {
            for (row, record) in write.rows.iter_mut().zip(records) {
                row.record = serde_json::from_str(&record).unwrap_or_default();
            }
            write
        };
        self.writes.into_iter().map(whole).collect()
    }

    /// All of them for one that is kept: by rows, or by writes where they have none.
    pub(crate) fn times(&self) -> f64 {
        self.all as f64 / self.kept.max(1) as f64
    }
}

impl Course {
    /// A row that is new.
    pub(crate) fn row(&mut self, row: &Row, now: Millis) {
        let months = self.datasets.entry(row.dataset.name).or_default();
        let came = months.entry(month(&row.record)).or_insert(Came { rows: 0, last_at: now });
        came.rows += 1;
        came.last_at = now;
    }

    /// What a call brought, for its size.
    pub(crate) fn weigh(&mut self, write: &Write) {
        let Some(operation) = write.coverage.first().map(|coverage| coverage.operation.as_str())
        else {
            return;
        };
        if !self.weighed.contains_key(operation) {
            self.weighed.insert(operation.to_owned(), Weighed::default());
        }
        let Some(weighed) = self.weighed.get_mut(operation) else { return };
        let weight = |rows: usize| rows.max(1) as u64;
        weighed.all += weight(write.rows.len());
        let room = WEIGHED_MAX.saturating_sub(weighed.kept as usize).min(write.rows.len().max(1));
        if room > 0 {
            let rows = &write.rows[..room.min(write.rows.len())];
            weighed.kept += weight(rows.len());
            let records = rows.iter().map(|row| row.record.to_string()).collect();
            let rows = rows.iter().map(without_record).collect();
            weighed.writes.push((Write { rows, ..bare(write) }, records));
        }
    }

    /// Rows by dataset.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let count = |months: &BTreeMap<Month, Came>| months.values().map(|came| came.rows).sum();
        self.datasets.iter().map(|(name, months)| ((*name).to_owned(), count(months))).collect()
    }

    /// Each dataset with its months, the newest first.
    pub(crate) fn datasets(&self) -> impl Iterator<Item = (&'static str, Vec<(String, Came)>)> {
        self.datasets.iter().map(|(name, months)| {
            let months = months.iter().rev().map(|(month, came)| {
                let month = month.map(|m| String::from_utf8_lossy(&m).into_owned());
                (month.unwrap_or_default(), *came)
            });
            (*name, months.collect())
        })
    }

    /// The writes to be weighed, by operation.
    pub(crate) fn take_weighed(&mut self) -> BTreeMap<String, Weighed> {
        std::mem::take(&mut self.weighed)
    }
}

fn without_record(row: &Row) -> Row {
    Row {
        dataset: row.dataset,
        key: row.key.clone(),
        record: Value::Null,
        asked: row.asked.clone(),
    }
}

/// The write without its rows.
fn bare(write: &Write) -> Write {
    Write {
        connection: write.connection.clone(),
        run: write.run.clone(),
        fetched_at: write.fetched_at,
        rows: Vec::new(),
        coverage: write.coverage.clone(),
        listing: write.listing.clone(),
        part: write.part,
    }
}

fn month(record: &Value) -> Month {
    let start = STARTS.iter().find_map(|name| record.get(name)?.as_str())?;
    start.as_bytes().first_chunk::<7>().copied()
}
