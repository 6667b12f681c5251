//! Answers as Zoom gives them, written by hand, and what is made of each.
//!
//! A fixture holds operation, parameters, status, headers and body. The snapshot beside it
//! holds the verdict, as people would tell it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};
use watershed_model::{Millis, Operation, Page, Verdict};
use watershed_zoom::{Answer, catalogue, items, read_after, request};

/// 2026-05-28T20:26:40Z.
const NOW: Millis = Millis(1_780_000_000_000);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    operation: String,
    with: Map<String, Value>,
    #[serde(default)]
    cursor: Option<String>,
    status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
}

impl Fixture {
    fn read(path: &Path) -> Fixture {
        let text = std::fs::read_to_string(path).expect("a file");
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    fn told(&self) -> String {
        let op = catalogue().operation(&self.operation).expect("a known operation");
        let asked = request(op, &self.with, self.cursor.as_deref()).expect("a request");
        let headers: Vec<_> = self.headers.clone().into_iter().collect();
        let body = self.body.to_string();
        let answer = Answer { status: self.status, headers: &headers, body: body.as_bytes() };
        let verdict = read_after(op, &self.with, self.cursor.as_deref(), &answer, NOW);
        format!("GET {}\n{}", asked.path_and_query, told(op, verdict))
    }
}

fn told(op: &Operation, verdict: Verdict) -> String {
    match verdict {
        Verdict::Data(page) => format!("data\n{}", page_told(op, &page)),
        Verdict::Waiting { retry_at, deadline, why, page } => format!(
            "waiting: {why}\nretry at {retry_at}, until {deadline}\n{}",
            page.map(|page| page_told(op, &page)).unwrap_or_default()
        ),
        Verdict::Wait(throttle) => format!(
            "wait: {}, {}, until {}",
            throttle.category,
            if throttle.daily { "the day's budget" } else { "this second's budget" },
            throttle.until
        ),
        other => format!("{other:?}"),
    }
}

fn page_told(op: &Operation, page: &Page) -> String {
    let mut told = String::new();
    let mut line = |text: String| writeln!(told, "{text}").expect("text");
    if let Some(next) = &page.next {
        line(format!("next: {next}"));
    }
    if let Some(narrowed) = &page.narrowed {
        line(format!("narrowed: {narrowed}"));
    }
    for item in items(op, &page.rows) {
        line(format!("item {item}"));
    }
    for row in &page.rows {
        let asked = Value::Object((*row.asked).clone());
        line(format!("{} {} asked {asked}", row.dataset.name, row.key));
        line(format!("    {}", row.record));
    }
    told
}

#[test]
fn every_fixture_is_read_as_its_snapshot_tells() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the fixtures")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 20, "{} fixtures", paths.len());
    for path in paths {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let told = Fixture::read(&path).told();
        assert!(!told.contains("never"), "{name}: a secret came through: {told}");
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, told);
        });
    }
}
