//! What is configured: flags over environment over file over defaults.
//!
//! Each value knows where it came from, so that a complaint names the place. The defaults
//! are the annotated `config/watershed.toml` itself. Credentials stay references until a
//! connection is made (`credential`). `typed` reads one value, `resolved` puts them together.
//! Next:
//! `keys`, the table that everything is made from.

mod credential;
mod env;
mod file;
mod keys;
mod layer;
mod resolved;
mod schema;
mod share;
#[cfg(test)]
mod tests;
mod typed;

use std::path::{Path, PathBuf};

pub(crate) use env::{Vars, of_process};
pub(crate) use layer::{Layer, Origin};
pub(crate) use resolved::{Account, LogFormat, Settings};
pub(crate) use schema::schema;

use crate::env_names;
use crate::fault::Fault;

/// The defaults, and at the same time their documentation.
pub(crate) const DEFAULTS: &str = include_str!("../../../config/watershed.toml");
/// Read where neither flag nor environment names a file.
const FILE: &str = "watershed.toml";

/// What the command line says of the settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// Values that flags set.
    pub flags: Layer,
    /// Whether neither file nor environment is asked: the demo must run anywhere.
    pub alone: bool,
}

/// Reads and resolves everything.
///
/// # Errors
/// A [`Fault`] with the exit code of wrong configuration, naming key, value and place.
pub(crate) fn load(given: Given, vars: &Vars) -> Result<Settings, Fault> {
    let mut layer = defaults()?;
    if !given.alone {
        let mut named = Layer::default();
        if let Some(path) = file_path(given.config, vars)? {
            named = from_file(&path)?;
        }
        named.cover(env::read(vars)?);
        if by_zoom_alone(&named) {
            layer.cover(env::zoom(vars));
        }
        layer.cover(named);
    }
    layer.cover(given.flags);
    resolved::resolve(&layer)
}

/// Whether nobody has configured an account: the `ZOOM_…` variables may make one up.
fn by_zoom_alone(named: &Layer) -> bool {
    named.connections.keys().all(|name| name == "default")
        && named.get(&["connections", "default", "account_id"]).is_none()
}

fn defaults() -> Result<Layer, Fault> {
    file::read(Path::new("config/watershed.toml"), DEFAULTS, &|_| Origin::Default)
}

fn file_path(flag: Option<PathBuf>, vars: &Vars) -> Result<Option<PathBuf>, Fault> {
    let by_env = || vars.get(env_names::CONFIG).filter(|v| !v.is_empty()).map(PathBuf::from);
    let (path, by) = match (flag, by_env()) {
        (Some(path), _) => (path, "--config"),
        (None, Some(path)) => (path, env_names::CONFIG),
        (None, None) => {
            let path = PathBuf::from(FILE);
            return Ok(path.is_file().then_some(path));
        }
    };
    if path.is_file() {
        return Ok(Some(path));
    }
    Err(Fault::usage(format!("{by}: there is no file {}", path.display())).hint(
        "copy config/watershed.toml of the repository, or leave the option out: \
               ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET are enough",
    ))
}

fn from_file(path: &Path) -> Result<Layer, Fault> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Fault::usage(format!("read {}: {error}", path.display()))
            .hint("it must be a text file that you may read")
    })?;
    file::read(path, &text, &|line| Origin::File(path.to_owned(), line))
}

impl Settings {
    /// The connection of that name; without a name, the only one there is.
    ///
    /// # Errors
    /// Where there is none, or several to choose from.
    pub(crate) fn connection(&self, name: Option<&str>) -> Result<(&str, &Account), Fault> {
        let names = || self.connections.keys().cloned().collect::<Vec<_>>().join(", ");
        match name {
            Some(name) => {
                let found = self.connections.get_key_value(name);
                found.map(|(name, account)| (name.as_str(), account)).ok_or_else(|| {
                    let fault = Fault::usage(format!("no connection {name:?} is configured"));
                    if self.connections.is_empty() {
                        return fault.hint(NO_CONNECTION);
                    }
                    fault.hint(format!("configured are: {}", names()))
                })
            }
            None if self.connections.len() > 1 => {
                Err(Fault::usage("several connections are configured")
                    .hint(format!("choose one with --connection: {}", names())))
            }
            None => self
                .connections
                .iter()
                .next()
                .map(|(name, account)| (name.as_str(), account))
                .ok_or_else(|| Fault::usage("no Zoom account is configured").hint(NO_CONNECTION)),
        }
    }
}

const NO_CONNECTION: &str = "export ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET, or \
     write [connections.NAME] into watershed.toml; `watershed demo` needs neither";
