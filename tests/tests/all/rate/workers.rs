//! The same of many workers on one Redis: however many they are, whatever their clocks say, and
//! whoever else is there.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use watershed_test_servers::RedisServer;
use watershed_tests::{Account, Home, Running, Scope, Settings, Size, Spec, audit, clock_off};

use super::{
    DAY, DAY_SHARE, SHARE, allowed, day_spent, least_used, most_arrivals, much, small_day, used,
};
use crate::fleet::drained;
use crate::ground::{account, home, measured};

/// Calls of one worker at once.
const CONCURRENCY: u16 = 64;
/// How far a clock that is off is off, in seconds.
const OFF_S: i64 = 5;
/// A call arrives at its slot or up to so many seconds later: up to ten processes have two cores,
/// and the account sees what has waited for it all at once.
const ARRIVE_WITHIN_S: f64 = 0.25;
/// What takes longer is stuck.
const RUN_MAX: Duration = Duration::from_secs(180);

fn on(redis: &RedisServer, account: &Account) -> Home {
    let settings = Settings { concurrency: CONCURRENCY, ..Settings::default() };
    let mut home = home(account, &settings);
    home.set("WATERSHED_STORE__URL", Some(&redis.url()));
    home
}

/// The program with a clock that is so far off.
fn with_clock(home: &Home, words: &[&str], off_s: i64) -> Command {
    let mut command = home.command(words);
    if off_s != 0 {
        command.envs(clock_off(off_s, home.path()));
    }
    command
}

/// A run by workers whose clocks are so far off; the worst use of a share, and the calls made.
fn campaign(tier: &'static str, shape: &str, clocks_off: &[i64], during: Duration) -> (f64, u64) {
    let named = format!("tier {tier}, {shape}, clocks {clocks_off:?}");
    let redis = RedisServer::start(&[]);
    let limits = Some(format!("shape={shape}"));
    let account = account(Spec { users: 1_500, tier, limits, ..Spec::default() });
    let home = on(&redis, &account);
    let start = |off_s: &i64| home.start_command(with_clock(&home, &["worker"], *off_s));
    let mut workers: Vec<Running> = clocks_off.iter().map(start).collect();
    home.run(&["submit", much(&home), "--run-id", "one"]).expect(0);
    let shares = allowed(tier).map(|limit| limit * SHARE);
    let used = used(&account, &mut workers[0], shares, during);
    workers.into_iter().for_each(drained);
    let stats = account.stats().expect("stats");
    assert_eq!(stats.refused_for_rate(), 0, "{named}: {:#}", stats.0);
    for (category, limit) in ["light", "medium", "heavy"].into_iter().zip(allowed(tier)) {
        let peak = stats.peak_per_second(category);
        let most = most_arrivals(SHARE, limit as u32, ARRIVE_WITHIN_S);
        assert!(peak <= most, "{named}: {peak} {category} calls in a second, {most} may be");
    }
    (used.into_iter().fold(f64::MAX, f64::min), stats.calls())
}

/// Says what was found by campaigns of such clocks.
fn campaigns(name: &str, fleets: &[&[i64]]) {
    let size = Size::asked();
    let during = Duration::from_secs(size.of(8, 60));
    let tier = size.of("pro", "business");
    let (mut calls, mut worst) = (0, f64::MAX);
    for clocks_off in fleets {
        let shape = if clocks_off.len() % 4 == 2 { "sliding" } else { "fixed" };
        let (used, made) = campaign(tier, shape, clocks_off, during);
        assert!(used >= least_used(size), "clocks {clocks_off:?}: {used:.3} of the share");
        calls += made;
        worst = worst.min(used);
    }
    let many: Vec<usize> = fleets.iter().map(|fleet| fleet.len()).collect();
    measured(
        name,
        &format!("{many:?} workers, tier {tier}, {} s each", during.as_secs()),
        &format!("0 of {calls} calls refused; at least {:.1} % used", worst * 100.0),
        "0; 97 %",
    );
}

