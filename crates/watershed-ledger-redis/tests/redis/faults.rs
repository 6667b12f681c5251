//! What Redis refuses, and what it is set up for: each on a server of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use watershed_ledger::{
    Checkpoint, Command, End, Error, Exchange, Exchanged, Leased, Ledger, Outcome, Reply, Settle,
    Settled, Submit, Want,
};
use watershed_ledger_redis::{Link, RedisLedger};
use watershed_ledger_test::{plain_plan, plain_step};
use watershed_model::{
    AccountId, Brood, Child, Feed, Kin, Millis, PlanHash, RunId, Source, StepId, Trigger,
};
use watershed_test_servers::RedisServer;

/// What is waited for comes within this.
const SOON: Duration = Duration::from_secs(30);
/// An account, which is its lane's name too.
const ACME: &str = "acme";

fn ledger(url: &str) -> RedisLedger {
    RedisLedger::new(Link::open(url).expect("the URL"), "ws")
}

/// A run of listings, whose items are leaves: its id, and how many of either.
fn submit(run: &str, listings: u32, leaves: u32) -> Command {
    let from = Feed { step: StepId(0), field: None };
    let mut plan = plain_plan(vec![
        plain_step("listings", 1, None, Source::Literals(Vec::new())),
        plain_step("leaves", 2, None, Source::Items(vec![from])),
    ]);
    plan.steps[0].feeds = vec![StepId(1)];
    let many = |step: u16, many: u32| (0..many).map(move |n| Kin::Task(child(step, n)));
    Command::Submit(Box::new(Submit {
        run: RunId::from(run),
        connection: ACME.into(),
        account: ACME.into(),
        plan,
        plan_hash: PlanHash("plan".to_owned()),
        inputs: Default::default(),
        granted: Vec::new(),
        trigger: Trigger::Manual,
        kin: many(0, listings).chain(many(1, leaves)).collect(),
        joins: Vec::new(),
    }))
}

fn child(step: u16, n: u32) -> Child {
    Child { step: StepId(step), item: format!("[{n}]"), once: None, bucket: 0, together: false }
}

fn exchange(sequence: u64, settles: Vec<Settle>, tasks: u16) -> Command {
    Command::Exchange(Exchange {
        worker: "w".into(),
        sequence,
        random: sequence,
        settles,
        held: None,
        want: Want {
            lanes: vec![ACME.into()],
            tasks,
            lease_ms: 15_000,
            horizon_ms: 400,
            lead_ms: 0,
        },
    })
}

fn closed(leased: &Leased, broods: Vec<Brood>) -> Settle {
    settle(leased, Outcome::Closed { broods, end: End::Done })
}

fn settle(leased: &Leased, outcome: Outcome) -> Settle {
    Settle::after(1, leased.fence, outcome)
}

async fn exchanged(on: &RedisLedger, command: Command) -> Exchanged {
    match on.execute(command).await {
        Ok(Reply::Exchanged(exchanged)) => exchanged,
        other => panic!("{other:?}"),
    }
}

