//! How a process is asked to stop: first to drain, then at once.

use tokio::sync::watch;

/// How far stopping has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stopping {
    /// Not asked to stop.
    No,
    /// No new calls; calls in flight settle, leases are given back.
    Drain,
    /// At once; what is in flight is left to its leases.
    Now,
}

/// Asks for a stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StopHandle(watch::Sender<Stopping>);

/// Hears of it.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Stopping>);

/// A handle and what hears it.
pub fn stop() -> (StopHandle, Stop) {
    let (sender, receiver) = watch::channel(Stopping::No);
    (StopHandle(sender), Stop(receiver))
}

impl StopHandle {
    /// Asks once more: the first time to drain, the second time at once.
    pub fn ask(&self) {
        self.0.send_modify(|s| {
            *s = if *s == Stopping::No { Stopping::Drain } else { Stopping::Now };
        });
    }

    /// Asks to drain, if nothing was asked yet.
    pub fn drain(&self) {
        self.0.send_modify(|s| *s = (*s).max(Stopping::Drain));
    }
}

impl Stop {
    /// How far it has gone.
    pub fn state(&self) -> Stopping {
        *self.0.borrow()
    }

    /// Ends when stopping has gone at least as far as `at_least`. Never ends when every
    /// handle is gone before that.
    pub async fn reached(&self, at_least: Stopping) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|s| *s >= at_least).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
