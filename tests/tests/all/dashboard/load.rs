//! What the dashboard costs beside a large store and many who look.
//!
//! The store is not run up but filled: a run that goes on, a thousand that have ended, their items
//! counted, coverage of each user, operation and month.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rusqlite::{Connection, named_params};
use serde_json::{Value, json};
use watershed_tests::{Account, Home, Running, Settings, Size, Spec};

use super::Served;
use crate::ground::{account, home, measured};

/// Runs that have ended.
const RUNS: i64 = 1_000;
/// Users of the account, and of each the windows that coverage tells of.
const USERS: (i64, i64) = (2_000, 100_000);
const WINDOWS: i64 = 100;
/// What each page is asked for.
const ASKED: (usize, usize) = (10, 100);
/// What 99 of 100 requests are answered by, body and all: of a program that is not optimised,
/// beside whatever else is tested; and of what an operator builds.
const P99_MAX: (Duration, Duration) = (Duration::from_secs(2), Duration::from_millis(50));
/// Who look, and how long.
const LOOKERS: usize = 200;
const LOOKED: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(60));
/// A server that nobody asks anything needs less than this of a core, once all is counted that was
/// asked for before.
const STILL: f64 = 0.03;
const COUNTED_MAX: Duration = Duration::from_secs(180);
/// Of one core.
const COST_MAX: (f64, f64) = (0.60, 0.05);

/// What people open.
const PAGES: [&str; 10] = [
    "/",
    "/?state=complete",
    "/?after=r00500",
    "/runs/one",
    "/runs/r00017",
    "/coverage",
    "/coverage/default/zoom.list_meetings",
    "/connections",
    "/schedules",
    "/api/v1/runs?limit=50",
];

/// A store with all that, the run `one` going on in it, and a server that shows it.
struct Ground {
    _account: Account,
    home: Home,
    _run: Running,
}

impl Ground {
    fn new(size: Size) -> Ground {
        let account = account(Spec {
            users: 300,
            seed: 65,
            limits: Some("off".to_owned()),
            ..Spec::default()
        });
        let limits = "light_per_second = 12, medium_per_second = 12, heavy_per_second = 12";
        let home = home(&account, &Settings { limits: Some(limits), ..Settings::default() });
        let mut run = home.start(&["run", "zoom-backfill", "--run-id", "one", "-q"]);
        let begun = |_: &Running| account.stats().is_ok_and(|stats| stats.calls() > 40);
        run.until("some calls", Duration::from_secs(60), begun).expect("it works");
        run.kill().expect("it goes");
        let report = home.run(&["status", "one", "--json"]).expect(0).json();
        fill_sink(&home, report, size);
        fill_ledger(&home, size);
        let run = home.start(&["resume", "one", "-q"]);
        Ground { _account: account, home, _run: run }
    }
}

fn opened(path: &std::path::Path) -> Connection {
    let store = Connection::open(path).expect("a store");
    store.pragma_update(None, "synchronous", "OFF").expect("a pragma");
    store
}

/// A thousand runs, all users, what is known of each.
fn fill_sink(home: &Home, mut report: Value, size: Size) {
    let items = size.of(USERS.0, USERS.1) * WINDOWS / RUNS;
    (report["state"], report["exit"]) = (json!("complete"), json!(0));
    report["ended_at"] = report["started_at"].clone();
    for step in report["steps"].as_array_mut().expect("steps") {
        (step["done"], step["known"], step["final"]) = (json!(items), json!(items), json!(true));
    }
    let sink = opened(&home.sink());
    sink.execute(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :runs)
         INSERT INTO _runs
         SELECT printf('r%05d', n), connection, workflow, source, plan, inputs, granted,
             \"trigger\", 'complete', strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', n || ' hours'),
             strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', n || ' hours', '7 minutes'), :evidence
         FROM _runs, n WHERE id = 'one'",
        named_params! { ":runs": RUNS, ":evidence": report.to_string() },
    )
    .expect("runs");
    let users = size.of(USERS.0, USERS.1);
    let columns: Vec<String> = sink
        .prepare("SELECT name FROM pragma_table_info('users') WHERE name <> '_key'")
        .and_then(|mut of| of.query_map([], |row| row.get(0))?.collect())
        .expect("columns");
    let columns = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    sink.execute(
        &format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             INSERT INTO users (_key, {columns})
             SELECT printf('u%06d', n), {columns} FROM n, (SELECT * FROM users LIMIT 1)"
        ),
        [users],
    )
    .expect("users");
    // In the order of the key, so that it is filled from one end to the other.
    sink.execute(
        "WITH RECURSIVE
             n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :users),
             m(m) AS (SELECT 0 UNION ALL SELECT m + 1 FROM m WHERE m < :months - 1),
             o(o) AS (VALUES ('zoom.list_meetings'), ('zoom.list_user_recordings'),
                 ('zoom.past_instances_seen'), ('zoom.report_participants'))
         INSERT INTO _coverage
         SELECT 'default', o, printf('{\"userId\":\"u%06d\"}', n),
             strftime('%Y-%m-%d', '2024-11-01', m || ' months'), NULL,
             CASE WHEN (n + m) % 50 = 0 THEN 'unavailable' ELSE 'complete' END,
             CASE WHEN (n + m) % 50 = 0 THEN 'expired' END,
             3, NULL, printf('r%05d', 1 + n % :runs), '2026-11-01T00:00:00.000Z'
         FROM o, n, m ORDER BY o, n, m",
        named_params! { ":users": users, ":months": WINDOWS / 4, ":runs": RUNS },
    )
    .expect("coverage");
}

