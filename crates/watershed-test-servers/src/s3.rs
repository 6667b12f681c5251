//! A server that speaks S3, on a free port.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::redis::free_port;
use crate::watched::Watched;

/// It starts within this.
const START_MAX: Duration = Duration::from_secs(60);

/// A server of this process, which keeps everything in memory. Dropped, it ends.
pub struct S3Server {
    port: u16,
    running: Option<Watched>,
}

impl S3Server {
    /// A server without buckets.
    ///
    /// # Panics
    /// Where it is not installed, or does not start.
    pub fn start() -> S3Server {
        let python = python();
        assert!(python.exists(), "{} is missing: ./scripts/test installs it", python.display());
        let folder = tempfile::Builder::new()
            .prefix("watershed-s3-")
            .tempdir()
            .expect("a folder for the server")
            .keep();
        let port = free_port();
        let words = ["-m", "moto.server", "-H", "127.0.0.1", "-p"].map(str::to_owned);
        let mut server = vec![python.display().to_string()];
        server.extend(words);
        server.push(port.to_string());
        let mut running = Watched::start(Command::new("sh"), &folder, "KILL", &server);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < START_MAX, "the S3 server does not answer");
            assert!(running.runs(), "the S3 server ended: {} says why", folder.display());
            std::thread::sleep(Duration::from_millis(20));
        }
        S3Server { port, running: Some(running) }
    }

    /// Where it is: `127.0.0.1:PORT`, without TLS.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.end();
        }
    }
}

/// The Python that has it: `WATERSHED_S3_SERVER`, else where `./scripts/test` installs it.
fn python() -> PathBuf {
    match std::env::var_os("WATERSHED_S3_SERVER") {
        Some(python) => python.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/s3-server/bin/python"),
    }
}
