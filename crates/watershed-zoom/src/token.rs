//! The token of a server-to-server app: what is sent for it, what comes back.

use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::Serializer;

/// A token as answered. It has no `Debug`, so that no log can show it.
#[derive(Clone)]
pub struct Token {
    /// The token itself: a secret.
    pub access_token: String,
    /// Seconds that it lives, from when it was asked for.
    pub expires_in_s: u64,
    /// Scopes that came with it, classic and granular ones.
    pub scopes: Vec<String>,
    /// The region's API, without `/v2`, where Zoom names one.
    pub api_url: Option<String>,
}

/// Which credential a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// Client id or client secret.
    Client,
    /// The account id.
    Account,
    /// The app itself: switched off, its owner gone, of another type.
    App,
    /// It cannot be told.
    Any,
}

impl Credential {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Credential::Client => "client id or client secret",
            Credential::Account => "account id",
            Credential::App => "the app in Zoom's marketplace",
            Credential::Any => "account id, client id or client secret",
        }
    }
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Zoom refuses the credentials. Asking again with the same ones is in vain.
    #[error("{reason}")]
    Refused {
        /// What was said, and which credential is meant.
        reason: String,
        /// Which credential is meant.
        credential: Credential,
        /// Whether it holds for the connection until an operator acts. Always true today.
        fatal: bool,
    },
    /// No answer of use: ask again later.
    #[error("{reason}")]
    Retry {
        /// What was answered.
        reason: String,
    },
}

/// The body that asks for a token (`application/x-www-form-urlencoded`); client id and
/// secret go into the header.
///
/// # Source
/// Zoom docs "Server-to-Server OAuth": the grant is `account_credentials`, the parameters are
/// refused in the query for some accounts since 2025. Checked 2026-11-24.
pub fn form(account_id: &str) -> String {
    Serializer::new(String::new())
        .append_pair("grant_type", "account_credentials")
        .append_pair("account_id", account_id)
        .finish()
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Value>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    api_url: Option<String>,
}

/// Life of a token whose answer does not tell, seconds: Zoom's tokens live an hour.
const LIFE_S: u64 = 3_600;

