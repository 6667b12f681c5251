//! What is told of a request that was not done: RFC 9457 to programs, a page to people.

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::control::{Kind, Refusal};
use crate::page;

/// A problem (RFC 9457). Its type is `about:blank`: the status says what kind it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    hint: Option<String>,
}

#[derive(Serialize)]
struct Members<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), hint: None }
    }

    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Problem {
        Problem { hint: Some(hint.into()), ..self }
    }

    /// As a page.
    pub(crate) fn page(&self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("It did not work");
        page::problem(self.status, title, &self.detail, self.hint.as_deref())
    }

    /// For whoever asked: a page to a browser, JSON to everyone else.
    pub(crate) fn to(self, headers: &HeaderMap) -> Response {
        if for_people(headers) { self.page() } else { self.into_response() }
    }
}

/// Whether a browser asks for a page.
pub(crate) fn for_people(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let members = Members {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            hint: self.hint.as_deref(),
        };
        let text = serde_json::to_string(&members).unwrap_or_default();
        (self.status, [(CONTENT_TYPE, "application/problem+json")], text).into_response()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let status = match refusal.kind {
            Kind::Unknown => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Away => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem { status, detail: refusal.message, hint: refusal.hint }
    }
}

impl From<watershed_sink::Error> for Problem {
    fn from(error: watershed_sink::Error) -> Problem {
        Refusal::from(error).into()
    }
}

impl From<watershed_ledger::Error> for Problem {
    fn from(error: watershed_ledger::Error) -> Problem {
        Refusal::from(error).into()
    }
}
