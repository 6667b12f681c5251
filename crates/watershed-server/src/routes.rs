//! The routes.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::time::timeout;

use crate::state::Server;
use crate::{guard, health, webhook};

/// The text format of Prometheus.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Metrics are shown without the backlog of a sink that does not tell it by then.
const BACKLOG_MAX: Duration = Duration::from_secs(1);

/// Every route, by what is asked there. The host is looked at before all of them, and before what
/// is none.
pub(crate) fn router(server: &Server) -> Router {
    let inside = Router::new()
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(server.clone(), guard::token));
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/webhooks/zoom/{connection}", post(webhook::receive))
        .merge(inside)
        .layer(from_fn_with_state(server.clone(), guard::host))
        .with_state(server.clone())
}

async fn metrics(State(server): State<Server>) -> Response {
    let backlog = timeout(BACKLOG_MAX, server.stores.inbox.backlog()).await;
    let backlog = backlog.ok().and_then(Result::ok).unwrap_or_default();
    let text = server.metrics.render(&backlog, (server.clock)());
    ([(CONTENT_TYPE, TEXT)], text).into_response()
}
