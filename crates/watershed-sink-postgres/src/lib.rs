//! Datasets and coverage in PostgreSQL.
//!
//! The same promises as the embedded sink, for any number of machines: a batch is one
//! transaction, durable when it is acknowledged; rows and coverage are conditional on their
//! version; a repeat changes nothing. Never decides what to ask, and reads no clock.
//! Next: `place` (what a URL means), `opening` (what a server must be), `write` (the one
//! transaction), `rows` and `members` (what a batch does to what is stored), docs/adr/0014.

mod audit;
mod cells;
mod erase;
mod fault;
mod inbox;
mod layout;
mod map;
mod members;
mod opening;
mod place;
mod pool;
mod read;
mod rows;
mod sink;
mod state;
mod stored;
mod table;
mod text;
mod ticks;
mod tls;
mod value;
mod write;

pub use place::place_of;
pub use sink::PostgresSink;
