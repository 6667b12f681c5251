//! Parameters of a step: known, complete, and of a type that the operation takes.

use serde_json::Value;
use watershed_model::{Operation, Param, ParamPlace, ParamType, Record};

use super::expressions::Checker;
use crate::code;
use crate::expr::{Node, Scope, Ty};
use crate::inputs::parse_day;
use crate::source::At;
use crate::spec::StepDecl;
use crate::suggest;
use crate::template::{self, Piece};

/// Bytes of a parameter with its expressions.
const TEMPLATE_BYTES_MAX: usize = 16 * 1024;

/// Checks `with` against the operation.
pub(super) fn check(
    checker: &mut Checker<'_>,
    name: &At<String>,
    decl: &StepDecl,
    operation: &'static Operation,
    scope: &Scope,
) {
    for (key, value) in &decl.with {
        if checker.findings.is_full() {
            break;
        }
        match operation.param(&key.value) {
            Some(param) => parameter(checker, param, value, scope),
            None => {
                let message = format!("{} takes no `{}`", operation.id, key.value);
                let known = operation.params.iter().map(|p| p.name);
                let help = suggest::instead(&key.value, known);
                checker.findings.error(code::UNKNOWN_PARAMETER, &key.span, message, help);
            }
        }
    }
    for param in operation.params.iter().filter(|p| p.required) {
        if !decl.with.iter().any(|(key, _)| key.value == param.name) {
            let message = format!("{} needs `{}`", operation.id, param.name);
            let help = Some(format!("step `{}` gives it under `with`", name.value));
            checker.findings.error(code::MISSING_PARAMETER, &decl.operation.span, message, help);
        }
    }
}

/// A bound of windows: a day.
pub(super) fn day(checker: &mut Checker<'_>, text: &At<String>, scope: &Scope) {
    let param = Param {
        name: "bound of the windows",
        wire: "",
        ty: ParamType::Date,
        place: ParamPlace::Window,
        required: true,
    };
    let value = At::new(Value::from(text.value.as_str()), text.span.clone());
    parameter(checker, &param, &value, scope);
}

fn parameter(checker: &mut Checker<'_>, param: &Param, value: &At<Value>, scope: &Scope) {
    let Value::String(text) = &value.value else {
        let ty = match &value.value {
            Value::Bool(_) => Ty::Bool,
            Value::Number(number) if number.is_i64() => Ty::Int,
            _ => Ty::Double,
        };
        return fits(checker, param, &ty, None, value);
    };
    if text.len() > TEMPLATE_BYTES_MAX {
        let message = format!("a parameter has at most {TEMPLATE_BYTES_MAX} bytes");
        checker.findings.error(code::EXPRESSION_BOUND, &value.span, message, None);
        return;
    }
    let whole = At::new(text.clone(), value.span.clone());
    let pieces = match template::split(text) {
        Ok(pieces) => pieces,
        Err(open) => {
            let span = checker.locate(&whole, open);
            let message = "`${{` without `}}`";
            checker.findings.error(code::BRACES, &span, message, None);
            return;
        }
    };
    match pieces.as_slice() {
        [Piece::Text(text)] => fits(checker, param, &Ty::Text, Some(text), value),
        [Piece::Expr { text, at }] => {
            let Some((ast, ty)) = checker.expression(&whole, text, *at, scope) else { return };
            if let (ParamType::Record, ParamPlace::Record(record)) = (param.ty, param.place) {
                let named = matches!(ast.node, Node::Name(_));
                return record_fits(checker, param, record, &ty, named, value);
            }
            let literal = match &ast.node {
                Node::Text(text) => Some(text.as_str()),
                _ => None,
            };
            fits(checker, param, &ty, literal, value);
        }
        pieces => {
            for piece in pieces {
                let Piece::Expr { text, at } = piece else { continue };
                let Some((_, ty)) = checker.expression(&whole, text, *at, scope) else { continue };
                if !(ty.is_text() || ty.is_number() || matches!(ty, Ty::Bool | Ty::Any)) {
                    let span = checker.locate(&whole, *at..at + text.len());
                    let message = format!("{} cannot be put into text", ty.name());
                    checker.findings.error(code::TYPE, &span, message, None);
                }
            }
            fits(checker, param, &Ty::Text, None, value);
        }
    }
}

