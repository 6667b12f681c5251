//! The signature of a webhook: made, and compared in constant time.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use watershed_model::Millis;

/// 2 h: what is sent again comes up to 85 min later, perhaps with the first time in it.
///
/// # Source
/// Zoom docs, "Using webhooks", retries after 5, 20 and 60 min, checked 2026-11-24. Zoom names no
/// limit itself.
pub const AGE_MAX_MS: i64 = 2 * 3_600_000;
/// 5 min: clocks that are further apart are wrong.
pub const AHEAD_MAX_MS: i64 = 5 * 60_000;

/// Stands before a signature: the version of how it is made.
const VERSION: &str = "v0";
/// Bytes of a signature.
const BYTES: usize = 32;

/// Signs with a connection's secret. It has no `Debug`, so that no log can show it.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// Of the secret token of the app's feature page.
    pub fn new(secret: &[u8]) -> Signer {
        Signer(Hmac::new_from_slice(secret).expect("a key has any length"))
    }

    /// What stands in `x-zm-signature`.
    ///
    /// # Source
    /// Zoom docs, "Using webhooks", verify with Zoom's header, checked 2026-11-24.
    pub fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        format!("{VERSION}={}", hex(&self.of(timestamp, body).finalize().into_bytes()))
    }

    /// Whether it is the signature of this body at this time. Takes as long for a wrong one.
    pub(super) fn verify(&self, timestamp: &str, body: &[u8], signature: &str) -> bool {
        let given = signature.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix('='));
        let given = given.and_then(unhex);
        let right = self.of(timestamp, body).verify_slice(&given.unwrap_or_default()).is_ok();
        right && given.is_some()
    }

    /// The bare HMAC of a text, in hex.
    pub(super) fn hex_of(&self, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    fn of(&self, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in [VERSION.as_bytes(), b":", timestamp.as_bytes(), b":", body] {
            mac.update(part);
        }
        mac
    }
}

/// The instant of `x-zm-request-timestamp`, in seconds. A sender that gives milliseconds is
/// understood too.
pub(super) fn instant(timestamp: &str) -> Option<Millis> {
    let digits = timestamp.len() <= 13 && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = timestamp.parse().ok().filter(|_| digits)?;
    Some(Millis(if timestamp.len() == 13 { number } else { number * 1_000 }))
}

/// Whether something signed then may still come now.
pub(super) fn fresh(signed_at: Millis, now: Millis) -> bool {
    (-AHEAD_MAX_MS..=AGE_MAX_MS).contains(&(now - signed_at))
}

/// Bytes as lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut told, byte| {
        write!(told, "{byte:02x}").expect("text");
        told
    })
}

fn unhex(text: &str) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    let digits = text.as_bytes();
    if digits.len() != 2 * BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// HMAC-SHA256 of RFC 4231, test case 2.
    #[test]
    fn the_bare_hmac_is_that_of_the_standard() {
        assert_eq!(
            Signer::new(b"Jefe").hex_of("what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn times_are_seconds_and_whoever_gives_milliseconds_is_understood() {
        assert_eq!(instant("1700000000"), Some(Millis(1_700_000_000_000)));
        assert_eq!(instant("1700000000123"), Some(Millis(1_700_000_000_123)));
        for odd in ["", "-1", "+1700000000", "1.7e9", "17000000001234", "soon", "1700000000 "] {
            assert_eq!(instant(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_is_fresh_ends_two_hours_back_and_five_minutes_ahead() {
        let now = Millis(1_700_000_000_000);
        assert!(fresh(now + -AGE_MAX_MS, now) && fresh(now + AHEAD_MAX_MS, now));
        assert!(!fresh(now + (-AGE_MAX_MS - 1), now) && !fresh(now + (AHEAD_MAX_MS + 1), now));
    }

    proptest! {
        #[test]
        fn only_the_same_body_time_and_secret_have_the_signature(
            secret in "[ -~]{1,40}",
            time in "[0-9]{10}",
            body in proptest::collection::vec(any::<u8>(), 0..200),
            place in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let signer = Signer::new(secret.as_bytes());
            let signed = signer.sign(&time, &body);
            prop_assert!(signer.verify(&time, &body, &signed));
            let other = Signer::new(format!("{secret}x").as_bytes());
            prop_assert!(!other.verify(&time, &body, &signed));
            let later = format!("{time}0");
            prop_assert!(!signer.verify(&later, &body, &signed));
            let mut changed = body.clone();
            changed.push(b' ');
            prop_assert!(!signer.verify(&time, &changed, &signed));
            if !body.is_empty() {
                let mut changed = body.clone();
                changed[place.index(body.len())] ^= 1 << bit;
                prop_assert!(!signer.verify(&time, &changed, &signed));
            }
            let mut wrong = signed.clone().into_bytes();
            let at = place.index(wrong.len());
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            let wrong = String::from_utf8(wrong).expect("text");
            prop_assert!(!signer.verify(&time, &body, &wrong));
            prop_assert!(!signer.verify(&time, &body, &signed[..signed.len() - 1]));
            prop_assert!(!signer.verify(&time, &body, &signed[3..]));
        }
    }
}
