//! Answers that were not there yet when they were asked for. No call: coverage is asked.

use watershed_model::{Dataset, Kind, Lifetime, Operation, Paging, Record};

use super::macros::fields;

static LATE: Record = Record {
    name: "late answer",
    fields: fields![operation: Text, instance_uuid: Text, user_id: Text, from: Date, to: Date],
};

/// They stand in coverage alone: no table is made of them.
static ANSWERS: Dataset = Dataset { name: "late_answers", record: &LATE, asked: &[] };

pub(super) static LATE_ANSWERS: Operation = Operation {
    id: "watershed.late_answers",
    summary: "What was not there yet when it was asked for, and may be by now.",
    kind: Kind::Waiting,
    path: "",
    scopes: &[],
    classic_scopes: &[],
    category: None,
    params: &[],
    paging: Paging::None,
    rows_in: None,
    record: &LATE,
    dataset: &ANSWERS,
    lifetime: Lifetime::Living,
    start_field: None,
    version: 1,
    source: "what coverage says",
};
