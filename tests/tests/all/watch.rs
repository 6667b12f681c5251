//! `watershed watch`, as a person sees it: on a terminal that is none of ours.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use watershed_tests::{Home, Settings, Spec};

use crate::ground::{account, free_account, free_home, home};

/// Ends the screen that a program has for itself.
const OTHER_SCREEN_ENDS: &str = "?1049l";
/// What is to be shown is shown by then.
const SOON: Duration = Duration::from_secs(60);

/// The program on a terminal of 120 columns and 40 lines, which `script` makes and writes down.
struct Watched {
    child: Child,
    keys: ChildStdin,
    written: std::path::PathBuf,
}

impl Watched {
    fn start(home: &Home, run: &str) -> Watched {
        let written = home.path().join("screen");
        let program = home.command(&["watch", run]);
        let words: Vec<String> = std::iter::once(program.get_program())
            .chain(program.get_args())
            .map(|word| format!("'{}'", word.to_str().expect("text")))
            .collect();
        let line = format!("stty cols 120 rows 40; exec {}", words.join(" "));
        let mut script = Command::new("script");
        script.args(["--quiet", "--flush", "--return", "--command", &line]).arg(&written);
        script.current_dir(home.path()).env_clear().env("TERM", "xterm-256color");
        script.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = script.spawn().expect("script (of util-linux) is there");
        let keys = child.stdin.take().expect("its standard input");
        Watched { child, keys, written }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).and_then(|()| self.keys.flush()).expect("it hears");
    }

    /// All that was written to the terminal; where the cursor was moved to, a space.
    fn said(&self) -> String {
        let written = std::fs::read(&self.written).unwrap_or_default();
        let written = String::from_utf8_lossy(&written).into_owned();
        let mut parts = written.split("\u{1b}[");
        let mut said = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(part.len());
            let (code, text) = part.split_at(part.len().min(end + 1));
            match code {
                OTHER_SCREEN_ENDS => said.push_str("(the other screen ends)"),
                code if code.ends_with('H') => said.push(' '),
                _ => {}
            }
            said.push_str(text);
        }
        said
    }

    fn until(&self, what: &str, met: impl Fn(&str) -> bool) {
        let until = Instant::now() + SOON;
        while !met(&self.said()) {
            assert!(Instant::now() < until, "{what} was not shown: {:?}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its exit code.
    fn ends(mut self) -> Option<i32> {
        let until = Instant::now() + SOON;
        loop {
            if let Some(status) = self.child.try_wait().expect("a process") {
                return status.code();
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It is gone already, or it goes now, and what runs on its terminal with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_run_is_watched_paused_and_resumed_from_a_terminal() {
    let account =
        account(Spec { users: 40, seed: 72, limits: Some("off".to_owned()), ..Spec::default() });
    let limits = "light_per_second = 12, medium_per_second = 12, heavy_per_second = 12";
    let home = home(&account, &Settings { limits: Some(limits), ..Settings::default() });
    home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
    let _worker = home.start(&["worker"]);
    let mut watched = Watched::start(&home, "one");
    watched.until("the run", |said| said.contains("zoom-backfill") && said.contains("Steps"));
    let state = || home.run(&["status", "one", "--json"]).expect(0).json()["state"].clone();
    watched.press("p");
    watched.until("its pause", |said| said.contains("paused"));
    assert_eq!(state(), "paused");
    watched.press("r");
    watched.until("that it goes on", |said| said.contains("it goes on"));
    assert_eq!(state(), "running");
    watched.press("q");
    // The screen is as it was before: whoever looked sees his own lines again.
    watched.until("the other screen", |said| said.contains("(the other screen ends)"));
    assert_eq!(watched.ends(), Some(0));
    assert_eq!(state(), "running", "whoever looks away ends nothing");
}

#[test]
fn dead_letters_are_put_back_from_a_terminal() {
    let spec = Spec {
        seed: 51,
        limits: Some("off".to_owned()),
        faults: Some("html_403".to_owned()),
        ..Spec::default()
    };
    let account = account(spec);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "--run-id", "one", "-q"]).expect(3);
    let mut watched = Watched::start(&home, "one");
    watched.until("the letters", |said| said.contains("Dead letters") && said.contains("403"));
    watched.press("t");
    watched.until("how many", |said| said.contains("put back"));
    watched.press("q");
    assert_eq!(watched.ends(), Some(0));
    assert_eq!(home.run(&["failures", "one", "--json"]).expect(0).json_lines().len(), 0);
}

#[test]
fn without_a_terminal_it_says_so() {
    let account = free_account(2, 73);
    let home = free_home(&account);
    let ended = home.run(&["watch"]).expect(2);
    assert!(ended.stderr.contains("this is no terminal"), "{}", ended.stderr);
    assert!(ended.stderr.contains("status --follow"), "{}", ended.stderr);
}
