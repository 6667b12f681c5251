//! A redis-server of the tests' own: a free port, a folder of its own, gone when they are.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// It starts within this.
const START_MAX: Duration = Duration::from_secs(10);

pub(crate) struct Server {
    port: u16,
    process: Child,
    _folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Server {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a free port")
            .port();
        // However the tests end, it ends with them.
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "redis-server"])
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "no", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server starts: scripts/test installs it");
        let server = Server { port, process, _folder: folder };
        let begun = Instant::now();
        while redis::Client::open(server.url()).and_then(|c| c.get_connection()).is_err() {
            assert!(begun.elapsed() < START_MAX, "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(crate) fn connection(&self) -> redis::Connection {
        let client = redis::Client::open(self.url()).expect("the URL");
        client.get_connection().expect("a connection")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
