//! Programs of neighbouring state versions on one store: whoever cannot read it refuses by name and
//! changes nothing, and work goes on with the others.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use watershed_test_servers::{PostgresServer, RedisServer};
use watershed_tests::{Account, Ended, Home, Scope, Settings, Spec, audit};

use crate::fleet::{Fleet, RUN};
use crate::ground::{NO_LIMITS, account, free_home};
use crate::postgres::{SINK, copied};

/// Make a program that is built for tests speak a version that is so much off its own.
const LEDGER_OFF: &str = "WATERSHED_TEST_LEDGER_OFF";
const SINK_OFF: &str = "WATERSHED_TEST_SINK_OFF";
/// What ends, ends within this.
const SOON: Duration = Duration::from_secs(120);
/// Calls after which a run is stopped: some are in flight then, more are to come.
const CALLS: u64 = 60;

fn slow_account(seed: u64) -> Account {
    let limits = Some(NO_LIMITS.to_owned());
    account(Spec { users: 12, seed, limits, latency_ms: Some(30), ..Spec::default() })
}

/// A command by a program whose version is so much off.
fn other(home: &Home, (name, off): (&str, &str), words: &[&str]) -> Ended {
    let mut command = home.command(words);
    command.env(name, off);
    home.start_command(command).wait(SOON).expect("it ends")
}

/// Insists that a program of another version refuses all of these, and says which.
fn refused(home: &Home, by: (&str, &str), commands: &[&[&str]], said: &str) {
    for words in commands {
        let told = other(home, by, words).expect(2);
        assert!(told.stderr.contains(said), "{said}: {told}");
    }
}

#[test]
fn beside_workers_on_redis_one_of_another_version_refuses_and_they_go_on() {
    let redis = RedisServer::start(&[]);
    let mut fleet = Fleet::new(slow_account(61), Some(Settings::FREE), &redis.url());
    fleet.begin(2, "zoom-backfill");
    fleet.until_calls(CALLS);
    let commands: [&[&str]; 5] = [
        &["worker"],
        &["submit", "zoom-backfill"],
        &["run", "zoom-backfill", "--run-id", RUN],
        &["status", RUN],
        &["cancel", RUN],
    ];
    for (off, said) in
        [("1", "version 3; this program knows 4"), ("-1", "version 3; this program knows 2")]
    {
        refused(&fleet.home, (LEDGER_OFF, off), &commands, said);
    }
    fleet.until_complete();
    fleet.drain();
    fleet.equal(&Scope::backfill());
    let stats = fleet.stats();
    assert_eq!(stats.in_vain(), 0, "{:#}", stats.0);
}

#[test]
fn once_its_keys_are_deleted_a_redis_serves_the_next_version() {
    let redis = RedisServer::start(&[]);
    let mut fleet = Fleet::new(slow_account(62), Some(Settings::FREE), &redis.url());
    fleet.begin(2, "zoom-backfill");
    fleet.until_calls(CALLS);
    fleet.drain();
    fleet.home.set(LEDGER_OFF, Some("1"));
    let told = fleet.home.run(&["worker"]).expect(2);
    assert!(told.stderr.contains("delete its keys"), "{told}");
    redis.ask(&["FLUSHALL"]).expect("all is gone");
    (0..2).for_each(|_| fleet.start());
    fleet.until_complete();
    fleet.drain();
    fleet.equal(&Scope::backfill());
    fleet.home.set(LEDGER_OFF, None);
    let said = "version 4; this program knows 3";
    let told = fleet.home.run(&["status", RUN]).expect(2);
    assert!(told.stderr.contains(said), "{told}");
}

/// Where a run's rows are, and its state beside them.
struct Site {
    account: Account,
    home: Home,
    /// Where the rows are, where that is PostgreSQL.
    postgres: Option<String>,
}

impl Site {
    fn new(seed: u64) -> Site {
        let account = slow_account(seed);
        let home = free_home(&account);
        Site { account, home, postgres: None }
    }

    fn calls(&self) -> u64 {
        self.account.stats().expect("stats").calls()
    }

    /// Goes on with the run until so many more calls were made; then it is stopped.
    fn stopped(&self) {
        let calls = self.calls() + CALLS;
        let mut running = self.home.start(&["run", "zoom-backfill", "--run-id", RUN]);
        let enough = |_: &_| self.calls() >= calls;
        running.until("calls", SOON, enough).expect("it makes calls");
        running.signal(Signal::TERM);
        running.wait(SOON).expect("it stops").expect(4);
    }

    /// The run by three versions: the older one refuses, the next one brings the store along and
    /// ends the run, and then this one refuses.
    fn by_three(&mut self, off: &str, older: &str, newer: &str) {
        const GO_ON: [&[&str]; 2] = [&["run", "zoom-backfill", "--run-id", RUN], &["resume", RUN]];
        self.stopped();
        let before = self.files();
        refused(&self.home, (off, "-1"), &GO_ON, older);
        refused(&self.home, (off, "-1"), &[&["status", RUN]], older);
        let after = self.files();
        let same = |file: &&(PathBuf, Vec<u8>)| after.contains(file);
        let changed: Vec<_> = before.iter().filter(|file| !same(file)).map(|(f, _)| f).collect();
        assert!(changed.is_empty(), "who refuses changes nothing: {changed:?}");
        self.stopped();
        other(&self.home, (off, "1"), GO_ON[0]).expect(0);
        for words in GO_ON {
            let told = self.home.run(words).expect(2);
            assert!(told.stderr.contains(newer), "{newer}: {told}");
        }
        self.home.set(off, Some("1"));
        let file = match &self.postgres {
            Some(url) => copied(&self.home, url),
            None => self.home.sink(),
        };
        let truth = self.account.truth().expect("the truth");
        audit(&file, &truth, &Scope::backfill()).expect("an audit").expect_equal();
        let stats = self.account.stats().expect("stats");
        assert_eq!(stats.in_vain(), 0, "{:#}", stats.0);
    }

    /// What is in the files of the data, once their journals are in them.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = [self.home.state(), self.home.sink()].into_iter().filter(|file| file.exists());
        let read = |file: PathBuf| {
            let database = rusqlite::Connection::open(&file).expect("a database");
            let done = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
            assert_eq!(done, Ok(0), "nobody has it open");
            drop(database);
            (file.clone(), std::fs::read(file).expect("it can be read"))
        };
        files.map(read).collect()
    }
}

#[test]
fn a_state_file_is_refused_by_the_older_version_and_brought_along_by_the_next() {
    let (older, newer) = ("version 4; this program knows 3", "version 5; this program knows 4");
    Site::new(63).by_three(LEDGER_OFF, older, newer);
}

#[test]
fn a_dataset_is_refused_by_the_older_version_and_brought_along_by_the_next() {
    Site::new(64).by_three(
        SINK_OFF,
        "its format 8 is newer than 7",
        "its format 9 is newer than 8",
    );
}

#[test]
fn tables_in_postgresql_are_refused_by_the_older_version_and_brought_along_by_the_next() {
    let database = PostgresServer::shared().database();
    let mut site = Site::new(65);
    site.home.set(SINK, Some(&database.url));
    site.postgres = Some(database.url.clone());
    site.by_three(SINK_OFF, "its format 7 is newer than 6", "its format 8 is newer than 7");
}
