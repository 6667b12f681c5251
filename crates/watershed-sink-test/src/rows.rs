//! Rows: types, versions, keys, and the one transaction.
#![expect(missing_docs, reason = "the name of a case is its rule")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use watershed_model::{CoverageState, Millis, Row};
use watershed_sink::{Ask, Batch, CoverageFilter, Error, Gone, Missing, Write};

use crate::Place;
use crate::scenario::{
    PEOPLE, PETS, UNKNOWN, batch, coverage, fetched, instant, letter, listing, open, person, text,
    write,
};
use crate::suite::held;

pub async fn each_field_has_a_typed_column_and_the_record_stays_as_sent(place: &dyn Place) {
    let sink = open(place).await;
    let record = json!({
        "id": "u1", "type": "2", "weight": 71.5, "verified": true,
        "created_at": "2022-03-23T08:58:09+02:00", "born": "1990-01-02", "groups": ["a", "b"],
        "new_at_zoom": { "x": 1 },
    });
    write(&sink, fetched(1_000, vec![person("u1", record.clone())])).await;
    let expected = [
        ("id", json!("u1")),
        ("type", json!(2)),
        ("weight", json!(71.5)),
        ("verified", json!(true)),
        ("created_at", instant("2022-03-23T06:58:09Z")),
        ("born", json!("1990-01-02")),
        ("groups", json!(["a", "b"])),
        ("order", Value::Null),
        ("_connection", json!("acme")),
        ("_listing", Value::Null),
        ("_fetched_at", instant("1970-01-01T00:00:01Z")),
        ("_run", json!("run-of-1000")),
        ("_deleted_at", Value::Null),
        ("_raw", record),
    ];
    for (column, value) in expected {
        assert_eq!(place.look(column, "u1").await, value, "{column}");
    }
}

pub async fn a_value_of_another_type_is_null_and_stays_in_the_record(place: &dyn Place) {
    let sink = open(place).await;
    let record = json!({ "id": 7, "type": "x", "weight": "heavy", "verified": 1,
        "created_at": "", "born": [], "groups": "a" });
    write(&sink, fetched(1, vec![person("u1", record.clone())])).await;
    for column in ["id", "type", "weight", "verified", "created_at", "born", "groups"] {
        assert_eq!(place.look(column, "u1").await, Value::Null, "{column}");
    }
    assert_eq!(place.look("_raw", "u1").await, record);
}

pub async fn a_secret_field_has_no_column(place: &dyn Place) {
    let _sink = open(place).await;
    let columns = place.columns().await;
    assert!(columns.contains(&"born".to_owned()));
    assert!(!columns.contains(&"host_key".to_owned()), "{columns:?}");
}

pub async fn what_a_record_was_asked_for_stands_in_where_it_does_not_say_it(place: &dyn Place) {
    let sink = open(place).await;
    let asked = json!({ "order": "asked" }).as_object().cloned().unwrap();
    let silent = Row { asked: asked.clone().into(), ..person("silent", json!({ "order": null })) };
    let says = Row { asked: asked.into(), ..person("says", json!({ "order": "said" })) };
    write(&sink, fetched(1, vec![silent, says])).await;
    assert_eq!(text(place, "order", "silent").await.as_deref(), Some("asked"));
    assert_eq!(text(place, "order", "says").await.as_deref(), Some("said"));
}

pub async fn an_older_version_overwrites_nothing(place: &dyn Place) {
    let sink = open(place).await;
    write(&sink, fetched(2_000, vec![person("u1", json!({ "id": "new" }))])).await;
    write(&sink, fetched(1_999, vec![person("u1", json!({ "id": "old" }))])).await;
    assert_eq!(text(place, "id", "u1").await.as_deref(), Some("new"));
    assert_eq!(text(place, "_run", "u1").await.as_deref(), Some("run-of-2000"));
}

pub async fn an_unchanged_record_still_tells_who_saw_it_last(place: &dyn Place) {
    let sink = open(place).await;
    write(&sink, fetched(1_000, vec![person("u1", json!({ "id": "u1" }))])).await;
    let mut again = fetched(2_000, vec![person("u1", json!({ "id": "u1" }))]);
    again.listing = Some(listing("active"));
    write(&sink, again).await;
    assert_eq!(text(place, "_run", "u1").await.as_deref(), Some("run-of-2000"));
    assert_eq!(
        text(place, "_listing", "u1").await.as_deref(),
        Some(concat!(
            r#"{"operation":"zoom.list_people","subject":{"status":"active"},"#,
            r#""from":null,"to":null}"#
        ))
    );
    assert_eq!(place.look("_fetched_at", "u1").await, instant("1970-01-01T00:00:02Z"));
}

