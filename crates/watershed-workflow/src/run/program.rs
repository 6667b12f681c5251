//! A plan and everything that is worked out of it once per process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use watershed_model::{
    Catalogue, Feed, FieldType, Operation, PLAN_FORMAT, Plan, Record, Source, Step, StepId,
    printable,
};

use super::RunContext;
use super::code::{self, Code, TemplateCode};
use super::env::{Env, Slot};
use super::error::{ExpandError, ProgramError};
use crate::shape::{Bound, Level, Shape};

/// Characters of a value that a branch's path shows.
const SHOWN_CHARS_MAX: usize = 60;

/// A plan, ready to be evaluated. Built once per process and shared by all its workers.
pub struct Program {
    pub(super) plan: Arc<Plan>,
    pub(super) operations: Vec<&'static Operation>,
    pub(super) shape: Shape,
    /// The levels at which joins stand, by scope.
    pub(super) levels: Vec<Vec<Level>>,
    /// The joins that stand at the end of a path.
    joins: BTreeMap<Vec<Level>, Vec<StepId>>,
    /// The levels that a record of each step makes.
    pub(super) made: Vec<Vec<Made>>,
    pub(super) code: Vec<StepCode>,
    pub(super) base: cel::Context<'static, 'static>,
    /// For each step and name in reach: the kinds of records that it may stand for.
    kinds: Vec<BTreeMap<String, Vec<&'static Record>>>,
}

/// A level that a record of a step makes.
pub(super) struct Made {
    /// The place in its consumers' path.
    pub(super) level: usize,
    pub(super) feed: Feed,
    /// The steps that stand there.
    pub(super) consumers: Vec<StepId>,
}

/// The expressions of a step.
pub(super) struct StepCode {
    pub(super) when: Option<Code>,
    pub(super) once: Option<Code>,
    pub(super) windows: Option<(TemplateCode, TemplateCode)>,
    pub(super) with: Vec<(String, TemplateCode)>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("plan", &self.plan.name).finish_non_exhaustive()
    }
}

