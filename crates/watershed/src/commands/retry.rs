//! `watershed retry`: puts dead letters back, to be tried again.

use anyhow::Result;
use watershed_model::{Act, LetterId};
use watershed_sink::FailureFilter;

use super::dispatch::Call;
use crate::audit::Deed;
use crate::cli::Retry;
use crate::fault::Fault;
use crate::output::number;
use crate::program::program;
use crate::site::Site;

/// Puts them back; a process that executes the run takes them up at once.
pub(crate) async fn retry(args: Retry, call: Call) -> Result<u8> {
    let Call { settings, out, .. } = call;
    let row = {
        let site = Site::to_read(&settings).await?;
        site.run_row(Some(&args.run), |_| true, "").await?
    };
    let run = row.id.clone();
    let site = Site::to_command(&settings, Vec::new()).await?;
    if site.ledger.run(&run).await?.is_none() {
        return Err(Fault::failed(format!(
            "{}: the ledger does not know run {run}",
            settings.store
        ))
        .hint(format!("`{} resume {run}` makes it known again from the dataset", program()))
        .into());
    }
    let id = args.key.map(LetterId);
    let filter = FailureFilter { step: args.step, id, ..FailureFilter::default() };
    let deed = Deed::on_run(Act::Retry, &row);
    let retried = async { Ok(site.engine.retry(&run, filter).await?) };
    let count = deed.done(&*site.sink, retried).await?;
    if out.json {
        out.object(&serde_json::json!({ "run": run, "put_back": count }))?;
    }
    match count {
        0 => out.remark("nothing to put back"),
        n => {
            out.remark(format!("{} put back; `{} resume {run}` tries again", number(n), program()));
        }
    }
    Ok(0)
}
