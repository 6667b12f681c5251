//! An event of a webhook: its facts, and what makes it the same when it is sent again.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use watershed_model::{EventKey, Millis};

use super::body::keep;
use super::catalogue::{Object, event_row};
use super::signature::hex;

/// The longest name of an event.
const NAME_MAX: usize = 128;
/// Bytes of a key: two of 2^32 events fall together once in 2^64 times.
const KEY_BYTES: usize = 16;

/// An event, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name, such as `meeting.ended`.
    pub name: String,
    /// When it happened, where its sender says so.
    pub at: Option<Millis>,
    /// The account that it is of.
    pub account: Option<String>,
    /// What it is about.
    pub about: About,
    /// The same, however often and by however many subscriptions it comes.
    pub key: EventKey,
    /// What is kept of what was sent.
    pub body: Value,
}

/// What an event is about, as far as it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The id of the meeting.
    pub meeting: Option<String>,
    /// The uuids of the held meetings.
    pub instances: Vec<String>,
    /// The id of the user that it is about, not of a host or guest.
    pub user: Option<String>,
    /// The id of the host.
    pub host: Option<String>,
    /// The participant, by the id that he has within the meeting.
    pub participant: Option<String>,
    /// The ids of the recording's files.
    pub files: Vec<String>,
    /// The ids of single occurrences of a series.
    pub occurrences: Vec<String>,
}

impl Event {
    /// Reads a body; `None` where it is no event. Where the connection redacts anything, less of
    /// the body is kept.
    pub(super) fn read(mut body: Value, redacted: bool) -> Option<Event> {
        let name = body.get("event")?.as_str()?;
        let fits = |c: char| c.is_ascii_graphic();
        if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(fits) {
            return None;
        }
        let name = name.to_owned();
        let at = body.get("event_ts").and_then(number).map(Millis);
        let payload = body.get("payload").and_then(Value::as_object).cloned().unwrap_or_default();
        let account = payload.get("account_id").and_then(text);
        let about = About::of(&name, &payload);
        keep(&mut body, redacted);
        let key = key(&name, at, account.as_deref(), &about, &body);
        Some(Event { name, at, account, about, key, body })
    }
}

impl About {
    pub(super) fn of(event: &str, payload: &Map<String, Value>) -> About {
        let empty = Map::new();
        let object = payload.get("object").and_then(Value::as_object).unwrap_or(&empty);
        let of = |name: &str| object.get(name).and_then(text);
        let object_kind = match event_row(event) {
            Some(row) => row.object,
            None if event.starts_with("user.") => Object::User,
            None => Object::Meeting,
        };
        let (user, meeting) = match object_kind {
            Object::User => (of("id"), None),
            Object::Meeting | Object::Recording | Object::Recordings | Object::Transcript => {
                (None, of("id").or_else(|| of("meeting_id")))
            }
        };
        let mut instances: Vec<String> =
            of("uuid").or_else(|| of("meeting_uuid")).into_iter().collect();
        instances.extend(list(object, "meeting_uuids").iter().filter_map(text));
        let mut files: Vec<String> = of("file_id").into_iter().collect();
        files.extend(list(object, "recording_files").iter().filter_map(|file| named(file, "id")));
        for meeting in list(object, "meetings") {
            instances.extend(named(meeting, "meeting_uuid"));
            let of_meeting = meeting.get("recording_file_ids").and_then(Value::as_array);
            files.extend(of_meeting.into_iter().flatten().filter_map(text));
        }
        let occurrences = list(object, "occurrences");
        About {
            meeting,
            instances,
            user,
            host: of("host_id"),
            participant: object.get("participant").and_then(|who| named(who, "user_id")),
            files,
            occurrences: occurrences.iter().filter_map(|o| named(o, "occurrence_id")).collect(),
        }
    }

    /// Whether it says nothing of what it is about.
    fn nothing(&self) -> bool {
        *self == About { host: self.host.clone(), ..About::default() }
    }
}

/// The key: of what an event says of itself. One that says too little is told by all of its body.
fn key(
    name: &str,
    at: Option<Millis>,
    account: Option<&str>,
    about: &About,
    body: &Value,
) -> EventKey {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    add(name);
    match at {
        Some(at) if !about.nothing() => {
            add(&at.0.to_string());
            add(account.unwrap_or_default());
            for one in [&about.meeting, &about.user, &about.participant] {
                add(one.as_deref().unwrap_or_default());
            }
            for several in [&about.instances, &about.files, &about.occurrences] {
                add(&several.len().to_string());
                several.iter().for_each(|one| add(one));
            }
        }
        _ => add(&body.to_string()),
    }
    EventKey(hex(&hash.finalize()[..KEY_BYTES]))
}

/// Ids come as text or as numbers, by event.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn named(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(text)
}

fn list<'a>(object: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
