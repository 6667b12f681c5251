//! A server under test, and requests to it as Zoom would make them, by the simplest means.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use watershed_tests::{Home, Running};

/// What the app `acme` signs with.
pub(crate) const SECRET: &str = "SIMSECRET-webhook-acme";
/// The path of its webhooks.
pub(crate) const PATH: &str = "/webhooks/zoom/acme";
/// A server that is not there by then does not start; an answer that is not there does not come.
const WAIT_MAX: Duration = Duration::from_secs(60);

const CONFIGURATION: &str = "\
[connections.acme]
account_id = \"acme-account\"
client_id = \"acme-client\"
client_secret = { env = \"ACME_SECRET\" }
webhook_secret = { env = \"ACME_WEBHOOKS\" }
tier = \"business\"
[connections.globex]
account_id = \"globex-account\"
client_id = \"globex-client\"
client_secret = { env = \"ACME_SECRET\" }
webhook_secret = { env = \"GLOBEX_WEBHOOKS\" }
[connections.quiet]
account_id = \"quiet-account\"
client_id = \"quiet-client\"
client_secret = { env = \"ACME_SECRET\" }
";

/// A folder with two connections that have webhooks, and one that has none.
pub(crate) fn folder(more: &str) -> Home {
    let mut home = Home::empty().expect("a folder");
    home.write("watershed.toml", &format!("{CONFIGURATION}{more}"));
    home.set("ACME_SECRET", Some("SIMSECRET-client"));
    home.set("ACME_WEBHOOKS", Some(SECRET));
    home.set("GLOBEX_WEBHOOKS", Some("SIMSECRET-webhook-globex"));
    home
}

/// Where a server listens: `127.0.0.1:PORT`.
pub(crate) struct At(pub(crate) String);

impl At {
    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &Headers, body: &[u8]) -> Answer {
        self.ask_as(&self.0, method, path, headers, body)
    }

    fn ask_as(
        &self,
        name: &str,
        method: &str,
        path: &str,
        headers: &Headers,
        body: &[u8],
    ) -> Answer {
        let mut stream = self.connect();
        stream.write_all(&head(name, method, path, headers, body.len())).expect("it takes a head");
        // One that is refused early may not be taken whole.
        let _ = stream.write_all(body);
        read_answer(&mut BufReader::new(stream)).expect("an answer")
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.0).expect("it listens");
        stream.set_read_timeout(Some(WAIT_MAX)).expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        stream
    }
}

/// A server that runs.
pub(crate) struct Endpoint {
    pub(crate) process: Running,
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
}

impl Endpoint {
    /// Starts it in a folder, on a port of its own; it tells all that it does.
    pub(crate) fn start(home: &Home) -> Endpoint {
        Endpoint::start_with(home, "trace")
    }

    /// The same, as it runs for an operator.
    pub(crate) fn start_quiet(home: &Home) -> Endpoint {
        Endpoint::start_with(home, "warn")
    }

    fn start_with(home: &Home, log: &str) -> Endpoint {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--json"]);
        command.env("RUST_LOG", log);
        let mut process = home.start_command(command);
        let there = |process: &Running| process.stdout().ends_with('\n');
        process.until("the line that it listens", WAIT_MAX, there).expect("it listens");
        let ready: Value = serde_json::from_str(&process.stdout()).expect("JSON");
        crate::json_shapes::fits("serve-ready", &ready);
        let base = ready["base"].as_str().expect("a base");
        let host = base.trim_start_matches("http://").to_owned();
        Endpoint { process, host }
    }

    /// Posts an event as `acme`'s app would, rightly signed now.
    pub(crate) fn post(&self, body: &str) -> Answer {
        self.ask("POST", PATH, &signed(SECRET, &now(), body), body.as_bytes())
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &Headers, body: &[u8]) -> Answer {
        At(self.host.clone()).ask(method, path, headers, body)
    }

    /// The same, under another name for the server.
    pub(crate) fn ask_as(
        &self,
        name: &str,
        method: &str,
        path: &str,
        headers: &Headers,
        body: &[u8],
    ) -> Answer {
        At(self.host.clone()).ask_as(name, method, path, headers, body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &Vec::new(), b"")
    }

    pub(crate) fn connect(&self) -> TcpStream {
        At(self.host.clone()).connect()
    }

    /// What a counter or gauge says, by its name and labels as they are printed.
    pub(crate) fn metric(&self, line: &str) -> f64 {
        let metrics = self.get("/metrics");
        assert_eq!(metrics.status, 200, "{metrics:?}");
        let text = String::from_utf8(metrics.body).expect("text");
        let told = text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' '));
        told.unwrap_or_else(|| panic!("no {line} in\n{text}")).parse().expect("a number")
    }

    /// How many of `acme`'s webhooks were answered in this way.
    pub(crate) fn outcome(&self, outcome: &str) -> f64 {
        let labels = format!("{{connection=\"acme\",outcome=\"{outcome}\"}}");
        self.metric(&format!("watershed_webhook_requests_total{labels}"))
    }
}

/// Headers of a request.
pub(crate) type Headers = Vec<(&'static str, String)>;

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case, but for the date.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// The head of a request.
pub(crate) fn head(
    name: &str,
    method: &str,
    path: &str,
    headers: &Headers,
    length: usize,
) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {name}\r\n");
    if method == "POST" {
        text.push_str(&format!("Content-Length: {length}\r\n"));
        if headers.iter().all(|(name, _)| *name != "content-type") {
            text.push_str("Content-Type: application/json\r\n");
        }
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// Reads one answer.
pub(crate) fn read_answer(from: &mut impl BufRead) -> std::io::Result<Answer> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other(format!("answered {line:?}")))?;
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        line.clear();
        from.read_line(&mut line)?;
        let header = line.trim_end().to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(told) = header.strip_prefix("content-length: ") {
            length = told.parse().map_err(std::io::Error::other)?;
        }
        if !header.starts_with("date: ") {
            headers.push(header);
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(Answer { status, headers, body })
}

/// HMAC-SHA256 in hex.
pub(crate) fn hmac(secret: &str, text: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(text);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The headers of a body that was signed with this secret at this time.
pub(crate) fn signed(secret: &str, at: &str, body: &str) -> Headers {
    let signature = hmac(secret, format!("v0:{at}:{body}").as_bytes());
    vec![("x-zm-request-timestamp", at.to_owned()), ("x-zm-signature", format!("v0={signature}"))]
}

/// Now, in seconds, as it stands in a header.
pub(crate) fn now() -> String {
    off(0)
}

/// So many seconds from now.
pub(crate) fn off(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    (i64::try_from(now.as_secs()).expect("a time") + seconds).to_string()
}

/// The event that a meeting with this uuid ended.
pub(crate) fn ended(account: &str, uuid: &str) -> String {
    let body = json!({
        "event": "meeting.ended", "event_ts": 1_700_000_000_123_i64,
        "payload": { "account_id": account, "object": {
            "id": "81000000001", "uuid": uuid, "host_id": "host-1", "topic": "Weekly",
            "type": 2, "start_time": "2023-11-14T21:13:20Z", "duration": 60, "timezone": "UTC",
        } },
    });
    body.to_string()
}

/// Uuids of what waits in the inbox, in order.
pub(crate) fn inbox(home: &Home) -> Vec<String> {
    asked(home, "SELECT json_extract(body, '$.payload.object.uuid') FROM _inbox ORDER BY place")
}

/// The text of each row that a statement gives.
pub(crate) fn asked(home: &Home, sql: &str) -> Vec<String> {
    let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
    let mut statement = database.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("text")
}
