//! Expressions: read with their positions, checked against types, later evaluated by `cel`.
//!
//! The `cel` crate has no type checker and its parser gives no positions that hold behind
//! multi-byte text, so the compiler reads expressions itself: a subset of CEL without maps,
//! messages and bytes. Whatever [`parse`] accepts, `cel` reads as the same tree.
//!
//! **Bounded time.** An expression has at most 4 KiB, 500 nodes, 32 levels and macros
//! nested at most twice; every list is a literal of the file, a field of one record (bounded
//! by the page it came in) or another macro's result; there is no I/O and no recursion.
//! So an evaluation costs at most nodes × (longest list)², and in practice microseconds.

#[cfg(test)]
mod agreement;
mod ast;
mod check;
mod lex;
mod parse;
mod scope;
mod types;
mod uses;

pub(crate) use ast::{Ast, Node};
pub(crate) use check::{Finding, check};
pub(crate) use lex::tidy;
pub(crate) use parse::parse;
pub(crate) use scope::Scope;
pub(crate) use types::{Ty, item_type, record_type};
pub(crate) use uses::{Use, uses};
