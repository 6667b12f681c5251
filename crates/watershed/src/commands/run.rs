//! `watershed run`: submits a workflow and executes it here until it ends.

use std::collections::BTreeMap;

use anyhow::Result;
use watershed_engine::{
    Clock, Connection, Request, Standing, Stopping, Submitted, SystemClock, exit,
};
use watershed_ledger::Command;
use watershed_model::{Act, ActOutcome, ConnectionName, RunId, RunState, Trigger};
use watershed_workflow::{Compiled, Today, resolve_inputs};

use super::dispatch::Call;
use super::estimate;
use crate::audit::Deed;
use crate::cli::{Estimate, Run, What};
use crate::connect;
use crate::execution::{Signals, execute, report};
use crate::fault::Fault;
use crate::output::{Output, name};
use crate::program::program;
use crate::site::Site;
use crate::workflows::{self, Found};

/// Runs it. The exit code tells how the run ended.
pub(crate) async fn run(args: Run, call: Call) -> Result<u8> {
    if args.dry_run {
        let Run { what, run_id, .. } = args;
        return estimate::estimate(Estimate { what, sample: None }, run_id, call).await;
    }
    let (request, connection) = asked(args.what, args.run_id, &call)?;
    let Call { settings, out, .. } = call;
    let signals = Signals::listen(out, settings.worker.shutdown_grace_ms)?;
    let site = Site::to_execute(&settings, vec![connection]).await?;
    submit(&site, request, args.wait, &signals, out).await
}

/// What is asked of the engine, and the connection that it is asked for.
pub(crate) fn asked(what: What, run: Option<String>, call: &Call) -> Result<(Request, Connection)> {
    let Call { settings, vars, out } = call;
    let found = workflows::find(&what.workflow)?;
    let compiled = workflows::compiled(&found, out)?;
    let (by, account) = settings.connection(what.connection.as_deref())?;
    let request = request(by, found, compiled, what.inputs, run, account.lookback_days)?;
    let connection = connect::connection(by, account, vars)?;
    if let Some(guess) = connect::tier_guess(by, account) {
        out.warning(guess);
    }
    Ok((request, connection))
}

/// What is asked of the engine.
pub(crate) fn request(
    connection: &str,
    found: Found,
    compiled: Compiled,
    inputs: Vec<(String, String)>,
    run: Option<String>,
    lookback_days: u16,
) -> Result<Request, Fault> {
    let mut given = BTreeMap::new();
    for (input, value) in inputs {
        if given.insert(input.clone(), value).is_some() {
            return Err(Fault::usage(format!("input {input} is given twice"))
                .hint("give each --input once"));
        }
    }
    let today = Today { date: SystemClock.now().date(), lookback_days };
    let inputs = resolve_inputs(&compiled.plan, &given, today).map_err(|wrong| {
        let takes: Vec<&str> = compiled.plan.inputs.iter().map(|i| i.name.as_str()).collect();
        Fault::usage(wrong.to_string()).hint(format!(
            "{} takes --input {}=…",
            found.name,
            takes.join("=…, --input ")
        ))
    })?;
    Ok(Request {
        connection: ConnectionName::from(connection),
        source: found.text,
        plan: compiled.plan,
        hash: compiled.hash,
        inputs,
        run: run.map(RunId),
        fresh: fresh(),
        trigger: Trigger::Manual,
    })
}

/// Submits and executes. The exit code.
pub(crate) async fn submit(
    site: &Site,
    request: Request,
    wait_ms: Option<i64>,
    signals: &Signals,
    out: Output,
) -> Result<u8> {
    let (workflow, connection) = (request.plan.name.clone(), request.connection.clone());
    let stop = signals.stop();
    let submitted = tokio::select! {
        submitted = site.engine.submit(request) => submitted?,
        () = stop.reached(Stopping::Drain) => {
            out.say("stopped before the first call");
            return Ok(exit::STOPPED);
        }
    };
    let run = submitted.run().clone();
    if !matches!(submitted, Submitted::Ended(..)) {
        let deed = Deed::begins(Act::Run, connection.clone(), run.clone());
        deed.put_down(&*site.sink, ActOutcome::Asked).await?;
    }
    match &submitted {
        Submitted::New(_) => {
            out.remark(format!("run {run}: {} for connection {connection}", name(&workflow)));
            left_to_others(site, &run, &connection, out).await?;
        }
        Submitted::Found(_) => out.remark(format!("run {run} goes on")),
        Submitted::Ended(_, state) => {
            out.remark(format!("run {run} has ended before: nothing is asked again"));
            return ended(site, &run, *state, out).await;
        }
    }
    lift(site, &run).await?;
    execute(site, &run, wait_ms, signals, out).await
}

/// Runs that stand still keep what they have not done: a new run does not ask for it.
async fn left_to_others(
    site: &Site,
    run: &RunId,
    connection: &ConnectionName,
    out: Output,
) -> Result<()> {
    for other in site.ledger.runs().await? {
        let stands = matches!(other.state, RunState::Paused | RunState::Failed);
        if stands && other.run != *run && other.connection == *connection {
            out.warning(format!(
                "run {0} is {1} and keeps what it has not done: this run leaves that to it; \
                 `{2} resume {0}` goes on with it, `{2} cancel {0}` gives it up",
                other.run,
                other.state.name(),
                program()
            ));
        }
    }
    Ok(())
}

/// Lifts a pause, where there is one.
pub(crate) async fn lift(site: &Site, run: &RunId) -> Result<()> {
    let state = site.ledger.run(run).await?.map(|view| view.state);
    if matches!(state, Some(RunState::Paused | RunState::Failed)) {
        site.ledger.execute(Command::Resume(run.clone())).await?;
    }
    Ok(())
}

/// Tells how a run ended, and gives its exit code again.
pub(crate) async fn ended(site: &Site, run: &RunId, state: RunState, out: Output) -> Result<u8> {
    let standing = site.engine.standing(run).await?;
    let Some(standing) = standing else {
        return Err(Fault::failed(format!("run {run} is gone"))
            .hint(format!("`{} runs` lists what is there", program()))
            .into());
    };
    let code = old_code(&standing, state);
    report(site, &standing, code, out)?;
    Ok(code)
}

fn old_code(standing: &Standing, state: RunState) -> u8 {
    standing.report.exit.unwrap_or(match state {
        RunState::Complete => exit::COMPLETE,
        RunState::Failed => exit::FAILED,
        RunState::Running | RunState::Paused | RunState::Cancelling | RunState::Cancelled => {
            exit::STOPPED
        }
    })
}

/// A new run's id: when it began, and chance: `20261124-153012-1f2e3d`.
fn fresh() -> RunId {
    let now = SystemClock.now().timestamp().strftime("%Y%m%d-%H%M%S").to_string();
    RunId(format!("{now}-{:06x}", SystemClock.random() & 0x00ff_ffff))
}
