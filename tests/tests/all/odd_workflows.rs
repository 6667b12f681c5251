//! Workflows that are nothing like the shipped one: the engine knows nothing of Zoom's chain.
//! What each must have asked follows from what the account holds, and coverage tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use watershed_tests::{Account, Covered, Home, Truth, coverage, root};

use crate::ground::{free_account, free_home};

struct Outcome {
    account: Account,
    home: Home,
    truth: Truth,
    covered: Covered,
}

/// Runs `tests/workflows/NAME.yaml` to its end.
fn outcome(name: &str, seed: u64) -> Outcome {
    outcome_with(name, seed, 0)
}

/// Runs it to its end, with that exit code.
fn outcome_with(name: &str, seed: u64, code: i32) -> Outcome {
    let account = free_account(20, seed);
    let home = free_home(&account);
    let file = root().join("tests/workflows").join(name).with_extension("yaml");
    home.run(&["run", file.to_str().expect("a path is text")]).expect(code);
    let truth = account.truth().expect("the truth");
    let covered = coverage(&home.sink()).expect("coverage");
    assert_eq!(covered.states().get("partial"), None);
    Outcome { account, home, truth, covered }
}

impl Outcome {
    fn people(&self, statuses: &[&str]) -> BTreeSet<String> {
        let people = self.truth.of("users").values().flatten();
        people
            .filter(|u| statuses.iter().any(|s| u["status"] == *s))
            .filter_map(|u| u["id"].as_str().map(str::to_owned))
            .collect()
    }

    /// Subjects of an operation that hold no other value than these do.
    fn asked(&self, operation: &str) -> BTreeSet<String> {
        self.covered.asked(operation).into_iter().map(str::to_owned).collect()
    }

    /// One column of a table, sorted.
    fn column(&self, query: &str) -> BTreeSet<String> {
        let database = rusqlite::Connection::open(self.home.sink()).expect("the dataset");
        let mut statement = database.prepare(query).expect("a query");
        let cells =
            statement.query_map([], |row| row.get::<_, rusqlite::types::Value>(0)).expect("rows");
        cells
            .map(|cell| match cell.expect("a row") {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(number) => number.to_string(),
                other => panic!("{query}: {other:?}"),
            })
            .collect()
    }
}

#[test]
fn a_nest_of_four_levels_reaches_its_last_leaf() {
    let outcome = outcome("four-levels", 11);
    let people = outcome.people(&["active"]);
    let mut asked = outcome.asked("zoom.list_meetings");
    asked.remove("scheduled");
    assert_eq!(asked, people);
    // Each level asks for exactly what the level above brought.
    let meetings = outcome.column("SELECT _key FROM meetings");
    assert_eq!(outcome.asked("zoom.list_past_instances"), meetings);
    let instances = outcome.column("SELECT uuid FROM past_instances");
    assert!(!instances.is_empty());
    assert_eq!(outcome.asked("zoom.get_past_meeting"), instances);
    let many = outcome.column(
        "SELECT uuid FROM past_meetings
         WHERE participants_count >= 2 OR participants_count IS NULL",
    );
    let listed = outcome
        .covered
        .of("zoom.list_past_participants")
        .filter(|l| l.state != "skipped")
        .flat_map(|l| l.asked.iter().cloned())
        .collect::<BTreeSet<String>>();
    assert_eq!(listed, many);
    let mut counted = 0;
    for (uuid, records) in outcome.truth.of("past_participants") {
        if many.contains(uuid) {
            counted += 1;
            let rows = outcome
                .covered
                .of("zoom.list_past_participants")
                .filter(|l| l.asked.contains(uuid))
                .map(|l| l.rows)
                .sum::<u64>();
            assert_eq!(rows, records.len() as u64, "{uuid}");
        }
    }
    assert!(counted > 0, "nobody met anybody");
}

