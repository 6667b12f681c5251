//! Whatever is harmed in the middle of a run, by real processes: the dataset equals the account,
//! the budget is kept, little is called again, and work goes on by itself.
//!
//! A file for each kind of harm; what they share is in `field`.

mod day;
mod field;
mod flush;
mod killed;
mod memory;
mod midnight;
mod postgres;
mod restart;
mod stalled;
mod tail;
mod way;
