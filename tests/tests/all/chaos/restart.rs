//! Workers that are restarted one after another, as an update does.

use super::field::{Harm, Struck, WORKERS};
use crate::fleet::drained;

#[test]
fn a_rolling_restart_of_all_workers_repeats_no_call() {
    let harm = Harm {
        name: "all workers restarted one after another by SIGTERM",
        runs: 4,
        strikes: [2, 6],
        redis: &[],
        by_proxy: false,
        lease: None,
        bound: "nothing",
    };
    harm.campaign(|field, _| {
        for _ in 0..WORKERS {
            drained(field.take_worker());
            field.fleet.start();
        }
        Struck { faults: WORKERS as u64, again_max: 0, recovered: None }
    });
}
