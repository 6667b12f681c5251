//! A simulated account, as a process of its own.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::child::Running;
use crate::clock::clock_off;
use crate::fetch::{get, tell};
use crate::program::program;
use crate::truth::Truth;

/// An account whose ready line has not come by then is not coming.
const READY_MAX: Duration = Duration::from_secs(60);

/// What account is wanted; what is `None` is left to `watershed simulate`.
#[derive(Debug, Clone)]
pub struct Spec {
    /// People.
    pub users: u64,
    /// What everything is made from.
    pub seed: u64,
    /// Which account of that seed.
    pub number: u64,
    /// Zoom plan.
    pub tier: &'static str,
    /// `--limits`.
    pub limits: Option<String>,
    /// `--scopes`.
    pub scopes: Option<String>,
    /// `--latency`, in milliseconds.
    pub latency_ms: Option<u64>,
    /// `--faults`.
    pub faults: Option<String>,
    /// `--meetings`.
    pub meetings: Option<f64>,
    /// `--media-kib` and `--media-kib-per-second`.
    pub media: Option<(u64, u64)>,
    /// Its wall clock is so many seconds off.
    pub clock_off_s: i64,
}

impl Default for Spec {
    fn default() -> Spec {
        Spec {
            users: 20,
            seed: 1,
            number: 0,
            tier: "business",
            limits: None,
            scopes: None,
            latency_ms: None,
            faults: None,
            meetings: None,
            media: None,
            clock_off_s: 0,
        }
    }
}

/// A running account. Gone when dropped.
#[derive(Debug)]
pub struct Account {
    /// What it is.
    pub spec: Spec,
    ready: Value,
    _process: Running,
    _logs: tempfile::TempDir,
}

/// A file of a recording, as the account holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldFile {
    /// Its bytes.
    pub size: u64,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// What the account counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats(pub Value);

impl Account {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// Where it does not say within a minute that it is ready.
    pub fn start(spec: Spec) -> Result<Account> {
        let logs = tempfile::tempdir()?;
        let mut command = Command::new(program());
        command.args(["simulate", "--listen", "127.0.0.1:0", "--tier", spec.tier]);
        command.args(["--users", &spec.users.to_string(), "--seed", &spec.seed.to_string()]);
        command.args(["--number", &spec.number.to_string()]);
        if let Some(limits) = &spec.limits {
            command.args(["--limits", limits]);
        }
        if let Some(scopes) = &spec.scopes {
            command.args(["--scopes", scopes]);
        }
        if let Some(latency_ms) = spec.latency_ms {
            command.args(["--latency", &latency_ms.to_string()]);
        }
        if let Some(faults) = &spec.faults {
            command.args(["--faults", faults]);
        }
        if let Some(meetings) = spec.meetings {
            command.args(["--meetings", &meetings.to_string()]);
        }
        if let Some((kib, kib_per_second)) = spec.media {
            command.args(["--media-kib", &kib.to_string()]);
            command.args(["--media-kib-per-second", &kib_per_second.to_string()]);
        }
        if spec.clock_off_s != 0 {
            command.envs(clock_off(spec.clock_off_s, logs.path()));
        }
        // It is not to find a configuration of whoever runs the tests.
        command.current_dir(logs.path());
        let mut process = Running::start(command, logs.path())?;
        process.until("the ready line", READY_MAX, |p| p.stdout().contains('\n'))?;
        let said = process.stdout();
        let line = said.lines().next().unwrap_or_default();
        let ready = serde_json::from_str(line).with_context(|| format!("ready line {line:?}"))?;
        Ok(Account { spec, ready, _process: process, _logs: logs })
    }

    /// A member of the ready line.
    ///
    /// # Panics
    /// Where it has no such text.
    pub fn ready(&self, member: &str) -> &str {
        self.ready[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.ready))
    }

    /// The whole ready line.
    pub fn ready_line(&self) -> &Value {
        &self.ready
    }

    /// Changes what it holds: `delete user ID`, `trash recording UUID` and the like.
    ///
    /// # Errors
    /// Where it holds nothing of that name.
    pub fn change(&self, changes: &[String]) -> Result<()> {
        tell(self.host(), "/__sim/change", &changes.join("\n"))
    }

    /// What the account really holds.
    ///
    /// # Errors
    /// Where it does not tell.
    pub fn truth(&self) -> Result<Truth> {
        Truth::read(&get(self.host(), "/__sim/truth")?)
    }

    /// What it holds, as bytes: the secrets are still in it.
    ///
    /// # Errors
    /// Where it does not tell.
    pub fn truth_bytes(&self) -> Result<Vec<u8>> {
        get(self.host(), "/__sim/truth")
    }

    /// The files that it really holds, by their key in `recording_files`.
    ///
    /// # Errors
    /// Where it does not tell.
    pub fn files(&self) -> Result<BTreeMap<String, HeldFile>> {
        let told = get(self.host(), "/__sim/files")?;
        let lines = told.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| {
                let line: Value = serde_json::from_slice(line)?;
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let (key, record) = (text(&line["key"]), &line["record"]);
                let size = record["size"].as_u64().unwrap_or_default();
                Ok((key, HeldFile { size, sha256: text(&record["sha256"]) }))
            })
            .collect()
    }

    /// What it has counted so far.
    ///
    /// # Errors
    /// Where it does not tell.
    pub fn stats(&self) -> Result<Stats> {
        Ok(Stats(serde_json::from_slice(&get(self.host(), "/__sim/stats")?)?))
    }

    fn host(&self) -> &str {
        let base = self.ready("base");
        base.trim_start_matches("http://").trim_end_matches('/')
    }
}

