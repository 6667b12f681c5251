//! Values of records: made what their field is documented to be, and handed to `cel`.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Number, Value};
use watershed_model::{FieldType, Record};

/// The value as its field is documented: Zoom sends some whole numbers as text, and some text
/// as numbers. A value of quite another type is null.
pub(super) fn typed(value: &Value, ty: FieldType) -> Value {
    match (ty, value) {
        (FieldType::Text, Value::Number(number)) => Value::from(number.to_string()),
        (FieldType::Int, Value::String(text)) => {
            text.parse::<i64>().map_or(Value::Null, Value::from)
        }
        (FieldType::Int, Value::Number(number)) => whole(number).map_or(Value::Null, Value::from),
        (FieldType::Double, Value::String(text)) => {
            text.parse::<f64>().ok().filter(|n| n.is_finite()).map_or(Value::Null, Value::from)
        }
        (FieldType::Text | FieldType::Time | FieldType::Date, Value::String(_))
        | (FieldType::Double, Value::Number(_))
        | (FieldType::Bool, Value::Bool(_))
        | (FieldType::Object(_), Value::Object(_))
        | (FieldType::List(_) | FieldType::TextList | FieldType::IntList, Value::Array(_))
        | (FieldType::Json, _) => value.clone(),
        _ => Value::Null,
    }
}

fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        let fits = float.fract() == 0.0 && float.abs() < 9.0e15;
        fits.then_some(float as i64)
    })
}

/// The field of a record of one of these kinds, as documented; null where it is not there.
pub(super) fn field(record: &Value, kinds: &[&'static Record], name: &str) -> Value {
    let Some(ty) = field_type(kinds, name) else { return Value::Null };
    record.get(name).map_or(Value::Null, |value| typed(value, ty))
}

/// The documented type of a field of a record of one of these kinds.
pub(super) fn field_type(kinds: &[&'static Record], name: &str) -> Option<FieldType> {
    kinds.iter().find_map(|kind| kind.field(name)).map(|field| field.ty)
}

/// The value for `cel`. An object has every field that is documented: an absent one is null.
pub(super) fn to_cel(value: &Value, ty: Option<FieldType>) -> cel::Value {
    match (ty, value) {
        (Some(FieldType::Object(record)), Value::Object(_)) => object(value, record),
        (Some(FieldType::List(record)), Value::Array(items)) => {
            list(items.iter().map(|item| object(item, record)))
        }
        (Some(FieldType::TextList), Value::Array(items)) => {
            list(items.iter().map(|item| to_cel(&typed(item, FieldType::Text), None)))
        }
        (Some(FieldType::IntList), Value::Array(items)) => {
            list(items.iter().map(|item| to_cel(&typed(item, FieldType::Int), None)))
        }
        // A whole number would not compare with the literal `1.0` of a documented double.
        (Some(FieldType::Double), Value::Number(n)) => {
            n.as_f64().map_or(cel::Value::Null, cel::Value::Float)
        }
        (_, Value::Null) => cel::Value::Null,
        (_, Value::Bool(value)) => cel::Value::Bool(*value),
        (_, Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => cel::Value::Int(value),
            (None, Some(value)) => cel::Value::Float(value),
            (None, None) => cel::Value::Null,
        },
        (_, Value::String(text)) => cel::Value::String(Arc::new(text.clone())),
        (_, Value::Array(items)) => list(items.iter().map(|item| to_cel(item, None))),
        (_, Value::Object(members)) => {
            map(members.iter().map(|(name, value)| (name.clone(), to_cel(value, None))))
        }
    }
}

fn object(value: &Value, record: &'static Record) -> cel::Value {
    if !value.is_object() {
        return cel::Value::Null;
    }
    let fields = record.fields.iter().filter(|f| !f.secret);
    map(fields.map(|f| {
        let value = value.get(f.name).map_or(Value::Null, |value| typed(value, f.ty));
        (f.name.to_owned(), to_cel(&value, Some(f.ty)))
    }))
}

fn list(items: impl Iterator<Item = cel::Value>) -> cel::Value {
    cel::Value::List(Arc::new(items.collect()))
}

/// A map for `cel`; its order is never seen, since expressions cannot walk a map.
pub(super) fn map(members: impl Iterator<Item = (String, cel::Value)>) -> cel::Value {
    let members: HashMap<cel::objects::Key, cel::Value> =
        members.map(|(name, value)| (name.into(), value)).collect();
    cel::Value::Map(cel::objects::Map { map: Arc::new(members) })
}

/// What an expression came to, as JSON. `None` for what has no form there.
pub(super) fn from_cel(value: &cel::Value) -> Option<Value> {
    Some(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(value) => Value::from(*value),
        cel::Value::Int(value) => Value::from(*value),
        cel::Value::UInt(value) => Value::from(*value),
        cel::Value::Float(value) => Value::Number(Number::from_f64(*value)?),
        cel::Value::String(text) => Value::from(text.as_str()),
        cel::Value::List(items) => {
            Value::Array(items.iter().map(from_cel).collect::<Option<Vec<_>>>()?)
        }
        cel::Value::Map(members) => {
            let member = |(key, value): (&cel::objects::Key, &cel::Value)| match key {
                cel::objects::Key::String(name) => Some((name.to_string(), from_cel(value)?)),
                _ => None,
            };
            Value::Object(members.map.iter().map(member).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
