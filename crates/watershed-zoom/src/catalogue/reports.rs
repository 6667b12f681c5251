//! Reports: authoritative, heavy.

use watershed_model::{Category, Dataset, Lifetime, Operation, Paging, Record};

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
