//! One typed column of many rows: what a batch sends as one array.

use std::borrow::Cow;

use serde_json::Value;
use tokio_postgres::types::ToSql;
use watershed_model::FieldType;
use watershed_sink::Typed;

use crate::text::{kept, kept_json};
use crate::value::{Day, Instant, Json};

/// The cells of a column, null where a row has none.
#[derive(Debug)]
pub(crate) enum Cells<'a> {
    Text(Vec<Option<Cow<'a, str>>>),
    Int(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
    Bool(Vec<Option<bool>>),
    Instant(Vec<Option<Instant>>),
    Day(Vec<Option<Day>>),
    Json(Vec<Option<Json>>),
}

/// What PostgreSQL calls a column of this type.
pub(crate) fn type_name(ty: FieldType) -> &'static str {
    match ty {
        FieldType::Text => "text",
        FieldType::Int => "bigint",
        FieldType::Double => "double precision",
        FieldType::Bool => "boolean",
        FieldType::Time => "timestamptz",
        FieldType::Date => "date",
        FieldType::Object(_)
        | FieldType::List(_)
        | FieldType::TextList
        | FieldType::IntList
        | FieldType::Json => "jsonb",
    }
}

impl<'a> Cells<'a> {
    /// The cells of these members in a column of this type.
    pub(crate) fn of(ty: FieldType, members: impl Iterator<Item = Option<&'a Value>>) -> Cells<'a> {
        let typed = members.map(|value| value.map_or(Typed::Null, |value| Typed::of(ty, value)));
        match ty {
            FieldType::Text => Cells::Text(typed.map(text).collect()),
            FieldType::Int => Cells::Int(typed.map(int).collect()),
            FieldType::Double => Cells::Real(typed.map(real).collect()),
            FieldType::Bool => Cells::Bool(typed.map(boolean).collect()),
            FieldType::Time => Cells::Instant(typed.map(instant).collect()),
            FieldType::Date => Cells::Day(typed.map(day).collect()),
            FieldType::Object(_)
            | FieldType::List(_)
            | FieldType::TextList
            | FieldType::IntList
            | FieldType::Json => Cells::Json(typed.map(json).collect()),
        }
    }

    /// The array as it is bound.
    pub(crate) fn bound(&self) -> &(dyn ToSql + Sync) {
        match self {
            Cells::Text(cells) => cells,
            Cells::Int(cells) => cells,
            Cells::Real(cells) => cells,
            Cells::Bool(cells) => cells,
            Cells::Instant(cells) => cells,
            Cells::Day(cells) => cells,
            Cells::Json(cells) => cells,
        }
    }
}

fn text(typed: Typed<'_>) -> Option<Cow<'_, str>> {
    if let Typed::Text(text) = typed { Some(kept(text)) } else { None }
}

fn int(typed: Typed<'_>) -> Option<i64> {
    if let Typed::Int(number) = typed { Some(number) } else { None }
}

fn real(typed: Typed<'_>) -> Option<f64> {
    if let Typed::Real(number) = typed { Some(number) } else { None }
}

fn boolean(typed: Typed<'_>) -> Option<bool> {
    if let Typed::Bool(yes) = typed { Some(yes) } else { None }
}

fn instant(typed: Typed<'_>) -> Option<Instant> {
    if let Typed::Instant(at) = typed { Instant::of(at) } else { None }
}

fn day(typed: Typed<'_>) -> Option<Day> {
    if let Typed::Day(day) = typed { Day::of(day) } else { None }
}

fn json(typed: Typed<'_>) -> Option<Json> {
    if let Typed::Json(value) = typed { Some(Json(kept_json(value))) } else { None }
}
