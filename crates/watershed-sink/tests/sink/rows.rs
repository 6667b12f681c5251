//! Rows: types, versions, keys, and the one transaction.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rusqlite::types::Value::{Integer, Null, Real, Text};
use serde_json::{Value, json};
use watershed_model::{CoverageState, Row};
use watershed_sink::{Ask, CoverageFilter, Error, Sink, SqliteSink};

use crate::scenario::{
    CATALOGUE, PETS, UNKNOWN, batch, cell, coverage, fetched, letter, listing, meddle, open,
    person, place, text, write,
};

#[tokio::test]
async fn each_field_has_a_typed_column_and_the_record_stays_as_sent() {
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
async fn a_value_of_another_type_is_null_and_stays_in_the_record() {
    let place = place();
    let sink = open(&place).await;
    let record = json!({ "id": 7, "type": "x", "weight": "heavy", "verified": 1,
        "created_at": "", "born": [], "groups": "a" });
    write(&sink, fetched(1, vec![person("u1", record.clone())])).await;
    for column in ["id", "type", "weight", "verified", "created_at", "born", "groups"] {
        assert_eq!(cell(&place.path, column, "u1"), Null, "{column}");
    }
    assert_eq!(text(&place.path, "_raw", "u1"), Some(record.to_string()));
}

#[tokio::test]
async fn a_secret_field_has_no_column() {
    let place = place();
    let _sink = open(&place).await;
    let columns: Vec<String> = rusqlite::Connection::open(&place.path)
        .unwrap()
        .prepare("SELECT name FROM pragma_table_info('people')")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(columns.contains(&"born".to_owned()));
    assert!(!columns.contains(&"host_key".to_owned()), "{columns:?}");
}

#[tokio::test]
async fn what_a_record_was_asked_for_stands_in_where_it_does_not_say_it() {
    let place = place();
    let sink = open(&place).await;
    let asked = json!({ "order": "asked" }).as_object().cloned().unwrap();
    let silent = Row { asked: asked.clone(), ..person("silent", json!({ "order": null })) };
    let says = Row { asked, ..person("says", json!({ "order": "said" })) };
    write(&sink, fetched(1, vec![silent, says])).await;
    assert_eq!(text(&place.path, "order", "silent").as_deref(), Some("asked"));
    assert_eq!(text(&place.path, "order", "says").as_deref(), Some("said"));
}

#[tokio::test]
async fn an_older_version_overwrites_nothing() {
    let place = place();
    let sink = open(&place).await;
    write(&sink, fetched(2_000, vec![person("u1", json!({ "id": "new" }))])).await;
    write(&sink, fetched(1_999, vec![person("u1", json!({ "id": "old" }))])).await;
    assert_eq!(text(&place.path, "id", "u1").as_deref(), Some("new"));
    assert_eq!(text(&place.path, "_run", "u1").as_deref(), Some("run-of-2000"));
}

#[tokio::test]
async fn an_unchanged_record_still_tells_who_saw_it_last() {
    let place = place();
    let sink = open(&place).await;
    write(&sink, fetched(1_000, vec![person("u1", json!({ "id": "u1" }))])).await;
    let mut again = fetched(2_000, vec![person("u1", json!({ "id": "u1" }))]);
    again.listing = Some(listing("active"));
    write(&sink, again).await;
    assert_eq!(text(&place.path, "_run", "u1").as_deref(), Some("run-of-2000"));
    assert_eq!(
        text(&place.path, "_listing", "u1").as_deref(),
        Some(concat!(
            r#"{"operation":"zoom.list_people","subject":{"status":"active"},"#,
            r#""from":null,"to":null}"#
        ))
    );
    assert_eq!(text(&place.path, "_fetched_at", "u1").as_deref(), Some("1970-01-01T00:00:02.000Z"));
}

#[tokio::test]
async fn of_several_rows_of_one_key_in_one_batch_the_last_stays() {
    let place = place();
    let sink = open(&place).await;
    let rows = ["a", "b", "c"].map(|id| person("u1", json!({ "id": id })));
    write(&sink, fetched(1, rows.to_vec())).await;
    assert_eq!(text(&place.path, "id", "u1").as_deref(), Some("c"));
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 1);
}

#[tokio::test]
async fn what_is_deleted_comes_back_only_by_a_later_fetch() {
    let place = place();
    let sink = open(&place).await;
    write(&sink, fetched(1_000, vec![person("u1", json!({ "id": "u1" }))])).await;
    meddle(&place.path, "UPDATE people SET _deleted_at = '1970-01-01T00:00:05.000Z'");
    write(&sink, fetched(4_999, vec![person("u1", json!({ "id": "asleep" }))])).await;
    assert_eq!(text(&place.path, "id", "u1").as_deref(), Some("u1"));
    assert!(text(&place.path, "_deleted_at", "u1").is_some());
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 0);

    write(&sink, fetched(5_001, vec![person("u1", json!({ "id": "back" }))])).await;
    assert_eq!(text(&place.path, "id", "u1").as_deref(), Some("back"));
    assert_eq!(text(&place.path, "_deleted_at", "u1"), None);
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 1);
}

