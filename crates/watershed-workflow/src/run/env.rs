//! The values of the names in reach of an expression.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use watershed_model::{ConnectionName, FieldType, Record};

use super::convert;

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Slot<'v> {
    /// A value of a literal list.
    Literal(Cow<'v, Value>),
    /// Fields of a record above, carried in the item.
    Carried { fields: Arc<BTreeMap<&'v str, Value>>, kinds: &'v [&'static Record] },
    /// A record, whole.
    Record { record: &'v Value, kinds: &'v [&'static Record] },
    /// The run's connection.
    Connection(&'v ConnectionName),
    /// Members by name: inputs, bounds of a window, failures.
    Members(Cow<'v, BTreeMap<String, Value>>),
}

/// The values of the names in reach.
#[derive(Clone, Default)]
pub(super) struct Env<'v> {
    slots: BTreeMap<&'v str, Slot<'v>>,
}

impl<'v> Env<'v> {
    pub(super) fn bind(&mut self, name: &'v str, slot: Slot<'v>) {
        self.slots.insert(name, slot);
    }

    /// This, and one name more.
    pub(super) fn with(&self, name: &'v str, slot: Slot<'v>) -> Env<'v> {
        let mut inner = self.clone();
        inner.bind(name, slot);
        inner
    }

    /// The value of a name, or of a field of it; null where it has none.
    pub(super) fn value(&self, name: &str, field: Option<&str>) -> Option<Value> {
        let slot = self.slots.get(name)?;
        Some(match (slot, field) {
            (Slot::Literal(value), None) => value.clone().into_owned(),
            (Slot::Carried { fields, .. }, Some(field)) => fields.get(field)?.clone(),
            (Slot::Record { record, kinds }, Some(field)) => convert::field(record, kinds, field),
            (Slot::Connection(name), Some("name")) => Value::from(name.as_str()),
            (Slot::Members(members), Some(field)) => {
                members.get(field).cloned().unwrap_or(Value::Null)
            }
            (Slot::Literal(_) | Slot::Connection(_), Some(_)) | (_, None) => return None,
        })
    }

    /// The documented type of a field of a name, where it is one of a record.
    pub(super) fn field_type(&self, name: &str, field: Option<&str>) -> Option<FieldType> {
        match self.slots.get(name)? {
            Slot::Carried { kinds, .. } | Slot::Record { kinds, .. } => {
                convert::field_type(kinds, field?)
            }
            Slot::Literal(_) | Slot::Connection(_) | Slot::Members(_) => None,
        }
    }
}
