//! `watershed runs`: all runs, newest first.

use std::collections::BTreeMap;

use anyhow::Result;
use watershed_ledger::RunLine;
use watershed_model::RunId;
use watershed_server::shape::Run;

use super::dispatch::Call;
use crate::glance::instant;
use crate::output::{name, span, table};
use crate::program::program;
use crate::site::Site;

/// Runs that are listed.
const RUNS_MAX: u32 = 10_000;

/// Lists them.
pub(crate) async fn runs(call: Call) -> Result<u8> {
    let Call { settings, out, .. } = call;
    let Some(site) = Site::to_read_if_any(&settings).await? else {
        out.remark(format!("no runs yet: `{} run zoom-backfill` begins one", program()));
        return Ok(0);
    };
    // The sink remembers every run; the ledger knows best how the present ones stand.
    let live: BTreeMap<RunId, RunLine> =
        site.ledger.runs().await?.into_iter().map(|line| (line.run.clone(), line)).collect();
    let rows = site.sink.run_heads(None, RUNS_MAX).await?;
    let lines: Vec<Run> = rows.iter().map(|row| Run::of(row, live.get(&row.id))).collect();
    if out.json {
        for line in &lines {
            out.object(line)?;
        }
        return Ok(0);
    }
    let shown: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let took = line
                .ended_at
                .as_deref()
                .and_then(instant)
                .zip(instant(&line.started_at))
                .map_or_else(String::new, |(ended, began)| span(ended - began));
            vec![
                name(&line.run),
                name(&line.workflow),
                name(&line.connection),
                line.state.to_owned(),
                line.exit.map_or_else(String::new, |code| code.to_string()),
                line.started_at.chars().take(16).collect(),
                took,
            ]
        })
        .collect();
    let head = ["run", "workflow", "connection", "state", "exit", "began (UTC)", "took"];
    out.text(&table(&head, &shown))?;
    Ok(0)
}