#[test]
fn a_join_in_the_middle_of_a_branch_waits_for_its_own_branch_only() {
    let outcome = outcome("join-in-a-branch", 12);
    let people = outcome.people(&["active"]);
    assert_eq!(outcome.asked("zoom.list_user_recordings"), people, "once for each user");
    let calls = outcome.account.stats().expect("stats").calls_of("zoom.list_user_recordings");
    assert_eq!(calls, people.len() as u64);
    // The join of a user comes after the instances of all of his meetings.
    let owner: BTreeMap<String, String> = outcome
        .truth
        .of("meetings")
        .iter()
        .filter_map(|(id, records)| match &records[0]["host_id"] {
            Value::String(host) => Some((id.clone(), host.clone())),
            _ => None,
        })
        .collect();
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    for join in outcome.covered.of("zoom.list_user_recordings") {
        let own = |line: &&watershed_tests::Line| {
            line.asked.iter().any(|id| owner.get(id).is_some_and(|u| join.asked.contains(u)))
        };
        for line in outcome.covered.of("zoom.list_past_instances").filter(own) {
            assert!(line.at <= join.at, "{} before {}", join.subject, line.subject);
            *compared.entry(join.subject.as_str()).or_default() += 1;
        }
    }
    let several = compared.values().filter(|lines| **lines > 1).count();
    assert!(several > 1, "joins over several meetings: {compared:?}");
    // It waits for no other branch: some user's join came before some other's instances.
    let joins = outcome.covered.of("zoom.list_user_recordings").map(|line| line.at.as_str());
    let instances = outcome.covered.of("zoom.list_past_instances").map(|line| line.at.as_str());
    let (first, last) = (joins.min().expect("a join"), instances.max().expect("a meeting"));
    assert!(first < last, "the first join at {first}, the last instances at {last}");
    let recorded = outcome.asked("zoom.get_recording");
    assert!(!recorded.is_empty(), "nobody recorded anything");
    assert_eq!(recorded, outcome.column("SELECT uuid FROM recordings"), "the branch goes on");
}

#[test]
fn two_sources_with_a_shared_ancestor_feed_one_step() {
    let outcome = outcome("shared-ancestor", 13);
    let meetings: BTreeSet<String> = outcome.truth.keys("meetings").map(str::to_owned).collect();
    assert_eq!(outcome.asked("zoom.list_past_instances"), meetings);
    let calls = outcome.account.stats().expect("stats").calls_of("zoom.list_past_instances");
    assert_eq!(calls, meetings.len() as u64, "a meeting that both lists show is asked once");
}

#[test]
fn a_join_over_nothing_runs_once() {
    let outcome = outcome("join-over-nothing", 14);
    let statuses: Vec<&str> = outcome.covered.asked("zoom.list_users").into_iter().collect();
    assert_eq!(statuses, ["active", "pending"]);
    let stats = outcome.account.stats().expect("stats");
    assert_eq!(stats.calls_of("zoom.list_meetings"), 0);
    let pending = outcome
        .covered
        .of("zoom.list_users")
        .find(|l| l.asked.contains("pending"))
        .expect("the join ran");
    let skipped: Vec<_> =
        outcome.covered.of("zoom.list_meetings").filter(|l| l.state == "skipped").collect();
    assert_eq!(skipped.len(), outcome.people(&["active"]).len(), "each user was left out");
    for line in skipped {
        assert!(line.at <= pending.at, "the join came first");
    }
}

#[test]
fn windows_within_users_cover_every_day_of_every_user() {
    let outcome = outcome("windows-within-users", 15);
    let inputs = outcome.column("SELECT inputs FROM _runs");
    let inputs: Value =
        serde_json::from_str(inputs.first().expect("one run")).expect("inputs are JSON");
    let (from, to) = (inputs["from"].as_str().expect("a day"), inputs["to"].as_str());
    let people = outcome.people(&["active", "inactive"]);
    assert!(!people.is_empty());
    for person in people {
        let windows = || {
            let lines = outcome.covered.of("zoom.list_user_recordings");
            lines.filter(|l| l.asked.contains(&person))
        };
        assert!(windows().count() >= 4, "100 days are at least four windows: {person}");
        assert_eq!(Covered::uncovered(windows(), from, to.expect("a day")), None, "{person}");
    }
}

#[test]
fn an_expression_that_fails_for_one_item_costs_that_item_only() {
    let outcome = outcome_with("half-failing", 16, 3);
    let active = outcome.people(&["active"]);
    // Who is invited and has not come has never signed in.
    let users = outcome.truth.of("users").values().flatten();
    let invited = users.filter(|user| user["status"] == "pending").count();
    assert!(invited > 0, "nobody is pending");
    let letters = outcome.home.run(&["failures", "--json"]).expect(0).json_lines();
    assert_eq!(letters.len(), invited);
    for letter in &letters {
        assert_eq!(letter["step"], "meetings");
        let message = letter["message"].as_str().expect("a message");
        assert!(message.contains("`date(user.last_login_time)"), "{message}");
    }
    let mut asked = outcome.asked("zoom.list_meetings");
    asked.remove("scheduled");
    assert_eq!(asked, active);
    let recorded: BTreeSet<String> = outcome
        .covered
        .of("zoom.list_user_recordings")
        .filter(|line| line.state == "complete")
        .flat_map(|line| line.asked.iter().cloned())
        .collect();
    assert_eq!(recorded, active);
    // What hangs under the run itself and is kept out stands in coverage too.
    let never: Vec<_> =
        outcome.covered.of("zoom.list_users").filter(|l| l.asked.contains("inactive")).collect();
    assert_eq!(never.len(), 1);
    assert_eq!(never[0].state, "skipped");
}
