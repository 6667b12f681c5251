//! The simulated account as a connection of the engine.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use url::Url;
use watershed_engine::{Connection, Content, Credentials};
use watershed_model::{ConnectionName, Limits};
use watershed_zoom_sim::{Account, Call};

/// Where the account would answer, were there a network.
const BASE: &str = "https://zoom.simulated";

/// A connection to the account, as the engine sees it, with limits and consent.
pub fn connection(
    name: ConnectionName,
    account: &Account,
    limits: Limits,
    content: Content,
) -> Connection {
    account.serve_at(BASE);
    let at = |path: &str| Url::parse(&format!("{BASE}{path}")).expect("a constant");
    let known = account.credentials().clone();
    Connection {
        name,
        account: known.account_id.as_str().into(),
        credentials: Arc::new(move || {
            Ok(Credentials {
                account_id: known.account_id.as_str().into(),
                client_id: known.client_id.clone().into(),
                client_secret: known.client_secret.clone().into(),
            })
        }),
        api_url: Some(at("/v2")),
        token_url: at("/oauth/token"),
        limits: limits.into(),
        content,
        delete_ceiling: 0.05,
        agreed: None,
        redact: watershed_zoom::redact::Rules::default(),
    }
}

/// A token of the account, good for an hour from its present.
pub(crate) fn token(account: &Account) -> SecretString {
    let known = account.credentials();
    let pair = STANDARD.encode(format!("{}:{}", known.client_id, known.client_secret));
    let call = Call {
        method: "POST".to_owned(),
        target: "/oauth/token".to_owned(),
        headers: vec![
            ("authorization".to_owned(), format!("Basic {pair}")),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ],
        body: watershed_zoom::token::form(&known.account_id).into(),
    };
    let answer = account.handle(&call, account.spec().now);
    let token = watershed_zoom::token::read(answer.status, &answer.body);
    // Without one, calls are refused, and rows asked for again are not there.
    token.map_or_else(|_| SecretString::default(), |token| token.access_token.into())
}
