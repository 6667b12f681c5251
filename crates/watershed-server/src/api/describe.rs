//! The API described in OpenAPI 3.1, made from the table of its calls and the published schemas.

use axum::Json;
use serde_json::{Map, Value, json};

use super::asked::{LIMIT, LIMIT_MAX};
use super::{Call, Kind, Parameter, Told, table};

/// The published schemas that the API tells its answers by.
const SCHEMAS: [(&str, &str); 10] = [
    ("run", include_str!("../../../../schemas/run-line.schema.json")),
    ("run-report", include_str!("../../../../schemas/run-report.schema.json")),
    ("failure", include_str!("../../../../schemas/failure.schema.json")),
    ("coverage", include_str!("../../../../schemas/coverage.schema.json")),
    ("connection", include_str!("../../../../schemas/connection.schema.json")),
    ("schedule", include_str!("../../../../schemas/schedule-line.schema.json")),
    ("worker", include_str!("../../../../schemas/worker.schema.json")),
    ("doctor", include_str!("../../../../schemas/doctor.schema.json")),
    ("erased", include_str!("../../../../schemas/erased.schema.json")),
    ("audit-entry", include_str!("../../../../schemas/audit-entry.schema.json")),
];

/// `GET /api/v1/openapi.json`.
pub(super) async fn openapi() -> Json<Value> {
    Json(document())
}

fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for call in table() {
        let of_path = paths.entry(call.path).or_insert_with(|| json!({}));
        of_path[call.method.to_lowercase()] = described(&call);
    }
    let mut schemas: Map<String, Value> = Map::new();
    for (name, text) in SCHEMAS {
        let schema = serde_json::from_str(text).expect("a published schema is JSON");
        schemas.insert(name.to_owned(), schema);
    }
    for (name, schema) in own() {
        schemas.insert(name.to_owned(), schema);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Watershed",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What runs, what waits and for what, what failed, what is complete.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
        "security": [{ "token": [] }, {}],
    })
}

/// What the API alone tells.
fn own() -> [(&'static str, Value); 5] {
    let text = json!({ "type": "string" });
    [
        (
            "problem",
            json!({
                "description": "RFC 9457.",
                "type": "object",
                "properties": {
                    "type": text,
                    "title": text,
                    "status": { "type": "integer" },
                    "detail": text,
                    "hint": { "type": "string", "description": "What to do about it." },
                },
                "required": ["type", "title", "status", "detail"],
                "additionalProperties": false,
            }),
        ),
        (
            "retry",
            json!({
                "description": "Which dead letters; all, where nothing is said.",
                "type": "object",
                "properties": {
                    "step": { "type": ["string", "null"], "description": "Of this step." },
                    "id": { "type": ["string", "null"], "description": "This one." },
                },
                "additionalProperties": false,
            }),
        ),
        (
            "put-back",
            json!({
                "type": "object",
                "properties": {
                    "run": text,
                    "put_back": { "type": "integer", "minimum": 0 },
                },
                "required": ["run", "put_back"],
                "additionalProperties": false,
            }),
        ),
        (
            "erase",
            json!({
                "type": "object",
                "properties": {
                    "user": {
                        "type": "string",
                        "minLength": 1,
                        "description": "The person, by id or address.",
                    },
                },
                "required": ["user"],
                "additionalProperties": false,
            }),
        ),
        ("openapi", json!({ "type": "object" })),
    ]
}

fn described(call: &Call) -> Value {
    let of_path = call.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let of_path = of_path.map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    let parameters: Vec<Value> = of_path.chain(call.query.iter().map(parameter)).collect();
    let mut responses = Map::new();
    responses.insert("200".to_owned(), answer("It is told.", told(call.told)));
    if call.method == "GET" {
        responses.insert("304".to_owned(), json!({ "description": "It has not changed." }));
    }
    let always = [401, 403, 500, 503];
    for status in always.iter().chain(call.refuses) {
        let problem = json!({ "$ref": "#/components/schemas/problem" });
        let content = json!({ "application/problem+json": { "schema": problem } });
        let told = json!({ "description": refusal(*status), "content": content });
        responses.insert(status.to_string(), told);
    }
    let mut described = json!({
        "summary": call.about,
        "operationId": operation_id(call),
        "parameters": parameters,
        "responses": responses,
        "x-role": call.role.name(),
    });
    if let Some(body) = call.body {
        let schema = own().into_iter().find(|(name, _)| *name == body);
        described["requestBody"] = json!({
            "required": schema.is_some_and(|(_, schema)| schema.get("required").is_some()),
            "content": { "application/json": { "schema": reference(body) } },
        });
    }
    described
}

fn parameter(of: &Parameter) -> Value {
    let schema = match of.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Limit => {
            json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT })
        }
        Kind::OneOf(words) => json!({ "enum": words }),
    };
    json!({ "name": of.name, "in": "query", "description": of.about, "schema": schema })
}

fn told(told: Told) -> Value {
    match told {
        Told::One(name) => reference(name),
        Told::Page(name) => json!({
            "type": "object",
            "properties": {
                "items": { "type": "array", "items": reference(name) },
                "next": {
                    "type": ["string", "null"],
                    "description": "`cursor` of the next page; null on the last.",
                },
            },
            "required": ["items", "next"],
            "additionalProperties": false,
        }),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn answer(about: &str, schema: Value) -> Value {
    json!({ "description": about, "content": { "application/json": { "schema": schema } } })
}

fn refusal(status: u16) -> &'static str {
    match status {
        400 => "What was asked is not of the right form.",
        401 => "A token is needed.",
        403 => "The role does not do, or it was asked from a page of another server.",
        404 => "There is no such thing.",
        409 => "It does not allow that now.",
        413 => "What was sent is too long.",
        415 => "What was sent is not JSON.",
        503 => "A store or the account does not answer.",
        _ => "It failed.",
    }
}

/// `get_runs_run`.
fn operation_id(call: &Call) -> String {
    let path = call.path.trim_start_matches("/api/v1/");
    let words = path.split(['/', '.']).map(|word| word.trim_matches(['{', '}']));
    let words: Vec<&str> = words.collect();
    format!("{}_{}", call.method.to_lowercase(), words.join("_"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_schema_that_is_named_is_there_and_each_call_has_a_name_of_its_own() {
        let document = document();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().expect("schemas");
        for named in text.split("\"#/components/schemas/").skip(1) {
            let name = named.split('"').next().unwrap_or_default();
            assert!(schemas.contains_key(name), "{name}");
        }
        assert!(!text.contains("$defs"), "what stands there would be looked for in the document");
        let ids: BTreeSet<String> = table().iter().map(operation_id).collect();
        assert_eq!(ids.len(), table().len());
    }
}
