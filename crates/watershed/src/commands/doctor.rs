//! `watershed doctor`: what would a backfill miss, and what brings it?

use anyhow::Result;
use watershed_engine::exit;
use watershed_server::{Finding, Standing};

use super::dispatch::Call;
use crate::cli::Doctor;
use crate::diagnosis::{Diagnosis, diagnose, looked_at};
use crate::glance::calls;
use crate::output::{name, paint, table};
use crate::program::program;

/// Tells it. 1 where a backfill would be incomplete.
pub(crate) async fn doctor(args: Doctor, call: Call) -> Result<u8> {
    let Call { settings, vars, out } = call;
    let (by, account) = settings.connection(args.connection.as_deref())?;
    let diagnosis = diagnose(by, account, &settings, &vars, args.deep).await?;
    if out.json {
        out.object(&diagnosis)?;
    } else {
        out.text(&text(&diagnosis, out.colour))?;
    }
    Ok(if diagnosis.complete { exit::COMPLETE } else { exit::FAILED })
}

fn text(found: &Diagnosis, colour: bool) -> String {
    let account = found.account_id.as_deref().map_or("not configured".to_owned(), name);
    let mut text = format!("Connection {} (account {account})\n\n", found.connection);
    for finding in looked_at(found) {
        text.push_str(&line(&finding, colour));
    }
    text.push_str(&tier(found, colour));
    if found.token.ok {
        text.push_str(&scopes(found, colour));
    }
    let said = if found.complete {
        format!("A backfill would be complete: `{} run zoom-backfill`", program())
    } else {
        "A backfill would be incomplete: see what is marked above".to_owned()
    };
    format!("{text}\n{said}\n")
}

fn line(finding: &Finding, colour: bool) -> String {
    let mark = match finding.standing {
        Standing::Good => mark(true, colour),
        Standing::Note => paint("!", "33;1", colour),
        Standing::Bad => mark(false, colour),
    };
    let hint = finding.hint.as_deref();
    let hint = hint.map(|hint| format!("  {:<8}hint: {}\n", "", name(hint))).unwrap_or_default();
    format!("{mark} {:<8}{}\n{hint}", finding.about, name(&finding.found))
}

fn tier(found: &Diagnosis, colour: bool) -> String {
    let tier = &found.tier;
    let limits: Vec<String> = tier
        .limits
        .iter()
        .map(|l| format!("{} {} a {}", l.category.replace('_', "-"), calls(l.calls), l.period))
        .collect();
    let mark = mark(tier.costs.is_empty(), colour);
    let guess =
        if tier.known { "" } else { ", assumed: set the tier for the account's own limits" };
    let mut text = format!(
        "{mark} {:<8}{}{guess}; at share {}: {}\n",
        "tier",
        tier.tier,
        tier.share,
        limits.join(", ")
    );
    text.push_str(&format!("  {:<8}{}; `{} estimate` tells more\n", "", tier.means, program()));
    if !tier.costs.is_empty() {
        text.push_str(&format!("  {:<8}not on this plan: {}\n", "", tier.costs.join(", ")));
    }
    text
}

fn scopes(found: &Diagnosis, colour: bool) -> String {
    let rows: Vec<Vec<String>> = found
        .scopes
        .iter()
        .map(|scope| {
            let granted = scope.granted == Some(true);
            let cost = match (granted, scope.costs.as_slice()) {
                (true, _) => String::new(),
                (false, []) => format!("nothing of the backfill; {}", scope.brings),
                (false, steps) => {
                    format!("{} (steps {})", scope.operations.join(", "), steps.join(", "))
                }
            };
            vec![
                mark(granted, false),
                scope.scope.clone(),
                if granted { "granted" } else { "missing" }.to_owned(),
                if granted { scope.brings.clone() } else { format!("costs {cost}") },
            ]
        })
        .collect();
    let mut text = format!("\n{}", table(&["", "scope", "", "brings"], &rows));
    if found.scopes.iter().any(|s| s.granted == Some(false)) {
        text.push_str(
            "\na scope that is added in the Zoom App Marketplace comes with the next token\n",
        );
    }
    for scope in &found.excess {
        let head = paint("!", "33;1", colour);
        text.push_str(&format!("{head} {} allows writing, which is never needed\n", name(scope)));
    }
    if !found.unused.is_empty() {
        let unused: Vec<String> = found.unused.iter().map(|scope| name(scope)).collect();
        let head = paint("!", "33;1", colour);
        text.push_str(&format!("{head} granted and never used: {}\n", unused.join(", ")));
    }
    text
}

fn mark(ok: bool, colour: bool) -> String {
    if ok { paint("✓", "32;1", colour) } else { paint("✗", "31;1", colour) }
}
