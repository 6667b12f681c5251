//! A Redis without memory: work waits, and nothing is lost or called again.

use std::time::Instant;

use super::field::{Harm, Struck};

#[test]
fn without_memory_in_redis_work_waits_and_goes_on() {
    let harm = Harm {
        name: "Redis without memory (`maxmemory`), then with memory again",
        runs: 3,
        strikes: [2, 5],
        redis: &["--maxmemory-policy", "noeviction"],
        by_proxy: false,
        lease: None,
        bound: "nothing; 3 s",
    };
    harm.campaign(|field, _| {
        let memory = |most: &str| field.redis.ask(&["CONFIG", "SET", "maxmemory", most]);
        memory("1").expect("it is set");
        let calls = field.fleet.until_still();
        field.expect_told("Redis has no memory left");
        memory("0").expect("it is set");
        let recovered = field.recovered(Instant::now(), calls);
        Struck { faults: 1, again_max: 0, recovered }
    });
}
