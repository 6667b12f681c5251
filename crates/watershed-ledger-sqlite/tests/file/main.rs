//! What the state file itself promises: how large it is, and that an older one goes on.

mod desk;
mod plans;
mod size;
mod versions;
mod walk;
