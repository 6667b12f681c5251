//! The auditor: is the dataset what the account holds, row for row?
//!
//! Knows nothing of how it came there. Compares keys as sets, records as JSON less secrets,
//! participants as multisets of an instance, typed columns with the record beside them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::truth::{SECRET_MEMBERS, Truth, bare};

/// Of each dataset, every row's record is compared; typed columns of this many are.
const COLUMNS_OF: usize = 200;
/// Differences are counted beyond this, not kept.
const DIFFERENCES_MAX: usize = 12;
/// Characters of a difference that are shown.
const WHAT_MAX: usize = 200;

/// What is to be compared.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Datasets that must equal the truth; others must not have rows.
    pub datasets: Vec<&'static str>,
    /// Whether rows may be absent where `_coverage` says that they wait or failed.
    pub explained: bool,
}

impl Scope {
    /// What the shipped backfill brings with its default inputs.
    pub fn backfill() -> Scope {
        Scope {
            datasets: vec![
                "users",
                "meetings",
                "past_instances",
                "past_meetings",
                "report_participants",
                "recordings",
                "recording_files",
                "transcripts",
                "transcript_cues",
            ],
            explained: false,
        }
    }

    /// The same, where absence may be explained by coverage.
    pub fn explained(self) -> Scope {
        Scope { explained: true, ..self }
    }
}

/// How dataset and truth differ in one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The dataset.
    pub dataset: String,
    /// The key; of participants, the instance.
    pub key: String,
    /// What differs: the first member of a record, with both values.
    pub what: String,
}

/// The result.
#[derive(Debug, Default)]
pub struct Audit {
    /// Rows by dataset.
    pub rows: BTreeMap<String, u64>,
    /// How it differs, the first ones.
    pub differences: Vec<Difference>,
    /// How many differences there are.
    pub count: u64,
    /// Rows of the truth that are absent, and coverage says why.
    pub explained: u64,
}

impl Audit {
    fn note(&mut self, dataset: &str, key: &str, what: String) {
        self.count += 1;
        if self.differences.len() < DIFFERENCES_MAX {
            let what = what.chars().take(WHAT_MAX).collect();
            let (dataset, key) = (dataset.to_owned(), key.to_owned());
            self.differences.push(Difference { dataset, key, what });
        }
    }

    /// Insists that nothing differs.
    ///
    /// # Panics
    /// Where something does: names it.
    #[track_caller]
    pub fn expect_equal(self) -> Audit {
        let named: Vec<String> = self.differences.iter().map(ToString::to_string).collect();
        assert_eq!(self.count, 0, "the dataset differs from the account:\n{}", named.join("\n"));
        self
    }
}

/// Compares the SQLite dataset at `sink` with the truth.
///
/// # Errors
/// Where the dataset cannot be read.
pub fn audit(sink: &Path, truth: &Truth, scope: &Scope) -> Result<Audit> {
    let database = open(sink)?;
    let mut audit = Audit::default();
    for &dataset in &scope.datasets {
        let table = Table::read(&database, dataset)?;
        audit.rows.insert(dataset.to_owned(), table.rows.len() as u64);
        duplicates(&table, &mut audit);
        let reasons = if scope.explained { reasons(&database, dataset)? } else { Vec::new() };
        let explains = |key: &str| {
            let asked = key.split('|').next().unwrap_or_default();
            reasons.iter().any(|subject| subject.contains(asked))
        };
        let absent = match dataset {
            "report_participants" | "past_participants" => {
                multisets(&table, truth.of(dataset), &explains, &mut audit)
            }
            _ => sets(&table, truth.of(dataset), &mut audit),
        };
        for (key, rows) in absent {
            if explains(&key) {
                audit.explained += rows;
            } else {
                audit.note(dataset, &key, "missing".to_owned());
            }
        }
        for row in table.rows.iter().take(COLUMNS_OF) {
            columns(&table, row, &mut audit);
        }
    }
    Ok(audit)
}

/// Opens a dataset for reading.
pub(crate) fn open(sink: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = Connection::open_with_flags(sink, flags)
        .with_context(|| format!("open {}", sink.display()))?;
    database.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(database)
}

/// A dataset's table, read whole: tests have small accounts.
struct Table {
    dataset: String,
    columns: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    key: String,
    raw: Value,
    cells: Vec<Cell>,
}

impl Table {
    fn read(database: &Connection, dataset: &str) -> Result<Table> {
        let query = format!("SELECT * FROM \"{dataset}\" ORDER BY _key, rowid");
        let mut statement = database.prepare(&query)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let place = |name: &str| columns.iter().position(|c| c == name).context("a column");
        let (key, raw) = (place("_key")?, place("_raw")?);
        let read = statement.query_map([], |row| {
            let cells: rusqlite::Result<Vec<Cell>> =
                (0..columns.len()).map(|n| row.get(n)).collect();
            Ok((row.get::<_, String>(key)?, row.get::<_, String>(raw)?, cells?))
        })?;
        let mut rows = Vec::new();
        for row in read {
            let (key, raw, cells) = row?;
            let raw = serde_json::from_str(&raw)
                .with_context(|| format!("{dataset} {key}: _raw is not JSON: {raw}"))?;
            rows.push(Row { key, raw, cells });
        }
        Ok(Table { dataset: dataset.to_owned(), columns, rows })
    }
}

