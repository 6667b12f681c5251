//! Events of webhooks, as they lie in the inbox. No call: the inbox is read.

use watershed_model::{Dataset, Kind, Lifetime, Operation, Paging, Record};

use super::macros::{fields, params};

static EVENT: Record = Record {
    name: "event",
    fields: fields![
        key: Text,
        name: Text,
        at: Time,
        meeting_id: Int,
        uuid: Text,
        host_id: Text,
        user_id: Text,
    ],
};

/// They are kept in the inbox alone: no table is made of them.
static EVENTS: Dataset = Dataset { name: "events", record: &EVENT, asked: &[] };

pub(super) static OF_A_DAY: Operation = Operation {
    id: "watershed.events",
    summary: "What webhooks bring, as it comes, until the day is over.",
    kind: Kind::Events,
    path: "",
    scopes: &[],
    classic_scopes: &[],
    category: None,
    params: params![day => "": Date, Hint, required],
    paging: Paging::None,
    rows_in: None,
    record: &EVENT,
    dataset: &EVENTS,
    lifetime: Lifetime::Living,
    start_field: None,
    version: 1,
    source: "the inbox of the dataset ([webhooks.md](webhooks.md))",
};
