//! The one place where the engine reads time or draws a random number.
//!
//! Everything else takes instants as arguments or asks the [`Clock`] it was given, so that
//! virtual time can stand in for the system's.

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use watershed_model::Millis;

/// Time and chance.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Millis;

    /// Milliseconds of a clock that nobody sets, from some time on: two of them tell how much time
    /// has passed between. Where there is no such clock, [`Clock::now`].
    fn steady(&self) -> Millis {
        self.now()
    }

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

    fn steady(&self) -> Millis {
        static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
        Millis(i64::try_from(BEGUN.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at: Millis) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let ms = u64::try_from(at - self.now()).unwrap_or(0);
        Box::pin(tokio::time::sleep(Duration::from_millis(ms)))
    }

    fn random(&self) -> u64 {
        rand::random()
    }
}
