//! Users, each one's own record, and settings.

use watershed_model::{Category, Dataset, Kind, Lifetime, Operation, Paging, Record};

use super::macros::{fields, params};

static CUSTOM_ATTRIBUTE: Record =
    Record { name: "custom attribute", fields: fields![key: Text, name: Text, value: Text] };

static LICENSE: Record = Record {
    name: "license",
    fields: fields![license_type: Text, license_option: Int, subscription_id: Text],
};

static USER: Record = Record {
    name: "user",
    fields: fields![
        id: Text,
        email: Text,
        first_name: Text,
        last_name: Text,
        display_name: Text,
        type: Int,
        status: Text,
        pmi: Int,
        timezone: Text,
        dept: Text,
        verified: Int,
        created_at: Time,
        user_created_at: Time,
        last_login_time: Time,
        last_client_version: Text,
        role_id: Text,
        group_ids: TextList,
        im_group_ids: TextList,
        division_ids: TextList,
        employee_unique_id: Text,
        plan_united_type: Text,
        login_types: IntList,
        custom_attributes: List(&CUSTOM_ATTRIBUTE),
        license_info_list: List(&LICENSE);
        secret host_key: Text,
    ],
};

pub(super) static USERS: Dataset = Dataset { name: "users", record: &USER, asked: &[] };

pub(super) static LIST_USERS: Operation = Operation {
    id: "zoom.list_users",
    summary: "Users of the account in one status.",
    kind: Kind::Call,
    path: "/users",
    scopes: &["user:read:list_users:admin", "user:read:list_users:master"],
    classic_scopes: &["user:read:admin", "user:master"],
    category: Some(Category::Medium),
    params: params![
        status => "status": OneOf(&["active", "inactive", "pending"]), Choose, optional;
    ],
    paging: Paging::Token { page_size: super::PAGE_SIZE },
    rows_in: Some("users"),
    record: &USER,
    dataset: &USERS,
    lifetime: Lifetime::Living,
    start_field: None,
    version: 1,
    source: "Zoom API reference, Users: List users (OpenAPI 2026-08), checked 2026-11-24",
};

static PHONE_NUMBER: Record = Record {
    name: "phone number",
    fields: fields![code: Text, country: Text, label: Text, number: Text, verified: Bool],
};

static USER_DETAIL: Record = Record {
    name: "user's own record",
    fields: fields![
        id: Text,
        email: Text,
        first_name: Text,
        last_name: Text,
        display_name: Text,
        type: Int,
        status: Text,
        pmi: Int,
        use_pmi: Bool,
        timezone: Text,
        dept: Text,
        verified: Int,
        created_at: Time,
        user_created_at: Time,
        last_login_time: Time,
        last_client_version: Text,
        account_id: Text,
        account_number: Int,
        role_id: Text,
        role_name: Text,
        group_ids: TextList,
        im_group_ids: TextList,
        division_ids: TextList,
        employee_unique_id: Text,
        plan_united_type: Text,
        zoom_one_type: Int,
        login_types: IntList,
        job_title: Text,
        company: Text,
        cost_center: Text,
        location: Text,
        manager: Text,
        language: Text,
        phone_numbers: List(&PHONE_NUMBER),
        phone_number: Text,
        phone_country: Text,
        personal_meeting_url: Text,
        vanity_url: Text,
        pic_url: Text,
        pronouns: Text,
        pronouns_option: Int,
        jid: Text,
        cms_user_id: Text,
        cluster: Text,
        custom_attributes: List(&CUSTOM_ATTRIBUTE),
        license_info_list: List(&LICENSE);
        secret host_key: Text,
    ],
};

pub(super) static USER_DETAILS: Dataset =
    Dataset { name: "user_details", record: &USER_DETAIL, asked: &[] };

pub(super) static GET_USER: Operation = Operation {
    id: "zoom.get_user",
    summary: "One user: what the list tells, and role, job, manager, phone numbers.",
    kind: Kind::Call,
    path: "/users/{userId}",
    scopes: &["user:read:user:admin", "user:read:user:master"],
    classic_scopes: &["user:read:admin", "user:master"],
    category: Some(Category::Light),
    params: params![
        user_id => "userId": Text, Path, required;
        missing => "": Bool, Hint, optional;
    ],
    paging: Paging::None,
    rows_in: None,
    record: &USER_DETAIL,
    dataset: &USER_DETAILS,
    lifetime: Lifetime::Living,
    start_field: None,
    version: 1,
    source: "Zoom API reference, Users: Get a user (OpenAPI 2026-08), checked 2026-11-24",
};

/// A section whose switches have no column of their own: there are some 250, and the section's
/// column holds them all.
static SECTION: Record = Record { name: "section of settings", fields: &[] };

/// The switches that decide what there will be to fetch.
static RECORDING_SECTION: Record = Record {
    name: "settings of recording",
    fields: fields![
        cloud_recording: Bool,
        local_recording: Bool,
        auto_recording: Text,
        record_audio_file: Bool,
        recording_audio_transcript: Bool,
        save_chat_text: Bool,
        save_close_caption: Bool,
        auto_delete_cmr: Bool,
        auto_delete_cmr_days: Int,
    ],
};

static SETTINGS: Record = Record {
    name: "settings of a user",
    fields: fields![
        audio_conferencing: Object(&SECTION),
        email_notification: Object(&SECTION),
        feature: Object(&SECTION),
        in_meeting: Object(&SECTION),
        profile: Object(&SECTION),
        recording: Object(&RECORDING_SECTION),
        schedule_meeting: Object(&SECTION),
        telephony: Object(&SECTION),
        tsp: Object(&SECTION),
        whiteboard: Object(&SECTION),
        general_setting: Object(&SECTION),
    ],
};

pub(super) static USER_SETTINGS: Dataset =
    Dataset { name: "user_settings", record: &SETTINGS, asked: fields![user_id: Text] };

pub(super) static GET_USER_SETTINGS: Operation = Operation {
    id: "zoom.get_user_settings",
    summary: "Settings of one user. What the account has locked is not told.",
    kind: Kind::Call,
    path: "/users/{userId}/settings",
    scopes: &["user:read:settings:admin", "user:read:settings:master"],
    classic_scopes: &["user:read:admin", "user:master"],
    category: Some(Category::Medium),
    params: params![user_id => "userId": Text, Path, required],
    paging: Paging::None,
    rows_in: None,
    record: &SETTINGS,
    dataset: &USER_SETTINGS,
    lifetime: Lifetime::Living,
    start_field: None,
    version: 1,
    source: "Zoom API reference, Users: Get user settings (OpenAPI 2026-08), checked 2026-11-24",
};
