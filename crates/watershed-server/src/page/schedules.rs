//! The page of all schedules.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use watershed_model::{Millis, instant};

use super::runs::encoded;
use super::{Frame, calls, html, lasting};
use crate::access::Visitor;
use crate::problem::Problem;
use crate::shape::Schedule;
use crate::state::Server;

#[derive(Template)]
#[template(path = "schedules.html")]
struct SchedulesPage {
    frame: Frame,
    rows: Vec<Row>,
}

struct Row {
    workflow: String,
    connection: String,
    cron: String,
    timezone: String,
    next: Vec<(String, String)>,
    last: Option<Last>,
    heavy: String,
}

struct Last {
    at: String,
    became: &'static str,
    href: Option<String>,
}

/// `GET /schedules`.
pub(crate) async fn schedules(
    State(server): State<Server>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    let now = (server.clock)();
    match server.control.schedules().await {
        Ok(all) => html(&SchedulesPage {
            frame: Frame::new("Schedules", "Schedules", &visitor),
            rows: all.into_iter().map(|of| row(of, now)).collect(),
        }),
        Err(refusal) => Problem::from(refusal).to(&headers),
    }
}

fn row(of: Schedule, now: Millis) -> Row {
    let next = of.next.iter().map(|tick| {
        let until = instant(&tick.starts_at).map(|at| format!("in {}", lasting(at - now)));
        (minute(&tick.local), until.unwrap_or_default())
    });
    let last = of.last.as_ref().map(|last| Last {
        at: minute(&last.due_at),
        became: last.run_state.or(last.why).unwrap_or(last.state),
        href: last.run.as_deref().map(|run| format!("/runs/{}", encoded(run))),
    });
    let heavy = match (of.heavy.a_day, of.heavy.of) {
        (None, _) => "not known yet".to_owned(),
        (Some(a_day), Some(of)) => format!("≈{} of {}", calls(a_day), calls(of)),
        (Some(a_day), None) => format!("≈{}", calls(a_day)),
    };
    Row {
        next: next.collect(),
        last,
        heavy,
        workflow: of.workflow,
        connection: of.connection,
        cron: of.cron,
        timezone: of.timezone,
    }
}

/// `2026-11-30 02:00` of an instant.
fn minute(text: &str) -> String {
    text.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}
