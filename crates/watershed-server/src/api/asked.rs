//! What programs ask with: parameters, cursors, bodies. What is wrong is a problem, never a panic.

use axum::body::Body;
use axum::extract::{FromRequestParts, Query};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::problem::Problem;

/// Items of a page where nothing is said, and at most.
pub(crate) const LIMIT: u32 = 100;
pub(crate) const LIMIT_MAX: u32 = 1_000;
/// Bytes of a body. The largest that means anything has some hundred.
const BODY_MAX: usize = 64 * 1024;

/// What stands behind `?`.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(asked)) => Ok(Asked(asked)),
            Err(error) => Err(bad(error.body_text())),
        }
    }
}

/// What was asked is not of the right form.
pub(crate) fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
        .hint("/api/v1/openapi.json tells what may be asked")
}

/// Items of a page.
///
/// # Errors
/// Where it is none, or too many.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(LIMIT);
    if (1..=LIMIT_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(bad(format!("limit: {limit} is not between 1 and {LIMIT_MAX}")))
    }
}

/// A place in a list, as text that means nothing to others.
pub(crate) fn cursor(place: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

/// The place that a cursor stands for.
///
/// # Errors
/// Where it is none of ours.
pub(crate) fn place<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let place = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    place.map(Some).ok_or_else(|| bad("cursor: take `next` of the page before as it stands"))
}

/// A body of JSON; nothing stands for `{}`.
///
/// # Errors
/// Where it is too long, of another type, or not of this shape.
pub(crate) async fn body<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    let bytes = axum::body::to_bytes(body, BODY_MAX).await;
    let bytes = bytes.map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "it is too long"))?;
    if bytes.is_empty() {
        return serde_json::from_slice(b"{}").map_err(|error| bad(error.to_string()));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let told = "send it as application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, told));
    }
    // A list of values would do for a shape with members as well, and means nothing here.
    let members: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
    serde_json::from_value(members.into()).map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
mod tests {
    use watershed_model::{ConnectionName, OperationId, Subject};
    use watershed_sink::Ask;

    use super::*;

    #[test]
    fn a_cursor_comes_back_as_the_place_it_stood_for() {
        let ask = Ask {
            connection: ConnectionName::from("acme"),
            operation: OperationId::from("zoom.list_users"),
            subject: Subject(r#"{"status":"active"}"#.to_owned()),
            from: None,
        };
        assert_eq!(place(Some(&cursor(&ask))).expect("a place"), Some(ask));
        assert_eq!(place::<Ask>(None).expect("none"), None);
        for wrong in ["", "x", "e30", "!!!"] {
            assert!(place::<Ask>(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_body_is_nothing_or_an_object_of_the_right_members() {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Named {
            name: Option<String>,
        }
        let json: HeaderMap =
            [(CONTENT_TYPE, "application/json; charset=utf-8".parse().expect("a type"))]
                .into_iter()
                .collect();
        let named = async |text: &'static str| body::<Named>(&json, Body::from(text)).await;
        assert_eq!(named("").await.ok().and_then(|named| named.name), None);
        let found = named(r#"{"name":"a"}"#).await.ok().and_then(|named| named.name);
        assert_eq!(found.as_deref(), Some("a"));
        for wrong in ["[null]", "null", "[]", r#"{"other":1}"#, "{", r#"{"name":1}"#] {
            assert!(named(wrong).await.is_err(), "{wrong}");
        }
        assert!(body::<Named>(&HeaderMap::new(), Body::from("{}")).await.is_err(), "no type");
    }

    #[test]
    fn a_page_has_some_items_and_not_too_many() {
        assert_eq!([limit(None).ok(), limit(Some(1)).ok()], [Some(LIMIT), Some(1)]);
        assert!(limit(Some(0)).is_err() && limit(Some(LIMIT_MAX + 1)).is_err());
    }
}
