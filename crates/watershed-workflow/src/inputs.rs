//! Inputs of a run: what was given and what is the default, dates made absolute.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;
use watershed_model::{InputKind, InputSpec, Plan, printable};

use crate::suggest;

/// Days that a relative date may lie from today: some 27 years.
const DAYS_MAX: i64 = 10_000;

/// Why a run's inputs are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The workflow has no such input.
    #[error("the workflow has no input `{name}`{}", hint(.suggestion))]
    Unknown {
        /// The name given.
        name: String,
        /// What was probably meant, or what there is.
        suggestion: Option<String>,
    },
    /// Nothing was given, and there is no default.
    #[error("input `{name}` is needed; it takes {allowed}")]
    Missing {
        /// The input.
        name: String,
        /// What it takes.
        allowed: String,
    },
    /// The value is not one that the input takes.
    #[error("input `{name}` cannot be `{value}`; it takes {allowed}{}", hint(.suggestion))]
    Value {
        /// The input.
        name: String,
        /// What was given.
        value: String,
        /// What it takes.
        allowed: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// `from` is behind `to`.
    #[error("input `from` ({from}) is later than input `to` ({to})")]
    Reversed {
        /// The first day.
        from: String,
        /// The last day.
        to: String,
    },
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|s| format!(" ({s})")).unwrap_or_default()
}

/// What `-lookback` means where a connection does not say it: 72 hours, in which late reports,
/// transcripts and files come.
pub const LOOKBACK_DAYS: u16 = 3;

/// What relative dates are reckoned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Today {
    /// The UTC day: of submitting, or that of a tick.
    pub date: Date,
    /// The days of `-lookback`.
    pub lookback_days: u16,
}

impl From<Date> for Today {
    fn from(date: Date) -> Today {
        Today { date, lookback_days: LOOKBACK_DAYS }
    }
}

/// A day, absolute or relative to the day of submitting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RelativeDate {
    Absolute(Date),
    Days(i64),
    Lookback,
}

impl RelativeDate {
    /// `yyyy-mm-dd`, `today`, `-180d`, `+1d`, `-lookback`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "today" {
            return Some(RelativeDate::Days(0));
        }
        if text == "-lookback" {
            return Some(RelativeDate::Lookback);
        }
        if let Some(days) = text.strip_suffix('d') {
            let signed = days.starts_with(['-', '+']);
            let digits = days.get(1..).unwrap_or_default().bytes().all(|b| b.is_ascii_digit());
            let days = days.parse::<i64>().ok().filter(|_| signed && digits)?;
            return (days.abs() <= DAYS_MAX).then_some(RelativeDate::Days(days));
        }
        parse_day(text).map(RelativeDate::Absolute)
    }

    fn on(self, today: Today) -> Option<Date> {
        let after = |days: i64| today.date.checked_add(days.days()).ok();
        match self {
            RelativeDate::Absolute(date) => Some(date),
            RelativeDate::Days(days) => after(days),
            RelativeDate::Lookback => after(-i64::from(today.lookback_days)),
        }
    }
}

/// A day in exactly the form `yyyy-mm-dd`.
pub(crate) fn parse_day(text: &str) -> Option<Date> {
    let formed = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    text.parse().ok().filter(|_| formed)
}

/// The inputs of a run: given ones checked, defaults filled in, dates absolute.
///
/// # Errors
/// [`InputError`] names the input, the value and what is allowed.
pub fn resolve_inputs(
    plan: &Plan,
    given: &BTreeMap<String, String>,
    today: impl Into<Today>,
) -> Result<BTreeMap<String, Value>, InputError> {
    let today = today.into();
    for name in given.keys() {
        if !plan.inputs.iter().any(|input| input.name == *name) {
            let known = plan.inputs.iter().map(|i| i.name.as_str());
            let suggestion = suggest::instead(name, known);
            return Err(InputError::Unknown { name: shown(name), suggestion });
        }
    }
    let mut resolved = BTreeMap::new();
    for input in &plan.inputs {
        let value = match (given.get(&input.name), &input.default) {
            (Some(text), _) => read(input, text, today)?,
            (None, Some(Value::String(text))) => read(input, text, today)?,
            (None, Some(default)) => default.clone(),
            (None, None) => {
                let (name, allowed) = (input.name.clone(), allowed(&input.kind));
                return Err(InputError::Missing { name, allowed });
            }
        };
        resolved.insert(input.name.clone(), value);
    }
    let day = |name: &str| {
        let date = plan.inputs.iter().any(|i| i.name == name && i.kind == InputKind::Date);
        resolved.get(name).and_then(Value::as_str).filter(|_| date)
    };
    if let (Some(from), Some(to)) = (day("from"), day("to"))
        && from > to
    {
        return Err(InputError::Reversed { from: from.to_owned(), to: to.to_owned() });
    }
    Ok(resolved)
}

fn read(input: &InputSpec, text: &str, today: Today) -> Result<Value, InputError> {
    let value = match &input.kind {
        InputKind::Date => RelativeDate::parse(text)
            .and_then(|date| date.on(today))
            .map(|date| Value::from(date.to_string())),
        InputKind::Text => Some(Value::from(text)),
        InputKind::Int => text.parse::<i64>().ok().map(Value::from),
        InputKind::Bool => text.parse::<bool>().ok().map(Value::from),
        InputKind::Enum(values) => values.iter().find(|v| *v == text).cloned().map(Value::from),
    };
    value.ok_or_else(|| InputError::Value {
        name: input.name.clone(),
        value: shown(text),
        allowed: allowed(&input.kind),
        suggestion: match &input.kind {
            InputKind::Enum(values) => suggest::nearest(text, values.iter().map(String::as_str))
                .map(|name| format!("did you mean `{name}`?")),
            _ => None,
        },
    })
}

fn shown(text: &str) -> String {
    printable(text, 80)
}

fn allowed(kind: &InputKind) -> String {
    match kind {
        InputKind::Date => {
            "a date `yyyy-mm-dd`, `today`, days from today such as `-180d`, or `-lookback`"
                .to_owned()
        }
        InputKind::Text => "any text".to_owned(),
        InputKind::Int => "a whole number".to_owned(),
        InputKind::Bool => "`true` or `false`".to_owned(),
        InputKind::Enum(values) => {
            let values: Vec<String> = values.iter().map(|v| format!("`{v}`")).collect();
            format!("one of {}", values.join(", "))
        }
    }
}
