//! Coverage as JSON lines, however much there is: a page at a time is read and sent.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use watershed_model::{ConnectionName, OperationId};
use watershed_sink::{Ask, CoverageFilter, Error};

use crate::api::Asked;
use crate::shape::Coverage;
use crate::state::Server;

/// Rows read at once.
const PAGE: u32 = 1_000;

/// Which rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    connection: Option<String>,
    operation: Option<String>,
}

/// `GET /coverage-lines`.
pub(crate) async fn coverage_lines(
    State(server): State<Server>,
    Asked(wanted): Asked<Wanted>,
) -> Response {
    let filter = CoverageFilter {
        connection: wanted.connection.map(ConnectionName),
        operation: wanted.operation.map(OperationId),
        ..CoverageFilter::default()
    };
    let pages = stream::unfold(Some(None), move |after: Option<Option<Ask>>| {
        let (server, filter) = (server.clone(), filter.clone());
        async move {
            let page = page(&server, filter, after?).await;
            Some(match page {
                Ok((lines, next)) => (Ok(lines), next.map(Some)),
                // It breaks off: whoever reads it sees that it is not whole.
                Err(error) => (Err(error), None),
            })
        }
    });
    let heads = [
        (CONTENT_TYPE, "application/jsonl; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"coverage.jsonl\""),
    ];
    (heads, Body::from_stream(pages)).into_response()
}

async fn page(
    server: &Server,
    filter: CoverageFilter,
    after: Option<Ask>,
) -> Result<(Bytes, Option<Ask>), Error> {
    let rows = server.stores.sink.coverage(filter, after, PAGE).await?;
    let whole = u32::try_from(rows.len()).is_ok_and(|count| count == PAGE);
    let next = rows.last().filter(|_| whole).map(Ask::of);
    let mut lines = Vec::new();
    for row in &rows {
        lines.extend(serde_json::to_vec(&Coverage::of(row)).unwrap_or_default());
        lines.push(b'\n');
    }
    Ok((lines.into(), next))
}
