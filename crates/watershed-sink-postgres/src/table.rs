//! The tables of the datasets: the only place that makes SQL text.
//!
//! Identifiers come from the built-in catalogue alone, always quoted; values are always bound,
//! a column of many rows as one array. The state's SQL stands in files under `sql/`.

use std::collections::BTreeMap;

use watershed_model::{Catalogue, Dataset};
use watershed_sink::Column;

use crate::cells::type_name;

/// A dataset's table, and every statement on it.
#[derive(Debug)]
pub(crate) struct Table {
    pub name: &'static str,
    /// The typed columns, in order; then those of `KEPT`.
    pub columns: Vec<Column>,
    /// Makes the table and its index.
    pub create: String,
    /// Arrays: the typed columns, then `KEPT` without `_deleted_at`.
    pub upsert: String,
    /// Arrays of connections and keys → what is stored of those that are there.
    pub held: String,
    /// Listing (its hash), connection, text, after, limit → rows as `read::listed` reads them.
    pub listed: String,
    /// Connection → rows that are not deleted.
    pub count: String,
    /// After connection and key, limit → `_connection`, `_key`, `_raw`.
    pub raw_after: String,
    /// Columns of what its records were asked for.
    pub asked: Vec<Column>,
    /// After connection and key, limit → those of `KEPT`, then what was asked, each as JSON.
    pub rows_after: String,
    /// Likewise, rows that a run has not seen.
    pub missing: String,
    /// Arrays of connections, keys and instants: deleted then, unless fetched later.
    pub delete: String,
    /// Arrays of connections, keys, instants and runs: taken out, where of that version; gives
    /// `_connection` and `_key`.
    pub take: String,
}

/// What every dataset has beside its fields, and how it is declared.
const KEPT: [(&str, &str, &str); 7] = [
    ("_connection", "text", " COLLATE \"C\" NOT NULL"),
    ("_key", "text", " COLLATE \"C\" NOT NULL"),
    ("_raw", "jsonb", " NOT NULL"),
    ("_listing", "text", ""),
    ("_fetched_at", "timestamptz", " NOT NULL"),
    ("_run", "text", " NOT NULL"),
    ("_deleted_at", "timestamptz", ""),
];

