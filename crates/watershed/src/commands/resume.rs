//! `watershed resume`: lifts a pause and goes on with a run here until it ends.

use anyhow::Result;
use watershed_engine::Error;
use watershed_model::{Act, RunRow, RunState, Trigger};
use watershed_workflow::compile;

use super::dispatch::Call;
use super::run::{ended, lift};
use crate::audit::Deed;
use crate::cli::Resume;
use crate::connect;
use crate::execution::{Signals, execute};
use crate::fault::Fault;
use crate::program::program;
use crate::site::Site;

/// Goes on. The exit code tells how the run ended.
pub(crate) async fn resume(args: Resume, call: Call) -> Result<u8> {
    let Call { settings, vars, out } = call;
    let row = {
        let site = Site::to_read(&settings).await?;
        // Workers go on with the events of a day by themselves.
        let open = |row: &RunRow| {
            row.trigger != Trigger::Event && (!row.state.ended() || row.state == RunState::Failed)
        };
        site.run_row(args.run.as_deref(), open, "that has not ended").await?
    };
    let by = row.connection.as_str();
    let (by, account) = settings.connection(Some(by))?;
    let connection = connect::connection(by, account, &vars)?;
    if args.detach {
        let site = Site::to_command(&settings, vec![connection]).await?;
        let deed = Deed::on_run(Act::Resume, &row);
        deed.done(&*site.sink, lifted(&site, &row)).await?;
        out.remark(format!("run {}: the pause is lifted", row.id));
        return Ok(0);
    }
    if let Some(guess) = connect::tier_guess(by, account) {
        out.warning(guess);
    }
    let signals = Signals::listen(out, settings.worker.shutdown_grace_ms)?;
    let site = Site::to_execute(&settings, vec![connection]).await?;
    if over(&site, &row).await? {
        out.remark(format!("run {} has ended: there is nothing to go on with", row.id));
        return ended(&site, &row.id, row.state, out).await;
    }
    let deed = Deed::on_run(Act::Resume, &row);
    deed.done(&*site.sink, lifted(&site, &row)).await?;
    out.remark(format!("run {} goes on", row.id));
    execute(&site, &row.id, None, &signals, out).await
}

/// Lifts a pause, or sets a failed run going again: a process that executes takes it up.
///
/// # Errors
/// Where it cannot be made known to the ledger again.
pub(crate) async fn lifted(site: &Site, row: &RunRow) -> Result<()> {
    restored(site, row).await?;
    lift(site, &row.id).await
}

/// Whether nothing is left to do: complete or cancelled, by whoever knows it best.
pub(crate) async fn over(site: &Site, row: &RunRow) -> Result<bool> {
    let state = site.ledger.run(&row.id).await?.map_or(row.state, |view| view.state);
    Ok(matches!(state, RunState::Complete | RunState::Cancelled))
}

/// A ledger that does not know the run (it was lost) gets it from the sink: the same
/// workflow, inputs and id.
pub(crate) async fn restored(site: &Site, row: &RunRow) -> Result<()> {
    if site.ledger.run(&row.id).await?.is_some() {
        return Ok(());
    }
    let compiled = compile(&row.workflow, &row.source, &watershed_zoom::catalogue());
    let compiled = compiled.map_err(|wrong| Error::Stored {
        run: row.id.clone(),
        why: wrong.0.first().map_or_else(String::new, |first| first.message.clone()),
    })?;
    if compiled.hash != row.plan {
        return Err(Fault::failed(format!(
            "run {}: this version makes another plan of its workflow than the one that began it",
            row.id
        ))
        .hint(format!(
            "go on with the version that began it; or begin anew, which asks only for what \
             coverage lacks: `{} run {}`",
            program(),
            row.workflow
        ))
        .into());
    }
    site.engine.restore(row.clone(), &compiled.plan).await?;
    Ok(())
}
