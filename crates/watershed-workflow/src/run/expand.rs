//! One record in, its children out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::{Map, Value};
use watershed_model::{Brood, Child, Feed, Kin, OnUnavailable, Order, Record, StepId, hash64};

use super::code::utc_day;
use super::convert;
use super::env::{Env, Slot};
use super::error::ExpandError;
use super::identity::{self, Trail, canonical};
use super::program::{Made, Program, element_kind};
use super::windows;
use super::{Expanded, RunContext, Skip};
use crate::shape::{Bound, Level};

impl Program {
    /// The children of one record that `step` brought in the branch whose item is `item`.
    ///
    /// # Errors
    /// Where an expression met a value that it cannot use: a dead letter that names it.
    pub fn expand(
        &self,
        run: &RunContext,
        step: StepId,
        item: &str,
        record: &Value,
    ) -> Result<Expanded, ExpandError> {
        let operation = self.operations[step.index()];
        let key = identity::of_record(record, operation.record, operation.start_field);
        self.grown(run, step, item, record, key)
    }

    /// The children of an item that is unavailable, under `on_unavailable: continue`: they get
    /// the fields that the item itself has, and null for the others.
    ///
    /// # Errors
    /// As [`Program::expand`].
    pub fn expand_unavailable(
        &self,
        run: &RunContext,
        step: StepId,
        item: &str,
    ) -> Result<Expanded, ExpandError> {
        let key = hash64(&[b"unavailable", item.as_bytes()]);
        let plan = self.plan.step(step);
        let (OnUnavailable::Continue, Some(name)) = (plan.on_unavailable, &plan.item) else {
            return Ok(Expanded { broods: Vec::new(), skipped: Vec::new() });
        };
        let env = self.item_env(run, step, item)?;
        let members: Map<String, Value> = self.operations[step.index()]
            .record
            .fields
            .iter()
            .filter(|field| !field.secret)
            .filter_map(|f| Some((f.name.to_owned(), env.value(name, Some(f.name))?)))
            .collect();
        self.grown(run, step, item, &Value::Object(members), key)
    }

    fn grown(
        &self,
        run: &RunContext,
        step: StepId,
        item: &str,
        record: &Value,
        key: u64,
    ) -> Result<Expanded, ExpandError> {
        let made = &self.made[step.index()];
        if made.is_empty() {
            return Ok(Expanded { broods: Vec::new(), skipped: Vec::new() });
        }
        let env = self.item_env(run, step, item)?;
        let kind = self.operations[step.index()].record;
        let trail = Trail::begin(&self.plan.step(step).name, item).then("", &key.to_le_bytes());
        let mut growth = Growth::new(self, run);
        let mut broods = vec![Brood { key, kin: Vec::new() }];
        for Made { level, feed, consumers } in made {
            let mut first = BTreeSet::new();
            let elements = elements(record, kind, feed);
            for (element, kind, branch) in elements {
                let trail = trail.then(feed.field.as_deref().unwrap_or(""), &branch);
                let bound = Element { record: element, kinds: [kind] };
                let mut kin = growth.level(consumers, *level, &env, &bound, trail)?;
                self.keep_together(&mut kin, &mut first);
                let key = if feed.field.is_some() { trail.key() } else { key };
                match broods.iter_mut().find(|brood| brood.key == key) {
                    Some(brood) => brood.kin.extend(kin),
                    None => broods.push(Brood { key, kin }),
                }
            }
        }
        Ok(Expanded { broods, skipped: growth.skipped })
    }

    /// Files are had by reading their record again: those of one record are leased together, so
    /// that one reading serves them all, whoever works on them and whatever stops him.
    fn keep_together(&self, kin: &mut [Kin], first: &mut BTreeSet<StepId>) {
        for kin in kin {
            if let Kin::Task(child) = kin
                && self.operations[child.step.index()].kind == watershed_model::Kind::File
            {
                child.together = !first.insert(child.step);
            }
        }
    }
}

/// The record itself, or the elements of its list field; each with its identity among them.
fn elements<'r>(
    record: &'r Value,
    kind: &'static Record,
    feed: &Feed,
) -> Vec<(&'r Value, &'static Record, [u8; 16])> {
    let Some(field) = &feed.field else { return vec![(record, kind, [0; 16])] };
    let Some(element) = element_kind(kind, field) else { return Vec::new() };
    let items = record.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut twins: BTreeMap<u64, u64> = BTreeMap::new();
    items
        .iter()
        .filter(|item| item.is_object())
        .map(|item| {
            let key = identity::of_record(item, element, None);
            // Equal elements (files without id) are told apart by their place among them.
            let twin = twins.entry(key).or_default();
            let branch = u128::from(key) << 64 | u128::from(*twin);
            *twin += 1;
            (item, element, branch.to_le_bytes())
        })
        .collect()
}

