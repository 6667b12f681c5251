//! Conformance suite for every sink: the promises of `watershed_sink::Sink`, case by case.
//!
//! A sink's tests say how to make a [`Place`], and [`suite!`] makes a test of each case. What
//! an engine promises beyond that (a file, a server) stays in its own tests. A change of what
//! a sink promises begins with a case here.

mod place;
mod scenario;
mod suite;

pub mod audit;
pub mod copies;
pub mod erasure;
pub mod inbox;
pub mod life;
pub mod map;
pub mod members;
pub mod rows;
pub mod state;
pub mod ticks;

pub use place::{Later, Place};
pub use scenario::{
    CATALOGUE, LATER, PEOPLE, PEOPLE_LATER, PETS, UNKNOWN, batch, coverage, fetched, instant, key,
    letter, listing, open, page, people, person, run_row, subject, whole, write,
};
pub use suite::play;
