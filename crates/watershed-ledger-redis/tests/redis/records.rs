//! What is kept, and for how long; and that a walk finds what is not as it should be.

use watershed_ledger::{Command, Error, Exchange, Exchanged, Want};
use watershed_ledger_test::Subject;
use watershed_model::{Limits, Millis, RunId, WorkerId};

use crate::losses::{NOW, exchange_by, submit};
use crate::on_redis::OnRedis;

/// A worker that holds nothing is forgotten after this.
const FORGOTTEN_MS: i64 = 30 * 86_400_000;

fn fields(on: &OnRedis, kind: u8) -> Vec<Vec<u8>> {
    let all: Vec<Vec<u8>> = on.ask(redis::cmd("HKEYS").arg(on.records("acme")));
    all.into_iter().filter(|field| field.starts_with(&[kind])).collect()
}

#[test]
fn workers_that_are_gone_are_forgotten_once_what_they_held_is_taken_back() {
    let mut on = OnRedis::empty();
    on.execute(submit("run", "zoom", "acme", 200), NOW).expect("it begins");
    let come = |on: &mut OnRedis, from: u32, now: Millis| {
        for n in from..from + 20 {
            exchange_by(on, &format!("worker{n}"), 1, Exchanged::default(), now);
        }
    };
    come(&mut on, 0, NOW);
    assert_eq!(fields(&on, b'w').len(), 20);
    // Each of them held four tasks: first those are taken back.
    let later = NOW + FORGOTTEN_MS + 1;
    come(&mut on, 100, later);
    come(&mut on, 200, later + 30_000);
    let left = fields(&on, b'w');
    assert!(left.len() <= 40 && left.iter().all(|w| w.len() == "wworker100".len()), "{left:?}");
    assert_eq!(on.wrong(), [""; 0]);
}

#[test]
fn a_worker_is_not_forgotten_while_it_works() {
    let mut on = OnRedis::empty();
    on.execute(submit("run", "zoom", "acme", 200), NOW).expect("it begins");
    let first = exchange_by(&mut on, "old", 1, Exchanged::default(), NOW);
    let again = exchange_by(&mut on, "old", 2, first.clone(), NOW + 1_000);
    for n in 0..20_i64 {
        exchange_by(&mut on, &format!("w{n}"), 1, Exchanged::default(), NOW + 2_000 + n);
    }
    let repeat = exchange_by(&mut on, "old", 2, first, NOW + 3_000);
    assert_eq!((repeat.settled, repeat.leased), (again.settled, again.leased));
}

#[test]
fn a_walk_finds_what_is_not_counted() {
    let mut on = OnRedis::empty();
    on.execute(submit("run", "zoom", "acme", 10), NOW).expect("it begins");
    assert_eq!(on.wrong(), [""; 0]);
    for kind in *b"kscr" {
        let whole = on.snapshot();
        let field = fields(&on, kind).pop().expect("there is one");
        let gone: u32 = on.ask(redis::cmd("HDEL").arg(on.records("acme")).arg(field));
        assert_eq!(gone, 1);
        assert_ne!(on.wrong(), [""; 0], "{} is missing", char::from(kind));
        on.go_back(whole.as_ref());
    }
    let orders = on.records("acme").replace("records", "orders");
    let _: u32 = on.ask(redis::cmd("ZREMRANGEBYRANK").arg(orders).arg(0).arg(0));
    assert_ne!(on.wrong(), [""; 0], "nobody would ever lease it");
}

/// Gives the records of `acme` another version.
const OTHER_VERSION: &str = "local meta = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'm'))
    meta.version = meta.version + ARGV[1]
    redis.call('HSET', KEYS[1], 'm', cmsgpack.pack(meta))
    return meta.version";

#[test]
fn records_of_another_version_are_refused_by_every_command_and_stay_as_they_are() {
    for off in [1, -1] {
        let mut on = OnRedis::empty();
        on.execute(submit("run", "zoom", "acme", 10), NOW).expect("it begins");
        let leased = exchange_by(&mut on, "w", 1, Exchanged::default(), NOW);
        let records = on.records("acme");
        let mut other = redis::cmd("EVAL");
        let found: u32 = on.ask(other.arg(OTHER_VERSION).arg(1).arg(&records).arg(off));
        let before = on.snapshot();
        let run = || RunId::from("run");
        let want = Want {
            lanes: vec!["zoom".into()],
            tasks: 4,
            lease_ms: 15_000,
            horizon_ms: 400,
            lead_ms: 0,
        };
        let (worker, sequence) = (WorkerId::from("w"), 2);
        let settles = Vec::new();
        let commands = [
            Command::SetLimits {
                account: "acme".into(),
                limits: Limits::default(),
                days: Vec::new(),
                recount: None,
            },
            submit("another", "zoom", "acme", 1),
            Command::Exchange(Exchange {
                worker: worker.clone(),
                sequence,
                random: 2,
                settles,
                held: None,
                want,
            }),
            Command::Extend {
                worker: worker.clone(),
                leases: vec![leased.leased[0].fence.lease],
                lease_ms: 15_000,
            },
            Command::Takeover { worker },
            Command::Pause(run()),
            Command::Retry { run: run(), letters: Vec::new() },
        ];
        for command in commands {
            let said = on.execute(command.clone(), NOW);
            let named = matches!(&said, Err(Error::Version { found: f, .. }) if *f == found);
            assert!(named, "{command:?}: {said:?}");
        }
        let looks = [on.view(&run()).map(drop), on.runs().map(drop)];
        for said in looks {
            assert!(matches!(said, Err(Error::Version { .. })), "{said:?}");
        }
        let [before, after] = [before, on.snapshot()].map(|state| kept(state, &records));
        assert!(before == after, "the records were changed");
    }
}

/// What is kept under that key.
fn kept(state: Box<dyn std::any::Any>, key: &str) -> Vec<u8> {
    let all = state.downcast::<Vec<(String, Vec<u8>)>>().expect("a snapshot");
    all.into_iter().find(|(name, _)| name == key).expect("it is there").1
}
