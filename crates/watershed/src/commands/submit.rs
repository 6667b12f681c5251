//! `watershed submit`: begins a run that workers execute.

use anyhow::Result;
use watershed_engine::{Submitted, exit};
use watershed_model::{Act, ActOutcome, RunState};

use super::dispatch::Call;
use super::run::{asked, lift};
use crate::audit::Deed;
use crate::cli::Submit;
use crate::output::name;
use crate::program::program;
use crate::site::Site;

/// Submits it. Its id goes to standard output.
pub(crate) async fn submit(args: Submit, call: Call) -> Result<u8> {
    let (request, connection) = asked(args.what, args.run_id, &call)?;
    let Call { settings, out, .. } = call;
    let by = connection.name.clone();
    let workflow = request.plan.name.clone();
    let site = Site::to_command(&settings, vec![connection]).await?;
    let submitted = site.engine.submit(request).await?;
    let run = submitted.run();
    if !matches!(submitted, Submitted::Ended(..)) {
        let deed = Deed::begins(Act::Submit, by.clone(), run.clone());
        deed.put_down(&*site.sink, ActOutcome::Asked).await?;
    }
    let state = match &submitted {
        Submitted::New(_) => {
            out.remark(format!(
                "run {run}: {} for connection {by}; `{1} worker` executes it, `{1} status {run}` \
                 tells how it stands",
                name(&workflow),
                program()
            ));
            RunState::Running
        }
        Submitted::Found(_) => {
            out.remark(format!("run {run} goes on"));
            lift(&site, run).await?;
            RunState::Running
        }
        Submitted::Ended(_, state) => {
            out.remark(format!("run {run} has ended before: nothing is asked again"));
            *state
        }
    };
    if out.json {
        out.object(&serde_json::json!({ "run": run, "state": state }))?;
    } else {
        out.text(&format!("{run}\n"))?;
    }
    Ok(exit::COMPLETE)
}
