//! Style, scripts and icon: built into the program, and named by what is in them, so that a browser
//! may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::problem::Problem;
use crate::sessions::hex;

/// A year: another content has another address.
const FOREVER: &str = "public, max-age=31536000, immutable";

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const ASSETS: [Asset; 4] = [
    Asset { name: "style.css", kind: "text/css", text: include_str!("../assets/style.css") },
    Asset { name: "icon.svg", kind: "image/svg+xml", text: include_str!("../assets/icon.svg") },
    // htmx 4.0.1 with its extension for server-sent events; assets/LICENSE-htmx.
    Asset {
        name: "htmx.min.js",
        kind: "text/javascript",
        text: include_str!("../assets/htmx.min.js"),
    },
    Asset {
        name: "hx-sse.min.js",
        kind: "text/javascript",
        text: include_str!("../assets/hx-sse.min.js"),
    },
];

/// The versions of [`ASSETS`], in their order.
static VERSIONS: LazyLock<[String; 4]> =
    LazyLock::new(|| ASSETS.map(|asset| hex(&Sha256::digest(asset.text)[..8])));

/// The address of an asset.
pub(crate) fn address(name: &str) -> String {
    let at = ASSETS.iter().position(|asset| asset.name == name);
    let version = at.map_or("", |at| VERSIONS[at].as_str());
    format!("/assets/{version}/{name}")
}

/// `GET /assets/{version}/{name}`.
pub(crate) async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    let found = ASSETS.iter().zip(VERSIONS.iter());
    let mut found = found.filter(|(asset, of)| asset.name == name && **of == version);
    match found.next() {
        Some((asset, _)) => {
            let kind = format!("{}; charset=utf-8", asset.kind);
            ([(CONTENT_TYPE, kind), (CACHE_CONTROL, FOREVER.to_owned())], asset.text)
                .into_response()
        }
        None => Problem::new(StatusCode::NOT_FOUND, "there is no such file").into_response(),
    }
}
