//! Opens a body: what kind it is, and its JSON within bounds.

use serde_json::Value;

use super::Answer;

/// Levels of nesting that are taken. The deepest documented answer has six.
const DEPTH_MAX: usize = 64;
/// Values that are taken. A page of 300 recordings, each with twenty files, has some 150,000; each
/// takes up to a hundred bytes of memory, three times over.
const VALUES_MAX: usize = 500_000;

/// What a body is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    /// JSON.
    Json(Value),
    /// Nothing at all.
    Empty,
    /// A page for people, or another type than JSON.
    OtherKind(String),
    /// JSON that ends early or is none.
    Broken(String),
    /// JSON beyond all bounds: what is wrong with it.
    TooMuch(&'static str),
}

pub(super) fn open(answer: &Answer<'_>) -> Body {
    let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(answer.body);
    let body = body.trim_ascii();
    if body.is_empty() {
        return Body::Empty;
    }
    let kind = answer.header("content-type").unwrap_or_default().to_ascii_lowercase();
    if body[0] == b'<' || kind.contains("html") {
        return Body::OtherKind("an HTML page in place of JSON".to_owned());
    }
    if !kind.is_empty() && !kind.contains("json") {
        return Body::OtherKind(format!("{} in place of JSON", shown(&kind)));
    }
    if let Err(why) = bounded(body) {
        return Body::TooMuch(why);
    }
    match serde_json::from_slice(body) {
        Ok(value) => Body::Json(value),
        Err(error) => Body::Broken(format!("the body is not JSON: {error}")),
    }
}

/// Text that came from outside, cut and cleaned for a message.
pub(super) fn shown(text: &str) -> String {
    watershed_model::printable(text, 300)
}

/// Whether brackets nest at most [`DEPTH_MAX`] deep and hold at most [`VALUES_MAX`] values; strings
/// are skipped. One pass, no stack.
fn bounded(body: &[u8]) -> Result<(), &'static str> {
    let mut depth = 0_usize;
    let mut values = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                values += 1;
            }
            b',' => values += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err("the body nests deeper than 64 levels");
        }
        if values > VALUES_MAX {
            return Err("the body holds more than 500,000 values");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(kind: &str, body: &[u8]) -> Body {
        let headers = [("content-type".to_owned(), kind.to_owned())];
        open(&Answer { status: 200, headers: &headers, body })
    }

    #[test]
    fn json_is_taken_with_a_charset_a_byte_order_mark_or_no_type() {
        let expected = Body::Json(serde_json::json!({"a": 1}));
        assert_eq!(opened("application/json;charset=UTF-8", b"{\"a\":1}"), expected);
        assert_eq!(opened("application/json", b"\xef\xbb\xbf{\"a\":1}"), expected);
        assert_eq!(open(&Answer { status: 200, headers: &[], body: b" {\"a\":1}\n" }), expected);
    }

    #[test]
    fn a_page_for_people_is_told_by_type_or_by_its_first_byte() {
        let html = b"<!doctype html><title>Sign In</title>";
        assert!(matches!(opened("application/json", html), Body::OtherKind(_)));
        assert!(matches!(opened("text/html", b"please sign in"), Body::OtherKind(_)));
        assert!(matches!(opened("image/png", b"{}"), Body::OtherKind(_)));
    }

    #[test]
    fn a_body_cut_short_is_broken_and_none_is_empty() {
        assert!(matches!(opened("application/json", b"{\"users\":[{\"id\""), Body::Broken(_)));
        assert_eq!(opened("application/json", b" \n"), Body::Empty);
    }

    #[test]
    fn sixty_four_levels_are_taken_and_sixty_five_are_not() {
        let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(matches!(opened("application/json", nest(64).as_bytes()), Body::Json(_)));
        for n in [65, 100_000] {
            let opened = opened("application/json", nest(n).as_bytes());
            assert_eq!(opened, Body::TooMuch("the body nests deeper than 64 levels"));
        }
    }

    #[test]
    fn half_a_million_values_are_taken_and_no_more() {
        let list = |n: usize| format!("[{}1]", "1,".repeat(n - 2));
        let most = list(VALUES_MAX + 1);
        assert!(matches!(opened("application/json", most.as_bytes()), Body::Json(_)));
        let more = opened("application/json", list(VALUES_MAX + 2).as_bytes());
        assert_eq!(more, Body::TooMuch("the body holds more than 500,000 values"));
        let text = format!("{{\"topic\":\"{}\"}}", ",".repeat(VALUES_MAX * 2));
        assert!(matches!(opened("application/json", text.as_bytes()), Body::Json(_)));
    }

    #[test]
    fn brackets_within_text_do_not_nest() {
        let text = format!("{{\"topic\":\"\\\"{}\"}}", "[".repeat(500));
        assert!(matches!(opened("application/json", text.as_bytes()), Body::Json(_)));
    }
}
