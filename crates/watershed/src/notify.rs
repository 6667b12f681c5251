//! Telling another service what an operator wants to know: a POST of a few facts, no content.
//!
//! Never in the way: a notice waits in a short queue and is tried again for some minutes; what the
//! service does not take by then is told in the log and left. A notice may come twice (several
//! workers, a retry whose answer was lost): its `id` is the same then.

use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;
use watershed_model::{ConnectionName, Millis, RunId, RunState};

/// Notices that wait at most: they are few, unless the service is away.
const WAITING_MAX: usize = 64;
/// Tries of each, and the pauses between them, doubled each time: some four minutes.
const TRIES_MAX: u32 = 8;
const PAUSE: Duration = Duration::from_secs(2);
/// One try takes no longer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A process that ends waits so long for what has not been sent.
const LAST: Duration = Duration::from_secs(10);

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Notice {
    /// A run has ended, as its state says.
    RunEnded {
        /// The run and its state: the same for whoever tells it.
        id: String,
        /// The connection.
        connection: ConnectionName,
        /// The run.
        run: RunId,
        /// The workflow's name.
        workflow: String,
        /// Where it stands.
        state: RunState,
        /// The exit code that `watershed run` gives.
        exit: Option<u8>,
        /// When (RFC 3339).
        at: String,
    },
    /// Zoom refuses the credential of a connection: its runs stand still.
    CredentialRefused {
        /// The connection and the day.
        id: String,
        /// The connection.
        connection: ConnectionName,
        /// When (RFC 3339).
        at: String,
    },
    /// Nothing fresh has come for longer than `notify.fresh_within`.
    NothingFresh {
        /// The connection and how far it is complete.
        id: String,
        /// The connection.
        connection: ConnectionName,
        /// The dataset that is furthest behind.
        dataset: &'static str,
        /// How far it is complete (RFC 3339).
        through: String,
        /// When (RFC 3339).
        at: String,
    },
}

impl Notice {
    /// A run has ended.
    pub(crate) fn run_ended(report: &watershed_model::RunReport, now: Millis) -> Notice {
        Notice::RunEnded {
            id: format!("{}:{}", report.run, report.state.name()),
            connection: report.connection.clone(),
            run: report.run.clone(),
            workflow: report.workflow.clone(),
            state: report.state,
            exit: report.exit,
            at: report.ended_at.clone().unwrap_or_else(|| now.to_string()),
        }
    }

    /// A credential is refused.
    pub(crate) fn refused(connection: &ConnectionName, now: Millis) -> Notice {
        Notice::CredentialRefused {
            id: format!("{connection}:refused:{}", now.date()),
            connection: connection.clone(),
            at: now.to_string(),
        }
    }
}

/// Where notices go, if anywhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notifier(Option<mpsc::Sender<Notice>>);

/// What sends them.
pub(crate) struct Sending(Option<JoinHandle<()>>);

/// An address, which may hold a secret: it is never shown but for its host.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hook(Url);

impl Hook {
    /// `https://…`, or `http://…` on this machine.
    pub(crate) fn of(text: &str) -> Option<Hook> {
        let url = Url::parse(text).ok()?;
        let local = match url.host()? {
            url::Host::Domain(name) => name == "localhost",
            url::Host::Ipv4(at) => at.is_loopback(),
            url::Host::Ipv6(at) => at.is_loopback(),
        };
        let plain = url.username().is_empty() && url.password().is_none();
        let fits = plain && (url.scheme() == "https" || (url.scheme() == "http" && local));
        fits.then_some(Hook(url))
    }

    fn host(&self) -> &str {
        self.0.host_str().unwrap_or("-")
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hook({})", self.host())
    }
}

