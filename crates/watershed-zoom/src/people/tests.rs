use proptest::prelude::*;
use serde_json::json;
use watershed_model::{Millis, Verdict};

use super::*;
use crate::{Answer, read};

fn agreed(include: &[&str], exclude: &[&str]) -> Arc<Agreed> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let choice = Choice::new(&owned(include), &owned(exclude)).expect("selectors");
    Arc::new(Agreed::new(choice, b"a key").expect("a key"))
}

fn everybody_but(exclude: &[&str]) -> People {
    People::new(agreed(&[], exclude), BTreeSet::new(), BTreeSet::new())
}

/// Without a user of this record.
fn without(user: &Value) -> People {
    let agreed = agreed(&[], &[]);
    let marks = agreed.marks(user).into_iter().collect();
    People::new(agreed, BTreeSet::new(), marks)
}

fn read_page(operation: &str, with: Value, body: &Value) -> (&'static Operation, Page) {
    let operation = catalogue().operation(operation).expect("in the catalogue");
    let Value::Object(with) = with else { panic!("parameters are an object") };
    let text = body.to_string();
    let answer = Answer { status: 200, headers: &[], body: text.as_bytes() };
    match read(operation, &with, &answer, Millis(1_780_000_000_000)) {
        Verdict::Data(page) => (operation, page),
        other => panic!("no data: {other:?}"),
    }
}

fn told(page: &Page) -> String {
    let rows: Vec<_> = page.rows.iter().map(|row| (&row.key, &row.record, &row.asked)).collect();
    json!(rows).to_string()
}

fn ada() -> Value {
    json!({
        "id": "KdYKjnimT4KPd8FFgQt9FQ", "email": "Ada@Example.com", "first_name": "Ada",
        "last_name": "Lovelace", "display_name": "Countess Ada", "dept": "Sales",
        "group_ids": ["g1"],
    })
}

fn bob() -> Value {
    json!({
        "id": "z8yAAAAA8bbbQ_", "email": "bob@example.com", "first_name": "Bob",
        "last_name": "Bates", "dept": "sales ", "group_ids": ["g1", "g2"],
    })
}

#[test]
fn a_choice_is_by_group_department_or_address_and_leaving_out_goes_before() {
    let choice = |include: &[&str], exclude: &[&str]| {
        let agreed = agreed(include, exclude);
        [ada(), bob()].map(|user| agreed.choice.agrees(&user))
    };
    assert_eq!(choice(&[], &[]), [true, true]);
    assert_eq!(choice(&["group:g2"], &[]), [false, true]);
    assert_eq!(choice(&["dept:SALES"], &[]), [true, true]);
    assert_eq!(choice(&["ada@example.com", "group:g2"], &[]), [true, true]);
    assert_eq!(choice(&["dept:Sales"], &["ADA@example.com"]), [false, true]);
    assert_eq!(choice(&[], &["group:g1"]), [false, false]);
    assert_eq!(choice(&["dept:Nobody"], &[]), [false, false]);
    for wrong in ["", "Sales", "group:", "dept: ", "two@words here"] {
        assert!(Choice::new(&[wrong.to_owned()], &[]).is_err(), "{wrong}");
    }
}

#[test]
fn who_is_not_agreed_to_is_in_no_row_of_the_list_and_is_known_from_then_on() {
    let mut people = everybody_but(&["ada@example.com"]);
    let with = json!({ "status": "active" });
    let (operation, mut page) =
        read_page("zoom.list_users", with, &json!({ "users": [ada(), bob()] }));
    let found = people.listed(&mut page);
    assert_eq!((operation.id, page.rows.len()), ("zoom.list_users", 1));
    assert_eq!(page.records, 1);
    assert!(!told(&page).to_lowercase().contains("ada"), "{}", told(&page));
    let pseudonym = people.agreed.pseudonym("KdYKjnimT4KPd8FFgQt9FQ");
    assert_eq!(found, [Person { marks: people.agreed.marks(&ada()), pseudonym }]);

    for named in ["KdYKjnimT4KPd8FFgQt9FQ", "ada@EXAMPLE.com"] {
        let with = json!({ "user_id": named, "type": "scheduled" });
        assert_eq!(people.asks_about(with.as_object().expect("an object")), Some(named));
    }
    let with = json!({ "user_id": "z8yAAAAA8bbbQ_", "type": "scheduled" });
    assert_eq!(people.asks_about(with.as_object().expect("an object")), None);
}

