//! Whether a Redis is set up so that it keeps what is open.

use secrecy::SecretString;
use watershed_engine::{Clock, SystemClock};
use watershed_ledger::{Error, Ledger};
use watershed_ledger_redis::Health;

use super::ledger::{Finding, LedgerCheck, walked};
use super::{bad, good};
use crate::explain::explain;
use crate::store::{Store, on_redis};

/// Looks at it; if `deep`, at each of its records.
///
/// # Errors
/// Where it does not answer, or refuses.
pub(super) async fn checked(
    store: &Store,
    url: &SecretString,
    deep: bool,
) -> Result<LedgerCheck, Error> {
    let ledger = on_redis(url)?;
    let health = ledger.health(|| SystemClock.now()).await?;
    let answers = match ledger.runs().await {
        Ok(runs) => good(format!("{}: {} runs; {}", health.place, runs.len(), told(&health))),
        Err(error) => bad(&explain(&error.into())),
    };
    let findings = health.findings().into_iter().map(|finding| Finding {
        grave: finding.grave,
        found: finding.what,
        hint: finding.way_out,
    });
    Ok(LedgerCheck {
        answers,
        findings: findings.collect(),
        walk: if deep { Some(walked(store).await?) } else { None },
    })
}

/// How a Redis is set up, in a line.
fn told(health: &Health) -> String {
    let log = match (health.aof, health.appendfsync.as_deref()) {
        (true, Some(how)) => format!("AOF {how}"),
        (true, None) => "AOF".to_owned(),
        (false, _) => "no AOF".to_owned(),
    };
    let snapshots = match health.snapshots {
        Some(true) => ", snapshots",
        Some(false) => ", no snapshots",
        None => "",
    };
    let memory = match health.memory_max {
        Some(max) => format!("{} of {max} bytes", health.memory),
        None => format!("{} bytes, no maxmemory", health.memory),
    };
    let role = match (health.cluster.0, health.replica) {
        (true, _) => "cluster",
        (false, true) => "replica",
        (false, false) => "primary",
    };
    let replicas = match health.min_replicas {
        Some(many) if many > 0 => format!(", {many} replicas needed to write"),
        _ => String::new(),
    };
    format!(
        "Redis {}, {role}, {log}{snapshots}, {}, {memory}, clock {:+} ms{replicas}",
        health.version, health.policy, health.skew_ms
    )
}
