//! What is gone at Zoom is marked, by proof, and never by mistake.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use watershed_tests::{Home, Settings, Spec, Truth};

use crate::ground::{SCOPES, account, free_account, free_home};

/// Datasets of which rows may be marked.
const MARKED: [&str; 4] = ["users", "meetings", "recordings", "recording_files"];

/// Keys of rows that are marked as deleted, by dataset.
fn marked(home: &Home) -> BTreeMap<&'static str, BTreeSet<String>> {
    let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
    let of = |dataset: &'static str| {
        let sql = format!("SELECT _key FROM {dataset} WHERE _deleted_at IS NOT NULL");
        let mut keys = database.prepare(&sql).expect("a table");
        let keys = keys.query_map([], |row| row.get(0)).expect("keys");
        (dataset, keys.collect::<rusqlite::Result<_>>().expect("keys"))
    };
    MARKED
        .into_iter()
        .map(of)
        .filter(|(_, keys): &(_, BTreeSet<String>)| !keys.is_empty())
        .collect()
}

fn nothing() -> BTreeMap<&'static str, BTreeSet<String>> {
    BTreeMap::new()
}

fn backfill(home: &Home, code: i32) {
    home.run(&["run", "zoom-backfill", "-q", "--input", "media=none"]).expect(code);
}

/// Hosts of recordings, each with those of his that are told in the truth.
fn recorded(truth: &Truth) -> BTreeMap<String, Vec<String>> {
    let mut of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (uuid, records) in truth.of("recordings") {
        let host = records[0]["host_id"].as_str().expect("a host");
        of.entry(host.to_owned()).or_default().push(uuid.clone());
    }
    of
}

/// The meeting that begins last: it is still to come.
fn to_come(truth: &Truth, not_of: &str) -> String {
    let start = |records: &[Value]| records[0]["start_time"].as_str().map(str::to_owned);
    let single = |records: &[Value]| records[0]["type"] == 2 && records[0]["host_id"] != not_of;
    let meetings = truth.of("meetings").iter().filter(|(_, records)| single(records));
    let last = meetings.max_by_key(|(_, records)| start(records));
    last.expect("people have meetings").0.clone()
}

#[test]
fn what_is_deleted_is_marked_and_what_is_in_the_trash_or_back_from_it_is_not() {
    let account = free_account(60, 74);
    let home = free_home(&account);
    backfill(&home, 0);
    assert_eq!(marked(&home), nothing());

    let truth = account.truth().expect("the truth");
    let hosts = recorded(&truth);
    let rich: Vec<(&String, &Vec<String>)> = hosts.iter().filter(|(_, r)| r.len() >= 2).collect();
    let [(one, ones), (leaver, _), (other, others), ..] = rich[..] else {
        panic!("three hosts of recordings")
    };
    assert!(one != leaver && other != leaver);
    let meeting = to_come(&truth, leaver);
    account
        .change(&[
            format!("delete user {leaver}"),
            format!("delete meeting {meeting}"),
            format!("delete recording {}", ones[0]),
            format!("trash recording {}", ones[1]),
            format!("trash recording {}", others[0]),
        ])
        .expect("the account has all of them");
    account.change(&[format!("recover recording {}", others[0])]).expect("it is in the trash");
    let files = truth.of("recording_files").iter();
    let files = files.filter(|(_, records)| records[0]["meeting_id"] == ones[0].as_str());
    let expected = BTreeMap::from([
        ("users", BTreeSet::from([leaver.clone()])),
        ("meetings", BTreeSet::from([meeting])),
        ("recordings", BTreeSet::from([ones[0].clone()])),
        ("recording_files", files.map(|(key, _)| key.clone()).collect()),
    ]);
    backfill(&home, 0);
    assert_eq!(marked(&home), expected, "what the leaver held is in no list that was read");
    let listing = |uuid: &str| {
        let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
        let sql = "SELECT _listing FROM recordings WHERE _key = ?1";
        database.query_row(sql, [uuid], |row| row.get::<_, String>(0)).expect("its row")
    };
    assert!(listing(&ones[1]).contains("list_trashed_recordings"), "the trash is told apart");

    // What is gone stays gone; what comes back is there again.
    account.change(&[format!("recover recording {}", ones[1])]).expect("it is in the trash");
    backfill(&home, 0);
    assert_eq!(marked(&home), expected);
    assert!(!listing(&ones[1]).contains("list_trashed_recordings"));
}

