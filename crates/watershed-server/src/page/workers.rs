//! The page of all processes that work.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use watershed_model::{instant, number};

use super::{Frame, Tile, ago, html, shown};
use crate::access::Visitor;
use crate::control::{Doing, Kind, Refusal};
use crate::facts;
use crate::live::stream_of;
use crate::problem::Problem;
use crate::shape::Worker;
use crate::state::Server;

/// Processes that are shown.
const SHOWN_MAX: usize = 200;

#[derive(Template)]
#[template(path = "workers.html")]
struct WorkersPage {
    frame: Frame,
    list: String,
}

#[derive(Template)]
#[template(path = "workers_list.html")]
struct List {
    tiles: Vec<Tile>,
    rows: Vec<Row>,
}

struct Row {
    host: String,
    process: u32,
    version: String,
    alive: bool,
    leases: String,
    seen: String,
    seen_at: String,
}

/// `GET /workers`.
pub(crate) async fn workers(
    State(server): State<Server>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    match list(&server).await {
        Ok(list) => html(&WorkersPage { frame: Frame::new("Workers", "Workers", &visitor), list }),
        Err(refusal) => Problem::from(refusal).to(&headers),
    }
}

/// `GET /workers/live`: the list, whenever it has changed.
pub(crate) async fn workers_live(State(server): State<Server>) -> Response {
    let render =
        |server: Server| -> Doing<'static, String> { Box::pin(async move { list(&server).await }) };
    stream_of(&server, "/workers/live".to_owned(), Arc::new(render))
}

async fn list(server: &Server) -> Result<String, Refusal> {
    let all = facts::workers(server).await?;
    let list = List { tiles: tiles(&all), rows: rows(&all, server) };
    list.render()
        .map_err(|error| Refusal::new(Kind::Failed, format!("the page could not be made: {error}")))
}

fn tiles(all: &[Worker]) -> Vec<Tile> {
    let alive: Vec<&Worker> = all.iter().filter(|worker| worker.alive).collect();
    let versions: BTreeSet<&str> = alive.iter().map(|worker| worker.version.as_str()).collect();
    let leases = alive.iter().map(|worker| worker.leases).sum();
    let versions: Vec<String> = versions.into_iter().map(shown).collect();
    vec![
        Tile::new("Alive", number(alive.len() as u64)),
        Tile::new("Leases", number(leases)),
        Tile::new(
            "Versions",
            if versions.is_empty() { "–".to_owned() } else { versions.join(", ") },
        )
        .tone(if versions.len() > 1 { "warn" } else { "" }),
    ]
}

fn rows(all: &[Worker], server: &Server) -> Vec<Row> {
    let now = (server.clock)();
    let rows = all.iter().take(SHOWN_MAX).map(|worker| Row {
        host: shown(&worker.host),
        process: worker.process,
        version: shown(&worker.version),
        alive: worker.alive,
        leases: number(worker.leases),
        seen: instant(&worker.seen_at).map_or_else(String::new, |at| ago(at, now)),
        seen_at: worker.seen_at.clone(),
    });
    rows.collect()
}
