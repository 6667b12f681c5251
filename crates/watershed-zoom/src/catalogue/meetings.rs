//! Meetings as they are scheduled: the list, the details, the invitation.

use watershed_model::{Category, Dataset, Kind, Lifetime, Operation, Paging, Record};

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
    kind: Kind::Call,
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

static OCCURRENCE: Record = Record {
    name: "occurrence",
    fields: fields![occurrence_id: Text, start_time: Time, duration: Int, status: Text],
};

static RECURRENCE: Record = Record {
    name: "recurrence",
    fields: fields![
        type: Int,
        repeat_interval: Int,
        weekly_days: Text,
        monthly_day: Int,
        monthly_week: Int,
        monthly_week_day: Int,
        end_times: Int,
        end_date_time: Time,
    ],
};

static TRACKING_FIELD: Record =
    Record { name: "tracking field", fields: fields![field: Text, value: Text, visible: Bool] };

/// Its switches have no column of their own: the column holds them all.
static MEETING_SETTINGS: Record = Record { name: "settings of a meeting", fields: &[] };

static MEETING_DETAIL: Record = Record {
    name: "details of a meeting",
    fields: fields![
        id: Int,
        uuid: Text,
        host_id: Text,
        host_email: Text,
        assistant_id: Text,
        topic: Text,
        type: Int,
        status: Text,
        start_time: Time,
        duration: Int,
        timezone: Text,
        created_at: Time,
        agenda: Text,
        join_url: Text,
        registration_url: Text,
        chat_join_url: Text,
        pmi: Text,
        pre_schedule: Bool,
        creation_source: Text,
        template_id: Text,
        sensitivity_label_id: Text,
        occurrences: List(&OCCURRENCE),
        recurrence: Object(&RECURRENCE),
        tracking_fields: List(&TRACKING_FIELD),
        settings: Object(&MEETING_SETTINGS);
        secret start_url: Text, password: Text, encrypted_password: Text, pstn_password: Text,
            h323_password: Text, dynamic_host_key: Text,
    ],
};

pub(super) static MEETING_DETAILS: Dataset =
    Dataset { name: "meeting_details", record: &MEETING_DETAIL, asked: &[] };

pub(super) static GET_MEETING: Operation = Operation {
    id: "zoom.get_meeting",
    summary: "One scheduled meeting, until its id lapses: 30 days after its last use, of a \
              recurring one a year.",
    kind: Kind::Call,
    path: "/meetings/{meetingId}",
    scopes: &["meeting:read:meeting:admin", "meeting:read:meeting:master"],
    classic_scopes: &["meeting:read:admin", "meeting:master"],
    category: Some(Category::Light),
    params: params![
        meeting_id => "meetingId": Int, Path, required;
        show_previous_occurrences => "show_previous_occurrences": Bool, Query, optional;
        missing => "": Bool, Hint, optional;
    ],
    paging: Paging::None,
    rows_in: None,
    record: &MEETING_DETAIL,
    dataset: &MEETING_DETAILS,
    lifetime: Lifetime::Living,
    start_field: None,
    version: 1,
    source: "Zoom API reference, Meetings: Get a meeting (OpenAPI 2026-08), checked 2026-11-24",
};

static INVITATION: Record =
    Record { name: "invitation", fields: fields![invitation: Text, sip_links: TextList] };

pub(super) static MEETING_INVITATIONS: Dataset =
    Dataset { name: "meeting_invitations", record: &INVITATION, asked: fields![meeting_id: Int] };

pub(super) static GET_INVITATION: Operation = Operation {
    id: "zoom.get_invitation",
    summary: "The text that invites to a meeting, with passcode and numbers to dial.",
    kind: Kind::Call,
    path: "/meetings/{meetingId}/invitation",
    scopes: &["meeting:read:invitation:admin", "meeting:read:invitation:master"],
    classic_scopes: &["meeting:read:admin", "meeting:master"],
    category: Some(Category::Light),
    params: params![meeting_id => "meetingId": Int, Path, required],
    paging: Paging::None,
    rows_in: None,
    record: &INVITATION,
    dataset: &MEETING_INVITATIONS,
    lifetime: Lifetime::Living,
    start_field: None,
    version: 1,
    source: "Zoom API reference, Meetings: Get meeting invitation (OpenAPI 2026-08), checked \
             2026-11-24",
};
