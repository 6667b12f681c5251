//! The ledger on Redis: the rules of `watershed_ledger::decide` in Lua, one script a command.
//!
//! `lua/` has the rules: the parts that begin with `_` are shared, the others are a verb each.
//! Here: what is said to them (`said`, `command`), what they answer (`read`, `answer`, `seen`),
//! where (`keys`, `link`, `known`), how Redis is set up and whether all is whole (`health`,
//! `guard`, `walk`), and the ledger itself. docs/redis.md describes records and keys.
//! Guarantee: each command is one atomic act of one account; a repeat changes nothing.

mod answer;
mod command;
mod fault;
mod forget;
mod guard;
mod health;
mod hints;
mod keys;
mod known;
mod ledger;
mod link;
mod piece;
mod read;
mod said;
mod scripts;
mod seen;
mod walk;

pub use health::{Finding, Health};
pub use ledger::RedisLedger;
pub use link::{Link, place_of};
