//! Credentials by reference: read when needed, and again when one is refused.
//!
//! The text of a credential is never shown, logged or kept longer than its use.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::env::Vars;
use crate::fault::Fault;

/// A credential file is some hundred bytes.
const FILE_MAX: u64 = 64 * 1024;
/// Bits of a file's mode that let others than the owner read or change it.
const OTHERS: u32 = 0o077;

/// Where a credential is.
#[derive(Clone)]
pub(crate) enum Reference {
    /// In a variable of the environment.
    Env(String),
    /// In a file that nobody but its owner may read.
    File(PathBuf),
    /// In the configuration itself.
    Literal(SecretString),
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Env(name) => write!(f, "env {name}"),
            Reference::File(path) => write!(f, "file {}", path.display()),
            Reference::Literal(_) => write!(f, "literal"),
        }
    }
}

impl Reference {
    /// The reference that a value of the configuration is; `None` where it is none.
    pub(crate) fn of(value: &Value) -> Option<Reference> {
        match value {
            Value::String(text) if !text.is_empty() => {
                Some(Reference::Literal(text.as_str().into()))
            }
            Value::Object(members) if members.len() == 1 => {
                let (kind, place) = members.iter().next()?;
                let place = place.as_str().filter(|p| !p.is_empty())?;
                match kind.as_str() {
                    "env" => Some(Reference::Env(place.to_owned())),
                    "file" => Some(Reference::File(place.into())),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The credential itself. `what` names it in messages: `connections.acme.client_secret`.
    pub(crate) fn read(&self, what: &str, vars: &Vars) -> Result<SecretString, Fault> {
        match self {
            Reference::Literal(text) => Ok(text.clone()),
            Reference::Env(name) => {
                let text = vars.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
                text.map(SecretString::from).ok_or_else(|| {
                    Fault::usage(format!("{what}: {name} is not set in the environment"))
                        .hint(format!("export {name}=… with what the Zoom admin handed over"))
                })
            }
            Reference::File(path) => read_file(what, path),
        }
    }

    /// The credential as plain text, for one that is no secret.
    pub(crate) fn read_plain(&self, what: &str, vars: &Vars) -> Result<String, Fault> {
        Ok(self.read(what, vars)?.expose_secret().to_owned())
    }
}

fn read_file(what: &str, path: &Path) -> Result<SecretString, Fault> {
    let place = path.display();
    let failed = |error: std::io::Error| {
        Fault::usage(format!("{what}: read {place}: {error}"))
            .hint("the path is taken from the folder in which the command runs")
    };
    let about = std::fs::metadata(path).map_err(failed)?;
    let mode = about.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(Fault::usage(format!(
            "{what}: {place} can be read by others than its owner (mode {mode:03o})"
        ))
        .hint(format!("chmod 600 {place}")));
    }
    if about.len() > FILE_MAX {
        return Err(Fault::usage(format!("{what}: {place} is too large to be a credential"))
            .hint("the file holds the credential and nothing else"));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Fault::usage(format!("{what}: {place} is empty"))
            .hint("the file holds the credential and nothing else"));
    }
    Ok(text.into())
}
