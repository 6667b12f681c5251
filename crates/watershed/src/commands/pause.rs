//! `watershed pause`: what is in flight settles, nothing new starts.

use anyhow::Result;
use watershed_ledger::Command;
use watershed_model::{Act, RunRow, RunState};

use super::dispatch::Call;
use crate::audit::Deed;
use crate::cli::OneRun;
use crate::fault::Fault;
use crate::program::program;
use crate::site::{Site, no_run};

/// Pauses it, wherever it is executed.
pub(crate) async fn pause(args: OneRun, call: Call) -> Result<u8> {
    let Call { settings, out, .. } = call;
    let row = {
        let site = Site::to_read(&settings).await?;
        site.run_row(Some(&args.run), |_| true, "").await?
    };
    let site = Site::to_command(&settings, Vec::new()).await?;
    let deed = Deed::on_run(Act::Pause, &row);
    deed.done(&*site.sink, paused(&site, &row)).await?;
    out.remark(format!("run {0} is paused; `{1} resume {0}` goes on", row.id, program()));
    Ok(0)
}

/// The same, without a word.
///
/// # Errors
/// Where the ledger does not know it, or it is over.
pub(crate) async fn paused(site: &Site, row: &RunRow) -> Result<()> {
    let Some(view) = site.ledger.run(&row.id).await? else {
        return Err(no_run(row.id.as_str(), &site.settings.store).into());
    };
    if view.state.ended() || view.state == RunState::Cancelling {
        return Err(over(row, view.state).into());
    }
    site.ledger.execute(Command::Pause(row.id.clone())).await?;
    site.engine.record(&row.id).await?;
    Ok(())
}

/// What is told of a run with which nothing can be done any more.
pub(crate) fn over(row: &RunRow, state: RunState) -> Fault {
    Fault::failed(format!("run {} is {} already", row.id, state.name())).hint(format!(
        "`{} status {}` tells how it ended",
        program(),
        row.id
    ))
}
