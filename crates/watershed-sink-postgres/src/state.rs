//! The rows of the state tables as the model's types, and back.

use jiff::civil::Date;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::Row;
use watershed_model::{
    AccountId, CategorySet, ConnectionName, Coverage, DayCalls, DeadLetter, LeftOut, LetterId,
    Millis, OperationId, PlanHash, RunHead, RunId, RunRow, Subject,
};

use crate::fault::Fault;
use crate::text::{kept_json, told, told_json};
use crate::value::{Instant, Json};

/// Model values as they stand in a column.
pub(crate) fn json<T: Serialize>(value: &T) -> Json {
    Json(kept_json(&serde_json::to_value(value).expect("the model's types always serialise")))
}

/// A unit variant as its name.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    json(value).0.trim_matches('"').to_owned()
}

/// The variant of this name.
pub(crate) fn named<T: DeserializeOwned>(name: String) -> Result<T, Fault> {
    serde_json::from_value(Value::String(name)).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Fault {
    Fault::Unreadable(error.to_string())
}

/// The value of a column.
pub(crate) fn parsed<T: DeserializeOwned>(Json(text): Json) -> Result<T, Fault> {
    told_json(&text).and_then(serde_json::from_value).map_err(unreadable)
}

/// A count; the tables hold none below 0.
pub(crate) fn counted(number: i64) -> Result<u64, Fault> {
    small(number)
}

/// A number of a type that holds fewer than the column does.
fn small<T: TryFrom<i64>>(number: i64) -> Result<T, Fault> {
    T::try_from(number).map_err(|_| Fault::Unreadable(format!("a number of {number}")))
}

/// Text of a column.
pub(crate) fn text(row: &Row, column: &str) -> Result<String, Fault> {
    Ok(told(row.try_get(column)?))
}

/// Text of a column that may be null.
pub(crate) fn text_or_none(row: &Row, column: &str) -> Result<Option<String>, Fault> {
    Ok(row.try_get::<_, Option<String>>(column)?.map(told))
}

/// An instant of a column.
pub(crate) fn millis(row: &Row, column: &str) -> Result<Millis, Fault> {
    Ok(row.try_get::<_, Instant>(column)?.millis())
}

/// An instant of a column that may be null.
pub(crate) fn millis_or_none(row: &Row, column: &str) -> Result<Option<Millis>, Fault> {
    Ok(row.try_get::<_, Option<Instant>>(column)?.map(Instant::millis))
}

/// A row of `_coverage`.
pub(crate) fn coverage(row: &Row) -> Result<Coverage, Fault> {
    Ok(Coverage {
        connection: ConnectionName(text(row, "connection")?),
        operation: OperationId(text(row, "operation")?),
        subject: Subject(text(row, "subject")?),
        from: text_or_none(row, "from")?,
        to: text_or_none(row, "to")?,
        state: named(text(row, "state")?)?,
        reason: text_or_none(row, "reason")?,
        rows: counted(row.try_get("rows")?)?,
        retry_at: millis_or_none(row, "retry_at")?,
        run: RunId(text(row, "run")?),
        at: millis(row, "at")?,
    })
}

/// A row of `_days`.
pub(crate) fn day(row: &Row) -> Result<DayCalls, Fault> {
    let (categories, day) = (text(row, "categories")?, text(row, "day")?);
    let date: Date = day.parse().map_err(|e: jiff::Error| Fault::Unreadable(e.to_string()))?;
    Ok(DayCalls {
        account: AccountId(text(row, "account")?),
        categories: CategorySet::named(&categories)
            .ok_or_else(|| Fault::Unreadable(format!("categories {categories}")))?,
        day: Millis::of_date(date).day(),
        calls: counted(row.try_get("calls")?)?,
        at: millis(row, "at")?,
    })
}

/// A row of `_left_out`.
pub(crate) fn left_out(row: &Row) -> Result<LeftOut, Fault> {
    Ok(LeftOut {
        connection: ConnectionName(text(row, "connection")?),
        mark: row.try_get::<_, i64>("mark")?.cast_unsigned(),
        why: named(text(row, "why")?)?,
        run: RunId(text(row, "run")?),
        at: millis(row, "at")?,
    })
}

/// A row of `_runs`.
pub(crate) fn run(row: &Row) -> Result<RunRow, Fault> {
    Ok(RunRow {
        id: RunId(text(row, "id")?),
        connection: ConnectionName(text(row, "connection")?),
        workflow: text(row, "workflow")?,
        source: text(row, "source")?,
        plan: PlanHash(text(row, "plan")?),
        inputs: parsed(row.try_get("inputs")?)?,
        granted: parsed(row.try_get("granted")?)?,
        trigger: named(text(row, "trigger")?)?,
        state: named(text(row, "state")?)?,
        started_at: millis(row, "started_at")?,
        ended_at: millis_or_none(row, "ended_at")?,
        evidence: row.try_get::<_, Option<Json>>("evidence")?.map(parsed).transpose()?,
    })
}

/// A row of `_runs`, as lists show it.
pub(crate) fn run_head(row: &Row) -> Result<RunHead, Fault> {
    Ok(RunHead {
        id: RunId(text(row, "id")?),
        connection: ConnectionName(text(row, "connection")?),
        workflow: text(row, "workflow")?,
        trigger: named(text(row, "trigger")?)?,
        state: named(text(row, "state")?)?,
        started_at: millis(row, "started_at")?,
        ended_at: millis_or_none(row, "ended_at")?,
        figures: row.try_get::<_, Option<Json>>("evidence")?.map(parsed).transpose()?,
    })
}

/// A row of `_failures`.
pub(crate) fn failure(row: &Row) -> Result<DeadLetter, Fault> {
    let number =
        |column: &str| -> Result<i64, Fault> { Ok(i64::from(row.try_get::<_, i32>(column)?)) };
    let http = row.try_get::<_, Option<i32>>("http")?;
    Ok(DeadLetter {
        id: LetterId(text(row, "id")?),
        connection: ConnectionName(text(row, "connection")?),
        run: RunId(text(row, "run")?),
        plan: PlanHash(text(row, "plan")?),
        step: text(row, "step")?,
        operation: OperationId(text(row, "operation")?),
        branch: text(row, "branch")?,
        item: text(row, "item")?,
        key: row.try_get::<_, i64>("key")?.cast_unsigned(),
        once: row.try_get::<_, Option<i64>>("once")?.map(i64::cast_unsigned),
        bucket: small(number("bucket")?)?,
        scopes: parsed(row.try_get("scopes")?)?,
        subject: text_or_none(row, "subject")?.map(Subject),
        from: text_or_none(row, "from")?,
        to: text_or_none(row, "to")?,
        verdict: text(row, "verdict")?,
        http: http.map(|http| small(i64::from(http))).transpose()?,
        code: row.try_get("code")?,
        message: text(row, "message")?,
        attempts: small(number("attempts")?)?,
        at: millis(row, "at")?,
        hint: text(row, "hint")?,
    })
}
