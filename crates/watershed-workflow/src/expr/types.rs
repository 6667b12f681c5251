//! Types of values in expressions. Any field may be null: that is no type of its own.

use std::collections::BTreeMap;

use serde_json::Value;
use watershed_model::{FieldType, Record};

/// Words that a type lists; a longer list is only text.
const WORDS_MAX: usize = 100;

/// The type of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ty {
    /// Cannot be known before the run.
    Any,
    Null,
    Bool,
    Int,
    Double,
    Text,
    /// Text, one of these.
    OneOf(Vec<String>),
    /// A UTC day as text, `yyyy-mm-dd`.
    Date,
    /// An instant as text, RFC 3339.
    Time,
    List(Box<Ty>),
    /// A record; of one of these kinds where several sources bring it.
    Record(Vec<&'static Record>),
    /// A name that only groups others: `inputs`, `window`.
    Group {
        what: &'static str,
        members: BTreeMap<String, Ty>,
    },
}

impl Ty {
    /// What to call it in a message.
    pub(crate) fn name(&self) -> String {
        match self {
            Ty::Any => "a value".to_owned(),
            Ty::Null => "null".to_owned(),
            Ty::Bool => "true or false".to_owned(),
            Ty::Int => "a whole number".to_owned(),
            Ty::Double => "a number".to_owned(),
            Ty::Text | Ty::OneOf(_) => "text".to_owned(),
            Ty::Date => "a day".to_owned(),
            Ty::Time => "an instant".to_owned(),
            Ty::List(of) => format!("a list of {}", plural(of)),
            Ty::Record(of) => match of.as_slice() {
                [one] => format!("a record ({})", one.name),
                _ => "a record".to_owned(),
            },
            Ty::Group { what, .. } => format!("the group `{what}`"),
        }
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Ty::Text | Ty::OneOf(_) | Ty::Date | Ty::Time)
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Ty::Int | Ty::Double)
    }

    /// The type of values that may be of either.
    pub(crate) fn join(self, other: Ty) -> Ty {
        match (self, other) {
            (a, b) if a == b => a,
            (Ty::Null, known) | (known, Ty::Null) => known,
            (Ty::OneOf(mut a), Ty::OneOf(b)) => {
                let fresh: Vec<String> = b.into_iter().filter(|v| !a.contains(v)).collect();
                a.extend(fresh);
                Ty::OneOf(a)
            }
            (a, b) if a.is_text() && b.is_text() => Ty::Text,
            (a, b) if a.is_number() && b.is_number() => Ty::Double,
            (Ty::Record(mut a), Ty::Record(b)) => {
                let fresh: Vec<_> = b.into_iter().filter(|r| !a.contains(r)).collect();
                a.extend(fresh);
                Ty::Record(a)
            }
            _ => Ty::Any,
        }
    }
}

fn plural(of: &Ty) -> &'static str {
    match of {
        Ty::Bool => "truth values",
        Ty::Int => "whole numbers",
        Ty::Double => "numbers",
        Ty::Text | Ty::OneOf(_) => "text",
        Ty::Date => "days",
        Ty::Time => "instants",
        Ty::List(_) => "lists",
        Ty::Record(_) => "records",
        Ty::Any | Ty::Null | Ty::Group { .. } => "values",
    }
}

/// The type of a field.
pub(crate) fn field_type(field: FieldType) -> Ty {
    match field {
        FieldType::Text => Ty::Text,
        FieldType::Int => Ty::Int,
        FieldType::Double => Ty::Double,
        FieldType::Bool => Ty::Bool,
        FieldType::Time => Ty::Time,
        FieldType::Date => Ty::Date,
        FieldType::Object(record) => Ty::Record(vec![record]),
        FieldType::List(record) => Ty::List(Box::new(Ty::Record(vec![record]))),
        FieldType::TextList => Ty::List(Box::new(Ty::Text)),
        FieldType::IntList => Ty::List(Box::new(Ty::Int)),
        FieldType::Json => Ty::Any,
    }
}

/// The type of the field `name` of a record of one of these kinds; `None` where none of them
/// has it.
pub(crate) fn record_field(records: &[&'static Record], name: &str) -> Option<Ty> {
    records
        .iter()
        .filter_map(|record| record.field(name))
        .map(|field| field_type(field.ty))
        .reduce(Ty::join)
}

/// The type of records of these kinds.
pub(crate) fn record_type(records: &[&'static Record]) -> Ty {
    records.iter().map(|r| Ty::Record(vec![r])).reduce(Ty::join).unwrap_or(Ty::Any)
}

/// The type of the items of a literal list.
pub(crate) fn item_type(values: &[Value]) -> Ty {
    let texts = values.iter().all(Value::is_string);
    if texts && values.len() > WORDS_MAX {
        return Ty::Text;
    }
    values
        .iter()
        .map(|value| match value {
            Value::Bool(_) => Ty::Bool,
            Value::Number(number) if number.is_i64() => Ty::Int,
            Value::Number(_) => Ty::Double,
            Value::String(text) => Ty::OneOf(vec![text.clone()]),
            _ => Ty::Any,
        })
        .reduce(Ty::join)
        .unwrap_or(Ty::Any)
}