/// Begins to send what is told, where there is somewhere to send it.
pub(crate) fn notifying(hook: Option<&Hook>) -> (Notifier, Sending) {
    let Some(hook) = hook.cloned() else { return (Notifier(None), Sending(None)) };
    let (sender, notices) = mpsc::channel(WAITING_MAX);
    (Notifier(Some(sender)), Sending(Some(tokio::spawn(send(hook, notices)))))
}

impl Notifier {
    /// Tells it; nobody waits for that.
    pub(crate) fn tell(&self, notice: Notice) {
        let Some(sender) = &self.0 else { return };
        if let Err(error) = sender.try_send(notice) {
            tracing::warn!(%error, "a notice is left: too many wait");
        }
    }
}

impl Sending {
    /// Nothing more is told: what waits still has a moment to be sent.
    pub(crate) async fn end(self, notifier: Notifier) {
        drop(notifier);
        if let Some(sending) = self.0 {
            let abort = sending.abort_handle();
            if tokio::time::timeout(LAST, sending).await.is_err() {
                abort.abort();
                tracing::warn!("notices are left: they could not be sent in time");
            }
        }
    }
}

async fn send(hook: Hook, mut notices: mpsc::Receiver<Notice>) {
    // Where somebody has chosen the process's cryptography before, it is his.
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder()
        .user_agent(concat!("watershed/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "nobody is notified: TLS could not be set up");
            return;
        }
    };
    while let Some(notice) = notices.recv().await {
        let body = serde_json::to_string(&notice).unwrap_or_default();
        let mut pause = PAUSE;
        for nth in 1..=TRIES_MAX {
            match post(&client, &hook, &body).await {
                Ok(()) => break,
                Err(why) if nth == TRIES_MAX => {
                    tracing::error!(host = hook.host(), %why, "a notice is left");
                }
                Err(why) => {
                    tracing::debug!(host = hook.host(), %why, "a notice is tried again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
    }
}

async fn post(client: &reqwest::Client, hook: &Hook, body: &str) -> Result<(), String> {
    let request = client.post(hook.0.clone()).header(CONTENT_TYPE, "application/json");
    let answer = request
        .body(body.to_owned())
        .send()
        .await
        .map_err(|error| anyhow::Error::from(error.without_url()).root_cause().to_string())?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(format!("it answered {}", status.as_u16())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_of_this_machine_and_never_shown_whole() {
        let hook = Hook::of("https://hooks.example.com/T0/SIMSECRET?key=SIMSECRET").expect("good");
        assert_eq!(format!("{hook:?}"), "Hook(hooks.example.com)");
        assert!(Hook::of("http://127.0.0.1:9/x").is_some());
        for wrong in ["http://example.com/", "ftp://example.com/", "https://a:b@c/", "x", ""] {
            assert!(Hook::of(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn whoever_tells_of_a_run_tells_it_under_one_id_without_content() {
        let report = watershed_model::RunReport {
            run: "r1".into(),
            workflow: "zoom-reconcile".to_owned(),
            connection: "acme".into(),
            state: RunState::Failed,
            exit: Some(1),
            started_at: "2026-11-29T02:00:00.000Z".to_owned(),
            ended_at: Some("2026-11-29T02:10:00.000Z".to_owned()),
            steps: Vec::new(),
            budget: Vec::new(),
            waits: Vec::new(),
            eta: None,
            calls: watershed_model::CallCount::default(),
            rows: [("users".to_owned(), 3)].into(),
        };
        let told = [1, 2].map(|now| {
            serde_json::to_string(&Notice::run_ended(&report, Millis(now))).expect("JSON")
        });
        assert_eq!(told[0], told[1]);
        let told: serde_json::Value = serde_json::from_str(&told[0]).expect("JSON");
        let expected = serde_json::json!({
            "event": "run_ended", "id": "r1:failed", "connection": "acme", "run": "r1",
            "workflow": "zoom-reconcile", "state": "failed", "exit": 1,
            "at": "2026-11-29T02:10:00.000Z",
        });
        assert_eq!(told, expected);
    }
}
