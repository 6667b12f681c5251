//! Layers into settings: each value checked, each complaint naming key, value and place.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::SignedDuration;
use serde_json::Value;
use url::Url;
use watershed_lake::Place;
use watershed_model::Millis;
use watershed_workflow::LOOKBACK_DAYS;
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

/// The part of an account's limit that is used where nothing is said.
pub(crate) const SHARE: f64 = 0.9;
/// The part of a day's share that is kept back for events, where there are any.
const RESERVE_EVENTS: f64 = 0.1;
/// The part of a dataset's rows that may be missing in all lists, where nothing is said.
pub(crate) const DELETE_CEILING: f64 = 0.05;
/// Zoom's token endpoint.
pub(crate) const TOKEN_URL: &str = "https://zoom.us/oauth/token";
/// The plan assumed where none is named: its limits are within every other's.
pub(crate) const TIER: &str = "free";
/// What a customer has agreed to where nothing is said.
pub(crate) const CONTENT: &str = "transcripts";
/// The longest name of a connection.
const NAME_MAX: usize = 64;

/// Settings, resolved.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The ledger.
    pub store: Store,
    /// Datasets and coverage.
    pub sink: Data,
    /// Files of recordings.
    pub files: Place,
    /// How this process works.
    pub worker: Worker,
    /// Webhooks, health, metrics.
    pub server: Server,
    /// Workflows whose schedules start runs; `None` where nothing is said.
    pub scheduled: Option<Vec<String>>,
    /// Whom to tell what an operator wants to know.
    pub notify: Notify,
    /// The form of log lines.
    pub log: LogFormat,
    /// The accounts, by name.
    pub connections: BTreeMap<String, Account>,
    /// What is allowed but deserves a word.
    pub warnings: Vec<String>,
}

/// How this process works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Worker {
    /// Calls in flight at once.
    pub concurrency: u16,
    /// How long a task is held.
    pub lease_ms: i64,
    /// How long calls in flight may take to settle after a signal.
    pub shutdown_grace_ms: i64,
    /// Where `watershed worker` tells its metrics.
    pub metrics: Option<SocketAddr>,
}

/// How `watershed serve` serves.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Names that it answers to.
    pub hosts: Vec<String>,
    /// What is needed for what is not open to all. Lets do all.
    pub token: Option<Reference>,
    /// Lets look, pause, resume, cancel and retry.
    pub operate_token: Option<Reference>,
    /// Lets look.
    pub read_token: Option<Reference>,
}

/// Whom to tell what an operator wants to know.
#[derive(Debug, Clone)]
pub(crate) struct Notify {
    /// Where it is posted to.
    pub hook: Option<Hook>,
    /// A connection is fresh for so long after what its lists are complete through.
    pub fresh_within_ms: i64,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// One Zoom account, as configured. Its credentials are still references.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Zoom's id of the account.
    pub account_id: Reference,
    /// The app's client id.
    pub client_id: Reference,
    /// The app's client secret.
    pub client_secret: Reference,
    /// What webhooks are signed with.
    pub webhook_secret: Option<Reference>,
    /// The Zoom plan.
    pub tier: String,
    /// Whether the plan was named; else the lowest is assumed.
    pub tier_known: bool,
    /// Limits in place of the tier's.
    pub limits: LimitFigures,
    /// What the customer agreed to.
    pub content: String,
    /// The part of the limits that may be used.
    pub share: Share,
    /// Of a day's share, the part that is kept back for events.
    pub reserve_events: f64,
    /// The part of a dataset's rows that may be missing in all lists.
    pub delete_ceiling: f64,
    /// Days that `-lookback` reaches back.
    pub lookback_days: u16,
    /// Whom the customer agreed to, and who of them is left out.
    pub users: Users,
    /// What is dropped or pseudonymised.
    pub redact: BTreeMap<String, Action>,
    /// What pseudonyms are made with.
    pub redact_key: Option<Reference>,
    /// Base of the API, with `/v2`.
    pub api_url: Option<Url>,
    /// The token endpoint.
    pub token_url: Url,
}

/// Users by `group:ID`, `dept:NAME` or address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Users {
    /// Who is agreed to; nobody named: everybody.
    pub include: Vec<String>,
    /// Who is left out of them.
    pub exclude: Vec<String>,
}

impl Users {
    /// Whether anybody is left out.
    pub(crate) fn chosen(&self) -> bool {
        !(self.include.is_empty() && self.exclude.is_empty())
    }
}

/// Limits in place of the tier's.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct LimitFigures {
    /// Light calls a second.
    pub light_per_second: Option<f64>,
    /// Medium calls a second.
    pub medium_per_second: Option<f64>,
    /// Heavy calls a second.
    pub heavy_per_second: Option<f64>,
    /// Heavy and resource-intensive calls a day.
    pub heavy_per_day: Option<u64>,
}

