//! What stands before every route: the host, the token, headers that browsers heed.

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::metrics::Refused;
use crate::state::Server;

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
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    response
}

/// Before what is not open to all.
pub(crate) async fn token(State(server): State<Server>, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if server.access.token(given) {
        return next.run(request).await;
    }
    server.metrics.refused(Refused::Token);
    (StatusCode::UNAUTHORIZED, [("www-authenticate", "Bearer")], "a token is needed\n")
        .into_response()
}

/// The host of a request: that of its address, where it is whole, goes before the header.
fn host_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    let header = || headers.get(HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(axum::http::uri::Authority::as_str).or_else(header).unwrap_or_default()
}