#[test]
fn who_was_erased_is_left_out_of_the_list_and_nobody_of_the_same_name() {
    let agreed = agreed(&[], &[]);
    let marks = agreed.marks(&ada()).into_iter().collect();
    let mut people = People::new(agreed, marks, BTreeSet::new());
    let mut namesake = ada();
    (namesake["id"], namesake["email"]) = ("other".into(), "other@example.com".into());
    let with = json!({ "status": "active" });
    let (_, mut page) = read_page("zoom.list_users", with, &json!({ "users": [ada(), namesake] }));
    assert_eq!(people.listed(&mut page), []);
    let keys: Vec<_> = page.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["other"]);
    assert_eq!(page.records, 1);
    assert_eq!(page.rows[0].record["display_name"], "Countess Ada");
}

#[test]
fn the_meetings_and_recordings_that_one_hosts_go_with_him() {
    let people = without(&ada());
    let recordings = json!({ "from": "2026-01-01", "to": "2026-01-30", "meetings": [
        { "uuid": "A==", "host_id": "KdYKjnimT4KPd8FFgQt9FQ", "recording_files": [
            { "id": "F1", "meeting_id": "A==", "file_type": "MP4", "status": "completed" }] },
        { "uuid": "B==", "host_id": "z8yAAAAA8bbbQ_", "host_email": "bob@example.com",
          "topic": "With Ada Lovelace" },
    ]});
    let with = json!({ "from": "2026-01-01", "to": "2026-01-30" });
    let (operation, mut page) = read_page("zoom.list_account_recordings", with, &recordings);
    people.page(operation, &mut page);
    let keys: Vec<_> = page.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["B=="], "its files go with a recording");
    assert_eq!(page.records, 1);
    assert!(!told(&page).contains("Ada"), "{}", told(&page));
}

#[test]
fn of_a_stay_only_times_remain_and_pseudonyms() {
    let people = without(&ada());
    let body = json!({ "participants": [
        { "id": "KdYKjnimT4KPd8FFgQt9FQ", "user_id": "16778", "name": "Ada L", "user_email": "",
          "join_time": "2026-01-05T10:00:00Z", "duration": 60, "registrant_id": "r-9",
          "ip_address": "203.0.113.9", "status": "in_meeting" },
        { "id": "", "user_id": "16779", "name": "ada  LOVELACE", "user_email": "",
          "join_time": "2026-01-05T10:00:00Z", "duration": 61 },
        { "id": "", "user_id": "16780", "name": "Ada Lovelace", "user_email": "ada@other.org",
          "join_time": "2026-01-05T10:00:00Z", "duration": 62, "registrant_id": "r-10" },
    ]});
    let (operation, mut page) =
        read_page("zoom.report_participants", json!({ "uuid": "B==" }), &body);
    people.page(operation, &mut page);
    let record = |duration: i64| {
        let row = page.rows.iter().find(|row| row.record["duration"] == duration);
        row.expect("no stay is lost").record.clone()
    };
    assert_eq!(
        record(60),
        json!({
            "id": people.agreed.pseudonym("KdYKjnimT4KPd8FFgQt9FQ"), "user_id": "16778",
            "name": people.agreed.pseudonym("Ada L"), "user_email": "", "status": "in_meeting",
            "join_time": "2026-01-05T10:00:00Z", "duration": 60,
        })
    );
    assert_eq!(record(61)["name"], people.agreed.pseudonym("ada  LOVELACE"));
    // Somebody else of that name keeps what is his.
    assert_eq!(record(62)["user_email"], "ada@other.org");
    assert_eq!(record(62)["registrant_id"], "r-10");
    assert_eq!(record(62)["name"], people.agreed.pseudonym("Ada Lovelace"));
}

