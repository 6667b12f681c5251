//! Whatever is wrong: a message that names the thing, the place and the way out, an exit code
//! that says who has to act, and nothing lost: mended, the run ends and the dataset is whole.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use watershed_tests::{Account, Ended, Home, Scope, Settings, Spec, audit, coverage};

use crate::ground::{SCOPES, account, free_account, free_home, home};

const RUN: [&str; 3] = ["run", "zoom-backfill", "-q"];
const RUN_MAX: Duration = Duration::from_secs(120);

/// Exit code and words of a command, less what changes from day to day.
fn said(ended: &Ended, home: &Home, account: Option<&Account>) -> String {
    let path = home.path().to_string_lossy().into_owned();
    let program = watershed_tests::program().to_string_lossy().into_owned();
    let mut text = ended.stderr.replace(&path, "[HOME]").replace(&program, "watershed");
    if let Some(account) = account {
        for (member, name) in
            [("base", "[BASE]"), ("account_id", "[ACCOUNT]"), ("client_id", "[CLIENT]")]
        {
            text = text.replace(account.ready(member), name);
        }
    }
    format!("exit {}\n{}", ended.code.unwrap_or(-1), text.trim_end())
}

/// Compares with the stored message.
macro_rules! told {
    ($name:expr, $ended:expr, $home:expr, $account:expr) => {
        insta::with_settings!({
            filters => vec![
                (r"process \d+", "process [PID]"),
                (r"\d{8}-\d{4,6}-[0-9a-z]+", "[RUN]"),
                (r"after \d[\d.]* (ms|s|min)\b", "after [TIME]"),
                (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "[TIME]"),
            ],
            omit_expression => true,
            prepend_module_to_snapshot => false,
        }, { insta::assert_snapshot!($name, said(&$ended, &$home, $account)) });
    };
}

/// Mended, the run ends and everything is there.
fn ends_whole(account: &Account, home: &Home) {
    home.run(&RUN).expect(0);
    let truth = account.truth().expect("the truth");
    audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit").expect_equal();
}

/// A run that was killed while there was still a lot to do.
fn half_done(account: &Account, home: &Home) {
    let mut process = home.start(&RUN);
    process
        .until("a hundred calls", RUN_MAX, |_| account.stats().is_ok_and(|s| s.calls() > 100))
        .expect("it works");
    process.kill().expect("it is gone");
}

#[test]
fn an_unknown_key_is_named_with_its_nearest() {
    let account = free_account(10, 21);
    let home = free_home(&account);
    let good = std::fs::read_to_string(home.path().join("watershed.toml")).expect("the file");
    home.write("watershed.toml", &good.replace("concurrency", "concurency"));
    told!("unknown_key_in_configuration", home.run(&RUN), home, None);
    home.write("watershed.toml", &format!("{good}users = {{ exclude = [\"a@b.test\"] }}\n"));
    told!("people_left_out_without_a_key", home.run(&RUN), home, None);
    home.write("watershed.toml", &good);

    let flow = "name: odd\nsteps:\n  users:\n    use: zoom.list_users\n    wiht: {}\n";
    home.write("odd.yaml", flow);
    told!("unknown_key_in_workflow", home.run(&["run", "odd.yaml"]), home, None);
    assert!(!home.data().exists(), "nothing was started");
    assert_eq!(account.stats().expect("stats").calls(), 0);
    ends_whole(&account, &home);
}

#[test]
fn a_wrong_input_is_named_with_what_is_allowed() {
    let account = free_account(10, 22);
    let home = free_home(&account);
    let input = |input: &'static str| home.run(&[&RUN[..], &["--input", input]].concat());
    let turned = ["--input", "from=2026-03-01", "--input", "to=2026-02-01"];
    told!("wrong_date", input("from=2026-13-01"), home, None);
    told!("dates_the_wrong_way_round", home.run(&[&RUN[..], &turned].concat()), home, None);
    told!("unknown_input", input("form=2026-01-01"), home, None);
    told!("value_not_allowed", input("content=all"), home, None);
    told!("no_such_workflow", home.run(&["run", "zoom-backfil"]), home, None);
    assert_eq!(account.stats().expect("stats").calls(), 0);
    ends_whole(&account, &home);
}

