//! What an answer repeats of its call. A gateway that refuses a call may show its headers; the
//! secret in them is cut out before anybody reads the answer, so that no message holds it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use memchr::memmem;

/// A page of records is longer than this, and a refusal shorter.
const REFUSAL_MAX: usize = 64 * 1024;
/// What is shorter than this is no secret, and stands in many an answer by chance.
const SECRET_MIN: usize = 8;
/// What stands in its place.
const CUT: &[u8] = b"(secret)";

/// The body of an answer without these secrets, where it may be a refusal.
pub(crate) fn without(status: u16, body: Bytes, secrets: &[&str]) -> Bytes {
    if (200..=299).contains(&status) && body.len() > REFUSAL_MAX {
        return body;
    }
    secrets.iter().filter(|secret| secret.len() >= SECRET_MIN).fold(body, |body, secret| {
        let secret = secret.as_bytes();
        let place = |of: &[u8]| memmem::find(of, secret);
        let Some(mut at) = place(&body) else { return body };
        let (mut kept, mut rest) = (Vec::with_capacity(body.len()), &body[..]);
        loop {
            kept.extend_from_slice(&rest[..at]);
            kept.extend_from_slice(CUT);
            rest = &rest[at + secret.len()..];
            match place(rest) {
                Some(next) => at = next,
                None => break,
            }
        }
        kept.extend_from_slice(rest);
        kept.into()
    })
}

/// Client id and secret as they are sent.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    STANDARD.encode(format!("{id}:{secret}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_cut_out_wherever_it_stands() {
        let without = |status, text: &str| {
            let body =
                without(status, Bytes::copy_from_slice(text.as_bytes()), &["s3cret-word", "", "k"]);
            String::from_utf8(body.to_vec()).expect("it is text")
        };
        assert_eq!(without(400, "no: s3cret-words3cret-word!"), "no: (secret)(secret)!");
        assert_eq!(
            without(200, "{\"code\":1,\"message\":\"s3cret-word\"}").matches("s3cret-word").count(),
            0
        );
        assert_eq!(without(400, "k: nothing of it"), "k: nothing of it");
        let records = "s3cret-word".repeat(REFUSAL_MAX);
        assert_eq!(without(200, &records), records, "a page of records is not looked through");
    }

    #[test]
    fn credentials_are_known_as_they_are_sent() {
        assert_eq!(basic("id", "word"), "aWQ6d29yZA==");
    }
}
