//! The challenge: Zoom asks whether this endpoint knows the secret, at set-up and every 72 h.

use serde_json::{Value, json};

use super::signature::Signer;

/// The longest token: Zoom's have 22 characters.
const TOKEN_MAX: usize = 128;

/// What is answered to the token of a challenge; `None` where it is no such token. A text with `:`
/// in it could be what a signature is made of, and would come back signed.
///
/// # Source
/// Zoom docs, "Using webhooks", validate your webhook endpoint, checked 2026-11-24.
pub(super) fn reply(signer: &Signer, body: &Value) -> Option<Value> {
    let token = body.pointer("/payload/plainToken")?.as_str()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if token.is_empty() || token.len() > TOKEN_MAX || !token.bytes().all(fits) {
        return None;
    }
    Some(json!({ "plainToken": token, "encryptedToken": signer.hex_of(token) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replied(token: Value) -> Option<Value> {
        reply(&Signer::new(b"Jefe"), &json!({ "payload": { "plainToken": token } }))
    }

    #[test]
    fn a_token_comes_back_beside_its_hmac() {
        let told = replied("qgg8vlvZRS6UYooatFL8Aw".into()).expect("a token");
        assert_eq!(told["plainToken"], "qgg8vlvZRS6UYooatFL8Aw");
        assert_eq!(told["encryptedToken"].as_str().map(str::len), Some(64));
    }

    #[test]
    fn nothing_that_could_be_a_signed_body_is_ever_signed() {
        for token in ["v0:1700000000:{}", "", "a b", "a\n", "ä", "a:b", &"a".repeat(129)] {
            assert_eq!(replied(token.into()), None, "{token}");
        }
        assert_eq!(replied(json!(7)), None);
        assert_eq!(replied(json!(["a"])), None);
        assert_eq!(reply(&Signer::new(b"Jefe"), &json!([])), None);
    }
}
