//! Meeting UUIDs in a path.

use std::fmt::Write as _;

/// The UUID of a held instance as a path segment.
///
/// Everything but letters, digits and `-._~` is percent-encoded; a UUID that holds a `/` is
/// encoded twice, since proxies before Zoom decode `%2F` once and would take it for a border.
/// Zoom asks for the second round only where it begins with `/` or contains `//`; it is
/// accepted for every `/`.
///
/// # Source
/// Zoom API reference, "Past meetings"; ZoomNet, checked 2026-11-24.
pub fn encode(uuid: &str) -> String {
    let once = segment(uuid);
    if uuid.contains('/') { segment(&once) } else { once }
}

/// Any text as one path segment.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uuid: &str, expected: &str) {
        assert_eq!(encode(uuid), expected, "{uuid}");
    }

    #[test]
    fn a_plain_uuid_is_encoded_once() {
        check("aDYlohsHRtCd4ii1uC2+hA==", "aDYlohsHRtCd4ii1uC2%2BhA%3D%3D");
    }

    #[test]
    fn a_uuid_with_a_slash_anywhere_is_encoded_twice() {
        check("/ajXp112QmuoKj4854875==", "%252FajXp112QmuoKj4854875%253D%253D");
        check("abc//def==", "abc%252F%252Fdef%253D%253D");
        check("abc/def+g==", "abc%252Fdef%252Bg%253D%253D");
    }

    #[test]
    fn no_byte_of_an_odd_uuid_ends_the_segment_or_starts_a_query() {
        check("a?b#c%d e", "a%3Fb%23c%25d%20e");
        check("ü", "%C3%BC");
    }
}
