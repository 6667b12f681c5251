//! For tests: what is printed as JSON fits the published schemas.

use std::path::Path;

use serde::Serialize;

/// Insists that a value fits `schemas/NAME.schema.json`.
#[track_caller]
pub(crate) fn fits(name: &str, value: &impl Serialize) {
    let file = format!("../../schemas/{name}.schema.json");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).expect("a published schema");
    let schema: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let value = serde_json::to_value(value).expect("JSON");
    let wrong: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(wrong, Vec::<String>::new(), "{value:#}");
}
