//! The parameters of a call, made what the operation takes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use watershed_model::{Param, ParamPlace, ParamType, Source, StepId};

use super::code::{PartCode, TemplateCode, utc_day};
use super::env::{Env, Slot};
use super::error::ExpandError;
use super::program::Program;
use super::{Parameters, RunContext};
use crate::inputs::parse_day;

impl Program {
    /// The parameters of the call for an item; for a join, `failures` counts the dead letters
    /// beneath its branch by the names of their steps.
    ///
    /// # Errors
    /// Where an expression or a parameter met a value that it cannot use: a dead letter.
    pub fn parameters(
        &self,
        run: &RunContext,
        step: StepId,
        item: &str,
        failures: &BTreeMap<String, u64>,
    ) -> Result<Parameters, ExpandError> {
        let mut env = self.item_env(run, step, item)?;
        if let Source::Join(_) = self.plan.step(step).source {
            let counts = self
                .plan
                .steps
                .iter()
                .map(|s| (s.name.clone(), failures.get(&s.name).copied().unwrap_or(0).into()));
            env.bind("failures", Slot::Members(Cow::Owned(counts.collect())));
            if !self.holds(run, step, &env)? {
                return Ok(Parameters::Skip);
            }
        }
        self.with(run, step, &env).map(Parameters::Call)
    }

    /// `with`, evaluated.
    pub(super) fn with(
        &self,
        run: &RunContext,
        step: StepId,
        env: &Env<'_>,
    ) -> Result<Map<String, Value>, ExpandError> {
        let operation = self.operations[step.index()];
        let mut with = Map::new();
        for (name, template) in &self.code[step.index()].with {
            let refused = |message: String| ExpandError::Parameter {
                step: self.plan.step(step).name.clone(),
                parameter: name.clone(),
                message,
            };
            let param = operation
                .param(name)
                .ok_or_else(|| refused("is not known to the operation".to_owned()))?;
            let value = match (param.place, whole(template)) {
                (ParamPlace::Record(record), Some(item)) => {
                    let fields = record.fields.iter().filter(|f| !f.secret);
                    let members = fields.filter_map(|f| {
                        let value = env.value(item, Some(f.name))?;
                        (!value.is_null()).then(|| (f.name.to_owned(), value))
                    });
                    Value::Object(members.collect())
                }
                _ => {
                    let value = template
                        .value(env, &run.granted, &self.base)
                        .map_err(|failed| self.failed(step, failed))?;
                    // What only helps to read the answer may be unknown.
                    if value.is_null() && param.place == ParamPlace::Hint && !param.required {
                        continue;
                    }
                    taken(param, value).map_err(refused)?
                }
            };
            with.insert(name.clone(), value);
        }
        Ok(with)
    }
}

/// The item that a template passes whole.
fn whole(template: &TemplateCode) -> Option<&str> {
    match template.0.as_slice() {
        [PartCode::Code(code)] => code.name_only.as_deref(),
        _ => None,
    }
}

/// The value as the operation takes it. Null is never left out in silence: a call without
/// the parameter asks for something else.
fn taken(param: &Param, value: Value) -> Result<Value, String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match (param.ty, &value) {
        (_, Value::Null) => Err("is null".to_owned()),
        (ParamType::Text, Value::String(text)) if text.is_empty() => Err("is empty".to_owned()),
        (ParamType::Text, Value::String(_)) => Ok(value),
        (ParamType::Text, Value::Number(number)) => Ok(Value::from(number.to_string())),
        (ParamType::Int, Value::Number(number)) if number.is_i64() => Ok(value),
        (ParamType::Int, Value::String(text)) => {
            text.parse::<i64>().map(Value::from).map_err(|_| "is no whole number".to_owned())
        }
        (ParamType::Bool, Value::Bool(_)) => Ok(value),
        (ParamType::Bool, Value::String(text)) => {
            text.parse::<bool>().map(Value::from).map_err(|_| "is no truth value".to_owned())
        }
        (ParamType::Date, _) => text(&value)
            .filter(|text| parse_day(text).is_some())
            .or_else(|| text(&value).as_deref().and_then(utc_day))
            .map(Value::from)
            .ok_or_else(|| "is no day".to_owned()),
        (ParamType::OneOf(words), _) => match text(&value) {
            Some(word) if words.contains(&word.as_str()) => Ok(value),
            _ => Err(format!("is none of {}", words.join(", "))),
        },
        _ => Err("is of another type than the operation takes".to_owned()),
    }
}
