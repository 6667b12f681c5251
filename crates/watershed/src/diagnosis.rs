//! What a backfill of a connection would miss, and why: credentials, scopes, tier, stores.

mod data;
mod ledger;
#[cfg(feature = "redis")]
mod redis;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use watershed_engine::{Clock, Engine, HttpTransport, Parts, SystemClock};
use watershed_ledger::MemoryLedger;
use watershed_model::{ConnectionName, Plan, Step};
use watershed_sink::SqliteSink;
use watershed_workflow::compile;
use watershed_zoom::scopes;

use crate::connect;
use crate::explain::explain;
use crate::fault::Fault;
use crate::settings::{Account, Settings, Vars};
use crate::workflows;
pub(crate) use ledger::LedgerCheck;

/// What was found. Published as `schemas/doctor.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Diagnosis {
    /// The connection.
    pub connection: String,
    /// Whether a backfill by default inputs would bring everything that the scopes can.
    pub complete: bool,
    /// Zoom's id of the account, where it is configured.
    pub account_id: Option<String>,
    /// Whether Zoom gives a token.
    pub token: Checked,
    /// The 16 scopes that an admin is asked for.
    pub scopes: Vec<ScopeCheck>,
    /// Granted scopes that allow writing: more than is ever needed.
    pub excess: Vec<String>,
    /// The plan and what it allows.
    pub tier: TierCheck,
    /// Where runs are kept.
    pub ledger: LedgerCheck,
    /// Datasets and coverage.
    pub sink: Checked,
}

/// Whether something is as it should be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Checked {
    /// It is.
    pub ok: bool,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub hint: Option<String>,
}

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

/// The plan and what it allows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TierCheck {
    /// The plan that is reckoned with.
    pub tier: String,
    /// Whether it was named; else the lowest is assumed.
    pub known: bool,
    /// The part of the limits that is used.
    pub share: f64,
    /// What may be started, by category and period.
    pub limits: Vec<LimitCheck>,
    /// Steps of the shipped backfill that the plan does not allow.
    pub costs: Vec<String>,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LimitCheck {
    /// The category, or several joined by `+`.
    pub category: String,
    /// `second`, `minute` or `day`.
    pub period: String,
    /// Calls that the share allows in a period.
    pub calls: f64,
}

/// Looks at everything, if `deep` also at each record of the ledger. Changes nothing, and makes no
/// call but for the token.
///
/// # Errors
/// Where TLS cannot be set up; everything else is part of the diagnosis.
pub(crate) async fn diagnose(
    name: &str,
    account: &Account,
    settings: &Settings,
    vars: &Vars,
    deep: bool,
) -> Result<Diagnosis> {
    let what = format!("connections.{name}.account_id");
    let (token, granted) = match token_scopes(name, account, vars).await {
        Ok(scopes) => (good(format!("given, with {} scopes", scopes.len())), Some(scopes)),
        Err(error) => (bad(&explain(&error)), None),
    };
    let plan = backfill()?;
    let tier = tier(account, &plan);
    let checks: Vec<ScopeCheck> = judge(granted.as_deref(), &plan);
    let ledger = ledger::checked(&settings.store, deep).await;
    let account_id = account.account_id.read_plain(&what, vars).ok();
    let sink = data::checked(&settings.sink, name, account_id.as_deref()).await;
    let lost = lost(granted.as_deref().unwrap_or_default(), &plan);
    Ok(Diagnosis {
        connection: name.to_owned(),
        complete: token.ok
            && ledger.is_good()
            && sink.ok
            && lost.is_empty()
            && tier.costs.is_empty(),
        account_id,
        excess: granted.unwrap_or_default().into_iter().filter(|s| scopes::writes(s)).collect(),
        token,
        scopes: checks,
        tier,
        ledger,
        sink,
    })
}

async fn token_scopes(name: &str, account: &Account, vars: &Vars) -> Result<Vec<String>> {
    let connection = connect::connection(name, account, vars)?;
    let catalogue = watershed_zoom::catalogue();
    let engine = Engine::new(Parts {
        ledger: Arc::new(MemoryLedger::new(Arc::new(|| SystemClock.now()))),
        sink: Arc::new(SqliteSink::in_memory(catalogue).await?),
        transport: Arc::new(HttpTransport::new()?),
        clock: Arc::new(SystemClock),
        catalogue,
        connections: vec![connection],
    });
    Ok(engine.token_scopes(&ConnectionName::from(name)).await?)
}

