//! Inputs: their types, values and defaults.

use serde_json::Value;
use watershed_model::{InputKind, InputSpec};

use crate::code;
use crate::diagnostic::Findings;
use crate::inputs::RelativeDate;
use crate::source::At;
use crate::spec::{InputDecl, InputType, WorkflowSpec};
use crate::suggest;

/// The inputs of a workflow, in the order of the file.
pub(super) fn declare(spec: &WorkflowSpec, findings: &mut Findings) -> Vec<InputSpec> {
    spec.inputs.iter().map(|(name, decl)| input(name, decl, findings)).collect()
}

fn input(name: &At<String>, decl: &InputDecl, findings: &mut Findings) -> InputSpec {
    let kind = kind(name, decl, findings);
    if let Some(default) = &decl.default {
        check(&kind, "the default", default, findings);
    }
    InputSpec {
        name: name.value.clone(),
        kind,
        default: decl.default.as_ref().map(|d| d.value.clone()),
        description: decl.description.as_ref().map(|d| d.value.clone()),
    }
}

fn kind(name: &At<String>, decl: &InputDecl, findings: &mut Findings) -> InputKind {
    let values = decl.values.as_deref();
    if decl.ty.value != InputType::Enum
        && let Some(first) = values.and_then(<[_]>::first)
    {
        let message = format!("`values` of `{}`, which is no `enum`", name.value);
        findings.error(code::ENUM_VALUES, &first.span, message, None);
    }
    match decl.ty.value {
        InputType::Date => InputKind::Date,
        InputType::Text => InputKind::Text,
        InputType::Int => InputKind::Int,
        InputType::Bool => InputKind::Bool,
        InputType::Enum => {
            let values = values.unwrap_or_default();
            if values.is_empty() {
                let message = format!("`{}` is an `enum` without `values`", name.value);
                let help = "say what it may be: `values: [one, other]`".to_owned();
                findings.error(code::ENUM_VALUES, &decl.ty.span, message, Some(help));
            }
            for (at, value) in values.iter().enumerate() {
                if values[..at].iter().any(|earlier| earlier.value == value.value) {
                    let message = format!("`{}` is a value twice", value.value);
                    findings.error(code::ENUM_VALUES, &value.span, message, None);
                }
            }
            InputKind::Enum(values.iter().map(|v| v.value.clone()).collect())
        }
    }
}

/// Makes sure that an input of this kind takes the value; `what` is what it is called.
pub(super) fn check(kind: &InputKind, what: &str, default: &At<Value>, findings: &mut Findings) {
    let shown = default.value.as_str().map_or_else(|| default.value.to_string(), str::to_owned);
    let (code, message, help) = match (kind, &default.value) {
        (InputKind::Date, Value::String(text)) if RelativeDate::parse(text).is_some() => return,
        (InputKind::Text, Value::String(_)) | (InputKind::Bool, Value::Bool(_)) => return,
        (InputKind::Int, Value::Number(number)) if number.is_i64() => return,
        (InputKind::Enum(values), Value::String(text)) => {
            if values.contains(text) {
                return;
            }
            let help = suggest::instead(text, values.iter().map(String::as_str));
            (code::DEFAULT, format!("{what} `{text}` is none of the values"), help)
        }
        (InputKind::Date, _) => {
            let help =
                "`yyyy-mm-dd`, `today`, days from today such as `-180d`, or `-lookback`".to_owned();
            (code::DATE, format!("`{shown}` is no date"), Some(help))
        }
        (InputKind::Text | InputKind::Enum(_), _) => {
            (code::DEFAULT, format!("{what} `{shown}` is no text: put it in quotes"), None)
        }
        (InputKind::Int, _) => {
            (code::DEFAULT, format!("{what} `{shown}` is no whole number"), None)
        }
        (InputKind::Bool, _) => {
            (code::DEFAULT, format!("{what} `{shown}` is neither true nor false"), None)
        }
    };
    findings.error(code, &default.span, message, help);
}
