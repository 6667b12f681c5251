//! The named cases: one rule each, readable one by one.

mod budget;
mod failures;
mod fences;
mod joins;
mod leases;
mod listings;
mod once;
mod order;
mod retries;
mod runs;
mod scenario;
mod suite;

pub use suite::{Case, cases, conformance};