/// Repeats a command until it is carried out, as a worker does; whatever else it gets must say
/// that it may wait.
async fn insisted(on: &RedisLedger, command: Command) -> Exchanged {
    let until = tokio::time::Instant::now() + SOON;
    loop {
        match on.execute(command.clone()).await {
            Ok(Reply::Exchanged(exchanged)) => return exchanged,
            Err(error) if error.waits() && tokio::time::Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn how_a_redis_is_set_up_is_told_and_what_loses_tasks_is_refused() {
    let server = RedisServer::start(&["--appendonly", "yes"]);
    let on = ledger(&server.url());
    let health = on.health(clock).await.expect("it answers");
    assert_eq!(health.findings(), [], "{health:?}");
    assert_eq!((health.aof, health.appendfsync.as_deref()), (true, Some("everysec")));
    on.fit().await.expect("it is fit");
    for (wrong, right) in [
        (&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"], ["maxmemory-policy", "noeviction"]),
        (
            &["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"],
            ["maxmemory-policy", "noeviction"],
        ),
    ] {
        server.ask(wrong).expect("it is set");
        let said = on.fit().await.expect_err("it may delete what is open");
        assert!(matches!(&said, Error::Unfit { way_out, .. } if way_out.contains("noeviction")));
        server.ask(&["CONFIG", "SET", right[0], right[1]]).expect("it is set");
    }
    server.ask(&["REPLICAOF", "127.0.0.1", "1"]).expect("it is a replica");
    let said = on.fit().await.expect_err("nobody may write there").to_string();
    assert!(said.contains("replica"), "{said}");
    server.ask(&["REPLICAOF", "NO", "ONE"]).expect("it is a primary");
    server.ask(&["SET", "theirs", "1"]).expect("it is set");
    server.ask(&["CONFIG", "SET", "maxmemory", "2mb"]).expect("it is set");
    server.ask(&["CONFIG", "SET", "appendfsync", "no"]).expect("it is set");
    let ahead = on.health(|| Millis(clock().0 - 5_000)).await.expect("it answers");
    let found: Vec<String> = ahead.findings().into_iter().map(|found| found.what).collect();
    assert_eq!(ahead.foreign, Some(1));
    for part in ["appendfsync", "not ours", "clock"] {
        assert!(found.iter().any(|what| what.contains(part)), "{part}: {found:?}");
    }
    on.fit().await.expect("all that is only advice");
}

fn clock() -> Millis {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
    Millis(i64::try_from(now.as_millis()).expect("a time"))
}

#[tokio::test]
async fn nothing_is_leased_while_redis_may_delete_it_and_settles_go_on() {
    let server = RedisServer::start(&[]);
    let first = ledger(&server.url());
    first.execute(submit("run", 4, 0)).await.expect("it begins");
    let held = exchanged(&first, exchange(1, Vec::new(), 1)).await.leased;
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).expect("it is set");
    // Another process, which has not looked yet.
    let on = ledger(&server.url());
    let settles = vec![closed(&held[0], Vec::new())];
    let wrong = exchanged(&on, exchange(2, settles, 4)).await;
    assert_eq!((wrong.settled, wrong.leased.len()), (vec![Settled::Accepted], 0));
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).expect("it is set");
    let until = tokio::time::Instant::now() + SOON;
    for sequence in 3.. {
        if exchanged(&on, exchange(sequence, Vec::new(), 4)).await.leased.len() == 3 {
            break;
        }
        assert!(tokio::time::Instant::now() < until, "nothing is leased after it was mended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn without_memory_leaves_and_settles_go_on_and_nothing_new_is_listed() {
    let server = RedisServer::start(&[]);
    let on = ledger(&server.url());
    on.execute(submit("run", 3, 5)).await.expect("it begins");
    let held = exchanged(&on, exchange(1, Vec::new(), 6)).await.leased;
    let listings: Vec<&Leased> = held.iter().filter(|leased| leased.step == StepId(0)).collect();
    assert_eq!((held.len(), listings.len()), (6, 1), "the deeper ones go first");
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]).expect("it is set");
    let full = on.execute(submit("other", 1, 0)).await;
    assert!(matches!(full, Err(Error::Full { .. })), "{full:?}");
    // A page that was fetched is not fetched again for want of memory.
    let kin = |range: std::ops::Range<u32>| range.map(|n| Kin::Task(child(1, n))).collect();
    let brood = Brood { key: 7, kin: kin(10..12) };
    let checkpoint = Checkpoint {
        token: "next".to_owned(),
        token_at: clock(),
        first_at: clock(),
        pages: 1,
        rows: 2,
    };
    let more = Outcome::More { broods: vec![brood], checkpoint };
    let settles: Vec<Settle> = held
        .iter()
        .map(|leased| match leased.step {
            StepId(0) => settle(leased, more.clone()),
            _ => closed(leased, Vec::new()),
        })
        .collect();
    let tight = exchanged(&on, exchange(2, settles, 16)).await;
    assert_eq!(tight.settled, [Settled::Accepted; 6]);
    let steps: Vec<u16> = tight.leased.iter().map(|leased| leased.step.0).collect();
    assert_eq!(steps, [1, 1], "no listing is gone on with, and none is begun");
    let leases = tight.leased.iter().map(|leased| leased.fence.lease).collect();
    let extend = Command::Extend { worker: "w".into(), leases, lease_ms: 15_000 };
    let kept = on.execute(extend).await;
    assert!(matches!(kept, Ok(Reply::Extended { lost }) if lost.is_empty()));
    on.execute(Command::Pause(RunId::from("run"))).await.expect("it is paused");
    on.execute(Command::Resume(RunId::from("run"))).await.expect("it goes on");
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]).expect("it is set");
    let settles = tight.leased.iter().map(|leased| closed(leased, Vec::new())).collect();
    let again = exchanged(&on, exchange(3, settles, 16)).await;
    assert_eq!(again.settled, [Settled::Accepted; 2]);
    assert_eq!(again.leased.len(), 3, "the listings");
    assert_eq!(on.walk().await.expect("it is walked")[&AccountId::from(ACME)].wrong, [""; 0]);
}

