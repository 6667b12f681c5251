//! A text as a form with holes, and what fills them in fewer bytes than it had in the text.
//!
//! Works on any text and gives it back byte for byte: what is not known stays as it is. Knows
//! how ids, instants and numbers are written, nothing of whose they are. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use watershed_model::Millis;

// Holes. No text in UTF-8 has bytes of 0xf8 and above, so a form never holds one otherwise.

/// Sixteen bytes that the text had as base64 with its padding (24 characters).
const PADDED: u8 = 0xff;
/// Sixteen bytes that the text had as base64 for URLs, without padding (22 characters).
const BARE: u8 = 0xfe;
/// Sixteen bytes that the text had as a UUID in lower-case hex (36 characters).
const HEX: u8 = 0xfd;
/// An instant (`2026-03-04T10:00:00Z`): seconds since 1970, four bytes.
const INSTANT: u8 = 0xfc;
/// A whole number: seven bits a byte.
const NUMBER: u8 = 0xfb;
/// Any other text: its length, its bytes.
const TEXT: u8 = 0xfa;
/// The lowest hole.
const HOLES: u8 = 0xf8;

/// Letters at most that are taken for a word of a small vocabulary, and stay in the form.
const WORD_MAX: usize = 32;

/// Adds the form of a text to `form`, and what fills its holes to `fills`.
pub fn split(text: &str, form: &mut Vec<u8>, fills: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        match rest[0] {
            b'"' => {
                let Some(len) = rest[1..].iter().position(|b| *b == b'"') else {
                    form.extend_from_slice(rest);
                    return;
                };
                form.push(b'"');
                quoted(&text[at + 1..at + 1 + len], form, fills);
                form.push(b'"');
                at += len + 2;
            }
            b'0'..=b'9' => {
                let len = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
                let digits = &text[at..at + len];
                match digits.parse::<u64>().ok().filter(|_| len == 1 || rest[0] != b'0') {
                    Some(number) => {
                        form.push(NUMBER);
                        put_number(fills, number);
                    }
                    None => form.extend_from_slice(digits.as_bytes()),
                }
                at += len;
            }
            other => {
                form.push(other);
                at += 1;
            }
        }
    }
}

/// The text of a form whose holes are filled from the front of `fills`; `None` where the two
/// do not fit.
pub fn join(form: &[u8], fills: &mut &[u8]) -> Option<String> {
    let mut text = String::with_capacity(form.len() + 48);
    let mut rest = form;
    while !rest.is_empty() {
        let len = rest.iter().position(|b| *b >= HOLES).unwrap_or(rest.len());
        text.push_str(std::str::from_utf8(&rest[..len]).ok()?);
        let Some(hole) = rest.get(len) else { break };
        fill(*hole, fills, &mut text)?;
        rest = &rest[len + 1..];
    }
    Some(text)
}

/// Takes what fills the form's holes off the front of `fills`.
pub fn skip(form: &[u8], fills: &mut &[u8]) -> Option<()> {
    for hole in form.iter().filter(|b| **b >= HOLES) {
        match *hole {
            PADDED | BARE | HEX => take(fills, 16).map(|_| ())?,
            INSTANT => take(fills, 4).map(|_| ())?,
            NUMBER => take_number(fills).map(|_| ())?,
            TEXT => {
                let len = usize::try_from(take_number(fills)?).ok()?;
                take(fills, len)?;
            }
            _ => return None,
        }
    }
    Some(())
}

/// The text between two quotes.
fn quoted(text: &str, form: &mut Vec<u8>, fills: &mut Vec<u8>) {
    match text.len() {
        24 if decoded(&STANDARD, text, fills) => form.push(PADDED),
        22 if decoded(&URL_SAFE_NO_PAD, text, fills) => form.push(BARE),
        36 if hex(text, fills) => form.push(HEX),
        20 if instant(text, fills) => form.push(INSTANT),
        len if len <= WORD_MAX && is_word(text) => form.extend_from_slice(text.as_bytes()),
        len => {
            form.push(TEXT);
            put_number(fills, len as u64);
            fills.extend_from_slice(text.as_bytes());
        }
    }
}

fn fill(hole: u8, fills: &mut &[u8], text: &mut String) -> Option<()> {
    match hole {
        PADDED => STANDARD.encode_string(take(fills, 16)?, text),
        BARE => URL_SAFE_NO_PAD.encode_string(take(fills, 16)?, text),
        HEX => {
            for (at, byte) in take(fills, 16)?.iter().enumerate() {
                if matches!(at, 4 | 6 | 8 | 10) {
                    text.push('-');
                }
                for half in [byte >> 4, byte & 15] {
                    text.push(char::from_digit(u32::from(half), 16)?);
                }
            }
        }
        INSTANT => {
            let (seconds, rest) = fills.split_first_chunk::<4>()?;
            *fills = rest;
            text.push_str(&shown(u32::from_le_bytes(*seconds)));
        }
        NUMBER => text.push_str(&take_number(fills)?.to_string()),
        TEXT => {
            let len = usize::try_from(take_number(fills)?).ok()?;
            text.push_str(std::str::from_utf8(take(fills, len)?).ok()?);
        }
        _ => return None,
    }
    Some(())
}

/// Base64 of sixteen bytes, as this engine and no other writes it.
fn decoded(engine: &impl base64::Engine, text: &str, fills: &mut Vec<u8>) -> bool {
    let mut room = [0_u8; 18];
    let whole = matches!(engine.decode_slice(text, &mut room), Ok(16));
    if whole {
        fills.extend_from_slice(&room[..16]);
    }
    whole
}

