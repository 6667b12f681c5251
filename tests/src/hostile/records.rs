//! What is in the records: ids, names, times that no good account would send.

use serde_json::{Value, json};

use super::Leaves::{Either, Less, Taken};
use super::bodies::each_record;
use super::statuses::ESCAPES;
use super::wire::Wire;
use super::{API, Behaviour, Kind, LISTS};

/// Nobody's name in the account.
const FOREIGN: &str = "mallory";

/// What has an id of its own in the answer.
const NAMED: &[Kind] = &[Kind::List, Kind::Pages, Kind::Record, Kind::Recording];

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour::new("ids that are absent", NAMED, Either, |wire| {
        wire.changed(|body| without(body, &["id", "uuid"]))
    }),
    Behaviour::new("ids that are empty", NAMED, Either, |wire| ids(wire, json!(""))),
    Behaviour::new("ids that are null", NAMED, Either, |wire| ids(wire, Value::Null)),
    Behaviour::new("ids that are lists", NAMED, Either, |wire| ids(wire, json!([1]))),
    Behaviour::new("ids that change", NAMED, Taken, |wire| {
        let nth = wire.nth;
        ids(wire, json!(format!("{FOREIGN}{nth}")))
    }),
    Behaviour::new("numbers for ids that no integer holds", NAMED, Taken, |wire| {
        ids(wire, json!(1.797e308))
    }),
    Behaviour::new("ids that lead out of a folder", NAMED, Taken, |wire| {
        ids(wire, json!("../../../../etc/passwd"))
    }),
    Behaviour::new("ids of dots", NAMED, Taken, |wire| ids(wire, json!(".."))),
    Behaviour::new("ids of encoded dots", NAMED, Taken, |wire| ids(wire, json!("%2e%2e/%2e%2e"))),
    Behaviour::new("ids with a query, a fragment, a user", NAMED, Taken, |wire| {
        ids(wire, json!("x?access_token=y#z@evil.test/\\evil.test"))
    }),
    Behaviour::new("ids with line breaks and NUL", NAMED, Taken, |wire| {
        ids(wire, json!("a\r\nHost: evil.test\r\n\r\n\0b"))
    }),
    Behaviour::new("ids that paint the terminal", NAMED, Taken, |wire| ids(wire, json!(ESCAPES))),
    Behaviour::new("ids of 1 MB", NAMED, Taken, |wire| ids(wire, json!("a".repeat(1_000_000)))),
    Behaviour::new("texts that paint the terminal", API, Taken, |wire| texts(wire, ESCAPES)),
    Behaviour::new("texts of 1 MB", API, Taken, |wire| texts(wire, &"long ".repeat(200_000))),
    Behaviour::new("texts with NUL", API, Taken, |wire| texts(wire, "a\0b")),
    Behaviour::new("texts that are SQL", API, Taken, |wire| {
        texts(wire, "'; DROP TABLE users; -- \" OR 1=1")
    }),
    Behaviour::new("texts that are paths", API, Taken, |wire| texts(wire, "../../../tmp/mallory")),
    Behaviour::new("texts of no letters", API, Taken, |wire| {
        texts(wire, "\u{feff}\u{200b}\u{2066}\u{fffe}\u{10ffff}a\u{301}\u{301}\u{301}")
    }),
    Behaviour::new("texts that are expressions", API, Taken, |wire| {
        texts(wire, "${{ inputs.from }} {{ evil }} $(reboot) `reboot`")
    }),
    Behaviour::new("times that are none", API, Taken, |wire| times(wire, "the day after tomorrow")),
    Behaviour::new("times beyond all calendars", API, Taken, |wire| {
        times(wire, "+999999-12-31T23:59:59Z")
    }),
    Behaviour::new("times before all calendars", API, Taken, |wire| {
        times(wire, "-009999-01-01T00:00:00Z")
    }),
    Behaviour::new("times on 30 February", API, Taken, |wire| times(wire, "2026-02-30T25:61:61Z")),
    Behaviour::new("times that are empty", API, Taken, |wire| times(wire, "")),
    Behaviour::new("numbers as large as they get", API, Taken, |wire| {
        numbers(wire, json!(u64::MAX))
    }),
    Behaviour::new("numbers as small as they get", API, Taken, |wire| {
        numbers(wire, json!(i64::MIN))
    }),
    Behaviour::new("numbers that are fractions", API, Taken, |wire| numbers(wire, json!(-1e-300))),
    Behaviour::new("members whose names are hostile", API, Taken, |wire| {
        wire.changed(|body| {
            body["__proto__"] = json!({"a": 1});
            body["\u{1b}[2J\0\";--"] = json!(1);
            body["_key"] = json!("mine");
            body["_raw"] = json!("{");
            body["_deleted_at"] = json!("1970-01-01T00:00:00Z");
            body[""] = json!([]);
        })
    }),
    Behaviour::new(
        "a record of another in place of the one asked for",
        &[Kind::Record],
        Taken,
        |w| {
            w.changed(|body| {
                body["id"] = json!(1);
                body["uuid"] = json!(format!("{FOREIGN}=="));
                body["host_email"] = json!(format!("{FOREIGN}@evil.test"));
            })
        },
    ),
    Behaviour::new("no records at all, with 200", LISTS, Taken, |wire| {
        wire.changed(|body| {
            for name in ["meetings", "participants"] {
                if body.get(name).is_some() {
                    body[name] = json!([]);
                }
            }
        })
    }),
    Behaviour::new("a recording whose files have no address", RECORDING, Less, |wire| {
        addresses(wire, Value::Null)
    }),
    Behaviour::new("a recording whose addresses are none", RECORDING, Less, |wire| {
        addresses(wire, json!("the usual place"))
    }),
    Behaviour::new("a recording whose addresses are numbers", RECORDING, Less, |wire| {
        addresses(wire, json!(7))
    }),
    Behaviour::new("a recording without its files", RECORDING, Less, |wire| {
        wire.changed(|body| body["recording_files"] = json!([]))
    }),
    Behaviour::new("files that are for ever in processing", RECORDING, Less, |wire| {
        of_files(wire, |file| file["status"] = json!("processing"))
    }),
    Behaviour::new("files of 10^18 bytes, by their record", RECORDING, Either, |wire| {
        of_files(wire, |file| file["file_size"] = json!(1e18))
    }),
    Behaviour::new("files of -1 bytes, by their record", RECORDING, Either, |wire| {
        of_files(wire, |file| file["file_size"] = json!(-1))
    }),
];

