//! What is counted, as Prometheus reads it. Every label is one of a few that are known before.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use watershed_model::{ConnectionName, Millis, RunState};
use watershed_sink::InboxCount;
use watershed_zoom::webhook::{Refusal, event_row};

use crate::standing::Standing;

mod table;
mod worker;

pub(crate) use table::{
    ANSWER, ASKED, BINDS, BUILD, COMMIT, CONNECTIONS, DEAD, EVENTS, LEASED, LIMIT, OLDEST, OPEN,
    REFUSED, REQUESTS, RUNS, TOOK, USED, WAITING, WORKERS,
};
use table::{By, Kind, TABLE};
pub use worker::WorkerMetrics;

/// Bounds of what takes milliseconds, or seconds when something is wrong.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

const ABOUT: Metadata<'static> = Metadata::new("watershed", Level::INFO, None);

/// How a webhook was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// It is in the inbox, and was not before.
    Kept,
    /// It was there already.
    Known,
    /// A challenge, answered.
    Challenge,
    /// Refused for what it was.
    Refused(Refusal),
    /// Refused for its length.
    Size,
    /// It did not come whole in time.
    Slow,
    /// More came than could be kept.
    Busy,
    /// The sink did not keep it.
    Failed,
}

impl Outcome {
    fn all() -> impl Iterator<Item = Outcome> {
        use Outcome::{Busy, Challenge, Failed, Kept, Known, Size, Slow};
        let others = [Kept, Known, Challenge, Size, Slow, Busy, Failed];
        others.into_iter().chain(Refusal::ALL.map(Outcome::Refused))
    }

    fn name(self) -> &'static str {
        match self {
            Outcome::Kept => "kept",
            Outcome::Known => "known",
            Outcome::Challenge => "challenge",
            Outcome::Refused(refusal) => refusal.name(),
            Outcome::Size => "size",
            Outcome::Slow => "slow",
            Outcome::Busy => "busy",
            Outcome::Failed => "failed",
        }
    }
}

/// Why a request came to no route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refused {
    /// For its host.
    Host,
    /// For its token, or that it had none.
    Token,
    /// For the role of whoever asked.
    Role,
    /// It came from a page of another server.
    Origin,
}

impl Refused {
    const ALL: [Refused; 4] = [Refused::Host, Refused::Token, Refused::Role, Refused::Origin];

    fn name(self) -> &'static str {
        match self {
            Refused::Host => "host",
            Refused::Token => "token",
            Refused::Role => "role",
            Refused::Origin => "origin",
        }
    }
}

/// What is counted. A recorder of its own: others in the process have theirs.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// Of those connections that are known, and of all others together.
    requests: BTreeMap<Option<ConnectionName>, BTreeMap<Outcome, Counter>>,
    answer: Histogram,
    commit: Histogram,
    connections: Gauge,
    refused: BTreeMap<Refused, Counter>,
}

