//! What the buttons of a run's page do. Each leads back to it.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;
use watershed_model::{LetterId, RunId};

use super::runs::encoded;
use crate::access::Visitor;
use crate::act::{self, Act, Which};
use crate::control::Refusal;
use crate::problem::Problem;
use crate::state::Server;

/// Which dead letters.
#[derive(Debug, Deserialize)]
pub(crate) struct Letters {
    id: Option<String>,
    group: Option<String>,
}

/// `POST /runs/{run}/pause`.
pub(crate) async fn pause(
    server: State<Server>,
    run: Path<String>,
    visitor: Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    put(server, run, visitor, headers, Act::Pause).await
}

/// `POST /runs/{run}/resume`.
pub(crate) async fn resume(
    server: State<Server>,
    run: Path<String>,
    visitor: Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    put(server, run, visitor, headers, Act::Resume).await
}

/// `POST /runs/{run}/cancel`.
pub(crate) async fn cancel(
    server: State<Server>,
    run: Path<String>,
    visitor: Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    put(server, run, visitor, headers, Act::Cancel).await
}

async fn put(
    State(server): State<Server>,
    Path(run): Path<String>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    act: Act,
) -> Response {
    let done = act::put(&server, &visitor, RunId(run.clone()), act).await;
    back(done.map(|()| String::new()), &run, &headers)
}

/// `POST /runs/{run}/retry`.
pub(crate) async fn retry(
    State(server): State<Server>,
    Path(run): Path<String>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Form(letters): Form<Letters>,
) -> Response {
    let which = match letters {
        Letters { id: Some(id), .. } => Which::One(LetterId(id)),
        Letters { group: Some(group), .. } => Which::Cause(group),
        Letters { .. } => Which::All { step: None },
    };
    let count = act::retry(&server, &visitor, RunId(run.clone()), which).await;
    back(count.map(|count| format!("?put_back={count}")), &run, &headers)
}

fn back(done: Result<String, Refusal>, run: &str, headers: &HeaderMap) -> Response {
    match done {
        Ok(query) => Redirect::to(&format!("/runs/{}{query}", encoded(run))).into_response(),
        Err(refusal) => Problem::from(refusal).to(headers),
    }
}
