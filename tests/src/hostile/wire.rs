//! One call that came in, and the ways to answer it, good and bad.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::server::Shared;

/// Who keeps a connection for longer than any client waits lets go of it.
const HELD_MAX: Duration = Duration::from_secs(120);

/// A call as it came in.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Bytes that it takes on the wire.
    pub(super) length: usize,
}

/// An answer that is whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// One call, to be answered.
pub(super) struct Wire<'a> {
    pub(super) stream: &'a mut TcpStream,
    pub(super) asked: &'a Asked,
    pub(super) shared: &'a Shared,
    /// How many calls were struck before it.
    pub(super) nth: u64,
    pub(super) is_read: bool,
}

impl Asked {
    /// The call at the front of a stream, left there.
    pub(super) fn peek(stream: &TcpStream) -> io::Result<Asked> {
        let until = Instant::now() + Duration::from_secs(10);
        let mut bytes = vec![0; 64 * 1_024];
        loop {
            let count = stream.peek(&mut bytes)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(asked) = Asked::read(&bytes[..count]) {
                return Ok(asked);
            }
            if count == bytes.len() {
                bytes.resize(count * 2, 0);
            }
            if Instant::now() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            sleep(Duration::from_millis(1));
        }
    }

    fn read(bytes: &[u8]) -> Option<Asked> {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ').map(str::to_owned);
        let (method, target) = (words.next()?, words.next()?);
        let headers = read_headers(lines);
        let length = header(&headers, "content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
        let body = bytes.get(end + 4..end + 4 + length)?.to_vec();
        Some(Asked { method, target, headers, body, length: end + 4 + length })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

pub(super) fn read_headers<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let pair = |line: &'a str| line.split_once(':');
    lines.filter_map(pair).map(|(n, v)| (n.to_lowercase(), v.trim().to_owned())).collect()
}

pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Answer {
        Answer::of(status, "application/json;charset=UTF-8", body.to_string())
    }

    pub(super) fn of(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Answer { status, headers, body: body.into() }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Its head, less what says how long the body is.
    pub(super) fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Whatever\r\n", self.status);
        for (name, value) in &self.headers {
            if !matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head
    }

    fn is_json(&self) -> bool {
        header(&self.headers, "content-type").is_some_and(|kind| kind.contains("json"))
    }
}

impl Wire<'_> {
    /// Answers as the account does.
    pub(super) fn pass(&mut self) -> io::Result<()> {
        let truth = self.truth()?;
        self.send(&truth)
    }

    /// What the account answers.
    pub(super) fn truth(&self) -> io::Result<Answer> {
        self.shared.ask(self.asked)
    }

    /// What it answers by JSON, changed; what it refuses or sends as a file, as it is.
    pub(super) fn changed(&mut self, change: impl FnOnce(&mut Value)) -> io::Result<()> {
        let truth = self.truth()?;
        let mut body = serde_json::from_slice::<Value>(&truth.body).unwrap_or_default();
        if truth.status != 200 || !truth.is_json() || !body.is_object() {
            return self.send(&truth);
        }
        change(&mut body);
        self.send(&Answer { body: body.to_string().into_bytes(), ..truth })
    }

    /// What it answers, where that is data, in other bytes.
    pub(super) fn in_bytes(&mut self, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> io::Result<()> {
        let mut truth = self.truth()?;
        if truth.status == 200 {
            truth.body = change(truth.body);
        }
        self.send(&truth)
    }

    /// A whole answer.
    pub(super) fn send(&mut self, answer: &Answer) -> io::Result<()> {
        let length = answer.body.len();
        self.raw(format!(
            "{}content-length: {length}\r\nconnection: close\r\n\r\n",
            answer.head()
        ))?;
        self.raw(&answer.body)
    }

    /// Whatever bytes.
    pub(super) fn raw(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.take()?;
        self.stream.write_all(bytes.as_ref())
    }

    /// Bytes after which the connection is reset, not closed: what is sent to a closed socket that
    /// holds something unread is.
    pub(super) fn reset(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())?;
        // Who is to read something of it needs a moment.
        sleep(Duration::from_millis(5));
        Ok(())
    }

    /// One byte after the other, for longer than anybody waits.
    pub(super) fn drip(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let until = Instant::now() + HELD_MAX;
        for byte in bytes.as_ref().iter().cycle() {
            self.raw([*byte])?;
            if self.is_over(until, Duration::from_millis(900)) {
                break;
            }
        }
        Ok(())
    }

    /// The same bytes again and again, as fast as they are taken.
    pub(super) fn flood(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let until = Instant::now() + HELD_MAX;
        loop {
            self.raw(bytes.as_ref())?;
            if self.is_over(until, Duration::ZERO) {
                return Ok(());
            }
        }
    }

    /// The same, a thousand times a second at most: what takes little and costs much.
    pub(super) fn shower(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let until = Instant::now() + HELD_MAX;
        loop {
            self.raw(bytes.as_ref())?;
            sleep(Duration::from_millis(1));
            if self.is_over(until, Duration::ZERO) {
                return Ok(());
            }
        }
    }

    /// Nothing, until the client has had enough.
    pub(super) fn silence(&mut self) -> io::Result<()> {
        self.take()?;
        let until = Instant::now() + HELD_MAX;
        while !self.is_over(until, Duration::from_millis(100)) {}
        Ok(())
    }

    /// Whether nobody is there any more, after a while.
    fn is_over(&mut self, until: Instant, after: Duration) -> bool {
        if !after.is_zero() {
            sleep(after);
            let patience = Some(Duration::from_millis(1));
            let gone = self.stream.set_read_timeout(patience).is_err()
                || matches!(self.stream.read(&mut [0; 16]), Ok(0));
            if gone {
                return true;
            }
        }
        Instant::now() > until || self.shared.stopped.load(Ordering::SeqCst)
    }

    /// Reads the call off the stream.
    fn take(&mut self) -> io::Result<()> {
        if !self.is_read {
            self.is_read = true;
            self.stream.read_exact(&mut vec![0; self.asked.length])?;
        }
        Ok(())
    }
}

/// Compressed.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}