const RECORDING: &[Kind] = &[Kind::Recording];

fn without(body: &mut Value, names: &[&str]) {
    match body {
        Value::Object(members) => {
            members.retain(|name, _| !names.contains(&name.as_str()));
            members.values_mut().for_each(|value| without(value, names));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| without(value, names)),
        _ => {}
    }
}

fn ids(wire: &mut Wire<'_>, id: Value) -> std::io::Result<()> {
    wire.changed(|body| {
        each_record(body, |name, value| {
            if matches!(name, "id" | "uuid") {
                *value = id.clone();
            }
        });
    })
}

/// Every text that is neither an id, a time nor an address.
fn texts(wire: &mut Wire<'_>, text: &str) -> std::io::Result<()> {
    wire.changed(|body| {
        each_record(body, |name, value| {
            let kept = is_time(name) || name.ends_with("id") || name.ends_with("_url");
            if value.is_string() && !kept {
                *value = json!(text);
            }
        });
    })
}

fn times(wire: &mut Wire<'_>, text: &str) -> std::io::Result<()> {
    wire.changed(|body| {
        each_record(body, |name, value| {
            if value.is_string() && is_time(name) {
                *value = json!(text);
            }
        });
    })
}

fn is_time(name: &str) -> bool {
    name.ends_with("_time") || name.ends_with("_at") || name.starts_with("recording_")
}

fn numbers(wire: &mut Wire<'_>, number: Value) -> std::io::Result<()> {
    wire.changed(|body| {
        each_record(body, |name, value| {
            if value.is_number() && name != "id" {
                *value = number.clone();
            }
        });
    })
}

fn of_files(wire: &mut Wire<'_>, change: impl Fn(&mut Value)) -> std::io::Result<()> {
    wire.changed(|body| {
        body["recording_files"].as_array_mut().into_iter().flatten().for_each(change);
    })
}

fn addresses(wire: &mut Wire<'_>, to: Value) -> std::io::Result<()> {
    of_files(wire, |file| file["download_url"] = to.clone())
}
