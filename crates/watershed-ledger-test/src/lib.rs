//! What every ledger must do, told three times: by named cases, by an oracle, by histories.
//!
//! A ledger is put under test as a [`Subject`]. [`cases`] are short and readable, one rule
//! each; [`history`] draws long random ones from a seed, and [`check`] plays one against the
//! subject beside an oracle that walks a whole tree for every question. A [`Divergence`]
//! tells the seed and the shortest history that still shows it ([`shorten`]). Imports types of
//! `watershed-ledger`, never its rules.

mod cases;
mod check;
mod dice;
mod divergence;
mod draw;
mod history;
mod oracle;
mod plain;
mod play;
mod shorten;
mod sketch;
mod subject;
mod tell;
mod told;
mod workers;
mod world;

pub use cases::{Case, cases, conformance};
pub use check::{Stats, check, play};
pub use divergence::Divergence;
pub use history::{History, Size, history};
pub use plain::{plain_plan, plain_step};
pub use shorten::shorten;
pub use subject::{COOL_MS, Capability, Make, Subject};
pub use told::told;
