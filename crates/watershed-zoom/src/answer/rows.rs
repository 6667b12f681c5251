//! Records to rows (what is stored, as sent) and items (what steps beneath see, typed).

use std::sync::Arc;

use serde_json::{Map, Number, Value};
use watershed_model::{Field, FieldType, Operation, Record, Row};

use super::cursor::Carried;
use super::unfit::Tally;
use crate::catalogue::recordings::{RECORDING_FILES, RECORDINGS};
use crate::keys::{self, Key};

/// What steps beneath see of a record of `op`, fresh or read back from the sink: documented
/// fields in their documented types.
///
/// Zoom sends some numbers as text in one listing and as numbers in another; expressions see
/// one type. A field that cannot be brought to its type is null. Files of a recording get
/// the instance's UUID as `meeting_id` where they lack it. Unknown fields stay as they are.
pub fn item(op: &Operation, record: &Value) -> Value {
    let mut item = typed(op.record, record);
    if op.dataset == &RECORDINGS {
        let uuid = item.get("uuid").cloned().unwrap_or_default();
        let files = item.get_mut("recording_files").and_then(Value::as_array_mut);
        for file in files.into_iter().flatten().filter_map(Value::as_object_mut) {
            if file.get("meeting_id").is_none_or(|id| id.is_null() || id == "") {
                file.insert("meeting_id".to_owned(), uuid.clone());
            }
        }
    }
    item
}

/// What steps beneath see of what a page of `op` brought, in the order sent.
pub fn items(op: &Operation, rows: &[Row]) -> Vec<Value> {
    rows.iter().filter(|row| row.dataset == op.dataset).map(|row| item(op, &row.record)).collect()
}

fn typed(shape: &Record, record: &Value) -> Value {
    let Value::Object(members) = record else { return Value::Null };
    let members = members.iter().map(|(name, value)| {
        let value = match shape.field(name) {
            Some(field) => fitted(field, value),
            None => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(members.collect())
}

/// A member of a record of `op` in its documented type.
pub(super) fn member(op: &Operation, record: &Value, name: &str) -> Option<Value> {
    Some(fitted(op.record.field(name)?, record.get(name)?))
}

fn fitted(field: &Field, value: &Value) -> Value {
    match (field.ty, value) {
        (FieldType::Json, any) => any.clone(),
        (FieldType::Text | FieldType::Time | FieldType::Date, Value::String(_))
        | (FieldType::Bool, Value::Bool(_))
        | (FieldType::Double, Value::Number(_))
        | (FieldType::TextList | FieldType::IntList, Value::Array(_)) => value.clone(),
        (FieldType::Text, Value::Number(number)) => Value::from(number.to_string()),
        (FieldType::Int, Value::Number(number)) => whole(number),
        (FieldType::Int, Value::String(text)) => {
            text.trim().parse::<i64>().map_or(Value::Null, Value::from)
        }
        (FieldType::Double, Value::String(text)) => {
            text.trim().parse::<f64>().map_or(Value::Null, Value::from)
        }
        (FieldType::Object(shape), Value::Object(_)) => typed(shape, value),
        (FieldType::List(shape), Value::Array(values)) => {
            values.iter().map(|value| typed(shape, value)).collect()
        }
        _ => Value::Null,
    }
}

/// `90.0` is a whole number too.
fn whole(number: &Number) -> Value {
    let exact = |n: f64| (n.fract() == 0.0 && n.abs() < 9e15).then_some(n as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(exact)).map_or(Value::Null, Value::from)
}

/// The records of a page that can be stored, and the key of each; it is `None` where a stay repeats
/// one before it. Others are unfit.
pub(super) fn identified(
    op: &Operation,
    with: &Map<String, Value>,
    records: Vec<Value>,
    carried: &mut Carried,
) -> (Vec<Value>, Vec<Option<String>>) {
    let list = op.rows_in.unwrap_or("the answer");
    let key = Key::of(op.dataset.name);
    let (mut good, mut keys) = (Vec::with_capacity(records.len()), Vec::new());
    for (at, record) in records.into_iter().enumerate() {
        if !record.is_object() {
            carried.unfit.add(|| format!("{list}[{at}] is no object"));
        } else if key == Key::Stay {
            good.push(record);
        } else if let Some(key) = key.row(&record, with) {
            good.push(record);
            keys.push(Some(key));
        } else {
            carried.unfit.add(|| format!("{list}[{at}] has nothing to identify it by"));
        }
    }
    if key == Key::Stay {
        let uuid = with.get("uuid").and_then(Value::as_str).unwrap_or_default();
        keys = carried.stays.keys(uuid, &good);
    }
    (good, keys)
}

/// The rows of these records, which are as sent less secrets.
pub(super) fn rows(
    op: &Operation,
    with: &Map<String, Value>,
    (records, keys): (Vec<Value>, Vec<Option<String>>),
    unfit: &mut Tally,
) -> Vec<Row> {
    let asked = Arc::new(asked(op, with));
    let mut rows = Vec::with_capacity(records.len());
    for (record, key) in records.into_iter().zip(keys) {
        let Some(key) = key else { continue };
        if op.dataset == &RECORDINGS {
            rows.extend(file_rows(&key, &record, unfit));
        }
        rows.push(Row { dataset: op.dataset, key, record, asked: asked.clone() });
    }
    rows
}

fn file_rows(instance_uuid: &str, recording: &Value, unfit: &mut Tally) -> Vec<Row> {
    let files = match recording.get("recording_files") {
        Some(Value::Array(files)) => files,
        None | Some(Value::Null) => return Vec::new(),
        Some(_) => {
            unfit.add(|| "recording_files of a recording is no list".to_owned());
            return Vec::new();
        }
    };
    let keys = keys::recording_files(instance_uuid, files);
    let asked = [("instance_uuid".to_owned(), Value::from(instance_uuid))];
    let asked = Arc::new(Map::from_iter(asked));
    let mut rows = Vec::with_capacity(files.len());
    for (at, (key, file)) in keys.into_iter().zip(files).enumerate() {
        if file.is_object() {
            let (record, asked) = (file.clone(), asked.clone());
            rows.push(Row { dataset: &RECORDING_FILES, key, record, asked });
        } else {
            unfit.add(|| format!("recording_files[{at}] of a recording is no object"));
        }
    }
    rows
}

/// The columns that the record does not say, from what was asked.
fn asked(op: &Operation, with: &Map<String, Value>) -> Map<String, Value> {
    let given = |field: &Field| {
        let member = if field.name == "instance_uuid" { "uuid" } else { field.name };
        with.get(member).map(|value| (field.name.to_owned(), fitted(field, value)))
    };
    op.dataset.asked.iter().filter_map(given).collect()
}
