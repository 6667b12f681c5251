//! Workflow files: compiled to plans, diagnosed, drawn; records expanded into items.
//!
//! [`compile`] checks everything that can be wrong before anything runs; a [`Program`] is a
//! plan ready to be evaluated. Pure: reads no clock, no file, no environment; the same text
//! gives the same plan, the same record the same children.
//! Next: `watershed-ledger` (what becomes of the children).

mod code;
mod compile;
mod diagnostic;
mod expr;
mod graph;
mod inputs;
mod read;
mod run;
mod schedule;
mod schema;
mod shape;
mod source;
mod spec;
mod suggest;
mod template;
mod yaml;

pub use code::CODES;
pub use compile::{Compiled, compile};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use graph::{GraphFormat, graph, live_graph};
pub use inputs::{InputError, LOOKBACK_DAYS, Today, resolve_inputs};
pub use run::{ExpandError, Expanded, Parameters, Program, ProgramError, RunContext, Seeds, Skip};
pub use schedule::{Due, Fate, GRACE_MS, Missed, Overlap, Schedule, due, zone};
pub use schema::schema;
pub use source::SourceFile;