pub async fn of_several_rows_of_one_key_in_one_batch_the_last_stays(place: &dyn Place) {
    let sink = open(place).await;
    let rows = ["a", "b", "c"].map(|id| person("u1", json!({ "id": id })));
    write(&sink, fetched(1, rows.to_vec())).await;
    assert_eq!(text(place, "id", "u1").await.as_deref(), Some("c"));
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 1);
}

pub async fn what_is_deleted_comes_back_only_by_a_later_fetch(place: &dyn Place) {
    let sink = open(place).await;
    write(&sink, fetched(1_000, vec![person("u1", json!({ "id": "u1" }))])).await;
    place.meddle("UPDATE people SET _deleted_at = '1970-01-01T00:00:05.000Z'").await;
    write(&sink, fetched(4_999, vec![person("u1", json!({ "id": "asleep" }))])).await;
    assert_eq!(text(place, "id", "u1").await.as_deref(), Some("u1"));
    assert!(text(place, "_deleted_at", "u1").await.is_some());
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 0);

    write(&sink, fetched(5_001, vec![person("u1", json!({ "id": "back" }))])).await;
    assert_eq!(text(place, "id", "u1").await.as_deref(), Some("back"));
    assert_eq!(text(place, "_deleted_at", "u1").await, None);
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 1);
}

pub async fn what_is_proved_to_be_gone_is_marked_unless_it_was_read_later(place: &dyn Place) {
    let sink = open(place).await;
    let people = ["u1", "u2", "u3"].map(|id| person(id, json!({ "id": id })));
    write(&sink, fetched(1_000, people.to_vec())).await;
    write(&sink, fetched(5_000, vec![person("u2", json!({ "id": "u2" }))])).await;
    let gone = |value: &str, at| Gone {
        connection: "acme".into(),
        dataset: &PEOPLE,
        column: "_key",
        value: value.to_owned(),
        at: Millis(at),
    };
    let of_nobody = Gone { connection: "globex".into(), ..gone("u3", 4_000) };
    let batch =
        Batch { gone: vec![gone("u1", 4_000), gone("u2", 4_000), of_nobody], ..Batch::default() };
    sink.write(batch.into()).await.unwrap();
    assert_eq!(place.look("_deleted_at", "u1").await, instant("1970-01-01T00:00:04Z"));
    assert_eq!(text(place, "_deleted_at", "u2").await, None, "it was read after that");
    assert_eq!(text(place, "_deleted_at", "u3").await, None, "it is another connection's");
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 2);

    let batch = Batch { gone: vec![gone("u1", 9_000)], ..Batch::default() };
    sink.write(batch.into()).await.unwrap();
    let since = place.look("_deleted_at", "u1").await;
    assert_eq!(since, instant("1970-01-01T00:00:04Z"), "gone since the first proof");
}

