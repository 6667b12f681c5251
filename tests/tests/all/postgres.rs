//! Rows in PostgreSQL: filled, copied to and from, gone on with, and missed when it is away.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::process::Signal;
use watershed_test_servers::{PostgresServer, RedisServer};
use watershed_tests::{Account, Home, Scope, Stats, audit};

use crate::dataset::LIVING;
use crate::ground::{free_account, free_home};

/// Where the rows are.
pub(crate) const SINK: &str = "WATERSHED_SINK__URL";
/// Something that takes longer is stuck.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// Copies what is in PostgreSQL into a file, and compares that with the truth.
fn equal(account: &Account, home: &Home, url: &str) -> u64 {
    let file = copied(home, url);
    let truth = account.truth().expect("the truth");
    let found = audit(&file, &truth, &Scope::backfill()).expect("an audit");
    found.expect_equal().rows.values().sum()
}

/// A file with what is in PostgreSQL.
pub(crate) fn copied(home: &Home, url: &str) -> PathBuf {
    let file = home.data().join("copied.db");
    let _ = std::fs::remove_file(&file);
    std::fs::create_dir_all(home.data()).expect("a folder");
    let to = format!("sqlite://{}", file.display());
    home.run(&["copy", "--from", url, "--to", &to]).expect(0);
    file
}

#[test]
fn a_backfill_into_postgresql_brings_exactly_what_the_account_holds() {
    let server = PostgresServer::shared();
    let database = server.database();
    let account = free_account(20, 501);
    let mut home = free_home(&account);
    home.set(SINK, Some(&database.url));

    let before = home.run(&["status"]).expect(1);
    assert!(before.stderr.contains("there is no dataset yet"), "{}", before.stderr);
    let doctor = home.run(&["doctor", "--json"]).expect(0).json();
    assert!(doctor["sink"]["found"].as_str().expect("text").contains("empty yet"), "{doctor:#}");

    let ran = home.run(&["run", "zoom-backfill", "--run-id", "one", "--json"]).expect(0).json();
    assert_eq!(ran["state"], "complete", "{ran:#}");
    assert!(!home.sink().exists(), "no file beside it");
    let rows = equal(&account, &home, &database.url);
    let told: u64 =
        ran["rows"].as_object().expect("rows").values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(told, rows, "{ran:#}");
    let users = server.sql(&database.name, "SELECT count(*) FROM users");
    assert_eq!(users.trim(), ran["rows"]["users"].to_string());

    for words in [&["status", "one"][..], &["runs"], &["failures"], &["coverage"]] {
        home.run(words).expect(0);
    }
    let doctor = home.run(&["doctor", "--json"]).expect(0).json();
    let found = doctor["sink"]["found"].as_str().expect("text");
    assert!(found.contains("PostgreSQL 1") && found.contains("fsync=on"), "{found}");
}

#[test]
fn what_was_copied_to_postgresql_is_not_asked_again() {
    let database = PostgresServer::shared().database();
    let account = free_account(20, 502);
    let mut home = free_home(&account);
    home.run(&["run", "zoom-backfill"]).expect(0);
    let first = account.stats().expect("stats");

    let copied = home.run(&["copy", "--to", &database.url, "--json"]).expect(0).json();
    assert_eq!(copied["rows"]["users"], 20, "{copied:#}");
    assert_eq!(copied["runs"], 1, "{copied:#}");
    let again = home.run(&["copy", "--to", &database.url, "--json"]).expect(0).json();
    assert_eq!((&again["rows"], &again["runs"]), (&copied["rows"], &0.into()), "{again:#}");
    assert_eq!(account.stats().expect("stats").calls(), first.calls(), "copying asks nothing");

    // Another machine: no state, and no file.
    std::fs::remove_dir_all(home.data()).expect("it is there");
    home.set(SINK, Some(&database.url));
    home.run(&["run", "zoom-backfill", "--run-id", "second"]).expect(0);
    let second = account.stats().expect("stats");
    for operation in first.operations() {
        let living = LIVING.contains(&format!("zoom.{operation}").as_str());
        let calls = |stats: &Stats| stats.calls_of(&operation);
        assert!(living || calls(&second) == calls(&first), "{operation} is history");
    }
    equal(&account, &home, &database.url);
}

#[test]
fn a_url_on_the_command_line_holds_no_password() {
    let home = Home::empty().expect("a folder");
    for url in ["postgres://ana:hunter2@127.0.0.1/w", "postgres://127.0.0.1/w?password=hunter2"] {
        let refused = home.run(&["copy", "--to", url]).expect(2);
        assert!(refused.stderr.contains("WATERSHED_SINK__URL"), "{}", refused.stderr);
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    }
    let same = home.run(&["copy", "--to", "sqlite://data/zoom.db"]).expect(2);
    assert!(same.stderr.contains("the same sink"), "{}", same.stderr);
    let nothing = home.run(&["copy", "--to", "sqlite://data/other.db"]).expect(1);
    assert!(nothing.stderr.contains("no dataset to copy"), "{}", nothing.stderr);
    assert!(!home.data().join("other.db").exists());
}

