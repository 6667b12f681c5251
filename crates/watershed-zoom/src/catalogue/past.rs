//! What was held: instances, their summary, who was there.

use watershed_model::{Category, Dataset, Kind, Lifetime, Operation, Paging, Record};

use super::macros::{fields, params};

static INSTANCE: Record =
    Record { name: "past instance", fields: fields![uuid: Text, start_time: Time] };

pub(super) static PAST_INSTANCES: Dataset =
    Dataset { name: "past_instances", record: &INSTANCE, asked: fields![meeting_id: Int] };

pub(super) static LIST_PAST_INSTANCES: Operation = Operation {
    id: "zoom.list_past_instances",
    summary: "Ended instances of a meeting, up to 15 months back.",
    kind: Kind::Call,
    path: "/past_meetings/{meetingId}/instances",
    scopes: &["meeting:read:list_past_instances:admin"],
    classic_scopes: &["meeting:read:admin", "meeting:master"],
    category: Some(Category::Medium),
    params: params![meeting_id => "meetingId": Int, Path, required],
    paging: Paging::None,
    rows_in: Some("meetings"),
    record: &INSTANCE,
    dataset: &PAST_INSTANCES,
    lifetime: Lifetime::Living,
    start_field: Some("start_time"),
    version: 1,
    source: "Zoom API reference, Meetings: List past meeting instances (OpenAPI 2026-08), \
             checked 2026-11-24",
};

static PAST_MEETING: Record = Record {
    name: "past meeting",
    fields: fields![
        uuid: Text,
        id: Int,
        host_id: Text,
        type: Int,
        topic: Text,
        user_name: Text,
        user_email: Text,
        dept: Text,
        start_time: Time,
        end_time: Time,
        duration: Int,
        total_minutes: Int,
        participants_count: Int,
        source: Text,
        has_meeting_summary: Bool,
    ],
};

pub(crate) static PAST_MEETINGS: Dataset =
    Dataset { name: "past_meetings", record: &PAST_MEETING, asked: &[] };

pub(super) static GET_PAST_MEETING: Operation = Operation {
    id: "zoom.get_past_meeting",
    summary: "One ended instance, up to a year back, with how many were there.",
    kind: Kind::Call,
    path: "/past_meetings/{meetingUUID}",
    scopes: &["meeting:read:past_meeting:admin"],
    classic_scopes: &["meeting:read:admin", "meeting:master"],
    category: Some(Category::Light),
    params: params![
        uuid => "meetingUUID": Text, PathUuid, required;
        ended_at => "ended_at": Text, Hint, optional;
    ],
    paging: Paging::None,
    rows_in: None,
    record: &PAST_MEETING,
    dataset: &PAST_MEETINGS,
    lifetime: Lifetime::Settled,
    start_field: Some("start_time"),
    version: 1,
    source: "Zoom API reference, Meetings: Get past meeting details (OpenAPI 2026-08), \
             checked 2026-11-24",
};

static PARTICIPANT: Record = Record {
    name: "past participant",
    fields: fields![
        id: Text,
        user_id: Text,
        name: Text,
        user_email: Text,
        join_time: Time,
        leave_time: Time,
        duration: Int,
        status: Text,
        failover: Bool,
        registrant_id: Text,
        internal_user: Bool,
    ],
};

pub(crate) static PAST_PARTICIPANTS: Dataset = Dataset {
    name: "past_participants",
    record: &PARTICIPANT,
    asked: fields![instance_uuid: Text],
};

pub(super) static LIST_PAST_PARTICIPANTS: Operation = Operation {
    id: "zoom.list_past_participants",
    summary: "Who was there, in a list that costs no day's budget; up to 15 months back.",
    kind: Kind::Call,
    path: "/past_meetings/{meetingUUID}/participants",
    scopes: &["meeting:read:list_past_participants:admin"],
    classic_scopes: &["meeting:read:admin", "meeting:master"],
    category: Some(Category::Medium),
    params: params![
        uuid => "meetingUUID": Text, PathUuid, required;
        ended_at => "ended_at": Text, Hint, optional;
        participants_count => "participants_count": Int, Hint, optional;
    ],
    paging: Paging::Token { page_size: super::PAGE_SIZE },
    rows_in: Some("participants"),
    record: &PARTICIPANT,
    dataset: &PAST_PARTICIPANTS,
    lifetime: Lifetime::Settled,
    start_field: None,
    version: 1,
    source: "Zoom API reference, Meetings: Get past meeting participants (OpenAPI 2026-08), \
             checked 2026-11-24",
};
