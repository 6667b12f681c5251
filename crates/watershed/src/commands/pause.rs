//! `watershed pause`: what is in flight settles, nothing new starts.

use anyhow::Result;
use watershed_ledger::Command;
use watershed_model::RunState;

use super::dispatch::Call;
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
    let Some(view) = site.ledger.run(&row.id).await? else {
        return Err(no_run(&args.run, &settings.store).into());
    };
    if view.state.ended() || view.state == RunState::Cancelling {
        return Err(Fault::failed(format!("run {} is {} already", row.id, view.state.name()))
            .hint(format!("`{} status {}` tells how it ended", program(), row.id))
            .into());
    }
    site.ledger.execute(Command::Pause(row.id.clone())).await?;
    site.engine.record(&row.id).await?;
    out.remark(format!("run {0} is paused; `{1} resume {0}` goes on", row.id, program()));
    Ok(0)
}
