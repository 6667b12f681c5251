//! Answers: from a call to what Zoom would say, step by step.
//!
//! Order of judgement: token, limit, faults, scope, plan, then the operation itself.

mod download;
mod fault;
mod handle;
mod listing;
mod operations;
mod past;
mod recordings;
mod refusal;
mod route;
mod token;

pub(crate) use handle::handle;
pub(crate) use token::Tokens;
