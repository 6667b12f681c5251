//! One person is erased: no byte of him is left, and nothing brings him back. Neither a reconcile,
//! nor an event that lies in the inbox or is sent again, nor a worker that was asleep with his
//! records in hand.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use watershed_test_servers::{PostgresServer, RedisServer};
use watershed_tests::{Account, Home, Running, Size, Spec, Truth};

use crate::ground::{NO_LIMITS, account, measured};
use crate::json_shapes::fits;
use crate::people::{KEY, User, busy, count, files_beneath, home_with, kept, texts, times};
use crate::postgres::{SINK, copied};
use crate::webhooks::endpoint::{At, SECRET, now, signed};

/// What takes longer is stuck.
const WAIT_MAX: Duration = Duration::from_secs(120);
/// Long enough for a worker to be stopped while a list of users is on its way.
const LATENCY_MS: u64 = 800;

/// Where ledger and dataset are.
enum Stores {
    Files,
    Servers(Box<(RedisServer, PostgresServer)>),
}

impl Stores {
    /// All bytes of them, what is deleted among them; of the journal of PostgreSQL none.
    fn bytes(&self, home: &Home) -> Vec<u8> {
        let Stores::Servers(servers) = self else { return Vec::new() };
        let (redis, postgres) = &**servers;
        copied(home, &url(postgres));
        postgres.sql("postgres", "CHECKPOINT");
        let folder = postgres.sql("postgres", "SHOW data_directory");
        let mut bytes = below(std::path::Path::new(folder.trim()).join("base"));
        bytes.extend(below(redis.folder().to_owned()));
        bytes
    }
}

fn url(postgres: &PostgresServer) -> String {
    postgres.url("watershed", "postgres")
}

fn below(folder: std::path::PathBuf) -> Vec<u8> {
    // The server may have removed one meanwhile.
    files_beneath(vec![folder])
        .into_iter()
        .flat_map(|path| std::fs::read(path).unwrap_or_default())
        .collect()
}

/// What tells of somebody: who he is, and the meetings that he held.
fn marks(user: &User, truth: &Truth) -> BTreeSet<String> {
    let mut marks: BTreeSet<String> = user.marks().map(str::to_owned).into();
    let held = truth.of("past_meetings").iter().filter(|(_, records)| is_his(user, &records[0]));
    marks.extend(held.map(|(uuid, _)| uuid.clone()));
    marks
}

fn is_his(user: &User, meeting: &Value) -> bool {
    meeting["host_id"] == user.id.as_str() || meeting["user_email"] == user.email.as_str()
}

/// Events about him, and one of somebody else's meeting in which he took part.
fn events(account: &Account, user: &User, truth: &Truth) -> Vec<Value> {
    let of = |uuid: &String, records: &Vec<Value>| {
        let record = &records[0];
        json!({ "uuid": uuid, "id": record["id"], "host_id": record["host_id"] })
    };
    let meetings = truth.of("past_meetings");
    let (uuid, records) = meetings.iter().find(|(_, r)| is_his(user, &r[0])).expect("one of his");
    let his = of(uuid, records);
    let (uuid, records) = meetings.iter().find(|(_, r)| !is_his(user, &r[0])).expect("another");
    let mut others = of(uuid, records);
    others["participant"] = json!({
        "id": user.id, "user_id": "16778", "user_name": user.name, "email": user.email,
    });
    let user = json!({ "id": user.id, "email": user.email });
    let all = [
        ("user.updated", user),
        ("meeting.ended", his.clone()),
        ("recording.completed", his),
        ("meeting.participant_joined", others),
    ];
    let account_id = account.ready("account_id");
    let event = |(name, object)| {
        let payload = json!({ "account_id": account_id, "object": object });
        json!({ "event": name, "event_ts": 1_700_000_000_000_i64, "payload": payload })
    };
    all.map(event).into()
}

