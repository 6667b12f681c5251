//! Dashboard, JSON API, webhooks, health and metrics over HTTP.
//!
//! Guarantees: a webhook is acknowledged only once the inbox has it durably; whoever is not known
//! learns nothing of what is configured here; nothing changes for a page of another server; no
//! request holds anything for longer than some seconds, nor more than a mebibyte. Never executes a
//! run, and never reads a clock of its own: what needs a plan comes through [`Control`].
//! [`serve`] runs by itself or beside others in one process. Next: `routes` (the table of what can
//! be asked, and by whom), `guard` (what stands before each), `page`, `api`, `webhook`.

mod access;
mod act;
mod api;
mod asset;
mod body;
mod chart;
mod control;
mod facts;
mod guard;
mod health;
mod history;
mod keeper;
mod lines;
mod listen;
mod live;
mod metrics;
mod page;
mod problem;
mod routes;
mod scrape;
mod sessions;
pub mod shape;
mod shield;
mod slow;
mod standing;
mod state;
mod webhook;

pub use access::{Access, Role, TOKEN_MIN, Token};
pub use control::{Control, Diagnosis, Doing, Finding, Kind, Refusal, Rows, Standing};
pub use listen::serve;
pub use metrics::WorkerMetrics;
pub use scrape::serve_metrics;
pub use state::{Parts, Say, Server};