#[tokio::test]
async fn scripts_that_redis_forgot_and_connections_that_it_broke_are_made_again() {
    let server = RedisServer::start(&[]);
    let on = ledger(&server.url());
    on.execute(submit("run", 9, 0)).await.expect("it begins");
    server.ask(&["SCRIPT", "FLUSH"]).expect("they are gone");
    let first = exchanged(&on, exchange(1, Vec::new(), 2)).await;
    assert_eq!(first.leased.len(), 2);
    server.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).expect("they are cut");
    let settles = first.leased.iter().map(|leased| closed(leased, Vec::new())).collect();
    let second = insisted(&on, exchange(2, settles, 2)).await;
    assert_eq!((second.settled, second.leased.len()), (vec![Settled::Accepted; 2], 2));
}

/// Each way in which Redis refuses for a while: how it is brought about, and ended.
#[tokio::test]
async fn what_passes_is_waited_for() {
    let server = RedisServer::start(&[]);
    let on = ledger(&server.url());
    on.execute(submit("run", 9, 0)).await.expect("it begins");
    exchanged(&on, exchange(1, Vec::new(), 1)).await;
    let passing: [(&str, &[&str], &[&str]); 2] = [
        ("READONLY", &["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]),
        (
            "NOREPLICAS",
            &["CONFIG", "SET", "min-replicas-to-write", "1"],
            &["CONFIG", "SET", "min-replicas-to-write", "0"],
        ),
    ];
    for (sequence, (name, begin, end)) in (2..).zip(passing) {
        server.ask(begin).expect("it begins");
        let command = exchange(sequence, Vec::new(), 1);
        let refused = on.execute(command.clone()).await.expect_err(name);
        assert!(
            refused.waits() && refused.to_string().to_uppercase().contains(name),
            "{name}: {refused}"
        );
        server.ask(end).expect("it ends");
        assert_eq!(insisted(&on, command).await.leased.len(), 1, "{name}");
    }
    // A script of somebody else that does not end.
    server.ask(&["CONFIG", "SET", "busy-reply-threshold", "20"]).expect("it is set");
    let url = server.url();
    let endless = std::thread::spawn(move || {
        let client = redis::Client::open(url).expect("the URL");
        let mut connection = client.get_connection().expect("a connection");
        redis::cmd("EVAL").arg("while true do end").arg(0).exec(&mut connection)
    });
    while server.ask(&["PING"]).is_none_or(|said| !said.contains("BUSY")) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let command = exchange(4, Vec::new(), 1);
    let refused = on.execute(command.clone()).await.expect_err("BUSY");
    assert!(refused.waits() && refused.to_string().contains("BUSY"), "{refused}");
    server.ask(&["SCRIPT", "KILL"]).expect("it is ended");
    endless.join().expect("it came back").expect_err("it was killed");
    assert_eq!(insisted(&on, command).await.leased.len(), 1);
}

/// Passes bytes on to Redis; while `cuts` is set, the connection ends instead of an answer.
async fn proxy(server: &RedisServer, cuts: Arc<AtomicBool>) -> String {
    let there = server.url().replace("redis://", "").replace("/0", "");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let here = listener.local_addr().expect("it has an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (there, cuts) = (there.clone(), cuts.clone());
            tokio::spawn(async move {
                let Ok(redis) = TcpStream::connect(there).await else { return };
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_redis, mut to_redis) = redis.into_split();
                let forth = tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_client, &mut to_redis).await;
                });
                let mut bytes = vec![0; 65_536];
                while let Ok(len @ 1..) = from_redis.read(&mut bytes).await {
                    if cuts.load(Ordering::SeqCst)
                        || to_client.write_all(&bytes[..len]).await.is_err()
                    {
                        break;
                    }
                }
                forth.abort();
            });
        }
    });
    format!("redis://{here}/0")
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again() {
    let server = RedisServer::start(&[]);
    let cuts = Arc::new(AtomicBool::new(false));
    let on = ledger(&proxy(&server, cuts.clone()).await);
    on.execute(submit("run", 9, 0)).await.expect("it begins");
    let first = exchanged(&on, exchange(1, Vec::new(), 2)).await;
    cuts.store(true, Ordering::SeqCst);
    let settles: Vec<Settle> = first.leased.iter().map(|l| closed(l, Vec::new())).collect();
    let lost = on.execute(exchange(2, settles.clone(), 3)).await.expect_err("it is cut");
    assert!(lost.waits(), "{lost}");
    cuts.store(false, Ordering::SeqCst);
    let again = insisted(&on, exchange(2, settles, 3)).await;
    assert_eq!((again.settled, again.leased.len()), (vec![Settled::Accepted; 2], 3));
    let view = on.run(&RunId::from("run")).await.expect("it answers").expect("it is there");
    assert_eq!(view.steps[0].done, 2, "nothing was settled twice");
}

