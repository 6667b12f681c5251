//! The named cases: one rule each, readable one by one.

mod budget;
mod days;
mod failures;
mod fences;
mod joins;
mod leases;
mod listings;
mod once;
mod order;
mod recalled;
mod retries;
mod runs;
mod scarce;
mod scenario;
mod suite;
mod workers;

pub use suite::{Case, cases, conformance};
