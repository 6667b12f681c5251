//! A worker that stands still for longer than its leases, and goes on as if nothing had been.

use std::time::Duration;

use rustix::process::Signal;

use super::field::{Harm, Struck};
use crate::fleet::CONCURRENCY;

/// A short lease, and longer than that.
const LEASE: &str = "2s";
const STANDS: Duration = Duration::from_millis(2_600);

#[test]
fn a_worker_that_stood_still_past_its_leases_changes_nothing() {
    let harm = Harm {
        name: "workers stopped for longer than their leases (SIGSTOP, SIGCONT)",
        runs: 4,
        strikes: [2, 5],
        redis: &[],
        by_proxy: false,
        lease: Some(LEASE),
        bound: "what was in flight",
    };
    harm.campaign(|field, number| {
        let workers = &mut field.fleet.workers;
        let at = number % workers.len();
        workers[at].signal(Signal::STOP);
        // The length of its sleep is the harm.
        std::thread::sleep(STANDS);
        workers[at].signal(Signal::CONT);
        Struck { faults: 1, again_max: 2 * u64::from(CONCURRENCY), recovered: None }
    });
}
