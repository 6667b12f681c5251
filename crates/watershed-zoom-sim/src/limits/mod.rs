//! Limits: how many calls an account may make, by category, second and day.
//!
//! Guarantee: decides from the instants it is given, reads no clock. A call that is turned away
//! uses up nothing. What shape Zoom's second has is not published, so there are three.

mod limiter;
mod spec;

pub(crate) use limiter::{Admission, Limiter, Window};
pub use spec::{Category, LimitSpec, Shape};
