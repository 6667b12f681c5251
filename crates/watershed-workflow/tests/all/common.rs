//! A small catalogue with the shapes of the real one, and how tests use the compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use watershed_model::{
    Catalogue, Category, Dataset, Field, FieldType, Kind, Lifetime, Operation, Paging, Param,
    ParamPlace, ParamType, Record, StepId,
};
use watershed_workflow::{Compiled, Program, RunContext, compile};

const fn field(name: &'static str, ty: FieldType) -> Field {
    Field { name, ty, secret: false }
}

const fn secret(name: &'static str) -> Field {
    Field { name, ty: Text, secret: true }
}

const fn param(name: &'static str, ty: ParamType, place: ParamPlace) -> Param {
    Param { name, wire: name, ty, place, required: true }
}

const fn optional(name: &'static str, ty: ParamType, place: ParamPlace) -> Param {
    Param { name, wire: name, ty, place, required: false }
}

use FieldType::{Bool, Int, Text, TextList, Time};

static ATTRIBUTE: Record =
    Record { name: "attribute", fields: &[field("key", Text), field("value", Text)] };

static USER: Record = Record {
    name: "user",
    fields: &[
        field("id", Text),
        field("email", Text),
        field("status", Text),
        field("type", Int),
        field("created_at", Time),
        field("group_ids", TextList),
        field("custom_attributes", FieldType::List(&ATTRIBUTE)),
        secret("host_key"),
    ],
};

static MEETING: Record = Record {
    name: "meeting",
    fields: &[
        field("id", Int),
        field("uuid", Text),
        field("topic", Text),
        field("type", Int),
        field("start_time", Time),
        secret("join_url"),
    ],
};

static DETAIL: Record = Record {
    name: "details",
    fields: &[
        field("id", Int),
        field("uuid", Text),
        field("status", Text),
        field("host_email", Text),
    ],
};

static SETTINGS: Record =
    Record { name: "settings", fields: &[field("recording", FieldType::Object(&ATTRIBUTE))] };

static INSTANCE: Record =
    Record { name: "past instance", fields: &[field("uuid", Text), field("start_time", Time)] };

static PAST: Record = Record {
    name: "past meeting",
    fields: &[
        field("uuid", Text),
        field("id", Int),
        field("topic", Text),
        field("type", Int),
        field("start_time", Time),
        field("end_time", Time),
        field("participants_count", Int),
        field("has_meeting_summary", Bool),
    ],
};

static PARTICIPANT: Record = Record {
    name: "participant",
    fields: &[
        field("id", Text),
        field("user_id", Text),
        field("name", Text),
        field("join_time", Time),
        field("duration", Int),
    ],
};

static FILE: Record = Record {
    name: "recording file",
    fields: &[
        field("id", Text),
        field("meeting_id", Text),
        field("file_type", Text),
        field("file_size", FieldType::Double),
        field("recording_start", Time),
        field("status", Text),
        secret("download_url"),
    ],
};

/// What a download needs of a file.
static FILE_REF: Record = Record {
    name: "recording file",
    fields: &[
        field("id", Text),
        field("meeting_id", Text),
        field("file_type", Text),
        field("recording_start", Time),
    ],
};

static RECORDING: Record = Record {
    name: "recording",
    fields: &[
        field("uuid", Text),
        field("id", Int),
        field("host_id", Text),
        field("type", Int),
        field("start_time", Time),
        field("recording_files", FieldType::List(&FILE)),
        field("settings", FieldType::Object(&ATTRIBUTE)),
    ],
};

static LATE: Record = Record {
    name: "late answer",
    fields: &[
        field("operation", Text),
        field("instance_uuid", Text),
        field("user_id", Text),
        field("from", FieldType::Date),
        field("to", FieldType::Date),
    ],
};

static CUE: Record = Record { name: "cue", fields: &[field("text", Text)] };

macro_rules! operation {
    ($name:ident, $id:literal, $record:ident, $category:expr, $start:expr, [$($param:expr),*]) => {
        static $name: Operation = Operation {
            id: $id,
            summary: "",
            kind: Kind::Call,
            path: "",
            scopes: &[],
            classic_scopes: &[],
            category: $category,
            params: &[$($param),*],
            paging: Paging::Token { page_size: 300 },
            rows_in: Some("rows"),
            record: &$record,
            dataset: &Dataset { name: $id, record: &$record, asked: &[] },
            lifetime: Lifetime::Living,
            start_field: $start,
            version: 1,
            source: "",
        };
    };
}

