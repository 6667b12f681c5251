//! What only a SQLite file can tell: how values lie in it, what older files become, and a sink
//! without a file.

use rusqlite::types::Value::{Integer, Null, Real, Text};
use serde_json::{Value, json};
use watershed_model::{Coverage, CoverageState};
use watershed_sink::{Ask, Sink, SqliteSink, Write};
use watershed_sink_test::{CATALOGUE, batch, coverage, fetched, key, page, people, person, whole};

use crate::place::{cell, meddle, open, place, write};

/// Keys and records that the listing of this status brought.
async fn brought(sink: &SqliteSink, status: &str) -> Option<Vec<(String, Value)>> {
    let rows = sink.listed(key(status), None, 100).await.unwrap()?;
    Some(rows.into_iter().map(|row| (row.key, row.record)).collect())
}

async fn keys(sink: &SqliteSink, status: &str) -> Option<Vec<String>> {
    Some(brought(sink, status).await?.into_iter().map(|(key, _)| key).collect())
}

#[tokio::test]
async fn each_field_is_stored_as_what_sqlite_has_for_its_type() {
    let place = place();
    let sink = open(&place).await;
    let record = json!({
        "id": "u1", "type": "2", "weight": 71.5, "verified": true,
        "created_at": "2022-03-23T08:58:09+02:00", "born": "1990-01-02", "groups": ["a", "b"],
        "new_at_zoom": { "x": 1 },
    });
    write(&sink, fetched(1_000, vec![person("u1", record.clone())])).await;
    let expected = [
        ("id", Text("u1".into())),
        ("type", Integer(2)),
        ("weight", Real(71.5)),
        ("verified", Integer(1)),
        ("created_at", Text("2022-03-23T06:58:09Z".into())),
        ("born", Text("1990-01-02".into())),
        ("groups", Text(r#"["a","b"]"#.into())),
        ("order", Null),
        ("_connection", Text("acme".into())),
        ("_listing", Null),
        ("_fetched_at", Text("1970-01-01T00:00:01.000Z".into())),
        ("_run", Text("run-of-1000".into())),
        ("_deleted_at", Null),
        ("_raw", Text(record.to_string())),
    ];
    for (column, value) in expected {
        assert_eq!(cell(&place.path, column, "u1"), value, "{column}");
    }
}

#[tokio::test]
async fn a_sink_in_memory_answers_on_the_one_connection_that_it_has() {
    let sink = SqliteSink::in_memory(CATALOGUE).await.unwrap();
    let mut first = whole("active", 1, people(["u1", "u2"]));
    first.coverage = vec![coverage("active", None, CoverageState::Complete, 1)];
    let ask = Ask::of(&first.coverage[0]);
    sink.write(batch(vec![first.clone()]).into()).await.unwrap();
    assert_eq!(keys(&sink, "active").await.unwrap(), ["u1", "u2"]);
    assert_eq!(sink.covered(vec![ask]).await.unwrap(), [first.coverage.pop()]);
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 2);
}

/// Makes of a file what version 1 would have left.
const BACK_TO_VERSION_1: &str = "DROP TABLE _members; DROP TABLE _listings; DROP TABLE _days;
     DROP TABLE _inbox; DROP TABLE _left_out;
     DROP TABLE _schedules; DROP TABLE _ticks; DROP TABLE _audit; DROP INDEX _coverage_run;
     CREATE INDEX people_by_listing ON people (_connection, _listing, _key);
     CREATE INDEX pets_by_listing ON pets (_connection, _listing, _key);
     PRAGMA user_version = 1";

#[tokio::test]
async fn of_an_older_file_what_has_as_many_rows_as_it_counts_is_known() {
    let place = place();
    let sink = open(&place).await;
    let counting = |status: &str, rows: u64, write: Write| Write {
        coverage: vec![Coverage {
            rows,
            ..coverage(status, None, CoverageState::Complete, write.fetched_at.0)
        }],
        ..write
    };
    write(&sink, counting("whole", 2, whole("whole", 1, people(["u1", "u2"])))).await;
    write(&sink, counting("taken", 2, whole("taken", 1, people(["u3", "u4"])))).await;
    write(&sink, counting("taker", 1, whole("taker", 2, people(["u4"])))).await;
    write(&sink, counting("series", 9, whole("series", 1, people(["u5"])))).await;
    write(&sink, counting("begun", 1, page("begun", 1, true, people(["u6"])))).await;
    write(&sink, whole("uncounted", 1, people(["u7"]))).await;
    drop(sink);
    meddle(&place.path, BACK_TO_VERSION_1);

    let sink = open(&place).await;
    assert_eq!(keys(&sink, "whole").await.unwrap(), ["u1", "u2"]);
    assert_eq!(keys(&sink, "taker").await.unwrap(), ["u4"]);
    for status in ["taken", "series", "uncounted"] {
        assert_eq!(keys(&sink, status).await, None, "{status}");
    }
    // One that was under way goes on.
    write(&sink, page("begun", 3, false, people(["u8"]))).await;
    assert_eq!(keys(&sink, "begun").await.unwrap(), ["u6", "u8"]);
    let indexes: i64 = rusqlite::Connection::open(&place.path)
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name LIKE '%_by_listing'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(indexes, 0);
}
