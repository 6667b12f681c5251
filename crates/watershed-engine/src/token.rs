//! One token per connection and process: asked for once at a time, renewed before its end.
//!
//! A refused credential's references are read again before it is called fatal; a fatal one
//! pauses the lane (see `dispatch`), it does not fail a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use url::Url;
use watershed_model::Millis;
use watershed_zoom::token::{self, TokenError};

use crate::clock::Clock;
use crate::connection::{Connection, Credentials};
use crate::echo;
use crate::transport::{Answered, Call, Transport};

/// Renewed this long before its end, so that no call starts with a dying token.
const RENEW_BEFORE_MS: i64 = 300_000;
/// Where the endpoint does not answer, the old one is sent until this long before its end.
const END_BEFORE_MS: i64 = 10_000;
/// A token refused this often in a row, each time a fresh one, is refused for good.
const REFUSALS_MAX: u32 = 5;
/// So long a token endpoint that does not answer well is asked again, before the callers hear
/// of it;
const ASK_MS: i64 = 30_000;
/// and for so long after that they hear it at once.
const FAILED_MS: i64 = 5_000;

/// A token that may be sent.
#[derive(Clone)]
pub(crate) struct Held {
    /// The token.
    pub(crate) bearer: SecretString,
    /// Counts the tokens of this process, to name the one that was refused.
    pub(crate) generation: u64,
    /// Scopes that came with it.
    pub(crate) scopes: Arc<[String]>,
    /// The API's base, with `/v2`.
    pub(crate) base: Url,
    renew_at: Millis,
    ends_at: Millis,
}

/// Why there is no token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NoToken {
    /// The credential is refused: an operator must act.
    #[error("connection {connection}: {why}")]
    Fatal {
        /// The connection.
        connection: String,
        /// Which credential, and what was said.
        why: String,
    },
    /// The endpoint does not answer: try again later.
    #[error("connection {connection}: no token: {why}")]
    Later {
        /// The connection.
        connection: String,
        /// What was said.
        why: String,
    },
}

/// The tokens of one connection.
pub(crate) struct Tokens {
    connection: Arc<Connection>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    /// Fresh tokens that the API refused since it last took one.
    refusals: AtomicU32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    generation: u64,
    /// The endpoint did not answer: until when that is told without asking, and why.
    failed: Option<(Millis, String)>,
}

impl Tokens {
    /// None held yet.
    pub(crate) fn new(
        connection: Arc<Connection>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Tokens {
            connection,
            transport,
            clock,
            refusals: AtomicU32::new(0),
            state: Mutex::new(State::default()),
        }
    }

    /// The token that holds, or a new one. Callers at the same time share one request.
    ///
    /// # Errors
    /// [`NoToken::Fatal`] where the credential is refused, [`NoToken::Later`] where the
    /// endpoint does not answer.
    pub(crate) async fn get(&self) -> Result<Held, NoToken> {
        let mut state = self.state.lock().await;
        if let Some(held) = &state.held
            && self.clock.now() < held.renew_at
        {
            return Ok(held.clone());
        }
        if self.refusals.load(Ordering::Relaxed) > REFUSALS_MAX {
            return Err(self.fatal("every fresh token is refused by the API"));
        }
        let now = self.clock.now();
        let why = match &state.failed {
            Some((until, why)) if now < *until => why.clone(),
            _ => match self.ask(state.generation + 1).await {
                Ok(held) => {
                    state.generation = held.generation;
                    state.held = Some(held.clone());
                    return Ok(held);
                }
                Err(NoToken::Later { why, .. }) => {
                    state.failed = Some((self.clock.now() + FAILED_MS, why.clone()));
                    why
                }
                Err(fatal) => return Err(fatal),
            },
        };
        // The one that was to be renewed is good for a while yet.
        if let Some(held) = &state.held
            && self.clock.now() < held.ends_at
        {
            return Ok(held.clone());
        }
        Err(NoToken::Later { connection: self.connection.name.to_string(), why })
    }

