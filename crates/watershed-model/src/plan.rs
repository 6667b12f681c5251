//! What a workflow file compiles to. Kept with the run under its content hash.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Category, OperationId, StepId};

/// The version of this format. A binary refuses a plan of another one, by name.
pub const PLAN_FORMAT: u16 = 1;

/// A compiled workflow: flat tables, steps in topological order.
///
/// Contains no positions of the source file, so that its hash is that of the meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_FORMAT`] of the program that compiled it.
    pub format: u16,
    /// The workflow's name.
    pub name: String,
    /// What the file says of itself.
    pub description: String,
    /// Inputs, in the order of the file.
    pub inputs: Vec<InputSpec>,
    /// Steps, sources and needs before what depends on them.
    pub steps: Vec<Step>,
    /// Levels at which joins stand; the first is the run.
    pub scopes: Vec<ScopeLevel>,
    /// Joins; a scope's counters are indexed by the place in this list.
    pub joins: Vec<Join>,
}

impl Plan {
    /// The step of that id. Panics on an id of another plan.
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id.index()]
    }

    /// The step of that name.
    pub fn step_named(&self, name: &str) -> Option<(StepId, &Step)> {
        let index = self.steps.iter().position(|s| s.name == name)?;
        Some((StepId(u16::try_from(index).ok()?), &self.steps[index]))
    }

    /// All steps with their ids.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &Step)> {
        (0..).map(StepId).zip(&self.steps)
    }
}

/// An input of the workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Its name under `inputs`.
    pub name: String,
    /// Its type.
    pub kind: InputKind,
    /// Used where the submitter gives none; a relative date stays relative here.
    pub default: Option<Value>,
    /// What the file says of it.
    pub description: Option<String>,
}

/// The type of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A UTC day: `yyyy-mm-dd`, `today`, or relative as `-180d`.
    Date,
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// One of these.
    Enum(Vec<String>),
}

/// A CEL expression, without braces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expr(pub String);

/// A value with `${{ … }}` in it. One that is a single expression keeps that one's type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Vec<TemplatePart>);

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplatePart {
    /// Text as it stands.
    Text(String),
    /// An expression in braces.
    Expr(Expr),
}

/// A node of the plan: an operation with parameters, fan-out, condition and policies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it uses.
    pub operation: OperationId,
    /// The version of that operation's row in the catalogue.
    pub operation_version: u16,
    /// The rate category of its calls.
    pub category: Option<Category>,
    /// What it hangs under.
    pub source: Source,
    /// The name (`as`) of its item in expressions.
    pub item: Option<String>,
    /// Windows nested inside its fan-out.
    pub windows: Option<Windows>,
    /// Condition; asked when the item is made, for joins when they are released.
    pub when: Option<Expr>,
    /// At most one branch for each value, per connection and operation.
    pub once: Option<Expr>,
    /// Parameters.
    pub with: BTreeMap<String, Template>,
    /// Order of its waiting items.
    pub order: Order,
    /// The field of the item that tells when it happened, for `newest_first`.
    pub order_field: Option<String>,
    /// What happens beneath an item that is unavailable.
    pub on_unavailable: OnUnavailable,
    /// Attempts and delays.
    pub retry: Retry,
    /// What a dead letter does to the run.
    pub on_failure: OnFailure,
    /// How many may fail.
    pub tolerate: Tolerate,
    /// What an item of this step holds, in the order of the item's values: everything that
    /// it and the steps beneath use.
    pub carries: Vec<Carry>,
    /// Length of its path of fan-outs below the run, and 64 more where it makes or leads to heavy
    /// calls; deeper ones are leased first.
    pub depth: u16,
    /// The scope (index into [`Plan::scopes`]) that counts its branches.
    pub scope: u8,
    /// Steps that fan out over its records (or a list field of them).
    pub feeds: Vec<StepId>,
}

/// What a step hangs under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The run itself: one branch.
    Run,
    /// A literal list: a branch for each value.
    Literals(Vec<Value>),
    /// Records of other steps, or of list fields of them: a branch for each.
    Items(Vec<Feed>),
    /// After everything beneath these is complete: once for each branch of its scope.
    Join(Vec<StepId>),
}

/// A source of items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// The step whose records they are.
    pub step: StepId,
    /// A list field of the record; `None`: the record itself.
    pub field: Option<String>,
}

/// Windows of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Windows {
    /// First day.
    pub from: Template,
    /// Last day, inclusive.
    pub to: Template,
    /// Days a window. Neighbouring windows share one day.
    pub size_days: u16,
    /// Which window comes first.
    pub order: Order,
}

/// Order of waiting items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As they came.
    #[default]
    AsListed,
    /// By month of the item's start, newest first.
    NewestFirst,
}

/// What happens beneath an item that is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum OnUnavailable {
    /// Nothing: the branch ends there.
    #[default]
    Stop,
    /// The steps beneath get the item, with this step's own fields null.
    Continue,
}

/// Attempts and delays of a step's calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all, the first one counted.
    pub attempts: u16,
    /// Delay between them.
    pub backoff: Backoff,
    /// Full jitter: the delay is drawn between zero and the backoff.
    pub jitter: bool,
}

/// An exponential delay, doubled for each attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// First delay.
    pub first_ms: i64,
    /// Longest delay.
    pub max_ms: i64,
}

/// What a dead letter does to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The item is closed as failed, and the run goes on.
    #[default]
    DeadLetter,
    /// The run fails.
    FailRun,
}

/// The part of a step's items that may fail before the run does: failed / (done + failed),
/// judged from the 100th item on and at the end, never below 10 failures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tolerate {
    /// 0 to 1.
    pub fraction: f64,
}

/// One value that an item holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Carry {
    /// The name in reach: an `as` name, or `window`.
    pub name: String,
    /// The field of it; `None`: the value itself (a literal).
    pub field: Option<String>,
}

/// A level of the tree of branches at which joins stand. A branch of such a level has a
/// record (a scope) that counts what is open beneath it; all other branches are only items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeLevel {
    /// The scope level above; `None` for the run.
    pub parent: Option<u8>,
    /// What its branches are called: an `as` name, `window`, or `run`.
    pub name: String,
}

/// A step with `needs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The step.
    pub step: StepId,
    /// The scope level at which it stands.
    pub scope: u8,
    /// The steps whose open tasks beneath a scope keep it waiting there, closed upward so
    /// that a count that has reached zero rises again only by `retry`. Contains joins too:
    /// one that has not run yet counts as an open task of its step.
    pub watches: Vec<StepId>,
}
