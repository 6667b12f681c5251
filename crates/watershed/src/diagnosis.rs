//! What a backfill of a connection would miss, and why: credentials, scopes, tier, stores.

mod account;
mod clock;
mod data;
mod findings;
mod ledger;
#[cfg(feature = "redis")]
mod redis;
mod scopes;
mod tier;

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use watershed_engine::{Clock, Engine, HttpTransport, Parts, SystemClock};
use watershed_lake::MemoryFiles;
use watershed_ledger::MemoryLedger;
use watershed_model::{ConnectionName, Plan};
use watershed_sink::SqliteSink;
use watershed_workflow::compile;
use watershed_zoom::scopes as known;

use crate::connect;
use crate::explain::explain;
use crate::fault::Fault;
use crate::settings::{Account, Settings, Vars};
use crate::workflows;
use account::RecordingCheck;
use clock::Watched;
pub(crate) use findings::{findings, looked_at};
pub(crate) use ledger::LedgerCheck;
use scopes::ScopeCheck;
use tier::TierCheck;

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
    /// Granted scopes that allow reading what is never asked for.
    pub unused: Vec<String>,
    /// Whether the role of the app's owner may read; `None` where nothing could be asked.
    pub role: Option<Checked>,
    /// What sampled users have switched on; `None` where nobody's settings could be read.
    pub recording: Option<RecordingCheck>,
    /// Zoom's clock beside ours; `None` where no answer told it.
    pub clock: Option<Checked>,
    /// The plan and what it allows.
    pub tier: TierCheck,
    /// Where runs are kept.
    pub ledger: LedgerCheck,
    /// Datasets and coverage.
    pub sink: Checked,
    /// Whether events of this connection could be told from what others send.
    pub webhooks: Checked,
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

/// Looks at everything, if `deep` also at each record of the ledger. Changes nothing; asks Zoom
/// for a token and, with one, a handful of questions.
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
    let answers = answers(name, account, vars).await?;
    let plan = backfill()?;
    let tier = tier::checked(account, &plan);
    let granted = answers.granted;
    let lost = scopes::lost(granted.as_deref().unwrap_or_default(), &plan);
    let ledger = ledger::checked(&settings.store, deep).await;
    let account_id = account.account_id.read_plain(&what, vars).ok();
    let sink = data::checked(&settings.sink, name, account_id.as_deref()).await;
    Ok(Diagnosis {
        connection: name.to_owned(),
        complete: answers.token.ok
            && ledger.is_good()
            && sink.ok
            && lost.is_empty()
            && tier.costs.is_empty()
            && answers.role.as_ref().is_none_or(|role| role.ok),
        account_id,
        token: answers.token,
        scopes: scopes::judge(granted.as_deref(), &plan),
        excess: granted.iter().flatten().filter(|s| known::writes(s)).cloned().collect(),
        unused: granted.iter().flatten().filter(|s| known::unused(s)).cloned().collect(),
        role: answers.role,
        recording: answers.recording,
        clock: answers.clock,
        tier,
        ledger,
        sink,
        webhooks: webhooks(name, account, vars),
    })
}

/// What Zoom answered.
struct Answers {
    token: Checked,
    granted: Option<Vec<String>>,
    role: Option<Checked>,
    recording: Option<RecordingCheck>,
    clock: Option<Checked>,
}

async fn answers(name: &str, account: &Account, vars: &Vars) -> Result<Answers> {
    let silent = |token| Answers { token, granted: None, role: None, recording: None, clock: None };
    let connection = match connect::connection(name, account, vars) {
        Ok(connection) => connection,
        Err(fault) => return Ok(silent(bad(&fault))),
    };
    let catalogue = watershed_zoom::catalogue();
    let transport = Arc::new(Watched::new(HttpTransport::new()?));
    let by = ConnectionName::from(name);
    let engine = Engine::new(Parts {
        ledger: Arc::new(MemoryLedger::new(Arc::new(|| SystemClock.now()))),
        sink: Arc::new(SqliteSink::in_memory(catalogue).await?),
        files: Arc::new(MemoryFiles::default()),
        transport: transport.clone(),
        clock: Arc::new(SystemClock),
        catalogue,
        connections: vec![connection],
    });
    let granted = match engine.token_scopes(&by).await {
        Ok(granted) => granted,
        Err(error) => {
            return Ok(Answers {
                clock: transport.checked(),
                ..silent(bad(&explain(&error.into())))
            });
        }
    };
    let open = |id: &str| catalogue.operation(id).is_some_and(|o| known::granted(o, &granted));
    let today = SystemClock.now().date().to_string();
    let (role, recording) = match account::asked(&engine, &by, &open, &today).await {
        Ok(found) => (Some(found.role), found.recording),
        // The token was refused after it was given.
        Err(error) => (Some(bad(&explain(&error.into()))), None),
    };
    let token = good(format!("given, with {} scopes", granted.len()));
    Ok(Answers { token, granted: Some(granted), role, recording, clock: transport.checked() })
}

pub(crate) fn backfill() -> Result<Plan> {
    let found = workflows::shipped("zoom-backfill");
    let compiled = compile(&found.name, &found.text, &watershed_zoom::catalogue())?;
    Ok(compiled.plan)
}

/// A backfill needs no events.
fn webhooks(name: &str, account: &Account, vars: &Vars) -> Checked {
    let Some(secret) = &account.webhook_secret else {
        return Checked {
            hint: Some(format!(
                "set connections.{name}.webhook_secret to the app's secret token, then `{} serve`",
                crate::program::program()
            )),
            ..good("no secret: no events, what happens comes with the next run".to_owned())
        };
    };
    match secret.read(&format!("connections.{name}.webhook_secret"), vars) {
        Ok(_) => good(format!("a secret is there; they come in at /webhooks/zoom/{name}")),
        Err(fault) => bad(&fault),
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
