//! The sink as its callers see it.

mod file;
mod members;
mod rows;
mod scenario;
mod state;
