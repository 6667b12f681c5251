//! A Redis server on a free port.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use crate::watched::Watched;

/// It starts within this, also when it reads what it had.
const START_MAX: Duration = Duration::from_secs(30);

/// A server of this process. Dropped, it ends.
pub struct RedisServer {
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    environment: Vec<(String, String)>,
    running: Option<Watched>,
}

impl RedisServer {
    /// A server with these settings (`--appendonly`, `yes`); without, it keeps nothing on disk.
    ///
    /// # Panics
    /// Where Redis is not installed, or does not start.
    pub fn start(settings: &[&str]) -> RedisServer {
        let folder = tempfile::Builder::new()
            .prefix("watershed-redis-")
            .tempdir()
            .expect("a folder for the server")
            .keep();
        let port = free_port();
        let settings = settings.iter().map(|&s| s.to_owned()).collect();
        let mut server =
            RedisServer { folder, port, settings, environment: Vec::new(), running: None };
        server.go();
        server
    }

    /// Where it is: `redis://127.0.0.1:PORT/0`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// The port it listens on, on the loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets a variable of the environment of later starts.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Adds settings to those of later starts.
    pub fn change(&mut self, settings: &[&str]) {
        self.settings.extend(settings.iter().map(|&s| s.to_owned()));
    }

    /// Starts it again, after [`RedisServer::kill`].
    ///
    /// # Panics
    /// Where it does not start.
    pub fn go(&mut self) {
        self.begin();
        let begun = Instant::now();
        while self.ask(&["PING"]) != Some("PONG".to_owned()) {
            assert!(begun.elapsed() < START_MAX, "redis-server does not answer");
            assert!(self.running.as_mut().is_some_and(Watched::runs), "redis-server ended");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Likewise, without waiting until it serves.
    pub fn begin(&mut self) {
        let port = self.port.to_string();
        let pid = self.folder.join("pid").display().to_string();
        let fixed = ["redis-server", "--port", &port, "--bind", "127.0.0.1", "--save", ""];
        let mut words: Vec<String> = fixed.map(str::to_owned).to_vec();
        words.extend(["--pidfile".to_owned(), pid]);
        words.extend(self.settings.iter().cloned());
        let mut shell = Command::new("sh");
        shell.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.running = Some(Watched::start(shell, &self.folder, "KILL", &words));
    }

    /// Ends it with SIGKILL. What it had on disk stays there.
    ///
    /// # Panics
    /// Where it cannot be ended.
    pub fn kill(&mut self) {
        kill_process(self.pid(), Signal::KILL).expect("it is there");
        self.running.take().expect("it runs").ended();
    }

    /// Lets none of its files grow beyond so many bytes, as on a full disk; `None`: as they like.
    ///
    /// # Panics
    /// Where the system does not let it.
    pub fn let_files_grow(&self, to: Option<u64>) {
        let limit = Rlimit { current: to, maximum: None };
        prlimit(Some(self.pid()), Resource::Fsize, limit).expect("the limit of one's own process");
    }

    fn pid(&self) -> Pid {
        let pid = std::fs::read_to_string(self.folder.join("pid")).expect("its process id");
        pid.trim().parse().ok().and_then(Pid::from_raw).expect("a number")
    }

    /// Where it keeps what it keeps.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How long its log is (`--appendonly yes`), in bytes.
    ///
    /// # Panics
    /// Where it keeps none.
    pub fn log_length(&self) -> u64 {
        std::fs::metadata(self.log()).expect("a log").len()
    }

    /// Cuts a killed server's log to so many bytes, as a lost disk cache does. The next start
    /// drops a command that is cut in its middle.
    ///
    /// # Panics
    /// Where it runs, or keeps no log.
    pub fn cut_log(&self, length: u64) {
        assert!(self.running.is_none(), "it would write on");
        let log = std::fs::OpenOptions::new().write(true).open(self.log());
        log.and_then(|log| log.set_len(length)).expect("the log can be cut");
    }

    /// The part of the log that grows.
    fn log(&self) -> PathBuf {
        let parts = std::fs::read_dir(self.folder.join("appendonlydir")).expect("a log");
        let mut parts = parts.flatten().map(|part| part.path());
        parts.find(|part| part.to_string_lossy().ends_with(".incr.aof")).expect("a log that grows")
    }

    /// Says a command by `redis-cli`; what it answers, `None` where nobody does.
    pub fn ask(&self, words: &[&str]) -> Option<String> {
        let said = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(words)
            .output()
            .expect("redis-cli is installed with redis-server");
        let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        said.status.success().then_some(text).filter(|text| !text.is_empty())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        match self.running.take() {
            Some(running) => running.end(),
            None => drop(std::fs::remove_dir_all(&self.folder)),
        }
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    listener.expect("a free port").port()
}
