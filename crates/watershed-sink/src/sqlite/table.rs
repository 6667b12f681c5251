//! The tables of the datasets: the only place that makes SQL text.
//!
//! Identifiers come from the built-in catalogue alone, always quoted; values are always
//! bound. The state's SQL stands in files under `sql/`; what is asked of SQLite itself
//! (pragmas, its schema) is a literal where it is asked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use watershed_model::{Catalogue, Dataset, FieldType};

use super::cell::{Cell, cell};
use crate::Column;

/// A dataset's table, and every statement on it.
#[derive(Debug)]
pub(super) struct Table {
    pub name: &'static str,
    /// The typed columns, in order; then those of `KEPT`.
    pub columns: Vec<Column>,
    /// Makes the table and its indexes where they are missing.
    pub create: String,
    /// Typed columns by position from 1, then `KEPT` without `_deleted_at`.
    pub upsert: String,
    /// `:connection`, `:key` → `_listing`, `_raw`.
    pub held: String,
    /// `:connection`, `:listing` (its hash), `:text`, `:after`, `:limit` → `key`, and `record`,
    /// null where it is lost.
    pub listed: String,
    /// → `_connection`, `_listing`, `rows`, `first_at`, `run` of each listing that rows name.
    pub listings: String,
    /// Makes members (`:listing`, a hash) of the rows that `:connection` and `:text` name.
    pub fill_members: String,
    /// `:connection` → rows that are not deleted.
    pub count: String,
    /// Columns of what its records were asked for.
    pub asked: Vec<Column>,
    /// `:connection`, `:key`, `:limit` → the next rows after it: `KEPT`, then what was asked.
    pub rows_after: String,
    /// `:connection`, `:after`, `:run`, `:before`, `:limit` → likewise, what a run has not seen.
    pub missing: String,
    /// `:connection`, `:key`, `:at`: deleted then, unless it was fetched later.
    pub delete: String,
    /// `:connection`, `:key`, `:fetched_at`, `:run`: taken out, where it is of that version.
    pub take: String,
}

/// What every dataset has beside its fields, and how it is declared.
const KEPT: [(&str, &str); 7] = [
    ("_connection", "TEXT NOT NULL"),
    ("_key", "TEXT NOT NULL"),
    ("_raw", "TEXT NOT NULL"),
    ("_listing", "TEXT"),
    ("_fetched_at", "TEXT NOT NULL"),
    ("_run", "TEXT NOT NULL"),
    ("_deleted_at", "TEXT"),
];

/// The tables of a catalogue, by dataset.
#[derive(Debug)]
pub(super) struct Tables(BTreeMap<&'static str, Table>);

impl Tables {
    pub(super) fn of(catalogue: Catalogue) -> Tables {
        Tables(catalogue.datasets.iter().map(|d| (d.name, Table::of(d))).collect())
    }

    pub(super) fn named(&self, dataset: &str) -> Option<&Table> {
        self.0.get(dataset)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Table> {
        self.0.values()
    }
}

impl Table {
    fn of(dataset: &'static Dataset) -> Table {
        let columns = Column::of(dataset);
        let is_asked = |c: &&Column| dataset.asked.iter().any(|field| field.name == c.name);
        let asked: Vec<Column> = columns.iter().filter(is_asked).copied().collect();
        Table {
            name: dataset.name,
            create: create(dataset.name, &columns),
            upsert: upsert(dataset.name, &columns),
            held: held(dataset.name),
            listed: listed(dataset.name),
            listings: listings(dataset.name),
            fill_members: fill_members(dataset.name),
            count: count(dataset.name),
            rows_after: rows_after(dataset.name, &asked),
            missing: missing(dataset.name, &asked),
            delete: delete(dataset.name),
            take: take(dataset.name),
            asked,
            columns,
        }
    }

    /// Marks what is gone by a column, `:value`.
    pub(super) fn gone(&self, column: &str) -> String {
        format!(
            "UPDATE {} SET _deleted_at = :at
WHERE _connection = :connection AND {} = :value AND _fetched_at <= :at AND _deleted_at IS NULL",
            quoted(self.name),
            quoted(column)
        )
    }

    /// Adds a typed column to a table that an older catalogue made.
    pub(super) fn add_column(&self, column: Column) -> String {
        let (table, declared) = (quoted(self.name), declared(column));
        format!("ALTER TABLE {table} ADD COLUMN {declared}")
    }

    /// Takes away the index that files of version 1 have: members are asked for instead.
    pub(super) fn drop_by_listing(&self) -> String {
        format!("DROP INDEX IF EXISTS {}", quoted(&format!("{}_by_listing", self.name)))
    }

    /// `?1` → the next rows after a rowid: `rowid`, `_raw`.
    pub(super) fn raw_after(&self) -> String {
        let table = quoted(self.name);
        format!("SELECT rowid, _raw FROM {table} WHERE rowid > ?1 ORDER BY rowid LIMIT 1000")
    }

    /// Sets one column (`?1`) of one row (`?2`, its rowid).
    pub(super) fn set(&self, column: Column) -> String {
        let (table, name) = (quoted(self.name), quoted(column.name));
        format!("UPDATE {table} SET {name} = ?1 WHERE rowid = ?2")
    }
}

/// A column's cell in a row of this record, asked for like that.
pub(super) fn cell_of<'a>(
    column: Column,
    record: &'a Value,
    asked: &'a Map<String, Value>,
) -> Cell<'a> {
    column.of_record(record, asked).map_or(Cell::Null, |value| cell(column.ty, value))
}

