//! Reports: authoritative, heavy.

use watershed_model::{Category, Dataset, Kind, Lifetime, Operation, Paging, Record};

use super::macros::{fields, params};

static REPORT_PARTICIPANT: Record = Record {
    name: "report participant",
    fields: fields![
        id: Text,
        participant_user_id: Text,
        user_id: Text,
        name: Text,
        user_email: Text,
        join_time: Time,
        leave_time: Time,
        duration: Int,
        status: Text,
        failover: Bool,
        registrant_id: Text,
        customer_key: Text,
        bo_mtg_id: Text,
    ],
};

pub(crate) static REPORT_PARTICIPANTS_ROWS: Dataset = Dataset {
    name: "report_participants",
    record: &REPORT_PARTICIPANT,
    asked: fields![instance_uuid: Text],
};

pub(super) static REPORT_PARTICIPANTS: Operation = Operation {
    id: "zoom.report_participants",
    summary: "Who was there, authoritative; about a year back; two participants at least.",
    kind: Kind::Call,
    path: "/report/meetings/{meetingUUID}/participants",
    scopes: &[
        "report:read:list_meeting_participants:admin",
        "report:read:list_meeting_participants:master",
    ],
    classic_scopes: &["report:read:admin", "report:master"],
    category: Some(Category::Heavy),
    params: params![
        uuid => "meetingUUID": Text, PathUuid, required;
        ended_at => "ended_at": Text, Hint, optional;
        participants_count => "participants_count": Int, Hint, optional;
    ],
    paging: Paging::Token { page_size: super::PAGE_SIZE },
    rows_in: Some("participants"),
    record: &REPORT_PARTICIPANT,
    dataset: &REPORT_PARTICIPANTS_ROWS,
    lifetime: Lifetime::Settled,
    start_field: None,
    version: 1,
    source: "Zoom API reference, Reports: Get meeting participant reports (OpenAPI 2026-08), \
             checked 2026-11-24",
};

static CUSTOM_KEY: Record = Record { name: "custom key", fields: fields![key: Text, value: Text] };

static TRACKING_FIELD: Record =
    Record { name: "tracking field of a report", fields: fields![field: Text, value: Text] };

static MEETING_REPORT: Record = Record {
    name: "report of a meeting",
    fields: fields![
        uuid: Text,
        id: Int,
        topic: Text,
        type: Int,
        user_name: Text,
        user_email: Text,
        dept: Text,
        start_time: Time,
        end_time: Time,
        duration: Int,
        total_minutes: Int,
        participants_count: Int,
        custom_keys: List(&CUSTOM_KEY),
        tracking_fields: List(&TRACKING_FIELD),
    ],
};

pub(super) static REPORT_MEETINGS: Dataset =
    Dataset { name: "report_meetings", record: &MEETING_REPORT, asked: &[] };

pub(super) static REPORT_MEETING: Operation = Operation {
    id: "zoom.report_meeting",
    summary: "One ended instance as reported; about a year back. More than zoom.get_past_meeting \
              tells are tracking fields and custom keys alone.",
    kind: Kind::Call,
    path: "/report/meetings/{meetingUUID}",
    scopes: &["report:read:meeting:admin", "report:read:meeting:master"],
    classic_scopes: &["report:read:admin", "report:master"],
    category: Some(Category::Heavy),
    params: params![
        uuid => "meetingUUID": Text, PathUuid, required;
        ended_at => "ended_at": Text, Hint, optional;
    ],
    paging: Paging::None,
    rows_in: None,
    record: &MEETING_REPORT,
    dataset: &REPORT_MEETINGS,
    lifetime: Lifetime::Settled,
    start_field: Some("start_time"),
    version: 1,
    source: "Zoom API reference, Reports: Get meeting detail reports (OpenAPI 2026-08), checked \
             2026-11-24",
};
