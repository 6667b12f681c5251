//! `watershed cancel`: ends a run for good; what it has fetched stays.

use std::time::Duration;

use anyhow::Result;
use watershed_engine::{Clock, SystemClock};
use watershed_ledger::{Command, Exchange, Want};
use watershed_model::{Act, RunRow, RunState, WorkerId};

use super::dispatch::Call;
use super::pause::over;
use crate::audit::Deed;
use crate::cli::OneRun;
use crate::site::{Site, no_run};

/// How long a process that executes the run is given to end it, before it is left to it.
const WAIT: Duration = Duration::from_secs(10);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(100);

/// Cancels it, wherever it is executed.
pub(crate) async fn cancel(args: OneRun, call: Call) -> Result<u8> {
    let Call { settings, out, .. } = call;
    let row = {
        let site = Site::to_read(&settings).await?;
        site.run_row(Some(&args.run), |_| true, "").await?
    };
    let site = Site::to_command(&settings, Vec::new()).await?;
    let deed = Deed::on_run(Act::Cancel, &row);
    let said = match deed.done(&*site.sink, cancelled(&site, &row)).await? {
        RunState::Cancelled => "is cancelled; what it has fetched stays",
        _ => "is being cancelled by the process that executes it",
    };
    out.remark(format!("run {} {said}", row.id));
    Ok(0)
}

/// The same, without a word. How it stands then.
///
/// # Errors
/// Where it is over already.
pub(crate) async fn cancelled(site: &Site, row: &RunRow) -> Result<RunState> {
    let Some(view) = site.ledger.run(&row.id).await? else {
        return forgotten(site, row).await;
    };
    if matches!(view.state, RunState::Complete | RunState::Cancelled) {
        return Err(over(row, view.state).into());
    }
    site.ledger.execute(Command::Cancel(row.id.clone())).await?;
    // A process that executes here drops what is open; where there is none, or any number may,
    // it is done here.
    match site.settings.store.hold() {
        Ok(held) => sweep(site, row, held.is_some()).await?,
        Err(_) => wait(site, row).await?,
    }
    Ok(site.engine.record(&row.id).await?.report.state)
}

/// Drops what is open, in the ledger's bounded steps. No call is made. What other processes have
/// in flight is waited for, unless there are none.
async fn sweep(site: &Site, row: &RunRow, alone: bool) -> Result<()> {
    let until = tokio::time::Instant::now() + WAIT;
    let worker = WorkerId(format!("c-{:016x}", SystemClock.random()));
    if alone {
        site.ledger.execute(Command::Takeover { worker: worker.clone() }).await?;
    }
    let mut sequence = 0;
    while site.ledger.run(&row.id).await?.is_some_and(|v| v.state == RunState::Cancelling) {
        sequence += 1;
        let want = Want {
            lanes: vec![row.connection.clone()],
            tasks: 0,
            lease_ms: site.settings.worker.lease_ms,
            horizon_ms: 0,
            lead_ms: 0,
        };
        let exchange = Exchange {
            worker: worker.clone(),
            sequence,
            random: SystemClock.random(),
            settles: Vec::new(),
            held: None,
            want,
        };
        site.ledger.execute(Command::Exchange(exchange)).await?;
        if !alone {
            if tokio::time::Instant::now() >= until {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}

async fn wait(site: &Site, row: &RunRow) -> Result<()> {
    let until = tokio::time::Instant::now() + WAIT;
    while tokio::time::Instant::now() < until {
        let view = site.ledger.run(&row.id).await?;
        if view.is_none_or(|view| view.state != RunState::Cancelling) {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// The ledger does not know the run: only the sink's memory of it is ended.
async fn forgotten(site: &Site, row: &RunRow) -> Result<RunState> {
    if row.state.ended() {
        return Err(no_run(row.id.as_str(), &site.settings.store).into());
    }
    let ended = RunRow { state: RunState::Cancelled, ended_at: Some(site.now()), ..row.clone() };
    site.sink.put_run(ended).await?;
    Ok(RunState::Cancelled)
}
