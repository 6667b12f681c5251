//! What the account itself answers: whether the app's role may read, and what is switched on.
//! A handful of calls; nothing of the answers is kept.

use serde::Serialize;
use serde_json::{Map, Value, json};
use watershed_engine::{Engine, Error};
use watershed_model::{ConnectionName, Page, Unavailable, Verdict};

use super::{Checked, bad, good};
use crate::fault::Fault;

/// Users whose settings are looked at.
const SAMPLE: usize = 5;
/// Held by nobody: what is asked of it tells of the right to ask alone.
const NO_INSTANCE: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

/// Switches of the sampled users, and what follows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RecordingCheck {
    /// Whether some of them record to the cloud, with transcripts.
    pub ok: bool,
    /// Users whose settings were read.
    pub sampled: u64,
    /// Of these, users who may record to the cloud.
    pub cloud_recording: u64,
    /// Users for whose recordings a transcript is made.
    pub transcripts: u64,
    /// Users whose recordings are deleted after a while.
    pub auto_delete: u64,
    /// What was found, in words.
    pub found: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What was found.
pub(super) struct Found {
    pub(super) role: Checked,
    pub(super) recording: Option<RecordingCheck>,
}

/// Asks it. Operations that `open` does not name are not asked for.
pub(super) async fn asked(
    engine: &Engine,
    connection: &ConnectionName,
    open: &(dyn Fn(&str) -> bool + Sync),
    today: &str,
) -> Result<Found, Error> {
    let mut refused = Vec::new();
    let mut users = Vec::new();
    let days = json!({ "from": today, "to": today });
    let questions = [
        ("User: view", "zoom.list_users", json!({ "status": "active" })),
        ("Recording: view", "zoom.list_account_recordings", days),
        ("Usage Reports: view", "zoom.report_participants", json!({ "uuid": NO_INSTANCE })),
    ];
    let mut known = 0;
    for (privilege, operation, with) in questions {
        if !open(operation) {
            continue;
        }
        let with = with.as_object().cloned().unwrap_or_default();
        match engine.question(connection, operation, &with).await? {
            Some(Verdict::Unavailable { why: Unavailable::Role, message }) => {
                refused.push(format!("{privilege} ({message})"));
            }
            Some(Verdict::Data(page)) if operation == "zoom.list_users" => {
                users = records(operation, &page);
            }
            Some(_) => {}
            None => continue,
        }
        known += 1;
    }
    let recording = match open("zoom.get_user_settings") {
        true => sampled(engine, connection, &users).await?,
        false => None,
    };
    Ok(Found { role: role(&refused, known), recording })
}

fn role(refused: &[String], known: u64) -> Checked {
    if !refused.is_empty() {
        return bad(&Fault::failed(format!("it lacks {}", refused.join(", "))).hint(
            "let the role of the app's owner view users, recordings and usage reports (Zoom: User \
             Management, Roles)",
        ));
    }
    match known {
        0 => good("not known: nothing could be asked".to_owned()),
        _ => good("may read what was asked".to_owned()),
    }
}

fn records(operation: &str, page: &Page) -> Vec<Value> {
    let operation = watershed_zoom::catalogue().operation(operation);
    operation.map(|operation| watershed_zoom::items(operation, &page.rows)).unwrap_or_default()
}

/// `None` where nobody's settings could be read.
async fn sampled(
    engine: &Engine,
    connection: &ConnectionName,
    users: &[Value],
) -> Result<Option<RecordingCheck>, Error> {
    let mut settings = Vec::new();
    for id in spread(users) {
        let with = Map::from_iter([("user_id".to_owned(), Value::from(id))]);
        let answer = engine.question(connection, "zoom.get_user_settings", &with).await?;
        if let Some(Verdict::Data(page)) = answer {
            settings.extend(records("zoom.get_user_settings", &page));
        }
    }
    Ok((!settings.is_empty()).then(|| judged(&settings)))
}

/// A few users who are licensed, spread over all that were listed; without any, of all.
fn spread(users: &[Value]) -> Vec<&str> {
    let licensed: Vec<&Value> = users.iter().filter(|user| user["type"] == 2).collect();
    let from = if licensed.is_empty() { users.iter().collect() } else { licensed };
    let step = from.len().div_ceil(SAMPLE).max(1);
    from.into_iter().step_by(step).filter_map(|user| user["id"].as_str()).collect()
}

fn judged(settings: &[Value]) -> RecordingCheck {
    let on = |switch: &str| {
        settings.iter().filter(|of_one| of_one["recording"][switch] == true).count() as u64
    };
    let sampled = settings.len() as u64;
    let cloud_recording = on("cloud_recording");
    let (transcripts, auto_delete) = (on("recording_audio_transcript"), on("auto_delete_cmr"));
    let mut found = format!(
        "of {sampled} users sampled {cloud_recording} record to the cloud, {transcripts} with \
         transcripts"
    );
    if auto_delete > 0 {
        found.push_str(&format!("; recordings of {auto_delete} are deleted after a while"));
    }
    let hint = match (cloud_recording, transcripts) {
        (0, _) => Some(
            "switch cloud recording on in the account's settings: what is not recorded \
                        cannot be fetched",
        ),
        (_, 0) => Some(
            "switch audio transcripts on in the account's settings: Zoom makes none for \
                        what was recorded before",
        ),
        _ => None,
    };
    RecordingCheck {
        ok: hint.is_none(),
        sampled,
        cloud_recording,
        transcripts,
        auto_delete,
        found,
        hint: hint.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: usize, kind: i64) -> Value {
        json!({ "id": format!("u{number}"), "type": kind })
    }

    #[test]
    fn the_sample_is_a_few_licensed_users_from_first_to_last() {
        let users: Vec<Value> = (0..100).map(|n| user(n, if n % 2 == 0 { 2 } else { 1 })).collect();
        assert_eq!(spread(&users), ["u0", "u20", "u40", "u60", "u80"]);
        assert_eq!(spread(&users[..2]), ["u0"]);
        assert_eq!(spread(&[user(7, 1)]), ["u7"], "nobody is licensed");
        assert_eq!(spread(&[]), [""; 0]);
    }

    #[test]
    fn what_is_switched_off_for_all_is_told_with_the_way_to_switch_it_on() {
        let of = |cloud: bool, transcript: bool| {
            let recording = json!({ "cloud_recording": cloud,
                "recording_audio_transcript": transcript, "auto_delete_cmr": false });
            judged(&[json!({ "recording": recording }), json!({ "recording": {} })])
        };
        assert!(of(true, true).ok);
        assert_eq!(
            of(true, true).found,
            "of 2 users sampled 1 record to the cloud, 1 with transcripts"
        );
        let hint = |check: RecordingCheck| check.hint.expect("a hint");
        assert!(hint(of(false, true)).contains("cloud recording"));
        assert!(hint(of(true, false)).contains("audio transcripts"));
    }

    #[test]
    fn a_role_that_lacks_a_privilege_is_told_with_the_privilege() {
        let refused = role(&["Usage Reports: view (No permission.)".to_owned()], 3);
        assert!(!refused.ok && refused.found.contains("Usage Reports: view"), "{refused:?}");
        assert!(role(&[], 3).ok);
    }
}
