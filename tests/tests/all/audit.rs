//! Who did what when: put down by each command and route that changes something, in one chain in
//! which nothing can be changed unseen.

use serde_json::Value;
use watershed_tests::Home;

use crate::ground::{free_account, free_home};
use crate::json_shapes::fits;
use crate::webhooks::endpoint::At;

/// Processes that put something down at once.
const AT_ONCE: usize = 6;

fn entries(home: &Home) -> Vec<Value> {
    home.run(&["audit", "--json"]).expect(0).json_lines()
}

/// `act connection run outcome` of each entry.
fn told(home: &Home) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |entry: &Value| {
        ["act", "connection", "run", "outcome"].map(|member| text(&entry[member])).join(" ")
    };
    entries(home).iter().map(line).collect()
}

/// Changes the log as whoever has the file can.
fn meddle(home: &Home, sql: &str) {
    let file = rusqlite::Connection::open(home.sink()).expect("the dataset");
    file.execute_batch(sql).expect("it is changed");
}

#[test]
fn each_command_that_changes_something_is_put_down_with_who_gave_it() {
    let account = free_account(3, 81);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "--run-id", "one"]).expect(0);
    home.run(&["run", "zoom-backfill", "--run-id", "one"]).expect(0);
    home.run(&["submit", "zoom-backfill", "--run-id", "two"]).expect(0);
    home.run(&["pause", "two"]).expect(0);
    home.run(&["resume", "two", "--detach"]).expect(0);
    home.run(&["retry", "two"]).expect(0);
    home.run(&["cancel", "two"]).expect(0);
    home.run(&["cancel", "two"]).expect(1);
    home.run(&["erase", "--user", "nobody@example.com", "--yes"]).expect(2);
    // Whoever only looks is not put down.
    for words in [&["status"][..], &["runs"], &["failures"], &["coverage"], &["audit"]] {
        home.run(words).expect(0);
    }
    let all = [
        "run default one asked",
        "submit default two asked",
        "pause default two asked",
        "resume default two asked",
        "retry default two asked",
        "cancel default two asked",
        "cancel default two asked",
        "cancel default two failed",
        "erase default - asked",
        "erase default - failed",
    ];
    assert_eq!(told(&home), all);
    for entry in entries(&home) {
        assert_eq!(entry["via"], "command");
        assert!(entry["who"].as_str().is_some_and(|who| !who.is_empty()), "{entry}");
        assert!(!entry.to_string().contains("nobody@example.com"), "of nobody's address");
    }
    let whole = home.run(&["audit", "--verify", "--json"]).expect(0).json();
    assert_eq!((&whole["entries"], &whole["broken"]), (&10.into(), &Value::Null), "{whole}");
}

