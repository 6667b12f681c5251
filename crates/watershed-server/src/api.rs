//! The JSON API under `/api/v1`: a table of calls, from which routes and description are made.
//!
//! What it tells has the same shapes as the commands' `--json`; errors are RFC 9457; lists go on by
//! `next`; every answer to a GET has an `ETag`.

mod asked;
mod calls;
mod describe;
mod etag;

use axum::routing::{MethodRouter, get, post};

pub(crate) use asked::Asked;

use crate::access::Role;
use crate::state::Server;

/// A call of the API.
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) role: Role,
    pub(crate) answer: MethodRouter<Server>,
    /// What it does, in a line.
    about: &'static str,
    /// What may stand behind `?`.
    query: &'static [Parameter],
    /// The schema of what is sent.
    body: Option<&'static str>,
    /// The schema of what is told.
    told: Told,
    /// Refusals beyond those of every call.
    refuses: &'static [u16],
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A thing of this schema.
    One(&'static str),
    /// A page of such things: `{ "items": […], "next": … }`.
    Page(&'static str),
}

/// What may stand behind `?`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parameter {
    name: &'static str,
    about: &'static str,
    kind: Kind,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// 1 to [`asked::LIMIT_MAX`].
    Limit,
    /// One of these.
    OneOf(&'static [&'static str]),
}

const fn text(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, kind: Kind::Text }
}

const CONNECTION: Parameter = text("connection", "Of this connection.");
const CURSOR: Parameter = text("cursor", "`next` of the page before.");
const LIMIT: Parameter = Parameter { name: "limit", about: "Items of a page.", kind: Kind::Limit };
const RUN_STATES: &[&str] = &["running", "paused", "cancelling", "cancelled", "failed", "complete"];
const COVERAGE_STATES: &[&str] =
    &["complete", "partial", "waiting", "unavailable", "skipped", "excluded", "failed"];
const RUNS: &[Parameter] = &[
    CONNECTION,
    text("workflow", "Of the workflow of this name."),
    Parameter { name: "state", about: "In this state.", kind: Kind::OneOf(RUN_STATES) },
    LIMIT,
    CURSOR,
];
const FAILURES: &[Parameter] = &[
    CONNECTION,
    text("run", "Of this run."),
    text("step", "Of the step of this name."),
    LIMIT,
    CURSOR,
];
const AUDIT: &[Parameter] = &[LIMIT, CURSOR];
const COVERAGE: &[Parameter] = &[
    CONNECTION,
    text("operation", "Of this operation: `zoom.list_users`."),
    text("run", "Found by this run."),
    Parameter { name: "state", about: "In this state.", kind: Kind::OneOf(COVERAGE_STATES) },
    text("user", "Whose subject names this user."),
    LIMIT,
    CURSOR,
];

/// Every call.
pub(crate) fn table() -> Vec<Call> {
    let shows = |path, about, query, told, answer: MethodRouter<Server>| Call {
        method: "GET",
        path,
        role: Role::Read,
        answer: answer.layer(axum::middleware::from_fn(etag::etag)),
        about,
        query,
        body: None,
        told,
        refuses: if query.is_empty() { &[] } else { &[400] },
    };
    let one = |call: Call| Call { refuses: &[404], ..call };
    let does = |path, about, told, answer| Call {
        method: "POST",
        path,
        role: Role::Operate,
        answer,
        about,
        query: &[],
        body: None,
        told: Told::One(told),
        refuses: &[404, 409],
    };
    vec![
        shows("/api/v1/runs", "Runs, newest first.", RUNS, Told::Page("run"), get(calls::runs)),
        one(shows(
            "/api/v1/runs/{run}",
            "A run, as it stands now.",
            &[],
            Told::One("run-report"),
            get(calls::run),
        )),
        does(
            "/api/v1/runs/{run}/pause",
            "What is in flight settles, nothing new starts.",
            "run-report",
            post(calls::pause),
        ),
        does(
            "/api/v1/runs/{run}/resume",
            "Lifts a pause, or sets a failed run going again.",
            "run-report",
            post(calls::resume),
        ),
        does(
            "/api/v1/runs/{run}/cancel",
            "Ends a run for good; what it has fetched stays.",
            "run-report",
            post(calls::cancel),
        ),
        Call {
            body: Some("retry"),
            refuses: &[400, 404, 409, 413, 415],
            ..does(
                "/api/v1/runs/{run}/retry",
                "Puts dead letters back, to be tried again.",
                "put-back",
                post(calls::retry),
            )
        },
        shows(
            "/api/v1/failures",
            "Dead letters, oldest first.",
            FAILURES,
            Told::Page("failure"),
            get(calls::failures),
        ),
        shows(
            "/api/v1/coverage",
            "What is known of each operation, subject and window.",
            COVERAGE,
            Told::Page("coverage"),
            get(calls::coverage),
        ),
        shows(
            "/api/v1/connections",
            "Zoom accounts, as configured.",
            &[],
            Told::Page("connection"),
            get(calls::connections),
        ),
        Call {
            refuses: &[404],
            ..does(
                "/api/v1/connections/{connection}/doctor",
                "Looks at a connection; asks Zoom a handful of questions.",
                "doctor",
                post(calls::doctor),
            )
        },
        Call {
            role: Role::Erase,
            body: Some("erase"),
            refuses: &[400, 404, 409, 413, 415],
            ..does(
                "/api/v1/connections/{connection}/erase",
                "Takes one person out of all that is kept of a connection, for good.",
                "erased",
                post(calls::erase),
            )
        },
        shows(
            "/api/v1/audit",
            "Who did what when, oldest first.",
            AUDIT,
            Told::Page("audit-entry"),
            get(calls::audit),
        ),
        shows(
            "/api/v1/schedules",
            "Schedules, with their next and last ticks.",
            &[],
            Told::Page("schedule"),
            get(calls::schedules),
        ),
        shows(
            "/api/v1/workers",
            "Processes that work, those that spoke last first.",
            &[],
            Told::Page("worker"),
            get(calls::workers),
        ),
        shows(
            "/api/v1/openapi.json",
            "This description.",
            &[],
            Told::One("openapi"),
            get(describe::openapi),
        ),
    ]
}
