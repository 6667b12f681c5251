//! People who were erased: what was stored of them goes, and nobody writes them back.
#![expect(missing_docs, reason = "the name of a case is its rule")]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use watershed_model::{
    ConnectionName, CoverageState, InboxEvent, LeftOut, LeftOutWhy, Millis, RunState,
};
use watershed_sink::{Ask, Batch, Erasure, Error, Gone, Sink, StoredRow, Taken};

use crate::Place;
use crate::scenario::{
    CATALOGUE, PEOPLE, batch, coverage, fetched, key, letter, open, people, person, run_row, whole,
    write,
};

fn erased(marks: impl IntoIterator<Item = u64>) -> Vec<LeftOut> {
    let of = |mark| LeftOut {
        connection: "acme".into(),
        mark,
        why: LeftOutWhy::Erased,
        run: "erase-1".into(),
        at: Millis(9),
    };
    marks.into_iter().map(of).collect()
}

fn knowing(marks: u64) -> BTreeMap<ConnectionName, u64> {
    BTreeMap::from([("acme".into(), marks)])
}

async fn rows(sink: &Arc<dyn Sink>) -> Vec<StoredRow> {
    sink.rows("people".to_owned(), None, 99).await.unwrap()
}

fn event(key: &str) -> InboxEvent {
    InboxEvent {
        connection: "acme".into(),
        key: key.into(),
        event: "meeting.ended".to_owned(),
        event_at: None,
        received_at: Millis(1),
        body: json!({ "who": "u1" }),
    }
}

pub async fn who_knows_of_fewer_erased_people_writes_nothing(place: &dyn Place) {
    let sink = open(place).await;
    let tombs = Batch { left_out: erased([7, u64::MAX]), ..Batch::default() };
    sink.write(tombs.into()).await.unwrap();
    let row = || fetched(5, people(["u1"]));
    let gone = Gone {
        connection: "acme".into(),
        dataset: &PEOPLE,
        column: "_key",
        value: "u1".to_owned(),
        at: Millis(9),
    };
    for unaware in [
        batch(vec![row()]),
        Batch { failures: vec![letter("l", "r", "s", 1, 1)], ..Batch::default() },
        Batch { gone: vec![gone], ..Batch::default() },
        Batch { left_out: erased([8]), ..Batch::default() },
    ] {
        for known in [None, Some(1)] {
            let erased = known.map(knowing).unwrap_or_default();
            let refused = sink.write(Batch { erased, ..unaware.clone() }.into()).await.unwrap_err();
            assert!(matches!(&refused, Error::Erased { connection } if connection.0 == "acme"));
            assert!(!refused.waits());
        }
    }
    assert_eq!(rows(&sink).await, []);
    assert_eq!(sink.letters(None, 9).await.unwrap(), []);
    assert_eq!(sink.left_out("acme".into()).await.unwrap().len(), 2);
    // Another connection's people are its own.
    let other = watershed_sink::Write { connection: "globex".into(), ..row() };
    write(&sink, other).await;
    // Whoever knows them writes on; also one who knows more than is remembered here.
    for known in [2, 3] {
        let aware = Batch { erased: knowing(known), ..batch(vec![row()]) };
        sink.write(aware.into()).await.unwrap();
    }
    assert_eq!(rows(&sink).await.len(), 2);
}

pub async fn an_event_of_who_knows_of_fewer_erased_people_is_not_kept(place: &dyn Place) {
    let sink = open(place).await;
    let inbox = place.open_inbox(CATALOGUE).await.unwrap();
    let tombs = Batch { left_out: erased([7]), ..Batch::default() };
    sink.write(tombs.into()).await.unwrap();
    let refused = inbox.keep(vec![event("a")], BTreeMap::new()).await.unwrap_err();
    assert!(matches!(refused, Error::Erased { .. }), "{refused}");
    assert_eq!(inbox.keep(vec![event("a")], knowing(1)).await.unwrap(), [Taken::New]);
}

pub async fn what_is_erased_goes_and_others_rows_are_as_they_are_told(place: &dyn Place) {
    let sink = open(place).await;
    write(&sink, whole("active", 5, people(["u1", "u2", "u3"]))).await;
    write(&sink, whole("inactive", 6, people(["u3"]))).await;
    let stored = rows(&sink).await;
    let row = |key: &str| stored.iter().find(|row| row.at.key == key).unwrap().clone();
    let told = StoredRow { record: json!({ "id": "hmac:2" }), listing: None, ..row("u2") };
    let erasure = Erasure {
        rows: vec![("people".to_owned(), row("u1"))],
        changed: vec![("people".to_owned(), told.clone())],
        ..Erasure::default()
    };
    for _ in 0..2 {
        sink.erase(erasure.clone()).await.unwrap();
        assert_eq!(rows(&sink).await, [told.clone(), row("u3")]);
        assert_eq!(place.look("id", "u2").await, json!("hmac:2"));
        let members = sink.members(None, 99).await.unwrap();
        assert!(members.iter().all(|member| member.at.key != "u1"), "{members:?}");
        // A list that still has him would bring him back.
        let inactive = sink.listed(key("inactive"), None, 9).await.unwrap().unwrap();
        assert_eq!(inactive.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["u3"]);
    }
}