#[test]
fn a_postgresql_that_does_not_serve_is_named_with_the_way_out() {
    let server = PostgresServer::shared();
    let account = free_account(2, 503);
    let mut home = free_home(&account);
    let guarded = |password: &str| {
        format!("postgres://guarded:{password}@127.0.0.1:{}/postgres", server.port())
    };
    let missing = server.url("watershed", "nowhere");
    let cases = [
        (guarded("hunter2"), 2, "check user and password"),
        (missing, 2, "createdb"),
        ("postgres://watershed@127.0.0.1:1/w".to_owned(), 1, "check that postgres://127.0.0.1:1/w"),
        ("postgres://ana:hunter2@:5432/w".to_owned(), 2, "write sqlite://PATH"),
    ];
    let mut asked = 0;
    for (url, code, way_out) in cases {
        home.set(SINK, Some(&url));
        for words in [&["run", "zoom-backfill"][..], &["runs"], &["submit", "zoom-backfill"]] {
            let told = home.run(words).expect(code);
            assert!(told.stderr.contains(way_out), "{words:?}: {}", told.stderr);
            assert!(!told.stderr.contains("hunter2"), "{words:?}: {}", told.stderr);
        }
        assert_eq!(account.stats().expect("stats").calls(), asked, "nothing was started");
        let doctor = home.run(&["doctor"]);
        assert_ne!(doctor.code, Some(0), "{}", doctor.stdout);
        assert!(!doctor.stdout.contains("hunter2"), "{}", doctor.stdout);
        // The account answers still.
        asked = account.stats().expect("stats").calls();
    }
}

#[test]
fn a_replica_is_refused_for_writing_and_read_as_ever() {
    let mut server = PostgresServer::start(&[]);
    let database = server.database();
    let account = free_account(3, 504);
    let mut home = free_home(&account);
    home.set(SINK, Some(&database.url));
    home.run(&["run", "zoom-backfill"]).expect(0);
    server.kill();
    server.restart_as_replica();
    let refused = home.run(&["run", "zoom-backfill", "--run-id", "second"]).expect(2);
    assert!(refused.stderr.contains("it is a replica"), "{}", refused.stderr);
    let doctor = home.run(&["doctor"]).expect(1);
    assert!(doctor.stdout.contains("it is a replica"), "{}", doctor.stdout);
    home.run(&["runs"]).expect(0);
}

#[test]
fn a_postgresql_that_may_lose_rows_is_told_by_doctor() {
    let server = PostgresServer::start(&["fsync=off"]);
    let account = free_account(2, 507);
    let mut home = free_home(&account);
    home.set(SINK, Some(&server.database().url));
    home.run(&["run", "zoom-backfill"]).expect(0);
    let doctor = home.run(&["doctor"]).expect(1);
    assert!(doctor.stdout.contains("fsync=off"), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("a power cut loses rows"), "{}", doctor.stdout);
}

#[test]
fn a_worker_waits_for_postgresql_and_outlives_its_death() {
    let mut server = PostgresServer::start(&[]);
    let database = server.database();
    let redis = RedisServer::start(&[]);
    let account = free_account(20, 505);
    let mut home = free_home(&account);
    home.set(SINK, Some(&database.url));
    home.set("WATERSHED_STORE__URL", Some(&redis.url()));
    server.kill();
    let mut worker = home.start(&["worker"]);
    until(&format!("waiting: reach postgres://127.0.0.1:{}", server.port()), || {
        worker.stderr().contains("waiting: reach postgres://")
    });
    server.restart();
    home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
    for at in [40, 120] {
        until("calls", || account.stats().expect("stats").calls() >= at);
        server.kill();
        server.restart();
    }
    until("the end", || {
        let told = home.run(&["runs", "--json"]);
        told.json_lines().first().is_some_and(|run| run["state"] == "complete")
    });
    worker.signal(Signal::TERM);
    worker.wait(WAIT_MAX).expect("it drains").expect(0);
    equal(&account, &home, &database.url);
    let repeated = account.stats().expect("stats").again();
    assert_eq!(repeated, 0, "what PostgreSQL did not take is kept until it does");
}

/// What a copy holds beside the rows: every line of coverage.
#[test]
fn a_copy_between_files_is_the_same_to_the_last_line() {
    let account = free_account(6, 506);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill"]).expect(0);
    let to = home.data().join("other.db");
    home.run(&["copy", "--to", &format!("sqlite://{}", to.display())]).expect(0);
    let lines = |path: &std::path::Path, table: &str| -> Vec<String> {
        let file = Connection::open(path).expect("a file");
        let mut asked = file.prepare(&format!("SELECT * FROM {table}")).expect("a table");
        let columns = asked.column_count();
        let mut lines: Vec<String> = asked
            .query_map([], |row| {
                let cells =
                    (0..columns).map(|nth| row.get_ref(nth).map(|cell| format!("{cell:?}")));
                Ok(cells.collect::<Result<Vec<_>, _>>()?.join("|"))
            })
            .expect("rows")
            .map(|line| line.expect("a row"))
            .collect();
        lines.sort();
        lines
    };
    for table in ["_coverage", "_failures", "_runs", "users", "transcript_cues"] {
        let (left, right) = (lines(&home.sink(), table), lines(&to, table));
        assert!(left == right, "{table}: {} lines, {} copied", left.len(), right.len());
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < WAIT_MAX, "waited for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
