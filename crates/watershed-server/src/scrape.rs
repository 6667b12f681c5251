//! Metrics of a process that works and serves nothing else.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

use crate::access::Access;
use crate::listen::{UPKEEP, connections};
use crate::metrics::WorkerMetrics;
use crate::routes::TEXT;

/// Who may ask, and what is told.
struct Scraped {
    access: Access,
    metrics: WorkerMetrics,
}

/// Serves `/metrics`, to those who may look, and `/healthz` until it is dropped. Names and tokens
/// are those of [`crate::serve`].
pub async fn serve_metrics(listener: TcpListener, access: Access, metrics: WorkerMetrics) {
    let scraped = Arc::new(Scraped { access, metrics: metrics.clone() });
    let app = Router::new()
        .route("/metrics", get(told))
        .route("/healthz", get(async || "ok\n"))
        .layer(from_fn_with_state(Arc::clone(&scraped), host))
        .with_state(scraped);
    let upkeep = async {
        let mut upkeep = interval(UPKEEP);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            upkeep.tick().await;
            metrics.upkeep();
        }
    };
    connections(&listener, &app, |_| {}, upkeep).await;
}

async fn host(State(scraped): State<Arc<Scraped>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    if host.is_some_and(|host| scraped.access.host(host)) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "server.hosts lists the names of this process\n").into_response()
}

async fn told(State(scraped): State<Arc<Scraped>>, headers: HeaderMap) -> Response {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let visitor = match given {
        Some(text) => text.strip_prefix("Bearer ").and_then(|t| scraped.access.by_token(t)),
        None => scraped.access.stranger(),
    };
    if visitor.is_none() {
        return (StatusCode::UNAUTHORIZED, "a token is needed: server.read_token\n")
            .into_response();
    }
    ([(CONTENT_TYPE, TEXT)], scraped.metrics.render()).into_response()
}
