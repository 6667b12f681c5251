//! A process that is measured from outside: how long it ran, and its memory at most.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often it is looked at: its memory at most is the system's own count, which only grows,
/// so that what the last look misses is what the last milliseconds added.
const LOOK: Duration = Duration::from_millis(2);

/// A process under measure. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    began: Instant,
    peak_kib: u64,
    out: PathBuf,
    err: PathBuf,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) wall: Duration,
    /// `VmHWM`: the most memory that it held at once, in KiB. 0 where the system does not tell.
    pub(crate) peak_kib: u64,
    /// What it said on standard output.
    pub(crate) stdout: String,
}

impl Process {
    /// Starts it. What it says goes into files of `folder`, so that it never waits for a reader.
    pub(crate) fn start(mut command: Command, folder: &Path) -> Result<Process> {
        let (out, err) = (folder.join("bench.out"), folder.join("bench.err"));
        command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
        let shown = format!("start {}", command.get_program().display());
        let began = Instant::now();
        let child = command.spawn().context(shown)?;
        Ok(Process { child, began, peak_kib: 0, out, err })
    }

    /// Waits for its end; anything but exit code 0 is an error, and so is `limit`.
    pub(crate) fn end(mut self, limit: Duration) -> Result<Measured> {
        while !self.ended()? {
            if self.began.elapsed() > limit {
                bail!("it did not end within {limit:?}; it said:\n{}", self.said());
            }
            std::thread::sleep(LOOK);
        }
        let wall = self.began.elapsed();
        let status = self.child.wait()?;
        if !status.success() {
            bail!("it ended with {status}; it said:\n{}", self.said());
        }
        Ok(Measured { wall, peak_kib: self.peak_kib, stdout: std::fs::read_to_string(&self.out)? })
    }

    /// Kills it as soon as `when` holds, with no warning; an error where it ended before.
    pub(crate) fn kill_when(mut self, mut when: impl FnMut() -> Result<bool>) -> Result<()> {
        while !when()? {
            if self.ended()? {
                bail!("it ended before it was to be killed; it said:\n{}", self.said());
            }
            std::thread::sleep(LOOK);
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn ended(&mut self) -> Result<bool> {
        let ended = self.child.try_wait()?.is_some();
        if let Some(peak_kib) = peak_kib(self.child.id()) {
            self.peak_kib = self.peak_kib.max(peak_kib);
        }
        Ok(ended)
    }

    /// The end of what it said on standard error.
    fn said(&self) -> String {
        const LINES: usize = 20;
        let said = std::fs::read(&self.err).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed: that is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The most memory that a process has held so far, where the system tells (Linux).
fn peak_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