fn duplicates(table: &Table, audit: &mut Audit) {
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &table.rows {
        *rows.entry(&row.key).or_default() += 1;
    }
    for (key, rows) in rows.into_iter().filter(|(_, rows)| *rows > 1) {
        audit.note(&table.dataset, key, format!("{rows} rows of one key"));
    }
}

/// Keys equal as sets; each record is one of those that the account shows under its key.
/// Gives the keys that are absent.
fn sets(
    table: &Table,
    truth: &BTreeMap<String, Vec<Value>>,
    audit: &mut Audit,
) -> Vec<(String, u64)> {
    let mut absent: BTreeMap<&str, u64> = truth.keys().map(|key| (key.as_str(), 1)).collect();
    for row in &table.rows {
        absent.remove(row.key.as_str());
        match truth.get(&row.key) {
            None => audit.note(&table.dataset, &row.key, "not in the account".to_owned()),
            Some(records) if made(&table.dataset) => told(table, row, &records[0], audit),
            Some(records) if records.contains(&row.raw) => {}
            Some(records) => {
                audit.note(&table.dataset, &row.key, first_difference(&records[0], &row.raw));
            }
        }
    }
    absent.into_iter().map(|(key, rows)| (key.to_owned(), rows)).collect()
}

/// Whether its rows are made from a file, so that there is no record as sent.
fn made(dataset: &str) -> bool {
    matches!(dataset, "transcripts" | "transcript_cues")
}

/// What the file says stands in the columns.
fn told(table: &Table, row: &Row, record: &Value, audit: &mut Audit) {
    for (member, value) in record.as_object().into_iter().flatten() {
        let place = table.columns.iter().position(|c| c == member);
        match place.map(|p| &row.cells[p]) {
            Some(Cell::Null) if value.is_null() => {}
            Some(cell) if !value.is_null() && *cell != Cell::Null && agree(value, cell) => {}
            // The key says it already.
            None if value.as_str() == Some(&row.key) => {}
            other => {
                let what = format!("column {member} is {other:?}, the file says {value}");
                audit.note(&table.dataset, &row.key, what);
            }
        }
    }
}

/// Records of each instance equal as multisets, where coverage does not say that they wait.
/// Gives the instances that are absent.
fn multisets(
    table: &Table,
    truth: &BTreeMap<String, Vec<Value>>,
    explains: &impl Fn(&str) -> bool,
    audit: &mut Audit,
) -> Vec<(String, u64)> {
    let dataset = &table.dataset;
    let place = table.columns.iter().position(|c| c == "instance_uuid");
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &table.rows {
        let instance = match place.map(|p| &row.cells[p]) {
            Some(Cell::Text(uuid)) => uuid.clone(),
            other => format!("instance_uuid is {other:?} at {}", row.key),
        };
        found.entry(instance).or_default().push(row.raw.to_string());
    }
    let mut absent = Vec::new();
    for (instance, records) in truth {
        let Some(mut found) = found.remove(instance) else {
            absent.push((instance.clone(), records.len() as u64));
            continue;
        };
        let mut records: Vec<String> = records.iter().map(ToString::to_string).collect();
        records.sort();
        found.sort();
        if records == found {
            continue;
        }
        if explains(instance) {
            // Stays that are still being worked out at the account.
            audit.explained += records.len() as u64;
        } else {
            let lacks = records.iter().find(|r| !found.contains(r));
            let more = found.iter().find(|r| !records.contains(r));
            let (truths, founds) = (records.len(), found.len());
            let what = format!("{truths} stays, {founds} found; lacks {lacks:?}, has {more:?}");
            audit.note(dataset, instance, what);
        }
    }
    for key in found.into_keys() {
        audit.note(dataset, &key, "not in the account".to_owned());
    }
    absent
}

/// Subjects of questions that are not answered for good: what absence may be explained by.
fn reasons(database: &Connection, dataset: &str) -> Result<Vec<String>> {
    let operation = match dataset {
        "users" => "zoom.list_users",
        "meetings" => "zoom.list_meetings",
        "past_instances" => "zoom.list_past_instances",
        "past_meetings" => "zoom.get_past_meeting",
        "report_participants" => "zoom.report_participants",
        "past_participants" => "zoom.list_past_participants",
        "transcripts" | "transcript_cues" => "zoom.download_recording_file",
        _ => return Ok(Vec::new()),
    };
    let mut statement = database.prepare(
        "SELECT subject FROM _coverage WHERE operation = ?1 AND state IN ('waiting', 'failed')",
    )?;
    let subjects = statement.query_map([operation], |row| row.get(0))?;
    Ok(subjects.collect::<rusqlite::Result<_>>()?)
}

