//! `ETag`: whoever has an answer already is told so, and not the answer again.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::sessions::hex;

/// Bytes of an answer. The longest page has a thousand rows.
const ANSWER_MAX: usize = 64 << 20;

/// Behind what a GET of the API answers.
pub(super) async fn etag(request: Request, next: Next) -> Response {
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, ANSWER_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // Weak: the same may be sent compressed or not.
    let tag = format!("W/\"{}\"", hex(&Sha256::digest(&bytes)[..16]));
    let is_known = known
        .as_ref()
        .and_then(|known| known.to_str().ok())
        .is_some_and(|known| known.split(',').any(|one| one.trim() == tag || one.trim() == "*"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        head.headers.insert(ETAG, tag);
    }
    // It is kept, and asked about each time.
    head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if is_known {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(axum::http::header::CONTENT_TYPE);
        head.headers.remove(axum::http::header::CONTENT_LENGTH);
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(bytes))
}
