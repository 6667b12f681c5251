//! What is known of each event: one constant row.

/// The event that asks whether the secret is known here.
pub const CHALLENGE: &str = "endpoint.url_validation";

/// What an event is about, and so where its ids stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// A meeting; one that was held has a uuid.
    Meeting,
    /// The recording of a held meeting, with its files.
    Recording,
    /// Several recordings, by the uuids of their meetings.
    Recordings,
    /// A transcript outside the recording.
    Transcript,
    /// A user.
    User,
}

/// An event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRow {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub object: Object,
    /// The scope that the app needs for it.
    pub scope: &'static str,
    /// What it tells.
    pub tells: &'static str,
    /// Where all of this is from.
    pub source: &'static str,
}

const fn event(
    name: &'static str,
    object: Object,
    scope: &'static str,
    tells: &'static str,
    source: &'static str,
) -> EventRow {
    EventRow { name, object, scope, tells, source }
}

const MEETING: &str = "meeting:read:meeting:admin";
const PARTICIPANT: &str = "meeting:read:participant:admin";
const SUMMARY: &str = "meeting:read:summary:admin";
const RECORDING: &str = "cloud_recording:read:recording:admin";
const USER: &str = "user:read:user:admin";
const SETTINGS: &str = "user:read:settings:admin";

const SPEC: &str = "Zoom webhook reference, Meetings (OpenAPI 2026-08), checked 2026-11-24";
/// The scopes of these were seen nowhere; the ones here are those of the calls that show the same.
const TYPES: &str = "event types of Zoom's own client library, checked 2026-11-24";

/// Every event that means something here. Others are kept and counted all the same.
pub static EVENTS: &[EventRow] = &[
    event("meeting.started", Object::Meeting, MEETING, "a meeting began", SPEC),
    event(
        "meeting.ended",
        Object::Meeting,
        MEETING,
        "a meeting ended: attendance comes some minutes later",
        SPEC,
    ),
    event("meeting.created", Object::Meeting, MEETING, "a meeting was scheduled", SPEC),
    event(
        "meeting.updated",
        Object::Meeting,
        MEETING,
        "a meeting was changed (Pro and above)",
        SPEC,
    ),
    event(
        "meeting.deleted",
        Object::Meeting,
        MEETING,
        "a meeting, or single occurrences of it, were cancelled (Pro and above)",
        SPEC,
    ),
    event("meeting.participant_joined", Object::Meeting, PARTICIPANT, "somebody joined", SPEC),
    event("meeting.participant_left", Object::Meeting, PARTICIPANT, "somebody left", SPEC),
    event(
        "meeting.aic_transcript_completed",
        Object::Transcript,
        SUMMARY,
        "the AI Companion's transcript is there",
        SPEC,
    ),
    event("recording.started", Object::Recording, RECORDING, "recording to the cloud began", SPEC),
    event("recording.paused", Object::Recording, RECORDING, "it paused", SPEC),
    event("recording.resumed", Object::Recording, RECORDING, "it went on", SPEC),
    event(
        "recording.stopped",
        Object::Recording,
        RECORDING,
        "it ended: the files are made now",
        SPEC,
    ),
    event(
        "recording.completed",
        Object::Recording,
        RECORDING,
        "the files of a recording are there; some may be in the making",
        SPEC,
    ),
    event(
        "recording.transcript_completed",
        Object::Recording,
        RECORDING,
        "the transcript of a recording is there",
        SPEC,
    ),
    event("recording.renamed", Object::Recording, RECORDING, "a recording got another topic", SPEC),
    event(
        "recording.trashed",
        Object::Recording,
        RECORDING,
        "a recording, or files of it, went to the trash",
        SPEC,
    ),
    event("recording.recovered", Object::Recording, RECORDING, "it came back from there", SPEC),
    event("recording.deleted", Object::Recording, RECORDING, "it was deleted for good", SPEC),
    event(
        "recording.batch_trashed",
        Object::Recordings,
        RECORDING,
        "all recordings of a user or of the account went to the trash",
        SPEC,
    ),
    event(
        "recording.batch_recovered",
        Object::Recordings,
        RECORDING,
        "several recordings came back from there",
        SPEC,
    ),
    event(
        "recording.batch_deleted",
        Object::Recordings,
        RECORDING,
        "several recordings were deleted for good",
        SPEC,
    ),
    event("user.created", Object::User, USER, "somebody was added", TYPES),
    event("user.updated", Object::User, USER, "a user's data changed", TYPES),
    event("user.activated", Object::User, USER, "a user was activated", TYPES),
    event("user.deactivated", Object::User, USER, "a user was deactivated", TYPES),
    event("user.deleted", Object::User, USER, "a user was deleted", TYPES),
    event(
        "user.disassociated",
        Object::User,
        USER,
        "a user left the account and kept his own",
        TYPES,
    ),
    event("user.settings_updated", Object::User, SETTINGS, "a user's settings changed", TYPES),
];

/// The row of the event of this name.
pub fn event_row(name: &str) -> Option<&'static EventRow> {
    EVENTS.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_each_has_its_source() {
        let names: BTreeSet<_> = EVENTS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), EVENTS.len());
        for row in EVENTS {
            assert!(row.source.contains("checked"), "{}", row.name);
            assert!(!row.tells.is_empty() && row.scope.ends_with(":admin"), "{}", row.name);
            let family = row.name.split('.').next();
            assert_eq!(family == Some("user"), row.object == Object::User, "{}", row.name);
        }
        assert!(event_row(CHALLENGE).is_none(), "a challenge is no event");
    }
}