    /// The API refused the token of that generation: the next `get` asks for a new one.
    pub(crate) async fn refused(&self, generation: u64) {
        let mut state = self.state.lock().await;
        if state.held.as_ref().is_some_and(|h| h.generation == generation) {
            state.held = None;
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The API took the token: refusals before it were of passing tokens.
    pub(crate) fn accepted(&self) {
        self.refusals.store(0, Ordering::Relaxed);
    }

    fn fatal(&self, why: &str) -> NoToken {
        NoToken::Fatal { connection: self.connection.name.to_string(), why: why.to_owned() }
    }

    async fn ask(&self, generation: u64) -> Result<Held, NoToken> {
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(10))
            .without_max_times()
            .with_jitter_seed(self.clock.random())
            .build();
        let mut refused = false;
        let give_up_at = self.clock.now() + ASK_MS;
        loop {
            let credentials = (self.connection.credentials)().map_err(|why| self.fatal(&why))?;
            let asked_at = self.clock.now();
            let why = match self.ask_once(&credentials).await {
                Ok(token) => return self.held(token, generation, asked_at),
                Err(TokenError::Refused { reason, .. }) if refused => {
                    return Err(self.fatal(&reason));
                }
                // A secret may just have been rotated: read the references once more.
                Err(TokenError::Refused { .. }) => {
                    refused = true;
                    continue;
                }
                Err(TokenError::Retry { reason }) => reason,
            };
            let next = delays.next().filter(|_| self.clock.now() < give_up_at);
            let Some(delay) = next else {
                let connection = self.connection.name.to_string();
                return Err(NoToken::Later { connection, why });
            };
            let ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            self.clock.sleep_until(self.clock.now() + ms).await;
        }
    }

    async fn ask_once(&self, credentials: &Credentials) -> Result<token::Token, TokenError> {
        let id = credentials.client_id.expose_secret();
        let secret = credentials.client_secret.expose_secret();
        let call = Call::Token {
            url: self.connection.token_url.clone(),
            basic: (id.to_owned(), credentials.client_secret.clone()),
            form: token::form(credentials.account_id.as_str()),
        };
        match self.transport.send(call).await {
            Ok(Answered { status, body, .. }) => {
                let body = echo::without(status, body, &[secret, &echo::basic(id, secret)]);
                token::read(status, &body)
            }
            Err(error) => Err(TokenError::Retry { reason: error.to_string() }),
        }
    }

    fn held(
        &self,
        token: token::Token,
        generation: u64,
        asked_at: Millis,
    ) -> Result<Held, NoToken> {
        let life_ms = i64::try_from(token.expires_in_s).unwrap_or(3600).saturating_mul(1000);
        let base = self.base(token.api_url.as_deref())?;
        Ok(Held {
            bearer: SecretString::from(token.access_token),
            generation,
            scopes: token.scopes.into(),
            base,
            renew_at: asked_at + (life_ms - RENEW_BEFORE_MS).max(life_ms / 2),
            ends_at: asked_at + (life_ms - END_BEFORE_MS).max(life_ms / 2),
        })
    }

    /// Configuration first; else what the token answer names, where that host may have the
    /// token; else the global host.
    fn base(&self, told: Option<&str>) -> Result<Url, NoToken> {
        if let Some(url) = &self.connection.api_url {
            return Ok(url.clone());
        }
        let told = told
            .and_then(|t| Url::parse(t).ok())
            .filter(|url| watershed_zoom::hosts::may_carry_token(url, &[]));
        let base = match told {
            Some(url) => format!("{}/v2", url.as_str().trim_end_matches('/')),
            None => "https://api.zoom.us/v2".to_owned(),
        };
        Url::parse(&base).map_err(|e| self.fatal(&format!("the API's base {base}: {e}")))
    }
}