/// The tables of a catalogue, by dataset.
#[derive(Debug)]
pub(crate) struct Tables(BTreeMap<&'static str, Table>);

impl Tables {
    pub(crate) fn of(catalogue: Catalogue) -> Tables {
        Tables(catalogue.datasets.iter().map(|d| (d.name, Table::of(d))).collect())
    }

    pub(crate) fn named(&self, dataset: &str) -> Option<&Table> {
        self.0.get(dataset)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Table> {
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
            count: count(dataset.name),
            raw_after: after(dataset.name, "_connection, _key, _raw"),
            rows_after: after(dataset.name, &whole(&asked)),
            missing: missing(dataset.name, &whole(&asked)),
            delete: delete(dataset.name),
            take: take(dataset.name),
            asked,
            columns,
        }
    }

    /// Marks what is gone by a column.
    pub(crate) fn gone(&self, column: &str) -> String {
        format!(
            "UPDATE {} SET _deleted_at = $3
WHERE _connection = $1 AND {}::text = $2 AND _fetched_at <= $3 AND _deleted_at IS NULL",
            quoted(self.name),
            quoted(column)
        )
    }

    /// Adds a typed column to a table that an older catalogue made.
    pub(crate) fn add_column(&self, column: Column) -> String {
        format!("ALTER TABLE {} ADD COLUMN {}", quoted(self.name), declared(column))
    }

    /// Sets these columns of rows: arrays of connections, of keys, then of each column's cells.
    pub(crate) fn set(&self, columns: &[Column]) -> String {
        let sets = columns.iter().map(|c| format!("{0} = given.{0}", quoted(c.name)));
        let names = columns.iter().map(|c| format!(", {}", quoted(c.name)));
        let arrays =
            columns.iter().enumerate().map(|(n, c)| format!(", ${}::{}[]", n + 3, type_name(c.ty)));
        format!(
            "UPDATE {table} AS t SET {}
FROM unnest($1::text[], $2::text[]{}) AS given (_connection, _key{})
WHERE t._connection = given._connection AND t._key = given._key",
            sets.collect::<Vec<_>>().join(", "),
            arrays.collect::<String>(),
            names.collect::<String>(),
            table = quoted(self.name),
        )
    }
}

/// Writes a table anew, without what was deleted from it.
pub(crate) fn anew(name: &str) -> String {
    format!("VACUUM (FULL, ANALYZE) {}", quoted(name))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn declared(column: Column) -> String {
    format!("{} {}", quoted(column.name), type_name(column.ty))
}

fn create(name: &str, columns: &[Column]) -> String {
    let mut lines: Vec<String> = columns.iter().copied().map(declared).collect();
    lines.extend(KEPT.iter().map(|(kept, ty, more)| format!("{} {ty}{more}", quoted(kept))));
    lines.push("PRIMARY KEY (_connection, _key)".to_owned());
    let (table, deleted) = (quoted(name), quoted(&format!("{name}_deleted")));
    format!(
        "CREATE TABLE {table} (\n    {}\n);
CREATE INDEX {deleted} ON {table} (_connection) WHERE _deleted_at IS NOT NULL;",
        lines.join(",\n    ")
    )
}

/// Conditional on `_fetched_at`: older than what is stored, or than its deletion, it changes
/// nothing. What is written is there: `_deleted_at` becomes null.
fn upsert(name: &str, columns: &[Column]) -> String {
    let kept = KEPT.iter().filter(|(kept, ..)| *kept != "_deleted_at");
    let every: Vec<(String, &str)> = columns
        .iter()
        .map(|column| (quoted(column.name), type_name(column.ty)))
        .chain(kept.map(|(kept, ty, _)| (quoted(kept), *ty)))
        .collect();
    let names: Vec<&str> = every.iter().map(|(name, _)| name.as_str()).collect();
    let arrays: Vec<String> =
        every.iter().enumerate().map(|(n, (_, ty))| format!("${}::{ty}[]", n + 1)).collect();
    let sets: Vec<String> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    format!(
        "INSERT INTO {table} AS t ({})
SELECT * FROM unnest({})
ON CONFLICT (_connection, _key) DO UPDATE SET {}, _deleted_at = NULL
WHERE excluded._fetched_at >= t._fetched_at
    AND (t._deleted_at IS NULL OR excluded._fetched_at > t._deleted_at)",
        names.join(", "),
        arrays.join(", "),
        sets.join(", "),
        table = quoted(name),
    )
}

/// A record is read only where a listing might have to keep it.
fn held(name: &str) -> String {
    format!(
        "SELECT t._connection, t._key, t._fetched_at, t._deleted_at, t._listing,
    CASE WHEN t._listing IS NOT NULL THEN t._raw END AS _raw
FROM unnest($1::text[], $2::text[]) AS asked (_connection, _key)
JOIN {} AS t ON t._connection = asked._connection AND t._key = asked._key",
        quoted(name)
    )
}

/// No row: the listing is not known. One row without a key: it has no more members.
fn listed(name: &str) -> String {
    format!(
        "SELECT m.\"key\", coalesce(m.record, t._raw) AS record
FROM _listings AS l
LEFT JOIN LATERAL (
    SELECT \"key\", record FROM _members
    WHERE listing = l.listing AND ($4::text IS NULL OR \"key\" > $4)
    ORDER BY \"key\"
    LIMIT $5
) AS m ON true
LEFT JOIN {} AS t ON t._connection = $2 AND t._key = m.\"key\" AND t._listing = $3
WHERE l.listing = $1 AND l.whole
ORDER BY m.\"key\"",
        quoted(name)
    )
}

/// Two indexes are counted; no row is read, however many there are.
fn count(name: &str) -> String {
    let table = quoted(name);
    format!(
        "SELECT (SELECT count(*) FROM {table} WHERE _connection = $1)
    - (SELECT count(*) FROM {table} WHERE _connection = $1 AND _deleted_at IS NOT NULL)"
    )
}

fn after(name: &str, what: &str) -> String {
    format!(
        "SELECT {what} FROM {} WHERE (_connection, _key) > ($1, $2)
ORDER BY _connection, _key LIMIT $3",
        quoted(name)
    )
}

fn missing(name: &str, what: &str) -> String {
    format!(
        "SELECT {what} FROM {} WHERE _connection = $1 AND _key > $2
    AND _fetched_at < $5 AND _run <> $4 AND _deleted_at IS NULL
ORDER BY _key LIMIT $3",
        quoted(name)
    )
}

fn whole(asked: &[Column]) -> String {
    let kept = KEPT.iter().map(|(kept, ..)| quoted(kept));
    let asked = asked.iter().map(|c| format!("to_jsonb({0}) AS {0}", quoted(c.name)));
    kept.chain(asked).collect::<Vec<_>>().join(", ")
}

fn delete(name: &str) -> String {
    format!(
        "UPDATE {} AS t SET _deleted_at = given.at
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS given (_connection, _key, at)
WHERE t._connection = given._connection AND t._key = given._key AND t._fetched_at <= given.at",
        quoted(name)
    )
}

fn take(name: &str) -> String {
    format!(
        "DELETE FROM {} AS t
USING unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[])
    AS given (_connection, _key, fetched_at, run)
WHERE t._connection = given._connection AND t._key = given._key
    AND t._fetched_at = given.fetched_at AND t._run = given.run
RETURNING t._connection, t._key",
        quoted(name)
    )
}
