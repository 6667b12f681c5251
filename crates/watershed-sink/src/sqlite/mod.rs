//! The embedded sink: one SQLite file.
//!
//! One thread owns the writing connection, another one a reading connection; every method
//! of the sink is a closure sent to one of them. WAL with `synchronous=FULL`: what is
//! acknowledged survives a power loss. Next: `opening` (how a file is made and recognised),
//! `layout` (its versions), `write` (the one transaction).

mod audit;
mod cell;
mod erase;
mod fault;
mod inbox;
mod layout;
mod map;
mod members;
mod opening;
mod read;
mod sink;
mod state;
mod stored;
mod table;
mod thread;
mod ticks;
mod write;

pub use sink::SqliteSink;

#[cfg(test)]
mod tests;
