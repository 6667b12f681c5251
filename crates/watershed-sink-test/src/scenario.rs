//! A small catalogue of its own, and what a case writes and looks at.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use watershed_model::{
    Catalogue, Coverage, CoverageState, Dataset, DeadLetter, Field, FieldType, Millis, Record, Row,
    RunRow, RunState, ScopeSeed, StepId, Subject, Trigger,
};
use watershed_sink::{Batch, Listing, ListingKey, Part, Sink, Write};

use crate::Place;

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
pub static PEOPLE: Dataset =
    Dataset { name: "people", record: &PERSON, asked: &[field("order", FieldType::Text)] };

/// The same dataset in a later catalogue: two columns more.
pub static PEOPLE_LATER: Dataset = Dataset {
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

/// Another dataset.
pub static PETS: Dataset = Dataset {
    name: "pets",
    record: &Record { name: "pet", fields: &[field("id", FieldType::Text)] },
    asked: &[],
};

/// A dataset that no catalogue here has.
pub static UNKNOWN: Dataset = Dataset {
    name: "unknown",
    record: &Record { name: "unknown", fields: &[field("id", FieldType::Text)] },
    asked: &[],
};

/// What a place is opened with.
pub const CATALOGUE: Catalogue = Catalogue { operations: &[], datasets: &[&PEOPLE, &PETS] };
/// What a later program opens it with.
pub const LATER: Catalogue = Catalogue { operations: &[], datasets: &[&PEOPLE_LATER, &PETS] };

/// The sink of this place, with the small catalogue.
///
/// # Panics
/// Where it cannot be opened.
pub async fn open(place: &dyn Place) -> Arc<dyn Sink> {
    place.open(CATALOGUE).await.expect("the place opens")
}

/// The person of that key, as sent.
pub fn person(key: &str, record: Value) -> Row {
    Row { dataset: &PEOPLE, key: key.to_owned(), record, asked: Arc::default() }
}

/// What a call made at `at` brought.
pub fn fetched(at: i64, rows: Vec<Row>) -> Write {
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

/// A batch of these writes.
pub fn batch(writes: Vec<Write>) -> Batch {
    Batch { writes, ..Batch::default() }
}

/// Writes one write.
///
/// # Panics
/// Where the sink refuses it.
pub async fn write(sink: &Arc<dyn Sink>, write: Write) {
    sink.write(batch(vec![write]).into()).await.expect("the sink writes");
}

/// The subject of these members.
///
/// # Panics
/// Where they are no object.
pub fn subject(members: Value) -> Subject {
    Subject::of(members.as_object().expect("members"))
}

/// A listing of this status, of the whole time.
pub fn listing(status: &str) -> Listing {
    Listing {
        subject: subject(json!({ "status": status })),
        from: None,
        to: None,
        operation: "zoom.list_people".into(),
    }
}

/// A page of the listing of this status.
pub fn page(status: &str, at: i64, first: bool, rows: Vec<Row>) -> Write {
    Write {
        run: "run-1".into(),
        listing: Some(listing(status)),
        part: Some(Part { dataset: &PEOPLE, first }),
        ..fetched(at, rows)
    }
}

/// The only page of a listing.
pub fn whole(status: &str, at: i64, rows: Vec<Row>) -> Write {
    page(status, at, true, rows)
}

/// Rows of these people, with nothing in them but the key.
pub fn people<const N: usize>(keys: [&str; N]) -> Vec<Row> {
    keys.map(|key| person(key, json!({ "id": key }))).to_vec()
}

/// The listing of this status, as it is asked for.
pub fn key(status: &str) -> ListingKey {
    ListingKey {
        connection: "acme".into(),
        dataset: "people".to_owned(),
        operation: "zoom.list_people".into(),
        subject: listing(status).subject,
        from: None,
        to: None,
    }
}

/// What is known of the listing of this status and window.
pub fn coverage(status: &str, from: Option<&str>, state: CoverageState, at: i64) -> Coverage {
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

/// What one call found out, without rows.
pub(crate) fn knowing(coverage: Vec<Coverage>) -> Write {
    Write { coverage, ..fetched(1, Vec::new()) }
}

/// A dead letter.
pub fn letter(id: &str, run: &str, step: &str, key: u64, at: i64) -> DeadLetter {
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

/// A run.
pub fn run_row(id: &str, connection: &str, state: RunState, started_at: i64) -> RunRow {
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

/// What a cell that holds text or nothing has.
pub(crate) async fn text(place: &dyn Place, column: &str, key: &str) -> Option<String> {
    match place.look(column, key).await {
        Value::String(text) => Some(text),
        Value::Null => None,
        other => panic!("{column} of {key} is {other:?}"),
    }
}

/// An instant as a look shows it: RFC 3339 in UTC, a fraction only where there is one.
///
/// # Panics
/// Where it is none.
pub fn instant(text: &str) -> Value {
    Value::String(text.parse::<Timestamp>().expect("an instant").to_string())
}
