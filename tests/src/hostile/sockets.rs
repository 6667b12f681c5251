//! What breaks connections, and time.

use super::Leaves::{Either, Less, Whole};
use super::wire::Wire;
use super::{ALL, Behaviour};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour::new("the connection is reset before a word", ALL, Less, |wire| wire.reset("")),
    Behaviour::new("the same, twice", ALL, Whole, |wire| wire.reset("")).first(2),
    Behaviour::new("the connection is closed before a word", ALL, Less, |wire| wire.raw("")),
    Behaviour::new("reset within the head", ALL, Less, |wire| {
        wire.reset("HTTP/1.1 200 OK\r\ncontent-type: applic")
    }),
    Behaviour::new("reset within the body", ALL, Less, half_reset),
    Behaviour::new("reset within the body, twice", ALL, Whole, half_reset).first(2),
    Behaviour::new("closed within the body", ALL, Either, |wire| {
        let truth = wire.truth()?;
        let length = truth.body.len() + 7;
        wire.raw(format!("{}content-length: {length}\r\n\r\n", truth.head()))?;
        wire.raw(&truth.body)
    }),
    Behaviour::new("silence in place of an answer", ALL, Less, silence).slow(),
    Behaviour::new("a head that comes byte by byte", ALL, Less, |wire| {
        wire.raw("HTTP/1.1 200 OK\r\nx-slow: ")?;
        wire.drip("a")
    })
    .slow(),
    Behaviour::new("a body that comes byte by byte", ALL, Less, |wire| {
        let truth = wire.truth()?;
        wire.raw(format!("{}content-length: {}\r\n\r\n", truth.head(), truth.body.len()))?;
        wire.drip(" ")
    })
    .slow(),
    Behaviour::new("silence within the body", ALL, Less, |wire| {
        let truth = wire.truth()?;
        wire.raw(format!("{}content-length: {}\r\n\r\n", truth.head(), truth.body.len()))?;
        wire.raw(&truth.body[..truth.body.len() / 2])?;
        wire.silence()
    })
    .slow(),
    Behaviour::new("a body without end", ALL, Less, |wire| {
        let truth = wire.truth()?;
        wire.raw(format!("{}\r\n", truth.head()))?;
        wire.raw(truth.body)?;
        wire.flood([b' '; 65_536])
    }),
    Behaviour::new("chunks without end", ALL, Less, |wire| {
        let head = wire.truth()?.head();
        wire.raw(format!("{head}transfer-encoding: chunked\r\n\r\n"))?;
        let mut chunk = b"10000\r\n".to_vec();
        chunk.resize(chunk.len() + 65_536, b' ');
        chunk.extend(b"\r\n");
        wire.flood(chunk)
    }),
    Behaviour::new("a head without end", ALL, Less, |wire| {
        wire.raw("HTTP/1.1 200 OK\r\n")?;
        wire.flood("x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")
    }),
    Behaviour::new("100 and 103 without end", ALL, Less, |wire| {
        wire.shower("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
    })
    .slow(),
    Behaviour::new("103 before the answer", ALL, Whole, |wire| {
        wire.raw("HTTP/1.1 103 Early Hints\r\nlink: <https://evil.test/>; rel=preload\r\n\r\n")?;
        wire.pass()
    }),
    Behaviour::new("101: another protocol from here on", ALL, Less, |wire| {
        wire.raw("HTTP/1.1 101 Switching\r\nupgrade: evil\r\nconnection: upgrade\r\n\r\n\0\x01")
    }),
    Behaviour::new(
        "an answer that nobody asked for along with the right one",
        ALL,
        Either,
        |wire| {
            let truth = wire.truth()?;
            wire.raw(format!("{}content-length: {}\r\n\r\n", truth.head(), truth.body.len()))?;
            wire.raw(&truth.body)?;
            wire.raw(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
            )?;
            wire.silence()
        },
    ),
];

fn silence(wire: &mut Wire<'_>) -> std::io::Result<()> {
    wire.silence()
}

fn half_reset(wire: &mut Wire<'_>) -> std::io::Result<()> {
    let truth = wire.truth()?;
    let head = format!("{}content-length: {}\r\n\r\n", truth.head(), truth.body.len());
    let half = [head.as_bytes(), &truth.body[..truth.body.len() / 2]].concat();
    wire.reset(half)
}
