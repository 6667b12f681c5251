//! Runs that start by themselves: schedulers as processes, on another day than today.

use std::time::{Duration, SystemTime};

use rustix::process::Signal;
use serde_json::Value;
use watershed_tests::{Account, Home, Running, clock_off};

use crate::ground::{free_account, free_home};

const DAY_S: i64 = 86_400;
/// A process that does not say what it does by then is stuck.
const SAID_MAX: Duration = Duration::from_secs(60);

/// A workflow that is due each day, half a day away from now, so that no test meets it.
fn nightly(policies: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let hour = (now.as_secs() / 3_600 + 12) % 24;
    format!(
        "name: nightly
inputs:
  day: {{ type: date, default: today }}
schedule:
  cron: \"0 {hour} * * *\"
  {policies}
steps:
  users:
    for_each: [active, inactive]
    as: status
    use: zoom.list_users
    with: {{ status: \"${{{{ status }}}}\" }}
  meetings:
    for_each: users
    as: user
    use: zoom.list_meetings
    with:
      user_id: \"${{{{ user.id }}}}\"
      type: previous_meetings
      from: \"${{{{ inputs.day }}}}\"
      to: \"${{{{ inputs.day }}}}\"
"
    )
}

/// A folder in which it is scheduled, and has been seen by a scheduler today.
fn seen(account: &Account, policies: &str) -> Home {
    let mut home = free_home(account);
    home.write("nightly.yaml", &nightly(policies));
    home.set("WATERSHED_SCHEDULE__WORKFLOWS", Some("nightly.yaml"));
    drain(scheduler(&home, 0));
    assert_eq!(rows(&home, "SELECT count(*) FROM _schedules"), [["1"]]);
    assert_eq!(rows(&home, "SELECT count(*) FROM _ticks"), [["0"]], "nothing for days before");
    home
}

/// A scheduler so many days from now, once it looks for what is due.
fn scheduler(home: &Home, days: i64) -> Running {
    let mut command = home.command(&["schedule"]);
    command.envs(clock_off(days * DAY_S, home.path()));
    let mut scheduler = home.start_command(command);
    let looks = |it: &Running| it.stderr().contains("starting runs on");
    scheduler.until("its first look", SAID_MAX, looks).expect("it begins");
    let until = std::time::Instant::now() + SAID_MAX;
    while rows(home, "SELECT count(*) FROM _schedules") == [["0"]] {
        assert!(std::time::Instant::now() < until, "it looks: {}", scheduler.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
    scheduler
}

fn drain(mut scheduler: Running) -> String {
    scheduler.signal(Signal::TERM);
    scheduler.wait(SAID_MAX).expect("it ends").expect(0).stderr
}

/// What a query of the dataset says.
fn rows(home: &Home, query: &str) -> Vec<Vec<String>> {
    let sink = rusqlite::Connection::open(home.sink()).expect("the dataset");
    let mut statement = sink.prepare(query).expect("a query");
    let columns = statement.column_count();
    let mut rows = statement.query([]).expect("rows");
    let mut found = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        let text = |n| -> String {
            let value: rusqlite::types::Value = row.get(n).expect("a value");
            match value {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(n) => n.to_string(),
                _ => "-".to_owned(),
            }
        };
        found.push((0..columns).map(text).collect());
    }
    found
}

fn until(what: &str, mut met: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + SAID_MAX;
    while !met() {
        assert!(std::time::Instant::now() < end, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

const TICKS: &str = "SELECT state, why FROM _ticks ORDER BY due_at";

#[test]
fn of_two_schedulers_each_tick_starts_one_run_which_a_worker_beside_them_executes() {
    let account = free_account(3, 7);
    let home = seen(&account, "overlap: queue");
    let mut worker = home.command(&["worker"]);
    worker.envs(clock_off(DAY_S, home.path()));
    let worker = home.start_command(worker);
    let two = [scheduler(&home, 1), scheduler(&home, 1)];
    let runs = "SELECT state, \"trigger\", workflow FROM _runs";
    until("the run's end", || rows(&home, runs) == [["complete", "schedule", "nightly"]]);
    assert_eq!(rows(&home, TICKS), [["run", "-"]]);
    let told: Vec<String> = two.into_iter().map(drain).collect();
    let started = told.iter().filter(|said| said.contains("has started")).count();
    assert_eq!(started, 1, "one of them tells: {told:#?}");
    let due = rows(&home, "SELECT due_at FROM _ticks").remove(0).remove(0);
    let id = rows(&home, "SELECT id, inputs FROM _runs").remove(0);
    let digits: String = due.chars().filter(|c| !"-:".contains(*c)).collect();
    assert_eq!(id[0], format!("nightly.default.{}Z", &digits[..15]));
    assert_eq!(id[1], format!("{{\"day\":\"{}\"}}", &due[..10]), "today is the tick's own day");

    // Three days later: by default what was missed runs once.
    let late = scheduler(&home, 4);
    until("the latest one", || rows(&home, "SELECT count(*) FROM _runs") == [["2"]]);
    drain(late);
    assert_eq!(
        rows(&home, TICKS),
        [["run", "-"], ["skipped", "missed"], ["skipped", "missed"], ["run", "-"]]
    );
    drop(worker);
}

#[test]
fn a_scheduler_that_is_killed_leaves_nothing_undone_and_nothing_twice() {
    let account = free_account(2, 8);
    let home = seen(&account, "missed: run_all\n  overlap: cancel_previous");
    for nth in 0..6_u64 {
        let mut command = home.command(&["schedule"]);
        command.envs(clock_off(5 * DAY_S, home.path()));
        let scheduler = home.start_command(command);
        std::thread::sleep(Duration::from_millis(40 * nth));
        scheduler.kill().expect("it is gone");
    }
    let last = scheduler(&home, 5);
    until("all of them", || rows(&home, "SELECT count(*) FROM _ticks") == [["5"]]);
    until("the last one in the ledger", || {
        let ended = home.run(&["status", "--json"]).expect(0);
        ended.json()["state"] == "running"
    });
    drain(last);
    assert_eq!(rows(&home, TICKS), [["run", "-"]; 5].map(|row| row.map(str::to_owned).to_vec()));
    let states = "SELECT state FROM _runs ORDER BY id";
    let [.., last] = &rows(&home, states)[..] else { panic!("no run") };
    assert_eq!(last, &["running"]);
    assert_eq!(rows(&home, "SELECT count(*) FROM _runs WHERE state = 'running'"), [["1"]]);
}

#[test]
fn the_list_tells_when_each_is_due_how_the_last_one_went_and_what_a_day_costs() {
    let account = free_account(2, 9);
    let home = seen(&account, "timezone: Europe/Berlin");
    let line = || home.run(&["schedule", "--list", "--json"]).expect(0).json_lines().remove(0);
    let before = line();
    assert_eq!(before["last"], Value::Null);
    assert_eq!(before["heavy"]["a_day"], Value::Null, "nobody knows yet: {before}");
    assert_eq!(before["next"].as_array().map(Vec::len), Some(3));
    let local = before["next"][0]["local"].as_str().unwrap_or_default();
    assert!(local.ends_with("[Europe/Berlin]"), "{local}");
    let shown = home.run(&["schedule", "--list"]).expect(0);
    assert!(shown.stdout.contains("not known yet"), "{shown}");
    assert!(shown.stderr.contains("watershed estimate nightly"), "{shown}");

    home.run(&["run", "nightly.yaml"]).expect(0);
    let after = line();
    assert_eq!(after["heavy"]["a_day"], 0.0, "it makes none: {after}");
}

#[test]
fn what_cannot_be_scheduled_is_told_before_anything_starts() {
    let account = free_account(1, 10);
    let mut home = free_home(&account);
    let mut refused = |workflows: Option<&str>, why: &str| {
        home.set("WATERSHED_SCHEDULE__WORKFLOWS", workflows);
        let ended = home.run(&["schedule"]).expect(2);
        assert!(ended.stderr.contains(why), "{ended}");
    };
    refused(None, "no workflow is scheduled");
    refused(Some("zoom-backfill"), "has no `schedule:`");
    refused(Some("zoom-reconcile, zoom-reconcile"), "twice");
    refused(Some("zoom-reconcil"), "did you mean `zoom-reconcile`");
}
