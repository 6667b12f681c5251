//! The engine in virtual time, with everything going wrong around it: processes that die, stand
//! still and lose answers, a ledger that forgets, an account with faults of its own.
//!
//! Each history follows from its seed; after each an auditor compares dataset, coverage, calls
//! and ledger with what must be. A failure prints the seed and the shortest history that fails
//! as well. `WATERSHED_SIMULATE=memory:N` (or `sqlite:N`) plays one history alone, and tells each
//! of its acts; `memory:A..B` plays those of a range.

mod auditor;
#[path = "../plants/batches.rs"]
mod batches;
mod calm;
mod campaign;
mod crashes;
mod files;
mod ground;
mod history;
mod hours;
mod living;
mod planted;
mod plants;
mod play;
mod process;
mod schedules;
mod stores;
