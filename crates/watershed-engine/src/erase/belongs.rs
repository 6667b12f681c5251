//! What belongs to whoever is erased: his own records, his meetings and recordings, and all that
//! hangs beneath them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use watershed_sink::StoredRow;
use watershed_zoom::people::People;

/// Members by which a record tells what it hangs beneath.
const ABOVE: [&str; 3] = ["meeting_id", "instance_uuid", "file_id"];
/// Members by which others tell that they hang beneath a record.
const OWN: [&str; 2] = ["id", "uuid"];
/// Datasets whose records have an id that others hang beneath: a stay's id is a person's.
const LEADS: [&str; 8] = [
    "meetings",
    "meeting_details",
    "past_instances",
    "past_meetings",
    "report_meetings",
    "recordings",
    "recording_files",
    "transcripts",
];

/// Ids of his meetings, instances and files.
#[derive(Debug, Default)]
pub(super) struct Belongings(BTreeSet<String>);

impl Belongings {
    /// How many are known.
    pub(super) fn known(&self) -> usize {
        self.0.len()
    }

    /// Whether a row belongs to one of `people`; if so, what hangs beneath it does, too.
    pub(super) fn take(&mut self, people: &People, dataset: &str, row: &StoredRow) -> bool {
        let its = self.has(people, dataset, row);
        if its && LEADS.contains(&dataset) {
            self.0.insert(row.at.key.clone());
            self.0.extend(OWN.iter().filter_map(|member| text(row.record.get(*member))));
        }
        its
    }

    /// Whether a row belongs to one of `people`.
    pub(super) fn has(&self, people: &People, dataset: &str, row: &StoredRow) -> bool {
        let above = ABOVE.iter().flat_map(|m| [row.record.get(*m), row.asked.get(*m)]);
        people.owns(dataset, &row.record, &row.asked)
            || self.0.contains(&row.at.key)
            || above.filter_map(text).any(|id| self.0.contains(&id))
    }

    /// Whether one of these values is one of their ids.
    pub(super) fn names(&self, members: &Map<String, Value>) -> bool {
        members.values().any(|value| self.within(value))
    }

    /// Whether a value holds one of their ids, at any depth.
    pub(super) fn within(&self, value: &Value) -> bool {
        match value {
            Value::Array(values) => values.iter().any(|value| self.within(value)),
            Value::Object(members) => self.names(members),
            value => text(Some(value)).is_some_and(|id| self.0.contains(&id)),
        }
    }
}

/// An id as text, whether it is a number or a text.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
