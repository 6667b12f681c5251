//! The real network: reqwest, with its own redirects and retries off.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Client, RequestBuilder, Response};
use secrecy::ExposeSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::public::PublicOnly;
use crate::transport::{Answered, Answering, Call, Opened, Opening, Transport, TransportError};

/// A connection that is not made by then will not be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence in the middle of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// One call, body included: a body that trickles must not hold its slot.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// A file, from one break to the next. Silence ends it earlier, and who reads it does where it
/// trickles.
const FILE_TIMEOUT: Duration = Duration::from_secs(6 * 3_600);
/// A token answer is some hundred bytes.
const TOKEN_BODY_MAX: usize = 64 * 1024;
/// An answer with more bytes is a large one, and so many large ones are read, or looked at, at
/// once: or some dozen calls that are answered without end would fill the memory together.
const LARGE: usize = 512 * 1024;
const LARGE_AT_ONCE: usize = 4;

/// HTTP by reqwest.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    /// For calls that carry a token or ask for one.
    client: Client,
    /// For hosts that may not have it: they are public, or there is no call.
    strangers: Client,
    large: Arc<Semaphore>,
}

/// A large body, with its place among the large ones.
struct Large {
    body: BytesMut,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl HttpTransport {
    /// A client that follows no redirect, retries nothing, sends no referrer.
    ///
    /// # Errors
    /// Where TLS cannot be set up on this machine.
    pub fn new() -> Result<Self, TransportError> {
        // Where somebody has chosen the process's cryptography before, it is his.
        rustls::crypto::ring::default_provider().install_default().ok();
        let builder = || {
            Client::builder()
                .user_agent(concat!("watershed/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(READ_TIMEOUT)
                .timeout(CALL_TIMEOUT)
                .tcp_nodelay(true)
        };
        let failed = |e| TransportError::Connect { host: "-".to_owned(), why: cause(&e) };
        Ok(HttpTransport {
            client: builder().build().map_err(failed)?,
            strangers: builder()
                .dns_resolver(Arc::new(PublicOnly::default()))
                .build()
                .map_err(failed)?,
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
        })
    }

    async fn exchange(&self, call: Call) -> Result<Answered, TransportError> {
        let (request, host, body_max) = self.request(call)?;
        let response = request.send().await.map_err(|e| failed(&e, &host))?;
        let status = response.status().as_u16();
        let headers = headers(&response);
        let body = self.read(response, &host, body_max).await?;
        Ok(Answered { status, headers, body })
    }

    /// The body, not longer than `body_max`.
    async fn read(
        &self,
        mut response: Response,
        host: &str,
        body_max: usize,
    ) -> Result<Bytes, TransportError> {
        let mut body = BytesMut::new();
        let mut place = None;
        while let Some(part) = response.chunk().await.map_err(|e| failed(&e, host))? {
            if body.len() + part.len() > body_max {
                return Err(TransportError::TooLong { host: host.to_owned(), body_max });
            }
            if body.len() + part.len() > LARGE && place.is_none() {
                place = self.large.clone().acquire_owned().await.ok();
            }
            body.extend_from_slice(&part);
        }
        Ok(match place {
            Some(place) => Bytes::from_owner(Large { body, _place: place }),
            None => body.freeze(),
        })
    }

    async fn opened(&self, call: Call) -> Result<Opened, TransportError> {
        let (request, host, _) = self.request(call)?;
        // A size that is told, and a byte to go on from, are of what is sent.
        let request = request.header(ACCEPT_ENCODING, "identity").timeout(FILE_TIMEOUT);
        let response = request.send().await.map_err(|e| failed(&e, &host))?;
        let (status, headers) = (response.status().as_u16(), headers(&response));
        let body = response.bytes_stream().map(move |part| part.map_err(|e| failed(&e, &host)));
        Ok(Opened { status, headers, body: body.boxed() })
    }

    /// The request of a call, its host, and how long the answer may be.
    fn request(&self, call: Call) -> Result<(RequestBuilder, String, usize), TransportError> {
        match call {
            Call::Get { url, bearer, body_max, rest } => {
                let host = url.host_str().unwrap_or("-").to_owned();
                let client = if bearer.is_some() { &self.client } else { &self.strangers };
                let mut request = client.get(url);
                if let Some(token) = bearer {
                    let text = format!("Bearer {}", token.expose_secret());
                    request = request.header(AUTHORIZATION, sensitive(&text, &host)?);
                }
                if let Some(rest) = rest {
                    request = request.header(RANGE, format!("bytes={}-", rest.from));
                    let version = rest.version.and_then(|v| HeaderValue::from_str(&v).ok());
                    if let Some(version) = version {
                        request = request.header(IF_RANGE, version);
                    }
                }
                Ok((request, host, body_max))
            }
            Call::Token { url, basic: (id, secret), form } => {
                let host = url.host_str().unwrap_or("-").to_owned();
                let request = self
                    .client
                    .post(url)
                    .basic_auth(id, Some(secret.expose_secret()))
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form);
                Ok((request, host, TOKEN_BODY_MAX))
            }
        }
    }
}

impl Transport for HttpTransport {
    fn send(&self, call: Call) -> Answering<'_> {
        Box::pin(self.exchange(call))
    }

    fn open(&self, call: Call) -> Opening<'_> {
        Box::pin(self.opened(call))
    }
}

fn headers(response: &Response) -> Vec<(String, String)> {
    let told = response.headers().iter();
    told.filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned()))).collect()
}

fn sensitive(text: &str, host: &str) -> Result<HeaderValue, TransportError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| TransportError::Connect {
        host: host.to_owned(),
        why: "the token is not a header value".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn failed(error: &reqwest::Error, host: &str) -> TransportError {
    let host = host.to_owned();
    if error.is_timeout() {
        TransportError::Timeout { host }
    } else if error.is_connect() || error.is_request() {
        TransportError::Connect { host, why: cause(error) }
    } else {
        TransportError::Body { host, why: cause(error) }
    }
}

/// The innermost cause: reqwest's own text names the URL, which may be signed.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = match error.source() {
        Some(source) => source,
        None => return "unknown cause".to_owned(),
    };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
