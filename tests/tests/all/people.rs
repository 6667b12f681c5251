//! Only whom the customer agreed to: who is left out is neither asked about nor stored, and
//! stands under a pseudonym where others' records name him.

use std::collections::BTreeSet;
use std::path::PathBuf;

use memchr::memmem;
use serde_json::Value;
use watershed_tests::{Account, Home, Spec, Truth};

use crate::ground::{NO_LIMITS, account, free_home};

/// Files beneath these folders.
pub(crate) fn files_beneath(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

/// All bytes that a home keeps, logs among them.
pub(crate) fn kept(home: &Home) -> Vec<u8> {
    let files = files_beneath(vec![home.data(), home.logs()]);
    files.into_iter().flat_map(|path| std::fs::read(path).expect("bytes")).collect()
}

pub(crate) fn times(bytes: &[u8], text: &str) -> usize {
    memmem::find_iter(bytes, text).count()
}

pub(crate) const KEY: &str = "redact_key = { env = \"REDACT\" }";

/// A home whose connection has these settings too.
pub(crate) fn home_with(account: &Account, settings: &str) -> Home {
    let home = free_home(account);
    let all = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    home.write("watershed.toml", &format!("{all}\n{settings}"));
    home
}

/// A home whose connection is limited to some users.
pub(crate) fn limited_home(account: &Account, users: &str) -> Home {
    let mut home = home_with(account, &format!("{KEY}\nusers = {users}\n"));
    home.set("REDACT", Some("a key of the customer"));
    home
}

/// A user as the account shows him.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) name: String,
}

impl User {
    pub(crate) fn of(record: &Value) -> User {
        let text = |member: &str| record[member].as_str().unwrap_or_default().to_owned();
        let name = format!("{} {}", text("first_name"), text("last_name"));
        User { id: text("id"), email: text("email"), name }
    }

    /// What tells of him and of nobody else.
    pub(crate) fn marks(&self) -> [&str; 3] {
        [&self.id, &self.email, &self.name]
    }
}

/// Users who host meetings and take part in others', whose names are their own.
pub(crate) fn busy(truth: &Truth, many: usize) -> Vec<User> {
    let users: Vec<User> =
        truth.people().into_iter().map(|id| User::of(&truth.of("users")[id][0])).collect();
    let stays: Vec<&Value> = truth.of("report_participants").values().flatten().collect();
    let meetings: Vec<&Value> = truth.of("meetings").values().flatten().collect();
    let found = users.iter().filter(|user| {
        let hosts = meetings.iter().filter(|m| m["host_id"] == user.id.as_str()).count();
        let stays = stays.iter().filter(|s| s["id"] == user.id.as_str()).count();
        let namesakes = users.iter().filter(|other| other.name == user.name).count();
        hosts > 0 && stays > hosts && namesakes == 1
    });
    let found: Vec<User> = found
        .take(many)
        .map(|u| User { id: u.id.clone(), email: u.email.clone(), name: u.name.clone() })
        .collect();
    assert_eq!(found.len(), many, "the account has such people");
    found
}

pub(crate) fn texts(home: &Home, query: &str) -> BTreeSet<String> {
    let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
    let mut statement = database.prepare(query).expect("a query");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("text")).collect()
}

pub(crate) fn count(home: &Home, query: &str) -> usize {
    let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
    database.query_row(query, [], |row| row.get::<_, i64>(0)).expect("a count") as usize
}

