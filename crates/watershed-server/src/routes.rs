//! The table of routes: path, who may ask, what answers. Nothing is reachable that is not in it.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use tokio::time::timeout;
use tower_http::compression::CompressionLayer;

use crate::access::Role;
use crate::problem::Problem;
use crate::standing::standing;
use crate::state::Server;
use crate::{api, asset, guard, health, lines, page, webhook};

/// The text format of Prometheus.
pub(crate) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Metrics are shown without what a store does not tell by then.
const BACKLOG_MAX: Duration = Duration::from_secs(1);

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Everybody.
    Open,
    /// Everybody, from a page of this server.
    OwnPage,
    /// Whoever has the role.
    Role(Role),
}

/// A route.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) need: Need,
    answer: MethodRouter<Server>,
}

const READ: Need = Need::Role(Role::Read);
const OPERATE: Need = Need::Role(Role::Operate);
const ERASE: Need = Need::Role(Role::Erase);

fn shows(path: &'static str, need: Need, answer: MethodRouter<Server>) -> Route {
    Route { method: "GET", path, need, answer }
}

fn does(path: &'static str, need: Need, answer: MethodRouter<Server>) -> Route {
    Route { method: "POST", path, need, answer }
}

/// Every route but those of the API, which describes itself.
pub(crate) fn pages() -> Vec<Route> {
    vec![
        shows("/healthz", Need::Open, get(health::alive)),
        shows("/readyz", Need::Open, get(health::ready)),
        does("/webhooks/zoom/{connection}", Need::Open, post(webhook::receive)),
        shows("/metrics", READ, get(metrics)),
        shows("/assets/{version}/{name}", Need::Open, get(asset::asset)),
        shows("/sign-in", Need::Open, get(page::sign_in_page)),
        does("/sign-in", Need::OwnPage, post(page::sign_in)),
        does("/sign-out", Need::OwnPage, post(page::sign_out)),
        shows("/", READ, get(page::runs)),
        shows("/live", READ, get(page::runs_live)),
        shows("/runs/{run}", READ, get(page::run)),
        shows("/runs/{run}/live", READ, get(page::run_live)),
        does("/runs/{run}/pause", OPERATE, post(page::pause)),
        does("/runs/{run}/resume", OPERATE, post(page::resume)),
        does("/runs/{run}/cancel", OPERATE, post(page::cancel)),
        does("/runs/{run}/retry", OPERATE, post(page::retry)),
        shows("/coverage", READ, get(page::coverage)),
        shows("/coverage/{connection}", READ, get(page::coverage_of)),
        shows("/coverage/{connection}/{operation}", READ, get(page::coverage_bands)),
        shows("/coverage-lines", READ, get(lines::coverage_lines)),
        shows("/connections", READ, get(page::connections)),
        does("/connections/{connection}/doctor", OPERATE, post(page::diagnose)),
        does("/connections/{connection}/erase", ERASE, post(page::erase)),
        shows("/schedules", READ, get(page::schedules)),
        shows("/workers", READ, get(page::workers)),
        shows("/workers/live", READ, get(page::workers_live)),
    ]
}

/// Every route. The host is looked at before all of them, and before what is none.
pub(crate) fn router(server: &Server) -> Router {
    let mut router = Router::new();
    let api = api::table().into_iter().map(|call| Route {
        method: call.method,
        path: call.path,
        need: Need::Role(call.role),
        answer: call.answer,
    });
    for route in pages().into_iter().chain(api) {
        let answer = match route.need {
            Need::Open => route.answer,
            Need::OwnPage => {
                route.answer.layer(from_fn_with_state(server.clone(), guard::own_page))
            }
            Need::Role(role) => {
                route.answer.layer(from_fn_with_state((server.clone(), role), guard::role))
            }
        };
        let seen = (server.clone(), route.method, route.path);
        router = router.route(route.path, answer.layer(from_fn_with_state(seen, guard::measured)));
    }
    router
        .fallback(nothing)
        .method_not_allowed_fallback(otherwise)
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(server.clone(), guard::host))
        .with_state(server.clone())
}

async fn nothing(headers: HeaderMap) -> Response {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here").to(&headers)
}

async fn otherwise(headers: HeaderMap) -> Response {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this is asked for in another way").to(&headers)
}

async fn metrics(State(server): State<Server>) -> Response {
    let (backlog, standing) = tokio::join!(
        timeout(BACKLOG_MAX, server.stores.inbox.backlog()),
        timeout(BACKLOG_MAX, standing(&server)),
    );
    // What is not told in time stays as it was.
    if let Ok(Ok(standing)) = standing {
        server.metrics.stands(&standing);
    }
    let backlog = backlog.ok().and_then(Result::ok).unwrap_or_default();
    let mut text = server.metrics.render(&backlog, (server.clock)());
    if let Some(worker) = &server.worker {
        text.push_str(&worker.render());
    }
    ([(CONTENT_TYPE, TEXT)], text).into_response()
}

#[cfg(test)]
mod tests;
