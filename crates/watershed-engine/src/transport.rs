//! What the engine asks of a network: one exchange of a request for an answer.
//!
//! No retries, no redirects of its own, bodies bounded, every call bounded in time. The
//! real one is [`crate::HttpTransport`].

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use secrecy::SecretString;
use url::Url;

/// An answer to come.
pub type Answering<'a> =
    Pin<Box<dyn Future<Output = Result<Answered, TransportError>> + Send + 'a>>;

/// An answer to come, before its body.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Opened, TransportError>> + Send + 'a>>;

/// One request. Only what Watershed needs exists: it reads, and it asks for tokens.
pub enum Call {
    /// `GET`.
    Get {
        /// Where.
        url: Url,
        /// Sent as `Authorization: Bearer`, where the host may have it.
        bearer: Option<SecretString>,
        /// Bytes of body that are taken at most, after decompression.
        body_max: usize,
        /// The part that is asked for; `None`: the whole.
        rest: Option<Rest>,
    },
    /// `POST` of a form to a token endpoint.
    Token {
        /// Where.
        url: Url,
        /// Client id and secret, sent as `Authorization: Basic`.
        basic: (String, SecretString),
        /// The form.
        form: String,
    },
}

/// The end of a file, from a byte on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// The first byte.
    pub from: u64,
    /// The version of the file that it must be of, else the whole of another is sent.
    pub version: Option<String>,
}

/// An answer whose body is still to come.
pub struct Opened {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as it comes.
    pub body: BoxStream<'static, Result<Bytes, TransportError>>,
}

impl Opened {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Bytes,
}

impl Answered {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Why there is no answer. Messages name no URL, no token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// Nobody there, name unknown, connection cut, TLS refused.
    #[error("connection to {host} failed: {why}")]
    Connect {
        /// The host.
        host: String,
        /// What was said.
        why: String,
    },
    /// It took too long.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host.
        host: String,
    },
    /// The body was longer than is taken.
    #[error("the answer of {host} is longer than {body_max} bytes")]
    TooLong {
        /// The host.
        host: String,
        /// The bound.
        body_max: usize,
    },
    /// The body broke off or could not be decompressed.
    #[error("the answer of {host} broke off: {why}")]
    Body {
        /// The host.
        host: String,
        /// What was said.
        why: String,
    },
}

/// A network.
pub trait Transport: Send + Sync {
    /// One exchange.
    fn send(&self, call: Call) -> Answering<'_>;

    /// One exchange whose body comes piece by piece, and is not bounded in time: of a file.
    /// A network that has it at once may leave this as it is.
    fn open(&self, call: Call) -> Opening<'_> {
        Box::pin(async move {
            let Answered { status, headers, body } = self.send(call).await?;
            Ok(Opened { status, headers, body: stream::iter([Ok(body)]).boxed() })
        })
    }
}
