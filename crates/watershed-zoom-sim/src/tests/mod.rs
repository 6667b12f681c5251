//! The account, asked through its handler.

mod asking;
mod client;
mod faults;
mod limits;
mod server;
mod truth;
mod world;
