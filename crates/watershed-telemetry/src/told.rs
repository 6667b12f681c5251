//! What of a span goes out: names and codes as OpenTelemetry has them, and no address of anybody.

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// Stands where an address stood.
const HIDDEN: &str = "…";
/// Verdicts of a task whose attempt came to nothing.
const FAILED: [&str; 4] = ["retry", "token", "dead", "fatal"];

/// Makes of the engine's span what is sent. A task is named by its operation; a call is a
/// client's, with its status under the name that such have.
pub(crate) fn shape(span: &mut SpanData) {
    if let Some(Value::String(operation)) = value(span, "operation") {
        span.name = operation.to_string().into();
    }
    if let Some(Value::String(verdict)) = value(span, "verdict")
        && FAILED.contains(&verdict.as_str())
    {
        span.status = Status::error(verdict.to_string());
    }
    if let Some(Value::I64(status)) = value(span, "status") {
        span.attributes.retain(|of| of.key.as_str() != "status");
        span.attributes.push(KeyValue::new("http.response.status_code", status));
        if status >= 400 {
            span.status = Status::error("");
        }
    }
    if span.name == "call" {
        span.span_kind = SpanKind::Client;
    }
    for of in &mut span.attributes {
        if let Value::String(text) = &of.value
            && let Some(plain) = without_addresses(text.as_str())
        {
            of.value = Value::String(StringValue::from(plain));
        }
    }
}

fn value(span: &SpanData, key: &str) -> Option<Value> {
    span.attributes.iter().find(|of| of.key.as_str() == key).map(|of| of.value.clone())
}

/// The text with [`HIDDEN`] for each word that is an address, of a person or of a page; `None`
/// where it has none.
fn without_addresses(text: &str) -> Option<String> {
    let is_address = |word: &str| word.contains('@') || word.contains("://");
    if !is_address(text) {
        return None;
    }
    let mut plain = String::new();
    for part in text.split_inclusive([' ', ',', '[', ']', '<', '>', '"']) {
        let (before, word) = match part.split_once('=') {
            Some((name, word)) if !is_address(name) => (&part[..=name.len()], word),
            _ => ("", part),
        };
        plain.push_str(before);
        match is_address(word) {
            true => {
                plain.push_str(HIDDEN);
                plain.extend(word.chars().last().filter(|end| " ,[]<>\"".contains(*end)));
            }
            false => plain.push_str(word),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_people_and_of_pages_are_hidden_and_nothing_else() {
        for (text, expected) in [
            ("instances[user=abc, meeting=123]", None),
            ("users[status=active]", None),
            (
                "settings[user=ann@example.com, window=2026-01-01..2026-01-30]",
                Some("settings[user=…, window=2026-01-01..2026-01-30]"),
            ),
            ("file[file=https://zoom.us/rec/d?access_token=x=y]", Some("file[file=…]")),
            ("Ann <ann@example.com> left", Some("Ann <…> left")),
            ("ann@example.com", Some("…")),
        ] {
            assert_eq!(without_addresses(text).as_deref(), expected, "{text}");
        }
    }
}
