//! The table of settings: parser, messages, JSON Schema and documentation come from it.

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// `sqlite://PATH`, or a Redis.
    Ledger,
    /// `sqlite://PATH`, or PostgreSQL.
    Data,
    /// `file://FOLDER`, or an object store.
    Files,
    /// `https://…`, or `http://…` on this machine.
    Url,
    /// `https://…`, perhaps with a secret in it, or `http://…` on this machine.
    Hook,
    /// A number and a unit: `15s`, `500ms`, `2m`. From so many milliseconds to so many.
    Duration(i64, i64),
    /// A whole number between these.
    Count(u64, u64),
    /// A number above 0, at most this.
    Number(f64),
    /// A number from 0 to 1.
    Part,
    /// A number above 0 and at most 1, or a list of them by the hours of the day.
    Share,
    /// An address and a port: `127.0.0.1:8080`.
    Listen,
    /// Names of hosts; in the environment with commas between.
    Hosts,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of texts: `["zoom-reconcile"]`; in the environment with commas between.
    Texts,
    /// `{ "DATASET.FIELD" = "hmac", "*.FIELD" = "drop" }`.
    Rules,
    /// `{ env = "NAME" }`, `{ file = "PATH" }`, or the text itself.
    Credential {
        /// Whether the text itself deserves a warning.
        secret: bool,
    },
}

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Key {
    /// Its path; `*` stands for the name of a connection.
    pub path: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it does, with its unit.
    pub about: &'static str,
}

/// Zoom plans, lowest limits first.
pub(crate) const TIERS: &[&str] =
    &["free", "pro", "business", "education", "enterprise", "partner"];
/// What a customer may agree to, each including the one before.
pub(crate) const CONTENTS: &[&str] = &["metadata", "recordings", "transcripts"];

const fn key(path: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { path, kind, about }
}

/// An hour in milliseconds. A lease of an hour is an hour in which nobody else may finish the work.
const HOUR_MS: i64 = 3_600_000;
/// More calls a second than any account allows: a slip of the finger.
const RATE_MAX: f64 = 100_000.0;

