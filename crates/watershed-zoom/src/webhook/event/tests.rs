use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(body: Value) -> Event {
    Event::read(body, false).expect("an event")
}

fn ended(change: impl Fn(&mut Value)) -> Event {
    let mut body = json!({
        "event": "meeting.ended", "event_ts": 1_700_000_000_123_i64,
        "payload": { "account_id": "acme-1", "object": {
            "id": "81000000001", "uuid": "aB/cD+==", "host_id": "host", "topic": "Weekly",
        } },
    });
    change(&mut body);
    read(body)
}

#[test]
fn a_meeting_has_an_id_an_instance_and_a_host() {
    let event = ended(|_| {});
    assert_eq!(event.name, "meeting.ended");
    assert_eq!(event.at, Some(Millis(1_700_000_000_123)));
    assert_eq!(event.account.as_deref(), Some("acme-1"));
    let about = About {
        meeting: Some("81000000001".to_owned()),
        instances: vec!["aB/cD+==".to_owned()],
        host: Some("host".to_owned()),
        ..About::default()
    };
    assert_eq!(event.about, about);
}

#[test]
fn the_id_of_a_user_is_not_taken_for_that_of_a_meeting() {
    let of =
        |name: &str| read(json!({ "event": name, "payload": { "object": { "id": "u7" } } })).about;
    for name in ["user.deactivated", "user.something_new"] {
        assert_eq!((of(name).user.as_deref(), of(name).meeting), (Some("u7"), None), "{name}");
    }
    assert_eq!(of("meeting.something_new").meeting.as_deref(), Some("u7"));
}

#[test]
fn recordings_name_their_files_and_batches_their_meetings() {
    let completed = read(json!({
        "event": "recording.completed", "download_token": "t", "payload": { "object": {
            "id": 7, "uuid": "a==", "recording_files": [{ "id": "f1" }, { "id": "f2" }, {}],
        } },
    }));
    assert_eq!(completed.about.files, ["f1", "f2"]);
    let deleted = read(json!({
        "event": "recording.batch_deleted", "payload": { "object": { "meetings": [
            { "meeting_uuid": "a==", "recording_file_ids": ["f1"] },
            { "meeting_uuid": "b==", "recording_file_ids": ["f2"] },
        ] } },
    }));
    assert_eq!(deleted.about.instances, ["a==", "b=="]);
    assert_eq!(deleted.about.files, ["f1", "f2"]);
    let trashed = read(json!({
        "event": "recording.batch_trashed",
        "payload": { "object": { "meeting_uuids": ["a==", "b=="] } },
    }));
    assert_eq!(trashed.about.instances, ["a==", "b=="]);
    let transcript = read(json!({
        "event": "meeting.aic_transcript_completed", "payload": { "object": {
            "meeting_uuid": "a==", "meeting_id": 7, "file_id": "f",
        } },
    }));
    assert_eq!(transcript.about.meeting.as_deref(), Some("7"));
    assert_eq!((transcript.about.instances, transcript.about.files.len()), (vec!["a==".into()], 1));
}

#[test]
fn an_event_that_is_sent_again_has_its_key_whatever_else_is_in_it() {
    let once = ended(|_| {});
    let again = ended(|body| {
        body["payload"]["object"]["topic"] = json!("Weekly, renamed");
        body["download_token"] = json!("another");
        body["payload"]["object"]["id"] = json!(81_000_000_001_i64);
    });
    assert_eq!(once.key, again.key);
}

#[test]
fn what_is_another_event_has_another_key() {
    let once = ended(|_| {}).key;
    let others: Vec<EventKey> = [
        ("/event", json!("meeting.started")),
        ("/event_ts", json!(1_700_000_000_124_i64)),
        ("/payload/account_id", json!("acme-2")),
        ("/payload/object/uuid", json!("aB/cD+=")),
        ("/payload/object/id", json!("81000000002")),
        ("/payload/object/topic", json!({ "participant": 1 })),
    ]
    .into_iter()
    .map(|(place, value)| ended(|body| *body.pointer_mut(place).expect(place) = value.clone()).key)
    .collect();
    assert_eq!(others[5], once, "a topic identifies nothing");
    for (place, other) in others[..5].iter().enumerate() {
        assert_ne!(*other, once, "{place}");
    }
    let joined = |who: &str| {
        ended(|body| body["payload"]["object"]["participant"] = json!({ "user_id": who })).key
    };
    assert_ne!(joined("1"), joined("2"));
}

#[test]
fn an_event_that_says_too_little_is_told_by_its_body() {
    let of = |text: &str| {
        read(json!({ "event": "app.something", "event_ts": 1, "payload": { "text": text } })).key
    };
    assert_ne!(of("a"), of("b"));
    assert_eq!(of("a"), of("a"));
}

#[test]
fn what_has_no_name_is_no_event() {
    for odd in [json!({}), json!([]), json!(1), json!({ "event": 1 }), json!({ "event": "" })] {
        assert_eq!(Event::read(odd.clone(), false), None, "{odd}");
    }
    assert_eq!(Event::read(json!({ "event": "a\u{1b}b" }), false), None);
    assert_eq!(Event::read(json!({ "event": "a".repeat(129) }), false), None);
}

fn trees() -> impl Strategy<Value = Value> {
    let names = [
        "event",
        "event_ts",
        "payload",
        "object",
        "account_id",
        "id",
        "uuid",
        "meetings",
        "recording_files",
        "participant",
        "occurrences",
        "meeting_uuids",
        "download_token",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map(
                proptest::sample::select(names.to_vec()).prop_map(str::to_owned),
                inner,
                0..6
            )
            .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused_and_no_token_is_kept(tree in trees(), redacted: bool) {
        let mut body = json!({ "event": "meeting.ended", "payload": tree.clone() });
        if let (Value::Object(body), Value::Object(members)) = (&mut body, tree) {
            body.extend(members);
        }
        let again = Event::read(body.clone(), redacted);
        if let Some(event) = Event::read(body, redacted) {
            prop_assert!(!event.body.to_string().contains("\"download_token\""));
            prop_assert_eq!(event.key.as_str().len(), 32);
            prop_assert_eq!(Some(event), again);
        }
    }
}
