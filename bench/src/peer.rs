//! The peers: what a user would take instead, each in a Python environment of its own.
//!
//! An environment is made under `target/bench` when it is first needed, from the peer's
//! `requirements.txt`. Where that cannot be (no Python, no package index), the peer is skipped
//! with the reason, and the benchmark goes on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use watershed_tests::{Account, root};

use crate::process::{Measured, Process};

/// A peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its folder under `bench/peers`.
    folder: &'static str,
}

/// All of them.
pub(crate) const PEERS: [Peer; 2] =
    [Peer { name: "airbyte-cdk", folder: "airbyte" }, Peer { name: "dlt", folder: "dlt" }];

/// A peer takes seconds; one that takes longer is stuck.
const RUN_MAX: Duration = Duration::from_secs(600);

/// A peer that can be run.
pub(crate) struct Ready {
    peer: Peer,
    python: PathBuf,
    /// Its name with the version that is there.
    pub(crate) shown: String,
}

impl Peer {
    /// Makes its environment where it is missing.
    ///
    /// # Errors
    /// Why it is to be skipped.
    pub(crate) fn ready(self) -> Result<Ready, String> {
        let wanted = root().join("bench/peers").join(self.folder).join("requirements.txt");
        let pins =
            std::fs::read_to_string(&wanted).map_err(|e| format!("{}: {e}", wanted.display()))?;
        let environment = scratch().join(self.folder);
        let python = environment.join("bin/python");
        // Written last: an environment that was cut short is made anew.
        let made = environment.join("made-from.txt");
        if std::fs::read_to_string(&made).ok().as_deref() != Some(pins.as_str()) {
            eprintln!("{}: making its Python environment …", self.name);
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv", "--clear"]).arg(&environment);
            succeeds(venv, "python3 -m venv")?;
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            pip.arg("-r").arg(&wanted);
            succeeds(pip, "pip install")?;
            std::fs::write(&made, &pins).map_err(|e| format!("{}: {e}", made.display()))?;
        }
        let version = pins.lines().find_map(|pin| pin.split_once("==")).map_or("", |pin| pin.1);
        Ok(Ready { peer: self, python, shown: format!("{} {version}", self.name) })
    }
}

impl Ready {
    /// Starts it on an account, in a folder that an earlier start may have left something in.
    pub(crate) fn start(&self, account: &Account, folder: &Path) -> Result<Process> {
        let mut command = Command::new(&self.python);
        command.arg(root().join("bench/peers").join(self.peer.folder).join("ingest.py"));
        command.current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1");
        for (variable, member) in [
            ("ZOOM_API_URL", "api_url"),
            ("ZOOM_TOKEN_URL", "token_url"),
            ("ZOOM_ACCOUNT_ID", "account_id"),
            ("ZOOM_CLIENT_ID", "client_id"),
            ("ZOOM_CLIENT_SECRET", "client_secret"),
        ] {
            command.env(variable, account.ready(member));
        }
        Process::start(command, folder).with_context(|| self.shown.clone())
    }

    /// Runs it to its end; also what it stored, by stream.
    pub(crate) fn run(
        &self,
        account: &Account,
        folder: &Path,
    ) -> Result<(Measured, BTreeMap<String, u64>)> {
        let measured =
            self.start(account, folder)?.end(RUN_MAX).with_context(|| self.shown.clone())?;
        let rows = std::fs::read_to_string(folder.join("rows.json"))?;
        Ok((measured, serde_json::from_str(&rows)?))
    }
}

/// Where environments lie.
fn scratch() -> PathBuf {
    match std::env::var_os("WATERSHED_BENCH_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => root().join("target/bench"),
    }
}

fn succeeds(mut command: Command, what: &str) -> Result<(), String> {
    let done = command.output().map_err(|error| format!("{what}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let last = said.lines().last().unwrap_or_default().trim();
    Err(format!("{what} ended with {}: {last}", done.status))
}
