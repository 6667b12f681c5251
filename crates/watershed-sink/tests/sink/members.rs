//! What a listing brought, whatever has become of its rows since.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use watershed_model::{Coverage, CoverageState, Row};
use watershed_sink::{ListingKey, Part, Sink, SqliteSink, Write};

use crate::scenario::{
    CATALOGUE, PEOPLE, PETS, batch, coverage, fetched, listing, meddle, open, person, place, text,
    write,
};

/// A page of the listing of this status.
fn page(status: &str, at: i64, first: bool, rows: Vec<Row>) -> Write {
    Write {
        run: "run-1".into(),
        listing: Some(listing(status)),
        part: Some(Part { dataset: &PEOPLE, first }),
        ..fetched(at, rows)
    }
}

/// The only page of a listing.
fn whole(status: &str, at: i64, rows: Vec<Row>) -> Write {
    page(status, at, true, rows)
}

fn people<const N: usize>(keys: [&str; N]) -> Vec<Row> {
    keys.map(|key| person(key, json!({ "id": key }))).to_vec()
}

fn key(status: &str) -> ListingKey {
    ListingKey {
        connection: "acme".into(),
        dataset: "people".to_owned(),
        operation: "zoom.list_people".into(),
        subject: listing(status).subject,
        from: None,
        to: None,
    }
}

async fn sink() -> SqliteSink {
    SqliteSink::in_memory(CATALOGUE).await.unwrap()
}

/// Keys and records that the listing of this status brought.
async fn brought(sink: &SqliteSink, status: &str) -> Option<Vec<(String, Value)>> {
    let rows = sink.listed(key(status), None, 100).await.unwrap()?;
    Some(rows.into_iter().map(|row| (row.key, row.record)).collect())
}

async fn keys(sink: &SqliteSink, status: &str) -> Option<Vec<String>> {
    Some(brought(sink, status).await?.into_iter().map(|(key, _)| key).collect())
}

#[tokio::test]
async fn a_listing_gives_back_its_rows_in_pages_by_key() {
    let sink = sink().await;
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

#[tokio::test]
async fn a_row_that_another_listing_takes_over_stays_a_member_with_what_was_said_of_it() {
    let place = place();
    let sink = open(&place).await;
    let said = |by: &str| json!({ "id": "u1", "said": by });
    write(&sink, whole("active", 1, vec![person("u1", said("active"))])).await;
    write(&sink, whole("inactive", 2, vec![person("u1", said("inactive"))])).await;
    for status in ["active", "inactive"] {
        assert_eq!(brought(&sink, status).await, Some(vec![("u1".to_owned(), said(status))]));
    }
    // The row itself goes on naming the later one.
    assert!(text(&place.path, "_listing", "u1").unwrap().contains(r#"{"status":"inactive"}"#));
    // And a third one, which is no listing at all, takes nothing away either.
    write(&sink, fetched(3, vec![person("u1", said("nobody"))])).await;
    for status in ["active", "inactive"] {
        assert_eq!(brought(&sink, status).await, Some(vec![("u1".to_owned(), said(status))]));
    }
}

#[tokio::test]
async fn a_listing_whose_row_was_newer_already_has_what_it_said_itself() {
    let sink = sink().await;
    write(&sink, whole("active", 5, vec![person("u1", json!({ "at": 5 }))])).await;
    write(&sink, whole("inactive", 4, vec![person("u1", json!({ "at": 4 }))])).await;
    let of = |at: i64| Some(vec![("u1".to_owned(), json!({ "at": at }))]);
    assert_eq!(brought(&sink, "active").await, of(5));
    assert_eq!(brought(&sink, "inactive").await, of(4));
}

#[tokio::test]
async fn a_series_counts_once_and_as_it_was_listed_first() {
    let sink = sink().await;
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

#[tokio::test]
async fn a_listing_that_shrank_has_the_members_of_its_last_reading() {
    let sink = sink().await;
    write(&sink, page("active", 1, true, people(["u1", "u2"]))).await;
    write(&sink, page("active", 2, false, people(["u3"]))).await;
    write(&sink, whole("active", 3, people(["u2"]))).await;
    assert_eq!(keys(&sink, "active").await.unwrap(), ["u2"]);
    write(&sink, whole("active", 4, Vec::new())).await;
    assert_eq!(keys(&sink, "active").await.unwrap(), [""; 0]);
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 3, "rows go by proof alone");
}

#[tokio::test]
async fn what_a_listing_brought_is_unknown_without_its_first_page() {
    let sink = sink().await;
    assert_eq!(keys(&sink, "active").await, None);
    write(&sink, page("active", 1, false, people(["u1"]))).await;
    assert_eq!(keys(&sink, "active").await, None);
    // An entry in coverage alone is no reading.
    let mut excluded = Write { part: None, ..whole("active", 2, Vec::new()) };
    excluded.coverage = vec![coverage("active", None, CoverageState::Excluded, 2)];
    write(&sink, excluded).await;
    assert_eq!(keys(&sink, "active").await, None);
}

#[tokio::test]
async fn readings_that_came_mixed_are_unknown_until_the_next_one() {
    let asleep = whole("active", 4, people(["u0"]));
    let beside = Write { run: "run-2".into(), ..page("active", 6, false, people(["u0"])) };
    for stray in [asleep, beside] {
        let sink = sink().await;
        write(&sink, page("active", 5, true, people(["u1"]))).await;
        for _ in 0..2 {
            write(&sink, stray.clone()).await;
            assert_eq!(keys(&sink, "active").await, None, "{stray:?}");
        }
        write(&sink, page("active", 7, false, people(["u2"]))).await;
        assert_eq!(keys(&sink, "active").await, None, "{stray:?}");
        write(&sink, whole("active", 8, people(["u3"]))).await;
        assert_eq!(keys(&sink, "active").await.unwrap(), ["u3"]);
    }
}

#[tokio::test]
async fn a_member_whose_row_is_gone_makes_the_listing_unknown() {
    let place = place();
    let sink = open(&place).await;
    write(&sink, whole("active", 1, people(["u1", "u2"]))).await;
    meddle(&place.path, "DELETE FROM people WHERE _key = 'u1'");
    assert_eq!(keys(&sink, "active").await, None);
}

#[tokio::test]
async fn connections_and_datasets_have_listings_of_their_own() {
    let sink = sink().await;
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

/// Makes of a file what version 1 would have left.
const BACK_TO_VERSION_1: &str = "DROP TABLE _members; DROP TABLE _listings;
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Readings of three listings over five keys, one after the other: each listing has what
    /// its last reading said first of each key.
    #[test]
    fn whatever_else_is_read_each_listing_has_what_it_said_last(
        readings in proptest::collection::vec(
            (0..3_usize, proptest::collection::vec(0..5_u8, 0..8), 1..4_usize),
            1..12,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let statuses = ["a", "b", "c"];
        let mut expected: [Option<BTreeMap<String, Value>>; 3] = [None, None, None];
        let mut at = 0;
        let found = runtime.block_on(async {
            let sink = sink().await;
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
                        .map(|(n, k)| person(&format!("k{k}"), json!({ "at": at, "n": n })))
                        .collect();
                    for row in &rows {
                        said.entry(row.key.clone()).or_insert_with(|| row.record.clone());
                    }
                    write(&sink, page(statuses[*which], at, number == 0, rows)).await;
                }
                expected[*which] = Some(said);
            }
            let mut found = Vec::new();
            for status in statuses {
                found.push(brought(&sink, status).await.map(BTreeMap::from_iter));
            }
            found
        });
        prop_assert_eq!(found, expected.to_vec());
    }
}
