//! A workflow file as it is written: the types from which the JSON Schema is made.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use crate::source::At;

/// A workflow: what is brought home, step by step.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Workflow", deny_unknown_fields)]
pub(crate) struct WorkflowSpec {
    /// The workflow's name: small letters, digits and hyphens.
    #[schemars(regex(pattern = "^[a-z][a-z0-9-]*$"))]
    pub(crate) name: At<String>,
    /// What it is for, in a sentence.
    pub(crate) description: Option<At<String>>,
    /// What whoever starts a run may choose: `inputs.NAME` in expressions.
    #[schemars(with = "Option<IndexMap<String, InputDecl>>")]
    pub(crate) inputs: Named<InputDecl>,
    /// When runs start by themselves: one entry, or a list of them.
    #[schemars(with = "Option<Schedules>")]
    pub(crate) schedule: Vec<ScheduleDecl>,
    /// Policies of steps that do not say otherwise.
    pub(crate) defaults: Option<Policies>,
    /// The steps, by name. Their order does not matter.
    #[schemars(with = "IndexMap<String, StepDecl>")]
    pub(crate) steps: Named<StepDecl>,
}

/// Entries by name, in the order of the file.
pub(crate) type Named<T> = Vec<(At<String>, T)>;

/// An input.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Input", deny_unknown_fields)]
pub(crate) struct InputDecl {
    /// Its type.
    #[schemars(rename = "type")]
    pub(crate) ty: At<InputType>,
    /// Used where none is given. A date may be relative: `-180d`, `today`, `+1d`, or
    /// `-lookback`: as many days as the connection looks back.
    #[schemars(with = "Option<Scalar>")]
    pub(crate) default: Option<At<Value>>,
    /// What an `enum` may be.
    pub(crate) values: Option<Vec<At<String>>>,
    /// What it is for.
    pub(crate) description: Option<At<String>>,
}

/// The type of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(crate) enum InputType {
    /// A UTC day: `yyyy-mm-dd`, or relative to the day of submitting.
    Date,
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// One of `values`.
    Enum,
}

/// When runs start by themselves.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Schedule", deny_unknown_fields)]
pub(crate) struct ScheduleDecl {
    /// Minute, hour, day of month, month, day of week: `0 2 * * *` is every night at two.
    pub(crate) cron: At<String>,
    /// IANA name of the time zone whose clocks are meant; `UTC` where none is given.
    pub(crate) timezone: Option<At<String>>,
    /// What becomes of ticks for which no scheduler was there.
    pub(crate) missed: Option<At<MissedDecl>>,
    /// What becomes of a tick while the run before it has not ended.
    pub(crate) overlap: Option<At<OverlapDecl>>,
    /// Inputs of the runs that it starts. A date may be relative to the UTC day of the tick.
    #[schemars(with = "Option<IndexMap<String, Scalar>>")]
    pub(crate) inputs: Named<At<Value>>,
    /// Each connection starts so much later at most, always by the same time: `10m`.
    #[schemars(with = "Option<Later>")]
    pub(crate) jitter: Option<At<i64>>,
}

/// One entry of `schedule:`, or several.
struct Schedules;

impl JsonSchema for Schedules {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Schedules".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<ScheduleDecl>();
        schemars::json_schema!({
            "anyOf": [one, { "type": "array", "minItems": 1, "items": one }],
        })
    }
}

/// A step: an operation with its parameters, fan-out, condition, order and policies.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Step", deny_unknown_fields)]
pub(crate) struct StepDecl {
    /// The operation, such as `zoom.list_users`.
    #[schemars(rename = "use")]
    pub(crate) operation: At<String>,
    /// A branch for each: record of a step, element of a list field of its records
    /// (`step.field`), record of several steps (a list of them), or value of a literal list.
    pub(crate) for_each: Option<ForEach>,
    /// The name of the item in expressions.
    #[schemars(rename = "as")]
    pub(crate) item: Option<At<String>>,
    /// Parameters of the operation; `${{ … }}` holds an expression.
    #[schemars(with = "Option<IndexMap<String, Scalar>>")]
    pub(crate) with: Named<At<Value>>,
    /// Windows of time, nested inside `for_each`.
    pub(crate) windows: Option<WindowsDecl>,
    /// A condition: an expression without braces.
    pub(crate) when: Option<At<String>>,
    /// At most one branch for each value of this expression, per connection and operation.
    pub(crate) once: Option<At<String>>,
    /// Order in which waiting items are taken.
    pub(crate) order: Option<At<OrderDecl>>,
    /// Runs after everything beneath these steps, once for each branch that they share.
    pub(crate) needs: Option<Needs>,
    /// What happens beneath an item that is unavailable.
    pub(crate) on_unavailable: Option<At<OnUnavailableDecl>>,
    #[schemars(flatten)]
    pub(crate) policies: Policies,
}

