//! The stores, which may be away for a while: what is said to them waits, and changes nothing when
//! it is repeated.

use watershed_ledger::{Command, Reply, RunView};
use watershed_model::RunId;

use super::Dispatch;
use crate::error::Error;
use crate::stop::Stopping;

/// A store that does not answer is asked again after this: it is not long away, and once it is back
/// work may have to pause for two seconds.
const STORE_WAIT_MS: i64 = 250;
/// How often a wait for a store is told.
const TELL_MS: i64 = 60_000;

impl Dispatch {
    /// Says a command, waiting while the ledger does not answer: a repeat changes nothing.
    pub(super) async fn said(&mut self, command: Command) -> Result<Reply, Error> {
        loop {
            match self.ledger.execute(command.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(error) if error.waits() => self.wait_for("ledger", true, &error).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A run, waiting while the ledger does not answer.
    pub(super) async fn viewed(&mut self, run: &RunId) -> Result<Option<RunView>, Error> {
        loop {
            match self.ledger.run(run).await {
                Ok(view) => return Ok(view),
                Err(error) if error.waits() => self.wait_for("ledger", true, &error).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) async fn wait_for(
        &mut self,
        store: &str,
        waits: bool,
        error: &(dyn std::error::Error + Sync),
    ) -> Result<(), Error> {
        let clock = self.tools.clock.clone();
        let (left, harder) = match self.stop.state() {
            Stopping::No => (false, Stopping::Drain),
            Stopping::Drain => (clock.now() >= self.drain_until(), Stopping::Now),
            Stopping::Now => (true, Stopping::Now),
        };
        self.state.left = waits && left;
        if !waits || left {
            return Err(Error::Store(format!("{store}: {error}")));
        }
        if clock.now() >= self.state.tell_at {
            tracing::error!(store, %error, "waiting: what is in flight is kept");
            self.state.tell_at = clock.now() + TELL_MS;
        }
        tokio::select! {
            biased;
            () = clock.sleep_until(clock.now() + STORE_WAIT_MS) => {}
            () = self.stop.reached(harder) => {}
        }
        Ok(())
    }
}
