//! The dashboard in a browser, on real runs.

mod api;
mod browser;
mod load;
mod pages;
mod weight;

use std::time::Duration;

use watershed_tests::{Home, Running};

/// A server that is not there by then does not start.
const START_MAX: Duration = Duration::from_secs(60);

/// A server with a dashboard.
pub(crate) struct Served {
    pub(crate) process: Running,
    /// `http://127.0.0.1:PORT`.
    pub(crate) base: String,
}

impl Served {
    /// Starts `serve` or `up` in a folder.
    pub(crate) fn start(home: &Home, command: &str) -> Served {
        let mut process = home.start(&[command, "--listen", "127.0.0.1:0"]);
        let there = |p: &Running| p.stdout().contains("listening on http://") && link(p).is_some();
        process.until("a link to sign in with", START_MAX, there).expect("it listens");
        let said = process.stdout();
        let base = said.trim().strip_prefix("listening on ").expect("where it listens").to_owned();
        Served { process, base }
    }

    /// The link to sign in with that it printed.
    pub(crate) fn link(&self) -> String {
        link(&self.process).expect("it printed one")
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

fn link(process: &Running) -> Option<String> {
    let said = process.stderr();
    let line = said.lines().rfind(|line| line.contains("/sign-in?code="))?;
    line.split(": ").last().map(str::to_owned)
}
