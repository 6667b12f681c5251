//! An event as it lies in the inbox.

use serde_json::Value;

use crate::{ConnectionName, EventKey, Millis};

/// What a webhook brought, durable before it is acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxEvent {
    /// The connection that it came for.
    pub connection: ConnectionName,
    /// What the same event has however often it is sent.
    pub key: EventKey,
    /// Its name, such as `meeting.ended`.
    pub event: String,
    /// When it happened, as its sender says.
    pub event_at: Option<Millis>,
    /// When it came first.
    pub received_at: Millis,
    /// What was sent, less secrets.
    pub body: Value,
}
