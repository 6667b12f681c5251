//! What is sent in place of a file.

use std::fmt::Write as _;

use super::Leaves::{Either, Less, Taken, Whole};
use super::wire::{Answer, Wire};
use super::{Behaviour, FILE};

const PAGE: &str = "<!doctype html><html><title>Sign In</title></html>";

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour::new("other bytes, as many", FILE, Less, |wire| {
        wire.in_bytes(|body| vec![0xa5; body.len()])
    }),
    Behaviour::new("a file without its end", FILE, Either, |wire| {
        wire.in_bytes(|mut body| {
            body.truncate(body.len() - body.len() / 4 - 1);
            body
        })
    }),
    Behaviour::new("a file without its end, once", FILE, Either, |wire| {
        wire.in_bytes(|mut body| {
            body.truncate(body.len() / 2);
            body
        })
    })
    .first(1),
    Behaviour::new("a file and more", FILE, Taken, |wire| {
        wire.in_bytes(|body| [body, b"\nand more".to_vec()].concat())
    }),
    Behaviour::new("an empty file", FILE, Less, |wire| wire.in_bytes(|_| Vec::new())),
    Behaviour::new("204 in place of a file", FILE, Less, |wire| {
        wire.raw("HTTP/1.1 204 No Content\r\n\r\n")
    }),
    Behaviour::new("a page for people in place of a file", FILE, Less, |wire| {
        wire.send(&Answer::of(200, "text/html", PAGE))
    }),
    Behaviour::new("the same, said to be video", FILE, Less, |wire| {
        wire.send(&Answer::of(200, "video/mp4", PAGE))
    }),
    Behaviour::new("the same, as long as the file", FILE, Less, |wire| {
        wire.in_bytes(|body| PAGE.bytes().cycle().take(body.len().max(PAGE.len())).collect())
    }),
    Behaviour::new("a file that is said to be gzip", FILE, Either, |wire| {
        let truth = wire.truth()?.with("content-encoding", "gzip");
        wire.send(&truth)
    }),
    Behaviour::new("206 of another part", FILE, Less, |wire| {
        let truth = wire.truth()?;
        let range = format!("bytes 7-{}/{}", truth.body.len() + 6, truth.body.len() + 7);
        partial(wire, truth, &range)
    }),
    Behaviour::new("206 of a part that is none", FILE, Less, |wire| {
        let truth = wire.truth()?;
        partial(wire, truth, "bytes 18446744073709551615-0/-1")
    }),
    Behaviour::new("206 of the whole", FILE, Either, |wire| {
        let truth = wire.truth()?;
        let range = format!("bytes 0-{}/{}", truth.body.len() - 1, truth.body.len());
        partial(wire, truth, &range)
    }),
    Behaviour::new("416 for ever", FILE, Less, |wire| {
        wire.send(&Answer::of(416, "text/plain", "").with("content-range", "bytes */0"))
    }),
    Behaviour::new(
        "broken off again and again, and the rest when asked for",
        FILE,
        Whole,
        |wire| {
            let truth = wire.truth()?;
            if truth.body.len() < 64 {
                return wire.send(&truth);
            }
            wire.raw(format!("{}content-length: {}\r\n\r\n", truth.head(), truth.body.len()))?;
            wire.raw(&truth.body[..truth.body.len() - 16])
        },
    )
    .first(40),
    Behaviour::new("broken off, and the whole when the rest is asked for", FILE, Either, |wire| {
        let mut asked = wire.asked.clone();
        asked.headers.retain(|(name, _)| name != "range");
        let truth = wire.shared.ask(&asked)?;
        if wire.asked.header("range").is_some() || truth.status != 200 {
            return wire.send(&truth);
        }
        wire.raw(format!("{}content-length: {}\r\n\r\n", truth.head(), truth.body.len()))?;
        wire.raw(&truth.body[..truth.body.len() / 2])
    }),
    Behaviour::new("broken off, and another file's rest", FILE, Less, |wire| {
        let truth = wire.truth()?;
        let length = truth.body.len();
        if wire.asked.header("range").is_some() {
            return wire.send(&Answer { body: vec![b'x'; length], ..truth });
        }
        wire.raw(format!("{}content-length: {}\r\n\r\n", truth.head(), length + 9))?;
        wire.raw(vec![b'x'; length / 2])
    }),
    Behaviour::new("a redirect to an address of the house", FILE, Less, |wire| {
        redirect(wire, "https://10.0.0.1/secret")
    }),
    Behaviour::new("a redirect to this machine", FILE, Less, |wire| {
        redirect(wire, "https://127.0.0.1:1/secret")
    }),
    Behaviour::new("a redirect to this machine by another name", FILE, Less, |wire| {
        redirect(wire, "https://localhost:1/secret")
    }),
    Behaviour::new("a redirect to a file of this machine", FILE, Less, |wire| {
        redirect(wire, "file:///etc/passwd")
    }),
    Behaviour::new("a redirect that is none", FILE, Less, |wire| redirect(wire, "https://[::")),
    Behaviour::new("a redirect, and the file behind it", FILE, Whole, |wire| {
        let target = wire.asked.target.clone();
        redirect(wire, &target)
    })
    .first(1),
    Behaviour::new("captions of 200,000 cues", FILE, Either, |wire| {
        captions(
            wire,
            (0..200_000).fold(String::new(), |mut text, n| {
                let cue = "00:00:01.000 --> 00:00:02.000\nAna: yes";
                writeln!(text, "{n}\n{cue}\n").expect("a string takes all");
                text
            }),
        )
    }),
    Behaviour::new("captions of one line of 60 MB", FILE, Less, |wire| {
        captions(wire, "x".repeat(60_000_000))
    }),
    Behaviour::new("captions without end", FILE, Less, |wire| {
        let head = wire.truth()?.head();
        wire.raw(format!("{head}\r\nWEBVTT\n\n"))?;
        wire.flood("00:00:01.000 --> 00:00:02.000\nAna: yes\n\n")
    }),
    Behaviour::new("captions whose times are none", FILE, Either, |wire| {
        captions(wire, "99999999999:99:99.999 --> -1:00:00.000\nAna: yes\n\n--> \n -->\n".into())
    }),
    Behaviour::new("captions that paint the terminal", FILE, Either, |wire| {
        let text = super::statuses::ESCAPES;
        captions(wire, format!("00:00:01.000 --> 00:00:02.000\n{text}: {text}\n"))
    }),
    Behaviour::new("captions of bytes that are no text", FILE, Either, |wire| {
        wire.in_bytes(|body| [body, vec![0xff, 0xfe, 0xc0]].concat())
    }),
    Behaviour::new("a name and a type that are hostile", FILE, Whole, |wire| {
        let truth = wire.truth()?.with("content-disposition", "attachment; filename=../../x");
        wire.send(&truth.with("etag", "\"\u{e9}\\\""))
    }),
];

fn partial(wire: &mut Wire<'_>, truth: Answer, range: &str) -> std::io::Result<()> {
    if truth.status != 200 {
        return wire.send(&truth);
    }
    wire.send(&Answer { status: 206, ..truth }.with("content-range", range))
}

fn redirect(wire: &mut Wire<'_>, to: &str) -> std::io::Result<()> {
    wire.send(&Answer::of(302, "text/plain", "").with("location", to))
}

/// Captions in place of any file.
fn captions(wire: &mut Wire<'_>, text: String) -> std::io::Result<()> {
    wire.send(&Answer::of(200, "text/vtt", format!("WEBVTT\n\n{text}")))
}
