//! The calls of the API.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watershed_model::{
    ConnectionName, CoverageState, LetterId, Millis, OperationId, RunId, RunReport, RunState,
};
use watershed_sink::{Ask, AuditEntry, CoverageFilter, FailureFilter};

use super::asked::{Asked, bad, body, cursor, limit, place};
use crate::access::Visitor;
use crate::act::{self, Act, Which};
use crate::facts::{self, API_PATIENCE, told};
use crate::problem::Problem;
use crate::shape::{Connection, Coverage, Erased, Failure, Run, Schedule, Worker};
use crate::state::Server;

type Answer<T> = Result<Json<T>, Problem>;

/// A page of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    items: Vec<T>,
    /// Asks for the next page; null on the last.
    next: Option<String>,
}

impl<T> Page<T> {
    /// All there is.
    fn whole(items: Vec<T>) -> Json<Page<T>> {
        Json(Page { items, next: None })
    }
}

/// The first `limit` of these that come after `after`, and the place of the last where more follow.
fn cut<T, P: PartialOrd>(
    all: impl Iterator<Item = T>,
    after: Option<&P>,
    limit: u32,
    place: impl Fn(&T) -> P,
) -> (Vec<T>, Option<P>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut rest = all.filter(|item| after.is_none_or(|after| place(item) > *after));
    let items: Vec<T> = rest.by_ref().take(limit).collect();
    let next = rest.next().and(items.last()).map(&place);
    (items, next)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunsAsked {
    connection: Option<String>,
    workflow: Option<String>,
    state: Option<RunState>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(super) async fn runs(
    State(server): State<Server>,
    Asked(asked): Asked<RunsAsked>,
) -> Answer<Page<Run>> {
    let limit = limit(asked.limit)?;
    let after: Option<(i64, String)> = place(asked.cursor.as_deref())?;
    let all = server.facts.runs().await?;
    let wanted = all.rows.iter().filter(|row| {
        asked.connection.as_ref().is_none_or(|name| name == row.connection.as_str())
            && asked.workflow.as_ref().is_none_or(|name| *name == row.workflow)
            && asked.state.is_none_or(|state| state == all.state(row))
    });
    // Newest first, so that a later place is a smaller time.
    let at = |row: &&watershed_model::RunHead| {
        (std::cmp::Reverse(row.started_at.0), std::cmp::Reverse(row.id.to_string()))
    };
    let after = after.map(|(at, id)| (std::cmp::Reverse(at), std::cmp::Reverse(id)));
    let (rows, next) = cut(wanted, after.as_ref(), limit, at);
    let items = rows.iter().map(|row| Run::of(row, all.live.get(&row.id))).collect();
    let next = next.map(|(at, id)| cursor(&(at.0, id.0)));
    Ok(Json(Page { items, next }))
}

pub(super) async fn run(
    State(server): State<Server>,
    Path(run): Path<String>,
) -> Answer<RunReport> {
    report(&server, &RunId(run)).await
}

async fn report(server: &Server, run: &RunId) -> Answer<RunReport> {
    Ok(Json(told(server, run, API_PATIENCE).await?.report))
}

pub(super) async fn pause(
    server: State<Server>,
    run: Path<String>,
    visitor: Extension<Visitor>,
) -> Answer<RunReport> {
    put(server, run, visitor, Act::Pause).await
}

pub(super) async fn resume(
    server: State<Server>,
    run: Path<String>,
    visitor: Extension<Visitor>,
) -> Answer<RunReport> {
    put(server, run, visitor, Act::Resume).await
}

pub(super) async fn cancel(
    server: State<Server>,
    run: Path<String>,
    visitor: Extension<Visitor>,
) -> Answer<RunReport> {
    put(server, run, visitor, Act::Cancel).await
}

async fn put(
    State(server): State<Server>,
    Path(run): Path<String>,
    Extension(visitor): Extension<Visitor>,
    act: Act,
) -> Answer<RunReport> {
    let run = RunId(run);
    act::put(&server, &visitor, run.clone(), act).await?;
    report(&server, &run).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryAsked {
    step: Option<String>,
    id: Option<String>,
}

pub(super) async fn retry(
    State(server): State<Server>,
    Path(run): Path<String>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Value> {
    let asked: RetryAsked = body(&headers, sent).await?;
    let which = match asked.id {
        Some(id) => Which::One(LetterId(id)),
        None => Which::All { step: asked.step },
    };
    let count = act::retry(&server, &visitor, RunId(run.clone()), which).await?;
    Ok(Json(json!({ "run": run, "put_back": count })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailuresAsked {
    connection: Option<String>,
    run: Option<String>,
    step: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(super) async fn failures(
    State(server): State<Server>,
    Asked(asked): Asked<FailuresAsked>,
) -> Answer<Page<Failure>> {
    let limit = limit(asked.limit)?;
    let after: Option<(Millis, LetterId)> = place(asked.cursor.as_deref())?;
    let filter = FailureFilter {
        connection: asked.connection.map(ConnectionName),
        run: asked.run.map(RunId),
        step: asked.step,
        ..FailureFilter::default()
    };
    let letters = server.stores.sink.failures(filter).await?;
    let at = |letter: &watershed_model::DeadLetter| (letter.at, letter.id.clone());
    let (letters, next) = cut(letters.into_iter(), after.as_ref(), limit, at);
    let items = letters.iter().map(Failure::of).collect();
    Ok(Json(Page { items, next: next.map(|place| cursor(&place)) }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoverageAsked {
    connection: Option<String>,
    operation: Option<String>,
    run: Option<String>,
    state: Option<CoverageState>,
    user: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(super) async fn coverage(
    State(server): State<Server>,
    Asked(asked): Asked<CoverageAsked>,
) -> Answer<Page<Coverage>> {
    let limit = limit(asked.limit)?;
    let after: Option<Ask> = place(asked.cursor.as_deref())?;
    let filter = CoverageFilter {
        connection: asked.connection.map(ConnectionName),
        operation: asked.operation.map(OperationId),
        run: asked.run.map(RunId),
        state: asked.state,
        user: asked.user,
    };
    let rows = server.stores.sink.coverage(filter, after, limit).await?;
    let next = next(&rows, limit, Ask::of);
    Ok(Json(Page { items: rows.iter().map(Coverage::of).collect(), next }))
}

pub(super) async fn connections(State(server): State<Server>) -> Json<Page<Connection>> {
    Page::whole(server.control.connections())
}

pub(super) async fn doctor(
    State(server): State<Server>,
    Path(connection): Path<String>,
) -> Answer<Value> {
    Ok(Json(server.diagnose(&connection).await?.json))
}

/// Who is to be erased: in the body, since addresses of requests are logged on their way.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EraseAsked {
    user: String,
}

pub(super) async fn erase(
    State(server): State<Server>,
    Path(connection): Path<String>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Erased> {
    let asked: EraseAsked = body(&headers, sent).await?;
    if asked.user.is_empty() {
        return Err(bad("user: an id or an address"));
    }
    Ok(Json(act::erase(&server, &visitor, &connection, asked.user).await?))
}

/// Where the next page begins, after one of as many as were asked for.
fn next<T, P: Serialize>(items: &[T], limit: u32, place: impl Fn(&T) -> P) -> Option<String> {
    let full = u32::try_from(items.len()).is_ok_and(|count| count == limit);
    items.last().filter(|_| full).map(|last| cursor(&place(last)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditAsked {
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(super) async fn audit(
    State(server): State<Server>,
    Asked(asked): Asked<AuditAsked>,
) -> Answer<Page<AuditEntry>> {
    let limit = limit(asked.limit)?;
    let after: Option<u64> = place(asked.cursor.as_deref())?;
    let items = server.stores.sink.audited(after.unwrap_or(0), limit).await?;
    let next = next(&items, limit, |last| last.place);
    Ok(Json(Page { items, next }))
}

pub(super) async fn schedules(State(server): State<Server>) -> Answer<Page<Schedule>> {
    Ok(Page::whole(server.control.schedules().await?))
}

pub(super) async fn workers(State(server): State<Server>) -> Answer<Page<Worker>> {
    Ok(Page::whole(facts::workers(&server).await?))
}
