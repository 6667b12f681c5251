//! The rows of the state tables as the model's types, and back.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use watershed_model::{
    AccountId, CategorySet, ConnectionName, Coverage, DayCalls, DeadLetter, LeftOut, LetterId,
    Millis, OperationId, PlanHash, RunHead, RunId, RunRow, Subject,
};

use super::fault::Fault;

/// Model values as the JSON text that stands in a column.
pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("the model's types always serialise")
}

/// A unit variant as its name.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    json(value).trim_matches('"').to_owned()
}

/// The variant of this name.
pub(super) fn named<T: DeserializeOwned>(name: String) -> Result<T, Fault> {
    serde_json::from_value(Value::String(name)).map_err(|e| Fault::Unreadable(e.to_string()))
}

/// A value of its JSON text.
pub(super) fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|e| Fault::Unreadable(e.to_string()))
}

/// An instant of its text.
pub(super) fn instant(text: &str) -> Result<Millis, Fault> {
    let at: Timestamp = text.parse().map_err(|e: jiff::Error| Fault::Unreadable(e.to_string()))?;
    Ok(Millis::from(at))
}

/// An instant, where there is one.
pub(super) fn instant_or_none(text: Option<String>) -> Result<Option<Millis>, Fault> {
    text.as_deref().map(instant).transpose()
}

/// A count; the tables hold none below 0.
pub(super) fn counted(number: i64) -> Result<u64, Fault> {
    u64::try_from(number).map_err(|_| Fault::Unreadable(format!("a count of {number}")))
}

/// A row of `_coverage`.
pub(super) fn coverage(row: &Row<'_>) -> Result<Coverage, Fault> {
    Ok(Coverage {
        connection: ConnectionName(row.get("connection")?),
        operation: OperationId(row.get("operation")?),
        subject: Subject(row.get("subject")?),
        from: row.get("from")?,
        to: row.get("to")?,
        state: named(row.get("state")?)?,
        reason: row.get("reason")?,
        rows: counted(row.get("rows")?)?,
        retry_at: instant_or_none(row.get("retry_at")?)?,
        run: RunId(row.get("run")?),
        at: instant(&row.get::<_, String>("at")?)?,
    })
}

/// A row of `_days`.
pub(super) fn day(row: &Row<'_>) -> Result<DayCalls, Fault> {
    let (categories, day): (String, String) = (row.get("categories")?, row.get("day")?);
    let date: Date = day.parse().map_err(|e: jiff::Error| Fault::Unreadable(e.to_string()))?;
    Ok(DayCalls {
        account: AccountId(row.get("account")?),
        categories: CategorySet::named(&categories)
            .ok_or_else(|| Fault::Unreadable(format!("categories {categories}")))?,
        day: Millis::of_date(date).day(),
        calls: counted(row.get("calls")?)?,
        at: instant(&row.get::<_, String>("at")?)?,
    })
}

/// A row of `_left_out`.
pub(super) fn left_out(row: &Row<'_>) -> Result<LeftOut, Fault> {
    Ok(LeftOut {
        connection: ConnectionName(row.get("connection")?),
        mark: row.get::<_, i64>("mark")?.cast_unsigned(),
        why: named(row.get("why")?)?,
        run: RunId(row.get("run")?),
        at: instant(&row.get::<_, String>("at")?)?,
    })
}

/// A row of `_runs`.
pub(super) fn run(row: &Row<'_>) -> Result<RunRow, Fault> {
    let evidence: Option<String> = row.get("evidence")?;
    Ok(RunRow {
        id: RunId(row.get("id")?),
        connection: ConnectionName(row.get("connection")?),
        workflow: row.get("workflow")?,
        source: row.get("source")?,
        plan: PlanHash(row.get("plan")?),
        inputs: parsed(&row.get::<_, String>("inputs")?)?,
        granted: parsed(&row.get::<_, String>("granted")?)?,
        trigger: named(row.get("trigger")?)?,
        state: named(row.get("state")?)?,
        started_at: instant(&row.get::<_, String>("started_at")?)?,
        ended_at: instant_or_none(row.get("ended_at")?)?,
        evidence: evidence.as_deref().map(parsed).transpose()?,
    })
}

/// A row of `_runs`, as lists show it.
pub(super) fn run_head(row: &Row<'_>) -> Result<RunHead, Fault> {
    let evidence: Option<String> = row.get("evidence")?;
    Ok(RunHead {
        id: RunId(row.get("id")?),
        connection: ConnectionName(row.get("connection")?),
        workflow: row.get("workflow")?,
        trigger: named(row.get("trigger")?)?,
        state: named(row.get("state")?)?,
        started_at: instant(&row.get::<_, String>("started_at")?)?,
        ended_at: instant_or_none(row.get("ended_at")?)?,
        figures: evidence.as_deref().map(parsed).transpose()?,
    })
}

/// A row of `_failures`.
pub(super) fn failure(row: &Row<'_>) -> Result<DeadLetter, Fault> {
    let subject: Option<String> = row.get("subject")?;
    Ok(DeadLetter {
        id: LetterId(row.get("id")?),
        connection: ConnectionName(row.get("connection")?),
        run: RunId(row.get("run")?),
        plan: PlanHash(row.get("plan")?),
        step: row.get("step")?,
        operation: OperationId(row.get("operation")?),
        branch: row.get("branch")?,
        item: row.get("item")?,
        key: row.get::<_, i64>("key")?.cast_unsigned(),
        once: row.get::<_, Option<i64>>("once")?.map(i64::cast_unsigned),
        bucket: row.get("bucket")?,
        scopes: parsed(&row.get::<_, String>("scopes")?)?,
        subject: subject.map(Subject),
        from: row.get("from")?,
        to: row.get("to")?,
        verdict: row.get("verdict")?,
        http: row.get("http")?,
        code: row.get("code")?,
        message: row.get("message")?,
        attempts: row.get("attempts")?,
        at: instant(&row.get::<_, String>("at")?)?,
        hint: row.get("hint")?,
    })
}