#[test]
fn where_more_is_missing_than_a_mistake_explains_nothing_is_marked_and_the_operator_is_asked() {
    let account = free_account(40, 75);
    let home = free_home(&account);
    backfill(&home, 0);
    let truth = account.truth().expect("the truth");
    let people: Vec<String> = truth
        .of("users")
        .values()
        .filter_map(|records| records[0]["id"].as_str().map(str::to_owned))
        .collect();
    assert!(people.len() > 30);
    let gone: Vec<String> = people.iter().map(|id| format!("delete user {id}")).collect();
    account.change(&gone).expect("the account has them");
    backfill(&home, 3);
    assert_eq!(marked(&home), nothing());
    let letters = home.run(&["failures", "--json"]).expect(0).json_lines();
    let letter = letters.iter().find(|letter| letter["step"] == "users_missing");
    let letter = letter.expect("the step that found them failed");
    let message = letter["message"].as_str().expect("a message");
    assert!(message.contains("stored users are in no list any more"), "{message}");
    assert!(letter["hint"].as_str().expect("a hint").contains("delete_ceiling"), "{letter}");

    // It was no mistake.
    let settings = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    home.write("watershed.toml", &format!("{settings}delete_ceiling = 1.0\n"));
    let id = letter["id"].as_str().expect("an id");
    let (run, _) = id.split_once('.').expect("it begins with the run's");
    home.run(&["retry", run, "--step", "users_missing"]).expect(0);
    home.run(&["resume", run, "-q"]);
    assert_eq!(marked(&home)["users"], people.into_iter().collect());
    let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
    let sql = "SELECT count(*) FROM _coverage WHERE operation LIKE 'watershed.%'";
    let told: i64 = database.query_row(sql, [], |row| row.get(0)).expect("coverage");
    assert_eq!(told, 0, "a step that asks nobody leaves nothing to be known of it");
}

#[test]
fn what_a_lost_scope_hides_is_not_taken_for_gone() {
    let spec = Spec { users: 20, seed: 76, limits: Some("off".to_owned()), ..Spec::default() };
    let whole = account(spec.clone());
    let settings = Settings { limits: Some(Settings::FREE), ..Settings::default() };
    let truth = whole.truth().expect("the truth");
    let deleted = truth.of("recordings").keys().next().expect("a recording").clone();
    // What proves that one is gone, or that it is not in the trash, may be what is lost.
    for (lost, provable) in [
        ("user:read:list_users:admin", true),
        ("user:read:user:admin", true),
        ("meeting:read:list_meetings:admin", true),
        ("cloud_recording:read:list_account_recordings:admin", true),
        ("cloud_recording:read:list_user_recordings:admin", false),
        ("cloud_recording:read:list_recording_files:admin", false),
    ] {
        let home = free_home(&whole);
        backfill(&home, 0);
        let rest: Vec<&str> = SCOPES.into_iter().filter(|scope| *scope != lost).collect();
        let poorer = account(Spec { scopes: Some(rest.join(",")), ..spec.clone() });
        poorer.change(&[format!("delete recording {deleted}")]).expect("the account has it");
        home.point_at(&poorer, &settings);
        home.run(&["run", "zoom-backfill", "-q", "--input", "media=none"]);
        let mut found = marked(&home);
        found.remove("recording_files");
        let expected = BTreeMap::from([("recordings", BTreeSet::from([deleted.clone()]))]);
        assert_eq!(found, if provable { expected } else { nothing() }, "without {lost}");
    }
}
