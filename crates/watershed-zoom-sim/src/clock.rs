//! The clock of the server: the one place where the crate reads the time.
//!
//! Limits, tokens and page tokens live by it. What the account *holds* does not: that is a
//! function of the specification's `now`, and moves only by [`crate::Account::advance_to`].

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Tells the server the time.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands until it is moved: virtual time, and tests.
#[derive(Debug)]
pub struct HandClock(AtomicI64);

impl HandClock {
    /// A clock that stands at `at` (whole microseconds).
    pub fn new(at: Timestamp) -> HandClock {
        HandClock(AtomicI64::new(at.as_microsecond()))
    }

    /// Moves the clock, forwards or back.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.as_microsecond(), Ordering::SeqCst);
    }

    /// Moves the clock forwards.
    pub fn advance_ms(&self, by_ms: i64) {
        self.0.fetch_add(by_ms * 1_000, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst))
            .expect("it was set from a timestamp")
    }
}
