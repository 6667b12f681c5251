//! Webhooks, health and metrics over HTTP.
//!
//! Guarantees: a webhook is acknowledged only once the inbox has it durably; whoever is not known
//! learns nothing of what is configured here; no request holds anything for longer than some
//! seconds, nor more than a mebibyte. Never executes a run, and never reads a clock of its own.
//! [`serve`] runs by itself or beside others in one process. Next: `webhook` (from request to
//! answer), `keeper` (many events, one commit), `listen` (connections and their limits).

mod access;
mod body;
mod guard;
mod health;
mod keeper;
mod listen;
mod metrics;
mod routes;
mod state;
mod webhook;

pub use access::{Access, TOKEN_MIN};
pub use listen::serve;
pub use state::{Parts, Server};