pub async fn a_row_is_missing_in_a_run_that_neither_brought_it_nor_began_before_it(
    place: &dyn Place,
) {
    let sink = open(place).await;
    let people = ["u1", "u2", "u3", "u4", "u5"].map(|id| person(id, json!({ "id": id })));
    write(&sink, fetched(1_000, people.to_vec())).await;
    // The run of 2000 brings one; another run one more, after it began; one is gone.
    write(&sink, fetched(2_000, vec![person("u2", json!({ "id": "u2" }))])).await;
    write(&sink, fetched(3_000, vec![person("u3", json!({ "id": "u3" }))])).await;
    let gone = Gone {
        connection: "acme".into(),
        dataset: &PEOPLE,
        column: "_key",
        value: "u4".to_owned(),
        at: Millis(1_500),
    };
    sink.write(Batch { gone: vec![gone], ..Batch::default() }.into()).await.unwrap();
    let missing = Missing {
        connection: "acme".into(),
        dataset: "people".to_owned(),
        run: "run-of-2000".into(),
        before: Millis(2_500),
    };
    let keys = async |after: Option<&str>, limit| {
        let page = sink.missing(missing.clone(), after.map(str::to_owned), limit).await.unwrap();
        page.into_iter().map(|row| row.at.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(None, 9).await, ["u1", "u5"]);
    assert_eq!(keys(None, 1).await, ["u1"]);
    assert_eq!(keys(Some("u1"), 9).await, ["u5"]);
    let other = Missing { connection: "globex".into(), ..missing.clone() };
    assert_eq!(sink.missing(other, None, 9).await.unwrap(), []);
}

pub async fn two_connections_keep_the_same_key_apart(place: &dyn Place) {
    let sink = open(place).await;
    let mut other = fetched(1, vec![person("u1", json!({}))]);
    other.connection = "globex".into();
    write(&sink, fetched(2, vec![person("u1", json!({})), person("u2", json!({}))])).await;
    write(&sink, other).await;
    let count = |people| BTreeMap::from([("people".to_owned(), people), ("pets".to_owned(), 0)]);
    assert_eq!(sink.counts("acme".into()).await.unwrap(), count(2));
    assert_eq!(sink.counts("globex".into()).await.unwrap(), count(1));
    assert_eq!(sink.counts("nobody".into()).await.unwrap(), count(0));
}

pub async fn names_that_look_like_sql_are_but_values(place: &dyn Place) {
    let sink = open(place).await;
    let name = "'; DROP TABLE people; --\"\u{0}😀";
    let mut hostile = fetched(1, vec![person(name, json!({ "id": name }))]);
    hostile.connection = name.into();
    write(&sink, hostile).await;
    assert_eq!(sink.counts(name.into()).await.unwrap()["people"], 1);
}

pub async fn a_write_that_fails_at_its_end_leaves_nothing(place: &dyn Place) {
    let sink = open(place).await;
    place.plant(true).await;
    let mut first = fetched(1, vec![person("u1", json!({}))]);
    first.coverage = vec![coverage("active", None, CoverageState::Complete, 1)];
    let mut whole = batch(vec![first]);
    whole.failures = vec![letter("l1", "run-1", "past", 1, 1)];

    let refused = sink.write(whole.clone().into()).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused { message, .. } if message.contains("planted")));
    assert!(!refused.waits());
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 0);
    assert_eq!(sink.coverage(CoverageFilter::default(), None, 9).await.unwrap(), []);

    place.plant(false).await;
    sink.write(whole.into()).await.unwrap();
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 1);
    assert_eq!(sink.coverage(CoverageFilter::default(), None, 9).await.unwrap().len(), 1);
}

pub async fn a_row_of_a_dataset_that_is_not_there_takes_its_whole_batch_with_it(place: &dyn Place) {
    let sink = open(place).await;
    let stranger = Row { dataset: &UNKNOWN, ..person("x", json!({})) };
    let pet = Row { dataset: &PETS, ..person("p1", json!({})) };
    let refused =
        sink.write(batch(vec![fetched(1, vec![pet, stranger])]).into()).await.unwrap_err();
    assert!(matches!(refused, Error::UnknownDataset { dataset } if dataset == "unknown"));
    assert_eq!(sink.counts("acme".into()).await.unwrap()["pets"], 0);
}

pub async fn the_same_batch_again_changes_nothing(place: &dyn Place) {
    let sink = open(place).await;
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

pub async fn any_order_of_batches_leaves_the_newest_version_of_each_key(place: &dyn Place) {
    let sink = open(place).await;
    let cases = AtomicU32::new(0);
    let leaves_the_newest = |history: Vec<(u8, i64, u8)>| {
        // A connection of its own for each history.
        let case = cases.fetch_add(1, Ordering::Relaxed);
        let connection = format!("case-{case}");
        let of = |key: &u8| format!("{case}-k{key}");
        let mut batches: BTreeMap<u8, Vec<Write>> = BTreeMap::new();
        let mut newest: BTreeMap<String, i64> = BTreeMap::new();
        for (key, at, batch) in &history {
            let mut one = fetched(*at, vec![person(&of(key), json!({ "at": at }))]);
            one.connection = connection.as_str().into();
            batches.entry(*batch).or_default().push(one);
            let known = newest.entry(of(key)).or_insert(*at);
            *known = (*known).max(*at);
        }
        let found = block_in_place(|| {
            Handle::current().block_on(async {
                for writes in batches.into_values() {
                    sink.write(batch(writes).into()).await.unwrap();
                }
                let mut found = BTreeMap::new();
                for key in newest.keys() {
                    let record = place.look("_raw", key).await;
                    found.insert(key.clone(), record["at"].as_i64().unwrap());
                }
                found
            })
        });
        prop_assert_eq!(found, newest);
        Ok(())
    };
    held(&history(), leaves_the_newest);
}
