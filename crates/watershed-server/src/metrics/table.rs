//! Every metric: its name, kind, labels and meaning. docs/metrics.md is made from it.

/// What kind of metric it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It is what it is now.
    Gauge,
    /// How long something takes.
    Histogram,
}

/// Who counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Whoever serves.
    Server,
    /// Whoever works: its engine, under these very names.
    Worker,
}

/// A metric.
pub(super) struct Metric {
    pub(super) by: By,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Its labels, each of which is one of a few that are known before.
    pub(super) labels: &'static [&'static str],
    pub(super) about: &'static str,
}

pub(crate) const REQUESTS: &str = "watershed_webhook_requests_total";
pub(crate) const EVENTS: &str = "watershed_webhook_events_total";
pub(crate) const ANSWER: &str = "watershed_webhook_answer_seconds";
pub(crate) const COMMIT: &str = "watershed_inbox_commit_seconds";
pub(crate) const WAITING: &str = "watershed_inbox_waiting_events";
pub(crate) const OLDEST: &str = "watershed_inbox_oldest_waiting_seconds";
pub(crate) const RUNS: &str = "watershed_runs";
pub(crate) const OPEN: &str = "watershed_open_items";
pub(crate) const LEASED: &str = "watershed_leased_tasks";
pub(crate) const WORKERS: &str = "watershed_workers";
pub(crate) const DEAD: &str = "watershed_dead_letters";
pub(crate) const USED: &str = "watershed_budget_used_calls";
pub(crate) const LIMIT: &str = "watershed_budget_limit_calls";
pub(crate) const BINDS: &str = "watershed_budget_binds";
pub(crate) const CONNECTIONS: &str = "watershed_http_connections";
pub(crate) const ASKED: &str = "watershed_http_requests_total";
pub(crate) const TOOK: &str = "watershed_http_request_seconds";
pub(crate) const REFUSED: &str = "watershed_http_refused_total";
pub(crate) const BUILD: &str = "watershed_build_info";

const fn metric(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    about: &'static str,
) -> Metric {
    Metric { by: By::Server, name, kind, labels, about }
}

const fn of_worker(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    about: &'static str,
) -> Metric {
    Metric { by: By::Worker, name, kind, labels, about }
}

/// All of them.
pub(super) const TABLE: &[Metric] = &[
    metric(
        REQUESTS,
        Kind::Counter,
        &["connection", "outcome"],
        "Webhooks, by how they were answered.",
    ),
    metric(
        EVENTS,
        Kind::Counter,
        &["connection", "event"],
        "Events taken into the inbox, by name.",
    ),
    metric(ANSWER, Kind::Histogram, &[], "From a webhook's head to its answer."),
    metric(COMMIT, Kind::Histogram, &[], "Time in which events became durable together."),
    metric(WAITING, Kind::Gauge, &["connection"], "Events in the inbox that are not done."),
    metric(OLDEST, Kind::Gauge, &["connection"], "Since when the first of them waits."),
    metric(RUNS, Kind::Gauge, &["connection", "state"], "Runs that the ledger knows, by state."),
    metric(
        OPEN,
        Kind::Gauge,
        &["connection"],
        "Items of runs that have not ended, themselves not closed.",
    ),
    metric(LEASED, Kind::Gauge, &["connection"], "Tasks that a worker holds."),
    metric(WORKERS, Kind::Gauge, &[], "Processes that work and are alive."),
    metric(DEAD, Kind::Gauge, &["connection"], "Dead letters of runs that have not ended."),
    metric(
        USED,
        Kind::Gauge,
        &["connection", "category", "period"],
        "Calls of the running day; of a second or minute, those of the last whole one.",
    ),
    metric(
        LIMIT,
        Kind::Gauge,
        &["connection", "category", "period"],
        "Calls that the share allows in a period.",
    ),
    metric(
        BINDS,
        Kind::Gauge,
        &["connection", "category", "period"],
        "1 where work waits for this limit now.",
    ),
    metric(CONNECTIONS, Kind::Gauge, &[], "Open connections."),
    metric(
        ASKED,
        Kind::Counter,
        &["method", "route", "status"],
        "Requests, by route and class of status.",
    ),
    metric(
        TOOK,
        Kind::Histogram,
        &["method", "route"],
        "From a request to the head of its answer.",
    ),
    metric(REFUSED, Kind::Counter, &["reason"], "Requests that were not let in."),
    metric(BUILD, Kind::Gauge, &["version"], "1, with the version of this program."),
    of_worker(
        "watershed_calls_total",
        Kind::Counter,
        &["category", "verdict"],
        "Calls to Zoom, by what their answers mean.",
    ),
    of_worker(
        "watershed_call_seconds",
        Kind::Histogram,
        &["category"],
        "From a call's start to its answer, whole; of a file, all of its calls.",
    ),
    of_worker(
        "watershed_write_seconds",
        Kind::Histogram,
        &[],
        "Time in which a batch of rows became durable.",
    ),
    of_worker(
        "watershed_exchange_seconds",
        Kind::Histogram,
        &[],
        "From settles and a wish for more to the ledger's answer.",
    ),
];

/// Whether the metric of that name has these labels.
pub(super) fn has<'a>(name: &str, labels: impl Iterator<Item = &'a str>) -> bool {
    let metric = TABLE.iter().find(|metric| metric.name == name);
    metric.is_some_and(|metric| labels.eq(metric.labels.iter().copied()))
}
