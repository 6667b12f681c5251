//! The account, asked through its handler.

mod asking;
mod client;
mod faults;
mod limits;
mod truth;
mod world;
