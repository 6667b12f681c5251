//! A Redis Cluster: the slots that a run uses are moved from server to server while it is worked
//! on. No worker notices more than that it has to ask again.

use std::cell::Cell;
use std::time::{Duration, Instant};

use watershed_test_servers::RedisCluster;
use watershed_tests::{Scope, Size, Spec, seeds};

use crate::fleet::Fleet;
use crate::ground::{account, measured};

/// Workers of the run.
const WORKERS: usize = 2;
/// So many calls lie between a move and the next.
const BETWEEN: u64 = 30;
/// Somebody asks within this, unless nobody has anything to ask.
const ASKED_MAX: Duration = Duration::from_secs(3);

#[test]
fn a_run_goes_on_while_its_slots_are_moved() {
    let size = Size::asked();
    let cluster = RedisCluster::start();
    let seed = seeds(1)[0];
    let limits = Some("shape=fixed".to_owned());
    let spec = Spec { users: size.of(12, 80), seed, tier: "business", limits, ..Spec::default() };
    let mut fleet = Fleet::new(account(spec), None, &cluster.url());
    fleet.begin(WORKERS, "zoom-backfill");
    let records = format!("ws:{{{}}}:records", fleet.account.ready("account_id"));
    let (records, registry) = (cluster.slot(&records), cluster.slot("ws:{ws}:runs"));

    let (mut moves, parted) = (0, Cell::new(0));
    while fleet.until_calls(fleet.calls() + BETWEEN) {
        cluster.move_slot(records, || {
            // Half of it here, half of it there, until a worker has met that.
            let (before, begun) = (cluster.answered("TRYAGAIN"), Instant::now());
            let met = || cluster.answered("TRYAGAIN") > before;
            fleet.until("a worker that asks", || met() || begun.elapsed() > ASKED_MAX);
            parted.set(parted.get() + u64::from(met()));
        });
        cluster.move_slot(registry, || {
            fleet.home.run(&["runs"]).expect(0);
        });
        moves += 2;
    }
    fleet.until_complete();
    fleet.drain();
    let rows = fleet.equal(&Scope::backfill());
    let stats = fleet.stats();
    assert_eq!(stats.in_vain(), 0, "{:#}", stats.0);
    assert_eq!(stats.refused_for_rate(), 0, "{:#}", stats.0);
    assert!(moves >= 3 && parted.get() > 0, "{moves} moves, {} of them met", parted.get());
    measured(
        "slots of a Redis Cluster moved during a run",
        &format!("3 servers, {WORKERS} workers, {moves} moves"),
        &format!(
            "{rows} rows, 0 differ; 0 of {} calls in vain; {} moves met half-way",
            stats.calls(),
            parted.get()
        ),
        "0; 0",
    );
}
