//! Webhooks: whether Zoom really sent it, and what it tells. No clock, no I/O.
//!
//! [`Desk`] knows a connection's secret and account, and turns what came into a [`Received`] or a
//! [`Refusal`]. Guarantees: nothing of a body is looked at before its signature is right; nothing
//! is signed for whoever has not signed himself; no secret member leaves [`Desk::receive`].
//! [`EVENTS`] is what is known of each event; others are taken all the same. Next: the inbox of
//! the sink, which keeps each event once by its key.

mod body;
mod catalogue;
mod challenge;
mod desk;
mod event;
mod item;
mod sample;
mod signature;

pub use catalogue::{CHALLENGE, EVENTS, EventRow, Object, event_row};
pub use desk::{Desk, Heads, Received, Refusal};
pub use event::{About, Event};
pub use item::items;
pub use sample::sample;
pub use signature::{AGE_MAX_MS, AHEAD_MAX_MS, Signer};
