//! From a webhook's request to its answer.
//!
//! In this order: length, signature, age, form, account, inbox. Whoever has not signed rightly
//! gets one answer, whether the connection is there or not, and in the same time.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use watershed_model::{ConnectionName, InboxEvent, Millis};
use watershed_sink::Taken;
use watershed_zoom::webhook::{Desk, Event, Heads, Received, Refusal};

use crate::body::{NoBody, read};
use crate::keeper::NotTaken;
use crate::metrics::Outcome;
use crate::state::Server;

const TIMESTAMP: &str = "x-zm-request-timestamp";
const SIGNATURE: &str = "x-zm-signature";
/// Seconds after which it may go well. Zoom comes again after 5 minutes, whatever is said.
const RETRY_AFTER: &str = "60";

/// `POST /webhooks/zoom/{connection}`.
pub(crate) async fn receive(
    State(server): State<Server>,
    connection: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let began = Instant::now();
    let name = connection.map_or_else(|_| String::new(), |Path(name)| name);
    let known = server.desks.get_key_value(&ConnectionName(name));
    let (outcome, response) = answer(&server, known, request).await;
    let of = known.map(|(name, _)| name);
    server.metrics.answered(of, outcome, began.elapsed());
    if outcome > Outcome::Challenge {
        let shown = of.map_or("-", ConnectionName::as_str);
        tracing::info!(connection = shown, ?outcome, "a webhook was not taken");
    }
    response
}

async fn answer(
    server: &Server,
    known: Option<(&ConnectionName, &Desk)>,
    request: Request,
) -> (Outcome, Response) {
    let (head, body) = request.into_parts();
    let body = match read(body, &server.large).await {
        Ok(body) => body,
        Err(NoBody::TooLong) => {
            return (Outcome::Size, told(StatusCode::PAYLOAD_TOO_LARGE, "too long"));
        }
        Err(NoBody::TooSlow) => {
            return (Outcome::Slow, told(StatusCode::REQUEST_TIMEOUT, "too slow"));
        }
        Err(NoBody::NoRoom) => return (Outcome::Busy, later()),
    };
    let heads = Heads {
        timestamp: text(&head.headers, TIMESTAMP),
        signature: text(&head.headers, SIGNATURE),
    };
    let now = (server.clock)();
    let desk = known.map_or(&server.nobody, |(_, desk)| desk);
    let received = desk.receive(heads, &body, now);
    let Some((name, _)) = known else { return refused(Refusal::Signature) };
    match received {
        Ok(Received::Challenge(reply)) => (Outcome::Challenge, Json(reply).into_response()),
        Ok(Received::Event(event)) => keep(server, name, *event, now).await,
        Err(refusal) => refused(refusal),
    }
}

async fn keep(
    server: &Server,
    connection: &ConnectionName,
    event: Event,
    now: Millis,
) -> (Outcome, Response) {
    let event = InboxEvent {
        connection: connection.clone(),
        key: event.key,
        event: event.name,
        event_at: event.at,
        received_at: now,
        body: event.body,
    };
    let name = event.event.clone();
    let outcome = match server.keeper.keep(event).await {
        Ok(Taken::New) => {
            server.metrics.event(connection, &name);
            Outcome::Kept
        }
        Ok(Taken::Known) => Outcome::Known,
        Err(NotTaken::Busy) => Outcome::Busy,
        Err(NotTaken::Failed) => Outcome::Failed,
    };
    let response = match outcome {
        Outcome::Kept | Outcome::Known => StatusCode::NO_CONTENT.into_response(),
        _ => later(),
    };
    (outcome, response)
}

fn later() -> Response {
    let when = [("retry-after", RETRY_AFTER)];
    (StatusCode::SERVICE_UNAVAILABLE, when, "not now\n").into_response()
}

fn refused(why: Refusal) -> (Outcome, Response) {
    let response = match why {
        Refusal::Signature | Refusal::Age => told(StatusCode::UNAUTHORIZED, "not signed"),
        Refusal::Form => told(StatusCode::BAD_REQUEST, "no event"),
        Refusal::Account => told(StatusCode::FORBIDDEN, "another account"),
    };
    (Outcome::Refused(why), response)
}

fn told(status: StatusCode, what: &'static str) -> Response {
    (status, format!("{what}\n")).into_response()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
