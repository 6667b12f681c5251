//! What breaks JSON, and the shape of what is in it.

use serde_json::{Value, json};

use super::Leaves::{Less, Taken, Whole};
use super::wire::{Answer, Wire};
use super::{API, Behaviour, JSON, Kind, LISTS};

const RECORDS: &[Kind] = &[Kind::Record, Kind::Recording];

const PAGE: &str = "<!doctype html><html><title>Sign In</title><script>alert(1)</script></html>";

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour::new("200 and nothing", JSON, Less, |wire| body(wire, 200, "")),
    Behaviour::new("200 and nothing, twice", JSON, Whole, |wire| body(wire, 200, "")).first(2),
    Behaviour::new("204", JSON, Less, |wire| wire.raw("HTTP/1.1 204 No Content\r\n\r\n")),
    Behaviour::new("206 with the right answer", API, Whole, |wire| {
        let truth = wire.truth()?;
        let status = if truth.status == 200 { 206 } else { truth.status };
        wire.send(&Answer { status, ..truth })
    }),
    Behaviour::new("JSON that is none", JSON, Less, |wire| body(wire, 200, "{\"a\": nope}")),
    Behaviour::new("JSON cut short", JSON, Less, |wire| {
        let mut truth = wire.truth()?;
        truth.body.truncate(truth.body.len() * 2 / 3);
        wire.send(&truth)
    }),
    Behaviour::new("JSON cut short, once", JSON, Whole, |wire| {
        let mut truth = wire.truth()?;
        truth.body.truncate(truth.body.len() * 2 / 3);
        wire.send(&truth)
    })
    .first(1),
    Behaviour::new("more after the JSON", JSON, Less, |wire| {
        wire.in_bytes(|body| [body, b"{\"users\":[]}".to_vec()].concat())
    }),
    Behaviour::new("lists 10,000 levels deep", JSON, Less, |wire| body(wire, 200, nest("[", "]"))),
    Behaviour::new("objects 100,000 levels deep, in the right answer", JSON, Less, |wire| {
        let deep = format!(",\"x\":{}1{}}}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        wire.in_bytes(|mut body| {
            body.pop();
            [body, deep.into_bytes()].concat()
        })
    }),
    Behaviour::new("10 million values", JSON, Less, |wire| {
        body(wire, 200, format!("{{\"meetings\":[{}1]}}", "1,".repeat(10_000_000)))
    }),
    Behaviour::new("a million members, in the right answer", JSON, Less, |wire| {
        let many: String = (0..1_000_000).map(|n| format!(",\"m{n}\":{{}}")).collect();
        wire.in_bytes(|mut body| {
            body.pop();
            [body, many.into_bytes(), b"}".to_vec()].concat()
        })
    }),
    Behaviour::new("a text of 40 MB", JSON, Less, |wire| {
        body(wire, 200, format!("{{\"x\":\"{}\"}}", "a".repeat(40_000_000)))
    }),
    Behaviour::new("a number beyond all numbers", API, Less, |wire| added(wire, "1e999999")),
    Behaviour::new("a number of 100,000 digits", API, Less, |wire| {
        added(wire, &format!("1{}", "0".repeat(100_000)))
    }),
    Behaviour::new("bytes that are no UTF-8", API, Less, |wire| added(wire, "\"?\"")),
    Behaviour::new("half a surrogate", API, Less, |wire| added(wire, r#""\ud800""#)),
    Behaviour::new("UTF-16", JSON, Less, |wire| {
        wire.in_bytes(|body| {
            let text = String::from_utf8_lossy(&body).into_owned();
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        })
    }),
    Behaviour::new("a byte order mark", API, Whole, |wire| {
        wire.in_bytes(|body| [b"\xef\xbb\xbf".to_vec(), body].concat())
    }),
    Behaviour::new("a list in place of the object", JSON, Less, |wire| body(wire, 200, "[1]")),
    Behaviour::new("null in place of the object", JSON, Less, |wire| body(wire, 200, "null")),
    Behaviour::new("a text in place of the object", JSON, Less, |wire| body(wire, 200, "\"ok\"")),
    Behaviour::new("an object of nothing that is documented", JSON, Less, |wire| {
        body(wire, 200, r#"{"Meetings": [], "ok": true}"#)
    }),
    Behaviour::new("each member twice, the second time empty", API, Taken, |wire| {
        let empty = r#","meetings":[],"participants":[],"recording_files":[],"uuid":""}"#;
        wire.in_bytes(|mut body| {
            body.pop();
            [body, empty.as_bytes().to_vec()].concat()
        })
    }),
    Behaviour::new("the list is an object", LISTS, Less, |wire| listed(wire, |_| json!({"0": {}}))),
    Behaviour::new("the list is null", LISTS, Less, |wire| listed(wire, |_| Value::Null)),
    Behaviour::new("the list is a text", LISTS, Less, |wire| listed(wire, |_| json!("[]"))),
    Behaviour::new("null among the records", LISTS, Less, |wire| {
        listed(wire, |l| among(l, json!(null)))
    }),
    Behaviour::new("a number among the records", LISTS, Less, |wire| {
        listed(wire, |list| among(list, json!(7)))
    }),
    Behaviour::new("a list among the records", LISTS, Less, |wire| {
        listed(wire, |list| among(list, json!([])))
    }),
    Behaviour::new("files that are no list", RECORDS, Taken, |wire| {
        wire.changed(|body| body["recording_files"] = json!({"0": null}))
    }),
    Behaviour::new("a page for people with 200", JSON, Less, |wire| page(wire, 200)),
    Behaviour::new("a page for people with 200, twice", JSON, Whole, |wire| page(wire, 200))
        .first(2),
    Behaviour::new("a page for people with 403", JSON, Less, |wire| page(wire, 403)),
    Behaviour::new("a page for people with 404", JSON, Less, |wire| page(wire, 404)),
    Behaviour::new("a page for people with 502", JSON, Less, |wire| page(wire, 502)),
    Behaviour::new("JSON that is said to be a page", API, Less, |wire| {
        let truth = wire.truth()?.with("content-type", "text/html");
        wire.send(&truth)
    }),
    Behaviour::new("JSON that is said to be a picture", API, Less, |wire| {
        let truth = wire.truth()?.with("content-type", "image/png");
        wire.send(&truth)
    }),
    Behaviour::new("a type of 20,000 characters", API, Less, |wire| {
        let truth =
            wire.truth()?.with("content-type", "\u{1f}x".repeat(10_000).replace('\u{1f}', ";"));
        wire.send(&truth)
    }),
    Behaviour::new("every member of another type", API, Taken, |wire| {
        wire.changed(|body| each_record(body, other_type))
    }),
    Behaviour::new("every member null", API, Taken, |wire| {
        wire.changed(|body| each_record(body, nothing))
    }),
];

fn body(wire: &mut Wire<'_>, status: u16, body: impl Into<Vec<u8>>) -> std::io::Result<()> {
    wire.send(&Answer::of(status, "application/json", body))
}

fn page(wire: &mut Wire<'_>, status: u16) -> std::io::Result<()> {
    wire.send(&Answer::of(status, "text/html; charset=utf-8", PAGE))
}

fn nest(open: &str, close: &str) -> String {
    format!("{}{}", open.repeat(10_000), close.repeat(10_000))
}

/// A member more, of that text; where a `?` stands in it, a byte that is none.
fn added(wire: &mut Wire<'_>, value: &str) -> std::io::Result<()> {
    let member = format!(",\"x\":{value}}}").into_bytes();
    let member = member.into_iter().map(|b| if b == b'?' { 0xff } else { b }).collect();
    wire.in_bytes(|mut body| {
        body.pop();
        [body, member].concat()
    })
}

/// The answer's list, changed.
fn listed(wire: &mut Wire<'_>, change: impl Fn(Value) -> Value) -> std::io::Result<()> {
    wire.changed(|body| {
        for name in ["meetings", "participants"] {
            if let Some(list) = body.get_mut(name) {
                *list = change(list.take());
            }
        }
    })
}

fn among(mut list: Value, stranger: Value) -> Value {
    if let Some(list) = list.as_array_mut() {
        list.push(stranger);
    }
    list
}

fn other_type(name: &str, value: &mut Value) {
    *value = match value {
        _ if matches!(name, "id" | "uuid") => return,
        Value::String(_) => json!({"not": ["a", "text"]}),
        Value::Number(_) => json!(["12"]),
        Value::Bool(_) => json!("yes"),
        _ => json!(-0.5),
    };
}

fn nothing(name: &str, value: &mut Value) {
    if !matches!(name, "id" | "uuid") {
        *value = Value::Null;
    }
}

/// Each member of each record of an answer.
pub(super) fn each_record(body: &mut Value, change: impl Fn(&str, &mut Value)) {
    let is_list = body.get("meetings").or(body.get("participants")).is_some();
    let records: Vec<&mut Value> = match body {
        Value::Object(members) if is_list => members
            .iter_mut()
            .filter(|(name, _)| matches!(name.as_str(), "meetings" | "participants"))
            .filter_map(|(_, list)| list.as_array_mut())
            .flatten()
            .collect(),
        record => vec![record],
    };
    for record in records {
        let Some(members) = record.as_object_mut() else { continue };
        members.iter_mut().for_each(|(name, value)| change(name, value));
        let files = members.get_mut("recording_files").and_then(Value::as_array_mut);
        for file in files.into_iter().flatten().filter_map(Value::as_object_mut) {
            file.iter_mut().for_each(|(name, value)| change(name, value));
        }
    }
}
