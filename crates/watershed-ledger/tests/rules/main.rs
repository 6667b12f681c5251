//! The rules of the ledger as scenarios: each name is a rule.

mod failures;
mod joins;
mod leases;
mod plans;
mod runs;
mod scenario;
mod settles;
