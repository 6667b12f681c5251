//! `watershed status`: how a run stands.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use watershed_engine::Standing;
use watershed_model::{Millis, RunId, RunReport, RunState, Trigger};
use watershed_zoom::freshness::Freshness;

use super::dispatch::Call;
use crate::cli::Status;
use crate::evidence;
use crate::fault::Fault;
use crate::freshness;
use crate::glance::{Glance, instant};
use crate::output::{Output, name, number, span, table};
use crate::program::program;
use crate::progress::{LOOK, Progress};
use crate::site::Site;

/// How often it is told again with `--follow --json`.
const AGAIN: Duration = Duration::from_secs(1);

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a RunReport,
    /// How far the datasets of its connection are complete.
    freshness: &'a [Freshness],
}

/// Tells it, once or until the run ends.
pub(crate) async fn status(args: Status, call: Call) -> Result<u8> {
    let Call { settings, out, .. } = call;
    let site = Site::to_read(&settings).await?;
    let run =
        site.run_row(args.run.as_deref(), |row| row.trigger != Trigger::Event, "yet").await?.id;
    if args.follow {
        follow(&site, &run, out).await?;
        if out.json {
            return Ok(0);
        }
    }
    let standing = standing(&site, &run).await?;
    let fresh = freshness::of(&*site.sink, &standing.report.connection).await?;
    if out.json {
        out.object(&Told { report: &standing.report, freshness: &fresh })?;
    } else {
        out.text(&text(&standing, &fresh, site.now()))?;
    }
    Ok(0)
}

async fn follow(site: &Site, run: &RunId, out: Output) -> Result<()> {
    let mut progress = Progress::new(out, site.now());
    let mut told = None;
    loop {
        let goes_on = if out.json {
            let standing = standing(site, run).await?;
            if told.as_ref() != Some(&standing.report) {
                out.object(&standing.report)?;
            }
            let goes_on = goes_on(standing.report.state) && standing.view.is_some();
            told = Some(standing.report);
            goes_on
        } else {
            match site.ledger.run(run).await? {
                Some(view) => {
                    progress.show(&view, site.now());
                    goes_on(view.state)
                }
                None => false,
            }
        };
        if !goes_on {
            return Ok(());
        }
        tokio::time::sleep(if out.json { AGAIN } else { LOOK }).await;
    }
}

fn goes_on(state: RunState) -> bool {
    matches!(state, RunState::Running | RunState::Cancelling)
}

async fn standing(site: &Site, run: &RunId) -> Result<Standing> {
    site.engine.standing(run).await?.ok_or_else(|| {
        Fault::failed(format!("run {run} is gone"))
            .hint(format!("`{} runs` lists what is there", program()))
            .into()
    })
}

fn text(standing: &Standing, fresh: &[Freshness], now: Millis) -> String {
    let report = &standing.report;
    let glance = Glance::of_report(report);
    let began = instant(&report.started_at).unwrap_or(now);
    let ended = report.ended_at.as_deref().and_then(instant);
    let mut text = format!(
        "Run {} of {} for connection {}: {}\n",
        name(report.run.as_str()),
        name(&report.workflow),
        report.connection,
        report.state.name(),
    );
    match ended {
        Some(ended) => {
            text.push_str(&format!("began {}, took {}\n", report.started_at, span(ended - began)));
        }
        None => text.push_str(&format!("began {} ago, {}\n", span(now - began), report.started_at)),
    }
    if standing.view.is_none() {
        text.push_str("the state file does not know it: this is what the dataset remembers\n");
    }
    if !glance.steps.is_empty() {
        let rows: Vec<Vec<String>> = glance
            .steps
            .iter()
            .map(|step| {
                let about = if step.is_final { "" } else { "≈" };
                vec![
                    name(&step.step),
                    number(step.done),
                    format!("{about}{}", number(step.known)),
                    number(step.failed),
                ]
            })
            .collect();
        text.push_str(&format!("\n{}", table(&["step", "done", "known", "failed"], &rows)));
    }
    text.push('\n');
    for line in glance.lines(now) {
        text.push_str(&format!("{line}\n"));
    }
    if let Some(left) = glance.left(now) {
        text.push_str(&format!("time    {left}\n"));
    }
    let coverage = evidence::coverage(&standing.coverage);
    if !coverage.is_empty() {
        text.push_str(&format!("covers  {coverage}\n"));
    }
    for said in freshness::short(fresh) {
        text.push_str(&format!("fresh   {said}\n"));
    }
    for (head, said) in evidence::to_do(standing) {
        text.push_str(&format!("{head:<8}{said}\n"));
    }
    text
}