/// Resolves the layers. `connections` lie in `layer` like everything else.
pub(crate) fn resolve(layer: &Layer) -> Result<Settings, Fault> {
    let from = From { layer };
    let mut warnings = Vec::new();
    let worker = Worker {
        concurrency: u16::try_from(from.need_count(&["worker", "concurrency"])?)
            .unwrap_or(u16::MAX),
        lease_ms: from.need_duration(&["worker", "lease"])?,
        shutdown_grace_ms: from.need_duration(&["worker", "shutdown_grace"])?,
        metrics: from.listen_or_none(&["worker", "metrics"])?,
    };
    let server = Server {
        listen: from
            .listen_or_none(&["server", "listen"])?
            .ok_or_else(|| missing(&["server", "listen"], &Origin::Default))?,
        hosts: from.hosts(&["server", "hosts"])?,
        token: from.optional(&["server", "token"], &mut warnings)?,
        operate_token: from.optional(&["server", "operate_token"], &mut warnings)?,
        read_token: from.optional(&["server", "read_token"], &mut warnings)?,
    };
    let log = match from.need_text(&["log", "format"])? {
        "json" => LogFormat::Json,
        _ => LogFormat::Text,
    };
    let notify = Notify {
        hook: from.hook(&["notify", "url"])?,
        fresh_within_ms: from.need_duration(&["notify", "fresh_within"])?,
    };
    let scheduled = from.texts(&["schedule", "workflows"])?;
    let mut connections = BTreeMap::new();
    for (name, origin) in &layer.connections {
        connections.insert(name.clone(), account(&from, name, origin, &mut warnings)?);
    }
    let (store, sink) = (from.store(&["store", "url"])?, from.data(&["sink", "url"])?);
    let files = from.files(&["files", "url"])?;
    for url in [["store", "url"], ["sink", "url"]] {
        warnings.extend(from.password_in_file(&url));
    }
    if matches!((&store, &sink), (Store::File(state), Data::File(data)) if state == data) {
        return Err(Fault::usage(format!("`store.url` and `sink.url` are the same file, {store}"))
            .hint("state and dataset need a file each, such as data/state.db and data/zoom.db"));
    }
    Ok(Settings {
        store,
        sink,
        files,
        worker,
        server,
        scheduled,
        notify,
        log,
        connections,
        warnings,
    })
}

fn account(
    from: &From<'_>,
    name: &str,
    origin: &Origin,
    warnings: &mut Vec<String>,
) -> Result<Account, Fault> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(fits) {
        return Err(Fault::usage(format!("{origin}: {name:?} cannot be the name of a connection"))
            .hint("a name has a-z, 0-9, `-` and `_`, at most 64 of them"));
    }
    let path = |key: &'static str| ["connections", name, key];
    let tier = from.text(&path("tier"))?;
    let webhook_secret = from.optional(&path("webhook_secret"), warnings)?;
    let reserve = if webhook_secret.is_some() { RESERVE_EVENTS } else { 0.0 };
    Ok(Account {
        account_id: from.credential(&path("account_id"), origin, warnings)?,
        client_id: from.credential(&path("client_id"), origin, warnings)?,
        client_secret: from.credential(&path("client_secret"), origin, warnings)?,
        webhook_secret,
        tier: tier.unwrap_or(TIER).to_owned(),
        tier_known: tier.is_some(),
        limits: figures(from, name)?,
        content: from.text(&path("content"))?.unwrap_or(CONTENT).to_owned(),
        share: from.share(&path("share"))?.unwrap_or(SHARE.into()),
        reserve_events: from.part(&path("reserve_events"))?.unwrap_or(reserve),
        delete_ceiling: from.number(&path("delete_ceiling"))?.unwrap_or(DELETE_CEILING),
        lookback_days: from.duration(&path("lookback"))?.map_or(LOOKBACK_DAYS, whole_days),
        users: users(from, name)?,
        redact: from.rules(&path("redact"))?,
        redact_key: from.optional(&path("redact_key"), warnings)?,
        api_url: from.url(&path("api_url"))?,
        token_url: from
            .url(&path("token_url"))?
            .unwrap_or_else(|| Url::parse(TOKEN_URL).expect("a constant that is a URL")),
    })
}

/// Days that hold so many milliseconds.
fn whole_days(ms: i64) -> u16 {
    u16::try_from(ms.cast_unsigned().div_ceil(Millis::DAY.cast_unsigned())).unwrap_or(u16::MAX)
}

fn users(from: &From<'_>, name: &str) -> Result<Users, Fault> {
    let named = |key: &'static str| from.texts(&["connections", name, "users", key]);
    let (include, exclude) = (named("include")?, named("exclude")?);
    Ok(Users { include: include.unwrap_or_default(), exclude: exclude.unwrap_or_default() })
}