/// A column's cell in a stored record.
pub(super) fn of_record(column: Column, record: &Value) -> Cell<'_> {
    record.get(column.name).map_or(Cell::Null, |value| cell(column.ty, value))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn declared(column: Column) -> String {
    let ty = match column.ty {
        FieldType::Int => "INTEGER",
        FieldType::Double => "REAL",
        FieldType::Bool => "BOOLEAN",
        FieldType::Text
        | FieldType::Time
        | FieldType::Date
        | FieldType::Object(_)
        | FieldType::List(_)
        | FieldType::TextList
        | FieldType::IntList
        | FieldType::Json => "TEXT",
    };
    format!("{} {ty}", quoted(column.name))
}

/// An ordinary table with a unique index: `_raw` is large, and in a table WITHOUT ROWID it
/// would lie in the inner pages that every look at a key walks through.
fn create(name: &str, columns: &[Column]) -> String {
    let mut lines: Vec<String> = columns.iter().copied().map(declared).collect();
    lines.extend(KEPT.iter().map(|(kept, ty)| format!("{kept} {ty}")));
    lines.push("PRIMARY KEY (_connection, _key)".to_owned());
    let table = quoted(name);
    let deleted = quoted(&format!("{name}_deleted"));
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (\n    {}\n);
CREATE INDEX IF NOT EXISTS {deleted} ON {table} (_connection) WHERE _deleted_at IS NOT NULL;",
        lines.join(",\n    ")
    )
}

/// Conditional on `_fetched_at`: older than what is stored, or than its deletion, it
/// changes nothing. What is written is there: `_deleted_at` becomes null.
fn upsert(name: &str, columns: &[Column]) -> String {
    let kept = KEPT.iter().map(|(kept, _)| *kept).filter(|kept| *kept != "_deleted_at");
    let names: Vec<String> =
        columns.iter().map(|c| quoted(c.name)).chain(kept.map(quoted)).collect();
    let places: Vec<String> = (1..=names.len()).map(|place| format!("?{place}")).collect();
    let sets: Vec<String> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let table = quoted(name);
    format!(
        "INSERT INTO {table} ({}) VALUES ({})
ON CONFLICT (_connection, _key) DO UPDATE SET {}, _deleted_at = NULL
WHERE excluded._fetched_at >= {table}._fetched_at
    AND ({table}._deleted_at IS NULL OR excluded._fetched_at > {table}._deleted_at)",
        names.join(", "),
        places.join(", "),
        sets.join(", ")
    )
}

fn held(name: &str) -> String {
    let table = quoted(name);
    format!("SELECT _listing, _raw FROM {table} WHERE _connection = :connection AND _key = :key")
}

fn listed(name: &str) -> String {
    let table = quoted(name);
    format!(
        "SELECT m.\"key\", coalesce(m.record, t._raw) AS record
FROM _members AS m
LEFT JOIN {table} AS t
    ON t._connection = :connection AND t._key = m.\"key\" AND t._listing = :text
WHERE m.listing = :listing AND m.\"key\" > :after
ORDER BY m.\"key\"
LIMIT :limit"
    )
}

fn listings(name: &str) -> String {
    let table = quoted(name);
    format!(
        "SELECT _connection, _listing, count(*) AS rows, min(_fetched_at) AS first_at,
    max(_run) AS run
FROM {table}
WHERE _listing IS NOT NULL
GROUP BY _connection, _listing"
    )
}

fn fill_members(name: &str) -> String {
    let table = quoted(name);
    format!(
        "INSERT INTO _members (listing, \"key\", record)
SELECT :listing, _key, NULL FROM {table} WHERE _connection = :connection AND _listing = :text"
    )
}

/// Two indexes are counted; no row is read, however many there are.
fn count(name: &str) -> String {
    let table = quoted(name);
    format!(
        "SELECT (SELECT count(*) FROM {table} WHERE _connection = :connection)
    - (SELECT count(*) FROM {table} WHERE _connection = :connection AND _deleted_at IS NOT NULL)"
    )
}

fn whole(asked: &[Column]) -> String {
    let kept = KEPT.iter().map(|(kept, _)| quoted(kept));
    kept.chain(asked.iter().map(|c| quoted(c.name))).collect::<Vec<_>>().join(", ")
}

fn rows_after(name: &str, asked: &[Column]) -> String {
    format!(
        "SELECT {} FROM {} WHERE (_connection, _key) > (:connection, :key)
ORDER BY _connection, _key LIMIT :limit",
        whole(asked),
        quoted(name)
    )
}

fn missing(name: &str, asked: &[Column]) -> String {
    format!(
        "SELECT {} FROM {} WHERE _connection = :connection AND _key > :after
    AND _fetched_at < :before AND _run <> :run AND _deleted_at IS NULL
ORDER BY _key LIMIT :limit",
        whole(asked),
        quoted(name)
    )
}

fn delete(name: &str) -> String {
    format!(
        "UPDATE {} SET _deleted_at = :at
WHERE _connection = :connection AND _key = :key AND _fetched_at <= :at",
        quoted(name)
    )
}

fn take(name: &str) -> String {
    format!(
        "DELETE FROM {} WHERE _connection = :connection AND _key = :key
    AND _fetched_at = :fetched_at AND _run = :run",
        quoted(name)
    )
}
