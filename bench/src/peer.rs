//! The peers: what a user would take instead.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use watershed_test_servers::RedisServer;
use watershed_tests::Account;

use crate::environment::{Environment, Language};
use crate::process::{Measured, Process};

/// A peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its folder under `bench/peers`.
    folder: &'static str,
    language: Language,
}

/// Those that read an account.
pub(crate) const PEERS: [Peer; 2] = [
    Peer { name: "airbyte-cdk", folder: "airbyte", language: Language::Python },
    Peer { name: "dlt", folder: "dlt", language: Language::Python },
];

/// Queues on Redis.
pub(crate) const BULLMQ: Peer = Peer { name: "BullMQ", folder: "bullmq", language: Language::Node };
pub(crate) const CELERY: Peer =
    Peer { name: "Celery", folder: "celery", language: Language::Python };
pub(crate) const APALIS: Peer =
    Peer { name: "apalis-redis", folder: "apalis", language: Language::Rust };

/// A peer takes seconds; one that takes longer is stuck.
const RUN_MAX: Duration = Duration::from_secs(600);

/// A peer that can be run.
pub(crate) struct Ready {
    environment: Environment,
    /// Its name with the version that is there.
    pub(crate) shown: String,
}

impl Peer {
    /// Makes its environment where it is missing.
    ///
    /// # Errors
    /// Why it is to be skipped.
    pub(crate) fn ready(self) -> Result<Ready, String> {
        let environment = Environment::of(self.folder, self.language)?;
        let shown = format!("{} {}", self.name, environment.version());
        Ok(Ready { environment, shown })
    }
}

impl Ready {
    /// Starts it on an account, in a folder that an earlier start may have left something in.
    pub(crate) fn start(&self, account: &Account, folder: &Path) -> Result<Process> {
        let mut command = self.environment.command("ingest.py");
        command.current_dir(folder);
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

    /// Runs a program of a queue on a new Redis; one figure of those that it tells.
    pub(crate) fn on_redis(&self, program: &str, words: &[String], figure: &str) -> Result<f64> {
        let server = RedisServer::start(&[]);
        let folder = tempfile::tempdir()?;
        let mut command: Command = self.environment.command(program);
        command.args(words).env("REDIS_URL", server.url());
        let ran = Process::start(command, folder.path()).and_then(|p| p.end(RUN_MAX));
        let said = ran.with_context(|| self.shown.clone())?.stdout;
        let told: Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
        let value = told[figure].as_f64().with_context(|| format!("{figure} in {told}"))?;
        eprintln!("  {}: {program} {}: {value:.0} {figure}", self.shown, words.join(" "));
        Ok(value)
    }
}
