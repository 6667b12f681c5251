//! A made-up event of each kind: what `watershed webhook send` sends.

use serde_json::{Value, json};
use watershed_model::{AccountId, Millis};

use super::catalogue::{CHALLENGE, EventRow, Object, event_row};

/// A challenge's token, or the body of a known event of this account; `None` for an unknown name.
/// Nothing in it is of anybody. Another instant makes another event.
pub fn sample(name: &str, account: &AccountId, now: Millis) -> Option<Value> {
    if name == CHALLENGE {
        let token = format!("watershed-{}", now.0);
        let payload = json!({ "plainToken": token });
        return Some(json!({ "event": CHALLENGE, "event_ts": now.0, "payload": payload }));
    }
    let row = event_row(name)?;
    let mut payload = json!({ "account_id": account.as_str(), "object": object(row, now) });
    let mut body = json!({ "event": name, "event_ts": now.0 });
    match name {
        "meeting.updated" | "user.updated" | "user.settings_updated" => {
            payload["old_object"] = json!({ "id": payload["object"]["id"] });
            payload["time_stamp"] = json!(now.0);
        }
        "meeting.deleted" => payload["operation"] = json!("all"),
        "recording.batch_trashed" => payload["operation"] = json!("trash_user_recordings"),
        "recording.renamed" => {
            payload["recording_file"] = payload["object"].clone();
            payload["recording_file"]["topic"] = json!("Sample meeting, renamed");
        }
        "recording.completed" | "recording.transcript_completed" => {
            body["download_token"] = json!("sample-download-token");
        }
        _ => {}
    }
    body["payload"] = payload;
    Some(body)
}