#[test]
fn however_many_workers_there_are_the_share_is_used_and_no_call_refused() {
    let all: [&[i64]; 4] = [&[0], &[0; 2], &[0; 4], &[0; 8]];
    campaigns("workers on one Redis, and the share used", Size::asked().of(&all[1..2], &all));
}

#[test]
fn a_worker_whose_clock_is_off_changes_nothing() {
    let all: [&[i64]; 2] = [&[OFF_S, -OFF_S], &[0, OFF_S, -OFF_S, 0]];
    let fleets = Size::asked().of(&all[..1], &all);
    campaigns("the same, clocks of two workers 5 s off", fleets);
}

/// What stands behind the test above.
#[test]
fn a_clock_that_is_put_off_is_off_in_the_program() {
    let account = account(Spec { users: 1, ..Spec::default() });
    let home = home(&account, &Settings::default());
    let thousand_years = 365 * 86_400 * 1_000;
    let command = with_clock(&home, &["submit", "zoom-backfill"], thousand_years);
    let told = home.start_command(command).wait(RUN_MAX).expect("it ends").expect(0).stdout;
    assert!(told.trim().starts_with("30"), "a run's id begins with the year: {told}");
}

#[test]
fn two_connections_of_one_account_at_once_spend_one_day() {
    let redis = RedisServer::start(&[]);
    let account = small_day();
    let settings = Settings { limits: Some(DAY), ..Settings::default() };
    let mut home = home(&account, &settings);
    home.set("WATERSHED_STORE__URL", Some(&redis.url()));
    both(&mut home, [&account, &account]);
    let of = |name: &str| home.start(&["worker", "--connection", name]);
    let (mut a, b) = (of("a"), of("b"));
    for (name, run) in [("a", "first"), ("b", "second")] {
        home.run(&["submit", "zoom-backfill", "--connection", name, "--run-id", run]).expect(0);
    }
    for run in ["first", "second"] {
        day_spent(&account, &home, run, &mut a);
    }
    [a, b].into_iter().for_each(drained);
    let stats = account.stats().expect("stats");
    assert_eq!(stats.calls_of("zoom.report_participants"), DAY_SHARE, "{:#}", stats.0);
    assert_eq!(stats.refused_for_rate(), 0, "{:#}", stats.0);
}

/// Makes the connections `a` and `b` of those accounts, in place of the one of the first.
fn both(home: &mut Home, accounts: [&Account; 2]) {
    let one = std::fs::read_to_string(home.path().join("watershed.toml")).expect("it is there");
    let (head, connection) = one.split_once("[connections.default]").expect("a connection");
    let mut text = head.to_owned();
    for (name, account) in ["a", "b"].into_iter().zip(accounts) {
        let mut section = connection.to_owned();
        for member in ["api_url", "token_url"] {
            section = section.replace(accounts[0].ready(member), account.ready(member));
        }
        for member in ["account_id", "client_id", "client_secret"] {
            let variable = format!("ZOOM_{}", member.to_uppercase());
            section = section.replace(&variable, &format!("{name}_{variable}"));
            home.set(&format!("{name}_{variable}"), Some(account.ready(member)));
        }
        text += &format!("[connections.{name}]{section}\n");
    }
    home.write("watershed.toml", &text);
}

/// Two accounts with the same ids in them on one Redis, and two workers for both. A run of each
/// begins.
fn twins(
    redis: &RedisServer,
    accounts: [&Account; 2],
    workflow: fn(&Home) -> &'static str,
) -> (Home, Vec<Running>) {
    assert_ne!(accounts[0].ready("account_id"), accounts[1].ready("account_id"));
    let mut home = on(redis, accounts[0]);
    both(&mut home, accounts);
    let workers = (0..2).map(|_| home.start(&["worker"])).collect();
    for name in ["a", "b"] {
        let run = ["submit", workflow(&home), "--connection", name, "--run-id", name];
        home.run(&run).expect(0);
    }
    (home, workers)
}

