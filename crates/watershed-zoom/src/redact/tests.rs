use serde_json::json;
use watershed_model::{Millis, Verdict};

use super::*;
use crate::{Answer, read};

fn rules(given: &[(&str, Action)]) -> Result<Rules, RuleError> {
    let given = given.iter().map(|(rule, action)| ((*rule).to_owned(), *action)).collect();
    Rules::new(&given, Some(b"a key"))
}

fn refused(rule: &str, action: Action) -> String {
    rules(&[(rule, action)]).expect_err(rule).to_string()
}

fn redacted(rules: &Rules, operation: &str, with: Value, body: &Value) -> Page {
    let operation = catalogue().operation(operation).expect("in the catalogue");
    let Value::Object(with) = with else { panic!("parameters are an object") };
    let text = body.to_string();
    let answer = Answer { status: 200, headers: &[], body: text.as_bytes() };
    let Verdict::Data(mut page) = read(operation, &with, &answer, Millis(1_780_000_000_000)) else {
        panic!("no data: {body}")
    };
    rules.page(&mut page);
    page
}

#[test]
fn a_pseudonym_is_the_same_for_the_same_person_and_tells_nothing_of_him() {
    let rules = rules(&[
        ("report_participants.user_email", Action::Hmac),
        ("report_participants.name", Action::Drop),
    ]);
    let body = json!({ "participants": [
        { "user_id": "1", "name": "Ana", "user_email": "Ana@example.com", "duration": 9 },
        { "user_id": "2", "name": "Ana", "user_email": "ana@example.com ", "duration": 9 },
        { "user_id": "3", "name": "", "user_email": "", "duration": 9 },
    ]});
    let page = redacted(
        &rules.expect("rules"),
        "zoom.report_participants",
        json!({ "uuid": "U==" }),
        &body,
    );
    let emails: Vec<&Value> = page.rows.iter().map(|row| &row.record["user_email"]).collect();
    assert_eq!(emails[0], emails[1]);
    assert!(emails[0].as_str().is_some_and(|e| e.starts_with("hmac:") && e.len() == 37));
    assert_eq!(emails[2], "", "that there is none stays told");
    let told = format!("{:?}", page.rows).to_lowercase();
    assert!(!told.contains("ana"), "{told}");
    let keys: Vec<&str> = page.rows.iter().map(|row| row.key.as_str()).collect();
    let plain =
        redacted(&Rules::default(), "zoom.report_participants", json!({ "uuid": "U==" }), &body);
    assert_eq!(keys, plain.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>());
}

#[test]
fn another_key_makes_other_pseudonyms() {
    let of = |key: &[u8]| {
        let given = BTreeMap::from([("users.first_name".to_owned(), Action::Hmac)]);
        Rules::new(&given, Some(key)).expect("rules").pseudonym("Ana")
    };
    assert_ne!(of(b"one"), of(b"two"));
}

#[test]
fn a_rule_for_all_reaches_members_at_any_depth_and_files_within_their_recording() {
    let rules = rules(&[
        ("*.join_url", Action::Drop),
        ("*.contact_email", Action::Hmac),
        ("recording_files.file_path", Action::Drop),
    ])
    .expect("rules");
    let exception = json!([{ "join_url": "x" }]);
    let detail = json!({ "id": 7, "join_url": "https://j", "topic": "T",
        "settings": { "contact_email": "a@b.c", "authentication_exception": exception } });
    let page = redacted(&rules, "zoom.get_meeting", json!({ "meeting_id": 7 }), &detail);
    let told = page.rows[0].record.to_string();
    assert!(
        !told.contains("join_url") && !told.contains("a@b.c") && told.contains("topic"),
        "{told}"
    );
    let recording = json!({ "uuid": "U==", "recording_files": [
        { "id": "f", "file_path": "/srv/f", "recording_start": "2026-05-01T10:00:00Z" }] });
    let page = redacted(&rules, "zoom.get_recording", json!({ "uuid": "U==" }), &recording);
    assert_eq!(page.rows.len(), 2);
    let told = format!("{:?}", page.rows);
    assert!(!told.contains("/srv"), "{told}");
}

#[test]
fn a_rule_that_cannot_be_followed_is_refused_by_name() {
    assert_eq!(
        refused("users", Action::Drop),
        "users names no field: write DATASET.FIELD or *.FIELD"
    );
    assert_eq!(refused("people.name", Action::Drop), "people.name: there is no dataset people");
    assert_eq!(refused("users.nickname", Action::Drop), "users.nickname: no such field is known");
    assert_eq!(
        refused("users.email", Action::Hmac),
        "users.email: rows of users are identified by it"
    );
    assert!(refused("*.uuid", Action::Drop).contains("are identified by it"));
    assert_eq!(
        refused("past_meetings.duration", Action::Hmac),
        "past_meetings.duration: it holds no text, and can only be dropped"
    );
    let given = BTreeMap::from([("users.dept".to_owned(), Action::Hmac)]);
    let error = Rules::new(&given, None).expect_err("no key");
    assert_eq!(error.to_string(), "users.dept: a pseudonym needs redact_key");
}
