//! A member of a record as the value of a typed column.

use std::borrow::Cow;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use serde_json::Value;
use watershed_model::FieldType;

use crate::Typed;

/// What a column holds. A value of another type than the column's is null there; the
/// record stays as it was sent in `_raw`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Real(f64),
    Text(Cow<'a, str>),
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Cell::Null => ValueRef::Null,
            Cell::Int(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// The cell of `value` in a column of type `ty`.
pub(super) fn cell(ty: FieldType, value: &Value) -> Cell<'_> {
    match Typed::of(ty, value) {
        Typed::Null => Cell::Null,
        Typed::Int(number) => Cell::Int(number),
        Typed::Real(number) => Cell::Real(number),
        Typed::Bool(yes) => Cell::Int(i64::from(yes)),
        Typed::Text(text) => Cell::Text(Cow::Borrowed(text)),
        // RFC 3339 in UTC, with a fraction only where there is one.
        Typed::Instant(at) => Cell::Text(Cow::Owned(at.to_string())),
        Typed::Day(day) => Cell::Text(Cow::Owned(day.to_string())),
        Typed::Json(json) => Cell::Text(Cow::Owned(json.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use watershed_model::Record;

    use super::*;

    const RECORD: Record = Record { name: "part", fields: &[] };
    const EVERY: [FieldType; 11] = [
        FieldType::Text,
        FieldType::Int,
        FieldType::Double,
        FieldType::Bool,
        FieldType::Time,
        FieldType::Date,
        FieldType::Object(&RECORD),
        FieldType::List(&RECORD),
        FieldType::TextList,
        FieldType::IntList,
        FieldType::Json,
    ];

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(Cow::Borrowed(text))
    }

    #[test]
    fn a_value_of_the_column_s_type_is_in_the_column() {
        let cases = [
            (FieldType::Text, json!("Ana"), text("Ana")),
            (FieldType::Text, json!(""), text("")),
            (FieldType::Int, json!(-7), Cell::Int(-7)),
            (FieldType::Int, json!(99_999_999_999_i64), Cell::Int(99_999_999_999)),
            (FieldType::Int, json!(2.0), Cell::Int(2)),
            (FieldType::Int, json!("2"), Cell::Int(2)),
            (FieldType::Double, json!(1.5), Cell::Real(1.5)),
            (FieldType::Double, json!(3), Cell::Real(3.0)),
            (FieldType::Bool, json!(true), Cell::Int(1)),
            (FieldType::Bool, json!(false), Cell::Int(0)),
            (FieldType::Time, json!("2022-03-23T06:58:09Z"), text("2022-03-23T06:58:09Z")),
            (FieldType::Time, json!("2022-03-23T06:58:09.250Z"), text("2022-03-23T06:58:09.25Z")),
            (FieldType::Time, json!("2022-03-23T08:58:09+02:00"), text("2022-03-23T06:58:09Z")),
            (FieldType::Date, json!("2022-03-23"), text("2022-03-23")),
            (FieldType::Object(&RECORD), json!({"a": 1}), text(r#"{"a":1}"#)),
            (FieldType::List(&RECORD), json!([{"a": 1}]), text(r#"[{"a":1}]"#)),
            (FieldType::TextList, json!([]), text("[]")),
            (FieldType::IntList, json!([1, 2]), text("[1,2]")),
            (FieldType::Json, json!("x"), text(r#""x""#)),
        ];
        for (ty, value, expected) in cases {
            assert_eq!(cell(ty, &value), expected, "{value} as {ty:?}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_null() {
        let cases = [
            (FieldType::Text, json!(5)),
            (FieldType::Text, json!(["a"])),
            (FieldType::Int, json!("two")),
            (FieldType::Int, json!("")),
            (FieldType::Int, json!(2.5)),
            (FieldType::Int, json!(u64::MAX)),
            (FieldType::Int, json!(1e300)),
            (FieldType::Int, json!(true)),
            (FieldType::Double, json!("1.5")),
            (FieldType::Bool, json!("true")),
            (FieldType::Bool, json!(1)),
            (FieldType::Time, json!("")),
            (FieldType::Time, json!("soon")),
            (FieldType::Time, json!(1_648_018_689)),
            (FieldType::Date, json!("")),
            (FieldType::Date, json!("2022-03-23T06:58:09Z")),
            (FieldType::Date, json!("2022-02-30")),
            (FieldType::Object(&RECORD), json!([1])),
            (FieldType::List(&RECORD), json!({"a": 1})),
            (FieldType::TextList, json!("a")),
            (FieldType::IntList, json!(1)),
        ];
        for (ty, value) in cases {
            assert_eq!(cell(ty, &value), Cell::Null, "{value} as {ty:?}");
        }
    }

    #[test]
    fn null_is_null_in_every_column() {
        for ty in EVERY {
            assert_eq!(cell(ty, &Value::Null), Cell::Null, "{ty:?}");
        }
    }
}
