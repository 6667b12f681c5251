//! Meetings as they are scheduled.

use watershed_model::{Category, Dataset, Lifetime, Operation, Paging, Record};

use super::macros::{fields, params};

static MEETING: Record = Record {
    name: "meeting",
    fields: fields![
        id: Int,
        uuid: Text,
        host_id: Text,
        topic: Text,
        type: Int,
        start_time: Time,
        duration: Int,
        timezone: Text,
        created_at: Time,
        agenda: Text,
        join_url: Text,
        pmi: Text;
        secret start_url: Text, password: Text,
    ],
};

pub(super) static MEETINGS: Dataset =
    Dataset { name: "meetings", record: &MEETING, asked: fields![user_id: Text] };

pub(super) static LIST_MEETINGS: Operation = Operation {
    id: "zoom.list_meetings",
    summary: "Meetings that a user scheduled. Never instant ones, never expired ones.",
    path: "/users/{userId}/meetings",
    scopes: &["meeting:read:list_meetings:admin", "meeting:read:list_meetings:master"],
    classic_scopes: &["meeting:read:admin", "meeting:master"],
    category: Some(Category::Medium),
    params: params![
        user_id => "userId": Text, Path, required;
        type => "type": OneOf(&[
            "scheduled", "live", "upcoming", "upcoming_meetings", "previous_meetings",
        ]), Choose, optional;
        from => "from": Date, Window, optional;
        to => "to": Date, Window, optional;
    ],
    paging: Paging::Token { page_size: super::PAGE_SIZE },
    rows_in: Some("meetings"),
    record: &MEETING,
    dataset: &MEETINGS,
    lifetime: Lifetime::Living,
    start_field: None,
    version: 1,
    source: "Zoom API reference, Meetings: List meetings (OpenAPI 2026-08), checked 2026-11-24",
};