fn send(serve: &At, events: &[Value]) {
    for event in events {
        let body = event.to_string();
        let headers = signed(SECRET, &now(), &body);
        let answer = serve.ask("POST", "/webhooks/zoom/default", &headers, body.as_bytes());
        assert_eq!(answer.status, 204, "{event}");
    }
}

fn serve(home: &Home) -> (Running, At) {
    let mut serve = home.start(&["serve", "--listen", "127.0.0.1:0", "-vv"]);
    let listens = |p: &Running| p.stdout().contains("listening on http://");
    serve.until("a place to listen", WAIT_MAX, listens).expect("it listens");
    let host = serve.stdout().trim().rsplit('/').next().expect("where").to_owned();
    (serve, At(host))
}

fn until(what: &str, mut met: impl FnMut() -> bool) {
    let end = Instant::now() + WAIT_MAX;
    while !met() {
        assert!(Instant::now() < end, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Stops it between two writes: whoever else works with the files would wait for its lock.
fn stop(worker: &mut Running, home: &Home) {
    until("a moment between two writes", || {
        worker.signal(Signal::STOP);
        // Whatever it was in the middle of has come back to where it stops.
        std::thread::sleep(Duration::from_millis(20));
        let free = [home.state(), home.sink()].iter().all(|file| is_free(file));
        if !free {
            worker.signal(Signal::CONT);
        }
        free
    });
}

/// Whether nobody is writing there.
fn is_free(file: &std::path::Path) -> bool {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    // On servers there is no such file.
    let Ok(file) = rusqlite::Connection::open_with_flags(file, flags) else { return true };
    file.busy_timeout(Duration::ZERO).expect("it is set");
    file.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok()
}

fn is_erased(stores: &Stores) {
    let account = account(Spec {
        users: 14,
        seed: 71,
        limits: Some(NO_LIMITS.to_owned()),
        latency_ms: Some(LATENCY_MS),
        ..Spec::default()
    });
    let truth = account.truth().expect("the truth");
    let user = busy(&truth, 1).remove(0);
    let marks = marks(&user, &truth);
    assert!(marks.len() > 3, "he held meetings");
    let hook = "webhook_secret = { env = \"HOOK\" }\n";
    let mut home = home_with(&account, &format!("{KEY}\n{hook}\n[worker]\nconcurrency = 200\n"));
    let all = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    home.write("watershed.toml", &all.replacen("[worker]\nconcurrency = 16\n", "", 1));
    home.set("REDACT", Some("a key of the customer"));
    home.set("HOOK", Some(SECRET));
    if let Stores::Servers(servers) = stores {
        home.set("WATERSHED_STORE__URL", Some(&servers.0.url()));
        home.set(SINK, Some(&url(&servers.1)));
    }
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    let (serving, at) = serve(&home);
    let events = events(&account, &user, &truth);
    let bytes = [stores.bytes(&home), kept(&home)].concat();
    for mark in &marks {
        assert!(times(&bytes, mark) > 0, "{mark} is to be seen before");
    }

    // A worker with his record in hand.
    let lists = || account.stats().expect("stats").calls_of("list_users");
    let before = lists();
    home.run(&["submit", "zoom-backfill", "--run-id", "second"]).expect(0);
    let mut worker = home.start(&["worker", "-vv"]);
    until("the list of users", || lists() > before);
    // All that begins the run is asked, and nothing is written meanwhile.
    std::thread::sleep(Duration::from_millis(LATENCY_MS / 3));
    stop(&mut worker, &home);
    // The answer is there, and nobody has read it.
    std::thread::sleep(Duration::from_millis(2 * LATENCY_MS));
    send(&at, &events);

    let named = user.email.to_uppercase();
    let refused = home.run(&["erase", "--user", &named]).expect(2);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    let erase = ["erase", "--connection", "default", "--user", &named, "--yes", "--json"];
    let erased = home.run(&erase).expect(0).json();
    fits("erased", &erased);
    assert_eq!(erased["rows"]["users"], 1, "{erased:#}");
    for dataset in ["meetings", "past_meetings", "report_participants"] {
        assert!(erased["rows"][dataset].as_u64() > Some(0), "{dataset}: {erased:#}");
    }
    assert!(erased["changed"]["report_participants"].as_u64() > Some(0), "{erased:#}");
    assert_eq!(erased["events"], 4, "{erased:#}");

    worker.signal(Signal::CONT);
    send(&at, &events);
    let state = |run: &str| home.run(&["status", run, "--json"]).expect(0).json()["state"].clone();
    until("the end of the run", || state("second") == "complete");
    until("the end of the events", || {
        home.run(&["status", "--json"]).code == Some(0) && waiting(stores, &home) == 0
    });
    worker.signal(Signal::TERM);
    worker.wait(WAIT_MAX).expect("it ends").expect(0);
    for n in 0..3 {
        let run = format!("night-{n}");
        home.run(&["run", "zoom-reconcile", "--run-id", &run, "-vv"]).expect(0);
        send(&at, &events);
    }
    // Once more, of somebody who is not there any more.
    let again = home.run(&erase).expect(0).json();
    assert_eq!(again["rows"], json!({}), "{again:#}");
    drop(serving);
    // A line about a call that was on its way when he was erased may tell which meeting it asked.
    let logs = below(home.logs());
    for mark in user.marks() {
        assert_eq!(times(&logs, mark), 0, "{mark} is in a log");
    }
    let bytes = [stores.bytes(&home), below(home.data())].concat();
    for mark in &marks {
        assert_eq!(times(&bytes, mark), 0, "{mark} is there");
    }
    let others: BTreeSet<String> = truth
        .of("past_meetings")
        .iter()
        .filter(|(_, records)| !is_his(&user, &records[0]))
        .map(|(uuid, _)| uuid.clone())
        .collect();
    let rows = match stores {
        Stores::Files => texts(&home, "SELECT _key FROM past_meetings"),
        Stores::Servers(servers) => {
            let rows = servers.1.sql("postgres", "SELECT _key FROM past_meetings");
            rows.lines().map(str::to_owned).collect()
        }
    };
    assert_eq!(rows, others, "nobody else's is gone");
}

/// Events that wait.
fn waiting(stores: &Stores, home: &Home) -> usize {
    let asked = "SELECT \"key\" FROM _inbox WHERE done_at IS NULL";
    match stores {
        Stores::Files => texts(home, asked).len(),
        Stores::Servers(servers) => servers.1.sql("postgres", asked).lines().count(),
    }
}

#[test]
fn of_somebody_who_was_erased_no_byte_is_left_in_files_and_nothing_brings_him_back() {
    is_erased(&Stores::Files);
}

#[test]
fn of_somebody_who_was_erased_no_byte_is_left_on_servers_and_nothing_brings_him_back() {
    let redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let postgres = PostgresServer::start(&[]);
    is_erased(&Stores::Servers(Box::new((redis, postgres))));
}

/// All below a folder, in another one.
fn copied_folder(from: &std::path::Path, to: &std::path::Path) {
    for path in files_beneath(vec![from.to_owned()]) {
        let name = to.join(path.strip_prefix(from).expect("beneath it"));
        std::fs::create_dir_all(name.parent().expect("a folder")).expect("a folder");
        std::fs::copy(&path, &name).expect("a copy");
    }
}

#[test]
fn killed_at_any_moment_the_same_command_does_the_rest() {
    let account = account(Spec {
        users: 14,
        seed: 71,
        limits: Some(NO_LIMITS.to_owned()),
        ..Spec::default()
    });
    let truth = account.truth().expect("the truth");
    let user = busy(&truth, 1).remove(0);
    let marks = marks(&user, &truth);
    let mut home = home_with(&account, KEY);
    home.set("REDACT", Some("a key of the customer"));
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    // Has not ended, and goes on after it.
    home.run(&["submit", "zoom-reconcile", "--run-id", "open"]).expect(0);
    let before = tempfile::tempdir().expect("a folder");
    copied_folder(&home.data(), before.path());
    let again = || {
        std::fs::remove_dir_all(home.data()).expect("removed");
        copied_folder(before.path(), &home.data());
    };
    let erase = ["erase", "--user", &user.email, "--yes", "--json"];
    let began = Instant::now();
    let whole = home.run(&erase).expect(0).json();
    let takes = began.elapsed();
    assert!(whole["rows"]["users"] == 1 && whole["files"].as_u64() > Some(0), "{whole:#}");
    let others = |home: &Home| texts(home, "SELECT _key || _raw FROM report_participants");
    let left = others(&home);

    let kills = Size::asked().of(5, 100);
    let (mut untouched, mut broken_off) = (0, 0);
    for n in 1..=kills {
        again();
        let mut erasing = home.start(&erase);
        // Now at a moment of the whole, now of what follows when the person is marked.
        let is_marked = || count(&home, "SELECT count(*) FROM _left_out") > 0;
        if n % 2 == 0 {
            while !is_marked() && !erasing.ends_within(Duration::from_millis(1)) {}
        }
        std::thread::sleep(takes * n / (2 - n % 2) / kills);
        let killed = erasing.kill().expect("it is gone").code.is_none();
        let marked = is_marked();
        untouched += u32::from(killed && !marked);
        broken_off += u32::from(killed && marked);
        home.run(&erase).expect(0);
        let bytes = kept(&home);
        for mark in &marks {
            assert_eq!(times(&bytes, mark), 0, "{mark} is there; killed after {n}/{kills}");
        }
        assert_eq!(others(&home), left, "others' stays; killed after {n}/{kills}");
        home.run(&["resume", "open", "-q"]).expect(0);
        assert_eq!(times(&kept(&home), &user.id), 0, "brought back after {n}/{kills}");
    }
    assert!(broken_off > 0, "each was over, or had not begun: {untouched} of {kills}");
    measured(
        "an erasure killed at any moment, and made again",
        &format!("{kills} moments"),
        &format!(
            "{broken_off} broken off after the person was marked, {untouched} before it; 0 bytes \
             of the person after the second, 0 rows of others differ"
        ),
        "0; 0",
    );
}

#[test]
fn what_would_not_last_is_refused_before_anything_is_changed() {
    let account =
        account(Spec { users: 4, seed: 74, limits: Some(NO_LIMITS.into()), ..Spec::default() });
    let mut home = home_with(&account, "");
    let asked = ["erase", "--user", "nobody@example.com", "--yes"];
    let nothing = home.run(&asked).expect(1);
    assert!(nothing.stderr.contains("there is no dataset yet"), "{}", nothing.stderr);
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    let keyless = home.run(&asked).expect(2);
    assert!(keyless.stderr.contains("it needs redact_key"), "{}", keyless.stderr);

    let all = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    home.write("watershed.toml", &format!("{all}\n{KEY}\n"));
    home.set("REDACT", Some("a key of the customer"));
    let nobody = home.run(&asked).expect(1);
    assert!(nobody.stderr.contains("knows nobody of that id or address"), "{}", nobody.stderr);

    let email = texts(&home, "SELECT email FROM users").pop_first().expect("somebody");
    home.run(&["erase", "--user", &email, "--yes"]).expect(0);
    // With another key, or without one, nobody would know whom to leave out.
    home.set("REDACT", Some("another key"));
    let other = home.run(&["run", "zoom-reconcile"]).expect(2);
    assert!(other.stderr.contains("people were erased"), "{}", other.stderr);
    home.write("watershed.toml", &all);
    let none = home.run(&["run", "zoom-reconcile"]).expect(2);
    assert!(none.stderr.contains("people were erased"), "{}", none.stderr);
}

/// An account, and a folder that holds all of it, of whom somebody is to be erased.
pub(crate) fn ready(seed: u64, more: &str) -> (Account, Home, User, BTreeSet<String>) {
    let limits = Some(NO_LIMITS.into());
    let account = account(Spec { users: 8, seed, limits, ..Spec::default() });
    let truth = account.truth().expect("the truth");
    let user = busy(&truth, 1).remove(0);
    let marks = marks(&user, &truth);
    let mut home = home_with(&account, &format!("{KEY}\n{more}"));
    home.set("REDACT", Some("a key of the customer"));
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    (account, home, user, marks)
}

#[test]
fn over_http_whoever_may_erases_as_the_command_does_and_no_log_tells_whom() {
    let tokens = ["SIMSECRET-0123456789-erase", "SIMSECRET-0123456789-operate"];
    let server = "[server]\ntoken = { env = \"ERASE\" }\noperate_token = { env = \"OPERATE\" }\n";
    let (_account, mut home, user, marks) = ready(75, server);
    home.set("ERASE", Some(tokens[0]));
    home.set("OPERATE", Some(tokens[1]));
    home.set("RUST_LOG", Some("trace"));
    let before = kept(&home);
    assert!(marks.iter().all(|mark| times(&before, mark) > 0), "{marks:?} are to be seen before");
    let (mut serving, at) = serve(&home);
    let ask = |token: &str, connection: &str, body: &str| {
        let json = ("content-type", "application/json".to_owned());
        let headers = vec![("authorization", format!("Bearer {token}")), json];
        let path = format!("/api/v1/connections/{connection}/erase");
        let answer = at.ask("POST", &path, &headers, body.as_bytes());
        (answer.status, String::from_utf8(answer.body).expect("text"))
    };
    let who = json!({ "user": user.email }).to_string();
    assert_eq!(ask(tokens[1], "default", &who).0, 403, "operating is not enough");
    assert_eq!(ask(tokens[0], "elsewhere", &who).0, 404);
    for wrong in ["", "{}", r#"{"user":""}"#, r#"{"user":"a","more":1}"#] {
        assert_eq!(ask(tokens[0], "default", wrong).0, 400, "{wrong}");
    }
    let (status, nobody) = ask(tokens[0], "default", r#"{"user":"nobody@example.com"}"#);
    assert_eq!(status, 404, "{nobody}");
    assert!(!nobody.contains("nobody@"), "{nobody}");
    let (status, erased) = ask(tokens[0], "default", &who);
    assert_eq!(status, 200, "{erased}");
    let erased: Value = serde_json::from_str(&erased).expect("JSON");
    fits("erased", &erased);
    assert_eq!(erased["rows"]["users"], 1, "{erased:#}");
    assert_eq!(erased["warnings"], json!([]), "{erased:#}");
    assert!(erased["changed"]["report_participants"].as_u64() > Some(0), "{erased:#}");
    serving.signal(Signal::TERM);
    serving.wait(WAIT_MAX).expect("it ends").expect(0);
    let bytes = kept(&home);
    for mark in &marks {
        assert_eq!(times(&bytes, mark), 0, "{mark} is there");
    }
    let log = home.run(&["audit", "--json"]).expect(0).json_lines();
    let told = |entry: &Value| format!("{} {} {}", entry["act"], entry["who"], entry["outcome"]);
    let erasures: Vec<String> =
        log.iter().filter(|entry| entry["act"] == "erase").map(told).collect();
    let [asked, failed] =
        ["asked", "failed"].map(|outcome| format!("\"erase\" \"token\" \"{outcome}\""));
    assert_eq!(erasures, [asked.clone(), failed, asked]);
    // The command finds nothing left to do.
    let again = home.run(&["erase", "--user", &user.email, "--yes", "--json"]).expect(0).json();
    assert_eq!(again["rows"], json!({}), "{again:#}");
}
