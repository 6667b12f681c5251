use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn ids_are_text_whether_sent_as_text_or_as_number() {
    assert_eq!(id(&json!({"id": 85746065432_i64}), "id").as_deref(), Some("85746065432"));
    assert_eq!(id(&json!({"id": "85746065432"}), "id").as_deref(), Some("85746065432"));
    for none in [json!({}), json!({"id": null}), json!({"id": ""}), json!({"id": ["x"]})] {
        assert_eq!(id(&none, "id"), None, "{none}");
    }
}

#[test]
fn a_pending_user_is_known_by_the_address_in_lower_case() {
    assert_eq!(user(&json!({"id": "u", "email": "A@example.com"})).as_deref(), Some("u"));
    let pending = json!({"email": "New.Hire@Example.com", "status": "pending"});
    assert_eq!(user(&pending).as_deref(), Some("email:new.hire@example.com"));
    assert_eq!(user(&json!({"status": "pending"})), None);
}

#[test]
fn files_without_id_are_told_apart_by_type_start_and_ordinal() {
    let nameless = |kind, start| json!({"file_type": kind, "recording_start": start});
    let files = [
        json!({"id": "f", "file_type": "MP4"}),
        nameless("CC", "10:00"),
        nameless("CC", "10:00"),
        nameless("CC", "11:00"),
        nameless("TIMELINE", "10:00"),
    ];
    assert_eq!(
        recording_files("u", &files),
        ["f", "u|CC|10:00|0", "u|CC|10:00|1", "u|CC|11:00|0", "u|TIMELINE|10:00|0"]
    );
}

fn stay(user: &str, join: &str, leave: &str, name: &str) -> Value {
    json!({"user_id": user, "join_time": join, "leave_time": leave, "name": name,
           "status": "in_meeting"})
}

#[test]
fn a_rejoin_a_room_and_a_namesake_are_stays_of_their_own() {
    let mut room = stay("1", "10:00", "11:00", "Jill");
    room["bo_mtg_id"] = json!("r1");
    let rows = [
        stay("1", "10:00", "11:00", "Jill"),
        stay("2", "10:30", "11:00", "Jill"),
        room,
        stay("", "10:00", "11:00", "Jill"),
        stay("", "10:00", "11:00", "Jack"),
    ];
    let keys: BTreeSet<_> = participants("u", &rows).into_iter().flatten().collect();
    assert_eq!(keys.len(), rows.len());
    assert!(keys.iter().all(|key| key.starts_with("u|") && key.ends_with("|0")), "{keys:?}");
}

#[test]
fn a_leave_time_or_a_name_filled_in_later_changes_no_key() {
    let early = [stay("1", "10:00", "", "Jill")];
    let late = [stay("1", "10:00", "11:00", "Jill Chill")];
    assert_eq!(participants("u", &early), participants("u", &late));
}

#[test]
fn twins_are_numbered_by_when_they_left() {
    let rows = [stay("1", "10:00", "12:00", "B"), stay("1", "10:00", "11:00", "B")];
    let keys = participants("u", &rows);
    assert!(keys[0].as_ref().is_some_and(|k| k.ends_with("|1")), "{keys:?}");
    assert!(keys[1].as_ref().is_some_and(|k| k.ends_with("|0")), "{keys:?}");
}

#[test]
fn a_row_that_a_moving_list_brings_again_is_one_stay() {
    let row = stay("1", "10:00", "11:00", "Jill");
    let mut stays = Stays::default();
    assert!(stays.keys("u", std::slice::from_ref(&row))[0].is_some());
    assert_eq!(stays.keys("u", std::slice::from_ref(&row)), [None]);
}

#[test]
fn two_strangers_without_any_id_stay_two_even_where_all_is_equal() {
    let row = stay("", "10:00", "11:00", "iPhone");
    let keys = participants("u", &[row.clone(), row]);
    let unique: BTreeSet<_> = keys.iter().flatten().collect();
    assert_eq!(unique.len(), 2);
}

/// Few values for each field, so that twins are common.
fn stays() -> impl Strategy<Value = Vec<Value>> {
    let user = prop_oneof![Just(""), Just("1"), Just("2")];
    let row = (user, 0..2_u8, 0..3_u8, prop_oneof![Just("A"), Just("B")]).prop_map(
        |(user, join, leave, name)| stay(user, &format!("1{join}"), &format!("2{leave}"), name),
    );
    proptest::collection::vec(row, 0..24)
}

/// The keys of a listing that comes in pages, the cursor carried as bytes between them.
fn paged(rows: &[Value], page: usize) -> Vec<String> {
    let mut bytes = Vec::new();
    let mut keys = Vec::new();
    for rows in rows.chunks(page) {
        let mut stays = Stays::from_bytes(&bytes);
        keys.extend(stays.keys("u", rows).into_iter().flatten());
        bytes = stays.to_bytes();
    }
    keys
}

proptest! {
    #[test]
    fn any_split_into_pages_in_any_order_gives_the_same_keys(
        (rows, shuffled) in stays().prop_flat_map(|rows| {
            (Just(rows.clone()), Just(rows).prop_shuffle())
        }),
        page in 1..9_usize,
    ) {
        let whole: Vec<String> = participants("u", &rows).into_iter().flatten().collect();
        let unique: BTreeSet<&String> = whole.iter().collect();
        prop_assert_eq!(unique.len(), whole.len(), "two stays fell together");

        let mut again = paged(&shuffled, page);
        again.sort();
        let mut whole = whole;
        whole.sort();
        prop_assert_eq!(again, whole);
    }

    #[test]
    fn every_distinct_stay_has_a_key(rows in stays()) {
        let keys = participants("u", &rows).into_iter().flatten().count();
        let named: BTreeSet<String> = rows.iter()
            .filter(|r| r["user_id"] != "").map(Value::to_string).collect();
        let nameless = rows.iter().filter(|r| r["user_id"] == "").count();
        prop_assert_eq!(keys, named.len() + nameless);
    }
}