fn hex(text: &str, fills: &mut Vec<u8>) -> bool {
    let begun = fills.len();
    let mut half = None;
    for (at, byte) in text.bytes().enumerate() {
        let digit = match byte {
            b'-' if matches!(at, 8 | 13 | 18 | 23) => continue,
            b'0'..=b'9' if !matches!(at, 8 | 13 | 18 | 23) => byte - b'0',
            b'a'..=b'f' if !matches!(at, 8 | 13 | 18 | 23) => byte - b'a' + 10,
            _ => {
                fills.truncate(begun);
                return false;
            }
        };
        half = match half {
            None => Some(digit),
            Some(high) => {
                fills.push(high << 4 | digit);
                None
            }
        };
    }
    true
}

fn instant(text: &str, fills: &mut Vec<u8>) -> bool {
    let seconds = seconds(text.as_bytes()).filter(|seconds| shown(*seconds) == text);
    fills.extend(seconds.iter().flat_map(|s| s.to_le_bytes()));
    seconds.is_some()
}

/// Seconds since 1970 of `2026-03-04T10:00:00Z`, whether or not there is such a day.
fn seconds(text: &[u8]) -> Option<u32> {
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0_i64, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // Days from 1970 in years that begin in March: the day of the leap year comes last.
    let (from_march, years) = if month > 2 { (month - 3, year) } else { (month + 9, year - 1) };
    let leap_days = years / 4 - years / 100 + years / 400;
    let days = years * 365 + leap_days + (from_march * 153 + 2) / 5 + day - 1 - 719_468;
    u32::try_from(days * 86_400 + hour * 3_600 + minute * 60 + second).ok()
}

fn shown(seconds: u32) -> String {
    Millis(i64::from(seconds) * 1_000).timestamp().to_string()
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
}

/// Adds a number, seven bits a byte, the lowest first.
pub fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Takes a number off the front.
pub fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes so many bytes off the front.
pub fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes_of(text: &str) -> usize {
        let (mut form, mut fills) = (Vec::new(), Vec::new());
        split(text, &mut form, &mut fills);
        let mut rest = &fills[..];
        assert_eq!(join(&form, &mut rest).as_deref(), Some(text));
        assert!(rest.is_empty(), "{text}: bytes are left over");
        let mut rest = &fills[..];
        assert_eq!(skip(&form, &mut rest), Some(()));
        assert!(rest.is_empty(), "{text}: skipping leaves bytes over");
        fills.len()
    }

    #[test]
    fn an_id_of_sixteen_bytes_takes_sixteen_bytes() {
        assert_eq!(bytes_of(r#"["aDYlohsHRtCd4ii1uC2eBA=="]"#), 16);
        assert_eq!(bytes_of(r#"["/DYlohsHRtCd4ii1uC2+BA=="]"#), 16);
        assert_eq!(bytes_of(r#"["KDcuGIm1QgePTO8WbOqwIQ"]"#), 16);
        assert_eq!(bytes_of(r#"["35497738-9fef-4f8a-97db-0ec34caef065"]"#), 16);
    }

    #[test]
    fn what_only_looks_like_an_id_comes_back_as_it_was() {
        // Bits that sixteen bytes do not have; capitals; a hyphen in the wrong place.
        assert_eq!(bytes_of(r#"["aDYlohsHRtCd4ii1uC2eBB=="]"#), 25);
        assert_eq!(bytes_of(r#"["35497738-9FEF-4F8A-97DB-0EC34CAEF065"]"#), 37);
        assert_eq!(bytes_of(r#"["354977389-fef-4f8a-97db-0ec34caef065"]"#), 37);
    }

    #[test]
    fn an_instant_takes_four_bytes_and_a_day_that_never_was_all_of_its_own() {
        assert_eq!(bytes_of(r#"["2026-03-04T10:00:00Z"]"#), 4);
        assert_eq!(bytes_of(r#"["2024-02-29T23:59:59Z"]"#), 4);
        assert_eq!(bytes_of(r#"["1970-01-01T00:00:00Z"]"#), 4);
        assert_eq!(bytes_of(r#"["2106-02-07T06:28:15Z"]"#), 4);
        assert_eq!(bytes_of(r#"["2106-02-07T06:28:16Z"]"#), 21);
        assert_eq!(bytes_of(r#"["2025-02-29T10:00:00Z"]"#), 21);
        assert_eq!(bytes_of(r#"["2016-12-31T23:59:60Z"]"#), 21);
        assert_eq!(bytes_of(r#"["1969-12-31T23:59:59Z"]"#), 21);
        assert_eq!(bytes_of(r#"["2026-03-04 10:00:00Z"]"#), 21);
    }

    #[test]
    fn numbers_and_words_take_little_and_quotes_may_be_open() {
        assert_eq!(bytes_of("[85746065123,0,null,true]"), 7);
        assert_eq!(bytes_of(r#"["TRANSCRIPT","audio_transcript"]"#), 0);
        assert_eq!(bytes_of("[007,18446744073709551615,18446744073709551616]"), 10);
        assert_eq!(bytes_of(r#"["a \" b"#), 4);
        assert_eq!(bytes_of("\""), 0);
        assert_eq!(bytes_of(""), 0);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            bytes_of(&text);
        }

        #[test]
        fn any_text_made_of_what_is_known_comes_back(
            text in concat!(
                r#"(["\[\],0-9a-f=+/_-]|[A-Za-z0-9+/]{22}==|"#,
                "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z|é){0,12}",
            )
        ) {
            bytes_of(&text);
            bytes_of(&format!("[\"{text}\"]"));
        }

        #[test]
        fn bytes_of_no_form_are_refused_and_not_followed(
            form in proptest::collection::vec(any::<u8>(), 0..40),
            fills in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let (mut rest, mut skipped) = (&fills[..], &fills[..]);
            let _ = (join(&form, &mut rest), skip(&form, &mut skipped));
        }
    }
}