impl Stats {
    /// Bytes of files that were sent.
    pub fn file_bytes(&self) -> u64 {
        self.0["file_bytes"].as_u64().unwrap_or_default()
    }

    /// Calls to operations, the token's left out.
    pub fn calls(&self) -> u64 {
        sum(&self.0["spent"])
    }

    /// Calls that were answered by an error of the server's own.
    pub fn server_errors(&self) -> u64 {
        let operations = self.0["calls"].as_object().into_iter().flatten();
        operations.map(|(name, _)| self.server_errors_of(name)).sum()
    }

    /// Those of one operation.
    pub fn server_errors_of(&self, operation: &str) -> u64 {
        let statuses = &self.0["calls"][operation.trim_start_matches("zoom.")];
        let statuses = statuses.as_object().into_iter().flatten();
        statuses.filter(|(status, _)| status.starts_with('5')).map(|(_, n)| sum(n)).sum()
    }

    /// Calls that a limit counts: all but downloads.
    pub fn counted(&self) -> u64 {
        let operations = self.0["calls"].as_object().into_iter().flatten();
        let free = ["token", "unknown", "download_recording_file"];
        operations.filter(|(name, _)| !free.contains(&name.as_str())).map(|(_, n)| sum(n)).sum()
    }

    /// Calls of one operation (`zoom.list_users`).
    pub fn calls_of(&self, operation: &str) -> u64 {
        let short = operation.trim_start_matches("zoom.");
        sum(&self.0["calls"][short])
    }

    /// Operations that were called, by their short names; tokens and unknown paths left out.
    pub fn operations(&self) -> Vec<String> {
        let names = self.0["calls"].as_object().into_iter().flatten().map(|(name, _)| name);
        names.filter(|name| !matches!(name.as_str(), "token" | "unknown")).cloned().collect()
    }

    /// The fewest calls that what was asked could have cost.
    pub fn least(&self) -> u64 {
        sum(&self.0["least"])
    }

    /// Calls in vain, for whatever cause.
    pub fn in_vain(&self) -> u64 {
        sum(&self.0["in_vain"]["total"])
    }

    /// Identical calls after a complete answer.
    pub fn repeated(&self) -> u64 {
        sum(&self.0["in_vain"]["by_cause"]["repeated"])
    }

    /// Calls whose refusal an earlier answer, or the token's scopes, had told.
    pub fn foretold(&self) -> u64 {
        sum(&self.0["in_vain"]["by_cause"]["foretold"])
    }

    /// Identical calls after an answer that is final, a refusal included.
    pub fn again(&self) -> u64 {
        self.repeated() + self.foretold()
    }

    /// Calls in vain by cause.
    pub fn by_cause(&self) -> BTreeMap<String, u64> {
        let causes = self.0["in_vain"]["by_cause"].as_object().into_iter().flatten();
        causes.map(|(cause, count)| (cause.clone(), sum(count))).collect()
    }

    /// Identical calls of one operation after a complete answer.
    pub fn repeated_of(&self, operation: &str) -> u64 {
        sum(&self.0["in_vain"]["repeated"][operation.trim_start_matches("zoom.")])
    }

    /// The most arrivals in any stretch of one second (`light`, `medium`, `heavy`).
    pub fn peak_per_second(&self, category: &str) -> u64 {
        let peaks = self.0["peak_per_second"].as_object();
        let mut peaks = peaks.into_iter().flatten();
        peaks.find(|(name, _)| name.eq_ignore_ascii_case(category)).map_or(0, |(_, n)| sum(n))
    }

    /// 429s of our own making.
    pub fn refused_for_rate(&self) -> u64 {
        sum(&self.0["rate_limited"]) - sum(&self.0["rate_limited"]["fault"])
    }
}

/// All numbers beneath a value.
fn sum(value: &Value) -> u64 {
    match value {
        Value::Number(number) => number.as_u64().unwrap_or(0),
        Value::Object(members) => members.values().map(sum).sum(),
        _ => 0,
    }
}
