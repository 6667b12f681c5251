//! The real engine against a simulated account in virtual time: days of backfill in seconds.
//!
//! One process, one thread, no sockets: [`Network`] hands calls to the account, [`VirtualClock`]
//! jumps to the next timer when nothing else can go on, every random choice comes from a seed.
//! Guarantee: the same seed gives the same order of acts. Nothing of the engine is written anew
//! here; what is simulated is the world around it.

mod account;
mod again;
mod course;
mod coverage;
mod dataset;
mod diary;
mod draws;
mod error;
mod network;
mod population;
mod rehearse;
mod report;
mod time;

pub use account::connection;
pub use draws::Draws;
pub use error::Error;
pub use network::Network;
pub use population::as_busy;
pub use rehearse::{Rehearsed, rehearse};
pub use report::{BoundTime, Compared, DatasetTime, DayCalls, Idle, MonthTime, Rehearsal};
pub use time::{VirtualClock, in_virtual_time};