/// Every setting of this version.
pub(crate) const KEYS: &[Key] = &[
    key("store.url", Kind::Ledger, "Where runs, tasks, leases and rate budgets are kept."),
    key("sink.url", Kind::Data, "Where datasets and coverage are kept."),
    key("files.url", Kind::Files, "Where files of recordings are kept."),
    key("worker.concurrency", Kind::Count(1, 1024), "Calls in flight at once."),
    key(
        "worker.lease",
        Kind::Duration(100, HOUR_MS),
        "How long a task is held before others may take it.",
    ),
    key(
        "worker.shutdown_grace",
        Kind::Duration(100, HOUR_MS),
        "How long calls in flight may take to settle after a signal.",
    ),
    key("worker.metrics", Kind::Listen, "Where `watershed worker` tells its metrics."),
    key("server.listen", Kind::Listen, "Where `watershed serve` listens."),
    key(
        "server.hosts",
        Kind::Hosts,
        "Names that it answers to, beside localhost and addresses: where a proxy passes them on.",
    ),
    key(
        "server.token",
        Kind::Credential { secret: true },
        "What is not open to all needs it; so does listening beyond this machine. Lets do all.",
    ),
    key(
        "server.operate_token",
        Kind::Credential { secret: true },
        "A token that lets look, pause, resume, cancel and retry, and not erase.",
    ),
    key(
        "server.read_token",
        Kind::Credential { secret: true },
        "A token that lets look, and change nothing.",
    ),
    key(
        "schedule.workflows",
        Kind::Texts,
        "Workflow files, or names of shipped ones, whose schedules start runs of each connection.",
    ),
    key(
        "notify.url",
        Kind::Hook,
        "Where a POST goes when a run ends, a credential is refused, or nothing fresh has come.",
    ),
    key(
        "notify.fresh_within",
        Kind::Duration(HOUR_MS, 720 * HOUR_MS),
        "How long after what its lists are complete through a connection is no longer fresh.",
    ),
    key("log.format", Kind::OneOf(&["text", "json"]), "The form of log lines on stderr."),
    key(
        "connections.*.account_id",
        Kind::Credential { secret: false },
        "Zoom's id of the account.",
    ),
    key("connections.*.client_id", Kind::Credential { secret: false }, "The app's client id."),
    key(
        "connections.*.client_secret",
        Kind::Credential { secret: true },
        "The app's client secret.",
    ),
    key(
        "connections.*.webhook_secret",
        Kind::Credential { secret: true },
        "The secret token of the app's event subscriptions: what webhooks are signed with.",
    ),
    key("connections.*.tier", Kind::OneOf(TIERS), "The account's Zoom plan: it sets the limits."),
    key(
        "connections.*.limits.light_per_second",
        Kind::Number(RATE_MAX),
        "Light calls a second that the account allows, in place of the tier's figure.",
    ),
    key(
        "connections.*.limits.medium_per_second",
        Kind::Number(RATE_MAX),
        "Medium calls a second, likewise.",
    ),
    key(
        "connections.*.limits.heavy_per_second",
        Kind::Number(RATE_MAX),
        "Heavy calls a second, likewise.",
    ),
    key(
        "connections.*.limits.heavy_per_day",
        Kind::Count(0, 1_000_000_000),
        "Heavy and resource-intensive calls a UTC day, likewise.",
    ),
    key(
        "connections.*.content",
        Kind::OneOf(CONTENTS),
        "What the customer agreed to. Never exceeded, whatever a workflow asks.",
    ),
    key(
        "connections.*.users.include",
        Kind::Texts,
        "Whom the customer agreed to: group:ID, dept:NAME or addresses; else everybody.",
    ),
    key(
        "connections.*.users.exclude",
        Kind::Texts,
        "Who of them is left out, likewise. Needs redact_key, as the one above does.",
    ),
    key(
        "connections.*.share",
        Kind::Share,
        "The part of the account's rate limit that may be used, above 0 and at most 1; or a list \
         of parts by the hours of the day.",
    ),
    key(
        "connections.*.reserve_events",
        Kind::Part,
        "The part of the day's share that is kept back for events until 22:00 UTC, from 0 to 1; \
         0.1 where there is a webhook_secret.",
    ),
    key(
        "connections.*.delete_ceiling",
        Kind::Number(1.0),
        "The part of a dataset's rows that may be missing in all lists before nothing of it is \
         called deleted, above 0 and at most 1.",
    ),
    key(
        "connections.*.redact",
        Kind::Rules,
        "Fields that are dropped or pseudonymised before anything is stored.",
    ),
    key(
        "connections.*.redact_key",
        Kind::Credential { secret: true },
        "What pseudonyms are made with, and what people who are left out are known by. Another key \
         makes other ones, and knows nobody.",
    ),
    key(
        "connections.*.lookback",
        Kind::Duration(HOUR_MS, 720 * HOUR_MS),
        "How far `-lookback` reaches back, in whole days: reports, transcripts, files come late.",
    ),
    key("connections.*.api_url", Kind::Url, "Base of the API; else as the token answer says."),
    key("connections.*.token_url", Kind::Url, "The token endpoint."),
];

/// What a path of the configuration is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Known {
    /// A setting.
    Key(&'static Key),
    /// A table of settings.
    Section,
    /// Nothing known.
    Not,
}

/// What `path` is.
pub(crate) fn known(path: &[String]) -> Known {
    if let Some(key) = KEYS.iter().find(|k| matches(k.path, path)) {
        return Known::Key(key);
    }
    if KEYS.iter().any(|k| begins(k.path, path)) { Known::Section } else { Known::Not }
}

/// The key or section that `path` may have meant, as it would be written there.
pub(crate) fn nearest(path: &[String]) -> Option<String> {
    let (last, above) = path.split_last()?;
    let mut best: Option<(f64, &str)> = None;
    for key in KEYS {
        let parts: Vec<&str> = key.path.split('.').collect();
        if parts.len() <= above.len() || !begins(key.path, above) {
            continue;
        }
        let name = parts[above.len()];
        let alike = strsim::jaro_winkler(last, name);
        if name != "*" && alike > 0.75 && best.is_none_or(|(b, _)| alike > b) {
            best = Some((alike, name));
        }
    }
    best.map(|(_, name)| name.to_owned())
}

/// The names that may stand directly under `above`, without repeats.
pub(crate) fn names_under(above: &[String]) -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for key in KEYS.iter().filter(|k| begins(k.path, above)) {
        if let Some(name) = key.path.split('.').nth(above.len())
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

fn matches(pattern: &str, path: &[String]) -> bool {
    pattern.split('.').count() == path.len() && begins(pattern, path)
}

fn begins(pattern: &str, path: &[String]) -> bool {
    let parts: Vec<&str> = pattern.split('.').collect();
    parts.len() >= path.len() && parts.iter().zip(path).all(|(p, given)| *p == "*" || p == given)
}
