//! Inputs of a run: checked, filled in, made absolute.

use std::collections::BTreeMap;

use crate::common::compiled;
use jiff::civil::{Date, date};
use serde_json::{Value, json};
use watershed_workflow::{InputError, resolve_inputs};

const WORKFLOW: &str = r#"
name: inputs
inputs:
  from: { type: date, default: -180d }
  to: { type: date, default: today }
  content: { type: enum, values: [metadata, transcripts], default: transcripts }
  pages: { type: int, default: 3 }
  deep: { type: bool, default: false }
  label: { type: text }
steps:
  recordings:
    when: inputs.deep && inputs.pages > 1 && inputs.label != inputs.content
    use: zoom.list_account_recordings
    with: { from: "${{ inputs.from }}", to: "${{ inputs.to }}" }
"#;

const TODAY: Date = date(2026, 11, 24);

fn resolve(given: &[(&str, &str)]) -> Result<BTreeMap<String, Value>, InputError> {
    let mut all = BTreeMap::from([("label".to_owned(), "x".to_owned())]);
    all.extend(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    resolve_inputs(&compiled(WORKFLOW).plan, &all, TODAY)
}

fn refused(given: &[(&str, &str)]) -> String {
    resolve(given).expect_err("it is refused").to_string()
}

#[test]
fn defaults_are_filled_in_and_dates_made_absolute() {
    assert_eq!(
        json!(resolve(&[]).expect("all is given")),
        json!({
            "from": "2026-05-28", "to": "2026-11-24", "content": "transcripts",
            "pages": 3, "deep": false, "label": "x",
        })
    );
    let given = resolve(&[("from", "2026-01-02"), ("to", "+1d"), ("pages", "7"), ("deep", "true")]);
    let given = json!(given.expect("all is good"));
    assert_eq!(given["from"], "2026-01-02");
    assert_eq!(given["to"], "2026-11-25");
    assert_eq!(given["pages"], 7);
    assert_eq!(given["deep"], true);
}

#[test]
fn what_is_wrong_is_named_with_what_is_allowed() {
    let said = [
        refused(&[("form", "2026-01-01")]),
        refused(&[("from", "01.02.2026")]),
        refused(&[("from", "2026-02-30")]),
        refused(&[("from", "180d")]),
        refused(&[("content", "transcript")]),
        refused(&[("pages", "many")]),
        refused(&[("deep", "yes")]),
        refused(&[("from", "2026-02-01"), ("to", "2026-01-01")]),
        resolve_inputs(&compiled(WORKFLOW).plan, &BTreeMap::new(), TODAY)
            .expect_err("`label` is missing")
            .to_string(),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_hostile_value_cannot_write_to_the_terminal() {
    assert!(!refused(&[("pages", "\u{1b}[2J")]).contains('\u{1b}'));
}
