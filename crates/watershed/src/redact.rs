//! Rules of redaction, as configured: checked against what the shipped backfill needs.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use watershed_model::{Plan, Source, Step};
use watershed_workflow::compile;
use watershed_zoom::catalogue;
use watershed_zoom::redact::Rules;

use crate::fault::Fault;
use crate::settings::{Account, Vars};
use crate::workflows;

/// The rules of a connection.
///
/// # Errors
/// Where one cannot be followed, or takes away what a shipped step needs.
pub(crate) fn rules(name: &str, account: &Account, vars: &Vars) -> Result<Rules, Fault> {
    if account.redact.is_empty() {
        return Ok(Rules::default());
    }
    let what = |key: &str| format!("connections.{name}.{key}");
    let key = account.redact_key.as_ref().map(|key| key.read(&what("redact_key"), vars));
    let key = key.transpose()?;
    let bytes = key.as_ref().map(|key| key.expose_secret().as_bytes());
    let refused = |why: String| Fault::usage(format!("{}: {why}", what("redact")));
    let rules = Rules::new(&account.redact, bytes).map_err(|error| {
        refused(error.to_string()).hint("docs/operations.md lists datasets and their keys")
    })?;
    let shipped = workflows::shipped("zoom-backfill");
    let plan = compile(&shipped.name, &shipped.text, &catalogue())
        .map_err(|error| refused(format!("the shipped workflow does not compile: {error}")))?
        .plan;
    for (dataset, fields) in needed(&plan) {
        if let Some(field) = rules.of(dataset).find(|field| fields.contains_key(*field)) {
            let step = &fields[field];
            let why = format!("{dataset}.{field}: step {step} of zoom-backfill needs it");
            return Err(refused(why).hint("leave the rule out"));
        }
    }
    Ok(rules)
}

/// The fields of each dataset that steps beneath use, each with the first step that does.
fn needed(plan: &Plan) -> BTreeMap<&'static str, BTreeMap<String, String>> {
    let mut needed: BTreeMap<&'static str, BTreeMap<String, String>> = BTreeMap::new();
    for step in &plan.steps {
        let (Source::Items(feeds), Some(item)) = (&step.source, &step.item) else { continue };
        for feed in feeds {
            let Some(operation) = catalogue().operation(plan.step(feed.step).operation.as_str())
            else {
                continue;
            };
            // Files of a recording are rows of their own dataset, under the list's name.
            let listed = |field: &String| catalogue().dataset(field).map(|d| d.name);
            let dataset = feed.field.as_ref().and_then(listed).unwrap_or(operation.dataset.name);
            for user in &plan.steps {
                for field in fields_of(user, item) {
                    let first = needed.entry(dataset).or_default().entry(field);
                    first.or_insert_with(|| user.name.clone());
                }
            }
        }
    }
    needed
}

/// The fields of a name that the expressions of a step mention.
fn fields_of(step: &Step, name: &str) -> Vec<String> {
    let text = serde_json::to_string(&(&step.when, &step.once, &step.with)).unwrap_or_default();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut fields = Vec::new();
    for (at, _) in text.match_indices(&format!("{name}.")) {
        // `past.` is not the end of another name.
        if text[..at].ends_with(word) {
            continue;
        }
        let rest = &text[at + name.len() + 1..];
        fields.push(rest.chars().take_while(|c| word(*c)).collect());
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::backfill;

    #[test]
    fn what_the_steps_of_the_backfill_use_is_known_with_the_step() {
        let plan = backfill().expect("it compiles");
        let needed = needed(&plan);
        assert_eq!(needed["users"]["status"], "meetings");
        assert_eq!(needed["past_meetings"]["participants_count"], "participants_fast");
        assert_eq!(needed["past_instances"]["start_time"], "held");
        assert_eq!(needed["recording_files"]["file_type"], "files");
        assert!(!needed["users"].contains_key("email"));
        assert!(!needed.contains_key("report_participants"));
    }

    #[test]
    fn the_end_of_another_name_is_no_mention() {
        let mut step = backfill().expect("it compiles").steps.remove(0);
        step.when =
            Some(watershed_model::Expr("super_user.id != null && user.dept == \"x\"".into()));
        (step.once, step.with) = (None, BTreeMap::new());
        assert_eq!(fields_of(&step, "user"), ["dept"]);
    }
}
