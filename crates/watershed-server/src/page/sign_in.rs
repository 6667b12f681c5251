//! Signing in and out.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use watershed_model::{Act, ActOutcome};

use super::{Frame, html};
use crate::act::{On, put_down};
use crate::guard::session;
use crate::sessions::{COOKIE, NotIn, SESSION_TIME};
use crate::state::Server;

/// The code of a link.
#[derive(Deserialize)]
pub(crate) struct Link {
    code: Option<String>,
}

/// A token, or the code of a link.
#[derive(Deserialize)]
pub(crate) struct Shown {
    secret: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    code: Option<String>,
    wrong: Option<&'static str>,
}

/// `GET /sign-in`. A link only fills in the form: whoever looks at links before people do does not
/// use it up.
pub(crate) async fn sign_in_page(State(server): State<Server>, link: Query<Link>) -> Response {
    if link.code.is_none() {
        server.say_link();
    }
    let code = link.0.code;
    html(&SignIn { frame: Frame::outside("Sign in"), code, wrong: None })
}

/// `POST /sign-in`.
pub(crate) async fn sign_in(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Response {
    let (status, wrong) = match server.sessions.enter(shown.secret.trim(), &server.access) {
        Ok((id, visitor)) => {
            tracing::info!(who = visitor.who, role = visitor.role.name(), "signed in");
            let put_down =
                put_down(&server, &visitor, Act::SignIn, On::Server, ActOutcome::Asked).await;
            if let Err(refusal) = put_down {
                // Whoever must see why the sink does not answer must get in.
                tracing::warn!(%refusal, "that somebody signed in was not put down");
            }
            let cookie = cookie(&headers, &id, SESSION_TIME.as_secs());
            return ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response();
        }
        Err(NotIn::Wrong) => {
            (StatusCode::FORBIDDEN, "That is neither a token nor a link that still works.")
        }
        Err(NotIn::TooMany) => {
            (StatusCode::TOO_MANY_REQUESTS, "Too many wrong tries: wait a minute.")
        }
    };
    tracing::warn!(why = wrong, "nobody was signed in");
    let page = SignIn { frame: Frame::outside("Sign in"), code: None, wrong: Some(wrong) };
    (status, html(&page)).into_response()
}

/// `POST /sign-out`.
pub(crate) async fn sign_out(State(server): State<Server>, headers: HeaderMap) -> Response {
    if let Some(id) = session(&headers) {
        server.sessions.leave(&id);
    }
    ([(SET_COOKIE, cookie(&headers, "", 0))], Redirect::to("/sign-in")).into_response()
}

/// No script reads it, no page elsewhere sends it along.
fn cookie(headers: &HeaderMap, id: &str, seconds: u64) -> String {
    let https = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let secure = if https { "; Secure" } else { "" };
    format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
}
