//! What a newcomer runs first.

use std::process::Command;
use std::time::Duration;

use watershed_tests::{Home, Running};

#[test]
fn the_demo_ends_well_and_each_command_that_it_shows_works() {
    let home = Home::empty().expect("a folder");
    let ended = home.start(&["demo", "--users", "12"]).wait(Duration::from_secs(120));
    let ended = ended.expect("it ends").expect(0);
    let said = format!("{}\n{}", ended.stdout, ended.stderr);
    assert!(said.contains("zoom.db"), "it says where the data is: {ended}");
    let commands: Vec<&str> = said
        .lines()
        .map(|line| line.trim().trim_start_matches("$ "))
        .filter(|line| line.starts_with("cargo run ") || called(line))
        .collect();
    assert!(commands.len() >= 3, "three things to try: {ended}");
    for command in commands {
        tried(&home, command);
    }
}

/// Whether a line calls one of the programs, by name or by path.
fn called(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    line.contains(' ') && ["watershed", "sqlite3"].contains(&word.rsplit('/').next().unwrap_or(""))
}

/// Runs a command as it was printed, by a shell that finds the program under test.
fn tried(home: &Home, command: &str) {
    let program = watershed_tests::program();
    let command = match command.strip_prefix("cargo run --release -- ") {
        Some(rest) => format!("watershed {rest}"),
        None => command.to_owned(),
    };
    if command.starts_with("sqlite3 ") && !exists("sqlite3") {
        query(home, &command);
        return;
    }
    let folder = program.parent().expect("a program lies in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-ec", &command]).current_dir(home.path()).env_clear();
    shell.env("PATH", format!("{}:{path}", folder.display())).env("HOME", home.path());
    let ended = Running::start(shell, &home.logs()).expect("a shell");
    let ended = ended.wait(Duration::from_secs(60)).expect("it ends").expect(0);
    assert!(!ended.stdout.trim().is_empty() || !ended.stderr.trim().is_empty(), "{ended}");
}

fn exists(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    found.is_ok_and(|output| output.status.success())
}

/// `sqlite3 [-option] FILE "QUERY"`, where there is no sqlite3.
fn query(home: &Home, command: &str) {
    let (head, query) = command.split_once(['"', '\'']).expect("a quoted query");
    let query = query.trim_end().trim_end_matches(['"', '\'']);
    let file = head.split_whitespace().rfind(|w| w.ends_with(".db")).expect("a file");
    let database = rusqlite::Connection::open(home.path().join(file)).expect("the dataset");
    let mut statement = database.prepare(query).unwrap_or_else(|e| panic!("{query}: {e}"));
    let mut rows = statement.query([]).expect("a result");
    assert!(rows.next().expect("a row").is_some(), "{query} finds nothing");
}