impl Metrics {
    /// Of these connections.
    pub(crate) fn new<'a>(of: impl Iterator<Item = &'a ConnectionName>) -> Metrics {
        let recorder = recorder(By::Server);
        let counter = |name, labels| recorder.register_counter(&key(name, labels), &ABOUT);
        let histogram = |name| recorder.register_histogram(&key(name, vec![]), &ABOUT);
        let outcomes = |of: Option<&ConnectionName>| {
            let name = of.map_or("", ConnectionName::as_str);
            let labels =
                |o: Outcome| vec![("connection", name.to_owned()), ("outcome", o.name().into())];
            Outcome::all().map(|o| (o, counter(REQUESTS, labels(o)))).collect()
        };
        let known = of.map(|name| (Some(name.clone()), outcomes(Some(name))));
        let requests = known.chain([(None, outcomes(None))]).collect();
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        recorder.register_gauge(&key(BUILD, version), &ABOUT).set(1.0);
        let refused = |why: Refused| counter(REFUSED, vec![("reason", why.name().to_owned())]);
        Metrics {
            requests,
            answer: histogram(ANSWER),
            commit: histogram(COMMIT),
            connections: recorder.register_gauge(&key(CONNECTIONS, vec![]), &ABOUT),
            refused: Refused::ALL.map(|why| (why, refused(why))).into(),
            handle: recorder.handle(),
            recorder,
        }
    }

    /// A webhook was answered.
    pub(crate) fn answered(&self, of: Option<&ConnectionName>, how: Outcome, took: Duration) {
        if let Some(counter) = self.requests.get(&of.cloned()).and_then(|all| all.get(&how)) {
            counter.increment(1);
        }
        self.answer.record(took);
    }

    /// An event was taken. One that nobody knows is counted among others.
    pub(crate) fn event(&self, of: &ConnectionName, name: &str) {
        let name = event_row(name).map_or("other", |row| row.name);
        let labels = vec![("connection", of.0.clone()), ("event", name.to_owned())];
        self.recorder.register_counter(&key(EVENTS, labels), &ABOUT).increment(1);
    }

    /// Events were kept.
    pub(crate) fn committed(&self, took: Duration) {
        self.commit.record(took);
    }

    /// A request came to no route.
    pub(crate) fn refused(&self, why: Refused) {
        if let Some(counter) = self.refused.get(&why) {
            counter.increment(1);
        }
    }

    /// A route was asked, and answered with this status.
    pub(crate) fn asked(&self, method: &str, route: &str, status: u16, took: Duration) {
        let of = || vec![("method", method.to_owned()), ("route", route.to_owned())];
        let mut labels = of();
        labels.push(("status", format!("{}xx", status / 100)));
        self.recorder.register_counter(&key(ASKED, labels), &ABOUT).increment(1);
        self.recorder.register_histogram(&key(TOOK, of()), &ABOUT).record(took);
    }

    /// A connection was opened.
    pub(crate) fn opened(&self) {
        self.connections.increment(1.0);
    }

    /// A connection was closed.
    pub(crate) fn closed(&self) {
        self.connections.decrement(1.0);
    }

    /// How runs and budgets stand now.
    pub(crate) fn stands(&self, standing: &Standing) {
        let gauge = |name, labels| self.recorder.register_gauge(&key(name, labels), &ABOUT);
        gauge(WORKERS, vec![]).set(standing.workers as f64);
        for (connection, lane) in &standing.lanes {
            let of = || vec![("connection", connection.to_string())];
            for state in RunState::ALL {
                let mut labels = of();
                labels.push(("state", state.name().to_owned()));
                gauge(RUNS, labels).set(lane.runs.get(&state).copied().unwrap_or(0) as f64);
            }
            gauge(OPEN, of()).set(lane.open as f64);
            gauge(LEASED, of()).set(lane.leased as f64);
            gauge(DEAD, of()).set(lane.dead as f64);
            for limit in &lane.budget {
                let labels = || {
                    let mut labels = of();
                    labels.push(("category", limit.category.clone()));
                    labels.push(("period", limit.period.clone()));
                    labels
                };
                gauge(USED, labels()).set(limit.used as f64);
                gauge(LIMIT, labels()).set(limit.share);
                gauge(BINDS, labels()).set(f64::from(u8::from(limit.binds)));
            }
        }
    }

    /// All of it as text, with what waits in the inbox now.
    pub(crate) fn render(&self, backlog: &[InboxCount], now: Millis) -> String {
        for name in self.requests.keys().flatten() {
            let found = backlog.iter().find(|count| count.connection == *name);
            let gauge = |metric| {
                let labels = vec![("connection", name.0.clone())];
                self.recorder.register_gauge(&key(metric, labels), &ABOUT)
            };
            gauge(WAITING).set(found.map_or(0, |count| count.waiting) as f64);
            let since = found.and_then(|count| count.since);
            gauge(OLDEST).set(since.map_or(0.0, |since| (now - since).max(0) as f64 / 1_000.0));
        }
        self.handle.render()
    }

    /// Keeps what was recorded from piling up between two readings.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

fn key(name: &'static str, labels: Vec<(&'static str, String)>) -> Key {
    debug_assert!(table::has(name, labels.iter().map(|(label, _)| *label)), "{name}: other labels");
    let labels: Vec<Label> = labels.into_iter().map(|(n, v)| Label::new(n, v)).collect();
    Key::from_parts(name, labels)
}

/// Records what those count.
fn recorder(by: By) -> PrometheusRecorder {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .expect("there are buckets")
        .build_recorder();
    for metric in TABLE.iter().filter(|metric| metric.by == by) {
        let (name, about) = (KeyName::from(metric.name), metric.about.into());
        match metric.kind {
            Kind::Counter => recorder.describe_counter(name, None, about),
            Kind::Gauge => recorder.describe_gauge(name, None, about),
            Kind::Histogram => recorder.describe_histogram(name, None, about),
        }
    }
    recorder
}

#[cfg(test)]
mod tests;
