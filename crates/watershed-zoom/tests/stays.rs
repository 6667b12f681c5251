//! Attendance as it is really read, page by page with what the cursor carries: the same stays give
//! the same rows, however they come.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use watershed_model::{Millis, Verdict};
use watershed_zoom::{Answer, catalogue, read_after, request};

/// 2026-05-28T20:26:40Z.
const NOW: Millis = Millis(1_780_000_000_000);

/// Few values for each field, so that namesakes, rejoins and stays equal in all but one thing are
/// common. A guest has no id at all.
fn stay() -> impl Strategy<Value = Value> {
    let id = prop::sample::select(vec!["", "", "1", "2"]);
    let name = prop::sample::select(vec!["Ana", "iPhone"]);
    let room = prop::sample::select(vec![None, None, Some("r1")]);
    (id, 0..2_u8, 0..3_u8, name, room).prop_map(|(id, joined, left, name, room)| {
        let mut stay = json!({
            "id": id, "user_id": id, "name": name, "user_email": "", "status": "in_meeting",
            "join_time": format!("2026-05-02T10:0{joined}:00Z"),
            "leave_time": format!("2026-05-02T11:0{left}:00Z"), "duration": 3_600,
        });
        if let Some(room) = room {
            stay["bo_mtg_id"] = json!(room);
        }
        stay
    })
}

fn has_id(stay: &Value) -> bool {
    stay["user_id"] != ""
}

/// How a listing comes: its order, its cuts, and how far it moves back between two pages.
#[derive(Debug, Clone)]
struct Way {
    rows: Vec<Value>,
    sizes: Vec<usize>,
    moved: usize,
}

fn way(rows: Vec<Value>) -> impl Strategy<Value = Way> {
    let sizes = prop::collection::vec(1..8_usize, 1..5);
    (Just(rows).prop_shuffle(), sizes, 0..3_usize).prop_map(|(rows, sizes, moved)| Way {
        rows,
        sizes,
        moved,
    })
}

fn listing_and_two_ways() -> impl Strategy<Value = (Vec<Value>, Way, Way)> {
    let rows = prop::collection::vec(stay(), 1..24).prop_map(|mut rows| {
        // Whoever has an id is in the list once for each stay; guests may be equal in everything.
        let mut told = BTreeSet::new();
        rows.retain(|row| !has_id(row) || told.insert(row.to_string()));
        rows
    });
    rows.prop_flat_map(|rows| (Just(rows.clone()), way(rows.clone()), way(rows)))
}

/// The rows that a listing gives; none has the key of another.
fn rows_of(operation: &str, way: &Way) -> BTreeMap<String, Value> {
    let op = catalogue().operation(operation).expect("in the catalogue");
    let with = Map::from_iter([("uuid".to_owned(), json!("/aa//b=="))]);
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let mut found = BTreeMap::new();
    let (mut cursor, mut at): (Option<String>, usize) = (None, 0);
    for (number, size) in way.sizes.iter().cycle().enumerate() {
        let end = (at + size).min(way.rows.len());
        let again = way.rows[at.saturating_sub(way.moved)..at].iter().filter(|row| has_id(row));
        let page: Vec<&Value> = again.chain(&way.rows[at..end]).collect();
        let token = if end < way.rows.len() { format!("p{number}") } else { String::new() };
        let body = json!({ "participants": page, "next_page_token": token }).to_string();
        let answer = Answer { status: 200, headers: &headers, body: body.as_bytes() };
        let Verdict::Data(read) = read_after(op, &with, cursor.as_deref(), &answer, NOW) else {
            panic!("it is a page: {body}")
        };
        for row in read.rows {
            assert_eq!(found.insert(row.key.clone(), row.record), None, "twice: {}", row.key);
        }
        let Some(next) = read.next else { break };
        let asked = request(op, &with, Some(&next)).expect("it can be asked for");
        assert!(asked.path_and_query.ends_with(&format!("&next_page_token={token}")));
        (cursor, at) = (Some(next), end);
    }
    found
}

fn sorted<'a>(rows: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let mut rows: Vec<String> = rows.into_iter().map(Value::to_string).collect();
    rows.sort();
    rows
}

const BOTH: [&str; 2] = ["zoom.report_participants", "zoom.list_past_participants"];

proptest! {
    #[test]
    fn any_order_in_any_pages_read_twice_gives_the_same_rows(
        (rows, one, other) in listing_and_two_ways(),
    ) {
        for operation in BOTH {
            let first = rows_of(operation, &one);
            prop_assert_eq!(sorted(first.values()), sorted(&rows), "each stay is there once");
            let second = rows_of(operation, &other);
            prop_assert!(first.keys().eq(second.keys()), "{:?} {:?}", first, second);
            let mut stored = first;
            stored.extend(second);
            prop_assert_eq!(sorted(stored.values()), sorted(&rows), "and still is");
        }
    }

    #[test]
    fn times_of_leaving_that_come_later_change_no_key(
        (_, early, late) in listing_and_two_ways(),
    ) {
        let mut still_there = early;
        for row in &mut still_there.rows {
            row["leave_time"] = json!("");
        }
        let mut told = BTreeSet::new();
        still_there.rows.retain(|row| !has_id(row) || told.insert(row.to_string()));
        for operation in BOTH {
            let later = rows_of(operation, &late);
            for key in rows_of(operation, &still_there).keys() {
                prop_assert!(later.contains_key(key), "{} is gone", key);
            }
        }
    }
}