fn figures(from: &From<'_>, name: &str) -> Result<LimitFigures, Fault> {
    let path = |key: &'static str| ["connections", name, "limits", key];
    Ok(LimitFigures {
        light_per_second: from.number(&path("light_per_second"))?,
        medium_per_second: from.number(&path("medium_per_second"))?,
        heavy_per_second: from.number(&path("heavy_per_second"))?,
        heavy_per_day: from.count(&path("heavy_per_day"))?,
    })
}

/// Typed reading of a layer.
struct From<'a> {
    layer: &'a Layer,
}

impl From<'_> {
    fn found(&self, path: &[&str]) -> Option<(&Value, &Origin, Kind)> {
        let (value, origin) = self.layer.get(path)?;
        let owned: Vec<String> = path.iter().map(|p| (*p).to_owned()).collect();
        let Known::Key(key) = keys::known(&owned) else { return None };
        Some((value, origin, key.kind))
    }

    fn text(&self, path: &[&str]) -> Result<Option<&str>, Fault> {
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

    fn rules(&self, path: &[&str]) -> Result<BTreeMap<String, Action>, Fault> {
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

    fn texts(&self, path: &[&str]) -> Result<Option<Vec<String>>, Fault> {
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

    fn need_text(&self, path: &[&str]) -> Result<&str, Fault> {
        self.text(path)?.ok_or_else(|| missing(path, &Origin::Default))
    }

    fn count(&self, path: &[&str]) -> Result<Option<u64>, Fault> {
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

    fn need_count(&self, path: &[&str]) -> Result<u64, Fault> {
        self.count(path)?.ok_or_else(|| missing(path, &Origin::Default))
    }

    fn number(&self, path: &[&str]) -> Result<Option<f64>, Fault> {
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

    fn part(&self, path: &[&str]) -> Result<Option<f64>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(None) };
        match value.as_f64().filter(|part| (0.0..=1.0).contains(part)) {
            Some(part) => Ok(Some(part)),
            None => Err(wrong(path, value, origin, "a number from 0 to 1")),
        }
    }

    fn share(&self, path: &[&str]) -> Result<Option<Share>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(None) };
        match Share::read(value) {
            Some(share) => Ok(Some(share)),
            None => Err(wrong(path, value, origin, share::WANTED)),
        }
    }

    fn need_duration(&self, path: &[&str]) -> Result<i64, Fault> {
        self.duration(path)?.ok_or_else(|| missing(path, &Origin::Default))
    }

    fn duration(&self, path: &[&str]) -> Result<Option<i64>, Fault> {
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

    fn store(&self, path: &[&str]) -> Result<Store, Fault> {
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
    fn password_in_file(&self, path: &[&str]) -> Option<String> {
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

    fn data(&self, path: &[&str]) -> Result<Data, Fault> {
        let (value, origin, _) = self.found(path).ok_or_else(|| missing(path, &Origin::Default))?;
        let text = value.as_str().unwrap_or_default();
        Data::read(text).map_err(|why| {
            let shown = without_secret(value);
            Fault::usage(format!("{origin}: `{}` cannot be {shown}: {why}", path.join(".")))
                .hint(format!("write {}", Data::WANTED))
        })
    }

    fn files(&self, path: &[&str]) -> Result<Place, Fault> {
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

    fn url(&self, path: &[&str]) -> Result<Option<Url>, Fault> {
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
    fn hook(&self, path: &[&str]) -> Result<Option<Hook>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(None) };
        match value.as_str().and_then(Hook::of) {
            Some(hook) => Ok(Some(hook)),
            None => {
                let wanted = "https://HOST/…, or http://127.0.0.1:PORT/… on this machine";
                Err(wrong(path, &"…".into(), origin, wanted))
            }
        }
    }

    fn listen_or_none(&self, path: &[&str]) -> Result<Option<SocketAddr>, Fault> {
        let Some((value, origin, _)) = self.found(path) else { return Ok(None) };
        let wanted = "an address and a port, such as 127.0.0.1:8080 or [::1]:8080";
        let read = value.as_str().and_then(|text| text.parse().ok());
        read.map(Some).ok_or_else(|| wrong(path, value, origin, wanted))
    }

    fn hosts(&self, path: &[&str]) -> Result<Vec<String>, Fault> {
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
    fn optional(
        &self,
        path: &[&str],
        warnings: &mut Vec<String>,
    ) -> Result<Option<Reference>, Fault> {
        let Some((_, origin, _)) = self.found(path) else { return Ok(None) };
        self.credential(path, origin, warnings).map(Some)
    }

    fn credential(
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

fn missing(path: &[&str], origin: &Origin) -> Fault {
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
