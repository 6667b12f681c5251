//! The page of all runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watershed_model::{Millis, RunFigures, RunHead, RunState, Trigger, instant, number};

use super::{Frame, Tile, ago, bar, calls, html, lasting, shown};
use crate::access::Visitor;
use crate::control::{Doing, Refusal, Rows};
use crate::facts::Runs;
use crate::live::stream_of;
use crate::problem::Problem;
use crate::state::Server;

/// Runs on a page.
const PAGE: usize = 50;

/// Which runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    state: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    connection: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    workflow: String,
    /// The page begins after this run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    after: String,
}

impl Wanted {
    fn takes(&self, row: &RunHead, state: RunState) -> bool {
        let is = |wanted: &str, given: &str| wanted.is_empty() || wanted == given;
        is(&self.state, state.name())
            && is(&self.connection, row.connection.as_str())
            && is(&self.workflow, &row.workflow)
    }

    /// The same at another address.
    fn at(&self, path: &str) -> String {
        let pairs = [
            ("state", &self.state),
            ("connection", &self.connection),
            ("workflow", &self.workflow),
            ("after", &self.after),
        ];
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> =
            given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }
}

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    choices: Vec<Choice>,
    list: String,
    live_at: String,
}

struct Choice {
    label: &'static str,
    name: &'static str,
    options: Vec<String>,
    chosen: Option<String>,
}

impl Choice {
    fn is(&self, option: &str) -> bool {
        self.chosen.as_deref() == Some(option)
    }
}

#[derive(Template)]
#[template(path = "runs_list.html")]
struct List {
    tiles: Vec<Tile>,
    rows: Vec<Row>,
    more: Option<String>,
    filtered: bool,
}

struct Row {
    id: String,
    href: String,
    workflow: String,
    connection: String,
    trigger: &'static str,
    state: &'static str,
    failed: u64,
    failed_words: String,
    percent: Option<u64>,
    bar: String,
    figures: String,
    rate: String,
    time: String,
    cost: String,
    cost_words: String,
    began: String,
    began_at: String,
}

/// `GET /`.
pub(crate) async fn runs(
    State(server): State<Server>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Response {
    let made = async {
        let runs = server.facts.runs().await?;
        let list = list(&server, &runs, &wanted).await?;
        Ok::<_, Refusal>((runs, list))
    };
    match made.await {
        Ok((runs, list)) => html(&RunsPage {
            frame: Frame::new("Runs", "Runs", &visitor),
            choices: choices(&runs, &wanted),
            list,
            live_at: wanted.at("/live"),
        }),
        Err(refusal) => Problem::from(refusal).to(&headers),
    }
}

/// `GET /live`: the list, whenever it has changed.
pub(crate) async fn runs_live(
    State(server): State<Server>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let address = wanted.at("/live");
    let render = move |server: Server| -> Doing<'static, String> {
        let wanted = wanted.clone();
        Box::pin(async move {
            let runs = server.facts.runs().await?;
            list(&server, &runs, &wanted).await
        })
    };
    stream_of(&server, address, Arc::new(render))
}

fn choices(runs: &Runs, wanted: &Wanted) -> Vec<Choice> {
    let distinct = |of: fn(&RunHead) -> &str| {
        let all: BTreeSet<&str> = runs.rows.iter().map(of).collect();
        all.into_iter().map(str::to_owned).collect()
    };
    let choice = |label, name, options, chosen: &String| Choice {
        label,
        name,
        options,
        chosen: (!chosen.is_empty()).then(|| chosen.clone()),
    };
    let states = RunState::ALL.map(|state| state.name().to_owned()).to_vec();
    let connections = distinct(|row| row.connection.as_str());
    let workflows = distinct(|row| &row.workflow);
    let choices = [
        choice("State", "state", states, &wanted.state),
        choice("Connection", "connection", connections, &wanted.connection),
        choice("Workflow", "workflow", workflows, &wanted.workflow),
    ];
    // Between one there is nothing to choose.
    choices.into_iter().filter(|of| of.options.len() > 1).collect()
}

