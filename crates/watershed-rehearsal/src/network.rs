//! The network: calls go to the account at once, answers come after their delay.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use url::Url;
use watershed_engine::{Answered, Answering, Call, Clock, Transport, TransportError};
use watershed_zoom_sim::{Account, Answer, Call as Arrived};

/// A network on which there is one account, without sockets.
#[derive(Clone)]
pub struct Network {
    account: Arc<Account>,
    clock: Arc<dyn Clock>,
}

impl Network {
    /// A network with that account, in the time of that clock.
    pub fn new(account: Arc<Account>, clock: Arc<dyn Clock>) -> Network {
        Network { account, clock }
    }

    async fn exchange(&self, call: Call) -> Result<Answered, TransportError> {
        let (arrived, host, body_max) = arrived(call);
        let now = self.clock.now();
        let answer = self.account.handle(&arrived, now.timestamp());
        let delay_ms = i64::try_from(answer.delay_ms).unwrap_or(i64::MAX);
        self.clock.sleep_until(now + delay_ms).await;
        answered(answer, host, body_max)
    }
}

impl Transport for Network {
    fn send(&self, call: Call) -> Answering<'_> {
        Box::pin(self.exchange(call))
    }
}

/// A call as it arrives, the host that was asked, and how long its answer may be.
fn arrived(call: Call) -> (Arrived, String, usize) {
    let header = |name: &str, value: String| (name.to_owned(), value);
    match call {
        Call::Get { url, bearer, body_max, rest } => {
            let bearer = bearer
                .map(|token| header("authorization", format!("Bearer {}", token.expose_secret())));
            let (from, version) = rest.map(|rest| (rest.from, rest.version)).unzip();
            let from = from.map(|from| header("range", format!("bytes={from}-")));
            let version = version.flatten().map(|version| header("if-range", version));
            let (target, host) = place(&url);
            let headers = [bearer, from, version].into_iter().flatten().collect();
            let call = Arrived { method: "GET".to_owned(), target, headers, ..Arrived::default() };
            (call, host, body_max)
        }
        Call::Token { url, basic: (id, secret), form } => {
            let pair = STANDARD.encode(format!("{id}:{}", secret.expose_secret()));
            let (target, host) = place(&url);
            let headers = vec![
                header("authorization", format!("Basic {pair}")),
                header("content-type", "application/x-www-form-urlencoded".to_owned()),
            ];
            let call = Arrived { method: "POST".to_owned(), target, headers, body: form.into() };
            (call, host, usize::MAX)
        }
    }
}

fn place(url: &Url) -> (String, String) {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    (format!("{}{query}", url.path()), url.host_str().unwrap_or("-").to_owned())
}

fn answered(answer: Answer, host: String, body_max: usize) -> Result<Answered, TransportError> {
    if answer.cut_at.is_some() {
        return Err(TransportError::Body { host, why: "connection reset".to_owned() });
    }
    if answer.body.len() > body_max {
        return Err(TransportError::TooLong { host, body_max });
    }
    let headers = answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok(Answered { status: answer.status, headers: headers.collect(), body: answer.body })
}
