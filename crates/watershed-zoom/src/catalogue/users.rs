//! Users.

use watershed_model::{Category, Dataset, Lifetime, Operation, Paging, Record};

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
