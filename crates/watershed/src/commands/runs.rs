//! `watershed runs`: all runs, newest first.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use watershed_ledger::RunLine;
use watershed_model::{RunId, RunRow};

use super::dispatch::Call;
use crate::glance::instant;
use crate::output::{name, span, table};
use crate::program::program;
use crate::site::Site;

/// Runs that are listed.
const RUNS_MAX: u32 = 10_000;

/// A run in the list: the report, shortened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Line {
    run: String,
    workflow: String,
    connection: String,
    state: &'static str,
    exit: Option<u8>,
    started_at: String,
    ended_at: Option<String>,
}

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
    let rows = site.sink.runs(None, RUNS_MAX).await?;
    let lines: Vec<Line> = rows.iter().map(|row| line(row, live.get(&row.id))).collect();
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

fn line(row: &RunRow, live: Option<&RunLine>) -> Line {
    let (state, ended_at) =
        live.map_or((row.state, row.ended_at), |line| (line.state, line.ended_at));
    let exit = row.evidence.as_ref().and_then(|report| report.exit).filter(|_| state.ended());
    Line {
        run: row.id.to_string(),
        workflow: row.workflow.clone(),
        connection: row.connection.to_string(),
        state: state.name(),
        exit,
        started_at: row.started_at.to_string(),
        ended_at: ended_at.map(|at| at.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use watershed_model::{ConnectionName, Millis, PlanHash, RunState, Trigger};

    use super::*;

    fn row() -> RunRow {
        RunRow {
            id: RunId::from("r-1"),
            connection: ConnectionName::from("acme"),
            workflow: "zoom-backfill".to_owned(),
            source: String::new(),
            plan: PlanHash::from("p"),
            inputs: BTreeMap::new(),
            granted: Vec::new(),
            trigger: Trigger::Manual,
            state: RunState::Running,
            started_at: Millis(0),
            ended_at: None,
            evidence: None,
        }
    }

    #[test]
    fn a_run_in_the_list_fits_its_published_schema() {
        crate::shapes::fits("run-line", &line(&row(), None));
    }

    #[test]
    fn the_ledger_knows_better_than_the_sink_how_a_run_stands() {
        let live = RunLine {
            run: RunId::from("r-1"),
            workflow: "zoom-backfill".to_owned(),
            connection: ConnectionName::from("acme"),
            state: RunState::Paused,
            submitted_at: Millis(0),
            ended_at: None,
        };
        assert_eq!(line(&row(), Some(&live)).state, "paused");
        assert_eq!(line(&row(), None).state, "running");
    }
}