#[tokio::test]
async fn two_connections_keep_the_same_key_apart() {
    let sink = SqliteSink::in_memory(CATALOGUE).await.unwrap();
    let mut other = fetched(1, vec![person("u1", json!({}))]);
    other.connection = "globex".into();
    write(&sink, fetched(2, vec![person("u1", json!({})), person("u2", json!({}))])).await;
    write(&sink, other).await;
    let count = |people| BTreeMap::from([("people".to_owned(), people), ("pets".to_owned(), 0)]);
    assert_eq!(sink.counts("acme".into()).await.unwrap(), count(2));
    assert_eq!(sink.counts("globex".into()).await.unwrap(), count(1));
    assert_eq!(sink.counts("nobody".into()).await.unwrap(), count(0));
}

#[tokio::test]
async fn names_that_look_like_sql_are_but_values() {
    let sink = SqliteSink::in_memory(CATALOGUE).await.unwrap();
    let name = "'; DROP TABLE people; --\"\u{0}😀";
    let mut hostile = fetched(1, vec![person(name, json!({ "id": name }))]);
    hostile.connection = name.into();
    write(&sink, hostile).await;
    assert_eq!(sink.counts(name.into()).await.unwrap()["people"], 1);
}

#[tokio::test]
async fn a_write_that_fails_at_its_end_leaves_nothing() {
    let place = place();
    let sink = open(&place).await;
    meddle(
        &place.path,
        "CREATE TRIGGER planted BEFORE INSERT ON _failures
         BEGIN SELECT RAISE(ABORT, 'planted'); END",
    );
    let mut first = fetched(1, vec![person("u1", json!({}))]);
    first.coverage = vec![coverage("active", None, CoverageState::Complete, 1)];
    let mut whole = batch(vec![first]);
    whole.failures = vec![letter("l1", "run-1", "past", 1, 1)];

    let refused = sink.write(whole.clone().into()).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused { message, .. } if message.contains("planted")));
    assert!(!refused.waits());
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 0);
    assert_eq!(sink.coverage(CoverageFilter::default(), None, 9).await.unwrap(), []);

    meddle(&place.path, "DROP TRIGGER planted");
    sink.write(whole.into()).await.unwrap();
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 1);
    assert_eq!(sink.coverage(CoverageFilter::default(), None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_row_of_a_dataset_that_is_not_there_takes_its_whole_batch_with_it() {
    let sink = SqliteSink::in_memory(CATALOGUE).await.unwrap();
    let stranger = Row { dataset: &UNKNOWN, ..person("x", json!({})) };
    let pet = Row { dataset: &PETS, ..person("p1", json!({})) };
    let refused =
        sink.write(batch(vec![fetched(1, vec![pet, stranger])]).into()).await.unwrap_err();
    assert!(matches!(refused, Error::UnknownDataset { dataset } if dataset == "unknown"));
    assert_eq!(sink.counts("acme".into()).await.unwrap()["pets"], 0);
}

#[tokio::test]
async fn the_same_batch_again_changes_nothing() {
    let sink = SqliteSink::in_memory(CATALOGUE).await.unwrap();
    let mut one = fetched(1, vec![person("u1", json!({ "id": "u1" }))]);
    one.coverage = vec![coverage("active", None, CoverageState::Complete, 1)];
    let mut whole = batch(vec![one]);
    whole.failures = vec![letter("l1", "run-1", "past", 1, 1)];
    for _ in 0..2 {
        sink.write(whole.clone().into()).await.unwrap();
        assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 1);
        let ask = Ask::of(&whole.writes[0].coverage[0]);
        let known = sink.covered(vec![ask]).await.unwrap();
        assert_eq!(known, [Some(whole.writes[0].coverage[0].clone())]);
        assert_eq!(sink.failures(Default::default()).await.unwrap(), whole.failures);
    }
}

/// One fetch of one key: which key, when, and in which batch of the history it arrives.
fn history() -> impl Strategy<Value = Vec<(u8, i64, u8)>> {
    let versions = proptest::collection::btree_set((0..4_u8, 0..40_i64), 1..25);
    versions.prop_flat_map(|versions| {
        let fetches: Vec<(u8, i64)> = versions.into_iter().collect();
        let batches = proptest::collection::vec(0..6_u8, fetches.len());
        (Just(fetches).prop_shuffle(), batches).prop_map(|(fetches, batches)| {
            fetches.into_iter().zip(batches).map(|((key, at), batch)| (key, at, batch)).collect()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_of_batches_leaves_the_newest_version_of_each_key(history in history()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let place = place();
        runtime.block_on(async {
            let sink = open(&place).await;
            let mut batches: BTreeMap<u8, Vec<_>> = BTreeMap::new();
            for (key, at, batch) in &history {
                let one = fetched(*at, vec![person(&format!("k{key}"), json!({ "at": at }))]);
                batches.entry(*batch).or_default().push(one);
            }
            for writes in batches.into_values() {
                sink.write(batch(writes).into()).await.unwrap();
            }
        });
        let mut newest: BTreeMap<String, i64> = BTreeMap::new();
        for (key, at, _) in &history {
            let known = newest.entry(format!("k{key}")).or_insert(*at);
            *known = (*known).max(*at);
        }
        let record = |key: &String| text(&place.path, "_raw", key).unwrap();
        let found: BTreeMap<String, i64> = newest
            .keys()
            .map(|key| (key.clone(), serde_json::from_str::<Value>(&record(key)).unwrap()))
            .map(|(key, record)| (key, record["at"].as_i64().unwrap()))
            .collect();
        prop_assert_eq!(found, newest);
    }
}
