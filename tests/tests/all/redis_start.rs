//! A Redis that cannot be used, or not yet: what is said of it, and who waits for it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use rustix::process::Signal;
use watershed_test_servers::RedisServer;
use watershed_tests::{Account, Home, Running, Scope, Size, audit};

use crate::ground::{free_account, free_home};
use crate::json_shapes::fits;

/// What is waited for comes within this.
const SOON: Duration = Duration::from_secs(120);

fn home(account: &Account, url: &str) -> Home {
    let mut home = free_home(account);
    home.set("WATERSHED_STORE__URL", Some(url));
    home
}

fn until_said(worker: &mut Running, what: &str) {
    worker.until(what, SOON, |worker| worker.stderr().contains(what)).expect("it is said");
}

fn until_complete(home: &Home, worker: &mut Running) {
    let complete = |_: &Running| {
        let told = home.run(&["runs", "--json"]);
        told.code == Some(0)
            && told.json_lines().first().is_some_and(|run| run["state"] == "complete")
    };
    worker.until("the run's end", SOON, complete).expect("it comes");
}

fn drained(mut worker: Running) {
    worker.signal(Signal::TERM);
    worker.wait(SOON).expect("it drains").expect(0);
}

fn equal(account: &Account, home: &Home) {
    let truth = account.truth().expect("the truth");
    audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit").expect_equal();
}

#[test]
fn a_redis_that_may_lose_tasks_is_refused_with_what_to_do() {
    let redis = RedisServer::start(&[]);
    let account = free_account(3, 1);
    let home = home(&account, &redis.url());
    home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
    let setups: [(&[&str], &[&str], &str); 2] = [
        (
            &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"],
            &["CONFIG", "SET", "maxmemory-policy", "noeviction"],
            "maxmemory-policy noeviction",
        ),
        (&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"], "REPLICAOF NO ONE"),
    ];
    for (wrong, right, way_out) in setups {
        redis.ask(wrong).expect("it is set");
        for words in [
            &["submit", "zoom-backfill"][..],
            &["run", "zoom-backfill"],
            &["resume", "one"],
            &["pause", "one"],
            &["worker"],
        ] {
            let told = home.run(words).expect(2);
            let place = redis.url();
            assert!(told.stderr.contains(&place) && told.stderr.contains(way_out), "{told}");
        }
        home.run(&["status", "one"]).expect(0);
        let told = home.run(&["doctor"]).expect(1);
        assert!(told.stdout.contains(way_out), "{told}");
        redis.ask(right).expect("it is set");
    }
    home.run(&["pause", "one"]).expect(0);
}

/// What Redis 6.0 tells of itself: none can be installed beside the one that is.
const OLD: &str = "redis_version:6.0.16\r\nredis_mode:standalone\r\nrole:master\r\n\
                   maxmemory:0\r\nmaxmemory_policy:noeviction\r\nused_memory:1000000\r\n\
                   aof_enabled:1\r\ncluster_enabled:0\r\n";

/// A server that tells that, and knows nothing else.
fn old_redis() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || answers(&client));
        }
    });
    format!("redis://{at}/0")
}

fn answers(mut client: &TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(client).lines();
    while let Some(many) = lines.next().transpose()? {
        let many: usize = many.trim_start_matches('*').parse().expect("how many words");
        let mut words = Vec::new();
        for _ in 0..many {
            let (_length, word) = (lines.next(), lines.next());
            words.extend(word.transpose()?);
        }
        match words[0].to_uppercase().as_str() {
            "INFO" => write!(client, "${}\r\n{OLD}\r\n", OLD.len())?,
            "PING" => write!(client, "+PONG\r\n")?,
            other => write!(client, "-ERR unknown command `{other}`\r\n")?,
        }
    }
    Ok(())
}

#[test]
fn a_redis_that_is_too_old_is_refused_with_what_it_must_be() {
    let account = free_account(3, 6);
    let url = old_redis();
    let home = home(&account, &url);
    for words in [&["submit", "zoom-backfill"][..], &["run", "zoom-backfill"], &["worker"]] {
        let told = home.run(words).expect(2);
        for part in [&url[..], "Redis 6.0.16 is too old", "6.2"] {
            assert!(told.stderr.contains(part), "{part}: {told}");
        }
    }
    assert_eq!(account.stats().expect("stats").calls(), 0, "nothing was asked");
}