pub async fn a_row_that_was_written_anew_since_it_was_read_stays(place: &dyn Place) {
    let sink = open(place).await;
    write(&sink, fetched(5, people(["u1", "u2"]))).await;
    let read = rows(&sink).await;
    write(&sink, fetched(6, vec![person("u1", json!({ "id": "new" }))])).await;
    write(&sink, fetched(6, vec![person("u2", json!({ "id": "new" }))])).await;
    let old = |at: usize| ("people".to_owned(), read[at].clone());
    let erasure = Erasure { rows: vec![old(0)], changed: vec![old(1)], ..Erasure::default() };
    sink.erase(erasure).await.unwrap();
    let records: Vec<Value> = rows(&sink).await.into_iter().map(|row| row.record).collect();
    assert_eq!(records, [json!({ "id": "new" }), json!({ "id": "new" })]);
}

pub async fn what_is_known_what_failed_and_what_waits_of_him_goes_with_him(place: &dyn Place) {
    let sink = open(place).await;
    let inbox = place.open_inbox(CATALOGUE).await.unwrap();
    let known = [
        coverage("his", None, CoverageState::Complete, 5),
        coverage("his", Some("2026-01-01"), CoverageState::Complete, 5),
        coverage("other", None, CoverageState::Complete, 5),
    ];
    let page = watershed_sink::Write { coverage: known.to_vec(), ..whole("l", 5, people(["u1"])) };
    let failures = vec![letter("his", "r", "s", 1, 1), letter("other", "r", "s", 2, 1)];
    sink.write(Batch { failures, ..batch(vec![page]) }.into()).await.unwrap();
    sink.put_run(run_row("r", "acme", RunState::Running, 1)).await.unwrap();
    inbox.keep(vec![event("a"), event("b")], BTreeMap::new()).await.unwrap();
    let listing = sink.readings(None, 9).await.unwrap()[0].listing;
    let told = coverage("told", None, CoverageState::Excluded, 1);
    let erasure = Erasure {
        listings: vec![listing],
        asks: known[..2].iter().map(Ask::of).collect(),
        coverage: vec![told.clone()],
        letters: vec!["his".into()],
        events: vec![("acme".into(), "a".into(), json!({ "who": "hmac:1" }))],
        ..Erasure::default()
    };
    assert!(!erasure.is_empty() && Erasure::default().is_empty());
    sink.erase(erasure).await.unwrap();
    let left = sink.coverage(Default::default(), None, 9).await.unwrap();
    assert_eq!(left, [known[2].clone(), told]);
    let left = sink.letters(None, 9).await.unwrap();
    assert_eq!(left.iter().map(|letter| letter.id.0.as_str()).collect::<Vec<_>>(), ["other"]);
    assert_eq!(sink.listed(key("l"), None, 9).await.unwrap(), None, "nothing is known of it");
    assert_eq!(sink.members(None, 9).await.unwrap(), []);
    let waiting = inbox.waiting("acme".into(), None, 9).await.unwrap();
    let bodies: Vec<Value> = waiting.into_iter().map(|waiting| waiting.event.body).collect();
    assert_eq!(bodies, [json!({ "who": "hmac:1" }), json!({ "who": "u1" })]);
}

pub async fn all_is_there_after_the_room_of_what_was_deleted_is_given_back(place: &dyn Place) {
    let sink = open(place).await;
    let many = (0..500).map(|n| person(&format!("u{n:03}"), json!({ "id": "x".repeat(2_000) })));
    write(&sink, fetched(5, many.collect())).await;
    let read = sink.rows("people".to_owned(), None, 999).await.unwrap();
    let before = sink.check().await.unwrap().bytes;
    let gone = read.iter().skip(1).map(|row| ("people".to_owned(), row.clone()));
    sink.erase(Erasure { rows: gone.collect(), ..Erasure::default() }).await.unwrap();
    sink.compact().await.unwrap();
    assert_eq!(rows(&sink).await, read[..1]);
    let after = sink.check().await.unwrap().bytes;
    assert!(after < before * 4 / 5, "{before} bytes before, {after} after");
    let read_only = place.open_read_only(CATALOGUE).await.unwrap();
    assert!(matches!(read_only.compact().await, Err(Error::ReadOnly { .. })));
}
