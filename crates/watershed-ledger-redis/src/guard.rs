//! What a process looks after while it works: that Redis deletes nothing that is open, and what
//! is told where it has no memory left.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use watershed_ledger::Error;

use crate::health;
use crate::link::Link;

/// How often it is looked at what Redis deletes when its memory is full.
const LOOK: Duration = Duration::from_secs(60);
/// The same while it would delete what is open.
const LOOK_WRONG: Duration = Duration::from_secs(1);
/// How often the same is told.
const TELL: Duration = Duration::from_secs(60);

/// What was found, and told.
#[derive(Default)]
pub(crate) struct Guard(Mutex<Found>);

#[derive(Default)]
struct Found {
    look_at: Option<Instant>,
    stops: bool,
    tell_policy_at: Option<Instant>,
    tell_full_at: Option<Instant>,
}

impl Guard {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing may be leased, since Redis may delete it. Asks from time to time.
    pub(crate) async fn stops(&self, link: &Link) -> Result<bool, Error> {
        {
            let found = self.found();
            if found.look_at.is_some_and(|at| Instant::now() < at) {
                return Ok(found.stops);
            }
        }
        let policy = match health::evicting(link).await {
            Ok(policy) => policy,
            Err(error) if error.waits() => return Err(error),
            // Nobody may ask.
            Err(_) => None,
        };
        let mut found = self.found();
        match &policy {
            Some(policy) if due(&mut found.tell_policy_at) => tracing::error!(
                place = link.place(),
                policy,
                "NOTHING IS LEASED: Redis would delete what is open when its memory is full; \
                 CONFIG SET maxmemory-policy noeviction"
            ),
            Some(_) => {}
            None if found.stops => {
                tracing::warn!("Redis deletes nothing any more: work goes on");
                found.tell_policy_at = None;
            }
            None => {}
        }
        found.stops = policy.is_some();
        found.look_at = Some(Instant::now() + if found.stops { LOOK_WRONG } else { LOOK });
        Ok(found.stops)
    }

    /// Looks again with the next exchange.
    pub(crate) fn look_soon(&self) {
        self.found().look_at = None;
    }

    /// Tells that there is no memory left.
    pub(crate) fn tell_full(&self, place: &str) {
        if due(&mut self.found().tell_full_at) {
            tracing::error!(
                place,
                "Redis has no memory left: nothing new is listed until it has (raise maxmemory)"
            );
        }
    }
}

/// Whether it is time to tell something again.
fn due(at: &mut Option<Instant>) -> bool {
    let now = Instant::now();
    if at.is_some_and(|at| now < at) {
        return false;
    }
    *at = Some(now + TELL);
    true
}
