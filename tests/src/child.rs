//! A process under test: started, watched, killed, its output kept.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Ticks of a second in which `/proc` tells times: 100, whatever the kernel's own.
const TICKS: u64 = 100;

/// A process that runs. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    pid: Pid,
    ended: Receiver<ExitStatus>,
    status: Option<ExitStatus>,
    shown: String,
    out: PathBuf,
    err: PathBuf,
    started: Instant,
}

/// What a process left.
#[derive(Debug)]
pub struct Ended {
    /// How it was called.
    pub command: String,
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
    /// How long it ran.
    pub took: Duration,
}

impl Running {
    /// Starts it; its output goes into files in `logs`, so that it never waits for a reader.
    ///
    /// # Errors
    /// Where the program is not there or the files cannot be made.
    pub fn start(mut command: Command, logs: &Path) -> Result<Running> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        std::fs::create_dir_all(logs)?;
        let out = logs.join(format!("{number:04}.out"));
        let err = logs.join(format!("{number:04}.err"));
        command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
        let shown = shown(&command);
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("start {shown}"))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process id")?;
        let (sender, ended) = channel();
        std::thread::spawn(move || {
            if let Ok(status) = child.wait() {
                // Nobody listens any more where the test has failed already.
                let _ = sender.send(status);
            }
        });
        Ok(Running { pid, ended, status: None, shown, out, err, started })
    }

    /// Waits until it ends, at most `limit`; then kills it.
    ///
    /// # Errors
    /// Where it had to be killed: with the end of what it said.
    pub fn wait(mut self, limit: Duration) -> Result<Ended> {
        if !self.ends_within(limit) {
            let end = tail(&self.stderr());
            self.signal(Signal::KILL);
            bail!("{} did not end within {limit:?}; it said:\n{end}", self.shown);
        }
        self.output()
    }

    /// Whether it ends within `limit`. Does not disturb it.
    pub fn ends_within(&mut self, limit: Duration) -> bool {
        if self.status.is_some() {
            return true;
        }
        match self.ended.recv_timeout(limit) {
            Ok(status) => self.status = Some(status),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("{}: lost", self.shown),
        }
        self.status.is_some()
    }

    /// Sends a signal, unless it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if !self.ends_within(Duration::ZERO) {
            // It may end at this very moment: then there is nobody to hear it.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Kills it (no warning, no last words) and waits until it is gone.
    ///
    /// # Errors
    /// Where it does not go.
    pub fn kill(mut self) -> Result<Ended> {
        self.signal(Signal::KILL);
        if !self.ends_within(Duration::from_secs(10)) {
            bail!("{} survived SIGKILL", self.shown);
        }
        self.output()
    }

    /// The most memory that it has held so far (`VmHWM`), in bytes; 0 once it has ended, or where
    /// the system does not tell.
    pub fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid.as_raw_nonzero());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1_024
    }

    /// The time of processors that it has used so far; none once it has ended, or where the system
    /// does not tell.
    pub fn processor_time(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.pid.as_raw_nonzero());
        let stat = std::fs::read_to_string(path).unwrap_or_default();
        // The name, in brackets, may hold anything; user and system time stand 12 words after it.
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        let words = after.split_whitespace().skip(11).take(2);
        let ticks: u64 = words.filter_map(|word| word.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1_000 / TICKS)
    }

    /// Its number.
    pub fn id(&self) -> Pid {
        self.pid
    }

    /// What it has said so far on standard error.
    pub fn stderr(&self) -> String {
        text(&self.err)
    }

    /// The file that holds what it says on standard error.
    pub(crate) fn log(&self) -> &Path {
        &self.err
    }

    /// What it has said so far on standard output.
    pub fn stdout(&self) -> String {
        text(&self.out)
    }

    /// Waits until `met` holds of it, at most `limit`.
    ///
    /// # Errors
    /// Where it ended before that, or the time was up: with the end of what it said.
    pub fn until(
        &mut self,
        what: &str,
        limit: Duration,
        mut met: impl FnMut(&Running) -> bool,
    ) -> Result<()> {
        let until = Instant::now() + limit;
        while !met(self) {
            let ended = self.ends_within(Duration::from_millis(5));
            if (ended && !met(self)) || Instant::now() > until {
                let (shown, said) = (&self.shown, tail(&self.stderr()));
                bail!("{shown}: {what} did not come (ended: {ended}); it said:\n{said}");
            }
        }
        Ok(())
    }

    fn output(&self) -> Result<Ended> {
        let status = self.status.context("it has ended")?;
        Ok(Ended {
            command: self.shown.clone(),
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout(),
            stderr: self.stderr(),
            took: self.started.elapsed(),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

impl Ended {
    /// Insists on the exit code.
    ///
    /// # Panics
    /// Where it is another one: with all that was said.
    #[track_caller]
    pub fn expect(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The last line of standard output as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|e| panic!("not JSON ({e}): {self}"))
    }

    /// Each line of standard output as JSON.
    ///
    /// # Panics
    /// Where one is none.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let read = |line| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("not JSON ({e}): {line}\n{self}"))
        };
        self.stdout.lines().map(read).collect()
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ended { command, code, signal, stdout, stderr, took } = self;
        write!(f, "{command}: exit {code:?}, signal {signal:?}, after {took:?}")?;
        write!(f, "\n--- stdout\n{}\n--- stderr\n{}", tail(stdout), tail(stderr))
    }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = command.get_args().map(|a| a.to_string_lossy().into_owned());
    std::iter::once(name.to_string_lossy().into_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn tail(text: &str) -> String {
    const LINES: usize = 60;
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