#[test]
fn of_people_who_are_left_out_no_byte_is_kept_and_nobody_asks_about_them() {
    for (users, faults) in [(24, None), (10, Some("all"))] {
        let spec = Spec {
            users,
            seed: 71,
            limits: Some(NO_LIMITS.to_owned()),
            faults: faults.map(str::to_owned),
            ..Spec::default()
        };
        let account = account(spec);
        let truth = account.truth().expect("the truth");
        let out = busy(&truth, 2);
        if faults.is_none() {
            let plain = free_home(&account);
            plain.run(&["run", "zoom-backfill", "-q"]);
            let bytes = kept(&plain);
            for user in &out {
                let seen = user.marks().iter().all(|mark| times(&bytes, mark) > 0);
                assert!(seen, "he is to be seen");
            }
        }
        let before = account.stats().expect("stats");

        let emails: Vec<String> =
            out.iter().map(|user| format!("{:?}", user.email.to_uppercase())).collect();
        let home = limited_home(&account, &format!("{{ exclude = [{}] }}", emails.join(", ")));
        let ended = home.run(&["run", "zoom-backfill", "-vv"]);
        assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.stderr);
        let bytes = [kept(&home), ended.stderr.into_bytes(), ended.stdout.into_bytes()].concat();
        for user in &out {
            for mark in user.marks() {
                assert_eq!(times(&bytes, mark), 0, "{mark} is kept, faults: {faults:?}");
            }
        }
        let hosted: BTreeSet<&str> = truth
            .of("past_meetings")
            .iter()
            .filter(|(_, records)| {
                let host = &records[0]["host_id"];
                let email = &records[0]["user_email"];
                out.iter().any(|u| *host == u.id.as_str() || *email == u.email.as_str())
            })
            .map(|(uuid, _)| uuid.as_str())
            .collect();
        assert!(!hosted.is_empty());
        if faults.is_none() {
            let rest: BTreeSet<String> = truth
                .keys("past_meetings")
                .filter(|uuid| !hosted.contains(uuid))
                .map(str::to_owned)
                .collect();
            assert_eq!(texts(&home, "SELECT _key FROM past_meetings"), rest);
            let stays: usize = truth
                .of("report_participants")
                .iter()
                .filter(|(uuid, _)| !hosted.contains(uuid.as_str()))
                .map(|(_, stays)| stays.len())
                .sum();
            assert_eq!(count(&home, "SELECT count(*) FROM report_participants"), stays);
            assert!(
                count(&home, "SELECT count(*) FROM report_participants WHERE name LIKE 'hmac:%'")
                    > 0
            );
            // Each user's own record is asked for once, but for theirs.
            let asked = account.stats().expect("stats").calls_of("get_user");
            let first = before.calls_of("get_user");
            assert_eq!(asked - first, first - out.len() as u64);
            let told = "SELECT count(*) FROM _coverage WHERE state = 'complete'
                AND operation = 'zoom.get_user'";
            assert_eq!(count(&home, told) as u64, first - out.len() as u64);
            let told = "SELECT count(*) FROM _coverage WHERE state = 'excluded'
                AND operation = 'zoom.get_user'";
            assert_eq!(count(&home, told), out.len(), "that they are left out is told");
        }
    }
}

#[test]
fn a_pilot_group_is_all_that_is_asked_about() {
    let account = account(Spec {
        users: 24,
        seed: 72,
        limits: Some(NO_LIMITS.to_owned()),
        ..Spec::default()
    });
    let truth = account.truth().expect("the truth");
    let dept = truth
        .people()
        .into_iter()
        .filter_map(|id| truth.of("users")[id][0]["dept"].as_str())
        .find(|dept| !dept.is_empty())
        .expect("a department")
        .to_owned();
    let pilots: BTreeSet<String> = truth
        .of("users")
        .iter()
        .filter(|(_, records)| records[0]["dept"] == dept.as_str())
        .map(|(key, _)| key.clone())
        .collect();
    let home = limited_home(&account, &format!("{{ include = [\"dept:{dept}\"] }}"));
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    assert_eq!(texts(&home, "SELECT _key FROM users"), pilots);
    let hosts = texts(&home, "SELECT DISTINCT user_id FROM meetings");
    assert!(!hosts.is_empty() && hosts.is_subset(&pilots), "{hosts:?}");
    let stats = account.stats().expect("stats");
    assert_eq!(stats.calls_of("list_account_recordings"), 0, "it shows everybody's");
    // What is history is not asked for again.
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    let again = account.stats().expect("stats");
    for operation in ["get_past_meeting", "report_participants"] {
        assert!(stats.calls_of(operation) > 0);
        assert_eq!(again.calls_of(operation), stats.calls_of(operation), "{operation}");
    }
}

#[test]
fn a_choice_that_cannot_be_kept_is_refused_before_anything_is_asked() {
    let account =
        account(Spec { users: 3, seed: 73, limits: Some(NO_LIMITS.to_owned()), ..Spec::default() });
    let refused = |home: &Home, workflow: &str| home.run(&["run", workflow]).expect(2).stderr;
    let home = limited_home(&account, "{ exclude = [\"dept:Sales\"] }");
    home.write(
        "some.yaml",
        "name: some\nsteps:\n  lists:\n    for_each: [KdYKjnimT4KPd8FFgQt9FQ]\n    as: id\n    \
         use: zoom.list_meetings\n    with: { user_id: \"${{ id }}\", type: scheduled }\n",
    );
    let any = refused(&home, "some.yaml");
    assert!(any.contains("step lists asks about users that no list of users brings"), "{any}");
    let keyless = home_with(&account, "users = { exclude = [\"a@example.com\"] }\n");
    let keyless = refused(&keyless, "zoom-backfill");
    assert!(keyless.contains("connections.default.users: it needs redact_key"), "{keyless}");
    let home = limited_home(&account, "{ include = [\"Sales\"] }");
    let unclear = refused(&home, "zoom-backfill");
    assert!(unclear.contains("\"Sales\" names no users"), "{unclear}");
    assert_eq!(account.stats().expect("stats").calls(), 0);
}
