//! A simulated Zoom account: deterministic, with limits, scopes, faults and ground truth.
//!
//! Everything it holds is a pure function of the specification, made when it is asked for, so
//! that an account of 100,000 users costs no more memory than one of 20. It knows what it holds
//! ([`Account::truth`]), what was asked of it ([`Account::stats`]) and what it has of each odd
//! thing ([`Account::census`]). Depends on none of our crates, so that it can disagree with the
//! client. Next: [`Account::handle`] (a call without sockets), [`Server`] (with them).

mod account;
mod answer;
mod census;
mod clock;
mod draw;
mod exchange;
mod faults;
mod ids;
mod limits;
mod operation;
mod records;
mod server;
mod spec;
mod stats;
#[cfg(test)]
mod tests;
mod time;
mod truth;
mod world;

pub use account::{Account, Credentials};
pub use census::Census;
pub use clock::{Clock, HandClock, SystemClock};
pub use exchange::{Answer, Call};
pub use faults::{Fault, FaultSpec};
pub use limits::{Category, LimitSpec, Shape};
pub use operation::SCOPES;
pub use records::SECRET_MARK;
pub use server::{Server, router, router_with_clock};
pub use spec::{Spec, SpecError, Tier};
pub use stats::{Counts, InVain, Stats};
pub use truth::TruthRow;
pub use world::Change;