/// The same runs as the state knows them.
fn fill_ledger(home: &Home, size: Size) {
    let items = size.of(USERS.0, USERS.1) * WINDOWS / RUNS;
    let ledger = opened(&home.state());
    let body = |table: &str| -> Value {
        let sql = format!("SELECT body FROM {table} WHERE run = 'one'");
        let text: String = ledger.query_row(&sql, [], |row| row.get(0)).expect("a record");
        serde_json::from_str(&text).expect("JSON")
    };
    let (mut run, mut counts) = (body("run"), body("counts"));
    run["state"] = json!("complete");
    for step in counts["steps"].as_array_mut().expect("steps") {
        (step["known"], step["done"], step["open"]) = (json!(items), json!(items), json!(0));
    }
    let connection = run["connection"].as_str().expect("a name").to_owned();
    ledger.execute_batch("BEGIN").expect("a transaction");
    for n in 1..=RUNS {
        let id = format!("r{n:05}");
        run["run"] = json!(id);
        ledger
            .execute(
                "INSERT INTO run (run, connection, state, submitted_at, body)
                 VALUES (?1, ?2, 'complete', ?3, ?4)",
                (&id, &connection, n, run.to_string()),
            )
            .expect("a run");
        let counts = (&id, counts.to_string());
        ledger.execute("INSERT INTO counts (run, body) VALUES (?1, ?2)", counts).expect("counts");
        ledger.execute("INSERT INTO run_number (run) VALUES (?1)", [&id]).expect("a number");
    }
    ledger.execute_batch("COMMIT").expect("a transaction");
}

/// Asks as a browser does, and how long it took to the last byte.
fn ask(host: &str, path: &str) -> Duration {
    let began = Instant::now();
    let mut stream = TcpStream::connect(host).expect("it listens");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept-Encoding: gzip\r\n\r\n")
        .expect("it hears");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let took = began.elapsed();
    let head = String::from_utf8_lossy(&answer[..answer.len().min(200)]).into_owned();
    assert!(head.starts_with("HTTP/1.0 200"), "{path}: {head}");
    took
}

/// Looks at a page until the server ends; takes in what comes.
fn look(host: &str, path: &str) {
    let mut stream = TcpStream::connect(host).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n")
        .expect("it hears");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 200", "{path}");
    std::thread::spawn(move || {
        let mut taken = [0; 64 * 1024];
        while stream.read(&mut taken).is_ok_and(|n| n > 0) {}
    });
}

#[test]
fn a_large_store_is_shown_at_once_and_to_many() {
    let size = Size::asked();
    let ground = Ground::new(size);
    let mut served = Served::start(&ground.home, "serve");
    let host = served.base.trim_start_matches("http://").to_owned();

    let mut took = Vec::new();
    for _ in 0..size.of(ASKED.0, ASKED.1) {
        took.extend(PAGES.map(|path| (ask(&host, path), path)));
    }
    took.sort();
    let (median, p99) = (took[took.len() / 2].0, took[took.len() * 99 / 100].0);
    let (slowest, at) = took[took.len() - 1];
    let quick = size.of(P99_MAX.0, P99_MAX.1);
    let items = size.of(USERS.0, USERS.1) * WINDOWS;
    measured(
        "pages of the dashboard beside a large store, to the last byte",
        &format!("{} requests, {RUNS} runs, {items} items", took.len()),
        &format!("p50 {median:.1?}, p99 {p99:.1?}, at most {slowest:.1?} ({at})"),
        &format!("p99 {quick:?}"),
    );

    // What the pages had counted is counted to its end first.
    let until = Instant::now() + COUNTED_MAX;
    while cost(&mut served, Duration::from_secs(5)) > STILL && Instant::now() < until {}
    let time = size.of(LOOKED.0, LOOKED.1);
    let alone = cost(&mut served, time);
    for n in 0..LOOKERS {
        look(&host, ["/live", "/runs/one/live"][n % 2]);
    }
    let looked_at = cost(&mut served, time);
    let cheap = size.of(COST_MAX.0, COST_MAX.1);
    measured(
        "browsers that look at pages of a run under way, and what they cost the server",
        &format!("{LOOKERS} for {time:?}"),
        &format!("{:.1} % of a core, {:.1} % without", looked_at * 100.0, alone * 100.0),
        &format!("{:.0} % of a core", cheap * 100.0),
    );
    assert!(p99 < quick, "{p99:?}");
    assert!(looked_at < cheap, "{looked_at}");
}

/// The part of a core that the server needs in that time.
fn cost(served: &mut Served, time: Duration) -> f64 {
    let before = served.process.processor_time();
    let ended = served.process.ends_within(time);
    assert!(!ended, "it serves on");
    (served.process.processor_time() - before).as_secs_f64() / time.as_secs_f64()
}