/// Retry and failure policy.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Policies {
    /// Attempts and delays.
    pub(crate) retry: Option<RetryDecl>,
    /// What a dead letter does to the run.
    pub(crate) on_failure: Option<At<OnFailureDecl>>,
    /// How many items may fail before the run does, such as `1%`.
    #[schemars(with = "Option<Percentage>")]
    pub(crate) tolerate: Option<At<f64>>,
}

/// Sources of a fan-out.
#[derive(Debug)]
pub(crate) enum ForEach {
    One(At<String>),
    List(At<Vec<At<Value>>>),
}

/// Steps that a join waits for.
#[derive(Debug)]
pub(crate) struct Needs(pub(crate) At<Vec<At<String>>>);

/// Windows of time.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Windows", deny_unknown_fields)]
pub(crate) struct WindowsDecl {
    /// First day.
    pub(crate) from: At<String>,
    /// Last day, inclusive.
    pub(crate) to: At<String>,
    /// Days a window, such as `30d`; neighbouring windows share one day.
    #[schemars(with = "Days")]
    pub(crate) size: At<u16>,
    /// Which window comes first.
    pub(crate) order: Option<At<OrderDecl>>,
}

/// Attempts and delays.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Retry", deny_unknown_fields)]
pub(crate) struct RetryDecl {
    /// Attempts in all, the first one counted.
    #[schemars(with = "Option<Attempts>")]
    pub(crate) attempts: Option<At<u16>>,
    /// First and longest delay, such as `1s..5m`; doubled for each attempt.
    #[schemars(with = "Option<Span>")]
    pub(crate) backoff: Option<At<(i64, i64)>>,
    /// `full`: the delay is drawn between zero and the backoff.
    pub(crate) jitter: Option<At<JitterDecl>>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident as $shown:literal {
        $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
        #[schemars(rename = $shown)]
        pub(crate) enum $name {
            $($(#[$word_doc])* #[schemars(rename = $word)] $variant),+
        }

        impl Words for $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($word, $name::$variant)),+];
        }
    };
}

/// A choice between words.
pub(crate) trait Words: Sized + Copy + 'static {
    /// Each word and what it stands for.
    const ALL: &'static [(&'static str, Self)];
}

impl Words for InputType {
    const ALL: &'static [(&'static str, Self)] = &[
        ("date", InputType::Date),
        ("text", InputType::Text),
        ("int", InputType::Int),
        ("bool", InputType::Bool),
        ("enum", InputType::Enum),
    ];
}

words! {
    /// Order of waiting items.
    OrderDecl as "Order" {
        /// By the start of the item, newest first.
        NewestFirst = "newest_first",
        /// As they came.
        AsListed = "as_listed",
    }
}

words! {
    /// What happens beneath an item that is unavailable.
    OnUnavailableDecl as "OnUnavailable" {
        /// Nothing: the branch ends there.
        Stop = "stop",
        /// The steps beneath get the item, with this step's own fields null.
        Continue = "continue",
    }
}

words! {
    /// What a dead letter does to the run.
    OnFailureDecl as "OnFailure" {
        /// The item is closed as failed, and the run goes on.
        DeadLetter = "dead_letter",
        /// The run fails.
        FailRun = "fail_run",
    }
}

words! {
    /// What becomes of ticks for which no scheduler was there.
    MissedDecl as "Missed" {
        /// The latest of them starts a run.
        RunOnce = "run_once",
        /// Each of them starts a run.
        RunAll = "run_all",
        /// None of them starts a run.
        Skip = "skip",
    }
}

words! {
    /// What becomes of a tick while the run before it has not ended.
    OverlapDecl as "Overlap" {
        /// It starts no run.
        Skip = "skip",
        /// Its run starts once that one has ended.
        Queue = "queue",
        /// That one is cancelled.
        CancelPrevious = "cancel_previous",
    }
}

words! {
    /// How a delay is drawn.
    JitterDecl as "Jitter" {
        /// Between zero and the backoff.
        Full = "full",
        /// The backoff itself.
        None = "none",
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A type that exists only as a schema.
macro_rules! schema_of {
    ($name:ident, $schema:tt) => {
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

schema_of!(Scalar, { "type": ["string", "number", "boolean"] });
schema_of!(Days, { "type": "string", "pattern": "^[0-9]+d$" });
schema_of!(Span, { "type": "string", "pattern": "^[0-9]+(ms|s|m|h)\\.\\.[0-9]+(ms|s|m|h)$" });
schema_of!(Later, { "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" });
schema_of!(Percentage, { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$" });
schema_of!(Attempts, { "type": "integer", "minimum": 1, "maximum": 100 });

impl JsonSchema for ForEach {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ForEach".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "anyOf": [
                { "type": "string", "pattern": "^[a-z][a-z0-9_]*(\\.[A-Za-z0-9_]+)?$" },
                {
                    "type": "array",
                    "minItems": 1,
                    "items": { "type": ["string", "number", "boolean"] },
                },
            ],
        })
    }
}

impl JsonSchema for Needs {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Needs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "anyOf": [
                { "type": "string" },
                { "type": "array", "minItems": 1, "items": { "type": "string" } },
            ],
        })
    }
}
