//! What a step sees of an event: ids and times, nothing of its content.

use serde_json::{Map, Value, json};
use watershed_model::InboxEvent;

use super::event::About;

/// One record for each thing that the event is about: a batch names many recordings. Where it
/// names none, one without ids: it is counted all the same.
pub fn items(event: &InboxEvent) -> Vec<Value> {
    let empty = Map::new();
    let payload = event.body.get("payload").and_then(Value::as_object).unwrap_or(&empty);
    let about = About::of(&event.event, payload);
    let instances = match about.instances.as_slice() {
        [] => vec![None],
        uuids => uuids.iter().map(Some).collect(),
    };
    let meeting_id: Option<i64> = about.meeting.as_deref().and_then(|id| id.parse().ok());
    let at = event.event_at.unwrap_or(event.received_at).min(event.received_at);
    let item = |uuid: Option<&String>| {
        json!({
            "key": event.key,
            "name": event.event,
            "at": at.to_string(),
            "meeting_id": meeting_id,
            "uuid": uuid,
            "host_id": about.host,
            "user_id": about.user,
        })
    };
    instances.into_iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use watershed_model::Millis;

    use super::*;
    use crate::webhook::event::Event;

    fn items_of(body: Value, redacted: bool) -> Vec<Value> {
        let event = Event::read(body, redacted).expect("an event");
        let received_at = Millis(1_700_000_060_000);
        items(&InboxEvent {
            connection: "acme".into(),
            key: event.key,
            event: event.name,
            event_at: event.at,
            received_at,
            body: event.body,
        })
    }

    #[test]
    fn a_step_sees_ids_and_times_and_nothing_of_the_content() {
        let body = json!({
            "event": "meeting.ended", "event_ts": 1_700_000_000_000_i64,
            "payload": { "account_id": "a", "object": {
                "id": "81000000001", "uuid": "u==", "host_id": "h", "topic": "Weekly",
            } },
        });
        for redacted in [false, true] {
            let [item] = &items_of(body.clone(), redacted)[..] else { panic!() };
            let Value::Object(members) = item else { panic!() };
            assert!(!item.to_string().contains("Weekly"));
            assert_eq!(members["at"], "2023-11-14T22:13:20.000Z");
            assert_eq!(members["meeting_id"], 81_000_000_001_i64);
            assert_eq!((&members["uuid"], &members["host_id"]), (&json!("u=="), &json!("h")));
            let record = crate::catalogue().operation("watershed.events").expect("known").record;
            let documented: Vec<&str> = record.fields.iter().map(|field| field.name).collect();
            let mut seen: Vec<&str> = members.keys().map(String::as_str).collect();
            seen.sort_by_key(|name| documented.iter().position(|known| known == name));
            assert_eq!(seen, documented);
        }
    }

    #[test]
    fn a_batch_is_an_item_for_each_recording() {
        let body = json!({
            "event": "recording.batch_deleted", "event_ts": 1_700_000_000_000_i64,
            "payload": { "account_id": "a", "object": { "meetings": [
                { "meeting_uuid": "a==", "recording_file_ids": ["1"] }, { "meeting_uuid": "b==" },
            ] } },
        });
        let uuids: Vec<Value> =
            items_of(body, true).into_iter().map(|item| item["uuid"].clone()).collect();
        assert_eq!(uuids, ["a==", "b=="]);
    }

    #[test]
    fn an_event_of_the_future_happened_when_it_came() {
        let body = json!({
            "event": "user.created", "event_ts": 1_900_000_000_000_i64,
            "payload": { "account_id": "a", "object": { "id": "u" } },
        });
        let [item] = &items_of(body, false)[..] else { panic!() };
        assert_eq!(
            (&item["at"], &item["user_id"]),
            (&json!("2023-11-14T22:14:20.000Z"), &json!("u"))
        );
    }
}
