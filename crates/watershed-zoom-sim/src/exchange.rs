//! Call and answer: HTTP without sockets, so that virtual time can drive the account.

use bytes::Bytes;
use serde_json::Value;

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query exactly as sent: nothing decoded, nothing normalised.
    pub target: String,
    /// Headers; names in any case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// A `GET` with a bearer token.
    pub fn get(target: impl Into<String>, token: &str) -> Call {
        let headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        Call { method: "GET".to_owned(), target: target.into(), headers, body: Bytes::new() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }
}

/// What is to be sent back, and how.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
    /// To wait before sending, in milliseconds.
    pub delay_ms: u64,
    /// The connection ends after so many bytes of the body.
    pub cut_at: Option<usize>,
    /// Whether it is a file, sent piece by piece.
    pub is_file: bool,
}

impl Answer {
    /// The body as JSON; null for what is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| *known == name);
        header.map(|(_, value)| value.as_str())
    }

    pub(crate) fn of_json(status: u16, body: &Value) -> Answer {
        // Quicker than `Display`, which checks each piece anew.
        let body = serde_json::to_vec(body).expect("a value has a text");
        Answer::of(status, "application/json;charset=UTF-8", body)
    }

    pub(crate) fn of(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
        let headers = vec![("content-type", content_type.to_owned())];
        Answer { status, headers, body: body.into(), ..Answer::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}