#[test]
fn a_missing_or_wrong_credential_is_named() {
    let account = free_account(10, 23);
    let mut home = free_home(&account);
    home.set("ZOOM_ACCOUNT_ID", Some("another-account"));
    told!("wrong_account_id", home.run(&RUN), home, Some(&account));
    home.set("ZOOM_ACCOUNT_ID", Some(account.ready("account_id")));
    home.set("ZOOM_CLIENT_SECRET", None);
    told!("missing_credential", home.run(&RUN), home, Some(&account));
    home.set("ZOOM_CLIENT_SECRET", Some("not-the-secret"));
    told!("wrong_secret", home.run(&RUN), home, Some(&account));
    home.set("ZOOM_CLIENT_SECRET", Some(account.ready("client_secret")));
    ends_whole(&account, &home);

    let nobody = Home::empty().expect("a folder");
    told!("no_connection_at_all", nobody.run(&RUN), nobody, None);
}

#[test]
fn a_scope_that_is_not_granted_is_named_and_costs_only_its_step() {
    let missing = "report:read:list_meeting_participants:admin";
    let rest: Vec<&str> = SCOPES.into_iter().filter(|s| *s != missing).collect();
    let spec = Spec { seed: 24, limits: Some("off".to_owned()), ..Spec::default() };
    let poor = account(Spec { scopes: Some(rest.join(",")), ..spec.clone() });
    let home = free_home(&poor);
    let ended = home.run(&RUN).expect(3);
    told!("scope_not_granted", ended, home, None);
    let mut scope = Scope::backfill();
    scope.datasets.retain(|d| *d != "report_participants");
    let truth = poor.truth().expect("the truth");
    audit(&home.sink(), &truth, &scope).expect("an audit").expect_equal();
    let covered = coverage(&home.sink()).expect("coverage");
    assert!(
        covered
            .of("zoom.report_participants")
            .all(|l| l.state == "unavailable" || l.state == "skipped")
    );
    let asked = poor.stats().expect("stats").calls_of("zoom.report_participants");
    assert_eq!(asked, 0, "the token's scopes foretold it");

    // Granted, the next run brings what was left out.
    let rich = account(spec);
    let other = free_home(&rich);
    let data = home.data();
    std::fs::rename(&data, other.data()).expect("the data moves");
    ends_whole(&rich, &other);
}

#[test]
fn a_second_process_on_the_same_state_is_turned_away() {
    let spec = Spec { seed: 25, limits: Some("off".to_owned()), ..Spec::default() };
    let account = account(Spec { latency_ms: Some(30), users: 10, ..spec });
    let home = free_home(&account);
    let words = [&RUN[..], &["--run-id", "one"]].concat();
    let mut first = home.start(&words);
    first
        .until("its first call", RUN_MAX, |_| account.stats().is_ok_and(|s| s.calls() > 20))
        .expect("it works");
    told!("second_process", home.run(&words), home, None);
    first.wait(RUN_MAX).expect("undisturbed").expect(0);
    ends_whole(&account, &home);
}

#[test]
fn a_run_id_with_other_inputs_is_refused() {
    let account = free_account(10, 26);
    let home = free_home(&account);
    home.run(&[&RUN[..], &["--run-id", "one"]].concat()).expect(0);
    let calls = account.stats().expect("stats").calls();
    let other = [&RUN[..], &["--run-id", "one", "--input", "from=-20d"]].concat();
    told!("same_id_other_inputs", home.run(&other), home, None);
    assert_eq!(account.stats().expect("stats").calls(), calls);
}

