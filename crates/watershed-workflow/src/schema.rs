//! The JSON Schema of workflow files, for editors.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::spec::WorkflowSpec;

/// The JSON Schema (2020-12) of a workflow file. What it cannot say (which operations there
/// are, what an expression may use) is left to [`compile`](crate::compile).
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<WorkflowSpec>().to_value();
    without_null(&mut schema);
    schema
}

/// A key that may be left out may not be null: an empty `when:` would let everything through.
fn without_null(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|ty| ty != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    members.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|ty| ty != "null"));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only: Map<String, Value> = only.clone();
                    members.remove("anyOf");
                    members.extend(only);
                }
            }
            members.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
