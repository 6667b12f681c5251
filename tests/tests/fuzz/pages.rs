//! Bodies of answers: a verdict on each, whatever was asked, and no secret in it.

use serde_json::{Map, Value, json};
use watershed_model::{Kind, Millis, Operation, Page, ParamType, Verdict};
use watershed_tests::root;
use watershed_zoom::keys::Key;
use watershed_zoom::{Answer, SECRET_MEMBERS, catalogue, items, read_after, request};

use crate::corpus::{Corpus, files};

/// 2026-05-28T20:26:40Z.
const NOW: Millis = Millis(1_780_000_000_000);

#[test]
fn pages() {
    let fixtures = files(&root().join("crates/watershed-zoom/tests/fixtures"));
    let bodies = fixtures.iter().map(|fixture| {
        let fixture: Value = serde_json::from_slice(fixture).expect("JSON");
        fixture["body"].to_string().into_bytes()
    });
    let calls: Vec<_> =
        catalogue().operations.iter().filter(|op| op.kind == Kind::Call).copied().collect();
    Corpus::of("pages").and(bodies).read(|body| {
        for op in &calls {
            for status in [200, 400, 404, 429] {
                answered(op, status, body);
            }
        }
    });
}

/// Reads the body as a first page, and again as what follows on itself.
fn answered(op: &Operation, status: u16, body: &[u8]) {
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let answer = Answer { status, headers: &headers, body };
    let with = asked(op);
    let mut cursor: Option<String> = None;
    for _ in 0..2 {
        let verdict = read_after(op, &with, cursor.as_deref(), &answer, NOW);
        assert_eq!(verdict, read_after(op, &with, cursor.as_deref(), &answer, NOW));
        let (Verdict::Data(page) | Verdict::Waiting { page: Some(page), .. }) = verdict else {
            return;
        };
        sound(op, &page);
        let Some(next) = page.next else { return };
        request(op, &with, Some(&next)).expect("the next page can be asked for");
        cursor = Some(next);
    }
}

fn sound(op: &Operation, page: &Page) {
    for item in items(op, &page.rows) {
        assert!(item.is_object(), "{item}");
    }
    let mut stays = std::collections::BTreeSet::new();
    for row in &page.rows {
        assert!(!row.key.is_empty() && row.record.is_object(), "{row:?}");
        assert!(!tells_a_secret(&row.record), "{row:?}");
        let is_stay = Key::of(op.dataset.name) == Key::Stay;
        assert!(!is_stay || stays.insert(&row.key), "two stays fall together: {row:?}");
    }
}

fn tells_a_secret(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(tells_a_secret),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| SECRET_MEMBERS.contains(&name.as_str()) || tells_a_secret(value)),
        _ => false,
    }
}

/// Something that may be asked of an operation.
fn asked(op: &Operation) -> Map<String, Value> {
    let value = |ty: ParamType| match ty {
        ParamType::Int => json!(85_746_065_432_i64),
        ParamType::Bool => json!(true),
        ParamType::Date => json!("2026-05-01"),
        ParamType::OneOf(values) => json!(values[0]),
        ParamType::Text | ParamType::Record => json!("2026-05-28T20:00:00Z"),
    };
    op.params.iter().map(|param| (param.name.to_owned(), value(param.ty))).collect()
}
