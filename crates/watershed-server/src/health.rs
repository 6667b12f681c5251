//! Whether the process lives, and whether its stores answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use watershed_model::RunId;

use crate::state::{Server, Stores};

/// A store that answers later is as good as away.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// However many ask, the stores are asked once in this time.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// What the stores said last.
#[derive(Default)]
pub(crate) struct Ready(Mutex<Option<(Instant, Standing)>>);

/// Which stores answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    store: bool,
    sink: bool,
}

/// `/healthz`.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `/readyz`.
pub(crate) async fn ready(State(server): State<Server>) -> Response {
    let Standing { store, sink } = server.ready.standing(&server.stores).await;
    let word = |answers| if answers { "answers" } else { "does not answer" };
    let status = if store && sink { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "store": word(store), "sink": word(sink) }))).into_response()
}

impl Ready {
    async fn standing(&self, stores: &Arc<Stores>) -> Standing {
        let mut last = self.0.lock().await;
        if let Some((at, standing)) = *last
            && at.elapsed() < ASKED_EVERY
        {
            return standing;
        }
        let (store, sink) = tokio::join!(store(stores), sink(stores));
        let standing = Standing { store, sink };
        *last = Some((Instant::now(), standing));
        standing
    }
}

/// On a task of its own, since a file may answer only once it has. No such run: that is an answer.
async fn store(stores: &Arc<Stores>) -> bool {
    let stores = Arc::clone(stores);
    let asked = tokio::spawn(async move { stores.ledger.run(&RunId::from("-")).await.is_ok() });
    matches!(timeout(ANSWER_MAX, asked).await, Ok(Ok(true)))
}

async fn sink(stores: &Arc<Stores>) -> bool {
    matches!(timeout(ANSWER_MAX, stores.sink.check()).await, Ok(Ok(_)))
}
