//! What an account really holds, and what of it may be stored.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// Stands in every value of a simulated account that must never be stored or shown.
pub const SECRET_MARK: &str = "SIMSECRET";

/// Members that are removed from `_raw` at any depth, as the contract lists them.
pub const SECRET_MEMBERS: [&str; 13] = [
    "start_url",
    "download_url",
    "play_url",
    "download_access_token",
    "password",
    "encrypted_password",
    "pstn_password",
    "h323_password",
    "default_password_for_scheduled_meetings",
    "pmi_password",
    "recording_play_passcode",
    "host_key",
    "dynamic_host_key",
];

/// A record less its secret members.
pub fn bare(record: &Value) -> Value {
    match record {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !SECRET_MEMBERS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), bare(value)))
            .collect(),
        Value::Array(values) => values.iter().map(bare).collect(),
        other => other.clone(),
    }
}

/// Records by dataset and key, less secrets. A key may have several records: one for each
/// participant of an instance; one for each way in which an account shows the same thing.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    records: BTreeMap<String, BTreeMap<String, Vec<Value>>>,
}

impl Truth {
    /// Reads JSON lines `{"dataset", "key", "record"}`.
    ///
    /// # Errors
    /// Where a line is none.
    pub fn read(bytes: &[u8]) -> Result<Truth> {
        let mut truth = Truth::default();
        for line in bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            let row: Value = serde_json::from_slice(line).with_context(|| {
                format!("a line of the truth: {}", String::from_utf8_lossy(line))
            })?;
            let dataset = row["dataset"].as_str().context("a dataset")?;
            let key = row["key"].as_str().context("a key")?;
            let keys = truth.records.entry(dataset.to_owned()).or_default();
            keys.entry(key.to_owned()).or_default().push(bare(&row["record"]));
        }
        Ok(truth)
    }

    /// The datasets that have records.
    pub fn datasets(&self) -> impl Iterator<Item = &str> {
        self.records.keys().map(String::as_str)
    }

    /// The records of a dataset by key.
    pub fn of(&self, dataset: &str) -> &BTreeMap<String, Vec<Value>> {
        static NONE: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        self.records.get(dataset).unwrap_or(&NONE)
    }

    /// The keys of a dataset.
    pub fn keys(&self, dataset: &str) -> impl Iterator<Item = &str> {
        self.of(dataset).keys().map(String::as_str)
    }

    /// The ids of people who can have anything: those who accepted their invitation.
    pub fn people(&self) -> Vec<&str> {
        self.keys("users").filter(|key| !key.starts_with("email:")).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secret_members_are_removed_at_any_depth() {
        let record = json!({
            "id": 7, "password": "x", "files": [{"id": "a", "download_url": "y"}],
            "settings": {"host_key": "z", "audio": "both"},
        });
        let expected = json!({"id": 7, "files": [{"id": "a"}], "settings": {"audio": "both"}});
        assert_eq!(bare(&record), expected);
    }
}
