//! The guide, read and done: each of its commands, in its order, in one folder.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use watershed_test_servers::{PostgresServer, RedisServer};
use watershed_tests::{Home, Running, program, root};

use crate::ground::{free_account, free_home};

/// A command that takes longer is stuck.
const COMMAND_MAX: Duration = Duration::from_secs(240);

/// The commands of the page, in order: what stands behind `$` in its console blocks.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("\n```console\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("\n```").next().unwrap_or_default().lines());
    lines.filter_map(|line| line.strip_prefix("$ ").map(str::to_owned)).collect()
}

/// A shell in which they are typed.
struct Shell {
    home: Home,
    /// Set by `export`.
    exported: BTreeMap<String, String>,
    /// Begun by `&`, in order; the first is `%1`.
    jobs: Vec<Option<(Running, Pid)>>,
    /// Told to end by `kill`.
    ending: Vec<(Running, Pid)>,
}

impl Shell {
    fn command(&self, line: &str) -> Command {
        let program = self.home.command(&[]);
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.home.path()).env_clear();
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let path = std::env::var("PATH").unwrap_or_default();
        shell.env("PATH", format!("{}:{path}", self.home.path().join("bin").display()));
        shell.envs(&self.exported);
        shell
    }

    /// Types it.
    fn does(&mut self, line: &str) {
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|l| l.split_once('=')) {
            // What is the reader's own is there already.
            if value != "…" {
                self.exported.insert(name.to_owned(), value.to_owned());
            }
        } else if let Some(line) = line.strip_suffix(" &") {
            let mut command = self.command(line);
            // With all that it begins, so that none of it is left behind.
            command.process_group(0);
            let mut running = self.home.start_command(command);
            let group = running.id();
            let there = |r: &Running| {
                r.stdout().contains("listening on") || r.stderr().contains("working for")
            };
            running.until("that it is there", COMMAND_MAX, there).expect("it starts");
            self.jobs.push(Some((running, group)));
        } else if let Some(job) = line.strip_prefix("kill %") {
            let at: usize = job.parse().expect("a number");
            let (running, group) = self.jobs[at - 1].take().expect("it runs");
            kill_process_group(group, Signal::TERM).expect("it is there");
            self.ending.push((running, group));
        } else if line == "wait" {
            let until = Instant::now() + COMMAND_MAX;
            for (_, group) in self.ending.drain(..) {
                while test_kill_process_group(group).is_ok() {
                    assert!(Instant::now() < until, "what it began does not end");
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        } else {
            let ended = self.home.start_command(self.command(line)).wait(COMMAND_MAX);
            ended.expect("it ends").expect(0);
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for (_, group) in self.jobs.iter().flatten().chain(&self.ending) {
            // It may be gone already.
            let _ = kill_process_group(*group, Signal::KILL);
        }
    }
}

/// A port that nobody listens at now.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

#[test]
fn each_command_of_the_guide_does_what_it_says() {
    let page = std::fs::read_to_string(root().join("docs/guide.md")).expect("the guide");
    let typed = page.lines().filter(|line| line.starts_with("$ ")).count();
    let all = commands(&page);
    assert!(all.len() > 25 && all.len() == typed, "{} of {typed} commands", all.len());

    let (redis, postgres) = (RedisServer::start(&[]), PostgresServer::start(&[]));
    let account = free_account(12, 81);
    let home = free_home(&account);
    std::fs::create_dir(home.path().join("bin")).expect("a folder");
    symlink(program(), home.path().join("bin/watershed")).expect("a link");
    let (first, second) = (free_port(), free_port());
    let here = [
        ("redis://redis.example:6379/0", redis.url()),
        ("postgres://watershed@db.example/watershed", postgres.database().url),
        ("127.0.0.1:8080", first.clone()),
        ("127.0.0.1:8081", second),
    ];
    let settings = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    home.write("watershed.toml", &format!("{settings}\n[server]\nlisten = \"{first}\"\n"));
    let mut shell = Shell { home, exported: BTreeMap::new(), jobs: Vec::new(), ending: Vec::new() };
    for line in all {
        let line = here.iter().fold(line, |line, (name, value)| line.replace(name, value));
        eprintln!("$ {line}");
        shell.does(&line);
    }
    let runs = shell.command("watershed runs --json");
    let runs = shell.home.start_command(runs).wait(COMMAND_MAX).expect("it ends").expect(0);
    let states: Vec<_> = runs.json_lines().iter().map(|run| run["state"].clone()).collect();
    assert_eq!(states, ["complete", "complete", "complete"], "{}", runs.stdout);
    assert!(shell.home.path().join("taken.md").is_file(), "the page for the customer");
}