#[test]
fn another_account_under_the_same_name_is_refused() {
    let (first, other) = (free_account(10, 27), free_account(10, 28));
    let home = free_home(&first);
    home.run(&RUN).expect(0);
    let stranger = free_home(&other);
    std::fs::rename(home.data(), stranger.data()).expect("the data moves");
    let ended = stranger.run(&RUN);
    let shown = ended.stderr.replace(first.ready("account_id"), "[STORED]");
    let ended = Ended { stderr: shown, ..ended };
    told!("another_account", ended, stranger, Some(&other));
    assert_eq!(other.stats().expect("stats").calls(), 0, "nothing was asked");
    std::fs::rename(stranger.data(), home.data()).expect("the data moves back");
    ends_whole(&first, &home);
}

#[test]
fn files_of_a_newer_version_are_left_alone() {
    let account = free_account(10, 29);
    let home = free_home(&account);
    half_done(&account, &home);
    for (name, file) in [("newer_state", home.state()), ("newer_dataset", home.sink())] {
        let known = version(&file, None);
        version(&file, Some(99));
        told!(name, home.run(&RUN), home, None);
        assert_eq!(version(&file, None), 99, "the file is as it was");
        version(&file, Some(known));
    }
    ends_whole(&account, &home);
}

fn version(file: &Path, set: Option<u32>) -> u32 {
    let database = rusqlite::Connection::open(file).expect("the file opens");
    if let Some(version) = set {
        database.pragma_update(None, "user_version", version).expect("a version");
    }
    database.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
}

#[test]
fn a_damaged_state_is_named_and_made_again_from_the_dataset() {
    let account = free_account(10, 30);
    let home = free_home(&account);
    half_done(&account, &home);
    damage(&home.state());
    told!("damaged_state", home.run(&RUN), home, None);
    // The way out that the message shows: the state moves away, the dataset knows the run.
    for file in beside(&home.state()) {
        std::fs::remove_file(file).expect("it goes");
    }
    let before = account.stats().expect("stats").calls();
    home.run(&["resume", "-q"]).expect(0);
    let truth = account.truth().expect("the truth");
    audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit").expect_equal();
    assert!(before > 0);
}

#[test]
fn a_damaged_dataset_is_named_and_never_written_over() {
    let account = free_account(10, 31);
    let home = free_home(&account);
    half_done(&account, &home);
    settle(&home.sink());
    let copy = home.path().join("copy.db");
    std::fs::copy(home.sink(), &copy).expect("a copy");
    damage(&home.sink());
    told!("damaged_dataset", home.run(&RUN), home, None);
    for file in beside(&home.sink()) {
        std::fs::remove_file(file).expect("it goes");
    }
    std::fs::rename(copy, home.sink()).expect("the copy comes back");
    ends_whole(&account, &home);
}

/// The file with nothing left in its log.
fn settle(file: &Path) {
    let database = rusqlite::Connection::open(file).expect("the file opens");
    database
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("the log is folded in");
}

/// Overwrites the middle third of a file, its first page left whole.
fn damage(file: &Path) {
    settle(file);
    let mut bytes = std::fs::read(file).expect("the file");
    let third = bytes.len() / 3;
    assert!(third > 4096, "{}: too small to have a middle", file.display());
    bytes[third..2 * third].fill(0xa5);
    std::fs::write(file, bytes).expect("the file");
}

/// A database and the files beside it.
fn beside(file: &Path) -> Vec<PathBuf> {
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    ["", "-wal", "-shm"]
        .into_iter()
        .map(|end| file.with_file_name(format!("{name}{end}")))
        .filter(|f| f.exists())
        .collect()
}

/// A folder whose dataset (`sink`) or state (`store`) lies in `small`.
fn home_beside(account: &Account, section: &str, file: &str) -> Home {
    let home = free_home(account);
    let settings = std::fs::read_to_string(home.path().join("watershed.toml")).expect("the file");
    let place = format!("[{section}]\nurl = \"sqlite://small/{file}\"\n\n");
    home.write("watershed.toml", &(place + &settings));
    std::fs::create_dir(home.path().join("small")).expect("a folder");
    home
}