#[tokio::test]
async fn a_user_with_no_more_rights_than_needed_can_do_all() {
    let server = RedisServer::start(&[]);
    let rights = ["on", ">secret", "~ws:*", "&ws:*", "+@all", "-@admin", "-@dangerous", "+info"];
    server.ask(&[&["ACL", "SETUSER", "worker"][..], &rights].concat()).expect("a user");
    let mute = ["on", ">secret", "resetchannels", "~ws:*", "+@all", "-config"];
    server.ask(&[&["ACL", "SETUSER", "mute"][..], &mute].concat()).expect("a user");
    let blind = ["on", ">secret", "~ws:*", "+@read", "+info"];
    server.ask(&[&["ACL", "SETUSER", "blind"][..], &blind].concat()).expect("a user");
    let by = |user: &str| ledger(&server.url().replace("//", &format!("//{user}:secret@")));
    for (run, user) in [("a", "worker"), ("b", "mute")] {
        let on = by(user);
        on.fit().await.expect("it may ask");
        let health = on.health(clock).await.expect("as far as it may ask");
        assert_eq!(health.appendfsync, None, "{user}");
        on.execute(submit(run, 2, 0)).await.expect("it begins, whether or not it may publish");
    }
    let refused = by("blind").execute(submit("c", 2, 0)).await.expect_err("it may not write");
    assert!(matches!(&refused, Error::Refused { .. }), "{refused:?}");
    assert!(!format!("{refused} {refused:?}").contains("secret"));
}

#[tokio::test]
async fn who_waits_hears_of_what_others_begin_and_not_of_its_own() {
    let server = RedisServer::start(&[]);
    let (waits, other) = (ledger(&server.url()), ledger(&server.url()));
    let accounts = [AccountId::from(ACME)];
    let heard = async || tokio::time::timeout(SOON, waits.hint(&accounts)).await;
    heard().await.expect("it listens now");
    other.execute(submit("first", 2, 0)).await.expect("it begins");
    heard().await.expect("there is something");
    exchanged(&other, exchange(1, Vec::new(), 2)).await;
    waits.execute(submit("own", 1, 0)).await.expect("it begins");
    other.execute(Command::Pause(RunId::from("own"))).await.expect("it is paused");
    let quiet = tokio::time::timeout(Duration::from_millis(300), waits.hint(&accounts)).await;
    assert!(quiet.is_err(), "neither leases, nor its own, nor a pause are worth a hint");
    other.execute(Command::Resume(RunId::from("own"))).await.expect("it goes on");
    heard().await.expect("what was paused may be leased");
    // A connection that broke is made again, and what came meanwhile is not missed.
    server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]).expect("it is cut");
    other.execute(submit("second", 2, 0)).await.expect("it begins");
    heard().await.expect("it listens again");
}

#[tokio::test]
async fn a_cluster_is_named_as_one_and_waited_for_until_it_is_whole() {
    let server = RedisServer::start(&["--cluster-enabled", "yes"]);
    let alone = ledger(&server.url()).fit().await.expect_err("it moves keys away");
    assert!(matches!(&alone, Error::Unfit { way_out, .. } if way_out.contains("redis+cluster://")));
    let url = server.url().replace("redis://", "redis+cluster://").replace("/0", "");
    let early = ledger(&url).execute(submit("early", 1, 0)).await.expect_err("it has no slots");
    assert!(early.waits(), "{early}");
    server.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).expect("it has all slots");
    while !server.ask(&["CLUSTER", "INFO"]).is_some_and(|said| said.contains("cluster_state:ok")) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (on, other) = (ledger(&url), ledger(&url));
    on.fit().await.expect("it is fit");
    let health = on.health(clock).await.expect("it answers");
    assert_eq!((health.cluster, health.foreign), ((true, true), None));
    let accounts = [AccountId::from(ACME)];
    let heard = async || tokio::time::timeout(SOON, on.hint(&accounts)).await;
    heard().await.expect("it listens now");
    other.execute(submit("run", 2, 0)).await.expect("it begins");
    heard().await.expect("there is something");
    assert_eq!(exchanged(&on, exchange(1, Vec::new(), 2)).await.leased.len(), 2);
    assert_eq!(on.walk().await.expect("it is walked")[&accounts[0]].wrong, [""; 0]);
    let wrong = ledger(&url.replace("//", "//who:hush@")).fit().await.expect_err("nobody");
    assert!(matches!(&wrong, Error::Refused { .. }), "{wrong:?}");
    assert!(!format!("{wrong} {wrong:?}").contains("hush"));
}
