//! The page of all connections, and what `doctor` found of each; a person is erased there.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;
use watershed_model::{Millis, number};

use super::runs::encoded;
use super::{Frame, ago, calls, html, limit_name, shown};
use crate::access::Visitor;
use crate::act;
use crate::control::{Finding, Standing};
use crate::problem::Problem;
use crate::shape::Connection;
use crate::state::{Looked, Server};

#[derive(Template)]
#[template(path = "connections.html")]
struct ConnectionsPage {
    frame: Frame,
    cards: Vec<Card>,
}

struct Card {
    name: String,
    account: String,
    doctor_path: String,
    erase_path: String,
    pairs: Vec<(&'static str, String)>,
    limits: Vec<(String, String)>,
    looked: String,
    findings: Vec<Found>,
}

#[derive(Template)]
#[template(path = "erased.html")]
struct ErasedPage {
    frame: Frame,
    connection: String,
    rows: Vec<(String, String, String)>,
    warnings: Vec<String>,
}

/// Who is to be erased, and the name of the connection, typed once more.
#[derive(Deserialize)]
pub(crate) struct ToErase {
    user: String,
    confirmed: String,
}

struct Found {
    tone: &'static str,
    mark: &'static str,
    about: String,
    found: String,
    hint: Option<String>,
}

/// `GET /connections`.
pub(crate) async fn connections(
    State(server): State<Server>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let now = (server.clock)();
    let looked = server.looked().clone();
    let all = server.control.connections();
    let cards = all.iter().map(|of| card(of, looked.get(&of.connection), now)).collect();
    let frame = Frame::new("Connections", "Connections", &visitor);
    html(&ConnectionsPage { frame, cards })
}

/// `POST /connections/{connection}/doctor`: looks at it now.
pub(crate) async fn diagnose(
    State(server): State<Server>,
    Path(connection): Path<String>,
    headers: HeaderMap,
) -> Response {
    match server.diagnose(&connection).await {
        Ok(_) => Redirect::to(&format!("/connections#{}", encoded(&connection))).into_response(),
        Err(refusal) => Problem::from(refusal).to(&headers),
    }
}

/// `POST /connections/{connection}/erase`: what became of it.
pub(crate) async fn erase(
    State(server): State<Server>,
    Path(connection): Path<String>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Form(asked): Form<ToErase>,
) -> Response {
    let user = asked.user.trim();
    if user.is_empty() || asked.confirmed.trim() != connection {
        let told = "nothing was erased: it takes the person's id or address, and the \
                    connection's name once more";
        return Problem::new(StatusCode::BAD_REQUEST, told).to(&headers);
    }
    let erased = match act::erase(&server, &visitor, &connection, user.to_owned()).await {
        Ok(erased) => erased,
        Err(refusal) => return Problem::from(refusal).to(&headers),
    };
    let row = |(what, gone, changed): (&str, u64, Option<u64>)| {
        (what.to_owned(), number(gone), changed.map_or_else(String::new, number))
    };
    html(&ErasedPage {
        frame: Frame::new("Erased", "Connections", &visitor),
        rows: erased.counts().into_iter().map(row).collect(),
        warnings: erased.warnings,
        connection,
    })
}

fn card(of: &Connection, looked: Option<&Looked>, now: Millis) -> Card {
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let tier = if of.tier_known { of.tier.clone() } else { format!("{} (assumed)", of.tier) };
    let redacted =
        if of.redacted.is_empty() { "nothing".to_owned() } else { of.redacted.join(", ") };
    Card {
        name: of.connection.clone(),
        account: of.account_id.as_deref().map_or("account id cannot be read".to_owned(), shown),
        doctor_path: format!("/connections/{}/doctor", encoded(&of.connection)),
        erase_path: format!("/connections/{}/erase", encoded(&of.connection)),
        pairs: vec![
            ("Zoom plan", tier),
            ("Share of its limits", format!("{:.0} %", of.share * 100.0)),
            ("Agreed to", of.content.clone()),
            ("Webhooks", yes(of.webhooks)),
            ("Redacted", redacted),
        ],
        limits: of
            .limits
            .iter()
            .map(|limit| (limit_name(&limit.category, limit.period), calls(limit.calls)))
            .collect(),
        looked: looked.map_or_else(String::new, |looked| ago(looked.at, now)),
        findings: looked
            .map_or_else(Vec::new, |of| of.diagnosis.findings.iter().map(found).collect()),
    }
}

fn found(finding: &Finding) -> Found {
    let (tone, mark) = match finding.standing {
        Standing::Good => ("good", "✓"),
        Standing::Note => ("note-worthy", "!"),
        Standing::Bad => ("bad", "✗"),
    };
    Found {
        tone,
        mark,
        about: finding.about.clone(),
        found: shown(&finding.found),
        hint: finding.hint.as_deref().map(shown),
    }
}
