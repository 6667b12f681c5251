//! One value of a layer at a time, read as what it is to be: each complaint names key, value and
//! place.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::SignedDuration;
use serde_json::Value;
use url::Url;
use watershed_lake::Place;
use watershed_zoom::redact::Action;

use super::credential::Reference;
use super::keys::{self, Kind, Known};
use super::layer::{Layer, Origin};
use super::share::{self, Share};
use crate::built;
use crate::data::{Data, has_password};
use crate::env_names;
use crate::fault::Fault;
use crate::notify::Hook;
use crate::store::Store;

/// Values of a layer.
pub(super) struct From<'a> {
    pub(super) layer: &'a Layer,
}

impl From<'_> {
    fn found(&self, path: &[&str]) -> Option<(&Value, &Origin, Kind)> {
        let (value, origin) = self.layer.get(path)?;
        let owned: Vec<String> = path.iter().map(|p| (*p).to_owned()).collect();
        let Known::Key(key) = keys::known(&owned) else { return None };
        Some((value, origin, key.kind))
    }

    pub(super) fn text(&self, path: &[&str]) -> Result<Option<&str>, Fault> {
        let Some((value, origin, kind)) = self.found(path) else { return Ok(None) };
        let Kind::OneOf(words) = kind else {
            return match value.as_str() {
                Some(text) => Ok(Some(text)),
                None => Err(wrong(path, value, origin, "text in quotes")),
            };
        };
        if let Some(word) = value.as_str().and_then(|text| words.iter().find(|w| **w == text)) {
            return Ok(Some(word));
        }
        let near = value.as_str().and_then(|text| {
            words.iter().find(|w| strsim::jaro_winkler(w, &text.to_lowercase()) > 0.8)
        });
        let mut wanted = format!("one of {}", words.join(", "));
        if let Some(word) = near {
            wanted.push_str(&format!("; did you mean {word:?}?"));
        }
        Err(wrong(path, value, origin, &wanted))
    }

    pub(super) fn rules(&self, path: &[&str]) -> Result<BTreeMap<String, Action>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(BTreeMap::new()) };
        let wanted = "a table such as { \"report_participants.user_email\" = \"hmac\" }";
        let rules = value.as_object().ok_or_else(|| wrong(path, value, origin, wanted))?;
        let action = |(rule, action): (&String, &Value)| match action.as_str() {
            Some("drop") => Ok((rule.clone(), Action::Drop)),
            Some("hmac") => Ok((rule.clone(), Action::Hmac)),
            _ => Err(wrong(&[path, &[rule.as_str()]].concat(), action, origin, "drop or hmac")),
        };
        rules.iter().map(action).collect()
    }

    pub(super) fn texts(&self, path: &[&str]) -> Result<Option<Vec<String>>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(None) };
        let texts: Option<Vec<String>> = value
            .as_array()
            .and_then(|all| all.iter().map(|v| v.as_str().map(str::to_owned)).collect());
        texts.map(Some).ok_or_else(|| {
            wrong(
                path,
                value,
                origin,
                "a list of texts, such as [\"zoom-reconcile\"] or [\"dept:Sales\"]",
            )
        })
    }

    pub(super) fn need_text(&self, path: &[&str]) -> Result<&str, Fault> {
        self.text(path)?.ok_or_else(|| missing(path, &Origin::Default))
    }

    pub(super) fn count(&self, path: &[&str]) -> Result<Option<u64>, Fault> {
        let Some((value, origin, kind)) = self.found(path) else { return Ok(None) };
        let Kind::Count(least, most) = kind else { return Ok(None) };
        match value.as_u64().filter(|n| (least..=most).contains(n)) {
            Some(n) => Ok(Some(n)),
            None => {
                let wanted = format!("a whole number from {least} to {most}");
                Err(wrong(path, value, origin, &wanted))
            }
        }
    }

    pub(super) fn need_count(&self, path: &[&str]) -> Result<u64, Fault> {
        self.count(path)?.ok_or_else(|| missing(path, &Origin::Default))
    }

    pub(super) fn number(&self, path: &[&str]) -> Result<Option<f64>, Fault> {
        let Some((value, origin, kind)) = self.found(path) else { return Ok(None) };
        let Kind::Number(most) = kind else { return Ok(None) };
        match value.as_f64().filter(|n| *n > 0.0 && *n <= most) {
            Some(n) => Ok(Some(n)),
            None => {
                let wanted = format!("a number above 0 and at most {most}");
                Err(wrong(path, value, origin, &wanted))
            }
        }
    }

    pub(super) fn part(&self, path: &[&str]) -> Result<Option<f64>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(None) };
        match value.as_f64().filter(|part| (0.0..=1.0).contains(part)) {
            Some(part) => Ok(Some(part)),
            None => Err(wrong(path, value, origin, "a number from 0 to 1")),
        }
    }

    pub(super) fn share(&self, path: &[&str]) -> Result<Option<Share>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(None) };
        match Share::read(value) {
            Some(share) => Ok(Some(share)),
            None => Err(wrong(path, value, origin, share::WANTED)),
        }
    }

    pub(super) fn need_duration(&self, path: &[&str]) -> Result<i64, Fault> {
        self.duration(path)?.ok_or_else(|| missing(path, &Origin::Default))
    }

    pub(super) fn duration(&self, path: &[&str]) -> Result<Option<i64>, Fault> {
        let Some((value, origin, kind)) = self.found(path) else { return Ok(None) };
        let Kind::Duration(least, most) = kind else { return Ok(None) };
        let parsed = value.as_str().and_then(|text| text.parse::<SignedDuration>().ok());
        match parsed.map(|d| d.as_millis()).and_then(|ms| i64::try_from(ms).ok()) {
            Some(ms) if (least..=most).contains(&ms) => Ok(Some(ms)),
            _ => {
                let shown = |ms| format!("{:#}", SignedDuration::from_millis(ms));
                let bounds = (shown(least), shown(most));
                let such = if least < 60_000 { "15s" } else { "72h" };
                let wanted = format!("a time from {} to {}, such as {such:?}", bounds.0, bounds.1);
                Err(wrong(path, value, origin, &wanted))
            }
        }
    }

    pub(super) fn store(&self, path: &[&str]) -> Result<Store, Fault> {
        let (value, origin, _) = self.found(path).ok_or_else(|| missing(path, &Origin::Default))?;
        let text = value.as_str().unwrap_or_default();
        if let Some(why) = built::left_out(text) {
            let shown = without_secret(value);
            return Err(
                Fault::usage(format!("{origin}: `{}` cannot be {shown}", path.join("."))).hint(why)
            );
        }
        match text.split_once("://") {
            #[cfg(feature = "redis")]
            Some((scheme, rest)) if built::REDIS.contains(&scheme) && !rest.is_empty() => {
                Ok(Store::Redis(text.into()))
            }
            _ => self.sqlite(path).map(Store::File),
        }
    }

    /// A word about a URL that stands in the file with its password.
    pub(super) fn password_in_file(&self, path: &[&str]) -> Option<String> {
        let (value, origin, _) = self.found(path)?;
        let url = value.as_str()?;
        (has_password(url) && matches!(origin, Origin::File(..))).then(|| {
            format!(
                "{origin}: the password of `{}` stands in the file itself; {} in the environment \
                 keeps the URL out of copies",
                path.join("."),
                env_names::of(path)
            )
        })
    }

    fn sqlite(&self, path: &[&str]) -> Result<PathBuf, Fault> {
        let (value, origin, _) = self.found(path).ok_or_else(|| missing(path, &Origin::Default))?;
        let text = value.as_str().unwrap_or_default();
        match text.strip_prefix("sqlite://") {
            Some(file) if !file.is_empty() && !file.contains('?') => Ok(file.into()),
            _ => {
                let wanted = "sqlite://PATH (an absolute one has three slashes) or redis://HOST";
                Err(wrong(path, &without_secret(value), origin, wanted))
            }
        }
    }

    pub(super) fn data(&self, path: &[&str]) -> Result<Data, Fault> {
        let (value, origin, _) = self.found(path).ok_or_else(|| missing(path, &Origin::Default))?;
        let text = value.as_str().unwrap_or_default();
        Data::read(text).map_err(|why| {
            let shown = without_secret(value);
            Fault::usage(format!("{origin}: `{}` cannot be {shown}: {why}", path.join(".")))
                .hint(format!("write {}", Data::WANTED))
        })
    }

    pub(super) fn files(&self, path: &[&str]) -> Result<Place, Fault> {
        let (value, origin, _) = self.found(path).ok_or_else(|| missing(path, &Origin::Default))?;
        let text = value.as_str().unwrap_or_default();
        let read = match built::left_out(text) {
            Some(why) => Err(why),
            None => Place::of(text),
        };
        read.map_err(|why| {
            let shown = without_secret(value);
            Fault::usage(format!("{origin}: `{}` cannot be {shown}", path.join("."))).hint(why)
        })
    }

    pub(super) fn url(&self, path: &[&str]) -> Result<Option<Url>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(None) };
        let url = value.as_str().and_then(|text| Url::parse(text).ok());
        match url.filter(fits) {
            Some(url) => Ok(Some(url)),
            None => {
                let wanted = "https://HOST/…, or http://127.0.0.1:PORT/… for a simulated account";
                Err(wrong(path, &without_secret(value), origin, wanted))
            }
        }
    }

    /// What is wrong with it is said without it: it may hold a secret.
    pub(super) fn hook(&self, path: &[&str]) -> Result<Option<Hook>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(None) };
        match value.as_str().and_then(Hook::of) {
            Some(hook) => Ok(Some(hook)),
            None => {
                let wanted = "https://HOST/…, or http://127.0.0.1:PORT/… on this machine";
                Err(wrong(path, &"…".into(), origin, wanted))
            }
        }
    }

    pub(super) fn listen_or_none(&self, path: &[&str]) -> Result<Option<SocketAddr>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(None) };
        let wanted = "an address and a port, such as 127.0.0.1:8080 or [::1]:8080";
        let read = value.as_str().and_then(|text| text.parse().ok());
        read.map(Some).ok_or_else(|| wrong(path, value, origin, wanted))
    }

    pub(super) fn hosts(&self, path: &[&str]) -> Result<Vec<String>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(Vec::new()) };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let name = |host: &Value| {
            let host = host.as_str().filter(|host| !host.is_empty() && host.chars().all(fits))?;
            Some(host.to_owned())
        };
        let read = value.as_array().and_then(|hosts| hosts.iter().map(name).collect());
        let wanted = "a list of names without port, such as [\"hooks.example.com\"]";
        read.ok_or_else(|| wrong(path, value, origin, wanted))
    }

    /// A credential that may be left out.
    pub(super) fn optional(
        &self,
        path: &[&str],
        warnings: &mut Vec<String>,
    ) -> Result<Option<Reference>, Fault> {
        let Some((_, origin, _)) = self.found(path) else { return Ok(None) };
        self.credential(path, origin, warnings).map(Some)
    }

    pub(super) fn credential(
        &self,
        path: &[&str],
        named: &Origin,
        warnings: &mut Vec<String>,
    ) -> Result<Reference, Fault> {
        let Some((value, origin, kind)) = self.found(path) else {
            return Err(missing(path, named));
        };
        let Some(reference) = Reference::of(value) else {
            // Never the value: it may be a secret that was mistyped.
            return Err(Fault::usage(format!("{origin}: `{}` is no reference", path.join(".")))
                .hint("write { env = \"NAME\" } or { file = \"PATH\" }"));
        };
        let in_file = matches!(origin, Origin::File(..));
        if matches!((&reference, kind), (Reference::Literal(_), Kind::Credential { secret: true }))
            && in_file
        {
            warnings.push(format!(
                "{origin}: `{}` stands in the file itself; {{ env = \"NAME\" }} or \
                 {{ file = \"PATH\" }} keeps it out of copies",
                path.join(".")
            ));
        }
        Ok(reference)
    }
}

fn fits(url: &Url) -> bool {
    let local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(at)) => at.is_loopback(),
        Some(url::Host::Ipv6(at)) => at.is_loopback(),
        None => false,
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    url.has_host() && plain && (url.scheme() == "https" || (url.scheme() == "http" && local))
}

/// What may hold a password or a token is not shown.
fn without_secret(value: &Value) -> Value {
    if value.to_string().contains(['@', '?']) { "…".into() } else { value.clone() }
}

fn wrong(path: &[&str], value: &Value, origin: &Origin, wanted: &str) -> Fault {
    Fault::usage(format!("{origin}: `{}` cannot be {value}", path.join(".")))
        .hint(format!("write {wanted}"))
}

pub(super) fn missing(path: &[&str], origin: &Origin) -> Fault {
    let (key, above) = path.split_last().expect("a path has a part");
    let fault = Fault::usage(format!("{origin}: `{}` has no `{key}`", above.join(".")));
    match *key {
        "account_id" | "client_id" | "client_secret" => fault.hint(format!(
            "add {key} = {{ env = \"ZOOM_{}\" }} and export that variable",
            key.to_uppercase()
        )),
        _ => fault.hint("`watershed schema config` prints what may stand there"),
    }
}