/// Reports a value of a type that the parameter does not take.
fn fits(
    checker: &mut Checker<'_>,
    param: &Param,
    ty: &Ty,
    literal: Option<&str>,
    value: &At<Value>,
) {
    let good = match (param.ty, ty, literal) {
        (ParamType::Record, ..) => false,
        (ParamType::Text, _, Some(text)) => !text.is_empty(),
        (ParamType::Int, _, Some(text)) => text.parse::<i64>().is_ok(),
        (ParamType::Bool, _, Some(text)) => text.parse::<bool>().is_ok(),
        (ParamType::Date, _, Some(text)) => parse_day(text).is_some(),
        (ParamType::OneOf(words), _, Some(text)) => words.contains(&text),
        (_, Ty::Any, None) => true,
        (ParamType::Text, ty, None) => ty.is_text() || *ty == Ty::Int,
        (ParamType::Int, ty, None) => *ty == Ty::Int,
        (ParamType::Bool, ty, None) => *ty == Ty::Bool,
        (ParamType::Date, ty, None) => matches!(ty, Ty::Date | Ty::Text),
        (ParamType::OneOf(words), Ty::OneOf(values), None) => {
            values.iter().all(|v| words.contains(&v.as_str()))
        }
        (ParamType::OneOf(_), ty, None) => *ty == Ty::Text,
    };
    if good {
        return;
    }
    let given = match (literal, ty, param.ty) {
        (Some(text), ..) => format!("`{text}`"),
        (None, Ty::OneOf(values), ParamType::OneOf(words)) => values
            .iter()
            .find(|v| !words.contains(&v.as_str()))
            .map_or_else(|| ty.name(), |v| format!("`{v}`")),
        (None, ty, _) => ty.name(),
    };
    let (allowed, help) = match param.ty {
        ParamType::Text => ("text".to_owned(), None),
        ParamType::Int => ("a whole number".to_owned(), None),
        ParamType::Bool => ("true or false".to_owned(), None),
        ParamType::Date => (
            "a day (yyyy-mm-dd)".to_owned(),
            (*ty == Ty::Time).then(|| "take the UTC day of the instant: `date(…)`".to_owned()),
        ),
        ParamType::OneOf(words) => {
            let near = suggest::instead(given.trim_matches('`'), words.iter().copied());
            ("one of its words".to_owned(), near)
        }
        ParamType::Record => {
            ("a whole record".to_owned(), Some("name the item alone: `${{ file }}`".to_owned()))
        }
    };
    let message = format!("`{}` takes {allowed}, not {given}", param.name);
    checker.findings.error(code::PARAMETER_TYPE, &value.span, message, help);
}

fn record_fits(
    checker: &mut Checker<'_>,
    param: &Param,
    declared: &'static Record,
    ty: &Ty,
    named: bool,
    value: &At<Value>,
) {
    let Ty::Record(records) = ty else { return fits(checker, param, ty, None, value) };
    if !named {
        let message = format!("`{}` takes an item as it is", param.name);
        let help = Some("name the item alone: `${{ file }}`".to_owned());
        checker.findings.error(code::PARAMETER_TYPE, &value.span, message, help);
        return;
    }
    let lacking = declared
        .fields
        .iter()
        .filter(|f| !f.secret)
        .find(|f| records.iter().all(|r| r.field(f.name).is_none()));
    if let Some(field) = lacking {
        let message = format!(
            "`{}` takes {}; {} has no `{}`",
            param.name,
            declared.name,
            ty.name(),
            field.name
        );
        checker.findings.error(code::PARAMETER_TYPE, &value.span, message, None);
    }
}
