//! Pseudonyms: the same value under the same key of a connection is the same one, in whatever case
//! it was written; without that key nobody can try values out.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Stands before a pseudonym.
const MARK: &str = "hmac:";
/// Bytes of a pseudonym: two of 2^32 people fall together once in 2^64 times.
const BYTES: usize = 16;

/// Makes pseudonyms.
#[derive(Clone)]
pub(crate) struct Pseudonyms(Hmac<Sha256>);

impl Pseudonyms {
    /// Under that key of a connection; `None` for an empty one.
    pub(crate) fn new(key: &[u8]) -> Option<Pseudonyms> {
        if key.is_empty() {
            return None;
        }
        Some(Pseudonyms(Hmac::new_from_slice(key).expect("a key has any length")))
    }

    /// `hmac:` and 32 hexadecimal digits. A pseudonym is its own.
    pub(crate) fn of(&self, text: &str) -> String {
        if is_pseudonym(text) {
            return text.to_owned();
        }
        let bytes = self.bytes(text.trim().to_lowercase().as_bytes());
        let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
        hex.fold(MARK.to_owned(), |told, byte| told + &byte)
    }

    /// What only who has the key can reckon of these bytes.
    pub(crate) fn bytes(&self, of: &[u8]) -> [u8; BYTES] {
        let mut hmac = self.0.clone();
        hmac.update(of);
        let made = hmac.finalize().into_bytes();
        std::array::from_fn(|at| made[at])
    }
}

fn is_pseudonym(text: &str) -> bool {
    let digits = |hex: &str| hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.strip_prefix(MARK).is_some_and(|hex| hex.len() == 2 * BYTES && digits(hex))
}
