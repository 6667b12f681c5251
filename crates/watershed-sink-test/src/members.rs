//! What a listing brought, whatever has become of its rows since.
#![expect(missing_docs, reason = "the name of a case is its rule")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use watershed_model::{CoverageState, Row};
use watershed_sink::{ListingKey, Sink, Write};

use crate::Place;
use crate::scenario::{
    PETS, batch, coverage, fetched, key, open, page, people, person, text, whole, write,
};
use crate::suite::held;

/// Keys and records that the listing of this status brought.
async fn brought(sink: &Arc<dyn Sink>, status: &str) -> Option<Vec<(String, Value)>> {
    let rows = sink.listed(key(status), None, 100).await.unwrap()?;
    Some(rows.into_iter().map(|row| (row.key, row.record)).collect())
}

async fn keys(sink: &Arc<dyn Sink>, status: &str) -> Option<Vec<String>> {
    Some(brought(sink, status).await?.into_iter().map(|(key, _)| key).collect())
}

pub async fn a_listing_gives_back_its_rows_in_pages_by_key(place: &dyn Place) {
    let sink = open(place).await;
    write(&sink, page("active", 1, true, people(["k3", "k1", "k5"]))).await;
    write(&sink, page("active", 2, false, people(["k2", "k4"]))).await;
    write(&sink, whole("inactive", 3, people(["k0"]))).await;
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = sink.listed(key("active"), after.clone(), 2).await.unwrap().unwrap();
        for row in &page {
            assert_eq!(row.record, json!({ "id": row.key }));
        }
        pages.push(page.iter().map(|row| row.key.clone()).collect::<Vec<_>>());
        if page.len() < 2 {
            break;
        }
        after = page.last().map(|row| row.key.clone());
    }
    assert_eq!(pages, [vec!["k1", "k2"], vec!["k3", "k4"], vec!["k5"]]);
}