#[test]
fn a_name_is_found_in_running_text_and_one_word_only_where_it_stands_alone() {
    let people = without(&json!({
        "id": "KdYKjnimT4KPd8FFgQt9FQ", "email": "ada@example.com", "display_name": "Ada",
        "first_name": "Ada", "last_name": "Lovelace",
    }));
    let short = |text: &str| {
        let told = people.text(text).unwrap_or_else(|| text.to_owned());
        let mut parts = told.split("hmac:");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |told, part| told + "#" + &part[32..])
    };
    assert_eq!(short("Ada Lovelace's talk, by ada@example.com."), "#'s talk, by #.");
    assert_eq!(short("Lovelace, Ada and Bob"), "# and Bob");
    assert_eq!(short("https://x.test/u/KdYKjnimT4KPd8FFgQt9FQ?a=1"), "https://x.test/u/#?a=1");
    assert_eq!(short("Ada"), "#");
    assert_eq!(short("Ada: hello\nBob: hello, Ada"), "#: hello\nBob: hello, Ada");
    assert_eq!(
        short("WEBVTT\n\n1\n00:01 --> 00:02\nAda: so"),
        "WEBVTT\n\n1\n00:01 --> 00:02\n#: so"
    );
    assert_eq!(short("Ada likes Adam Lovelace"), "Ada likes Adam Lovelace");
}

#[test]
fn without_a_mark_or_under_another_key_nobody_is_known() {
    let agreed = agreed(&[], &[]);
    let marks: BTreeSet<Mark> = agreed.marks(&ada()).into_iter().collect();
    assert_eq!(marks.len(), 5, "id, address, both orders of the name, the name shown");
    assert!(!People::new(agreed.clone(), BTreeSet::new(), BTreeSet::new()).any());
    let other = Agreed::new(Choice::default(), b"another key").expect("a key");
    assert!(People::new(Arc::new(other), BTreeSet::new(), marks).text("Ada Lovelace").is_none());
    assert!(Agreed::new(Choice::default(), b"").is_none());
}

proptest! {
    /// Wherever he is named in a text, and whatever stands around that is part of no other name.
    #[test]
    fn no_byte_of_who_is_left_out_remains(
        before in "[ -~\n]{0,40}", after in "[ -~\n]{0,40}", which in 0..4_usize,
        gap in "[ ,;(\\[<'\"/=]", end in "[ ,;)\\]>/?:'\"]",
    ) {
        let named = ["KdYKjnimT4KPd8FFgQt9FQ", "ada@example.com", "Ada Lovelace", "Lovelace Ada"];
        let people = without(&ada());
        let text = format!("{before}{gap}{}{end}{after}", named[which]);
        let told = people.text(&text).unwrap_or(text);
        prop_assert!(!told.contains(named[which]), "{told:?}");
    }

    /// Texts that name nobody stay what they are.
    #[test]
    fn a_text_that_names_nobody_stays(text in "\\PC{0,80}") {
        prop_assume!(!text.to_lowercase().contains("ada"));
        prop_assert_eq!(without(&ada()).text(&text), None);
    }
}

#[test]
fn an_event_about_one_is_not_kept_and_one_that_names_him_is_kept_without_him() {
    let people = without(&ada());
    let event = |name: &str, object: Value| {
        let mut body = json!({ "event": name, "payload": { "object": object } });
        people.event(name, &mut body).then(|| body["payload"]["object"].clone())
    };
    let his = json!({ "id": 1, "uuid": "A==", "host_id": "KdYKjnimT4KPd8FFgQt9FQ" });
    assert_eq!(event("meeting.ended", his), None);
    assert_eq!(event("user.updated", json!({ "id": "KdYKjnimT4KPd8FFgQt9FQ" })), None);
    assert_eq!(event("user.created", json!({ "email": "ada@example.com" })), None);
    let joined = |id: &str| {
        let participant = json!({ "id": id, "user_id": "16778", "user_name": "A. L." });
        json!({ "uuid": "B==", "topic": "With Ada Lovelace", "participant": participant })
    };
    let name = "meeting.participant_joined";
    let kept = event(name, joined("KdYKjnimT4KPd8FFgQt9FQ")).expect("of somebody else's meeting");
    let topic = format!("With {}", people.agreed.pseudonym("Ada Lovelace"));
    let participant = json!({ "user_id": "16778" });
    assert_eq!(kept, json!({ "uuid": "B==", "topic": topic, "participant": participant }));
    let kept = event(name, joined("other")).expect("of somebody else");
    assert_eq!(kept["participant"], joined("other")["participant"]);
}
