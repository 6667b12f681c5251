//! Who may ask what: names that this server answers to, and the token.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Characters of a token: 128 bits and more, in whatever alphabet.
pub const TOKEN_MIN: usize = 22;
/// Tokens are compared by their HMACs under this: equal ones have equal ones, and how long the
/// comparison takes tells nothing.
const KEY: &[u8] = b"watershed server token";

/// Who may ask what.
#[derive(Clone, Default)]
pub struct Access {
    hosts: Vec<String>,
    token: Option<Vec<u8>>,
}

fn hmac(token: &str) -> Hmac<Sha256> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(KEY).expect("a key has any length");
    hmac.update(token.as_bytes());
    hmac
}

impl Access {
    /// Answers to these names, beside `localhost` and addresses; what is not open to all needs the
    /// token, where there is one.
    pub fn new(hosts: Vec<String>, token: Option<&SecretString>) -> Access {
        let token = token.map(|token| hmac(token.expose_secret()).finalize().into_bytes().to_vec());
        Access { hosts: hosts.into_iter().map(|host| host.to_lowercase()).collect(), token }
    }

    /// Whether this server answers to what stands in `Host`. A page elsewhere can make its own name
    /// lead to this machine, but no address and no name of ours.
    pub(crate) fn host(&self, host: &str) -> bool {
        let name = name_of(host).to_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        name == "localhost" || address.is_ok() || self.hosts.contains(&name)
    }

    /// Whether what stands in `Authorization` will do.
    pub(crate) fn token(&self, authorization: Option<&str>) -> bool {
        let Some(token) = &self.token else { return true };
        let given = authorization.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
        hmac(given).verify_slice(token).is_ok()
    }
}

/// The name without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_named_hosts_are_answered_and_no_others() {
        let access = Access::new(vec!["Hooks.example.com".to_owned()], None);
        for host in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "10.0.0.7",
            "localhost",
            "LOCALHOST:1",
            "hooks.example.com",
            "hooks.EXAMPLE.com:443",
        ] {
            assert!(access.host(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "hooks.example.com.evil.example",
            "xhooks.example.com",
            "hooks.example.com:443@evil.example",
        ] {
            assert!(!access.host(host), "{host}");
        }
    }

    #[test]
    fn only_the_token_itself_will_do_where_there_is_one() {
        let token = SecretString::from("0123456789abcdef0123456789abcdef");
        let access = Access::new(Vec::new(), Some(&token));
        assert!(access.token(Some("Bearer 0123456789abcdef0123456789abcdef")));
        for wrong in [
            None,
            Some(""),
            Some("Bearer "),
            Some("Bearer 0123456789abcdef0123456789abcdee"),
            Some("bearer 0123456789abcdef0123456789abcdef"),
            Some("Basic 0123456789abcdef0123456789abcdef"),
        ] {
            assert!(!access.token(wrong), "{wrong:?}");
        }
        assert!(Access::default().token(None));
    }
}
