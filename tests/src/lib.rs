//! The ground that whole-program tests and benchmarks stand on: the real binary as a process,
//! a simulated account as another, and an auditor that compares the two.
//!
//! Imports nothing of ours, so that it can disagree with the program: the contract's names,
//! keys and secrets are written down here once more. The tests are in `tests/all`.

mod account;
mod audit;
mod child;
mod clock;
mod columns;
mod coverage;
mod fetch;
mod files;
mod home;
mod hostile;
mod moments;
mod phases;
mod program;
mod size;
mod told;
mod truth;

pub use account::{Account, HeldFile, Spec, Stats};
pub use audit::{Audit, Difference, Scope, audit};
pub use child::{Ended, Running};
pub use clock::clock_off;
pub use coverage::{Covered, Line, coverage};
pub use fetch::{get, put};
pub use files::files_differ;
pub use home::{Home, Settings};
pub use hostile::{Behaviour, Hostile, Kind, Lead, Leaves, behaviours};
pub use moments::{Moment, at};
pub use phases::{InFlight, Phase, TRACED};
pub use program::{program, root};
pub use size::{Size, seeds};
pub use told::told;
pub use truth::{SECRET_MARK, SECRET_MEMBERS, Truth, bare};
