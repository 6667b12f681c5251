//! What a URL means: which server, which database, how it is spoken to.
//!
//! Guarantee: of a URL only hosts, ports and the database are ever shown, in errors or
//! elsewhere; user and password are not.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use watershed_sink::Error;

use crate::fault::unusable;
use crate::tls::{Roots, Trust};

/// 10 s: a server that is there answers in some milliseconds.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// 30 s, then 3 times 5 s: a connection that is idle is known to be dead within the minute.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
const KEEPALIVE_TRIES: u32 = 3;
/// 30 s: what the network does not take within it is lost.
const UNSENT_MAX: Duration = Duration::from_secs(30);

/// A URL without what is secret: server and database. Connects to nothing.
///
/// # Errors
/// [`Error::Unusable`] for a URL that [`crate::PostgresSink::open`] would not read either; it
/// does not repeat the URL.
pub fn place_of(url: &str) -> Result<String, Error> {
    Ok(Place::read(url)?.shown)
}

/// Where the sink is.
pub(crate) struct Place {
    /// How it is connected to.
    pub config: Config,
    /// Whom it must prove to be.
    pub trust: Trust,
    /// As it is shown: without credentials.
    pub shown: String,
}

/// The parameters that are ours to read; the others are the driver's.
#[derive(Default)]
struct Own {
    sslmode: Option<String>,
    sslrootcert: Option<String>,
}

impl Place {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…&sslrootcert=…`.
    ///
    /// # Errors
    /// [`Error::Unusable`]; it does not repeat the URL, which may hold a password.
    pub(crate) fn read(url: &str) -> Result<Place, Error> {
        let (base, own, query) = split(url);
        if !(base.starts_with("postgres://") || base.starts_with("postgresql://")) {
            return Err(misread("it does not begin with postgres://"));
        }
        let mut config: Config =
            format!("{base}{query}").parse().map_err(|_| misread("it cannot be read"))?;
        let nameless = |host: &Host| matches!(host, Host::Tcp(name) if name.is_empty());
        if config.get_hosts().is_empty() || config.get_hosts().iter().any(nameless) {
            return Err(misread("it names no host"));
        }
        let shown = shown(&config);
        let far = config.get_hosts().iter().any(far);
        let mode = own.sslmode.as_deref().unwrap_or(if far { "verify-full" } else { "disable" });
        let Some((ssl, trust)) = meaning(mode, roots(own.sslrootcert)) else {
            return Err(misread(
                "its sslmode is none of disable, allow, prefer, require, verify-ca, verify-full",
            ));
        };
        config.ssl_mode(ssl);
        with_limits(&mut config);
        Ok(Place { config, trust, shown })
    }
}

fn with_limits(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_MAX);
    }
    config.keepalives(true);
    config.keepalives_idle(KEEPALIVE_IDLE);
    config.keepalives_interval(KEEPALIVE_EVERY);
    config.keepalives_retries(KEEPALIVE_TRIES);
    config.tcp_user_timeout(UNSENT_MAX);
    if config.get_application_name().is_none() {
        config.application_name("watershed");
    }
}

/// What `sslmode` means, in the words of PostgreSQL's own clients.
fn meaning(mode: &str, roots: Roots) -> Option<(SslMode, Trust)> {
    Some(match mode {
        "disable" => (SslMode::Disable, Trust::Anyone),
        "allow" | "prefer" => (SslMode::Prefer, Trust::Anyone),
        "require" => (SslMode::Require, Trust::Anyone),
        "verify-ca" => (SslMode::Require, Trust::Signed(roots)),
        "verify-full" => (SslMode::Require, Trust::SignedAndNamed(roots)),
        _ => return None,
    })
}

fn roots(sslrootcert: Option<String>) -> Roots {
    match sslrootcert {
        None => Roots::Web,
        Some(system) if system == "system" => Roots::Web,
        Some(path) => Roots::File(PathBuf::from(path)),
    }
}

/// Whether a host is another machine, as far as its name tells.
fn far(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let here = name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
            !here && name != "localhost"
        }
        #[cfg(unix)]
        Host::Unix(_) => false,
    }
}

/// The URL up to its query, our parameters, and the query without them.
fn split(url: &str) -> (&str, Own, String) {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut own = Own::default();
    let mut rest: Vec<&str> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let read = url::form_urlencoded::parse(pair.as_bytes()).next();
        match read.as_ref().map(|(name, value)| (name.as_ref(), value.as_ref())) {
            Some(("sslmode", value)) => own.sslmode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => own.sslrootcert = Some(value.to_owned()),
            _ => rest.push(pair),
        }
    }
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    (base, own, query)
}

fn shown(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(nth, host)| {
        let name = match host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]"),
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        };
        match ports.get(nth).or(ports.first()) {
            Some(port) => format!("{name}:{port}"),
            None => name,
        }
    });
    let hosts: Vec<String> = hosts.collect();
    let database = config.get_dbname().map(|name| format!("/{name}")).unwrap_or_default();
    format!("postgres://{}{database}", hosts.join(","))
}

fn misread(why: &str) -> Error {
    unusable(
        "the PostgreSQL URL",
        why,
        "write postgres://USER:PASSWORD@HOST:PORT/DATABASE, special characters percent-encoded",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place::read(url).expect(url)
    }

    #[test]
    fn another_machine_must_prove_who_it_is_unless_the_url_says_otherwise() {
        let full = Trust::SignedAndNamed(Roots::Web);
        let file = || Roots::File("/ca.pem".into());
        let cases = [
            ("postgres://db.example.com/w", SslMode::Require, full),
            ("postgres://127.0.0.1/w", SslMode::Disable, Trust::Anyone),
            ("postgres://[::1]/w", SslMode::Disable, Trust::Anyone),
            ("postgres://localhost/w", SslMode::Disable, Trust::Anyone),
            ("postgres:///w?host=/run/postgresql", SslMode::Disable, Trust::Anyone),
            ("postgres://db/w?sslmode=disable", SslMode::Disable, Trust::Anyone),
            ("postgres://db/w?sslmode=prefer", SslMode::Prefer, Trust::Anyone),
            ("postgres://db/w?sslmode=require", SslMode::Require, Trust::Anyone),
            (
                "postgres://db/w?sslrootcert=%2Fca.pem&sslmode=verify-ca",
                SslMode::Require,
                Trust::Signed(file()),
            ),
            (
                "postgres://localhost,db/w?sslrootcert=/ca.pem",
                SslMode::Require,
                Trust::SignedAndNamed(file()),
            ),
        ];
        for (url, ssl, trust) in cases {
            let place = place(url);
            assert_eq!((place.config.get_ssl_mode(), place.trust), (ssl, trust), "{url}");
        }
    }

    #[test]
    fn neither_user_nor_password_is_ever_shown() {
        let place = place("postgres://ana:hunter2@db:6432/w?options=-c%20search_path%3Dzoom");
        assert_eq!(place.shown, "postgres://db:6432/w");
        assert!(!format!("{:?}", place.config).contains("hunter2"));
        for url in [
            "postgres://ana:hunter2@db/w?sslmode=hunter2",
            "postgres://ana:hunter2@db/w?hunter2=1",
            "postgres://ana:hunter2@:5432/w",
            "ana:hunter2@db",
            "host=db password=hunter2",
        ] {
            let refused = Place::read(url).err().expect(url);
            let told = format!("{refused} {refused:?}");
            assert!(!told.contains("hunter2") && !told.contains("ana:"), "{told}");
        }
    }
}
