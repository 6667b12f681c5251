//! What identifies a row, by dataset.
//!
//! Guarantee: the same listing gives the same set of keys, however it is cut into pages and
//! in whatever order its rows come; no two stays of participants fall together.
//!
//! Stays have no id of their own. A stay's key is instance, hash of the fields that do not
//! change once it began, and an ordinal among stays equal in all of these. Such twins may lie
//! on different pages, and pages are stored one by one; so what a later page must know of the
//! earlier ones, eight bytes a stay, travels in the cursor ([`Stays`]). A row that comes again
//! whole (a list that moved between pages) is the same stay where it names its `user_id`,
//! which a rejoin never shares; without one it counts as another.

use std::fmt;

use serde_json::{Map, Value};
use watershed_model::hash64;

/// Stays remembered at most; the oldest are forgotten first. 20,000 are 210 kB of cursor,
/// more than any meeting that Zoom sells seats for.
const STAYS_MAX: usize = 20_000;
/// The part of a hash that is remembered: 40 bits, so that among 10,000 stays two strangers
/// are taken for twins once in 20,000 listings (and then both are still kept).
const GROUP_MASK: u64 = (1 << 40) - 1;

/// What the rows of a dataset are identified by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A member of the record.
    Member(&'static str),
    /// What was asked for, where the record does not say whose it is: the parameter's name.
    Asked(&'static str),
    /// The id of a user, of a pending one the address.
    User,
    /// A file of a recording.
    File,
    /// A stay in a meeting.
    Stay,
    /// A cue of a transcript.
    Cue,
}

impl Key {
    /// The key of a dataset.
    pub fn of(dataset: &str) -> Key {
        match dataset {
            "users" => Key::User,
            "user_settings" => Key::Asked("user_id"),
            "user_details" | "meetings" | "meeting_details" => Key::Member("id"),
            "meeting_invitations" => Key::Asked("meeting_id"),
            "past_participants" | "report_participants" => Key::Stay,
            "recording_files" | "transcripts" => Key::File,
            "recording_settings" => Key::Asked("uuid"),
            "transcript_cues" => Key::Cue,
            _ => Key::Member("uuid"),
        }
    }

    /// The key of a record that was asked for like that; `None` where neither says it. Stays,
    /// files and cues have functions of their own.
    pub(crate) fn row(self, record: &Value, with: &Map<String, Value>) -> Option<String> {
        match self {
            Key::Member(member) => id(record, member),
            Key::Asked(parameter) => match with.get(parameter)? {
                Value::String(text) if !text.is_empty() => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
            Key::User => user(record),
            Key::File | Key::Stay | Key::Cue => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Member(member) => write!(f, "{member}"),
            Key::Asked("uuid") => write!(f, "instance uuid, as asked"),
            Key::Asked(parameter) => write!(f, "{}, as asked", parameter.replace('_', " ")),
            Key::User => write!(f, "id; of pending users `email:` and the address"),
            Key::File => write!(f, "file id; else uuid, type, start and ordinal"),
            Key::Stay => write!(f, "instance uuid, hash of the stay, ordinal"),
            Key::Cue => write!(f, "file id, cue index"),
        }
    }
}

/// The id of a record as text, whether sent as number or as text. Empty counts as absent.
pub fn id(record: &Value, member: &str) -> Option<String> {
    match record.get(member)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A user's key: the id; of a pending user, who has none, `email:` and the address.
pub fn user(record: &Value) -> Option<String> {
    id(record, "id").or_else(|| {
        id(record, "email").map(|address| format!("email:{}", address.trim().to_lowercase()))
    })
}

/// The keys of the files of one recording, in their order. `CC` and `TIMELINE` files have no
/// id: theirs is `uuid|file_type|recording_start|ordinal`, the ordinal counting files equal in
/// all three.
pub fn recording_files(instance_uuid: &str, files: &[Value]) -> Vec<String> {
    let mut nameless: Vec<String> = Vec::new();
    files
        .iter()
        .map(|file| {
            id(file, "id").unwrap_or_else(|| {
                let stem = nameless_file(instance_uuid, file);
                let ordinal = nameless.iter().filter(|s| **s == stem).count();
                let key = format!("{stem}|{ordinal}");
                nameless.push(stem);
                key
            })
        })
        .collect()
}

fn nameless_file(instance_uuid: &str, file: &Value) -> String {
    let text = |member| id(file, member).unwrap_or_default();
    format!("{instance_uuid}|{}|{}", text("file_type"), text("recording_start"))
}

/// The keys of all stays of one instance, given as one listing; `None` where a row repeats
/// one before it.
pub fn participants(instance_uuid: &str, rows: &[Value]) -> Vec<Option<String>> {
    Stays::default().keys(instance_uuid, rows)
}

/// What is known of the stays on earlier pages of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stays {
    seen: Vec<Seen>,
}

/// The group of a stay (fields that never change) and its row, in 40 and 24 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    group: u64,
    row: u32,
}

impl Stays {
    /// The keys of a further page, in its order; `None` where a row repeats an earlier one.
    pub fn keys(&mut self, instance_uuid: &str, rows: &[Value]) -> Vec<Option<String>> {
        let hashes: Vec<u64> = rows.iter().map(stay_hash).collect();
        // Twins are numbered by (leave_time, name); the rest of the row only makes the order
        // total, so that a page in another order gives each the same number.
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_cached_key(|&i| {
            let text = |member| id(&rows[i], member).unwrap_or_default();
            (hashes[i], text("leave_time"), text("name"), whole(&rows[i]))
        });
        let mut keys = vec![None; rows.len()];
        for i in order {
            let row = Seen { group: hashes[i] & GROUP_MASK, row: row_hash(&rows[i]) };
            let named = id(&rows[i], "user_id").is_some();
            let mut ordinal = 0;
            let mut repeats = false;
            for earlier in self.seen.iter().filter(|s| s.group == row.group) {
                ordinal += 1;
                repeats |= named && earlier.row == row.row;
            }
            if !repeats {
                keys[i] = Some(format!("{instance_uuid}|{:016x}|{ordinal}", hashes[i]));
                self.seen.push(row);
            }
        }
        let surplus = self.seen.len().saturating_sub(STAYS_MAX);
        self.seen.drain(..surplus);
        keys
    }

    /// Whether nothing was seen yet.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Eight bytes a stay.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.seen
            .iter()
            .flat_map(|s| {
                let group = s.group.to_le_bytes();
                let row = s.row.to_le_bytes();
                [group[0], group[1], group[2], group[3], group[4], row[0], row[1], row[2]]
            })
            .collect()
    }

    /// What [`Stays::to_bytes`] gave.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Stays {
        let seen = bytes
            .chunks_exact(8)
            .map(|c| Seen {
                group: u64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], 0, 0, 0]),
                row: u32::from_le_bytes([c[5], c[6], c[7], 0]),
            })
            .collect();
        Stays { seen }
    }
}

/// `leave_time` and `duration` are left out: they may still be filled in later.
fn stay_hash(row: &Value) -> u64 {
    let text = |member| id(row, member).unwrap_or_default();
    let user = text("user_id");
    let name = if user.is_empty() { text("name") } else { String::new() };
    let parts = [user, text("join_time"), text("status"), text("bo_mtg_id"), name];
    hash64(&parts.each_ref().map(String::as_bytes))
}

fn whole(row: &Value) -> Vec<u8> {
    serde_json::to_vec(row).expect("a value has a text")
}

fn row_hash(row: &Value) -> u32 {
    let [a, b, c, ..] = hash64(&[&whole(row)]).to_le_bytes();
    u32::from_le_bytes([a, b, c, 0])
}

#[cfg(test)]
mod tests;
