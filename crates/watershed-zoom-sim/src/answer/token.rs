//! Tokens: issued for an hour, checked without a list of those issued.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::refusal::Refusal;
use super::route::parse_query;
use crate::account::Account;
use crate::draw::{Purpose, hash};
use crate::exchange::{Answer, Call};
use crate::faults::{Fault, FaultDraws};
use crate::records::SECRET_MARK;

/// Life of an access token, in seconds; the answer says one less, as Zoom's does.
const LIFE_S: i64 = 3_600;

/// The counters behind the tokens of an account.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    issued: AtomicU64,
    /// Tokens with a lower number are revoked.
    valid_from: AtomicU64,
}

impl Tokens {
    pub(crate) fn issued(&self) -> u64 {
        self.issued.load(Ordering::SeqCst)
    }

    /// Revokes every token issued so far.
    pub(crate) fn revoke(&self) {
        self.valid_from.store(self.issued(), Ordering::SeqCst);
    }

    fn issue(&self, seed: u64, now_s: i64) -> String {
        let number = self.issued.fetch_add(1, Ordering::SeqCst);
        let mac = hash(seed, Purpose::Mac, [number, now_s as u64, 0]);
        let parts = [number.to_be_bytes(), now_s.to_be_bytes(), mac.to_be_bytes()].concat();
        format!("{SECRET_MARK}.{}", URL_SAFE_NO_PAD.encode(parts))
    }

    fn check(&self, seed: u64, token: &str, now_s: i64) -> Result<(), Refusal> {
        let sealed = token.strip_prefix(SECRET_MARK).and_then(|rest| rest.strip_prefix('.'));
        let bytes = sealed.and_then(|sealed| URL_SAFE_NO_PAD.decode(sealed).ok());
        let parts: [u8; 24] =
            bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(Refusal::TokenInvalid)?;
        let word = |at: usize| {
            u64::from_be_bytes(parts[at..at + 8].try_into().expect("a slice of eight bytes"))
        };
        let (number, issued_s, mac) = (word(0), word(8), word(16));
        if mac != hash(seed, Purpose::Mac, [number, issued_s, 0]) {
            return Err(Refusal::TokenInvalid);
        }
        let is_revoked = number < self.valid_from.load(Ordering::SeqCst);
        if is_revoked || now_s >= issued_s as i64 + LIFE_S {
            return Err(Refusal::TokenExpired);
        }
        Ok(())
    }
}

/// Answers `POST /oauth/token`.
pub(super) fn issue(account: &Account, call: &Call, faults: &FaultDraws<'_>, now_s: i64) -> Answer {
    if faults.fires(Fault::TokenEndpoint500) {
        account.note_fault(Fault::TokenEndpoint500);
        return Answer::of(500, "text/html", "<html><body>Internal error</body></html>");
    }
    let refuse = |status, reason: &str, error: &str| {
        Answer::of_json(status, &json!({ "reason": reason, "error": error }))
    };
    if call.method != "POST" {
        return refuse(405, "Method not allowed", "invalid_request");
    }
    let credentials = account.credentials();
    let expected = format!("{}:{}", credentials.client_id, credentials.client_secret);
    let given = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| STANDARD.decode(value.trim()).ok());
    if given.as_deref() != Some(expected.as_bytes()) {
        return refuse(401, "Invalid client_id or client_secret", "invalid_client");
    }
    let form = parse_query(std::str::from_utf8(&call.body).unwrap_or_default());
    match form.get("grant_type").map(String::as_str) {
        Some("account_credentials") => {}
        Some(_) => return refuse(400, "unsupported grant type", "unsupported_grant_type"),
        None => return refuse(400, "Missing grant type", "invalid_request"),
    }
    if form.get("account_id") != Some(&credentials.account_id) {
        return refuse(400, "Bad Request", "invalid_grant");
    }
    let mut body = json!({
        "access_token": account.tokens.issue(account.spec().seed, now_s),
        "token_type": "bearer",
        "expires_in": LIFE_S - 1,
        "scope": account.scopes().join(" "),
        "api_url": &*account.world().base,
    });
    if faults.fires(Fault::BodyWrongType) {
        account.note_fault(Fault::BodyWrongType);
        body["expires_in"] = json!((LIFE_S - 1).to_string());
    }
    Answer::of_json(200, &body)
}

/// Whether the call carries a token that is good.
pub(super) fn check(account: &Account, call: &Call, now_s: i64) -> Result<(), Refusal> {
    let bearer = bearer(call).ok_or(Refusal::TokenMissing)?;
    account.tokens.check(account.spec().seed, bearer, now_s)
}

pub(super) fn bearer(call: &Call) -> Option<&str> {
    call.header("authorization")?.strip_prefix("Bearer ").map(str::trim)
}