fn backfill() -> Result<Plan> {
    let found = workflows::shipped("zoom-backfill");
    let compiled = compile(&found.name, &found.text, &watershed_zoom::catalogue())?;
    Ok(compiled.plan)
}

fn judge(granted: Option<&[String]>, plan: &Plan) -> Vec<ScopeCheck> {
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

/// Steps of the plan that run by default inputs and would be kept out with these scopes.
fn lost(granted: &[String], plan: &Plan) -> Vec<String> {
    let catalogue = watershed_zoom::catalogue();
    let open = |id: &str| catalogue.operation(id).is_none_or(|o| scopes::granted(o, granted));
    plan.steps
        .iter()
        .filter(|step| runs(step, plan, &open) && !open(step.operation.as_str()))
        .map(|step| step.name.clone())
        .collect()
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

fn tier(account: &Account, plan: &Plan) -> TierCheck {
    let limits = connect::limits_of(account).0;
    let checks = limits.iter().map(|limit| LimitCheck {
        category: limit.categories.to_string(),
        period: limit.period.name().to_owned(),
        calls: limit.calls,
    });
    // Zoom answers reports on paid plans only. A guess is no reason to complain.
    let costs = if account.tier_known && account.tier == "free" {
        let reports = plan.steps.iter().filter(|s| s.operation.as_str().contains(".report_"));
        reports.map(|step| step.name.clone()).collect()
    } else {
        Vec::new()
    };
    TierCheck {
        tier: account.tier.clone(),
        known: account.tier_known,
        share: account.share,
        limits: checks.collect(),
        costs,
    }
}

fn may_write(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

fn unwritable(path: &Path) -> Fault {
    Fault::failed(format!("{}: it cannot be written", path.display()))
        .hint("check that you may write there, and that the disk is not read-only")
}

/// Not there is fine where it can be made.
fn not_yet(path: &Path) -> Checked {
    let folder = path.ancestors().skip(1).find(|p| p.as_os_str().is_empty() || p.exists());
    let folder = match folder {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if folder.is_dir() && may_write(folder) {
        return good(format!("{}: not there yet, made by the first run", path.display()));
    }
    bad(&Fault::failed(format!("{}: cannot be made there", path.display()))
        .hint(format!("check that you may write into {}", folder.display())))
}

fn good(found: String) -> Checked {
    Checked { ok: true, found, hint: None }
}

fn bad(fault: &Fault) -> Checked {
    Checked { ok: false, found: fault.to_string(), hint: fault.way_out().map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Given, load};

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
        assert_eq!(lost(&without("user:read:list_users:admin"), &plan), ["users"]);
        let account = "cloud_recording:read:list_account_recordings:admin";
        assert_eq!(lost(&without(account), &plan), Vec::<String>::new(), "user by user instead");
        let report = "report:read:list_meeting_participants:admin";
        assert_eq!(lost(&without(report), &plan), ["participants"]);
    }

    #[test]
    fn of_two_scopes_that_stand_in_for_each_other_each_is_missed_where_both_are_missing() {
        let plan = backfill().expect("it compiles");
        let list = |kind: &str| format!("cloud_recording:read:list_{kind}_recordings:admin");
        let costs = |granted: &[String]| -> Vec<usize> {
            let checks = judge(Some(granted), &plan);
            let of = |kind: &str| checks.iter().find(|c| c.scope == list(kind)).expect("asked for");
            ["account", "user"].map(|kind| of(kind).costs.len()).to_vec()
        };
        assert_eq!(costs(&without(&list("account"))), [0, 1]);
        let neither: Vec<String> =
            without(&list("account")).into_iter().filter(|s| *s != list("user")).collect();
        assert_eq!(costs(&neither), [1, 1]);
    }

    #[tokio::test]
    async fn without_credentials_the_diagnosis_says_so_and_fits_its_published_schema() {
        let vars = Vars::from([("ZOOM_ACCOUNT_ID".to_owned(), "a".to_owned())]);
        let settings = load(Given::default(), &vars).expect("settings");
        let (name, account) = settings.connection(None).expect("the only one");
        let found = diagnose(name, account, &settings, &vars, false).await.expect("a diagnosis");
        assert!(!found.complete);
        assert!(found.token.found.contains("ZOOM_CLIENT_ID"), "{:?}", found.token);
        assert_eq!(found.scopes.len(), 16);
        assert!(found.scopes.iter().all(|scope| scope.granted.is_none()));
        crate::shapes::fits("doctor", &found);
    }
}