#[test]
fn a_full_disk_is_named_and_waited_out() {
    for (name, section, file) in
        [("full_dataset", "sink", "zoom.db"), ("full_state", "store", "state.db")]
    {
        let account = free_account(10, 32);
        let home = home_beside(&account, section, file);
        let Some(disk) = SmallDisk::at(&home.path().join("small")) else {
            eprintln!("nobody may mount here: no file may grow beyond a size instead");
            return a_file_that_may_not_grow_is_named_and_waited_for();
        };
        let mut process = home.start(&["run", "zoom-backfill"]);
        process
            .until("word of the full disk", RUN_MAX, |p| waiting(&p.stderr()).is_some())
            .expect("it says so");
        let calls = account.stats().expect("stats").calls();
        assert!(!process.ends_within(Duration::from_secs(2)), "it waits");
        let since = account.stats().expect("stats").calls() - calls;
        assert!(since <= 16, "what was under way goes on, nothing else: {since} calls");
        disk.grow();
        let ended = process.wait(RUN_MAX).expect("it goes on by itself").expect(0);
        let first = waiting(&ended.stderr).expect("it said so");
        told!(name, Ended { stderr: first, ..ended }, home, None);
        let truth = account.truth().expect("the truth");
        let sink = if section == "sink" { home.path().join("small/zoom.db") } else { home.sink() };
        audit(&sink, &truth, &Scope::backfill()).expect("an audit").expect_equal();
    }
}

/// The first word of a wait, less its time.
fn waiting(stderr: &str) -> Option<String> {
    stderr.lines().find(|line| line.contains("ERROR waiting:")).map(str::to_owned)
}

#[test]
fn a_file_that_may_not_grow_is_named_and_waited_for() {
    let account = free_account(20, 33);
    let home = free_home(&account);
    let mut shell = Command::new("sh");
    let program = home.command(&["run", "zoom-backfill"]);
    shell.args(["-c", "trap '' XFSZ; ulimit -f 700; exec \"$@\"", "sh"]);
    shell.arg(program.get_program()).args(program.get_args());
    shell.current_dir(home.path()).env_clear();
    shell.envs(program.get_envs().filter_map(|(n, v)| Some((n, v?))));
    let mut process = home.start_command(shell);
    process
        .until("word of the file", RUN_MAX, |p| waiting(&p.stderr()).is_some())
        .expect("it says so");
    // Whichever of the two files was written to first.
    let said = waiting(&process.stderr()).expect("it said so");
    assert!(said.contains("state.db") || said.contains("zoom.db"), "the place is named: {said}");
    assert!(!process.ends_within(Duration::from_secs(2)), "it waits");
    process.kill().expect("it is gone");
    ends_whole(&account, &home);
}

/// A folder that holds little. Gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(folder: &Path) -> Option<SmallDisk> {
        let made = mount(&["-t", "tmpfs", "-o", "size=900k", "tmpfs"], folder);
        made.then(|| SmallDisk(folder.to_owned()))
    }

    fn grow(&self) {
        assert!(mount(&["-o", "remount,size=300m"], &self.0), "the disk grows");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a killed process may still hold a file there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(words: &[&str], folder: &Path) -> bool {
    let made = Command::new("mount").args(words).arg(folder).output();
    made.is_ok_and(|output| output.status.success())
}

#[test]
fn an_account_of_a_lower_tier_leaves_its_steps_out_by_name() {
    let account = account(Spec { tier: "free", limits: Some("off".to_owned()), ..Spec::default() });
    let settings =
        Settings { tier: Some("pro"), limits: Some(Settings::FREE), ..Settings::default() };
    let home = home(&account, &settings);
    let ended = home.run(&RUN).expect(3);
    told!("tier_too_low", ended, home, None);
    let reports = coverage(&home.sink()).expect("coverage");
    let mut told =
        reports.of("zoom.report_participants").chain(reports.of("zoom.get_past_meeting"));
    assert!(told.any(|l| l.state == "unavailable" && l.reason.is_some()));
}
