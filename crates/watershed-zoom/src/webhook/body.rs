//! What of a body is kept.

use serde_json::Value;

use crate::secrets::{SECRET_MEMBERS, retain_members};

/// Secret in a webhook alone: beside those of records.
const SECRETS: [&str; 3] = ["download_token", "encryptedToken", "plainToken"];

/// All that is kept where a connection redacts anything: what says which thing it was, and when.
/// Names of events' members are not those of datasets, so no rule speaks of them. Sorted.
const FACTS: [&str; 35] = [
    "account_id",
    "duration",
    "end_time",
    "event",
    "event_ts",
    "file_extension",
    "file_id",
    "file_size",
    "file_type",
    "host_id",
    "id",
    "meeting_id",
    "meeting_uuid",
    "meeting_uuids",
    "meetings",
    "object",
    "occurrence_id",
    "occurrences",
    "operation",
    "participant",
    "participant_uuid",
    "payload",
    "recording_count",
    "recording_end",
    "recording_file",
    "recording_file_ids",
    "recording_files",
    "recording_start",
    "recording_type",
    "scope",
    "start_time",
    "status",
    "type",
    "user_id",
    "uuid",
];

/// Cuts a body down to what is kept of it.
pub(super) fn keep(body: &mut Value, redacted: bool) {
    retain_members(body, |name| {
        !SECRET_MEMBERS.contains(&name)
            && !SECRETS.contains(&name)
            && (!redacted || FACTS.binary_search(&name).is_ok())
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_sorted_so_that_the_search_finds_them_and_no_fact_is_secret() {
        assert!(FACTS.is_sorted());
        for secret in SECRET_MEMBERS.iter().chain(&SECRETS) {
            assert!(FACTS.binary_search(secret).is_err(), "{secret}");
        }
    }

    #[test]
    fn secrets_go_at_any_depth() {
        let mut body = json!({
            "event": "recording.completed", "download_token": "t",
            "payload": { "object": { "topic": "Weekly", "password": "p", "recording_files": [
                { "id": "f", "play_url": "u", "download_url": "u", "download_token": "t" },
            ] } },
        });
        keep(&mut body, false);
        let expected = json!({
            "event": "recording.completed",
            "payload": { "object": { "topic": "Weekly", "recording_files": [{ "id": "f" }] } },
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn where_anything_is_redacted_nothing_stays_that_names_a_person() {
        let mut body = json!({
            "event": "meeting.participant_joined", "event_ts": 1,
            "payload": { "account_id": "a", "operator": "ana@example.com", "object": {
                "id": "7", "uuid": "u==", "topic": "About Ana", "host_email": "ana@example.com",
                "participant": { "id": "p", "user_name": "Ana", "email": "ana@example.com" },
            } },
        });
        keep(&mut body, true);
        let text = body.to_string();
        assert!(!text.to_lowercase().contains("ana"), "{text}");
        assert_eq!(body["payload"]["object"]["participant"], json!({ "id": "p" }));
        assert_eq!(body["payload"]["object"]["uuid"], "u==");
    }
}