impl Program {
    /// Prepares a plan, also one that another version of this program compiled and stored.
    ///
    /// # Errors
    /// Where the plan's format or an operation's version is not the one that this program
    /// knows: the run is left for a program that does.
    pub fn new(plan: Arc<Plan>, catalogue: &Catalogue) -> Result<Program, ProgramError> {
        if plan.format != PLAN_FORMAT {
            return Err(ProgramError::Format { found: plan.format });
        }
        let operations =
            plan.steps.iter().map(|s| operation(s, catalogue)).collect::<Result<Vec<_>, _>>()?;
        check_order(&plan)?;
        let shape = Shape::of(&plan.steps).map_err(|no_place| {
            let step = plan.step(no_place.join).name.clone();
            ProgramError::Damaged { step, message: "the join has no place".to_owned() }
        })?;
        let code = plan.steps.iter().map(StepCode::new).collect::<Result<Vec<_>, _>>()?;
        let kinds = shape.reach.iter().map(|reach| {
            reach.iter().map(|b| (b.name.clone(), kinds_of(&operations, &b.bound))).collect()
        });
        Ok(Program {
            kinds: kinds.collect(),
            levels: shape.scope_levels(),
            joins: joins(&plan, &shape),
            made: plan.steps().map(|(id, _)| made(&plan, &shape, id)).collect(),
            base: code::base(),
            operations,
            shape,
            code,
            plan,
        })
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The path of an item's branch, readable: `instances[user=abc, meeting=123]`.
    pub fn branch(&self, step: StepId, item: &str) -> String {
        let plan = self.plan.step(step);
        let values: Vec<Value> = serde_json::from_str(item).unwrap_or_default();
        let mut shown: Vec<String> = Vec::new();
        for binding in &self.shape.reach[step.index()] {
            let held: Vec<(Option<&str>, &Value)> = plan
                .carries
                .iter()
                .zip(&values)
                .filter(|(carry, value)| carry.name == binding.name && !value.is_null())
                .map(|(carry, value)| (carry.field.as_deref(), value))
                .collect();
            let field = |name| held.iter().find(|(f, _)| *f == name).map(|(_, v)| text(v));
            let value = match binding.bound {
                Bound::Window => match (field(Some("from")), field(Some("to"))) {
                    (Some(from), Some(to)) => Some(format!("{from}..{to}")),
                    (from, to) => from.or(to),
                },
                _ => ["id", "uuid", "email"]
                    .into_iter()
                    .find_map(|name| field(Some(name)))
                    .or_else(|| held.first().map(|(_, value)| text(value))),
            };
            shown.extend(value.map(|value| format!("{}={value}", binding.name)));
        }
        if shown.is_empty() {
            plan.name.clone()
        } else {
            format!("{}[{}]", plan.name, shown.join(", "))
        }
    }

    /// The names in reach of every step of a run.
    pub(super) fn run_env<'v>(&self, run: &'v RunContext) -> Env<'v> {
        let mut env = Env::default();
        env.bind("inputs", Slot::Members(std::borrow::Cow::Borrowed(&run.inputs)));
        env.bind("connection", Slot::Connection(&run.connection));
        env
    }

    /// The names in reach of an item: those of the run, and what the item carries.
    pub(super) fn item_env<'v>(
        &'v self,
        run: &'v RunContext,
        step: StepId,
        item: &str,
    ) -> Result<Env<'v>, ExpandError> {
        let plan = self.plan.step(step);
        if item.starts_with('"')
            && let Ok(why) = serde_json::from_str(item)
        {
            return Err(ExpandError::Broken { why });
        }
        let mut env = self.run_env(run);
        let values: Vec<Value> = serde_json::from_str(item)
            .ok()
            .filter(|values: &Vec<Value>| values.len() == plan.carries.len())
            .ok_or_else(|| ExpandError::Item { step: plan.name.clone() })?;
        let mut records: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
        for (carry, value) in plan.carries.iter().zip(values) {
            match &carry.field {
                None => {
                    let value = std::borrow::Cow::Owned(value);
                    env.bind(&carry.name, Slot::Literal(value));
                }
                Some(field) => {
                    records.entry(&carry.name).or_default().insert(field, value);
                }
            }
        }
        for (name, fields) in records {
            let fields = Arc::new(fields);
            env.bind(name, Slot::Carried { fields, kinds: self.kinds(step, name) });
        }
        Ok(env)
    }

    /// The kinds of records that a name in reach of a step may stand for.
    pub(super) fn kinds(&self, step: StepId, name: &str) -> &[&'static Record] {
        self.kinds[step.index()].get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The scope level that this path is, if joins stand there.
    pub(super) fn scope_at(&self, path: &[Level]) -> Option<usize> {
        self.levels.iter().position(|level| level == path)
    }

    /// The joins that stand at the end of this path, in the order of the plan.
    pub(super) fn joins_at(&self, path: &[Level]) -> &[StepId] {
        self.joins.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn failed(
        &self,
        step: StepId,
        (expression, message): (String, String),
    ) -> ExpandError {
        ExpandError::Expression { step: self.plan.step(step).name.clone(), expression, message }
    }

    /// The value of an expression of a step.
    pub(super) fn eval(
        &self,
        run: &RunContext,
        step: StepId,
        code: &Code,
        env: &Env<'_>,
    ) -> Result<cel::Value, ExpandError> {
        code.value(env, &run.granted, &self.base)
            .map_err(|why| self.failed(step, (code.text.clone(), why)))
    }

    /// Whether a step's condition holds.
    pub(super) fn holds(
        &self,
        run: &RunContext,
        step: StepId,
        env: &Env<'_>,
    ) -> Result<bool, ExpandError> {
        let Some(when) = &self.code[step.index()].when else { return Ok(true) };
        match self.eval(run, step, when, env)? {
            cel::Value::Bool(holds) => Ok(holds),
            cel::Value::Null => {
                let why = "null is neither true nor false".to_owned();
                Err(self.failed(step, (when.text.clone(), why)))
            }
            _ => {
                let why = "it is neither true nor false".to_owned();
                Err(self.failed(step, (when.text.clone(), why)))
            }
        }
    }
}

impl StepCode {
    fn new(step: &Step) -> Result<Self, ProgramError> {
        let damaged = |message| ProgramError::Damaged { step: step.name.clone(), message };
        let with = step.with.iter().map(|(name, template)| {
            TemplateCode::new(template).map(|code| (name.clone(), code)).map_err(damaged)
        });
        let windows = step.windows.as_ref().map(|windows| {
            Ok((TemplateCode::new(&windows.from)?, TemplateCode::new(&windows.to)?))
        });
        Ok(StepCode {
            when: step.when.as_ref().map(Code::new).transpose().map_err(damaged)?,
            once: step.once.as_ref().map(Code::new).transpose().map_err(damaged)?,
            windows: windows.transpose().map_err(damaged)?,
            with: with.collect::<Result<_, _>>()?,
        })
    }
}

fn operation(step: &Step, catalogue: &Catalogue) -> Result<&'static Operation, ProgramError> {
    let Some(known) = catalogue.operation(step.operation.as_str()) else {
        let (step, operation) = (step.name.clone(), step.operation.clone());
        return Err(ProgramError::Operation { step, operation });
    };
    if known.version != step.operation_version {
        return Err(ProgramError::Version {
            step: step.name.clone(),
            operation: step.operation.clone(),
            found: step.operation_version,
            known: known.version,
        });
    }
    Ok(known)
}

