//! What refuses: statuses, codes, throttling, redirects.

use serde_json::json;

use super::Leaves::{Either, Less, Waits, Whole};
use super::wire::{Answer, Wire};
use super::{ALL, API, Behaviour, JSON, Kind};

/// What a text may do to a terminal.
pub(super) const ESCAPES: &str =
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}gnp.exe\r\nerror: all is well";

const PAGED: &[Kind] = &[Kind::List, Kind::Pages, Kind::Report];

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour::new("400 with a code that nobody knows", ALL, Less, |w| {
        refuse(w, 400, 987_654, "?")
    }),
    Behaviour::new("404 with a code that nobody knows", ALL, Less, |w| {
        refuse(w, 404, 987_654, "?")
    }),
    Behaviour::new("400 without a body", ALL, Less, |wire| {
        wire.send(&Answer::of(400, "application/json", ""))
    }),
    Behaviour::new("403 without a body", ALL, Less, |wire| {
        wire.send(&Answer::of(403, "application/json", ""))
    }),
    Behaviour::new("418", ALL, Less, |wire| refuse(wire, 418, 0, "I'm a teapot")),
    Behaviour::new("a code of 10^30", JSON, Less, |wire| {
        let body = format!("{{\"code\":1{},\"message\":[\"no text\"]}}", "0".repeat(30));
        wire.send(&Answer::of(400, "application/json", body))
    }),
    Behaviour::new("a refusal that paints the terminal", ALL, Less, |w| refuse(w, 400, 1, ESCAPES)),
    Behaviour::new("a refusal of 10 MB", JSON, Less, |wire| {
        refuse(wire, 400, 1, &"no ".repeat(3_300_000))
    }),
    Behaviour::new("a refusal that repeats the call's headers", ALL, Less, |wire| {
        let sent = wire.asked.header("authorization").unwrap_or_default().to_owned();
        refuse(wire, 400, 1, &format!("invalid header: Authorization: {sent}"))
    }),
    Behaviour::new("500 for ever", ALL, Less, |wire| refuse(wire, 500, 500, "Internal error.")),
    Behaviour::new("500, twice", ALL, Whole, |wire| refuse(wire, 500, 500, "Internal error."))
        .first(2),
    Behaviour::new("503, back in a thousand years", ALL, Less, |wire| {
        let body = json!({"code": 503, "message": "away"});
        wire.send(&Answer::json(503, &body).with("retry-after", "31536000000"))
    }),
    Behaviour::new("408 for ever", ALL, Less, |wire| wire.send(&Answer::of(408, "text/html", ""))),
    Behaviour::new("401 for ever", ALL, Waits, |wire| {
        refuse(wire, 401, 124, "Invalid access token.")
    }),
    Behaviour::new("401, once", API, Whole, |w| refuse(w, 401, 124, "Access token is expired."))
        .first(1),
    Behaviour::new("a token that is revoked", ALL, Waits, |wire| {
        refuse(wire, 401, 4741, "Revoked.")
    }),
    Behaviour::new("401 with a page for people", ALL, Less, |wire| {
        wire.send(&Answer::of(401, "text/html", "<html>who are you?</html>"))
    }),
    Behaviour::new("access denied", API, Waits, |wire| {
        refuse(wire, 403, 0, "Access to the Zoom REST API has been denied for this account.")
    }),
    Behaviour::new("200 with a refusal", API, Less, |wire| {
        refuse(wire, 200, 200, "No permission.")
    }),
    Behaviour::new("a scope that is missing, with a name that paints", API, Less, |wire| {
        let text = format!("Invalid access token, does not contain scopes:[{ESCAPES}, a:b, ].");
        refuse(wire, 400, 4711, &text)
    }),
    Behaviour::new("429 without headers, twice", ALL, Whole, |w| throttle(w, &[])).first(2),
    Behaviour::new("429 for ever", ALL, Waits, |wire| throttle(wire, &[])),
    Behaviour::new("429 of a day, for ever", API, Waits, |wire| {
        throttle(wire, &[("x-ratelimit-type", "Daily-limit")])
    }),
    Behaviour::new("429, back in a thousand years", API, Whole, |wire| {
        throttle(wire, &[("retry-after", "31536000000")])
    })
    .first(2),
    Behaviour::new("429, back at the end of time", API, Whole, |wire| {
        throttle(wire, &[("retry-after", "9223372036854775807"), ("x-ratelimit-reset", "-1")])
    })
    .first(2),
    Behaviour::new("429, back a day before", API, Whole, |wire| {
        throttle(wire, &[("retry-after", "-86400"), ("x-ratelimit-remaining", "-5")])
    })
    .first(2),
    Behaviour::new("429, back when it is a text", API, Whole, |wire| {
        throttle(wire, &[("retry-after", "soon"), ("x-ratelimit-category", "\u{e9}\u{e9}")])
    })
    .first(2),
    Behaviour::new("429, back in 1970", API, Whole, |wire| {
        throttle(wire, &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")])
    })
    .first(2),
    Behaviour::new("429 with a page for people", API, Whole, |wire| {
        wire.send(&Answer::of(429, "text/html", "<html>slow down</html>"))
    })
    .first(2),
    Behaviour::new("headers of a budget that there is not", API, Whole, |wire| {
        let mut truth = wire.truth()?;
        for (name, value) in [
            ("x-ratelimit-category", "Heavy"),
            ("x-ratelimit-type", "QPS"),
            ("x-ratelimit-limit", "4294967295"),
            ("x-ratelimit-remaining", "4294967296"),
            ("retry-after", "9999-99-99T99:99:99Z"),
        ] {
            truth = truth.with(name, value);
        }
        wire.send(&truth)
    }),
    Behaviour::new("200 with the code of a 429", API, Whole, |wire| refuse(wire, 200, 429, "slow"))
        .first(2),
    Behaviour::new("a redirect to another host", JSON, Less, |wire| {
        redirect(wire, 302, "https://evil.test/v2/users")
    }),
    Behaviour::new("a redirect to where machines keep their secrets", ALL, Less, |wire| {
        redirect(wire, 307, "http://169.254.169.254/latest/meta-data/")
    }),
    Behaviour::new("a redirect to itself", ALL, Less, |wire| {
        let target = wire.asked.target.clone();
        redirect(wire, 308, &target)
    }),
    Behaviour::new("a redirect to nowhere", ALL, Less, |wire| {
        wire.raw("HTTP/1.1 301 Moved\r\ncontent-length: 0\r\n\r\n")
    }),
    Behaviour::new("300, with a choice", PAGED, Less, |wire| refuse(wire, 300, 0, "choose")),
    Behaviour::new("304", ALL, Either, |wire| wire.raw("HTTP/1.1 304 Not Modified\r\n\r\n")),
];

fn refuse(wire: &mut Wire<'_>, status: u16, code: i64, message: &str) -> std::io::Result<()> {
    wire.send(&Answer::json(status, &json!({"code": code, "message": message})))
}

fn throttle(wire: &mut Wire<'_>, headers: &[(&str, &str)]) -> std::io::Result<()> {
    let body = json!({"code": 429, "message": "You have reached a limit."});
    let answer = headers.iter().fold(Answer::json(429, &body), |a, (n, v)| a.with(n, *v));
    wire.send(&answer)
}

fn redirect(wire: &mut Wire<'_>, status: u16, to: &str) -> std::io::Result<()> {
    wire.send(&Answer::of(status, "text/plain", "").with("location", to))
}
