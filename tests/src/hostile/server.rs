//! The server: sorts calls by their kind, asks the account, counts.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::wire::{Answer, Asked, Wire, header, read_headers};
use super::{Behaviour, Kind, Strikes};
use crate::account::Account;

/// Rows of a page of the list in pages, so that a small account has several.
const PAGE_SIZE: u32 = 5;
/// The longest silence of the account itself.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A hostile account. Gone when dropped.
#[derive(Debug)]
pub struct Hostile {
    shared: Arc<Shared>,
    port: u16,
}

/// What its connections share.
#[derive(Debug)]
pub(super) struct Shared {
    account: String,
    own: String,
    kind: Kind,
    behaviour: Behaviour,
    pub(super) stopped: AtomicBool,
    struck: AtomicU64,
    passed_at: Mutex<Instant>,
    /// Where calls are led, by [`super::Lead`].
    leads: Vec<String>,
    led: AtomicU64,
    /// Calls that carry more than they should: cookies, a referrer, a token in their address.
    odd: Mutex<Vec<String>>,
}

impl Hostile {
    /// One before that account, which behaves so towards calls of that kind.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn before(account: &Account, kind: Kind, behaviour: Behaviour) -> Result<Hostile> {
        Hostile::leading(account, kind, behaviour, Vec::new())
    }

    /// One that leads calls of that kind away, one after the other to each of these.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn leading(
        account: &Account,
        kind: Kind,
        behaviour: Behaviour,
        leads: Vec<String>,
    ) -> Result<Hostile> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            account: account.ready("base").trim_start_matches("http://").to_owned(),
            own: format!("127.0.0.1:{port}"),
            kind,
            behaviour,
            stopped: AtomicBool::new(false),
            struck: AtomicU64::new(0),
            passed_at: Mutex::new(Instant::now()),
            leads,
            led: AtomicU64::new(0),
            odd: Mutex::default(),
        });
        let of = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if of.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (Ok(stream), of) = (stream, of.clone()) else { continue };
                // One that breaks off is the client's loss, or wanted.
                thread::spawn(move || of.serve(stream).ok());
            }
        });
        Ok(Hostile { shared, port })
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Calls that met the behaviour.
    pub fn struck(&self) -> u64 {
        self.shared.struck.load(Ordering::SeqCst)
    }

    /// How many leads were given.
    pub fn led(&self) -> u64 {
        self.shared.led.load(Ordering::SeqCst)
    }

    /// Calls that carried a cookie, a referrer, or a secret in their address.
    pub fn odd(&self) -> Vec<String> {
        self.shared.odd.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long ago the last call was passed on.
    pub fn idle(&self) -> Duration {
        self.shared.passed_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // The listener waits for a connection, and sees that it is to end.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        let asked = Asked::peek(&stream)?;
        self.look(&asked);
        let nth = self.strikes(&asked);
        let act = if nth.is_some() { self.behaviour.act } else { Behaviour::NONE.act };
        if nth.is_none() {
            *self.passed_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
        let mut wire = Wire {
            stream: &mut stream,
            asked: &asked,
            shared: self,
            nth: nth.unwrap_or(0),
            is_read: false,
        };
        act(&mut wire)
    }

    /// The next lead; after the last one the first again.
    pub(super) fn lead(&self) -> String {
        let nth = self.led.fetch_add(1, Ordering::SeqCst) as usize;
        self.leads[nth % self.leads.len()].replace("{own}", &self.own)
    }

    fn look(&self, asked: &Asked) {
        let address = &asked.target;
        // The paths of files are marked as secrets themselves.
        let told = address.contains("token=") && !address.contains("next_page_token=");
        if told || asked.header("cookie").or(asked.header("referer")).is_some() {
            let odd = format!("{address} {:?}", asked.headers);
            self.odd.lock().unwrap_or_else(PoisonError::into_inner).push(odd);
        }
    }

    /// How many calls were struck before this one, if it is to be.
    fn strikes(&self, asked: &Asked) -> Option<u64> {
        if Kind::of(&asked.target) != Some(self.kind) {
            return None;
        }
        let nth = self.struck.fetch_add(1, Ordering::SeqCst);
        match self.behaviour.strikes {
            Strikes::First(calls) if nth >= calls => None,
            _ => Some(nth),
        }
    }

    /// What the account answers, with its own address replaced by ours. HTTP/1.0, so that the body
    /// ends with the connection.
    pub(super) fn ask(&self, asked: &Asked) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(&self.account)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        let target = self.smaller_pages(&asked.target);
        let mut request =
            format!("{} {target} HTTP/1.0\r\nhost: {}\r\n", asked.method, self.account);
        for (name, value) in &asked.headers {
            if !matches!(name.as_str(), "host" | "connection" | "accept-encoding") {
                request.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes())?;
        stream.write_all(&asked.body)?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        self.answer(&bytes)
    }

    fn answer(&self, bytes: &[u8]) -> io::Result<Answer> {
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(broken)?;
        let head = String::from_utf8_lossy(&bytes[..end]).replace(&self.account, &self.own);
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = read_headers(lines);
        let mut body = bytes[end + 4..].to_vec();
        if header(&headers, "content-type").is_some_and(|kind| kind.contains("json"))
            && let Ok(text) = std::str::from_utf8(&body)
        {
            body = text.replace(&self.account, &self.own).into_bytes();
        }
        Ok(Answer { status: status.ok_or_else(broken)?, headers, body })
    }

    fn smaller_pages(&self, target: &str) -> String {
        if self.kind != Kind::Pages || Kind::of(target) != Some(Kind::Pages) {
            return target.to_owned();
        }
        target.replace("page_size=300", &format!("page_size={PAGE_SIZE}"))
    }
}