fn columns(table: &Table, row: &Row, audit: &mut Audit) {
    if bare(&row.raw) != row.raw {
        audit.note(&table.dataset, &row.key, "_raw holds a secret member".to_owned());
    }
    if let Some(secret) = table.columns.iter().find(|c| SECRET_MEMBERS.contains(&c.as_str())) {
        audit.note(&table.dataset, &row.key, format!("there is a column {secret}"));
    }
    for (column, cell) in table.columns.iter().zip(&row.cells) {
        if column.starts_with('_') || made(&table.dataset) {
            continue;
        }
        let member = row.raw.get(column).unwrap_or(&Value::Null);
        if !agree(member, cell) {
            let what = format!("column {column} is {cell:?}, the record says {member}");
            audit.note(&table.dataset, &row.key, what);
        }
    }
}

/// Whether a typed column says what the record's member says. A column that the record has
/// no member for tells what was asked; a member of another type is null in its column.
fn agree(member: &Value, cell: &Cell) -> bool {
    match (member, cell) {
        (Value::Null, _) => true,
        (Value::String(text), Cell::Null) => text.is_empty() || text.parse::<f64>().is_err(),
        (Value::String(text), Cell::Text(found)) => {
            // A byte order mark tells how a file is encoded; it is no part of its text.
            text.trim_start_matches('\u{feff}') == found || same_instant(text, found)
        }
        (Value::String(text), Cell::Integer(found)) => text.trim().parse() == Ok(*found),
        (Value::Bool(yes), Cell::Integer(found)) => *found == i64::from(*yes),
        (Value::Number(number), Cell::Integer(found)) => number.as_i64() == Some(*found),
        (Value::Number(number), Cell::Real(found)) => number.as_f64() == Some(*found),
        (Value::Array(_) | Value::Object(_), Cell::Text(found)) => {
            serde_json::from_str::<Value>(found).is_ok_and(|f| f == *member)
        }
        (_, Cell::Null) => true,
        _ => false,
    }
}

/// Accounts send `…Z`; a dataset may leave out a fraction that is zero.
fn same_instant(text: &str, found: &str) -> bool {
    let trimmed = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    let other = found.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    text.contains('T') && trimmed == other
}

/// The first member in which two records differ, with both values.
fn first_difference(truth: &Value, found: &Value) -> String {
    if let (Value::Object(t), Value::Object(f)) = (truth, found) {
        for name in t.keys().chain(f.keys()) {
            let (t, f) = (t.get(name), f.get(name));
            if t != f {
                let show = |v: Option<&Value>| v.map_or("absent".to_owned(), Value::to_string);
                return format!("{name}: account {}, dataset {}", show(t), show(f));
            }
        }
    }
    format!("account {truth}, dataset {found}")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.dataset, self.key, self.what)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A dataset of three users, as the truth has it, then changed by `change`.
    fn audited(change: &str) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a folder");
        let sink = dir.path().join("zoom.db");
        let database = Connection::open(&sink).expect("a database");
        let make = "CREATE TABLE users (id TEXT, type INTEGER, _key TEXT, _raw TEXT);
            CREATE TABLE _coverage (operation TEXT, subject TEXT, state TEXT);";
        database.execute_batch(make).expect("tables");
        let mut lines = String::new();
        for id in ["a", "b", "c"] {
            let raw = json!({"id": id, "type": 2}).to_string();
            let row = rusqlite::params![id, 2, id, raw];
            database.execute("INSERT INTO users VALUES (?1, ?2, ?3, ?4)", row).expect("a row");
            let record = json!({"id": id, "type": 2, "host_key": "SIMSECRET"});
            lines += &json!({"dataset": "users", "key": id, "record": record}).to_string();
            lines.push('\n');
        }
        database.execute_batch(change).expect("a change");
        drop(database);
        let truth = Truth::read(lines.as_bytes()).expect("a truth");
        let scope = Scope { datasets: vec!["users"], explained: true };
        let audit = audit(&sink, &truth, &scope).expect("an audit");
        audit.differences.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_equal_dataset_has_no_difference() {
        assert_eq!(audited(""), [""; 0]);
    }

    #[test]
    fn each_difference_is_named() {
        let cases = [
            ("DELETE FROM users WHERE id = 'b'", "users b: missing"),
            ("UPDATE users SET _key = 'x' WHERE id = 'a'", "users x: not in the account"),
            ("INSERT INTO users SELECT * FROM users WHERE id = 'c'", "users c: 2 rows of one key"),
            ("UPDATE users SET type = 3 WHERE id = 'a'", "users a: column type is Integer(3)"),
            (
                "UPDATE users SET _raw = json_set(_raw, '$.type', 1), type = 1 WHERE id = 'a'",
                "users a: type: account 2, dataset 1",
            ),
            (
                "UPDATE users SET _raw = json_set(_raw, '$.host_key', '') WHERE id = 'a'",
                "users a: _raw holds a secret member",
            ),
        ];
        for (change, expected) in cases {
            let found = audited(change);
            assert!(found.iter().any(|f| f.starts_with(expected)), "{change}: {found:?}");
        }
    }

    #[test]
    fn an_absence_that_coverage_explains_is_none() {
        let change = "DELETE FROM users WHERE id = 'b';
            INSERT INTO _coverage VALUES ('zoom.list_users', '{\"id\":\"b\"}', 'waiting')";
        assert_eq!(audited(change), [""; 0]);
    }
}
