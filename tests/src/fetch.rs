//! A whole answer of a server on this machine, by the simplest means there are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The longest silence: truth of a large account is made while it is sent.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Says these lines to `path` at `host` (`127.0.0.1:port`), and makes sure that all were taken.
pub(crate) fn tell(host: &str, path: &str, lines: &str) -> Result<()> {
    let mut stream = TcpStream::connect(host).with_context(|| format!("connect to {host}"))?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let length = lines.len();
    write!(stream, "POST {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n")?;
    stream.write_all(lines.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    if answer.split(' ').nth(1) != Some("204") {
        bail!("POST {path} answered {answer:?} to {lines:?}");
    }
    Ok(())
}

/// Says `PUT path`, without a body, at `host` (`127.0.0.1:port`).
///
/// # Errors
/// Where it is not answered by 200.
pub fn put(host: &str, path: &str) -> Result<()> {
    asked("PUT", host, path).map(drop)
}

/// The body of `GET path` at `host` (`127.0.0.1:port`).
///
/// # Errors
/// Where it is not answered by 200, or not to its end.
pub fn get(host: &str, path: &str) -> Result<Vec<u8>> {
    asked("GET", host, path)
}

/// HTTP/1.0, so that the body ends with the connection and needs no framing.
fn asked(method: &str, host: &str, path: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(host).with_context(|| format!("connect to {host}"))?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if line.split(' ').nth(1) != Some("200") {
        bail!("{method} {path} answered {line:?}");
    }
    let mut length = None;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse::<usize>()?);
        }
    }
    let mut body = Vec::new();
    reader.read_to_end(&mut body)?;
    match length {
        Some(length) if length != body.len() => {
            bail!("{method} {path}: {} of {length} bytes came", body.len())
        }
        _ => Ok(body),
    }
}