const STATUS: ParamType = ParamType::OneOf(&["active", "inactive", "pending"]);
const LISTS: ParamType = ParamType::OneOf(&["scheduled", "live", "upcoming", "previous_meetings"]);
const LIGHT: Option<Category> = Some(Category::Light);
const MEDIUM: Option<Category> = Some(Category::Medium);
const HEAVY: Option<Category> = Some(Category::Heavy);

operation!(
    LIST_USERS,
    "zoom.list_users",
    USER,
    MEDIUM,
    None,
    [param("status", STATUS, ParamPlace::Choose)]
);
operation!(
    LIST_MEETINGS,
    "zoom.list_meetings",
    MEETING,
    MEDIUM,
    None,
    [
        param("user_id", ParamType::Text, ParamPlace::Path),
        optional("type", LISTS, ParamPlace::Choose),
        optional("from", ParamType::Date, ParamPlace::Window),
        optional("to", ParamType::Date, ParamPlace::Window)
    ]
);
operation!(
    GET_USER,
    "zoom.get_user",
    USER,
    LIGHT,
    None,
    [
        param("user_id", ParamType::Text, ParamPlace::Path),
        optional("missing", ParamType::Bool, ParamPlace::Hint)
    ]
);
operation!(
    GET_USER_SETTINGS,
    "zoom.get_user_settings",
    SETTINGS,
    MEDIUM,
    None,
    [param("user_id", ParamType::Text, ParamPlace::Path)]
);
operation!(
    GET_MEETING,
    "zoom.get_meeting",
    DETAIL,
    LIGHT,
    None,
    [
        param("meeting_id", ParamType::Int, ParamPlace::Path),
        optional("show_previous_occurrences", ParamType::Bool, ParamPlace::Query),
        optional("missing", ParamType::Bool, ParamPlace::Hint)
    ]
);
operation!(
    GET_INVITATION,
    "zoom.get_invitation",
    SETTINGS,
    LIGHT,
    None,
    [param("meeting_id", ParamType::Int, ParamPlace::Path)]
);
operation!(
    LIST_INSTANCES,
    "zoom.list_past_instances",
    INSTANCE,
    MEDIUM,
    Some("start_time"),
    [param("meeting_id", ParamType::Int, ParamPlace::Path)]
);
operation!(
    GET_PAST,
    "zoom.get_past_meeting",
    PAST,
    LIGHT,
    Some("start_time"),
    [param("uuid", ParamType::Text, ParamPlace::PathUuid)]
);
operation!(
    REPORT,
    "zoom.report_participants",
    PARTICIPANT,
    HEAVY,
    None,
    [
        param("uuid", ParamType::Text, ParamPlace::PathUuid),
        optional("ended_at", ParamType::Text, ParamPlace::Hint),
        optional("participants_count", ParamType::Int, ParamPlace::Hint)
    ]
);
operation!(
    PARTICIPANTS,
    "zoom.list_past_participants",
    PARTICIPANT,
    MEDIUM,
    None,
    [
        param("uuid", ParamType::Text, ParamPlace::PathUuid),
        optional("ended_at", ParamType::Text, ParamPlace::Hint),
        optional("participants_count", ParamType::Int, ParamPlace::Hint)
    ]
);
operation!(
    REPORT_MEETING,
    "zoom.report_meeting",
    PAST,
    HEAVY,
    None,
    [
        param("uuid", ParamType::Text, ParamPlace::PathUuid),
        optional("ended_at", ParamType::Text, ParamPlace::Hint)
    ]
);
operation!(
    RECORDING_SETTINGS,
    "zoom.get_recording_settings",
    SETTINGS,
    LIGHT,
    None,
    [param("uuid", ParamType::Text, ParamPlace::PathUuid)]
);
operation!(
    USER_RECORDINGS,
    "zoom.list_user_recordings",
    RECORDING,
    MEDIUM,
    Some("start_time"),
    [
        param("user_id", ParamType::Text, ParamPlace::Path),
        param("from", ParamType::Date, ParamPlace::Window),
        param("to", ParamType::Date, ParamPlace::Window)
    ]
);
operation!(
    ACCOUNT_RECORDINGS,
    "zoom.list_account_recordings",
    RECORDING,
    MEDIUM,
    Some("start_time"),
    [
        param("from", ParamType::Date, ParamPlace::Window),
        param("to", ParamType::Date, ParamPlace::Window)
    ]
);
operation!(
    GET_RECORDING,
    "zoom.get_recording",
    RECORDING,
    LIGHT,
    Some("start_time"),
    [
        param("uuid", ParamType::Text, ParamPlace::PathUuid),
        optional("ttl", ParamType::Int, ParamPlace::Query),
        optional("trash", ParamType::Bool, ParamPlace::Query),
        optional("missing", ParamType::Bool, ParamPlace::Hint)
    ]
);
operation!(
    TRASHED,
    "zoom.list_trashed_recordings",
    RECORDING,
    MEDIUM,
    Some("start_time"),
    [
        param("user_id", ParamType::Text, ParamPlace::Path),
        param("trash", ParamType::Bool, ParamPlace::Choose)
    ]
);
operation!(LATE_ANSWERS, "watershed.late_answers", LATE, None, None, []);
operation!(MISSING_USERS, "watershed.missing_users", USER, None, None, []);
operation!(
    MISSING_MEETINGS,
    "watershed.missing_meetings",
    MEETING,
    None,
    None,
    [
        param("from", ParamType::Date, ParamPlace::Window),
        param("to", ParamType::Date, ParamPlace::Window)
    ]
);
operation!(
    MISSING_RECORDINGS,
    "watershed.missing_recordings",
    RECORDING,
    None,
    None,
    [
        param("from", ParamType::Date, ParamPlace::Window),
        param("to", ParamType::Date, ParamPlace::Window),
        optional("not_in_trash", ParamType::Bool, ParamPlace::Hint)
    ]
);
operation!(
    DOWNLOAD,
    "zoom.download_recording_file",
    CUE,
    None,
    None,
    [param("file", ParamType::Record, ParamPlace::Record(&FILE_REF))]
);

