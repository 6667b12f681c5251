//! A small catalogue of its own, and a sink whose answers the tests compare.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use watershed_model::{
    Catalogue, Coverage, CoverageState, Dataset, DeadLetter, Field, FieldType, Millis, Record, Row,
    RunRow, RunState, ScopeSeed, StepId, Subject, Trigger,
};
use watershed_sink::{Batch, Listing, Sink, SqliteSink, Write};

const fn field(name: &'static str, ty: FieldType) -> Field {
    Field { name, ty, secret: false }
}

const PERSON: Record = Record {
    name: "person",
    fields: &[
        field("id", FieldType::Text),
        field("type", FieldType::Int),
        field("weight", FieldType::Double),
        field("verified", FieldType::Bool),
        field("created_at", FieldType::Time),
        field("born", FieldType::Date),
        field("groups", FieldType::TextList),
        Field { name: "host_key", ty: FieldType::Text, secret: true },
    ],
};

/// Its fields are SQL keywords on purpose, `type` and `order` among them.
pub(crate) static PEOPLE: Dataset =
    Dataset { name: "people", record: &PERSON, asked: &[field("order", FieldType::Text)] };

/// The same dataset in a later catalogue: two columns more.
pub(crate) static PEOPLE_LATER: Dataset = Dataset {
    name: "people",
    record: &Record {
        name: "person",
        fields: &[
            field("id", FieldType::Text),
            field("born", FieldType::Date),
            field("type", FieldType::Int),
            field("height", FieldType::Int),
        ],
    },
    asked: &[field("asked_later", FieldType::Text)],
};

pub(crate) static PETS: Dataset = Dataset {
    name: "pets",
    record: &Record { name: "pet", fields: &[field("id", FieldType::Text)] },
    asked: &[],
};

pub(crate) static UNKNOWN: Dataset = Dataset {
    name: "unknown",
    record: &Record { name: "unknown", fields: &[field("id", FieldType::Text)] },
    asked: &[],
};

pub(crate) const CATALOGUE: Catalogue = Catalogue { operations: &[], datasets: &[&PEOPLE, &PETS] };
pub(crate) const LATER: Catalogue =
    Catalogue { operations: &[], datasets: &[&PEOPLE_LATER, &PETS] };

/// A file in a directory of its own, gone with the value.
pub(crate) struct Place {
    _directory: TempDir,
    pub(crate) path: PathBuf,
}

pub(crate) fn place() -> Place {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("data").join("zoom.db");
    Place { _directory: directory, path }
}

pub(crate) async fn open(place: &Place) -> SqliteSink {
    SqliteSink::open(&place.path, CATALOGUE).await.unwrap()
}

/// The person of that key, as sent.
pub(crate) fn person(key: &str, record: Value) -> Row {
    Row { dataset: &PEOPLE, key: key.to_owned(), record, asked: Map::new() }
}

/// What a call made at `at` brought.
pub(crate) fn fetched(at: i64, rows: Vec<Row>) -> Write {
    Write {
        connection: "acme".into(),
        run: format!("run-of-{at}").into(),
        fetched_at: Millis(at),
        rows,
        coverage: Vec::new(),
        listing: None,
        part: None,
    }
}

pub(crate) fn batch(writes: Vec<Write>) -> Batch {
    Batch { writes, ..Batch::default() }
}

pub(crate) async fn write(sink: &dyn Sink, write: Write) {
    sink.write(batch(vec![write]).into()).await.unwrap();
}

pub(crate) fn subject(members: Value) -> Subject {
    Subject::of(members.as_object().unwrap())
}

/// A listing of this status, of the whole time.
pub(crate) fn listing(status: &str) -> Listing {
    Listing {
        subject: subject(json!({ "status": status })),
        from: None,
        to: None,
        operation: "zoom.list_people".into(),
    }
}

pub(crate) fn coverage(
    status: &str,
    from: Option<&str>,
    state: CoverageState,
    at: i64,
) -> Coverage {
    Coverage {
        connection: "acme".into(),
        operation: "zoom.list_people".into(),
        subject: subject(json!({ "status": status })),
        from: from.map(str::to_owned),
        to: from.map(str::to_owned),
        state,
        reason: None,
        rows: 3,
        retry_at: (state == CoverageState::Waiting).then_some(Millis(at + 1000)),
        run: "run-1".into(),
        at: Millis(at),
    }
}

pub(crate) fn letter(id: &str, run: &str, step: &str, key: u64, at: i64) -> DeadLetter {
    DeadLetter {
        id: id.into(),
        connection: "acme".into(),
        run: run.into(),
        plan: "plan".into(),
        step: step.to_owned(),
        operation: "zoom.get_past_meeting".into(),
        branch: "users[2]".to_owned(),
        item: r#"["u2"]"#.to_owned(),
        key,
        once: Some(u64::MAX - 1),
        bucket: 24_300,
        scopes: vec![ScopeSeed {
            level: 1,
            key: u64::MAX,
            joins: vec![(StepId(4), vec!["[]".to_owned()])],
        }],
        subject: Some(subject(json!({ "meetingId": "7" }))),
        from: None,
        to: Some("2026-01-31".to_owned()),
        verdict: "dead".to_owned(),
        http: Some(400),
        code: Some(-3000),
        message: "no".to_owned(),
        attempts: 8,
        at: Millis(at),
        hint: "look".to_owned(),
    }
}

pub(crate) fn run_row(id: &str, connection: &str, state: RunState, started_at: i64) -> RunRow {
    RunRow {
        id: id.into(),
        connection: connection.into(),
        workflow: "zoom-backfill".to_owned(),
        source: "name: zoom-backfill\n".to_owned(),
        plan: "plan".into(),
        inputs: BTreeMap::from([("from".to_owned(), json!("2026-01-01"))]),
        granted: vec!["zoom.list_people".to_owned()],
        trigger: Trigger::Manual,
        state,
        started_at: Millis(started_at),
        ended_at: state.ended().then_some(Millis(started_at + 5)),
        evidence: None,
    }
}

/// What one cell holds, asked of the file by a connection of the test's own.
pub(crate) fn cell(path: &Path, column: &str, key: &str) -> rusqlite::types::Value {
    rusqlite::Connection::open(path)
        .unwrap()
        .query_row(&format!("SELECT \"{column}\" FROM people WHERE _key = ?1"), [key], |row| {
            row.get(0)
        })
        .unwrap()
}

/// The same, of a cell that holds text or nothing.
pub(crate) fn text(path: &Path, column: &str, key: &str) -> Option<String> {
    match cell(path, column, key) {
        rusqlite::types::Value::Text(text) => Some(text),
        rusqlite::types::Value::Null => None,
        other => panic!("{column} of {key} is {other:?}"),
    }
}

/// Runs statements on the file, as some other program would.
pub(crate) fn meddle(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}