async fn list(server: &Server, runs: &Runs, wanted: &Wanted) -> Result<String, Refusal> {
    let now = (server.clock)();
    let rows = runs.rows.iter().filter(|row| wanted.takes(row, runs.state(row)));
    let mut rows =
        rows.skip_while(|row| !wanted.after.is_empty() && row.id.as_str() != wanted.after);
    if !wanted.after.is_empty() {
        rows.next();
    }
    let page: Vec<&RunHead> = rows.by_ref().take(PAGE).collect();
    let more = rows
        .next()
        .and(page.last())
        .map(|last| Wanted { after: last.id.to_string(), ..wanted.clone() }.at("/"));
    let mut shown = Vec::with_capacity(page.len());
    for row in page {
        shown.push(line(server, runs, row, now).await?);
    }
    let list = List {
        tiles: tiles(server, runs, now),
        rows: shown,
        more,
        filtered: *wanted != Wanted::default(),
    };
    list.render().map_err(|error| {
        Refusal::new(crate::control::Kind::Failed, format!("the page could not be made: {error}"))
    })
}

fn tiles(server: &Server, runs: &Runs, now: Millis) -> Vec<Tile> {
    let of = |state| runs.rows.iter().filter(|row| runs.state(row) == state).count() as u64;
    let running = runs.rows.iter().filter(|row| runs.state(row) == RunState::Running);
    let rates = running.filter_map(|row| server.history.rate(&row.id, now));
    // The sum of no numbers is -0.
    let rate = rates.fold(0.0, |sum, rate| sum + rate);
    let (paused, failed) = (of(RunState::Paused), of(RunState::Failed));
    let recent = runs.rows.iter().filter(|row| runs.state(row) == RunState::Complete);
    let last = recent.filter_map(|row| row.ended_at).max();
    vec![
        Tile::new("Running", number(of(RunState::Running))),
        Tile::new("Calls a second", calls(rate)),
        Tile::new("Paused", number(paused)).tone(if paused > 0 { "warn" } else { "" }),
        Tile::new("Failed", number(failed)).tone(if failed > 0 { "bad" } else { "" }),
        Tile::new("Last complete", last.map_or("never".to_owned(), |at| ago(at, now))),
    ]
}

async fn line(server: &Server, runs: &Runs, row: &RunHead, now: Millis) -> Result<Row, Refusal> {
    let state = runs.state(row);
    let (figures, eta) = match row.figures.filter(|_| state.ended()) {
        Some(figures) => (figures, None),
        None => match server.stores.ledger.run(&row.id).await? {
            Some(view) => {
                let report = server.control.report(&view, &Rows::new(), &[]);
                (RunFigures::from(&report), report.eta.as_deref().and_then(instant))
            }
            // The ledger has forgotten it.
            None => (row.figures.unwrap_or_default(), None),
        },
    };
    let RunFigures { done, known, failed, .. } = figures;
    let percent = (known > 0).then(|| (done + failed) * 100 / known);
    let words = format!("{} of {} done", number(done), number(known));
    let rate = server.history.rate(&row.id, now).filter(|_| state == RunState::Running);
    let ended = row.ended_at.filter(|_| state.ended());
    let time = match (ended, eta) {
        (Some(ended), _) => format!("took {}", lasting(ended - row.started_at)),
        (None, Some(eta)) if state == RunState::Running => {
            format!("≈{} left", lasting((eta - now).max(1_000)))
        }
        (None, _) => String::new(),
    };
    let (cost, cost_words) = cost(figures);
    let id = shown(row.id.as_str());
    Ok(Row {
        href: format!("/runs/{}", encoded(row.id.as_str())),
        workflow: shown(&row.workflow),
        connection: row.connection.to_string(),
        trigger: trigger(row.trigger),
        state: state.name(),
        failed,
        failed_words: number(failed),
        percent,
        bar: bar(done as f64, failed as f64, known as f64, "done", &words),
        figures: words,
        rate: rate.map_or_else(String::new, calls),
        time,
        cost,
        cost_words,
        began: ago(row.started_at, now),
        began_at: row.started_at.to_string(),
        id,
    })
}

/// What it cost against the least it could have, short and in words.
pub(super) fn cost(of: RunFigures) -> (String, String) {
    let (spent, least) = (of.spent, of.least);
    if least == 0 {
        return (String::new(), format!("{} calls", number(spent)));
    }
    let ratio = spent as f64 / least as f64;
    (
        format!("×{ratio:.2}"),
        format!("{} calls, {} the least possible", number(spent), number(least)),
    )
}

/// What started a run.
pub(super) fn trigger(of: Trigger) -> &'static str {
    match of {
        Trigger::Event => "by events",
        Trigger::Manual => "by hand",
        Trigger::Schedule => "by schedule",
    }
}

/// A part of an address.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let part = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_stands_in_the_address_and_nothing_else() {
        let wanted = Wanted { workflow: "a b&c".to_owned(), ..Wanted::default() };
        assert_eq!(wanted.at("/live"), "/live?workflow=a%20b%26c");
        assert_eq!(Wanted::default().at("/"), "/");
    }
}
