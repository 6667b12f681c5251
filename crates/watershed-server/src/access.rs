//! Who may ask what: names that this server answers to, tokens, and what each lets do.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Characters of a token: 128 bits and more, in whatever alphabet.
pub const TOKEN_MIN: usize = 22;
/// Tokens are compared by their HMACs under this: equal ones have equal ones, and how long the
/// comparison takes tells nothing.
const KEY: &[u8] = b"watershed server token";

/// What somebody may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look at everything.
    Read,
    /// Pause, resume, cancel and retry.
    Operate,
    /// Erase a person.
    Erase,
}

impl Role {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Operate => "operate",
            Role::Erase => "erase",
        }
    }
}

/// A token, and whom it stands for.
#[derive(Clone)]
pub struct Token {
    /// The name under which what he does is put down.
    pub who: String,
    /// What he may do.
    pub role: Role,
    /// The token.
    pub secret: SecretString,
}

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// The name under which what he does is put down.
    pub who: String,
    /// What he may do.
    pub role: Role,
}

/// A token by its HMAC.
#[derive(Clone)]
struct Known {
    visitor: Visitor,
    mac: Vec<u8>,
}

/// Who may ask what.
#[derive(Clone, Default)]
pub struct Access {
    hosts: Vec<String>,
    known: Vec<Known>,
}

fn hmac(token: &str) -> Hmac<Sha256> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(KEY).expect("a key has any length");
    hmac.update(token.as_bytes());
    hmac
}

impl Access {
    /// Answers to these names, beside `localhost` and addresses. Where there is a token, what is
    /// not open to all needs one; where there is none, everybody may look.
    pub fn new(hosts: Vec<String>, tokens: Vec<Token>) -> Access {
        let known = tokens.into_iter().map(|token| Known {
            mac: hmac(token.secret.expose_secret()).finalize().into_bytes().to_vec(),
            visitor: Visitor { who: token.who, role: token.role },
        });
        let hosts = hosts.into_iter().map(|host| host.to_lowercase()).collect();
        Access { hosts, known: known.collect() }
    }

    /// Whether this server answers to what stands in `Host`. A page elsewhere can make its own name
    /// lead to this machine, but no address and no name of ours.
    pub(crate) fn host(&self, host: &str) -> bool {
        let name = name_of(host).to_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        name == "localhost" || address.is_ok() || self.hosts.contains(&name)
    }

    /// Whose token that is. Every one is compared, so that the time tells nothing.
    pub(crate) fn by_token(&self, given: &str) -> Option<Visitor> {
        let mut found = None;
        for known in &self.known {
            if hmac(given).verify_slice(&known.mac).is_ok() {
                found = Some(known.visitor.clone());
            }
        }
        found
    }

    /// Who somebody is that shows nothing.
    pub(crate) fn stranger(&self) -> Option<Visitor> {
        let nobody = || Visitor { who: "anybody".to_owned(), role: Role::Read };
        self.known.is_empty().then(nobody)
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
        let access = Access::new(vec!["Hooks.example.com".to_owned()], Vec::new());
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
    fn a_token_is_whose_it_is_and_no_other_text_is_anybodys() {
        let token = |who: &str, role, secret: &str| Token {
            who: who.to_owned(),
            role,
            secret: SecretString::from(secret),
        };
        let tokens = vec![
            token("ana", Role::Erase, "0123456789abcdef0123456789abcdef"),
            token("ben", Role::Read, "fedcba9876543210fedcba9876543210"),
        ];
        let access = Access::new(Vec::new(), tokens);
        let who = |given| access.by_token(given).map(|visitor| (visitor.who, visitor.role));
        assert_eq!(who("0123456789abcdef0123456789abcdef"), Some(("ana".to_owned(), Role::Erase)));
        assert_eq!(who("fedcba9876543210fedcba9876543210"), Some(("ben".to_owned(), Role::Read)));
        for wrong in ["", "0123456789abcdef0123456789abcdee", "ana"] {
            assert_eq!(who(wrong), None, "{wrong:?}");
        }
        assert_eq!(access.stranger(), None, "there are tokens");
        assert_eq!(Access::default().stranger().map(|v| v.role), Some(Role::Read));
    }
}
