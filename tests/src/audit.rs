//! The auditor: is the dataset what the account holds, row for row?
//!
//! Knows nothing of how it came there. Compares keys as sets, records as JSON less secrets,
//! participants as multisets of an instance, typed columns with the record beside them; and
//! looks for coverage that no finished run leaves.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::columns::{Kind, asked, kinds};
use crate::truth::{SECRET_MEMBERS, Truth, bare};

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
                "user_details",
                "user_settings",
                "meetings",
                "meeting_details",
                "meeting_invitations",
                "past_instances",
                "past_meetings",
                "report_participants",
                "recordings",
                "recording_files",
                "recording_settings",
                "transcripts",
                "transcript_cues",
            ],
            explained: false,
        }
    }

    /// What it brings with every input at its widest.
    pub fn everything() -> Scope {
        let mut scope = Scope::backfill();
        scope.datasets.extend(["past_participants", "report_meetings"]);
        scope
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
        let kinds = kinds(dataset);
        same_columns(&table, &kinds, &mut audit);
        for row in &table.rows {
            columns(&table, &kinds, row, &mut audit);
        }
    }
    partial(&database, &mut audit)?;
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

    /// The cell of a row in the column of that name.
    fn cell<'a>(&self, row: &'a Row, column: &str) -> Option<&'a Cell> {
        self.columns.iter().position(|c| c == column).map(|place| &row.cells[place])
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
    let kinds = kinds(&table.dataset);
    for (member, value) in record.as_object().into_iter().flatten() {
        // A byte order mark tells how a file is encoded; it is no part of its text.
        let value = match value.as_str().and_then(|text| text.strip_prefix('\u{feff}')) {
            Some(text) => &Value::from(text),
            None => value,
        };
        match (kinds.get(member.as_str()), table.cell(row, member)) {
            (Some(kind), Some(cell)) if kind.says(value, cell) => {}
            // The key says it already.
            (None, None) if value.as_str() == Some(&row.key) => {}
            (_, other) => {
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
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &table.rows {
        let instance = match table.cell(row, "instance_uuid") {
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
        "user_details" => "zoom.get_user",
        "user_settings" => "zoom.get_user_settings",
        "meetings" => "zoom.list_meetings",
        "meeting_details" => "zoom.get_meeting",
        "meeting_invitations" => "zoom.get_invitation",
        "past_instances" => "zoom.list_past_instances",
        "past_meetings" => "zoom.get_past_meeting",
        "report_participants" => "zoom.report_participants",
        "past_participants" => "zoom.list_past_participants",
        "report_meetings" => "zoom.report_meeting",
        "recording_settings" => "zoom.get_recording_settings",
        "transcripts" | "transcript_cues" => "zoom.download_recording_file",
        _ => return Ok(Vec::new()),
    };
    let mut statement = database.prepare(
        "SELECT subject FROM _coverage WHERE operation = ?1 AND state IN ('waiting', 'failed')",
    )?;
    let subjects = statement.query_map([operation], |row| row.get(0))?;
    Ok(subjects.collect::<rusqlite::Result<_>>()?)
}

/// The typed columns are those that the contract names, no fewer and no others.
fn same_columns(table: &Table, kinds: &BTreeMap<&str, Kind>, audit: &mut Audit) {
    for column in kinds.keys().filter(|c| !table.columns.iter().any(|found| found == *c)) {
        audit.note(&table.dataset, column, "there is no such column".to_owned());
    }
    let typed = table.columns.iter().filter(|c| !c.starts_with('_'));
    for column in typed.filter(|c| !kinds.contains_key(c.as_str())) {
        audit.note(&table.dataset, column, "a column that the contract does not name".to_owned());
    }
}

fn columns(table: &Table, kinds: &BTreeMap<&str, Kind>, row: &Row, audit: &mut Audit) {
    if bare(&row.raw) != row.raw {
        audit.note(&table.dataset, &row.key, "_raw holds a secret member".to_owned());
    }
    if let Some(secret) = table.columns.iter().find(|c| SECRET_MEMBERS.contains(&c.as_str())) {
        audit.note(&table.dataset, &row.key, format!("there is a column {secret}"));
    }
    for (column, kind) in kinds {
        let Some(cell) = table.cell(row, column) else { continue };
        let member = row.raw.get(column).unwrap_or(&Value::Null);
        if member.is_null() && asked(&table.dataset) == Some(column) {
            if !was_asked(table, row, cell) {
                let what = format!("column {column} is {cell:?}, which nobody asked for");
                audit.note(&table.dataset, &row.key, what);
            }
        } else if !kind.says(member, cell) {
            let what = format!("column {column} is {cell:?}, the record says {member}");
            audit.note(&table.dataset, &row.key, what);
        }
    }
}

/// Whether the cell is what the row was asked for, as the listing that brought it tells.
fn was_asked(table: &Table, row: &Row, cell: &Cell) -> bool {
    let cell = match cell {
        Cell::Text(text) => Value::from(text.as_str()),
        Cell::Integer(number) => Value::from(*number),
        _ => return false,
    };
    if table.dataset == "recording_files" {
        // They come in a list of recordings; each says whose it is by another name.
        return row.raw["meeting_id"] == cell;
    }
    let Some(Cell::Text(listing)) = table.cell(row, "_listing") else { return false };
    let listing: Value = serde_json::from_str(listing).unwrap_or_default();
    listing["subject"].as_object().is_some_and(|s| s.values().any(|value| *value == cell))
}

/// A run that has ended leaves no listing half read.
fn partial(database: &Connection, audit: &mut Audit) -> Result<()> {
    let query = "SELECT operation, subject FROM _coverage WHERE state = 'partial'";
    let mut statement = database.prepare(query)?;
    let lines = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for line in lines {
        let (operation, subject): (String, String) = line?;
        audit.note("_coverage", &format!("{operation} {subject}"), "still partial".to_owned());
    }
    Ok(())
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

    /// A dataset of three users, of who was at two instances and of one thing said, as the
    /// truth has it, then changed by `change`.
    fn audited(change: &str) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a folder");
        let sink = dir.path().join("zoom.db");
        let database = Connection::open(&sink).expect("a database");
        for dataset in ["users", "report_participants", "transcript_cues"] {
            let columns: Vec<&str> = kinds(dataset).into_keys().collect();
            let make =
                format!("CREATE TABLE {dataset} ({}, _key, _raw, _listing)", columns.join(", "));
            database.execute_batch(&make).expect("a table");
        }
        let make = "CREATE TABLE _coverage (operation TEXT, subject TEXT, state TEXT)";
        database.execute_batch(make).expect("a table");
        let mut lines = String::new();
        for id in ["a", "b", "c"] {
            let record =
                json!({"id": id, "type": 2, "pmi": 7, "dept": "", "host_key": "SIMSECRET"});
            lines += &json!({"dataset": "users", "key": id, "record": record}).to_string();
            lines.push('\n');
            let insert = "INSERT INTO users (id, type, pmi, dept, _key, _raw)
                VALUES (?1, 2, 7, '', ?1, ?2)";
            database.execute(insert, [id, &bare(&record).to_string()]).expect("a row");
        }
        // Two stays of one person that differ in nothing, and one of another.
        for (key, uuid, name) in
            [("1", "x", "Ana"), ("2", "x", "Ana"), ("3", "x", "Bo"), ("4", "y", "Ana")]
        {
            let record = json!({"name": name, "duration": 60, "failover": false});
            let row = json!({"dataset": "report_participants", "key": uuid, "record": record});
            lines += &row.to_string();
            lines.push('\n');
            let listing = json!({"subject": {"uuid": uuid}}).to_string();
            let insert = "INSERT INTO report_participants
                (name, duration, failover, instance_uuid, _key, _raw, _listing)
                VALUES (?1, 60, 0, ?2, ?3, ?4, ?5)";
            let row = [name, uuid, key, &record.to_string(), &listing];
            database.execute(insert, row).expect("a row");
        }
        let said = json!({"file_id": "f", "start_ms": 7, "speaker": null, "text": "\u{feff}Yes."});
        let cue = json!({"dataset": "transcript_cues", "key": "f|0", "record": said});
        lines += &cue.to_string();
        let raw = json!({"file_id": "f", "start_ms": 7, "speaker": null, "text": "Yes."});
        let insert = "INSERT INTO transcript_cues (file_id, start_ms, text, _key, _raw)
            VALUES ('f', 7, 'Yes.', 'f|0', ?1)";
        database.execute(insert, [raw.to_string()]).expect("a row");
        database.execute_batch(change).expect("a change");
        drop(database);
        let truth = Truth::read(lines.as_bytes()).expect("a truth");
        let scope = Scope {
            datasets: vec!["users", "report_participants", "transcript_cues"],
            explained: true,
        };
        let audit = audit(&sink, &truth, &scope).expect("an audit");
        audit.differences.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_equal_dataset_has_no_difference() {
        assert_eq!(audited(""), [""; 0]);
    }

    #[track_caller]
    fn each_is_named<const N: usize>(cases: [(&str, &str); N]) {
        for (change, expected) in cases {
            let found = audited(change);
            assert!(found.iter().any(|f| f.starts_with(expected)), "{change}: {found:?}");
        }
    }

    #[test]
    fn each_difference_is_named() {
        each_is_named([
            ("DELETE FROM users WHERE id = 'b'", "users b: missing"),
            ("UPDATE users SET _key = 'x' WHERE id = 'a'", "users x: not in the account"),
            ("INSERT INTO users SELECT * FROM users WHERE id = 'c'", "users c: 2 rows of one key"),
            (
                "UPDATE users SET _raw = json_set(_raw, '$.type', 1), type = 1 WHERE id = 'a'",
                "users a: type: account 2, dataset 1",
            ),
            (
                "UPDATE users SET _raw = json_set(_raw, '$.host_key', '') WHERE id = 'a'",
                "users a: _raw holds a secret member",
            ),
            (
                "INSERT INTO _coverage VALUES ('zoom.list_users', '{}', 'partial')",
                "_coverage zoom.list_users {}: still partial",
            ),
        ]);
    }

    #[test]
    fn each_difference_in_a_column_is_named() {
        each_is_named([
            ("UPDATE users SET type = 3 WHERE id = 'a'", "users a: column type is Integer(3)"),
            ("UPDATE users SET type = NULL WHERE id = 'a'", "users a: column type is Null"),
            ("UPDATE users SET id = NULL WHERE id = 'a'", "users a: column id is Null"),
            ("UPDATE users SET dept = NULL WHERE id = 'a'", "users a: column dept is Null"),
            ("UPDATE users SET status = 'x' WHERE id = 'a'", "users a: column status is Text"),
            ("ALTER TABLE users DROP COLUMN pmi", "users pmi: there is no such column"),
            (
                "ALTER TABLE users ADD COLUMN more",
                "users more: a column that the contract does not name",
            ),
            (
                "UPDATE report_participants SET failover = NULL WHERE _key = '3'",
                "report_participants 3: column failover is Null",
            ),
            (
                "UPDATE report_participants SET instance_uuid = NULL WHERE _key = '3'",
                "report_participants 3: column instance_uuid is Null, which nobody asked for",
            ),
            (
                "UPDATE report_participants SET instance_uuid = 'y' WHERE _key = '3'",
                "report_participants 3: column instance_uuid is Text(\"y\"), which nobody asked",
            ),
        ]);
    }

    #[test]
    fn each_difference_in_who_was_there_is_named() {
        each_is_named([
            (
                "DELETE FROM report_participants WHERE _key = '2'",
                "report_participants x: 3 stays, 2 found",
            ),
            (
                "INSERT INTO report_participants SELECT * FROM report_participants
                 WHERE _key = '2';
                 UPDATE report_participants SET _key = '5' WHERE rowid = 5",
                "report_participants x: 3 stays, 4 found",
            ),
            // As many stays as there were, each of them one that there is: only not so often.
            (
                "UPDATE report_participants
                 SET name = 'Bo', _raw = json_set(_raw, '$.name', 'Bo') WHERE _key = '2'",
                "report_participants x: 3 stays, 3 found",
            ),
            (
                "UPDATE report_participants
                 SET instance_uuid = 'y', _listing = '{\"subject\":{\"uuid\":\"y\"}}'
                 WHERE _key = '2'",
                "report_participants y: 1 stays, 2 found",
            ),
            (
                "DELETE FROM report_participants WHERE instance_uuid = 'y'",
                "report_participants y: missing",
            ),
            (
                "UPDATE report_participants SET instance_uuid = 'z' WHERE instance_uuid = 'y'",
                "report_participants z: not in the account",
            ),
        ]);
    }

    #[test]
    fn each_difference_from_a_file_is_named() {
        each_is_named([
            ("DELETE FROM transcript_cues", "transcript_cues f|0: missing"),
            (
                "UPDATE transcript_cues SET text = 'No.', _raw = json_set(_raw, '$.text', 'No.')",
                "transcript_cues f|0: column text is Some(Text(\"No.\")), the file says",
            ),
            (
                "UPDATE transcript_cues
                 SET start_ms = NULL, _raw = json_set(_raw, '$.start_ms', '')",
                "transcript_cues f|0: column start_ms is Some(Null), the file says 7",
            ),
            (
                "UPDATE transcript_cues
                 SET speaker = 'Bo', _raw = json_set(_raw, '$.speaker', 'Bo')",
                "transcript_cues f|0: column speaker is Some(Text(\"Bo\")), the file says null",
            ),
            (
                "UPDATE transcript_cues SET text = 'No.'",
                "transcript_cues f|0: column text is Text(\"No.\"), the record says",
            ),
        ]);
    }

    #[test]
    fn an_absence_that_coverage_explains_is_none() {
        let change = "DELETE FROM users WHERE id = 'b';
            INSERT INTO _coverage VALUES ('zoom.list_users', '{\"id\":\"b\"}', 'waiting');
            DELETE FROM report_participants WHERE _key IN ('2', '4');
            INSERT INTO _coverage (operation, subject, state) VALUES
            ('zoom.report_participants', '{\"uuid\":\"x\"}', 'waiting'),
            ('zoom.report_participants', '{\"uuid\":\"y\"}', 'failed')";
        assert_eq!(audited(change), [""; 0]);
        // Only what is asked for anew or is a dead letter explains anything.
        for state in ["complete", "unavailable", "skipped"] {
            let change = format!(
                "DELETE FROM users WHERE id = 'b';
                 INSERT INTO _coverage VALUES ('zoom.list_users', '{{\"id\":\"b\"}}', '{state}')"
            );
            assert_eq!(audited(&change), ["users b: missing"], "{state}");
        }
    }
}
