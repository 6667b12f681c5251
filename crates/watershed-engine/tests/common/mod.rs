//! What these tests begin with: a connection.

use std::sync::Arc;

use url::Url;
use watershed_engine::{Connection, Content, Credentials};
use watershed_model::Limits;

/// A connection without limits.
pub(crate) fn connection(api_url: Option<&str>, token_url: &str) -> Connection {
    let url = |text: &str| -> Url { text.parse().expect("a URL") };
    Connection {
        name: "acme".into(),
        account: "account".into(),
        credentials: Arc::new(|| {
            Ok(Credentials {
                account_id: "account".into(),
                client_id: "id".to_owned().into(),
                client_secret: "secret".to_owned().into(),
            })
        }),
        api_url: api_url.map(url),
        token_url: url(token_url),
        limits: Limits(Vec::new()).into(),
        content: Content::Transcripts,
        delete_ceiling: 0.05,
        agreed: None,
        redact: watershed_zoom::redact::Rules::default(),
    }
}
