//! A clock that is moved on.

use std::sync::atomic::{AtomicI64, Ordering};

use watershed_engine::{Clock, SystemClock};
use watershed_model::Millis;

/// The system's time, and so much more.
#[derive(Default)]
pub(crate) struct LaterClock(AtomicI64);

impl LaterClock {
    /// Lets so much time pass.
    pub(crate) fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for LaterClock {
    fn now(&self) -> Millis {
        SystemClock.now() + self.0.load(Ordering::SeqCst)
    }

    fn sleep_until(
        &self,
        at: Millis,
    ) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        SystemClock.sleep_until(at + -self.0.load(Ordering::SeqCst))
    }

    fn random(&self) -> u64 {
        SystemClock.random()
    }
}
