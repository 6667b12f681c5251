//! The page of all connections, and what `doctor` found of each.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use watershed_model::Millis;

use super::runs::encoded;
use super::{Frame, ago, calls, html, limit_name, shown};
use crate::access::Visitor;
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
    pairs: Vec<(&'static str, String)>,
    limits: Vec<(String, String)>,
    looked: String,
    findings: Vec<Found>,
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

fn card(of: &Connection, looked: Option<&Looked>, now: Millis) -> Card {
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let tier = if of.tier_known { of.tier.clone() } else { format!("{} (assumed)", of.tier) };
    let redacted =
        if of.redacted.is_empty() { "nothing".to_owned() } else { of.redacted.join(", ") };
    Card {
        name: of.connection.clone(),
        account: of.account_id.as_deref().map_or("account id cannot be read".to_owned(), shown),
        doctor_path: format!("/connections/{}/doctor", encoded(&of.connection)),
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
