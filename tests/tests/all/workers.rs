//! Several workers, one ledger on Redis: one dataset, one budget. What they bear is in `chaos`.

use watershed_test_servers::RedisServer;
use watershed_tests::{Scope, Size, Spec, seeds};

use crate::fleet::Fleet;
use crate::ground::{account, measured};

#[test]
fn workers_share_one_run_and_its_budget() {
    let size = Size::asked();
    let redis = RedisServer::start(&[]);
    let (mut rows, mut spent) = (0, 0);
    let many: &[usize] = size.of(&[2], &[1, 2, 4, 8]);
    for (seed, many) in seeds(many.len() as u64).into_iter().zip(many) {
        redis.ask(&["FLUSHALL"]).expect("it is empty");
        let limits = Some("shape=fixed".to_owned());
        let spec =
            Spec { users: size.of(12, 60), seed, tier: "business", limits, ..Spec::default() };
        let mut fleet = Fleet::new(account(spec), None, &redis.url());
        fleet.begin(*many, "zoom-backfill");
        fleet.until_complete();
        fleet.drain();
        rows += fleet.equal(&Scope::backfill());
        let stats = fleet.stats();
        assert_eq!(stats.in_vain(), 0, "{many} workers, seed {seed}: {:#}", stats.0);
        spent += stats.calls();
    }
    measured(
        "workers on one Redis",
        &format!("{many:?} workers"),
        &format!("{rows} rows, 0 differ; 0 of {spent} calls in vain"),
        "0; 0",
    );
}
