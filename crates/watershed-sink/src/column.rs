//! Typed columns: which ones a dataset has, and what of a record stands in them. Every sink
//! makes its tables of this, so that they differ in the words of their engine alone.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Number, Value};
use watershed_model::{Dataset, Field, FieldType};

/// A typed column: a documented field, or what the record was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: FieldType,
}

impl Column {
    /// The columns of a dataset: the record's fields, then what was asked; secrets have none.
    /// A name that comes again, in whatever case, is one column: SQLite does not tell them
    /// apart.
    pub fn of(dataset: &'static Dataset) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        for Field { name, ty, secret } in dataset.record.fields.iter().chain(dataset.asked) {
            let known = columns.iter().any(|c| c.name.eq_ignore_ascii_case(name));
            if !secret && !known {
                columns.push(Column { name, ty: *ty });
            }
        }
        columns
    }

    /// What stands in it: what the record says, else what it was asked for.
    pub fn of_record<'a>(
        &self,
        record: &'a Value,
        asked: &'a Map<String, Value>,
    ) -> Option<&'a Value> {
        let said = record.get(self.name).filter(|value| !value.is_null());
        said.or_else(|| asked.get(self.name))
    }
}

/// A member of a record as the value of a typed column. A value of another type than the
/// column's is null there; the record stays as it was sent in `_raw`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Typed<'a> {
    /// Nothing, or something of another type.
    Null,
    /// A whole number.
    Int(i64),
    /// A number.
    Real(f64),
    /// True or false.
    Bool(bool),
    /// Text.
    Text(&'a str),
    /// An instant.
    Instant(Timestamp),
    /// A day.
    Day(Date),
    /// A list, an object, or any JSON but null.
    Json(&'a Value),
}

impl Typed<'_> {
    /// `value` in a column of type `ty`.
    pub fn of(ty: FieldType, value: &Value) -> Typed<'_> {
        let found = match (ty, value) {
            (FieldType::Text, Value::String(text)) => Some(Typed::Text(text)),
            (FieldType::Int, Value::Number(number)) => whole(number).map(Typed::Int),
            // Zoom sends some whole numbers as text, `"type": "2"`.
            (FieldType::Int, Value::String(text)) => text.trim().parse().ok().map(Typed::Int),
            (FieldType::Double, Value::Number(number)) => number.as_f64().map(Typed::Real),
            (FieldType::Bool, Value::Bool(yes)) => Some(Typed::Bool(*yes)),
            (FieldType::Time, Value::String(text)) => text.parse().ok().map(Typed::Instant),
            (FieldType::Date, Value::String(text)) => day(text).map(Typed::Day),
            (FieldType::Object(_), Value::Object(_))
            | (FieldType::List(_) | FieldType::TextList | FieldType::IntList, Value::Array(_)) => {
                Some(Typed::Json(value))
            }
            (FieldType::Json, value) if !value.is_null() => Some(Typed::Json(value)),
            _ => None,
        };
        found.unwrap_or(Typed::Null)
    }
}

/// `2` and `2.0`, but not `2.5` nor what 64 bits cannot hold.
fn whole(number: &Number) -> Option<i64> {
    /// 2^53: below it every whole `f64` is exact.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() <= EXACT_MAX)?;
        format!("{float:.0}").parse().ok()
    })
}

/// `yyyy-mm-dd`, and nothing after it: jiff would take a whole date and time too.
fn day(text: &str) -> Option<Date> {
    (text.len() == "yyyy-mm-dd".len()).then_some(())?;
    text.parse().ok()
}
