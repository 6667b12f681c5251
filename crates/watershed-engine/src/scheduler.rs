//! Turning due ticks into runs.
//!
//! Any number of schedulers may do so: what becomes of a tick is one row that whoever comes first
//! writes, in one transaction with the run that it starts. A crash before it has decided nothing;
//! a crash after it has left a run that any worker, or the next look, puts into the ledger.
//! Ticks of one schedule are decided in their order, so that none is passed over.

mod pass;

use std::collections::BTreeMap;
use std::sync::Arc;

use watershed_model::{ConnectionName, Millis, Plan, PlanHash, RunId, Skipped};
use watershed_workflow::Schedule;

use crate::engine::Engine;
use crate::error::Error;
use crate::stop::{Stop, Stopping};

/// 1 min: a clock that is set, and runs that end, are noticed within it.
const LOOK_MS: i64 = 60_000;
/// 5 s: what is queued starts so soon after the run before it has ended.
const QUEUE_MS: i64 = 5_000;
/// 30 s: a connection that is refused, or a store that does not answer, is tried again after it.
const AGAIN_MS: i64 = 30_000;

/// A workflow that starts by itself, for one connection.
pub struct Scheduled {
    /// The connection.
    pub connection: ConnectionName,
    /// The workflow file's text.
    pub source: Arc<str>,
    /// What it compiles to.
    pub plan: Arc<Plan>,
    /// Its hash.
    pub hash: PlanHash,
    /// When it is due.
    pub schedules: Arc<[Schedule]>,
    /// How far the connection looks back.
    pub lookback_days: u16,
}

/// What a scheduler did.
#[derive(Debug)]
pub enum Acted {
    /// A tick started a run.
    Started(RunId),
    /// Ticks start none: so many, the last of which was due then.
    Skipped(u64, Millis, Skipped),
    /// A tick waits for the runs before it.
    Queued(Millis),
    /// A run was cancelled in favour of a later tick.
    Cancelled(RunId),
    /// Nothing can be decided now, and it is tried again.
    Failed(Error),
}

impl Engine {
    /// Turns due ticks of all of these into runs until a stop is asked for. What it did is told.
    pub async fn schedule(
        &self,
        all: &[Scheduled],
        stop: Stop,
        mut told: impl FnMut(&Scheduled, Acted) + Send,
    ) {
        // A trouble that goes on is told once.
        let mut troubles: BTreeMap<usize, String> = BTreeMap::new();
        loop {
            let mut look_at = self.clock.now() + LOOK_MS;
            for (place, of) in all.iter().enumerate() {
                let mut tell = |acted| told(of, acted);
                let look = tokio::select! {
                    biased;
                    // What was begun is gone on with by the next one, wherever it was.
                    () = stop.reached(Stopping::Drain) => return,
                    look = self.look(of, &mut tell) => look,
                };
                match look {
                    Ok(next) => {
                        troubles.remove(&place);
                        look_at = look_at.min(next);
                    }
                    Err(error) => {
                        look_at = look_at.min(self.clock.now() + AGAIN_MS);
                        let trouble = error.to_string();
                        if troubles.insert(place, trouble.clone()) != Some(trouble) {
                            told(of, Acted::Failed(error));
                        }
                    }
                }
            }
            tokio::select! {
                biased;
                () = stop.reached(Stopping::Drain) => return,
                () = self.clock.sleep_until(look_at) => {}
            }
        }
    }
}
