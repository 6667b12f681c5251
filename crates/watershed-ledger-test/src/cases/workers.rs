//! What is known of workers.

use super::scenario::{LEASE_MS, Scenario, done, task};
use super::suite::declare;
use crate::sketch::{From, Line};

declare! {
    workers_are_known_by_when_they_spoke_and_what_they_hold,
}

fn workers_are_known_by_when_they_spoke_and_what_they_hold(s: &mut Scenario) {
    s.run("run", vec![Line::new(From::Literals(2))], vec![task(0, "a"), task(0, "b")], vec![]);
    assert_eq!(s.workers(), []);
    let began = s.now;
    let held = s.lease("first", 1).remove(0);
    s.after(1_000);
    s.lease("second", 1);
    assert_eq!(s.workers(), [("second", began + 1_000, 1), ("first", began, 1)].map(known));
    s.after(500);
    s.close("first", &held, done());
    assert_eq!(s.workers(), [("first", began + 1_500, 0), ("second", began + 1_000, 1)].map(known));
    // What ran out is nobody's once somebody has asked.
    s.after(LEASE_MS);
    let now = s.now;
    s.exchange("first", &["zoom"], 0, Vec::new());
    assert_eq!(s.workers(), [("first", now, 0), ("second", began + 1_000, 0)].map(known));
}

fn known((worker, at, leases): (&str, watershed_model::Millis, u64)) -> (String, i64, u64) {
    (worker.to_owned(), at.0, leases)
}
