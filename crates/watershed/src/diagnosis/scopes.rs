//! What each scope brings, and which steps of the shipped backfill go without it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use watershed_model::{OnUnavailable, Plan, Source, Step};
use watershed_zoom::scopes;

/// A scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ScopeCheck {
    /// Its name.
    pub scope: String,
    /// What it brings.
    pub brings: String,
    /// Whether it, or a classic one that opens the same, was granted. `None`: not known,
    /// since there is no token.
    pub granted: Option<bool>,
    /// Operations that it opens.
    pub operations: Vec<String>,
    /// Steps of the shipped backfill that do not run without it.
    pub costs: Vec<String>,
}

/// Every scope that an admin is asked for.
pub(super) fn judge(granted: Option<&[String]>, plan: &Plan) -> Vec<ScopeCheck> {
    let everything: Vec<String> = scopes::SEED.iter().map(|(s, _)| (*s).to_owned()).collect();
    let have: Vec<String> = granted.map_or_else(|| everything.clone(), <[String]>::to_vec);
    scopes::judged(granted.unwrap_or_default())
        .into_iter()
        .map(|seed| {
            let without: Vec<String> = have.iter().filter(|s| *s != seed.scope).cloned().collect();
            let with = without.iter().cloned().chain([seed.scope.to_owned()]).collect::<Vec<_>>();
            let brought = lost(&with, plan);
            let costs = lost(&without, plan).into_iter().filter(|step| !brought.contains(step));
            let operations: Vec<String> =
                seed.operations.iter().map(|operation| operation.id.to_owned()).collect();
            ScopeCheck {
                scope: seed.scope.to_owned(),
                brings: seed.brings.to_owned(),
                granted: granted.map(|_| seed.granted),
                costs: costs.collect(),
                operations,
            }
        })
        .collect()
}

/// Steps of the plan that run by default inputs and bring nothing with these scopes: their own
/// is missing, or nothing comes to them.
pub(super) fn lost(granted: &[String], plan: &Plan) -> Vec<String> {
    let catalogue = watershed_zoom::catalogue();
    let open = |id: &str| catalogue.operation(id).is_none_or(|o| scopes::granted(o, granted));
    // What a step is fed by stands before it.
    let (mut names, mut dry) = (Vec::new(), vec![false; plan.steps.len()]);
    for (id, step) in plan.steps() {
        let runs = runs(step, plan, &open);
        let fed = match &step.source {
            Source::Items(feeds) => feeds.iter().any(|feed| !dry[feed.step.index()]),
            Source::Run | Source::Literals(_) | Source::Join(_) => true,
        };
        let opened = open(step.operation.as_str());
        if runs && !(fed && opened) {
            names.push(step.name.clone());
        }
        let goes_on = opened || step.on_unavailable == OnUnavailable::Continue;
        dry[id.index()] = !(runs && fed && goes_on);
    }
    names
}

/// Whether the parts of a step's condition that are known before anything is asked let it
/// run: `granted("…")`, and what is said of inputs, by their defaults.
fn runs(step: &Step, plan: &Plan, open: &dyn Fn(&str) -> bool) -> bool {
    let Some(when) = &step.when else { return true };
    let defaults: BTreeMap<&str, &Value> = plan
        .inputs
        .iter()
        .filter_map(|input| Some((input.name.as_str(), input.default.as_ref()?)))
        .collect();
    when.0.split("&&").map(str::trim).all(|part| {
        // An alternative may be known by half only: it counts as one that runs.
        if part.contains("||") {
            return true;
        }
        if let Some(asked) = between(part, "granted(\"", "\")") {
            return open(asked) != part.starts_with('!');
        }
        let Some(rest) = part.strip_prefix("inputs.") else { return true };
        for (operator, among) in [("==", true), ("!=", false), (" in ", true)] {
            let Some((input, wanted)) = rest.split_once(operator) else { continue };
            let default = defaults.get(input.trim()).and_then(|value| value.as_str());
            return default.is_none_or(|text| wanted.contains(&format!("\"{text}\"")) == among);
        }
        true
    })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::backfill;

    fn without(scope: &str) -> Vec<String> {
        scopes::SEED.iter().map(|(s, _)| (*s).to_owned()).filter(|s| s != scope).collect()
    }

    #[test]
    fn with_all_scopes_nothing_is_lost() {
        assert_eq!(lost(&without(""), &backfill().expect("it compiles")), Vec::<String>::new());
    }

    #[test]
    fn a_missing_scope_costs_the_steps_that_have_no_other_way() {
        let plan = backfill().expect("it compiles");
        let costs = |scope: &str| lost(&without(scope), &plan);
        let account = "cloud_recording:read:list_account_recordings:admin";
        assert_eq!(costs(account), Vec::<String>::new(), "user by user instead");
        let report = "report:read:list_meeting_participants:admin";
        assert_eq!(costs(report), ["participants"]);
        assert_eq!(costs("meeting:read:meeting:admin"), ["meeting_details", "meetings_gone"]);
        assert_eq!(costs("report:read:meeting:admin"), Vec::<String>::new(), "by an input only");
    }

    #[test]
    fn a_missing_scope_costs_all_that_hangs_beneath_as_well() {
        let plan = backfill().expect("it compiles");
        assert_eq!(
            lost(&without("user:read:list_users:admin"), &plan),
            [
                "users",
                "meetings",
                "meetings_scheduled",
                "instances",
                "user_details",
                "user_settings",
                "meeting_details",
                "meeting_invitations",
            ],
            "recordings of the account tell of meetings without it"
        );
    }

    #[test]
    fn of_two_scopes_that_stand_in_for_each_other_each_is_missed_where_both_are_missing() {
        let plan = backfill().expect("it compiles");
        let list = |kind: &str| format!("cloud_recording:read:list_{kind}_recordings:admin");
        let costs = |granted: &[String]| -> Vec<bool> {
            let checks = judge(Some(granted), &plan);
            let of = |kind: &str| checks.iter().find(|c| c.scope == list(kind)).expect("asked for");
            ["account", "user"].map(|kind| !of(kind).costs.is_empty()).to_vec()
        };
        assert_eq!(costs(&without(&list("account"))), [false, true]);
        let neither: Vec<String> =
            without(&list("account")).into_iter().filter(|s| *s != list("user")).collect();
        assert_eq!(costs(&neither), [true, true]);
    }
}
