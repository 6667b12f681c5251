//! What came, step by step: signature, age, form, account.

use std::sync::Arc;

use serde_json::Value;
use watershed_model::{AccountId, Millis};

use super::catalogue::CHALLENGE;
use super::challenge::reply;
use super::event::Event;
use super::signature::{Signer, fresh, instant};
use crate::people::Agreed;

/// Where a connection's webhooks come in.
#[derive(Clone)]
pub struct Desk {
    /// The secret that they are signed with.
    pub signer: Signer,
    /// The account that they must be of.
    pub account: AccountId,
    /// Whether the connection redacts anything: then less of each body is kept.
    pub redacted: bool,
    /// What people who were erased are known by, where they can be.
    pub agreed: Option<Arc<Agreed>>,
}

/// The headers that matter.
#[derive(Debug, Clone, Copy)]
pub struct Heads<'a> {
    /// `x-zm-request-timestamp`.
    pub timestamp: &'a str,
    /// `x-zm-signature`.
    pub signature: &'a str,
}

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// A challenge, with what is answered.
    Challenge(Value),
    /// An event: to be durable before it is acknowledged.
    Event(Box<Event>),
}

/// Why it is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// Not signed, or not with this secret, or something else than this was signed.
    #[error("its signature is not right")]
    Signature,
    /// Signed too long ago, or in the future.
    #[error("it was signed at another time")]
    Age,
    /// Rightly signed, and no event.
    #[error("it is no event")]
    Form,
    /// Of another account.
    #[error("it is of another account")]
    Account,
}

impl Refusal {
    /// Every one.
    pub const ALL: [Refusal; 4] =
        [Refusal::Signature, Refusal::Age, Refusal::Form, Refusal::Account];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Signature => "signature",
            Refusal::Age => "age",
            Refusal::Form => "form",
            Refusal::Account => "account",
        }
    }
}

impl Desk {
    /// Takes what came, as it came: a body that was read and written anew has another signature.
    ///
    /// # Errors
    /// The first thing that is wrong. Nothing of the body was looked at before its signature was
    /// right.
    pub fn receive(&self, heads: Heads<'_>, body: &[u8], now: Millis) -> Result<Received, Refusal> {
        if !self.signer.verify(heads.timestamp, body, heads.signature) {
            return Err(Refusal::Signature);
        }
        let signed_at = instant(heads.timestamp).ok_or(Refusal::Age)?;
        if !fresh(signed_at, now) {
            return Err(Refusal::Age);
        }
        let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::Form)?;
        if body.get("event").and_then(Value::as_str) == Some(CHALLENGE) {
            return reply(&self.signer, &body).map(Received::Challenge).ok_or(Refusal::Form);
        }
        let event = Event::read(body, self.redacted).ok_or(Refusal::Form)?;
        if event.account.as_deref() != Some(self.account.as_str()) {
            return Err(Refusal::Account);
        }
        Ok(Received::Event(Box::new(event)))
    }
}

#[cfg(test)]
mod tests;
