//! The dataset equals the account; the account saw no call in vain.

use watershed_tests::{Covered, Home, Scope, Settings, Size, Spec, Stats, audit, coverage, seeds};

use crate::ground::{account, free_account, free_home, home, measured};

/// The days that the shipped backfill asks for by default, as the run's own inputs tell.
fn asked_days(report_of: &std::path::Path) -> (String, String) {
    let database = rusqlite::Connection::open(report_of).expect("the dataset");
    let inputs: String =
        database.query_row("SELECT inputs FROM _runs", [], |row| row.get(0)).expect("one run");
    let inputs: serde_json::Value = serde_json::from_str(&inputs).expect("inputs are JSON");
    let day = |name: &str| inputs[name].as_str().expect("a day").to_owned();
    (day("from"), day("to"))
}

#[test]
fn a_backfill_brings_exactly_what_the_account_holds() {
    let size = Size::asked();
    let mut rows = 0;
    for seed in seeds(size.of(1, 5)) {
        let account = free_account(size.of(20, 40), seed);
        let home = free_home(&account);
        let run = ["run", "zoom-backfill", "--run-id", "first"];
        home.run(&run).expect(0);
        let truth = account.truth().expect("the truth");
        let found = audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit");
        rows += found.expect_equal().rows.values().sum::<u64>();

        let covered = coverage(&home.sink()).expect("coverage");
        assert_eq!(covered.gaps(&truth), [""; 0], "seed {seed}");
        let (from, to) = asked_days(&home.sink());
        let windows = covered.of("zoom.list_account_recordings");
        assert_eq!(Covered::uncovered(windows, &from, &to), None, "recordings, seed {seed}");

        let before = account.stats().expect("stats");
        assert_eq!(before.in_vain(), 0, "seed {seed}: {:#}", before.0);
        home.run(&run).expect(0);
        home.run(&["resume", "first"]).expect(0);
        let after = account.stats().expect("stats");
        assert_eq!(before, after, "a run that is complete makes no call, seed {seed}");
    }
    let size = format!("{} seeds, no fault", size.of(1, 5));
    measured("dataset equals the account", &size, &format!("{rows} rows, 0 differ"), "0 differ");
}

/// Lists and details of what may change: a later run asks for them again, and for nothing else.
pub(crate) const LIVING: [&str; 10] = [
    "zoom.list_users",
    "zoom.get_user",
    "zoom.get_user_settings",
    "zoom.list_meetings",
    "zoom.get_meeting",
    "zoom.get_invitation",
    "zoom.list_past_instances",
    "zoom.list_account_recordings",
    "zoom.get_recording",
    "zoom.get_recording_settings",
];

#[test]
fn without_faults_the_least_is_spent_and_a_second_run_asks_for_no_history() {
    let size = Size::asked();
    let (mut spent, mut least, mut again, mut worst) = (0, 0, 0, 0.0_f64);
    for seed in seeds(size.of(2, 20)) {
        let account = free_account(30, seed);
        let home = free_home(&account);
        home.run(&["run", "zoom-backfill"]).expect(0);
        let first = account.stats().expect("stats");
        worst = worst.max(first.calls() as f64 / first.least() as f64);
        assert!(worst <= 1.01, "seed {seed}: {:#}", first.0);
        spent += first.calls();
        least += first.least();

        home.run(&["run", "zoom-backfill", "--run-id", "second"]).expect(0);
        let second = account.stats().expect("stats");
        for operation in second.operations() {
            let more = second.calls_of(&operation) - first.calls_of(&operation);
            let living = LIVING.contains(&format!("zoom.{operation}").as_str());
            assert!(living || more == 0, "seed {seed}: {operation} is history: {more} calls");
            assert!(more <= first.calls_of(&operation), "seed {seed}: {operation}: {more} calls");
            again += more;
        }
    }
    measured(
        "calls spent against the least; and those of a second run over the same dates",
        &format!("{} seeds, no fault", size.of(2, 20)),
        &format!(
            "{spent} spent, {least} the least, at worst {worst:.3} times; {again} of a second \
             run, all of them lists and details that may change"
        ),
        "1.01 times; no call for what is history",
    );
}

#[test]
fn a_second_run_needs_no_permit_for_what_is_stored() {
    let account = free_account(12, 83);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill"]).expect(0);
    let first = account.stats().expect("stats");
    assert!(first.calls_of("zoom.report_participants") > 10, "{:#}", first.0);
    // Not one heavy call is left of any day: a report that asked for one would wait for ever.
    let settings = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    let none = settings.replace("heavy_per_day = 10000000", "heavy_per_day = 1");
    assert_ne!(none, settings);
    home.write("watershed.toml", &none);
    home.run(&["run", "zoom-backfill", "--run-id", "second"]).expect(0);
    let second = account.stats().expect("stats");
    let reports = |stats: &Stats| stats.calls_of("zoom.report_participants");
    assert_eq!(reports(&second), reports(&first));
}

