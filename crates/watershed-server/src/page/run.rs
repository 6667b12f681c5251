//! The page of one run: what stays as it is. What changes is in `run_live`.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use watershed_model::{RunId, number};

use super::runs::encoded;
use super::{Frame, html, run_live as changing, shown};
use crate::access::{Role, Visitor};
use crate::control::{Doing, Refusal};
use crate::facts::{PAGE_PATIENCE, told};
use crate::live::stream_of;
use crate::problem::Problem;
use crate::state::Server;

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    live: String,
    live_at: String,
    put_back: Option<String>,
    hash: String,
    inputs: Vec<(String, String)>,
    source: String,
}

/// What was just done.
#[derive(Debug, Deserialize)]
pub(crate) struct Done {
    put_back: Option<u64>,
}

/// `GET /runs/{run}`.
pub(crate) async fn run(
    State(server): State<Server>,
    Path(run): Path<String>,
    Query(done): Query<Done>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    match page(&server, run, &done, &visitor).await {
        Ok(page) => html(&page),
        Err(refusal) => Problem::from(refusal).to(&headers),
    }
}

async fn page(
    server: &Server,
    run: String,
    done: &Done,
    visitor: &Visitor,
) -> Result<RunPage, Refusal> {
    let told = told(server, &RunId(run.clone()), PAGE_PATIENCE).await?;
    let (hash, inputs) = match (&told.row, &told.view) {
        (Some(row), _) => (row.plan.to_string(), row.inputs.clone()),
        (None, Some(view)) => (view.plan_hash.to_string(), (*view.inputs).clone()),
        (None, None) => Default::default(),
    };
    let text = |value: &serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let inputs = inputs.iter().map(|(name, value)| (shown(name), shown(&text(value)))).collect();
    let may_operate = visitor.role >= Role::Operate;
    Ok(RunPage {
        frame: Frame::new(format!("{} {run}", told.report.workflow), "Runs", visitor),
        live: changing::render(server, &told, may_operate).await?,
        live_at: format!("/runs/{}/live", encoded(&run)),
        put_back: done.put_back.map(number),
        hash,
        inputs,
        source: told.row.map(|row| row.source).unwrap_or_default(),
    })
}

/// `GET /runs/{run}/live`: what changes, whenever it has.
pub(crate) async fn run_live(
    State(server): State<Server>,
    Path(run): Path<String>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let may_operate = visitor.role >= Role::Operate;
    let address = format!("/runs/{run}/live {may_operate}");
    let render = move |server: Server| -> Doing<'static, String> {
        let run = RunId(run.clone());
        Box::pin(async move {
            let told = told(&server, &run, PAGE_PATIENCE).await?;
            changing::render(&server, &told, may_operate).await
        })
    };
    stream_of(&server, address, Arc::new(render))
}
