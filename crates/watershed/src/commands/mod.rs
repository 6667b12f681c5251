//! A file for each command: what it does, in at most 200 lines.

mod audit;
mod cancel;
mod completions;
mod copy;
mod coverage;
mod coverage_report;
mod demo;
mod doctor;
mod erase;
mod estimate;
mod failures;
mod graph;
mod man;
mod pause;
mod rehearse;
mod resume;
mod retry;
mod run;
mod runs;
mod schedule;
mod schedule_list;
mod schema;
mod serve;
mod simulate;
mod status;
mod submit;
mod up;
mod validate;
mod watch;
mod webhook;
mod worker;

mod dispatch;

pub(crate) use cancel::cancelled;
pub(crate) use dispatch::dispatch;
pub(crate) use pause::paused;
pub(crate) use resume::{lifted, over, restored};
pub(crate) use schedule_list::told;
