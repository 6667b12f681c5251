//! What is known of the Zoom API: catalogue, requests, answers, limits. No I/O, no clock.
//!
//! [`catalogue`] holds one constant row for each operation; [`request`] turns a row and a
//! step's parameters into what is asked; [`read`] turns an answer into a verdict. Guarantee:
//! no answer makes them panic, no secret member leaves [`read`], and the same answer always
//! gives the same keys. The callers are the workflow compiler (rows of the catalogue) and the
//! engine (everything else); the sink makes its tables from the datasets.

mod answer;
mod catalogue;
mod pseudonym;
mod request;
mod secrets;

pub mod files;
pub mod freshness;
pub mod gone;
pub mod hosts;
pub mod keys;
pub mod limits;
pub mod people;
pub mod redact;
pub mod scopes;
pub mod token;
pub mod unseen;
pub mod uuid;
pub mod vtt;
pub mod webhook;

pub use answer::{Answer, ended, heard, item, items, not_before, read, read_after, unfit};
pub use catalogue::catalogue;
pub use request::{Request, RequestError, request};
pub use secrets::{SECRET_MEMBERS, strip_secrets};
