//! What outlives a handle: opening again, later programs, several at once, only looking.
#![expect(missing_docs, reason = "the name of a case is its rule")]

use serde_json::{Value, json};
use watershed_model::CoverageState;
use watershed_sink::Error;

use crate::Place;
use crate::scenario::{CATALOGUE, LATER, batch, coverage, fetched, open, person, text, write};

pub async fn what_was_acknowledged_is_there_after_it_is_opened_again(place: &dyn Place) {
    let sink = open(place).await;
    let mut first = fetched(1, vec![person("u1", json!({}))]);
    first.coverage = vec![coverage("active", None, CoverageState::Complete, 1)];
    write(&sink, first).await;
    drop(sink);
    let sink = open(place).await;
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 1);
    assert_eq!(sink.coverage(Default::default(), None, 9).await.unwrap().len(), 1);
}

pub async fn an_acknowledged_write_survives_a_power_loss_and_the_check_says_so(place: &dyn Place) {
    let health = open(place).await.check().await.unwrap();
    assert!(health.durable, "{health:?}");
    assert!(health.bytes > 0, "{health:?}");
    assert_eq!(health.version, place.version());
}

pub async fn the_version_can_be_asked_of_a_table(place: &dyn Place) {
    let _sink = open(place).await;
    assert_eq!(place.meta().await, place.version());
}

pub async fn what_a_newer_program_wrote_is_refused_by_name(place: &dyn Place) {
    let shown = open(place).await.check().await.unwrap().place;
    place.set_version(77).await;
    let to_read = place.open_read_only(CATALOGUE).await.err().unwrap();
    let to_write = place.open(CATALOGUE).await.err().unwrap();
    for refused in [to_read, to_write] {
        let known = place.version();
        assert!(
            matches!(refused, Error::NewerVersion { found: 77, known: k, .. } if k == known),
            "{refused}"
        );
        assert!(refused.to_string().contains(&shown) && !refused.waits(), "{refused}");
    }
    assert_eq!(place.meta().await, 77);
}

pub async fn what_is_only_read_is_never_written(place: &dyn Place) {
    let writing = open(place).await;
    let reading = place.open_read_only(CATALOGUE).await.unwrap();
    write(&writing, fetched(1, vec![person("u1", json!({}))])).await;
    assert_eq!(reading.counts("acme".into()).await.unwrap()["people"], 1);
    let refused = reading.write(batch(Vec::new()).into()).await.unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused}");
    let refused = reading.remove_failures(Vec::new()).await.unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused}");
    assert!(reading.check().await.unwrap().bytes > 0);
}

pub async fn a_column_of_a_newer_catalogue_is_added_and_filled_from_the_records(place: &dyn Place) {
    let sink = open(place).await;
    let rows = (0..2_500).map(|n| person(&format!("u{n}"), json!({ "id": "x", "height": n })));
    write(&sink, fetched(1, rows.collect())).await;
    drop(sink);

    let later = place.open(LATER).await.unwrap();
    for n in [0, 999, 1_000, 2_499] {
        assert_eq!(place.look("height", &format!("u{n}")).await, json!(n));
    }
    assert_eq!(place.look("asked_later", "u1").await, Value::Null);
    drop(later);

    // The older program goes on with the same tables.
    let sink = open(place).await;
    write(&sink, fetched(2, vec![person("u1", json!({ "id": "y", "height": 3 }))])).await;
    assert_eq!(text(place, "id", "u1").await.as_deref(), Some("y"));
}

pub async fn two_programs_may_make_and_write_the_same_place(place: &dyn Place) {
    let (one, two) = tokio::join!(open(place), open(place));
    for (n, sink) in [&one, &two, &one, &two].into_iter().enumerate() {
        write(sink, fetched(1, vec![person(&format!("u{n}"), json!({}))])).await;
    }
    assert_eq!(one.counts("acme".into()).await.unwrap()["people"], 4);
}

pub async fn two_who_write_the_same_keys_in_opposite_order_both_go_through(place: &dyn Place) {
    let sinks = [open(place).await, open(place).await];
    let keys: Vec<String> = (0..50).map(|n| format!("u{n}")).collect();
    let rows = |at: i64, backwards: bool| {
        let mut rows: Vec<_> =
            keys.iter().map(|key| person(key, json!({ "id": format!("{at}") }))).collect();
        if backwards {
            rows.reverse();
        }
        batch(vec![fetched(at, rows)])
    };
    let writing = |which: usize| {
        let sink = &sinks[which];
        async move {
            for round in 0..20 {
                let at = 2 * round + which as i64 + 1;
                sink.write(rows(at, which == 1).into()).await.unwrap();
            }
        }
    };
    tokio::join!(writing(0), writing(1));
    for key in &keys {
        assert_eq!(text(place, "id", key).await.as_deref(), Some("40"), "{key}");
    }
}

pub async fn text_with_nul_and_its_like_comes_back_as_it_was(place: &dyn Place) {
    let sink = open(place).await;
    let odd = ["nul \0", "two \0\0", "\u{241b}", "\u{241b}\u{2400}", "\u{2400}", "😀\u{7f}"];
    let rows: Vec<_> =
        odd.iter().map(|key| person(key, json!({ "id": key, "x": { *key: [key] } }))).collect();
    let mut listed = fetched(1, rows);
    listed.listing = Some(crate::listing("odd"));
    listed.part = Some(watershed_sink::Part { dataset: &crate::PEOPLE, first: true });
    let mut known = coverage("odd", None, CoverageState::Unavailable, 1);
    known.reason = Some("\0 said".to_owned());
    listed.coverage = vec![known.clone()];
    let mut letter = crate::letter("l\0", "run", "step", 1, 1);
    letter.message = "no \0 \u{241b}".to_owned();
    let mut whole = batch(vec![listed]);
    whole.failures = vec![letter.clone()];
    sink.write(whole.into()).await.unwrap();

    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], odd.len() as u64);
    let key = crate::scenario::key("odd");
    let members = sink.listed(key.clone(), None, 100).await.unwrap().unwrap();
    for key in odd {
        let member = members.iter().find(|member| member.key == key).unwrap();
        assert_eq!(member.record, json!({ "id": key, "x": { key: [key] } }));
    }
    let paged = sink.listed(key, Some(members[2].key.clone()), 100).await.unwrap().unwrap();
    assert_eq!(paged, members[3..]);
    assert_eq!(sink.coverage(Default::default(), None, 9).await.unwrap(), [known]);
    assert_eq!(sink.failures(Default::default()).await.unwrap(), [letter]);
}
