//! What breaks listings: tokens of pages, counts, days.

use serde_json::{Value, json};

use super::Leaves::{Less, Taken, Whole};
use super::wire::{Answer, Asked, Wire};
use super::{Behaviour, Kind, LISTS};

/// What is asked for page by page.
const PAGED: &[Kind] = &[Kind::Pages, Kind::Report];
const RECORD: &[Kind] = &[Kind::Record];
const DAYS: &[Kind] = &[Kind::Pages];

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour::new("a page that names itself as the next", PAGED, Less, |wire| {
        next(wire, |_| json!("a"))
    }),
    Behaviour::new("two pages that name each other", PAGED, Less, |wire| {
        next(wire, |page| json!(if page == "a" { "b" } else { "a" }))
    }),
    Behaviour::new("seven pages in a circle", PAGED, Less, |wire| {
        next(wire, |page| json!(format!("t{}", (number(page) + 1) % 7)))
    }),
    Behaviour::new("ever new tokens with the same records", PAGED, Less, |wire| {
        next(wire, |page| json!(format!("t{}", number(page) + 1)))
    }),
    Behaviour::new("ever new tokens without a record", PAGED, Less, |wire| {
        next_of(wire, |page| json!(format!("t{}", number(page) + 1)), |list| *list = json!([]))
    }),
    Behaviour::new("a token where no page belongs", RECORD, Taken, |wire| {
        wire.changed(|body| body["next_page_token"] = json!("more"))
    }),
    Behaviour::new("page tokens that are always refused", PAGED, Less, refused),
    Behaviour::new("a page token that is refused once", DAYS, Whole, refused).first(1),
    Behaviour::new("a page token of 5 MB", LISTS, Less, |wire| {
        next(wire, |_| json!("a".repeat(5_000_000)))
    }),
    Behaviour::new("a page token that is a number", LISTS, Less, |wire| next(wire, |_| json!(7))),
    Behaviour::new("a page token that is an object", LISTS, Less, |wire| {
        next(wire, |_| json!({"a": 1}))
    }),
    Behaviour::new("a page token that is an address", PAGED, Less, |wire| {
        next(wire, |_| json!("https://evil.test/v2/users?access_token=x#"))
    }),
    Behaviour::new("a page token of controls", PAGED, Less, |wire| {
        next(wire, |_| json!("\u{1b}[2J\0\r\nx: y"))
    }),
    Behaviour::new("a page token that begins as a cursor of ours", PAGED, Less, |wire| {
        next(wire, |_| json!("~w1~////~99999999999999999999~~w1~"))
    }),
    Behaviour::new("counts that lie", LISTS, Whole, |wire| {
        wire.changed(|body| {
            body["total_records"] = json!(0);
            body["page_count"] = json!(-1);
            body["page_size"] = json!(u64::MAX);
            body["page_number"] = json!("first");
        })
    }),
    Behaviour::new("fewer days than were asked for", DAYS, Taken, |wire| {
        wire.changed(|body| {
            body["from"] = json!("2026-02-01");
            body["to"] = json!("2026-02-02");
        })
    }),
    Behaviour::new("days that are none", DAYS, Whole, |wire| {
        wire.changed(|body| {
            body["from"] = json!("2026-99-77é");
            body["to"] = json!({"year": "9999"});
        })
    }),
    Behaviour::new("a record a thousand times", LISTS, Taken, |wire| {
        wire.changed(|body| {
            for name in ["meetings", "participants"] {
                if let Some(list) = body[name].as_array_mut()
                    && let Some(record) = list.first().cloned()
                {
                    list.extend(vec![record; 1_000]);
                }
            }
        })
    }),
];

/// Another token of the next page, by that of this one (the first has an empty one).
fn next(wire: &mut Wire<'_>, token: impl Fn(&str) -> Value) -> std::io::Result<()> {
    next_of(wire, token, |_| {})
}

/// The same, and the list changed. The account is asked for its first page each time, since it
/// does not know such tokens.
fn next_of(
    wire: &mut Wire<'_>,
    token: impl Fn(&str) -> Value,
    change: impl Fn(&mut Value),
) -> std::io::Result<()> {
    let (first, page) = match wire.asked.target.split_once("&next_page_token=") {
        Some((first, page)) => (first, page),
        None => (wire.asked.target.as_str(), ""),
    };
    let asked = Asked { target: first.to_owned(), ..wire.asked.clone() };
    let truth = wire.shared.ask(&asked)?;
    if truth.status != 200 {
        return wire.send(&truth);
    }
    let mut body: Value = serde_json::from_slice(&truth.body).unwrap_or_default();
    body["next_page_token"] = token(page);
    for name in ["meetings", "participants"] {
        if let Some(list) = body.get_mut(name) {
            change(list);
        }
    }
    wire.send(&Answer { body: body.to_string().into_bytes(), ..truth })
}

/// The number in a token, such as 7 in `t7`.
fn number(token: &str) -> u64 {
    token.trim_start_matches('t').parse().unwrap_or(0)
}

/// Every page but the first is refused, and there is always one more.
fn refused(wire: &mut Wire<'_>) -> std::io::Result<()> {
    if wire.asked.target.contains("next_page_token=") {
        let body = json!({"code": 300, "message": "The next page token is invalid or expired."});
        return wire.send(&Answer::json(400, &body));
    }
    wire.changed(|body| body["next_page_token"] = json!("more"))
}