/// The catalogue of these tests.
pub(crate) fn catalogue() -> Catalogue {
    static OPERATIONS: [&Operation; 21] = [
        &LIST_USERS,
        &GET_USER,
        &GET_USER_SETTINGS,
        &LIST_MEETINGS,
        &GET_MEETING,
        &GET_INVITATION,
        &LIST_INSTANCES,
        &GET_PAST,
        &REPORT,
        &PARTICIPANTS,
        &REPORT_MEETING,
        &RECORDING_SETTINGS,
        &USER_RECORDINGS,
        &ACCOUNT_RECORDINGS,
        &GET_RECORDING,
        &DOWNLOAD,
        &TRASHED,
        &LATE_ANSWERS,
        &MISSING_USERS,
        &MISSING_MEETINGS,
        &MISSING_RECORDINGS,
    ];
    Catalogue { operations: &OPERATIONS, datasets: &[] }
}

/// A workflow that must compile.
pub(crate) fn compiled(text: &str) -> Compiled {
    match compile("test.yaml", text, &catalogue()) {
        Ok(compiled) => compiled,
        Err(wrong) => panic!("it does not compile:\n{wrong}"),
    }
}

/// A workflow with its program and a run of it.
pub(crate) struct Scenario {
    pub(crate) program: Program,
    pub(crate) run: RunContext,
}

impl Scenario {
    /// A run of this workflow with these inputs; everything is granted.
    pub(crate) fn of(text: &str, inputs: &[(&str, &str)]) -> Scenario {
        let plan = compiled(text).plan;
        let given: BTreeMap<String, String> =
            inputs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let today = jiff::civil::date(2026, 11, 24);
        let inputs =
            watershed_workflow::resolve_inputs(&plan, &given, today).expect("the inputs are good");
        let granted = catalogue().operations.iter().map(|o| o.id.to_owned());
        let run = RunContext { connection: "acme".into(), inputs, granted: granted.collect() };
        let program = Program::new(Arc::new(plan), &catalogue()).expect("the plan is known");
        Scenario { program, run }
    }

    /// The same run without these operations.
    pub(crate) fn without(mut self, operations: &[&str]) -> Scenario {
        let gone: BTreeSet<&str> = operations.iter().copied().collect();
        self.run.granted.retain(|o| !gone.contains(o.as_str()));
        self
    }

    /// The step of that name.
    pub(crate) fn step(&self, name: &str) -> StepId {
        self.program.plan().step_named(name).expect("the plan has that step").0
    }

    /// An item of a step that carries these values.
    pub(crate) fn item(&self, step: &str, values: &Value) -> String {
        let plan = self.program.plan().step(self.step(step));
        let items: Vec<Value> = plan
            .carries
            .iter()
            .map(|c| match &c.field {
                Some(field) => values[&c.name][field].clone(),
                None => values[&c.name].clone(),
            })
            .collect();
        Value::Array(items).to_string()
    }
}

/// What a record brings, all of it.
pub(crate) trait Children {
    /// Its children and those of its list fields.
    fn children(&self) -> Vec<watershed_model::Kin>;
}

impl Children for watershed_workflow::Expanded {
    fn children(&self) -> Vec<watershed_model::Kin> {
        self.broods.iter().flat_map(|brood| brood.kin.clone()).collect()
    }
}