pub async fn a_row_that_another_listing_takes_over_stays_a_member_with_what_was_said_of_it(
    place: &dyn Place,
) {
    let sink = open(place).await;
    let said = |by: &str| json!({ "id": "u1", "said": by });
    write(&sink, whole("active", 1, vec![person("u1", said("active"))])).await;
    write(&sink, whole("inactive", 2, vec![person("u1", said("inactive"))])).await;
    for status in ["active", "inactive"] {
        assert_eq!(brought(&sink, status).await, Some(vec![("u1".to_owned(), said(status))]));
    }
    // The row itself goes on naming the later one.
    assert!(text(place, "_listing", "u1").await.unwrap().contains(r#"{"status":"inactive"}"#));
    // And a third one, which is no listing at all, takes nothing away either.
    write(&sink, fetched(3, vec![person("u1", said("nobody"))])).await;
    for status in ["active", "inactive"] {
        assert_eq!(brought(&sink, status).await, Some(vec![("u1".to_owned(), said(status))]));
    }
}

pub async fn a_listing_whose_row_was_newer_already_has_what_it_said_itself(place: &dyn Place) {
    let sink = open(place).await;
    write(&sink, whole("active", 5, vec![person("u1", json!({ "at": 5 }))])).await;
    write(&sink, whole("inactive", 4, vec![person("u1", json!({ "at": 4 }))])).await;
    let of = |at: i64| Some(vec![("u1".to_owned(), json!({ "at": at }))]);
    assert_eq!(brought(&sink, "active").await, of(5));
    assert_eq!(brought(&sink, "inactive").await, of(4));
}

pub async fn a_series_counts_once_and_as_it_was_listed_first(place: &dyn Place) {
    let sink = open(place).await;
    let day = |day: u8| person("series", json!({ "day": day }));
    let pages = [
        page("active", 1, true, vec![day(1), day(2)]),
        page("active", 2, false, vec![day(3), person("single", json!({}))]),
    ];
    let first =
        Some(vec![("series".to_owned(), json!({ "day": 1 })), ("single".to_owned(), json!({}))]);
    // The same again changes nothing.
    for _ in 0..2 {
        sink.write(batch(pages.to_vec()).into()).await.unwrap();
        assert_eq!(brought(&sink, "active").await, first);
    }
}

pub async fn a_listing_that_shrank_has_the_members_of_its_last_reading(place: &dyn Place) {
    let sink = open(place).await;
    write(&sink, page("active", 1, true, people(["u1", "u2"]))).await;
    write(&sink, page("active", 2, false, people(["u3"]))).await;
    write(&sink, whole("active", 3, people(["u2"]))).await;
    assert_eq!(keys(&sink, "active").await.unwrap(), ["u2"]);
    write(&sink, whole("active", 4, Vec::new())).await;
    assert_eq!(keys(&sink, "active").await.unwrap(), [""; 0]);
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 3, "rows go by proof alone");
}

pub async fn what_a_listing_brought_is_unknown_without_its_first_page(place: &dyn Place) {
    let sink = open(place).await;
    assert_eq!(keys(&sink, "active").await, None);
    write(&sink, page("active", 1, false, people(["u1"]))).await;
    assert_eq!(keys(&sink, "active").await, None);
    // An entry in coverage alone is no reading.
    let mut excluded = Write { part: None, ..whole("active", 2, Vec::new()) };
    excluded.coverage = vec![coverage("active", None, CoverageState::Excluded, 2)];
    write(&sink, excluded).await;
    assert_eq!(keys(&sink, "active").await, None);
}

pub async fn readings_that_came_mixed_are_unknown_until_the_next_one(place: &dyn Place) {
    let sink = open(place).await;
    let asleep = whole("asleep", 4, people(["u0"]));
    let beside = Write { run: "run-2".into(), ..page("beside", 6, false, people(["u0"])) };
    for (status, stray) in [("asleep", asleep), ("beside", beside)] {
        write(&sink, page(status, 5, true, people(["u1"]))).await;
        for _ in 0..2 {
            write(&sink, stray.clone()).await;
            assert_eq!(keys(&sink, status).await, None, "{stray:?}");
        }
        write(&sink, page(status, 7, false, people(["u2"]))).await;
        assert_eq!(keys(&sink, status).await, None, "{stray:?}");
        write(&sink, whole(status, 8, people(["u3"]))).await;
        assert_eq!(keys(&sink, status).await.unwrap(), ["u3"]);
    }
}

pub async fn a_member_whose_row_is_gone_makes_the_listing_unknown(place: &dyn Place) {
    let sink = open(place).await;
    write(&sink, whole("active", 1, people(["u1", "u2"]))).await;
    place.meddle("DELETE FROM people WHERE _key = 'u1'").await;
    assert_eq!(keys(&sink, "active").await, None);
}

pub async fn connections_and_datasets_have_listings_of_their_own(place: &dyn Place) {
    let sink = open(place).await;
    let pet = Row { dataset: &PETS, ..person("p1", json!({})) };
    let mut with_pets = whole("active", 1, people(["u1"]));
    with_pets.rows.push(pet);
    write(&sink, with_pets).await;
    assert_eq!(keys(&sink, "active").await.unwrap(), ["u1"]);
    let other = ListingKey { connection: "globex".into(), ..key("active") };
    assert_eq!(sink.listed(other, None, 9).await.unwrap(), None);
    let pets = ListingKey { dataset: "pets".to_owned(), ..key("active") };
    assert_eq!(sink.listed(pets, None, 9).await.unwrap(), None);
}

/// Which listing is read, the keys it has, and how many come on a page.
type ReadOnce = (usize, Vec<u8>, usize);

/// Readings of three listings over five keys, one after the other: each listing has what its
/// last reading said first of each key.
pub async fn whatever_else_is_read_each_listing_has_what_it_said_last(place: &dyn Place) {
    let sink = open(place).await;
    let cases = AtomicU32::new(0);
    let has_what_it_said = |readings: Vec<ReadOnce>| {
        // Listings and keys of its own for each case.
        let case = cases.fetch_add(1, Ordering::Relaxed);
        let statuses = ["a", "b", "c"].map(|status| format!("{status}{case}"));
        let mut expected: [Option<BTreeMap<String, Value>>; 3] = [None, None, None];
        let mut at = 0;
        let mut pages_of_all = Vec::new();
        for (which, listed, size) in &readings {
            let mut said = BTreeMap::new();
            let mut pages: Vec<&[u8]> = listed.chunks(*size).collect();
            if pages.is_empty() {
                pages.push(&[]);
            }
            for (number, keys) in pages.into_iter().enumerate() {
                at += 1;
                let rows: Vec<Row> = keys
                    .iter()
                    .enumerate()
                    .map(|(n, k)| person(&format!("{case}-k{k}"), json!({ "at": at, "n": n })))
                    .collect();
                for row in &rows {
                    said.entry(row.key.clone()).or_insert_with(|| row.record.clone());
                }
                pages_of_all.push(page(&statuses[*which], at, number == 0, rows));
            }
            expected[*which] = Some(said);
        }
        let found = block_in_place(|| {
            Handle::current().block_on(async {
                // Pages one by one, or several in a batch.
                for pages in pages_of_all.chunks(1 + case as usize % 4) {
                    sink.write(batch(pages.to_vec()).into()).await.unwrap();
                }
                let mut found = Vec::new();
                for status in &statuses {
                    found.push(brought(&sink, status).await.map(BTreeMap::from_iter));
                }
                found
            })
        });
        prop_assert_eq!(found, expected.to_vec());
        Ok(())
    };
    let readings = proptest::collection::vec(
        (0..3_usize, proptest::collection::vec(0..5_u8, 0..8), 1..4_usize),
        1..12,
    );
    held(&readings, has_what_it_said);
}

pub async fn two_who_list_the_same_rows_at_once_each_have_what_they_said(place: &dyn Place) {
    let sinks = [open(place).await, open(place).await];
    let said = |status: &str, round: i64| json!({ "said": status, "round": round });
    for round in 1..=15 {
        let listing = |which: usize, status: &'static str| {
            let rows = (0..20).map(|n| person(&format!("u{n}"), said(status, round))).collect();
            sinks[which].write(batch(vec![whole(status, round, rows)]).into())
        };
        let (one, two) = tokio::join!(listing(0, "active"), listing(1, "inactive"));
        one.and(two).unwrap();
        for status in ["active", "inactive"] {
            let brought = brought(&sinks[0], status).await.expect("it is known whole");
            assert_eq!(brought.len(), 20);
            assert!(brought.iter().all(|(_, record)| *record == said(status, round)), "{status}");
        }
    }
}
