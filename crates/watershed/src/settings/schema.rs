//! The JSON Schema of the configuration file, made from the table of settings.

use serde_json::{Map, Value, json};

use super::keys::{KEYS, Kind};

/// The schema, for editors.
pub(crate) fn schema() -> Value {
    let mut root = table("The configuration of Watershed (TOML).");
    for key in KEYS {
        let parts: Vec<&str> = key.path.split('.').collect();
        insert(&mut root, &parts, leaf(key.kind, key.about));
    }
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("watershed.toml");
    root
}

fn table(about: &str) -> Value {
    json!({
        "type": "object", "description": about,
        "properties": {}, "additionalProperties": false,
    })
}

fn insert(table_schema: &mut Value, path: &[&str], leaf: Value) {
    let Some((name, below)) = path.split_first() else { return };
    if *name == "*" {
        if !table_schema["additionalProperties"].is_object() {
            table_schema["additionalProperties"] = table("One Zoom account.");
            table_schema["additionalProperties"]["required"] =
                json!(["account_id", "client_id", "client_secret"]);
        }
        return insert(&mut table_schema["additionalProperties"], below, leaf);
    }
    let properties =
        table_schema["properties"].as_object_mut().expect("a table's schema has properties");
    if below.is_empty() {
        properties.insert((*name).to_owned(), leaf);
    } else {
        let section = properties.entry(*name).or_insert_with(|| table(about(name)));
        insert(section, below, leaf);
    }
}

fn about(section: &str) -> &'static str {
    match section {
        "store" => "Runs, tasks, leases, rate budgets.",
        "sink" => "Datasets and coverage.",
        "files" => "Recordings, transcripts, chats.",
        "worker" => "How this process works.",
        "server" => "Webhooks, health and metrics over HTTP.",
        "schedule" => "What starts by itself, under `watershed schedule`.",
        "notify" => "Whom to tell what an operator wants to know.",
        "log" => "Log lines on stderr.",
        "connections" => "Zoom accounts, by a name of your own.",
        "users" => "Whom the customer agreed to, and who of them is left out.",
        "limits" => "What the customer told you, or Zoom agreed; in place of the tier's figures.",
        _ => "",
    }
}

fn leaf(kind: Kind, about: &str) -> Value {
    let mut schema = match kind {
        Kind::Data => {
            json!({ "type": "string", "pattern": "^(sqlite://[^?]+|postgres(ql)?://.+)$" })
        }
        Kind::Files => {
            json!({ "type": "string", "pattern": "^(file|s3|gs|az)://.+$" })
        }
        Kind::Ledger => json!({
            "type": "string", "pattern": "^(sqlite://[^?]+|rediss?(\\+cluster)?://.+|redis\\+unix://.+)$",
        }),
        Kind::Url | Kind::Hook => json!({ "type": "string", "pattern": "^https?://" }),
        Kind::Duration(..) => json!({ "type": "string", "examples": ["15s", "500ms", "2m"] }),
        Kind::Count(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Kind::Number(most) => json!({ "type": "number", "exclusiveMinimum": 0, "maximum": most }),
        Kind::Part => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Share => {
            let number = json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 });
            let hours = json!({ "type": "string", "examples": ["08:00-18:00 Europe/Berlin"] });
            let part = json!({
                "type": "object", "properties": { "between": hours, "share": number },
                "required": ["share"], "additionalProperties": false,
            });
            json!({ "oneOf": [number, { "type": "array", "minItems": 1, "items": part }] })
        }
        Kind::Listen => json!({ "type": "string", "examples": ["127.0.0.1:8080"] }),
        Kind::Hosts => json!({
            "type": "array", "items": { "type": "string", "pattern": "^[A-Za-z0-9.-]+$" },
        }),
        Kind::OneOf(words) => json!({ "enum": words }),
        Kind::Texts => json!({
            "type": "array", "uniqueItems": true, "items": { "type": "string", "minLength": 1 },
        }),
        Kind::Rules => json!({
            "type": "object", "additionalProperties": { "enum": ["drop", "hmac"] },
            "propertyNames": { "pattern": "^([a-z_]+|\\*)\\.[a-z_0-9]+$" },
        }),
        Kind::Credential { .. } => {
            let reference = |name: &str| {
                let mut properties = Map::new();
                properties.insert(name.to_owned(), json!({ "type": "string", "minLength": 1 }));
                json!({
                    "type": "object", "properties": properties,
                    "required": [name], "additionalProperties": false,
                })
            };
            json!({ "oneOf": [reference("env"), reference("file"), { "type": "string" }] })
        }
    };
    schema["description"] = json!(about);
    schema
}