/// A record that a level binds.
struct Element<'r> {
    record: &'r Value,
    kinds: [&'static Record; 1],
}

/// Children in the making.
pub(super) struct Growth<'p> {
    program: &'p Program,
    run: &'p RunContext,
    pub(super) skipped: Vec<Skip>,
}

impl<'p> Growth<'p> {
    pub(super) fn new(program: &'p Program, run: &'p RunContext) -> Self {
        Growth { program, run, skipped: Vec::new() }
    }

    /// One branch of a level: what its consumers make of the record, in a scope where joins
    /// stand there.
    fn level<'v>(
        &mut self,
        consumers: &[StepId],
        level: usize,
        env: &Env<'v>,
        element: &'v Element<'v>,
        trail: Trail,
    ) -> Result<Vec<Kin>, ExpandError>
    where
        'p: 'v,
    {
        let slot = || Slot::Record { record: element.record, kinds: &element.kinds };
        let mut kin = Vec::new();
        for consumer in consumers {
            let inner = match &self.program.plan.step(*consumer).item {
                Some(name) => env.with(name, slot()),
                None => env.clone(),
            };
            match self.step(*consumer, &inner, Some(element.record), trail) {
                Ok(made) => kin.extend(made),
                // That child alone is a dead letter; its siblings are not to suffer for it.
                Err(error) if self.stands_above(*consumer, level + 1) => {
                    kin.push(broken(*consumer, &error, element.record));
                }
                Err(error) => return Err(error),
            }
        }
        let path = &self.program.shape.paths[consumers[0].index()][..=level];
        if self.program.scope_at(path).is_none() {
            return Ok(kin);
        }
        // A join may name the record as any of the steps that it needs does.
        let mut named = env.clone();
        for join in self.program.joins_at(path) {
            for binding in &self.program.shape.reach[join.index()] {
                if binding.level == level && matches!(binding.bound, Bound::Records(_)) {
                    named.bind(&binding.name, slot());
                }
            }
        }
        self.branch(consumers[0], level + 1, &named, kin, trail)
    }

    /// What stands in a branch whose path is the first `length` levels of the step's: in a
    /// scope where joins stand there, else as it is.
    pub(super) fn branch(
        &mut self,
        step: StepId,
        length: usize,
        env: &Env<'_>,
        kin: Vec<Kin>,
        trail: Trail,
    ) -> Result<Vec<Kin>, ExpandError> {
        let path = &self.program.shape.paths[step.index()][..length];
        let Some(scope) = self.program.scope_at(path) else { return Ok(kin) };
        let level = u8::try_from(scope).expect("a plan has at most 64 scopes");
        let joins = self.joins(path, env)?;
        Ok(vec![Kin::Scope { level, key: trail.key(), joins, kin }])
    }

    /// Whether the scope that counts the step's items is that of a branch `length` levels down,
    /// or one above it.
    fn stands_above(&self, step: StepId, length: usize) -> bool {
        let scope = usize::from(self.program.plan.step(step).scope);
        self.program.levels.get(scope).is_none_or(|path| path.len() <= length)
    }

    /// The items with which the joins of a level run.
    pub(super) fn joins(
        &self,
        path: &[Level],
        env: &Env<'_>,
    ) -> Result<Vec<(StepId, Vec<String>)>, ExpandError> {
        self.program
            .joins_at(path)
            .iter()
            .map(|join| {
                let join = *join;
                let items = match self.windows(join, env)? {
                    None => vec![self.item(join, env)?],
                    Some(windows) => windows
                        .iter()
                        .map(|window| self.item(join, &env.with("window", bounds(window))))
                        .collect::<Result<_, _>>()?,
                };
                Ok((join, items))
            })
            .collect()
    }

    /// The tasks of a step in one branch: one, or one for each window.
    pub(super) fn step(
        &mut self,
        step: StepId,
        env: &Env<'_>,
        record: Option<&Value>,
        trail: Trail,
    ) -> Result<Vec<Kin>, ExpandError> {
        let Some(windows) = self.windows(step, env)? else {
            return Ok(self.task(step, env, record)?.into_iter().collect());
        };
        let length = self.program.shape.paths[step.index()].len();
        let mut kin = Vec::new();
        for window in windows {
            let inner = env.with("window", bounds(&window));
            let task = self.task(step, &inner, record)?.into_iter().collect();
            let name = format!("{}..{}", window.0, window.1);
            let level = &self.program.plan.step(step).name;
            let trail = trail.then(level, name.as_bytes());
            kin.extend(self.branch(step, length, &inner, task, trail)?);
        }
        Ok(kin)
    }

    fn task(
        &mut self,
        step: StepId,
        env: &Env<'_>,
        record: Option<&Value>,
    ) -> Result<Option<Kin>, ExpandError> {
        if !self.program.holds(self.run, step, env)? {
            // A child whose parameters cannot be told leaves no line in coverage.
            if let Ok(with) = self.program.with(self.run, step, env) {
                self.skipped.push(Skip { step, with });
            }
            return Ok(None);
        }
        let plan = self.program.plan.step(step);
        let bucket = match (plan.order, &plan.order_field, record) {
            (Order::NewestFirst, Some(field), Some(record)) => {
                record.get(field).and_then(Value::as_str).map_or(0, month)
            }
            _ => 0,
        };
        let once = self.once(step, env)?;
        Ok(Some(Kin::Task(Child {
            step,
            item: self.item(step, env)?,
            once,
            bucket,
            together: false,
        })))
    }

    fn once(&self, step: StepId, env: &Env<'_>) -> Result<Option<u64>, ExpandError> {
        let program = self.program;
        let Some(code) = &program.code[step.index()].once else { return Ok(None) };
        let value = program.eval(self.run, step, code, env)?;
        let failed = |why: &str| program.failed(step, (code.text.clone(), why.to_owned()));
        let value = convert::from_cel(&value).ok_or_else(|| failed("it is no plain value"))?;
        let null = value.is_null()
            || value.as_array().is_some_and(|items| items.iter().any(Value::is_null));
        if null {
            return Err(failed("it is null, which tells nothing apart"));
        }
        Ok(Some(hash64(&[canonical(&value).as_bytes()])))
    }

    /// The item of a step: the values that it carries, in their order.
    fn item(&self, step: StepId, env: &Env<'_>) -> Result<String, ExpandError> {
        let plan = self.program.plan.step(step);
        let values: Option<Vec<Value>> =
            plan.carries.iter().map(|c| env.value(&c.name, c.field.as_deref())).collect();
        match values {
            Some(values) => Ok(serde_json::to_string(&values).expect("values have a text")),
            None => Err(ExpandError::Item { step: plan.name.clone() }),
        }
    }

    fn windows(
        &self,
        step: StepId,
        env: &Env<'_>,
    ) -> Result<Option<Vec<(Date, Date)>>, ExpandError> {
        let (program, plan) = (self.program, self.program.plan.step(step));
        let (Some(windows), Some((from, to))) =
            (&plan.windows, &program.code[step.index()].windows)
        else {
            return Ok(None);
        };
        let day = |bound: &super::code::TemplateCode| {
            bound
                .value(env, &self.run.granted, &program.base)
                .map_err(|failed| program.failed(step, failed))
        };
        let (from, to) = (day(from)?, day(to)?);
        let refused = |message: String| ExpandError::Windows {
            step: plan.name.clone(),
            from: shown(&from),
            to: shown(&to),
            message,
        };
        let parsed = |value: &Value| {
            let day = value.as_str().and_then(utc_day).and_then(|day| day.parse::<Date>().ok());
            day.ok_or_else(|| refused("a bound is no day".to_owned()))
        };
        windows::cut(parsed(&from)?, parsed(&to)?, windows.size_days, windows.order)
            .map(Some)
            .map_err(refused)
    }
}

/// A child that cannot be worked on: its item is the reason, and its lease ends as that dead
/// letter.
fn broken(step: StepId, error: &ExpandError, record: &Value) -> Kin {
    let id = ["id", "uuid", "email"].into_iter().find_map(|name| {
        record.get(name).filter(|id| !id.is_null()).map(|id| format!(" ({name} {})", shown(id)))
    });
    let why = format!("{error}{}", id.unwrap_or_default());
    Kin::Task(Child {
        step,
        item: Value::String(why).to_string(),
        once: None,
        bucket: 0,
        together: false,
    })
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| watershed_model::printable(text, 40))
}

fn bounds<'v>((from, to): &(Date, Date)) -> Slot<'v> {
    let day = |name: &str, date: &Date| (name.to_owned(), Value::from(date.to_string()));
    Slot::Members(Cow::Owned(BTreeMap::from([day("from", from), day("to", to)])))
}

/// The month of an instant or a day: year × 12 + month − 1; 0 where it is none.
fn month(text: &str) -> u16 {
    let day = utc_day(text).and_then(|day| day.parse::<Date>().ok());
    day.and_then(|d| u16::try_from(i32::from(d.year()) * 12 + i32::from(d.month()) - 1).ok())
        .unwrap_or(0)
}
