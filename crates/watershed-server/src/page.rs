//! The pages: what is told in HTML. Each is whole without a script; with one it stays current.

mod connections;
mod coverage;
mod heat;
mod put;
mod run;
mod run_live;
mod runs;
mod schedules;
mod sign_in;
mod workers;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use watershed_model::{Millis, number, printable, span};

use crate::access::{Role, Visitor};
use crate::asset;
use crate::problem::Problem;

pub(crate) use connections::{connections, diagnose, erase};
pub(crate) use coverage::{coverage, coverage_bands, coverage_of};
pub(crate) use put::{cancel, pause, resume, retry};
pub(crate) use run::{run, run_live};
pub(crate) use runs::{runs, runs_live};
pub(crate) use schedules::schedules;
pub(crate) use sign_in::{sign_in, sign_in_page, sign_out};
pub(crate) use workers::{workers, workers_live};

/// The longest text of somebody else's that a line shows.
const TEXT_MAX: usize = 300;

/// What every page has around it.
struct Frame {
    title: String,
    /// The place in the navigation.
    here: &'static str,
    /// Who is signed in.
    who: Option<String>,
    role: &'static str,
    may_operate: bool,
    may_erase: bool,
}

impl Frame {
    fn new(title: impl Into<String>, here: &'static str, visitor: &Visitor) -> Frame {
        let signed_in = visitor.role > Role::Read || visitor.who != "anybody";
        Frame {
            title: title.into(),
            here,
            who: signed_in.then(|| visitor.who.clone()),
            role: visitor.role.name(),
            may_operate: visitor.role >= Role::Operate,
            may_erase: visitor.role >= Role::Erase,
        }
    }

    /// For somebody who is nobody yet.
    fn outside(title: &str) -> Frame {
        let title = title.to_owned();
        Frame { title, here: "", who: None, role: "", may_operate: false, may_erase: false }
    }

    fn places(&self) -> [(&'static str, &'static str); 5] {
        [
            ("Runs", "/"),
            ("Coverage", "/coverage"),
            ("Connections", "/connections"),
            ("Schedules", "/schedules"),
            ("Workers", "/workers"),
        ]
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn style(&self) -> String {
        asset::address("style.css")
    }

    fn icon(&self) -> String {
        asset::address("icon.svg")
    }

    fn htmx(&self) -> String {
        asset::address("htmx.min.js")
    }

    fn sse(&self) -> String {
        asset::address("hx-sse.min.js")
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    title: &'a str,
    detail: &'a str,
    hint: Option<&'a str>,
}

/// A page about what did not work.
pub(crate) fn problem(
    status: StatusCode,
    title: &str,
    detail: &str,
    hint: Option<&str>,
) -> Response {
    let page = ProblemPage { frame: Frame::outside(title), title, detail, hint };
    (status, html(&page)).into_response()
}

fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made")
                .into_response()
        }
    }
}

/// A figure, and what it is of.
struct Tile {
    label: &'static str,
    value: String,
    sub: String,
    tone: &'static str,
}

impl Tile {
    fn new(label: &'static str, value: impl Into<String>) -> Tile {
        Tile { label, value: value.into(), sub: String::new(), tone: "" }
    }

    fn sub(self, sub: impl Into<String>) -> Tile {
        Tile { sub: sub.into(), ..self }
    }

    fn tone(self, tone: &'static str) -> Tile {
        Tile { tone, ..self }
    }
}

/// A text of somebody else's, made safe to show.
fn shown(text: &str) -> String {
    printable(text, TEXT_MAX)
}

/// How long ago: `5 min ago`.
fn ago(at: Millis, now: Millis) -> String {
    match (now - at) / 1_000 {
        ..=9 => "just now".to_owned(),
        s @ 10..=59 => format!("{s} s ago"),
        s @ 60..=3_599 => format!("{} min ago", s / 60),
        s @ 3_600..=86_399 => format!("{} h ago", s / 3_600),
        s => format!("{} d ago", s / 86_400),
    }
}

/// A number of calls that may be a fraction: `36`, `0.9`.
fn calls(n: f64) -> String {
    if n >= 10.0 { number(n as u64) } else { format!("{n:.1}").trim_end_matches(".0").to_owned() }
}

/// What an account's limit is called: `heavy + resource-intensive, a day`.
fn limit_name(category: &str, period: &str) -> String {
    format!("{}, a {period}", category.replace('+', " + ").replace('_', "-"))
}

/// A bar: `done` and `lost` of `of`. `class` is that of what is done.
fn bar(done: f64, lost: f64, of: f64, class: &str, about: &str) -> String {
    let part = |n: f64| (n / of.max(f64::MIN_POSITIVE) * 100.0).clamp(0.0, 100.0);
    let (done, lost) = (part(done), if lost > 0.0 { part(lost).max(1.0) } else { 0.0 });
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{about}\"><rect class=\"track\" width=\"100\" height=\"6\"/>\
         <rect class=\"{class}\" width=\"{done:.2}\" height=\"6\"/>\
         <rect class=\"lost\" x=\"{:.2}\" width=\"{lost:.2}\" height=\"6\"/></svg>",
        100.0 - lost
    )
}

/// Time passed, or left.
fn lasting(ms: i64) -> String {
    span(ms.max(0))
}