/// What the dataset holds of one connection, and its audit log, of which nothing can be deleted.
fn only(home: &Home, name: &str) -> PathBuf {
    let path = home.path().join(format!("{name}.db"));
    let whole = Connection::open(home.sink()).expect("the dataset");
    whole.execute("VACUUM INTO ?1", [path.to_str()]).expect("a copy");
    let copy = Connection::open(&path).expect("the copy");
    let mut named = copy
        .prepare(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND c.name IN ('connection', '_connection')
                 AND m.name <> '_audit'",
        )
        .expect("a statement");
    let tables = named.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("the tables");
    let tables: Vec<(String, String)> = tables.map(|table| table.expect("two names")).collect();
    assert!(tables.len() > 10, "{tables:?}");
    for (table, column) in tables {
        copy.execute(&format!("DELETE FROM {table} WHERE {column} <> ?1"), [name])
            .expect("the other's rows go");
    }
    path
}

#[test]
fn two_accounts_with_the_same_ids_stay_apart() {
    let redis = RedisServer::start(&[]);
    let of = |number| account(Spec { users: 5, number, ..Spec::default() });
    let (first, second) = (of(0), of(1));
    let (home, workers) = twins(&redis, [&first, &second], |_| "zoom-backfill");
    let begun = Instant::now();
    let complete = || {
        let runs = home.run(&["runs", "--json"]).json_lines();
        runs.len() == 2 && runs.iter().all(|run| run["state"] == "complete")
    };
    while !complete() {
        assert!(begun.elapsed() < RUN_MAX, "{}", home.run(&["runs"]).stdout);
        std::thread::sleep(Duration::from_millis(200));
    }
    workers.into_iter().for_each(drained);
    for (name, account) in [("a", &first), ("b", &second)] {
        let truth = account.truth().expect("the truth");
        audit(&only(&home, name), &truth, &Scope::backfill()).expect("an audit").expect_equal();
        let stats = account.stats().expect("stats");
        assert_eq!(stats.in_vain(), 0, "{name}: {:#}", stats.0);
    }
}

#[test]
fn an_account_in_trouble_does_not_slow_another() {
    let size = Size::asked();
    let during = Duration::from_secs(size.of(8, 60));
    let stalled = Spec { latency_ms: Some(5_000), ..Spec::default() };
    let limits = Some("shape=fixed,other_app=0.95".to_owned());
    let throttled = Spec { limits, ..Spec::default() };
    let troubles = [("stalled", stalled), ("throttled", throttled)];
    let mut worst = f64::MAX;
    for (trouble, spec) in &troubles[..size.of(1, 2)] {
        let redis = RedisServer::start(&[]);
        let well = Spec { users: 1_500, tier: "pro", ..Spec::default() };
        let first = account(Spec { limits: Some("shape=fixed".to_owned()), ..well.clone() });
        let second = account(Spec { users: 1_500, tier: "pro", number: 1, ..spec.clone() });
        let (_home, mut workers) = twins(&redis, [&first, &second], much);
        let used = used(&first, &mut workers[0], allowed("pro").map(|l| l * SHARE), during);
        let used = used.into_iter().fold(f64::MAX, f64::min);
        assert!(used >= least_used(size), "beside a {trouble} one: {used:.3} of the share");
        workers.into_iter().for_each(drained);
        let (well, ill) = (first.stats().expect("stats"), second.stats().expect("stats"));
        assert_eq!(well.refused_for_rate(), 0, "beside a {trouble} one: {:#}", well.0);
        assert!(ill.calls() * 4 < well.calls(), "{trouble}: {} calls", ill.calls());
        worst = worst.min(used);
    }
    measured(
        "beside an account that is stalled or throttled, on the same Redis and workers",
        &format!("{} troubles, {} s each", size.of(1, 2), during.as_secs()),
        &format!("at least {:.1} % of the share used; 0 calls refused", worst * 100.0),
        "97 %; 0",
    );
}
