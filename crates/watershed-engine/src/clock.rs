//! The one place where the engine reads time or draws a random number.
//!
//! Everything else takes instants as arguments or asks the [`Clock`] it was given, so that
//! virtual time can stand in for the system's.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use watershed_model::Millis;

/// Time and chance.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Millis;

    /// Ends at `at`, at once where it has passed.
    fn sleep_until(&self, at: Millis) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// 64 random bits.
    fn random(&self) -> u64;
}

/// The system's clock and random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        Timestamp::now().into()
    }

    fn sleep_until(&self, at: Millis) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let ms = u64::try_from(at - self.now()).unwrap_or(0);
        Box::pin(tokio::time::sleep(Duration::from_millis(ms)))
    }

    fn random(&self) -> u64 {
        rand::random()
    }
}
