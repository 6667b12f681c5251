//! Layers into settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use url::Url;
use watershed_lake::Place;
use watershed_model::Millis;
use watershed_workflow::LOOKBACK_DAYS;
use watershed_zoom::redact::Action;

use super::credential::Reference;
use super::layer::{Layer, Origin};
use super::share::Share;
use super::typed::{From, missing};
use crate::data::Data;
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