#[test]
fn without_the_account_list_recordings_come_user_by_user() {
    let all = crate::ground::SCOPES.join(",");
    let scopes = all.replace("cloud_recording:read:list_account_recordings:admin,", "");
    assert_ne!(scopes, all);
    let account = account(Spec {
        users: 20,
        scopes: Some(scopes),
        limits: Some("off".to_owned()),
        ..Spec::default()
    });
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill"]).expect(0);
    let truth = account.truth().expect("the truth");
    audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit").expect_equal();
    let covered = coverage(&home.sink()).expect("coverage");
    let (from, to) = asked_days(&home.sink());
    for person in truth.people() {
        let windows = covered.of("zoom.list_user_recordings").filter(|l| l.asked.contains(person));
        assert_eq!(Covered::uncovered(windows, &from, &to), None, "{person}");
    }
    assert_eq!(covered.of("zoom.list_account_recordings").filter(|l| l.rows > 0).count(), 0);
}

#[test]
fn the_fast_attendance_brings_the_other_list() {
    let account = free_account(20, 3);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "--input", "attendance=fast"]).expect(0);
    let mut scope = Scope::backfill();
    for dataset in &mut scope.datasets {
        if *dataset == "report_participants" {
            *dataset = "past_participants";
        }
    }
    let truth = account.truth().expect("the truth");
    audit(&home.sink(), &truth, &scope).expect("an audit").expect_equal();
    let reports = account.stats().expect("stats").calls_of("zoom.report_participants");
    assert_eq!(reports, 0, "the Heavy report is not asked");
}

#[test]
fn with_every_input_at_its_widest_the_dataset_is_all_that_the_account_holds() {
    let account = free_account(20, 6);
    let home = free_home(&account);
    let widest = ["--input", "attendance=fast_then_report", "--input", "meeting_reports=all"];
    home.run(&[&["run", "zoom-backfill"], &widest[..]].concat()).expect(0);
    let truth = account.truth().expect("the truth");
    let found = audit(&home.sink(), &truth, &Scope::everything()).expect("an audit");
    let rows = found.expect_equal().rows;
    assert_eq!(Vec::from_iter(truth.datasets()), Vec::from_iter(rows.keys()), "nothing else");
    let stats = account.stats().expect("stats");
    assert_eq!(stats.in_vain(), 0, "{:#}", stats.0);
    assert!(stats.calls() as f64 <= 1.01 * stats.least() as f64, "{:#}", stats.0);
}

#[test]
fn without_details_the_lists_alone_are_asked() {
    let account = free_account(20, 7);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "--input", "details=none"]).expect(0);
    let stats = account.stats().expect("stats");
    let details = [
        "get_user",
        "get_user_settings",
        "get_meeting",
        "get_invitation",
        "get_recording_settings",
    ];
    for operation in details {
        assert_eq!(stats.calls_of(&format!("zoom.{operation}")), 0, "{operation}");
    }
}

#[test]
fn coverage_names_what_no_list_shows() {
    let account = free_account(20, 8);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill"]).expect(0);
    let covered = coverage(&home.sink()).expect("coverage");
    let unseen: Vec<_> = covered.lines.iter().filter(|line| line.is_unseen()).collect();
    let told: Vec<_> = unseen.iter().map(|l| (l.operation.as_str(), l.state.as_str())).collect();
    assert_eq!(told, [("zoom.list_users", "unavailable"), ("zoom.list_meetings", "unavailable")]);
    // A recorded instant meeting is seen: through its recording.
    let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
    let recorded = "SELECT count(*) FROM past_meetings
        WHERE type = 1 AND uuid IN (SELECT uuid FROM recordings)
            AND uuid NOT IN (SELECT uuid FROM past_instances)";
    let recorded: i64 = database.query_row(recorded, [], |row| row.get(0)).expect("a count");
    assert!(recorded > 0, "an account of 20 has recorded instant meetings");
    let words = home.run(&["coverage"]).expect(0).stdout;
    assert!(words.contains("instant meetings that were not recorded"), "{words}");
}

#[test]
fn without_configuration_the_environment_is_enough() {
    let account = free_account(10, 5);
    let home = Home::bare(&account).expect("a folder");
    home.run(&["run", "zoom-backfill"]).expect(0);
    let truth = account.truth().expect("the truth");
    audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit").expect_equal();
    let connections: Vec<String> = {
        let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
        let mut names = database.prepare("SELECT DISTINCT _connection FROM users").expect("SQL");
        let names = names.query_map([], |row| row.get(0)).expect("rows");
        names.collect::<rusqlite::Result<_>>().expect("rows")
    };
    assert_eq!(connections, ["default"]);
}

#[test]
fn consent_is_a_ceiling_that_no_workflow_exceeds() {
    let account = free_account(20, 4);
    let settings =
        Settings { limits: Some(Settings::FREE), content: Some("metadata"), ..Settings::default() };
    let home = home(&account, &settings);
    home.run(&["run", "zoom-backfill", "--input", "content=transcripts"]).expect(0);
    let scope = Scope { datasets: vec!["transcripts", "transcript_cues"], explained: false };
    let nothing = watershed_tests::Truth::default();
    audit(&home.sink(), &nothing, &scope).expect("an audit").expect_equal();
    let covered = coverage(&home.sink()).expect("coverage");
    let downloads: Vec<_> = covered.of("zoom.download_recording_file").collect();
    let states: std::collections::BTreeSet<&str> =
        downloads.iter().map(|l| l.state.as_str()).collect();
    assert_eq!(Vec::from_iter(states), ["excluded"], "left out by name, not hidden");
    let stats = account.stats().expect("stats");
    assert_eq!(stats.calls_of("zoom.download_recording_file"), 0);
}
