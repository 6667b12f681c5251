//! What breaks HTTP: status lines, headers, lengths, chunks, compression.

use super::Leaves::{Either, Less, Taken, Whole};
use super::wire::{Answer, Wire, gzip};
use super::{ALL, API, Behaviour, JSON};

/// More than any answer may have, in few bytes.
const BOMB: usize = 64 * 1_024 * 1_024;

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour::new("bytes that are no HTTP", ALL, Less, |wire| wire.raw([0xde, 0xad, b'\n', 0, 7])),
    Behaviour::new("a status that is none", ALL, Less, |wire| {
        wire.raw("HTTP/1.1 99999 OK\r\ncontent-length: 0\r\n\r\n")
    }),
    Behaviour::new("status 999", ALL, Less, |wire| wire.send(&Answer::of(999, "text/plain", "?"))),
    Behaviour::new("10,000 headers", ALL, Less, |wire| {
        let more: String = (0..10_000).map(|n| format!("x-{n}: a\r\n")).collect();
        around(wire, &more, |body| body)
    }),
    Behaviour::new("a header of 16 MB", ALL, Less, |wire| {
        let more = format!("x-long: {}\r\n", "a".repeat(16_000_000));
        around(wire, &more, |body| body)
    }),
    Behaviour::new("headers of bytes that are no text", ALL, Whole, |wire| {
        let truth = wire.truth()?;
        let mut head = truth.head().into_bytes();
        head.extend(b"x-odd: \xff\xfe\x80\r\nretry-after: \xff\r\nx-ratelimit-category: \xff\r\n");
        head.extend(format!("content-length: {}\r\n\r\n", truth.body.len()).bytes());
        wire.raw(head)?;
        wire.raw(truth.body)
    }),
    Behaviour::new("a length that is too long", ALL, Either, |wire| {
        let length = wire.truth()?.body.len() + 1_000;
        around(wire, &format!("content-length: {length}\r\n"), |body| body)
    }),
    Behaviour::new("a length that is too short", JSON, Less, |wire| {
        let length = wire.truth()?.body.len() / 2;
        around(wire, &format!("content-length: {length}\r\n"), |body| body)
    }),
    Behaviour::new("a length of -1", ALL, Less, |wire| {
        around(wire, "content-length: -1\r\n", |body| body)
    }),
    Behaviour::new("a length of 10^30", ALL, Less, |wire| {
        around(wire, &format!("content-length: 1{}\r\n", "0".repeat(30)), |body| body)
    }),
    Behaviour::new("two lengths that differ", ALL, Less, |wire| {
        around(wire, "content-length: 3\r\ncontent-length: 5\r\n", |body| body)
    }),
    Behaviour::new("a length and chunks", ALL, Either, |wire| {
        around(wire, "content-length: 3\r\ntransfer-encoding: chunked\r\n", chunk)
    }),
    Behaviour::new("chunks whose sizes are none", ALL, Less, |wire| {
        around(wire, "transfer-encoding: chunked\r\n", |_| b"zz\r\nhello\r\n0\r\n\r\n".to_vec())
    }),
    Behaviour::new("a chunk of 2^68 bytes", ALL, Less, |wire| {
        around(wire, "transfer-encoding: chunked\r\n", |body| {
            [b"fffffffffffffffff\r\n".to_vec(), body].concat()
        })
    }),
    Behaviour::new("chunks without a last one", ALL, Either, |wire| {
        around(wire, "transfer-encoding: chunked\r\n", |body| {
            let mut chunks = chunk(body);
            chunks.truncate(chunks.len() - 5);
            chunks
        })
    }),
    Behaviour::new("a gzip bomb of 64 MB", JSON, Less, |wire| {
        let body = gzip(&vec![b' '; BOMB]);
        send_gzip(wire, body)
    }),
    Behaviour::new("gzip cut short", JSON, Less, |wire| {
        let mut body = gzip(&wire.truth()?.body);
        body.truncate(body.len() / 2);
        send_gzip(wire, body)
    }),
    Behaviour::new("gzip with a wrong checksum", JSON, Either, |wire| {
        let mut body = gzip(&wire.truth()?.body);
        let at = body.len() - 6;
        body[at] ^= 0xff;
        send_gzip(wire, body)
    }),
    Behaviour::new("plain text that is said to be gzip", JSON, Less, |wire| {
        let body = wire.truth()?.body;
        send_gzip(wire, body)
    }),
    Behaviour::new("gzip within gzip", JSON, Less, |wire| {
        let body = gzip(&gzip(&wire.truth()?.body));
        send_gzip(wire, body)
    }),
    Behaviour::new("a compression that nobody knows", API, Taken, |wire| {
        let truth = wire.truth()?.with("content-encoding", "x-evil");
        wire.send(&truth)
    }),
];

/// The account's answer, framed by these header lines.
fn around(
    wire: &mut Wire<'_>,
    headers: &str,
    change: impl FnOnce(Vec<u8>) -> Vec<u8>,
) -> std::io::Result<()> {
    let truth = wire.truth()?;
    wire.raw(format!("{}{headers}\r\n", truth.head()))?;
    wire.raw(change(truth.body))
}

fn chunk(body: Vec<u8>) -> Vec<u8> {
    [format!("{:x}\r\n", body.len()).into_bytes(), body, b"\r\n0\r\n\r\n".to_vec()].concat()
}

fn send_gzip(wire: &mut Wire<'_>, body: Vec<u8>) -> std::io::Result<()> {
    wire.send(&Answer::of(200, "application/json", body).with("content-encoding", "gzip"))
}