/// A stored plan is data from outside: references must point backwards.
fn check_order(plan: &Plan) -> Result<(), ProgramError> {
    for (id, step) in plan.steps() {
        let sources: BTreeSet<StepId> = match &step.source {
            Source::Items(feeds) => feeds.iter().map(|f| f.step).collect(),
            Source::Join(needs) => needs.iter().copied().collect(),
            Source::Run | Source::Literals(_) => BTreeSet::new(),
        };
        let empty = sources.is_empty() && matches!(step.source, Source::Items(_) | Source::Join(_));
        if empty || sources.iter().any(|source| *source >= id) {
            let message = "its sources are not before it".to_owned();
            return Err(ProgramError::Damaged { step: step.name.clone(), message });
        }
    }
    Ok(())
}

fn joins(plan: &Plan, shape: &Shape) -> BTreeMap<Vec<Level>, Vec<StepId>> {
    let mut joins: BTreeMap<Vec<Level>, Vec<StepId>> = BTreeMap::new();
    for (id, _) in plan.steps().filter(|(id, _)| shape.stands[id.index()].is_some()) {
        joins.entry(shape.standing(id).to_vec()).or_default().push(id);
    }
    joins
}

fn made(plan: &Plan, shape: &Shape, step: StepId) -> Vec<Made> {
    let mut made: Vec<(&Level, Made)> = Vec::new();
    for consumer in &shape.fed[step.index()] {
        let Source::Items(feeds) = &plan.step(*consumer).source else { continue };
        let level = shape.item_level(*consumer, &plan.steps);
        let place = &shape.paths[consumer.index()][level];
        for feed in feeds.iter().filter(|feed| feed.step == step) {
            match made.iter_mut().find(|(known, made)| *known == place && made.feed == *feed) {
                Some((_, made)) => made.consumers.push(*consumer),
                None => {
                    let (feed, consumers) = (feed.clone(), vec![*consumer]);
                    made.push((place, Made { level, feed, consumers }));
                }
            }
        }
    }
    made.into_iter().map(|(_, made)| made).collect()
}

fn kinds_of(operations: &[&'static Operation], bound: &Bound) -> Vec<&'static Record> {
    let Bound::Records(feeds) = bound else { return Vec::new() };
    feeds
        .iter()
        .filter_map(|feed| {
            let record = operations[feed.step.index()].record;
            match &feed.field {
                None => Some(record),
                Some(field) => element_kind(record, field),
            }
        })
        .collect()
}

/// The kind of the elements of a list field.
pub(super) fn element_kind(record: &'static Record, field: &str) -> Option<&'static Record> {
    match record.field(field)?.ty {
        FieldType::List(element) => Some(element),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    printable(&text, SHOWN_CHARS_MAX)
}
