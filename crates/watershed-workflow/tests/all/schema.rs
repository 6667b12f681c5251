//! The JSON Schema says what the compiler takes.

use std::path::Path;

use serde_json::Value;

fn object<'s>(schema: &'s Value, name: &str) -> &'s Value {
    if name == "Workflow" { schema } else { &schema["$defs"][name] }
}

fn keys(schema: &Value, name: &str) -> Vec<String> {
    let properties = object(schema, name)["properties"].as_object();
    let mut keys: Vec<String> =
        properties.unwrap_or_else(|| panic!("no {name} in the schema")).keys().cloned().collect();
    keys.sort();
    keys
}

#[test]
fn the_file_that_editors_read_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/workflow.schema.json");
    let fresh = format!("{:#}\n", watershed_workflow::schema());
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &fresh).expect("it can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == fresh, "stale: run this test with UPDATE_SCHEMAS=1");
}

#[test]
fn every_key_is_described_and_no_other_is_allowed() {
    let schema = watershed_workflow::schema();
    for name in ["Workflow", "Input", "Schedule", "Step", "Windows", "Retry", "Policies"] {
        let object = object(&schema, name);
        assert_eq!(object["additionalProperties"], false, "{name}");
        for (key, property) in object["properties"].as_object().expect("it has keys") {
            assert!(property["description"].is_string(), "{name}.{key} has no description");
        }
    }
    assert_eq!(keys(&schema, "Step").len(), 13);
    assert_eq!(keys(&schema, "Retry"), ["attempts", "backoff", "jitter"]);
}

#[test]
fn nothing_may_be_null() {
    assert!(!watershed_workflow::schema().to_string().contains("\"null\""));
}