/// Reads the answer of the token endpoint.
///
/// # Errors
/// [`TokenError::Refused`] for every 4xx but 408 and 429; [`TokenError::Retry`] for the rest
/// that is no token.
pub fn read(status: u16, body: &[u8]) -> Result<Token, TokenError> {
    if !(200..=299).contains(&status) {
        return Err(refusal(status, body));
    }
    let again = |reason: &str| TokenError::Retry { reason: reason.to_owned() };
    // The error of serde_json could quote the body, which holds the token.
    let granted: Granted = match serde_json::from_slice(body) {
        Ok(granted) => granted,
        Err(_) if serde_json::from_slice::<Value>(body).is_ok_and(|v| v.get("error").is_some()) => {
            return Err(refusal(400, body));
        }
        Err(_) => return Err(again("the token endpoint answered no token")),
    };
    if granted.access_token.is_empty() {
        return Err(again("the token endpoint answered an empty token"));
    }
    let expires_in_s = match granted.expires_in {
        Some(Value::Number(n)) => n.as_u64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    Ok(Token {
        access_token: granted.access_token,
        expires_in_s: expires_in_s.unwrap_or(LIFE_S),
        scopes: granted.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        api_url: granted.api_url.filter(|url| !url.is_empty()),
    })
}

fn refusal(status: u16, body: &[u8]) -> TokenError {
    if status == 408 || status == 429 || !(400..=499).contains(&status) {
        return TokenError::Retry { reason: format!("token endpoint: HTTP {status}") };
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |member: &str| {
        body.get(member).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
    };
    let (error, said) = (text("error"), text("reason"));
    let said = if said.is_empty() { text("message") } else { said };
    let code = body.get("code").or_else(|| body.get("errorCode")).and_then(Value::as_i64);
    let credential = meant(&error, &said.to_lowercase(), code);
    let told: Vec<&str> =
        [error.as_str(), said.as_str()].into_iter().filter(|s| !s.is_empty()).collect();
    let told = if told.is_empty() { format!("HTTP {status}") } else { told.join(": ") };
    let told = watershed_model::printable(&told, 200);
    TokenError::Refused {
        reason: format!("Zoom gives no token ({told}); check {}", credential.name()),
        credential,
        fatal: true,
    }
}

/// # Source
/// Zoom docs, OAuth error codes: 4702 and 4704 client, 4705 grant type, 4706 incomplete, 4717
/// app disabled, 4735 owner gone, 4738 disabled by the admin, 4741 revoked.
fn meant(error: &str, said: &str, code: Option<i64>) -> Credential {
    match (code, error) {
        (Some(4702 | 4704), _) | (_, "invalid_client") => Credential::Client,
        (Some(4705 | 4717 | 4735 | 4738 | 4741), _) => Credential::App,
        (_, "unsupported_grant_type" | "unauthorized_client") => Credential::App,
        _ if said.contains("client_id") || said.contains("client_secret") => Credential::Client,
        _ if said.contains("grant type") => Credential::App,
        _ if said.contains("account") => Credential::Account,
        (_, "invalid_grant") => Credential::Account,
        _ => Credential::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> (Credential, String) {
        match read(status, body.as_bytes()) {
            Err(TokenError::Refused { reason, credential, fatal: true }) => (credential, reason),
            Err(other) => panic!("{body}: {other:?}"),
            Ok(_) => panic!("{body}: a token"),
        }
    }

    #[test]
    fn the_form_asks_for_account_credentials_and_encodes_the_account() {
        assert_eq!(form("a+b/c="), "grant_type=account_credentials&account_id=a%2Bb%2Fc%3D");
    }

    #[test]
    fn a_token_comes_with_its_life_its_scopes_and_its_region() {
        let body = br#"{"access_token":"t0k","token_type":"Bearer","expires_in":3599,
            "scope":"user:read:list_users:admin  user:read:admin",
            "api_url":"https://api-eu.zoom.us"}"#;
        let token = read(200, body).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(token.access_token, "t0k");
        assert_eq!(token.expires_in_s, 3599);
        assert_eq!(token.scopes, ["user:read:list_users:admin", "user:read:admin"]);
        assert_eq!(token.api_url.as_deref(), Some("https://api-eu.zoom.us"));
    }

    #[test]
    fn a_token_without_life_or_scopes_is_still_one() {
        let token = read(200, br#"{"access_token":"t"}"#).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((token.expires_in_s, token.scopes.len(), token.api_url), (3600, 0, None));
    }

    #[test]
    fn a_refusal_names_the_credential_that_is_meant() {
        let client = r#"{"reason":"Invalid client_id or client_secret","error":"invalid_client"}"#;
        assert_eq!(refused(401, client).0, Credential::Client);
        assert_eq!(refused(400, client).0, Credential::Client);
        assert!(refused(401, client).1.ends_with("check client id or client secret"));
        let account = r#"{"reason":"Bad Request","error":"invalid_grant"}"#;
        assert_eq!(refused(400, account).0, Credential::Account);
        let grant = r#"{"reason":"unsupported grant type","error":"unsupported_grant_type"}"#;
        assert_eq!(refused(400, grant).0, Credential::App);
        for code in [4717, 4735, 4738, 4741, 4705] {
            assert_eq!(refused(401, &format!("{{\"code\":{code}}}")).0, Credential::App, "{code}");
        }
        for code in [4702, 4704] {
            assert_eq!(refused(400, &format!("{{\"code\":{code}}}")).0, Credential::Client);
        }
        assert_eq!(refused(403, "<html>").0, Credential::Any);
    }

    #[test]
    fn trouble_on_the_way_is_asked_again() {
        for status in [408, 429, 500, 502, 503, 302] {
            let Err(error) = read(status, b"<html>") else { panic!("{status}: a token") };
            assert!(matches!(error, TokenError::Retry { .. }), "{status}");
        }
        for body in ["", "<html>sign in</html>", "{}", r#"{"access_token":""}"#] {
            assert!(matches!(read(200, body.as_bytes()), Err(TokenError::Retry { .. })), "{body}");
        }
    }

    #[test]
    fn no_error_quotes_a_token() {
        let Err(error) = read(200, br#"{"access_token":["S3CRET"]}"#) else { panic!("a token") };
        assert!(!format!("{error} {error:?}").contains("S3CRET"));
    }
}
