//! A PostgreSQL server on a free port.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::account::{Account, command};
use crate::certified::Certified;
use crate::watched::Watched;

/// The superuser, trusted on this machine. `guarded` needs the password `open sesame`.
const USER: &str = "watershed";
/// 60 s: a busy machine takes a tenth of it to recover a killed server.
const START_MAX: Duration = Duration::from_secs(60);

/// Who is asked for a password, and who is not.
const RIGHTS: &str = "\
host all guarded 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
";

/// A server of this process. Dropped, it ends.
pub struct PostgresServer {
    folder: PathBuf,
    account: Option<Account>,
    port: u16,
    settings: Vec<String>,
    running: Option<Watched>,
    databases: AtomicU32,
}

/// A database of a server.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Where it is: `postgres://watershed@127.0.0.1:PORT/NAME`.
    pub url: String,
}

impl PostgresServer {
    /// The server that the tests of this process share.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed, or does not start.
    pub fn shared() -> &'static PostgresServer {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(|| PostgresServer::start(&[]))
    }

    /// A server of its own, with these settings (`fsync=off`).
    ///
    /// # Panics
    /// As [`PostgresServer::shared`].
    pub fn start(settings: &[&str]) -> PostgresServer {
        let account = Account::unprivileged();
        let folder = tempfile::Builder::new()
            .prefix("watershed-postgres-")
            .tempdir()
            .expect("a folder for the server")
            .keep();
        if let Some(account) = &account {
            account.own(&folder);
        }
        let mut server = PostgresServer {
            folder,
            account,
            port: 0,
            settings: settings.iter().map(|&s| s.to_owned()).collect(),
            running: None,
            databases: AtomicU32::new(0),
        };
        server.make();
        server.port = free_port();
        server.go();
        server.sql("postgres", "CREATE ROLE guarded LOGIN PASSWORD 'open sesame'");
        server
    }

    /// A server of its own that speaks TLS, as `localhost` and nobody else; the file is the
    /// certificate of the authority that says so.
    ///
    /// # Panics
    /// As [`PostgresServer::shared`].
    pub fn start_with_tls() -> (PostgresServer, PathBuf) {
        let mut server = PostgresServer::start(&[]);
        let certified = Certified::for_host("localhost");
        let (key, chain) = (server.data().join("server.key"), server.data().join("server.crt"));
        for (path, text) in [(&key, &certified.key), (&chain, &certified.certificate)] {
            std::fs::write(path, text).expect("the certificate is written");
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
                .expect("it is its owner's alone");
            if let Some(account) = &server.account {
                account.own(path);
            }
        }
        let authority = server.folder.join("authority.pem");
        std::fs::write(&authority, &certified.authority).expect("the authority is written");
        server.kill();
        server.settings.push("ssl=on".to_owned());
        server.restart();
        (server, authority)
    }

    /// A new, empty database.
    pub fn database(&self) -> Database {
        self.database_with("")
    }

    /// A new, empty database, made with these further words of `CREATE DATABASE`.
    pub fn database_with(&self, how: &str) -> Database {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.sql("postgres", &format!("CREATE DATABASE {name} {how}"));
        let url = self.url(USER, &name);
        Database { name, url }
    }

    /// Where a database is, for a user (`USER` or `USER:PASSWORD`).
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// The port it listens on, on the loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs statements, each in a transaction of its own, and gives what they print.
    ///
    /// # Panics
    /// Where one fails.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let told = Command::new(binaries().join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1", "--command", statements])
            .arg(self.url(USER, database))
            .output()
            .expect("psql runs");
        let error = String::from_utf8_lossy(&told.stderr);
        assert!(told.status.success(), "{statements}: {error}");
        String::from_utf8_lossy(&told.stdout).trim().to_owned()
    }

    /// Kills the server's main process with SIGKILL: nothing is written any more, and its
    /// children go when they notice. What it acknowledged is in its folder.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn kill(&mut self) {
        let watched = self.running.take().expect("the server runs");
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid"))
            .ok()
            .and_then(|text| text.lines().next()?.trim().parse().ok())
            .and_then(rustix::process::Pid::from_raw)
            .expect("a running server says who it is");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL)
            .expect("the server is killed");
        watched.ended();
    }

    /// Starts it again, on the same port and folder, and waits until it answers.
    ///
    /// # Panics
    /// Where it runs already, or does not start.
    pub fn restart(&mut self) {
        assert!(self.running.is_none(), "the server runs");
        self.go();
    }

    /// Starts a killed server as a replica: it can only be read.
    ///
    /// # Panics
    /// As [`PostgresServer::restart`].
    pub fn restart_as_replica(&mut self) {
        let signal = self.data().join("standby.signal");
        std::fs::write(&signal, "").expect("the signal is written");
        if let Some(account) = &self.account {
            account.own(&signal);
        }
        self.restart();
    }

    /// Makes the data folder.
    fn make(&self) {
        let made = command(self.account.as_ref(), &binaries().join("initdb"))
            .args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=trust"])
            .args(["--username", USER, "--pgdata"])
            .arg(self.data())
            .current_dir(&self.folder)
            .output()
            .expect("initdb runs");
        let error = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb: {error}");
        std::fs::write(self.data().join("pg_hba.conf"), RIGHTS).expect("rights are written");
    }

    /// Starts the server; again where the one before it is not quite gone.
    fn go(&mut self) {
        let until = Instant::now() + START_MAX;
        let mut last = None;
        while Instant::now() < until {
            let shell = command(self.account.as_ref(), Path::new("/bin/sh"));
            let mut watched = Watched::start(shell, &self.folder, "QUIT", &self.words());
            while watched.runs() && Instant::now() < until {
                if self.answers() {
                    self.running = Some(watched);
                    return;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            last = Some(watched);
            std::thread::sleep(Duration::from_millis(200));
        }
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        if let Some(watched) = last {
            watched.end();
        }
        panic!("PostgreSQL does not start:\n{log}");
    }

    fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && Command::new(binaries().join("pg_isready"))
                .args(["--quiet", "--host=127.0.0.1", "--port"])
                .arg(self.port.to_string())
                .status()
                .is_ok_and(|status| status.success())
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![
            binaries().join("postgres").display().to_string(),
            "-D".to_owned(),
            self.data().display().to_string(),
        ];
        let port = format!("port={}", self.port);
        let own = [
            port.as_str(),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "shared_buffers=32MB",
            "max_connections=200",
            "deadlock_timeout=100ms",
        ];
        for setting in own.into_iter().chain(self.settings.iter().map(String::as_str)) {
            words.extend(["-c".to_owned(), setting.to_owned()]);
        }
        words
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(watched) = self.running.take() {
            watched.end();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where the server's programs are: what `pg_config` says, else where Debian has them, the
/// newest version first.
fn binaries() -> &'static Path {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let said = Command::new("pg_config").arg("--bindir").output().ok();
        let said = said.map(|out| PathBuf::from(String::from_utf8_lossy(&out.stdout).trim()));
        let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
            .unwrap_or_default();
        found.sort_by_key(|path| {
            let version = path.parent().and_then(Path::file_name).and_then(|n| n.to_str());
            version.and_then(|version| version.parse::<u32>().ok())
        });
        said.into_iter()
            .chain(found.into_iter().rev())
            .find(|path| path.join("initdb").exists() && path.join("postgres").exists())
            .expect("PostgreSQL's server programs (Debian: apt-get install postgresql)")
    })
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it has an address").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_server_comes_back_with_what_it_kept_and_takes_its_folder_with_it() {
        let mut server = PostgresServer::start(&[]);
        let database = server.database();
        server.sql(&database.name, "CREATE TABLE kept AS SELECT 7 AS seven");
        server.kill();
        assert!(!server.answers());
        server.restart();
        assert_eq!(server.sql(&database.name, "SELECT seven FROM kept"), "7");
        let folder = server.folder.clone();
        drop(server);
        assert!(!folder.exists());
    }
}