#[test]
fn who_acts_over_http_is_put_down_by_the_name_of_his_token() {
    let account = free_account(3, 82);
    let mut home = free_home(&account);
    let token = "SIMSECRET-0123456789-operate";
    home.set("TOKEN", Some("SIMSECRET-0123456789-all"));
    home.set("OPERATE", Some(token));
    let settings = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    let server = "[server]\ntoken = { env = \"TOKEN\" }\noperate_token = { env = \"OPERATE\" }\n";
    home.write("watershed.toml", &format!("{settings}\n{server}"));
    home.run(&["submit", "zoom-backfill", "--run-id", "two"]).expect(0);
    let mut serve = home.start(&["serve", "--listen", "127.0.0.1:0"]);
    let listens = |p: &watershed_tests::Running| p.stdout().contains("listening on http://");
    let soon = std::time::Duration::from_secs(60);
    serve.until("a place to listen", soon, listens).expect("it listens");
    let at = At(serve.stdout().trim().rsplit('/').next().expect("where").to_owned());
    let bearer = format!("Bearer {token}");
    let headers = vec![("authorization", bearer), ("content-type", "application/json".to_owned())];
    for act in ["pause", "cancel", "cancel"] {
        at.ask("POST", &format!("/api/v1/runs/two/{act}"), &headers, b"{}");
    }
    let origin = ("origin", format!("http://{}", at.0));
    let form = ("content-type", "application/x-www-form-urlencoded".to_owned());
    let secret = format!("secret={token}");
    let entered = at.ask("POST", "/sign-in", &vec![origin, form], secret.as_bytes());
    assert_eq!(entered.status, 303, "{entered:?}");
    let all = [
        "submit default two asked",
        "pause default two asked",
        "cancel default two asked",
        "cancel default two asked",
        "cancel default two failed",
        "sign_in - - asked",
    ];
    assert_eq!(told(&home), all);
    let (mut pages, mut next) = (Vec::new(), String::new());
    while pages.len() < 4 {
        let path = format!("/api/v1/audit?limit=2{next}");
        let page = at.ask("GET", &path, &headers, b"");
        let mut page: Value = serde_json::from_slice(&page.body).expect("a page");
        pages.push(page["items"].take());
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    let items: Vec<Value> =
        pages.iter().flat_map(|page| page.as_array().expect("items").clone()).collect();
    assert_eq!(items, entries(&home), "what the command tells, page by page");
    items.iter().for_each(|entry| fits("audit-entry", entry));
    for entry in &entries(&home)[1..] {
        assert_eq!((&entry["via"], &entry["who"]), (&"http".into(), &"operate_token".into()));
        assert!(!entry.to_string().contains("SIMSECRET"));
    }
}

#[test]
fn what_was_changed_taken_out_or_put_in_between_is_named() {
    let account = free_account(3, 83);
    let made = || {
        let home = free_home(&account);
        home.run(&["submit", "zoom-backfill", "--run-id", "two"]).expect(0);
        for _ in 0..4 {
            home.run(&["pause", "two"]).expect(0);
        }
        home
    };
    let home = made();
    let file = rusqlite::Connection::open(home.sink()).expect("the dataset");
    for sql in ["UPDATE _audit SET who = 'nobody'", "DELETE FROM _audit"] {
        let refused = file.execute_batch(sql).expect_err("it is only added to").to_string();
        assert!(refused.contains("_audit is only added to"), "{refused}");
    }
    let head = home.run(&["audit", "--verify", "--json"]).expect(0).json();
    let head = head["head"].as_str().expect("a hash").to_owned();

    let off = "DROP TRIGGER _audit_stays; DROP TRIGGER _audit_remains;";
    for (harm, place, why) in [
        ("UPDATE _audit SET who = 'nobody' WHERE place = 3", 3, "it is not as it was written"),
        ("UPDATE _audit SET at = 'long ago' WHERE place = 1", 1, "it is not as it was written"),
        ("DELETE FROM _audit WHERE place = 2", 3, "the entry before it is missing"),
        (
            "DELETE FROM _audit WHERE place = 2; UPDATE _audit SET place = place - 1 \
             WHERE place > 2",
            2,
            "it does not follow on the entry before it",
        ),
        ("DELETE FROM _audit WHERE place = 1", 2, "the entry before it is missing"),
    ] {
        let home = made();
        meddle(&home, &format!("{off} {harm}"));
        let found = home.run(&["audit", "--verify"]).expect(1);
        let named = format!("entry {place} of the audit log: {why}");
        assert!(found.stderr.contains(&named), "{harm}: {}", found.stderr);
        let told = home.run(&["audit", "--verify", "--json"]).expect(1).json();
        assert_eq!(told["broken"]["place"], place, "{told}");
    }

    // That the end was cut off shows to whoever kept a hash, and to nobody else.
    meddle(&home, &format!("{off} DELETE FROM _audit WHERE place > 3"));
    home.run(&["audit", "--verify"]).expect(0);
    let cut = home.run(&["audit", "--verify", "--kept", &head]).expect(1);
    assert!(cut.stderr.contains("no entry of the audit log has that hash"), "{}", cut.stderr);
}

#[test]
fn processes_that_put_something_down_at_once_make_one_chain() {
    let account = free_account(3, 84);
    let home = free_home(&account);
    home.run(&["submit", "zoom-backfill", "--run-id", "two"]).expect(0);
    let pausing: Vec<_> = (0..AT_ONCE).map(|_| home.start(&["pause", "two"])).collect();
    for pause in pausing {
        pause.wait(std::time::Duration::from_secs(60)).expect("it ends").expect(0);
    }
    let whole = home.run(&["audit", "--verify", "--json"]).expect(0).json();
    assert_eq!((&whole["entries"], &whole["broken"]), (&(1 + AT_ONCE).into(), &Value::Null));
}
