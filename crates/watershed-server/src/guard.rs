//! What stands before every route: the host, who asks, where from, headers that browsers heed.

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, ORIGIN, REFERRER_POLICY,
    VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tokio::time::Instant;

use crate::access::{Role, Visitor};
use crate::metrics::Refused;
use crate::problem::{Problem, for_people};
use crate::sessions;
use crate::state::Server;

/// Everything on a page comes from here: no script, style or address of elsewhere, none inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Before everything: a name that this server does not have is refused on every route.
pub(crate) async fn host(State(server): State<Server>, request: Request, next: Next) -> Response {
    let mut response = if server.access.host(host_of(request.uri(), request.headers())) {
        next.run(request).await
    } else {
        server.metrics.refused(Refused::Host);
        let told = "this server does not answer to that name: server.hosts lists those it has\n";
        (StatusCode::FORBIDDEN, told).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // With `no-referrer` browsers would not say either where a form comes from.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.append(VARY, HeaderValue::from_static("cookie"));
    response
}

/// Before a route that needs a role: who asks, and from where.
pub(crate) async fn role(
    State((server, need)): State<(Server, Role)>,
    mut request: Request,
    next: Next,
) -> Response {
    let (headers, method) = (request.headers(), request.method());
    let (visitor, by_cookie) = identify(&server, headers);
    let Some(visitor) = visitor else {
        server.metrics.refused(Refused::Token);
        return unknown(&request);
    };
    if by_cookie && !is_safe(method) && !same_origin(request.uri(), headers) {
        return elsewhere(&server, headers);
    }
    if visitor.role < need {
        server.metrics.refused(Refused::Role);
        // Nobody in particular can still become somebody.
        if server.access.stranger().as_ref() == Some(&visitor) {
            return unknown(&request);
        }
        let (needed, has) = (need.name(), visitor.role.name());
        let told = format!("this needs the role {needed}, and yours is {has}");
        return Problem::new(StatusCode::FORBIDDEN, told).to(headers);
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

/// Around every route: how long it takes.
pub(crate) async fn measured(
    State((server, method, path)): State<(Server, &'static str, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let response = next.run(request).await;
    server.metrics.asked(method, path, response.status().as_u16(), began.elapsed());
    response
}

/// Before signing in and out: from a page of this server only.
pub(crate) async fn own_page(
    State(server): State<Server>,
    request: Request,
    next: Next,
) -> Response {
    if !is_safe(request.method()) && !same_origin(request.uri(), request.headers()) {
        return elsewhere(&server, request.headers());
    }
    next.run(request).await
}

/// Who asks, and whether a cookie says so: a browser sends it along by itself.
pub(crate) fn identify(server: &Server, headers: &HeaderMap) -> (Option<Visitor>, bool) {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(authorization) = text(AUTHORIZATION) {
        let token = authorization.strip_prefix("Bearer ");
        return (token.and_then(|token| server.access.by_token(token)), false);
    }
    if let Some(visitor) = session(headers).and_then(|id| server.sessions.visitor(&id)) {
        return (Some(visitor), true);
    }
    (server.access.stranger(), true)
}

/// What the session's cookie holds.
pub(crate) fn session(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == sessions::COOKIE).then(|| value.to_owned())
    });
    pairs.next()
}

/// Nobody: a browser is led to where people sign in.
fn unknown(request: &Request) -> Response {
    if for_people(request.headers()) {
        return Redirect::to("/sign-in").into_response();
    }
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "a token is needed")
        .hint("send `Authorization: Bearer TOKEN` with server.token, or sign in");
    let mut response = problem.into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn elsewhere(server: &Server, headers: &HeaderMap) -> Response {
    server.metrics.refused(Refused::Origin);
    Problem::new(StatusCode::FORBIDDEN, "this was asked from a page of another server").to(headers)
}

/// Whether it changes nothing.
fn is_safe(method: &Method) -> bool {
    method.is_safe()
}

/// Whether a browser says that a page of this very server asks. Every browser says so with
/// whatever may change something; what is no browser shows a token instead of a cookie.
fn same_origin(uri: &Uri, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let by_site = text("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let origin = text(ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    by_site && origin.is_some_and(|(_, of)| of.eq_ignore_ascii_case(host_of(uri, headers)))
}

/// The host of a request: that of its address, where it is whole, goes before the header.
fn host_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    let header = || headers.get(HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(axum::http::uri::Authority::as_str).or_else(header).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (name.parse().expect("a name"), value.parse().expect("a value"))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_a_page_of_this_server_is_of_the_same_origin() {
        let is =
            |pairs: &[(&'static str, &str)]| same_origin(&Uri::from_static("/"), &headers(pairs));
        let host = ("host", "127.0.0.1:8080");
        assert!(is(&[host, ("origin", "http://127.0.0.1:8080")]));
        assert!(is(&[
            host,
            ("origin", "http://127.0.0.1:8080"),
            ("sec-fetch-site", "same-origin")
        ]));
        for wrong in ["http://evil.example", "http://127.0.0.1:8081", "null", "", "127.0.0.1:8080"]
        {
            assert!(!is(&[host, ("origin", wrong)]), "{wrong}");
        }
        assert!(!is(&[host]), "whoever does not say where from");
        let same_site =
            [host, ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-site")];
        assert!(!is(&same_site));
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let found = |text: &str| session(&headers(&[("cookie", text)]));
        assert_eq!(found("a=b; watershed_session=x1; c=d").as_deref(), Some("x1"));
        assert_eq!(found("xwatershed_session=x1"), None);
    }
}
