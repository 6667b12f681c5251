//! `watershed schedule`: starts runs when they are due, until it is told to stop.

use std::sync::Arc;

use anyhow::Result;
use watershed_engine::{Acted, Connection, NoToken, Scheduled, Stopping, exit};
use watershed_model::{ConnectionName, Millis};
use watershed_workflow::{Compiled, Schedule as When};

use super::dispatch::Call;
use super::schedule_list::list;
use super::worker::once_there;
use crate::cli::Schedule;
use crate::connect;
use crate::execution::Signals;
use crate::explain::explain;
use crate::fault::Fault;
use crate::notify::{Notice, notifying};
use crate::output::{Output, name, number};
use crate::program::program;
use crate::settings::Settings;
use crate::workflows;

/// Starts them; or shows when they are due.
pub(crate) async fn schedule(args: Schedule, call: Call) -> Result<u8> {
    if args.list {
        let scheduled = scheduled(&call.settings, &call.out)?;
        return list(&call.settings, &scheduled, call.out).await;
    }
    let signals = Signals::listen(call.out, call.settings.worker.shutdown_grace_ms)?;
    starting(call, &signals).await
}

/// Starts them, told by others when to stop.
pub(super) async fn starting(call: Call, signals: &Signals) -> Result<u8> {
    let Call { settings, vars, out } = call;
    let scheduled = scheduled(&settings, &out)?;
    let mut connections: Vec<Connection> = Vec::new();
    for (by, account) in &settings.connections {
        connections.push(connect::connection(by, account, &vars)?);
        if let Some(guess) = connect::tier_guess(by, account) {
            out.warning(guess);
        }
    }
    let stop = signals.stop();
    let site = tokio::select! {
        site = once_there(&settings, connections, out) => site?,
        () = stop.reached(Stopping::Drain) => return Ok(exit::COMPLETE),
    };
    let now = site.now();
    for of in &scheduled {
        let next = next_start(of, now).map_or("never".to_owned(), |at| at.to_string());
        out.remark(format!("{} for {}: next at {next}", of.plan.name, of.connection));
    }
    out.remark(format!(
        "starting runs on {}; `{} worker` executes them",
        settings.store,
        program()
    ));
    let (notifier, sending) = notifying(settings.notify.hook.as_ref());
    let told = |of: &Scheduled, acted: Acted| {
        if matches!(acted, Acted::Failed(watershed_engine::Error::Token(NoToken::Fatal { .. }))) {
            notifier.tell(Notice::refused(&of.connection, site.now()));
        }
        tell(of, acted, out);
    };
    site.engine.schedule(&scheduled, stop, told).await;
    sending.end(notifier).await;
    Ok(exit::COMPLETE)
}

/// The workflows that are configured, for each connection.
///
/// # Errors
/// Where there are none, or one has no schedule.
pub(crate) fn scheduled(settings: &Settings, out: &Output) -> Result<Vec<Scheduled>, Fault> {
    let words = settings.scheduled.as_deref().unwrap_or_default();
    if words.is_empty() {
        return Err(Fault::usage("no workflow is scheduled")
            .hint("add [schedule] workflows = [\"zoom-reconcile\"] to watershed.toml"));
    }
    // So that what is missing is told as for every other command.
    if settings.connections.is_empty() {
        settings.connection(None)?;
    }
    let mut scheduled: Vec<Scheduled> = Vec::new();
    for word in words {
        let found = workflows::find(word)?;
        let compiled = workflows::compiled(&found, out)?;
        let Compiled { plan, hash, schedules, .. } = compiled;
        if schedules.is_empty() {
            return Err(Fault::usage(format!("{} has no `schedule:`", found.name))
                .hint("add one to the file, or take it out of `schedule.workflows`"));
        }
        if scheduled.iter().any(|other| other.plan.name == plan.name) {
            return Err(Fault::usage(format!("`schedule.workflows` has {} twice", plan.name))
                .hint("a workflow is scheduled once, with several entries if need be"));
        }
        let (source, plan, schedules): (Arc<str>, _, Arc<[When]>) =
            (found.text.into(), Arc::new(plan), schedules.into());
        scheduled.extend(settings.connections.iter().map(|(by, account)| Scheduled {
            connection: ConnectionName::from(by.as_str()),
            source: source.clone(),
            plan: plan.clone(),
            hash: hash.clone(),
            schedules: schedules.clone(),
            lookback_days: account.lookback_days,
        }));
    }
    Ok(scheduled)
}

/// When the next of its ticks starts.
fn next_start(of: &Scheduled, now: Millis) -> Option<Millis> {
    let next = |when: &When| {
        let delay = when.delay_ms(&of.plan.name, of.connection.as_str());
        when.next(now + -delay).map(|at| at + delay)
    };
    of.schedules.iter().filter_map(next).min()
}

fn tell(of: &Scheduled, acted: Acted, out: Output) {
    let whose = format!("{} for {}", name(&of.plan.name), of.connection);
    match acted {
        Acted::Started(run) => out.remark(format!("run {run} has started")),
        Acted::Skipped(1, at, why) => {
            out.remark(format!("{whose}: the tick of {at} starts no run ({})", why.name()));
        }
        Acted::Skipped(many, at, why) => out.remark(format!(
            "{whose}: {} ticks up to {at} start no run ({})",
            number(many),
            why.name()
        )),
        Acted::Queued(at) => {
            out.remark(format!("{whose}: the tick of {at} waits for the run before it"));
        }
        Acted::Cancelled(run) => {
            out.remark(format!("run {run} is cancelled: a later one takes its place"));
        }
        Acted::Failed(error) => {
            let fault = explain(&error.into());
            let hint = fault.way_out().map(|hint| format!("; {hint}")).unwrap_or_default();
            out.say(format!("{whose}: {fault}{hint}; what is due waits"));
        }
    }
}
