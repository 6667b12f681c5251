//! The crate from outside: files in, plans, children, pictures and diagnostics out.

mod common;
mod example;
mod graph;
mod inputs;
mod joins;
mod odd;
mod program;
mod properties;
mod schedules;
mod schema;
mod wrong;
