//! The server: the account behind a socket.
//!
//! All rules are in [`Account::handle`]; here calls are only carried to it, answers delayed and
//! cut off as they say, and the truth streamed.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::account::Account;
use crate::clock::{Clock, SystemClock};
use crate::exchange::{Answer, Call};
use crate::truth::TruthRow;
use crate::world::Change;

/// The largest request body that is read.
const BODY_MAX: usize = 64 * 1024;

/// Bytes of a file that are sent at once.
const PIECE: usize = 64 * 1024;

/// How long a stopping server waits for the calls it is answering.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// A running server.
#[derive(Debug)]
pub struct Server {
    account: Arc<Account>,
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Serves the account at an address; port 0 takes any that is free.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(account: Arc<Account>, listen: SocketAddr) -> io::Result<Server> {
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        account.serve_at(&format!("http://{addr}"));
        let (stop, stopped) = oneshot::channel::<()>();
        let app = router(Arc::clone(&account));
        let task = tokio::spawn(async move {
            let stopped = async {
                // Also when the server's handle is dropped.
                let _ = stopped.await;
            };
            axum::serve(listener, app).with_graceful_shutdown(stopped).await
        });
        Ok(Server { account, addr, stop, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What a client needs: `base`, `api_url`, `token_url`, `account_id`, `client_id`,
    /// `client_secret`.
    pub fn ready_line(&self) -> serde_json::Value {
        let base = format!("http://{}", self.addr);
        let credentials = self.account.credentials();
        json!({
            "base": base,
            "api_url": format!("{base}/v2"),
            "token_url": format!("{base}/oauth/token"),
            "account_id": credentials.account_id,
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        })
    }

    /// Stops listening and closes idle connections. Calls that are being answered get some
    /// seconds, then they are dropped.
    pub async fn stop(self) {
        // A server that has ended by itself no longer listens for this.
        let _ = self.stop.send(());
        let mut task = self.task;
        if tokio::time::timeout(DRAIN_MAX, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// The routes of an account, under the clock of the machine.
pub fn router(account: Arc<Account>) -> Router {
    router_with_clock(account, Arc::new(SystemClock))
}

/// The routes of an account, under a clock of one's own.
pub fn router_with_clock(account: Arc<Account>, clock: Arc<dyn Clock>) -> Router {
    Router::new().fallback(serve).with_state(Served { account, clock })
}

#[derive(Clone)]
struct Served {
    account: Arc<Account>,
    clock: Arc<dyn Clock>,
}

async fn serve(State(served): State<Served>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match parts.uri.path() {
        "/__sim/truth" => return truth(served.account, parts.uri.query().unwrap_or_default()),
        "/__sim/files" => return lines(served.account, Account::files_of),
        _ => {}
    }
    let path = parts.uri.path().to_owned();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE);
    };
    if path == "/__sim/change" {
        return change(&served.account, &body);
    }
    let headers = parts.headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let call = Call {
        method: parts.method.as_str().to_owned(),
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: headers.collect(),
        body,
    };
    let answer = served.account.handle(&call, served.clock.now());
    if answer.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
    }
    let mut response = deliver(answer, served.account);
    if path.starts_with("/v2/") {
        let tracking = HeaderValue::from_str(&tracking_id()).expect("plain text");
        response.headers_mut().insert(HeaderName::from_static("x-zm-trackingid"), tracking);
    }
    response
}

/// What the account calls a call, for whoever asks about it: another one each time.
fn tracking_id() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(1);
    format!("v=2.0;clid=us04;rid=WEB_{:032x}", CALLS.fetch_add(1, Ordering::Relaxed))
}

fn deliver(answer: Answer, account: Arc<Account>) -> Response {
    let length = answer.body.len();
    let body = match answer.cut_at {
        None if answer.is_file => pieces(answer.body, account),
        None => Body::from(answer.body),
        Some(at) => cut(answer.body.slice(..at.min(length))),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if answer.cut_at.is_some() || answer.is_file {
        headers.insert("content-length", HeaderValue::from(length));
    }
    response
}

/// A file, piece by piece, as fast as the account sends.
fn pieces(bytes: Bytes, account: Arc<Account>) -> Body {
    let per_second = account.spec().media_kib_per_second * 1_024;
    let rest = stream::unfold(bytes, move |mut bytes| {
        let account = account.clone();
        async move {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            if piece.is_empty() {
                return None;
            }
            if per_second > 0 {
                let wait = Duration::from_secs_f64(piece.len() as f64 / per_second as f64);
                tokio::time::sleep(wait).await;
            }
            account.tally().sent(piece.len());
            Some((Ok::<_, io::Error>(piece), bytes))
        }
    });
    Body::from_stream(rest)
}

/// A body that breaks off: the connection is closed before all that was announced has come.
fn cut(head: Bytes) -> Body {
    let broken = io::Error::new(io::ErrorKind::ConnectionReset, "the simulated connection broke");
    Body::from_stream(stream::iter([Ok(head), Err(broken)]))
}

/// `?dataset=a,b` takes these datasets only.
fn truth(account: Arc<Account>, query: &str) -> Response {
    let wanted: Option<BTreeSet<String>> = query.split('&').find_map(|pair| {
        let names = pair.strip_prefix("dataset=")?;
        Some(names.replace("%2C", ",").split(',').map(str::to_owned).collect())
    });
    lines(account, move |account, user| {
        let mut rows = account.truth_of(user);
        rows.retain(|row| wanted.as_ref().is_none_or(|wanted| wanted.contains(row.dataset)));
        rows
    })
}

/// JSON lines, user by user.
fn lines(
    account: Arc<Account>,
    of: impl Fn(&Account, u64) -> Vec<TruthRow> + Send + 'static,
) -> Response {
    let users = account.user_count();
    let lines = stream::iter((0..users).map(move |user| {
        let mut text = String::new();
        for row in of(&account, user) {
            text.push_str(&json!(row).to_string());
            text.push('\n');
        }
        Ok::<_, io::Error>(Bytes::from(text))
    }));
    let mut response = Response::new(Body::from_stream(lines));
    let kind = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert("content-type", kind);
    response
}

/// One change a line, as [`Change::parse`] reads it; all lines are tried.
fn change(account: &Account, body: &[u8]) -> Response {
    let text = String::from_utf8_lossy(body);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let done = lines.map(|line| Change::parse(line).is_some_and(|change| account.change(&change)));
    // Each of them, also after one that fails.
    let failed = done.filter(|done| !done).count();
    plain(if failed == 0 { StatusCode::NO_CONTENT } else { StatusCode::UNPROCESSABLE_ENTITY })
}

fn plain(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
