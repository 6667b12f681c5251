//! A folder in which an operator works: configuration, data, and commands run there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::account::Account;
use crate::child::{Ended, Running};
use crate::program::program;

/// A command that takes longer is stuck.
const COMMAND_MAX: Duration = Duration::from_secs(240);

/// What is configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `worker.concurrency`.
    pub concurrency: u16,
    /// `connections.default.tier`; the account's own where `None`.
    pub tier: Option<&'static str>,
    /// The inside of `connections.default.limits`.
    pub limits: Option<&'static str>,
    /// `connections.default.content`.
    pub content: Option<&'static str>,
    /// `connections.default.share`.
    pub share: Option<f64>,
}

impl Settings {
    /// Limits beside which nothing ever waits: for tests in which the budget is not the point.
    pub const FREE: &'static str = "light_per_second = 2000, medium_per_second = 2000, \
         heavy_per_second = 2000, heavy_per_day = 10000000";
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { concurrency: 16, tier: None, limits: None, content: None, share: None }
    }
}

/// The folder.
#[derive(Debug)]
pub struct Home {
    dir: tempfile::TempDir,
    credentials: Vec<(String, String)>,
}

impl Home {
    /// A folder with a `watershed.toml` whose connection `default` is the account.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new(account: &Account, settings: &Settings) -> Result<Home> {
        let home = Home::bare(account)?;
        home.write("watershed.toml", &configuration(account, settings));
        Ok(home)
    }

    /// A folder without configuration: the account is in the environment only.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn bare(account: &Account) -> Result<Home> {
        let credentials = [
            ("ZOOM_ACCOUNT_ID", account.ready("account_id")),
            ("ZOOM_CLIENT_ID", account.ready("client_id")),
            ("ZOOM_CLIENT_SECRET", account.ready("client_secret")),
            ("ZOOM_API_URL", account.ready("api_url")),
            ("ZOOM_TOKEN_URL", account.ready("token_url")),
            ("ZOOM_TIER", account.spec.tier),
        ];
        let owned = credentials.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Home { dir: tempfile::tempdir()?, credentials: owned.into() })
    }

    /// An empty folder and an empty environment.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn empty() -> Result<Home> {
        Ok(Home { dir: tempfile::tempdir()?, credentials: Vec::new() })
    }

    /// Configures another account in place of the one before.
    pub fn point_at(&self, account: &Account, settings: &Settings) {
        self.write("watershed.toml", &configuration(account, settings));
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where the data is.
    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The dataset.
    pub fn sink(&self) -> PathBuf {
        self.data().join("zoom.db")
    }

    /// Files of recordings.
    pub fn files(&self) -> PathBuf {
        self.data().join("files")
    }

    /// The state.
    pub fn state(&self) -> PathBuf {
        self.data().join("state.db")
    }

    /// Writes a file there.
    ///
    /// # Panics
    /// Where it cannot.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap_or_else(|e| panic!("write {}: {e}", path.display()));
    }

    /// Changes a variable of the environment of later commands; `None` removes it.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        self.credentials.retain(|(n, _)| n != name);
        if let Some(value) = value {
            self.credentials.push((name.to_owned(), value.to_owned()));
        }
    }

    /// The program with these words, to be run there with nothing of the tester's environment.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(words).current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path()).env("RUST_BACKTRACE", "1");
        command.envs(self.credentials.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the program.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(&self, words: &[&str]) -> Running {
        self.start_command(self.command(words))
    }

    /// Starts a command made by [`Home::command`] and changed since.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start_command(&self, command: Command) -> Running {
        Running::start(command, &self.logs()).expect("the program starts")
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// Where it does not start, or does not end.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Ended {
        self.start(words).wait(COMMAND_MAX).expect("the program ends")
    }

    /// The folder that holds the output of each process that was started here.
    pub fn logs(&self) -> PathBuf {
        self.path().join(".logs")
    }
}

fn configuration(account: &Account, settings: &Settings) -> String {
    let mut text = format!(
        "[worker]\nconcurrency = {}\n\n[connections.default]\n\
         account_id = {{ env = \"ZOOM_ACCOUNT_ID\" }}\n\
         client_id = {{ env = \"ZOOM_CLIENT_ID\" }}\n\
         client_secret = {{ env = \"ZOOM_CLIENT_SECRET\" }}\n\
         api_url = \"{}\"\ntoken_url = \"{}\"\ntier = \"{}\"\n",
        settings.concurrency,
        account.ready("api_url"),
        account.ready("token_url"),
        settings.tier.unwrap_or(account.spec.tier),
    );
    if let Some(limits) = settings.limits {
        text.push_str(&format!("limits = {{ {limits} }}\n"));
    }
    if let Some(share) = settings.share {
        text.push_str(&format!("share = {share}\n"));
    }
    if let Some(content) = settings.content {
        text.push_str(&format!("content = \"{content}\"\n"));
    }
    text
}