/// The uuid of the meeting of that instant: 16 bytes in base64, as Zoom's are.
fn uuid(now: Millis) -> String {
    use base64::Engine as _;
    let bytes = [0x77_u64, now.0.unsigned_abs()].map(u64::to_be_bytes).concat();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn object(row: &EventRow, now: Millis) -> Value {
    match row.object {
        Object::User => user(row.name),
        Object::Recordings if row.name == "recording.batch_trashed" => {
            json!({ "meeting_uuids": [uuid(now)] })
        }
        Object::Recordings => json!({ "meetings": [
            { "meeting_uuid": uuid(now), "recording_file_ids": ["sample-file-1"] },
        ] }),
        Object::Transcript => json!({
            "meeting_id": 81_000_000_001_i64, "meeting_uuid": uuid(now),
            "meeting_topic": "Sample meeting", "meeting_start_time": start(now),
            "host_id": "sample-host", "file_id": "sample-file-3", "attach_type": 1,
        }),
        Object::Meeting => meeting(row.name, now),
        Object::Recording => recording(row.name, now),
    }
}

fn user(name: &str) -> Value {
    let mut user = json!({
        "id": "sample-user", "first_name": "Sample", "last_name": "User",
        "email": "sample@example.com", "type": 1,
    });
    if name == "user.settings_updated" {
        let settings = json!({ "recording": { "auto_recording": "cloud" } });
        user = json!({ "id": "sample-user", "settings": settings });
    }
    user
}

/// An hour before.
fn start(now: Millis) -> String {
    format!("{:.0}", (now + -3_600_000).timestamp())
}

fn meeting(name: &str, now: Millis) -> Value {
    let mut meeting = json!({
        "id": 81_000_000_001_i64, "uuid": uuid(now), "host_id": "sample-host",
        "topic": "Sample meeting", "type": 2, "start_time": start(now), "timezone": "UTC",
        "duration": 60,
    });
    match name {
        "meeting.started" | "meeting.ended" => {
            meeting["id"] = json!("81000000001");
            if name == "meeting.ended" {
                meeting["end_time"] = json!(format!("{:.0}", now.timestamp()));
            }
        }
        "meeting.participant_joined" | "meeting.participant_left" => {
            meeting["id"] = json!("81000000001");
            let time = if name.ends_with("joined") { "join_time" } else { "leave_time" };
            meeting["participant"] = json!({
                "user_id": "16778240", "user_name": "Sample Guest", "id": "sample-guest",
                "participant_uuid": uuid(now), "email": "guest@example.com",
                time: format!("{:.0}", now.timestamp()),
            });
        }
        _ => {}
    }
    meeting
}

fn recording(name: &str, now: Millis) -> Value {
    let mut recording = meeting(name, now);
    let file = |id: &str, kind: &str, extension: &str, of: &str| {
        json!({
            "id": id, "meeting_id": uuid(now), "recording_start": start(now),
            "recording_end": format!("{:.0}", now.timestamp()), "recording_type": of,
            "file_type": kind, "file_size": 4_096, "file_extension": extension,
            "play_url": "https://example.com/play/sample-secret",
            "download_url": "https://example.com/download/sample-secret", "status": "completed",
        })
    };
    let transcript = || file("sample-file-2", "TRANSCRIPT", "VTT", "audio_transcript");
    let files = match name {
        "recording.started" | "recording.paused" | "recording.resumed" | "recording.stopped" => {
            let end = if name.ends_with("stopped") {
                format!("{:.0}", now.timestamp())
            } else {
                String::new()
            };
            recording["recording_file"] =
                json!({ "recording_start": start(now), "recording_end": end });
            return recording;
        }
        "recording.renamed" => return recording,
        "recording.transcript_completed" => vec![transcript()],
        _ => vec![file("sample-file-1", "M4A", "M4A", "audio_only"), transcript()],
    };
    recording["password"] = json!("sample-passcode");
    recording["recording_count"] = json!(files.len());
    recording["total_size"] = json!(4_096 * files.len());
    recording["recording_files"] = Value::Array(files);
    recording
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::webhook::{Desk, EVENTS, Heads, Received, Signer};

    const NOW: Millis = Millis(1_700_000_000_000);

    fn desk() -> Desk {
        Desk {
            signer: Signer::new(b"secret"),
            account: "acme-1".into(),
            redacted: false,
            agreed: None,
        }
    }

    fn received(body: &Value) -> Received {
        let body = body.to_string();
        let signature = desk().signer.sign("1700000000", body.as_bytes());
        let heads = Heads { timestamp: "1700000000", signature: &signature };
        desk().receive(heads, body.as_bytes(), NOW).expect("it is right")
    }

    #[test]
    fn a_sample_of_each_event_is_taken_tells_what_it_is_about_and_is_one_of_its_own() {
        let mut keys = BTreeSet::new();
        for row in EVENTS {
            for at in [NOW, NOW + 1] {
                let body = sample(row.name, &"acme-1".into(), at).expect(row.name);
                let Received::Event(event) = received(&body) else { panic!("{}", row.name) };
                let about = &event.about;
                match row.object {
                    Object::User => assert_eq!(about.user.as_deref(), Some("sample-user")),
                    Object::Recordings => assert_eq!(about.instances, [uuid(at)]),
                    _ => {
                        assert_eq!(about.meeting.as_deref(), Some("81000000001"), "{}", row.name);
                        assert_eq!(about.instances, [uuid(at)], "{}", row.name);
                    }
                }
                assert!(keys.insert(event.key.clone()), "{}: {:?}", row.name, event.key);
                assert!(!event.body.to_string().contains("secret"), "{}", event.body);
                assert!(!event.body.to_string().contains("passcode"), "{}", event.body);
                assert!(!event.body.to_string().contains("token"), "{}", event.body);
            }
        }
        assert_eq!(sample("meeting.endet", &"acme-1".into(), NOW), None);
    }

    #[test]
    fn a_sample_challenge_is_answered() {
        let body = sample(CHALLENGE, &"acme-1".into(), NOW).expect("a challenge");
        let Received::Challenge(reply) = received(&body) else { panic!("no challenge") };
        assert_eq!(reply["plainToken"], "watershed-1700000000000");
    }
}