#[test]
fn a_worker_waits_for_a_redis_that_is_not_there_and_a_command_does_not() {
    let mut redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let account = free_account(3, 2);
    let home = home(&account, &redis.url());
    home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
    redis.kill();
    for words in [&["submit", "zoom-backfill"][..], &["status", "one"], &["resume", "one"]] {
        let told = home.run(words).expect(1);
        assert!(told.stderr.contains(&redis.url()), "{told}");
    }
    let mut worker = home.start(&["worker"]);
    until_said(&mut worker, "waiting: ");
    redis.go();
    until_complete(&home, &mut worker);
    let said = worker.stderr();
    assert_eq!(said.matches("waiting: ").count(), 1, "it is told once:\n{said}");
    drained(worker);
    equal(&account, &home);
    redis.kill();
    let mut worker = home.start(&["worker"]);
    until_said(&mut worker, "waiting: ");
    drained(worker);
}

#[test]
fn a_wrong_password_ends_everything_and_is_in_no_word() {
    let redis = RedisServer::start(&[]);
    let account = free_account(3, 3);
    redis.ask(&["ACL", "SETUSER", "reader", "on", ">hush-hush", "~ws:*", "+@read", "+info"]);
    for user in ["reader:hush-hush-wrong", "reader:hush-hush"] {
        let home = home(&account, &redis.url().replace("//", &format!("//{user}@")));
        for words in [&["submit", "zoom-backfill"][..], &["worker"]] {
            let mut command = home.command(words);
            command.args(["-vvv"]).env("RUST_LOG", "trace");
            let told = home.start_command(command).wait(SOON).expect("it ends").expect(2);
            let place = redis.url();
            assert!(told.stderr.contains(&place) && !told.stderr.contains("hush"), "{told}");
        }
        let told = home.run(&["doctor", "--json"]).expect(1);
        assert!(!told.stdout.contains("hush"), "{told}");
        fits("doctor", &told.json());
    }
}

#[test]
fn doctor_tells_how_redis_is_set_up_and_walks_over_what_it_counts() {
    let redis = RedisServer::start(&[]);
    let account = free_account(3, 4);
    let home = home(&account, &redis.url());
    home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
    redis.ask(&["SET", "theirs", "1"]).expect("it is set");
    let told = home.run(&["doctor", "--deep", "--json"]).expect(0).json();
    fits("doctor", &told);
    let found = &told["ledger"]["findings"];
    assert_eq!(found.as_array().map(Vec::len), Some(2), "no log, keys of others: {found:#}");
    assert_eq!(told["ledger"]["walk"]["ok"], true, "{told:#}");
    let words = home.run(&["doctor", "--deep"]).expect(0);
    for part in ["noeviction", "not ours", "appendonly yes", "what is counted is there"] {
        assert!(words.stdout.contains(part), "{part}: {words}");
    }
    let records = redis.ask(&["KEYS", "ws:*:records"]).expect("the records");
    let lost = redis.ask(&["HDEL", &records, "rone"]);
    assert_eq!(lost.as_deref(), Some("1"));
    let broken = home.run(&["doctor", "--deep", "--json"]).expect(1).json();
    fits("doctor", &broken);
    assert_eq!(broken["ledger"]["walk"]["ok"], false, "{broken:#}");
}

/// The policy is looked at each minute: all of that only where everything is tested.
#[test]
fn a_worker_leases_nothing_while_redis_would_delete_what_is_open() {
    if !Size::asked().of(false, true) {
        return;
    }
    let redis = RedisServer::start(&[]);
    let account = free_account(3, 5);
    let home = home(&account, &redis.url());
    home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
    let mut worker = home.start(&["worker"]);
    until_complete(&home, &mut worker);
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).expect("it is set");
    until_said(&mut worker, "NOTHING IS LEASED");
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).expect("it is set");
    until_said(&mut worker, "work goes on");
    home.run(&["submit", "zoom-backfill", "--run-id", "two"]).expect(0);
    until_complete(&home, &mut worker);
    drained(worker);
    equal(&account, &home);
}
