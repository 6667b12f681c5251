//! The sink as its callers see it.

mod file;
mod rows;
mod scenario;
mod state;
