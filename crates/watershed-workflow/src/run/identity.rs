//! What tells records, elements and branches apart: stable 64-bit hashes.

use serde_json::Value;
use watershed_model::{Record, hash64};

use super::convert;

/// A record's identity within its listing.
///
/// Its `uuid` or `id` where its kind documents one and it has one: so a record that changed
/// between two reads of the list is the same record. Else everything it says. An `id` comes
/// with the start that the operation documents, if any: a person who rejoins a meeting has
/// one id and two stays.
pub(super) fn of_record(record: &Value, kind: &'static Record, start: Option<&str>) -> u64 {
    let identifying = |name: &str| {
        let value = convert::field(record, &[kind], name);
        (!value.is_null() && value.as_str() != Some("")).then_some(value)
    };
    if let Some(uuid) = identifying("uuid") {
        return hash64(&[b"uuid", uuid.to_string().as_bytes()]);
    }
    if let Some(id) = identifying("id") {
        let start = start.map_or(Value::Null, |field| convert::field(record, &[kind], field));
        return hash64(&[b"id", id.to_string().as_bytes(), start.to_string().as_bytes()]);
    }
    hash64(&[b"record", canonical(record).as_bytes()])
}

/// JSON with the members of every object sorted by name.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            let members: Vec<String> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        plain => plain.to_string(),
    }
}

/// The path of hashes that leads to a branch: what makes a scope's key unique in its level.
#[derive(Clone, Copy)]
pub(super) struct Trail(u64);

impl Trail {
    /// Where an item of a step begins.
    pub(super) fn begin(step: &str, item: &str) -> Self {
        Trail(hash64(&[step.as_bytes(), item.as_bytes()]))
    }

    /// One branch further.
    pub(super) fn then(self, level: &str, branch: &[u8]) -> Self {
        Trail(hash64(&[&self.0.to_le_bytes(), level.as_bytes(), branch]))
    }

    /// The key of the branch.
    pub(super) fn key(self) -> u64 {
        self.0
    }
}
