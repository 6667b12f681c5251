//! What a customer wants dropped or pseudonymised, before anything is made of a record.
//!
//! A rule names a field of a dataset (`report_participants.user_email`) or a member wherever it
//! stands (`*.join_url`). Guarantee: what a rule names leaves [`Rules::page`] in no row and in no
//! item, and keys stay what they were. The same value under the same key of the connection becomes
//! the same pseudonym, in whatever case it was written; without that key nobody can try values out.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};
use watershed_model::{Dataset, FieldType, Page};

use crate::catalogue;
use crate::keys::Key;
use crate::pseudonym::Pseudonyms;

/// What happens to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The member is gone.
    Drop,
    /// Text becomes a pseudonym.
    Hmac,
}

/// Why a rule cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It names no field.
    #[error("{0} names no field: write DATASET.FIELD or *.FIELD")]
    Form(String),
    /// The dataset is not known.
    #[error("{rule}: there is no dataset {dataset}")]
    Dataset {
        /// The rule.
        rule: String,
        /// What it names.
        dataset: String,
    },
    /// The field is not documented.
    #[error("{rule}: no such field is known")]
    Field {
        /// The rule.
        rule: String,
    },
    /// Rows are identified by it.
    #[error("{rule}: rows of {dataset} are identified by it")]
    IsKey {
        /// The rule.
        rule: String,
        /// The dataset.
        dataset: &'static str,
    },
    /// A pseudonym is a text.
    #[error("{rule}: it holds no text, and can only be dropped")]
    NoText {
        /// The rule.
        rule: String,
    },
    /// There is no key to make pseudonyms with.
    #[error("{rule}: a pseudonym needs redact_key")]
    NoKey {
        /// The rule.
        rule: String,
    },
}

/// Rules of a connection. None by default.
#[derive(Clone, Default)]
pub struct Rules {
    everywhere: BTreeMap<String, Action>,
    of: BTreeMap<&'static str, BTreeMap<String, Action>>,
    pseudonyms: Option<Pseudonyms>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rules({:?}, {:?})", self.everywhere, self.of)
    }
}

impl Rules {
    /// Makes rules of their texts.
    ///
    /// # Errors
    /// The first that cannot be followed.
    pub fn new(rules: &BTreeMap<String, Action>, key: Option<&[u8]>) -> Result<Rules, RuleError> {
        let mut made = Rules { pseudonyms: key.and_then(Pseudonyms::new), ..Rules::default() };
        for (rule, action) in rules {
            if *action == Action::Hmac && made.pseudonyms.is_none() {
                return Err(RuleError::NoKey { rule: rule.clone() });
            }
            made.add(rule, *action)?;
        }
        Ok(made)
    }

    /// Whether there is any. What stands as text in a file cannot be redacted: it is left out then.
    pub fn any(&self) -> bool {
        !(self.everywhere.is_empty() && self.of.is_empty())
    }

    fn add(&mut self, rule: &str, action: Action) -> Result<(), RuleError> {
        let (dataset, field) = match rule.split_once('.') {
            Some((dataset, field)) if !dataset.is_empty() && !field.is_empty() => (dataset, field),
            _ => return Err(RuleError::Form(rule.to_owned())),
        };
        let all = catalogue().datasets;
        let meant: Vec<&'static Dataset> =
            all.iter().copied().filter(|d| dataset == "*" || d.name == dataset).collect();
        if meant.is_empty() {
            let (rule, dataset) = (rule.to_owned(), dataset.to_owned());
            return Err(RuleError::Dataset { rule, dataset });
        }
        let mut known = false;
        for dataset in meant {
            if identifies(dataset, field) {
                return Err(RuleError::IsKey { rule: rule.to_owned(), dataset: dataset.name });
            }
            let Some(documented) = dataset.record.field(field) else { continue };
            known = true;
            if action == Action::Hmac && !has_text(documented.ty) {
                return Err(RuleError::NoText { rule: rule.to_owned() });
            }
        }
        if dataset == "*" {
            // A member deep inside a record is in no list of fields.
            self.everywhere.insert(field.to_owned(), action);
            return Ok(());
        }
        let dataset = all.iter().find(|d| d.name == dataset).map(|d| d.name).unwrap_or_default();
        if !known {
            return Err(RuleError::Field { rule: rule.to_owned() });
        }
        self.of.entry(dataset).or_default().insert(field.to_owned(), action);
        Ok(())
    }

    /// Whether nothing is to be redacted.
    pub fn is_empty(&self) -> bool {
        self.everywhere.is_empty() && self.of.is_empty()
    }

    /// The fields of a dataset that are redacted, also by a rule for all.
    pub fn of(&self, dataset: &str) -> impl Iterator<Item = &str> {
        let own = self.of.get(dataset).into_iter().flatten();
        own.chain(&self.everywhere).map(|(field, _)| field.as_str())
    }

    /// Redacts what a call brought.
    pub fn page(&self, page: &mut Page) {
        if self.is_empty() {
            return;
        }
        for row in &mut page.rows {
            self.record(Some(row.dataset.name), &mut row.record);
        }
    }

    /// Depth is bounded by what is read at all.
    fn record(&self, dataset: Option<&str>, value: &mut Value) {
        match value {
            Value::Object(members) => self.members(dataset, members),
            Value::Array(values) => values.iter_mut().for_each(|v| self.record(dataset, v)),
            _ => {}
        }
    }

    fn members(&self, dataset: Option<&str>, members: &mut Map<String, Value>) {
        let own = dataset.and_then(|dataset| self.of.get(dataset));
        members.retain(|name, value| {
            let action = own.and_then(|own| own.get(name)).or_else(|| self.everywhere.get(name));
            match action {
                Some(Action::Drop) => return false,
                Some(Action::Hmac) => self.disguise(value),
                // Files stand in the record of their recording, too.
                None => self.record(self.of.contains_key(name.as_str()).then_some(name), value),
            }
            true
        });
    }

    /// An empty text says that there is none: that stays.
    fn disguise(&self, value: &mut Value) {
        match value {
            Value::String(text) if !text.is_empty() => *text = self.pseudonym(text),
            Value::Number(number) => *value = self.pseudonym(&number.to_string()).into(),
            Value::Array(values) => values.iter_mut().for_each(|v| self.disguise(v)),
            Value::Object(members) => members.values_mut().for_each(|v| self.disguise(v)),
            _ => {}
        }
    }

    fn pseudonym(&self, text: &str) -> String {
        let pseudonyms = self.pseudonyms.as_ref();
        pseudonyms.expect("a rule that needs a key was refused without one").of(text)
    }
}

fn identifies(dataset: &Dataset, field: &str) -> bool {
    match Key::of(dataset.name) {
        Key::Member(member) => member == field,
        Key::User => matches!(field, "id" | "email"),
        Key::File => matches!(field, "id" | "meeting_id" | "file_type" | "recording_start"),
        Key::Cue => matches!(field, "file_id" | "cue_index"),
        // Stays are told apart before anything is redacted; the rest is no part of the record.
        Key::Stay | Key::Asked(_) => false,
    }
}

fn has_text(ty: FieldType) -> bool {
    matches!(
        ty,
        FieldType::Text
            | FieldType::TextList
            | FieldType::Object(_)
            | FieldType::List(_)
            | FieldType::Json
    )
}

#[cfg(test)]
mod tests;
