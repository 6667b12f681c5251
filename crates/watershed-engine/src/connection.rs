//! One Zoom account as the engine sees it: credentials by reference, limits, consent.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use url::Url;
use watershed_model::{AccountId, ConnectionName, Limits, Millis};
use watershed_zoom::people::Agreed;
use watershed_zoom::redact::Rules;

/// What the customer agreed to. A ceiling that no workflow exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// Metadata only: no file is downloaded.
    Metadata,
    /// Recordings too.
    Recordings,
    /// Recordings and transcripts.
    Transcripts,
}

impl Content {
    /// The name in configuration and inputs.
    pub fn name(self) -> &'static str {
        match self {
            Content::Metadata => "metadata",
            Content::Recordings => "recordings",
            Content::Transcripts => "transcripts",
        }
    }
}

/// What a token is asked with.
#[derive(Clone)]
pub struct Credentials {
    /// Zoom's account id.
    pub account_id: AccountId,
    /// The app's client id.
    pub client_id: SecretString,
    /// The app's client secret.
    pub client_secret: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials(…)")
    }
}

/// Reads the references of a connection's credentials again.
pub type ReadCredentials = Arc<dyn Fn() -> Result<Credentials, String> + Send + Sync>;

/// An account's limits, reduced to the connection's share, which may hang on the time of the day.
#[derive(Clone)]
pub struct LimitsAt(Arc<dyn Fn(Millis) -> Limits + Send + Sync>);

impl LimitsAt {
    /// Limits that hang on the time.
    pub fn new(at: impl Fn(Millis) -> Limits + Send + Sync + 'static) -> LimitsAt {
        LimitsAt(Arc::new(at))
    }

    /// The limits at that time.
    pub fn at(&self, now: Millis) -> Limits {
        (self.0)(now)
    }
}

/// The same at any time.
impl From<Limits> for LimitsAt {
    fn from(limits: Limits) -> LimitsAt {
        LimitsAt::new(move |_| limits.clone())
    }
}

/// One Zoom account.
#[derive(Clone)]
pub struct Connection {
    /// Its name; also its lane's.
    pub name: ConnectionName,
    /// Whose budget it uses.
    pub account: AccountId,
    /// Asked at the start, and again when a credential is refused.
    pub credentials: ReadCredentials,
    /// The API's base, with `/v2`; `None`: as the token answer says.
    pub api_url: Option<Url>,
    /// The token endpoint.
    pub token_url: Url,
    /// The account's limits, reduced to the connection's share.
    pub limits: LimitsAt,
    /// What the customer agreed to.
    pub content: Content,
    /// Of the stored rows of a dataset, the part that may be missing in all lists at once.
    pub delete_ceiling: f64,
    /// Whom the customer agreed to, and what people who are left out are remembered by; `None`
    /// without `redact_key`: then nobody is left out.
    pub agreed: Option<Arc<Agreed>>,
    /// What is dropped or pseudonymised before anything is made of a record.
    pub redact: Rules,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.name)
    }
}
