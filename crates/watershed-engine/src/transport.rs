//! What the engine asks of a network: one exchange of a request for an answer.
//!
//! No retries, no redirects of its own, bodies bounded, every call bounded in time. The
//! real one is [`crate::HttpTransport`].

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use secrecy::SecretString;
use url::Url;

/// An answer to come.
pub type Answering<'a> =
    Pin<Box<dyn Future<Output = Result<Answered, TransportError>> + Send + 'a>>;

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
}
