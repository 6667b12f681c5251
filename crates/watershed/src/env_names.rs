//! Every variable of the environment that this program reads, in one place.

/// Path of the configuration file, where `--config` gives none.
pub(crate) const CONFIG: &str = "WATERSHED_CONFIG";
/// Begins the name of every setting: `WATERSHED_STORE__URL` is `store.url`.
pub(crate) const PREFIX: &str = "WATERSHED_";
/// Separates the parts of a setting's path in a name.
pub(crate) const SEPARATOR: &str = "__";
/// Filter of the logs, over `-v`: `watershed=debug,warn`.
pub(crate) const LOG: &str = "RUST_LOG";
/// Not empty: no colour, unless `--color always`.
pub(crate) const NO_COLOR: &str = "NO_COLOR";

/// Account id of the connection `default`, where no connection is configured.
pub(crate) const ZOOM_ACCOUNT_ID: &str = "ZOOM_ACCOUNT_ID";
/// Client id of the connection `default`.
pub(crate) const ZOOM_CLIENT_ID: &str = "ZOOM_CLIENT_ID";
/// Client secret of the connection `default`.
pub(crate) const ZOOM_CLIENT_SECRET: &str = "ZOOM_CLIENT_SECRET";
/// Base of the API of the connection `default`, with `/v2`.
pub(crate) const ZOOM_API_URL: &str = "ZOOM_API_URL";
/// Token endpoint of the connection `default`.
pub(crate) const ZOOM_TOKEN_URL: &str = "ZOOM_TOKEN_URL";
/// What its webhooks are signed with.
pub(crate) const ZOOM_WEBHOOK_SECRET: &str = "ZOOM_WEBHOOK_SECRET";
/// Zoom plan of the connection `default`.
pub(crate) const ZOOM_TIER: &str = "ZOOM_TIER";

/// The variable of a setting: `["store", "url"]` is `WATERSHED_STORE__URL`.
pub(crate) fn of(path: &[&str]) -> String {
    format!("{PREFIX}{}", path.join(SEPARATOR).to_uppercase())
}
