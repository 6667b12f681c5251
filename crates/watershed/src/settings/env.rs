//! The environment as a layer of settings: `WATERSHED_STORE__URL` is `store.url`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::file::unknown;
use super::keys::{self, Kind, Known};
use super::layer::{Layer, Origin};
use crate::env_names as names;
use crate::fault::Fault;

/// The variables of the environment.
pub(crate) type Vars = BTreeMap<String, String>;

/// The environment of this process; what is not UTF-8 is left out.
pub(crate) fn of_process() -> Vars {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Settings in the environment. Only names with `__` are settings: others that begin with
/// `WATERSHED_` may be anybody's, such as a secret that a reference names.
pub(crate) fn read(vars: &Vars) -> Result<Layer, Fault> {
    let mut layer = Layer::default();
    for (name, text) in vars {
        let Some(rest) = name.strip_prefix(names::PREFIX) else { continue };
        if !rest.contains(names::SEPARATOR) {
            continue;
        }
        let path: Vec<String> = rest.split(names::SEPARATOR).map(str::to_lowercase).collect();
        let origin = Origin::Env(name.clone());
        match keys::known(&path) {
            Known::Key(key) => layer.set(path, typed(key.kind, text), origin),
            Known::Section | Known::Not => return Err(unknown(&origin.to_string(), &path)),
        }
    }
    Ok(layer)
}

/// The connection `default` that the `ZOOM_…` variables make up, where there are any.
pub(crate) fn zoom(vars: &Vars) -> Layer {
    let mut layer = Layer::default();
    let references = [
        ("connections.default.account_id", names::ZOOM_ACCOUNT_ID),
        ("connections.default.client_id", names::ZOOM_CLIENT_ID),
        ("connections.default.client_secret", names::ZOOM_CLIENT_SECRET),
    ];
    if !references.iter().any(|(_, name)| vars.contains_key(*name)) {
        return layer;
    }
    for (path, name) in references {
        layer.put(path, json!({ "env": name }), Origin::Env(name.to_owned()));
    }
    let webhooks = names::ZOOM_WEBHOOK_SECRET;
    if vars.get(webhooks).is_some_and(|secret| !secret.is_empty()) {
        let origin = Origin::Env(webhooks.to_owned());
        layer.put("connections.default.webhook_secret", json!({ "env": webhooks }), origin);
    }
    let values = [
        ("connections.default.api_url", names::ZOOM_API_URL),
        ("connections.default.token_url", names::ZOOM_TOKEN_URL),
        ("connections.default.tier", names::ZOOM_TIER),
    ];
    for (path, name) in values {
        if let Some(text) = vars.get(name).filter(|text| !text.is_empty()) {
            layer.put(path, text.as_str(), Origin::Env(name.to_owned()));
        }
    }
    layer
}

/// Text into the kind of value that the file would have; what does not fit stays text and is
/// refused where it is used.
fn typed(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Count(..) => text.parse::<u64>().map_or_else(|_| text.into(), Value::from),
        Kind::Share if text.starts_with('[') => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        Kind::Number(_) | Kind::Part | Kind::Share => {
            text.parse::<f64>().map_or_else(|_| text.into(), Value::from)
        }
        Kind::Hosts => text.split(',').map(|host| Value::from(host.trim())).collect(),
        Kind::Texts => text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect(),
        Kind::Credential { .. } if text.starts_with('{') => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        _ => Value::from(text),
    }
}
