//! From what was typed to the command that does it.

use anyhow::Result;

use super::{
    audit, cancel, completions, copy, coverage, demo, doctor, erase, estimate, failures, graph,
    man, pause, rehearse, resume, retry, run, runs, schedule, schema, serve, simulate, status,
    submit, up, validate, watch, webhook, worker,
};
use crate::cli::{Cli, Command, Globals};
use crate::env_names;
use crate::logs;
use crate::output::Output;
use crate::settings::{Given, LogFormat, Settings, Vars, load};

/// What a command that knows the settings gets.
pub(crate) struct Call {
    /// What is configured.
    pub settings: Settings,
    /// The environment.
    pub vars: Vars,
    /// How to speak.
    pub out: Output,
}

/// Does it. The exit code.
///
/// # Errors
/// What the operator must be told.
pub(crate) fn dispatch(cli: Cli, vars: Vars, out: Output) -> Result<u8> {
    let Cli { globals, command } = cli;
    match command {
        // These need no settings: they work beside a configuration that is wrong.
        Command::Completions(args) => completions::completions(&args, &out),
        Command::Man(args) => man::man(&args, &out),
        Command::Schema(args) => schema::schema(&args, &out),
        Command::Validate(args) => validate::validate(&args, &out),
        Command::Graph(args) => graph::graph(&args, &out),
        Command::Simulate(args) => {
            logs::begin(&out, globals.verbose, LogFormat::Text, &vars);
            asynchronous(simulate::simulate(args, out))
        }
        Command::Demo(args) => {
            logs::begin(&out, globals.verbose, LogFormat::Text, &vars);
            asynchronous(demo::demo(args, vars, out))
        }
        Command::Estimate(args) => {
            asynchronous(estimate::estimate(args, None, call(globals, vars, out)?))
        }
        Command::Rehearse(args) => rehearse::rehearse(args, rehearsed(globals, vars, out)?),
        Command::Run(args) => asynchronous(run::run(args, call(globals, vars, out)?)),
        Command::Submit(args) => asynchronous(submit::submit(args, call(globals, vars, out)?)),
        Command::Worker(args) => asynchronous(worker::worker(args, call(globals, vars, out)?)),
        Command::Schedule(args) => {
            asynchronous(schedule::schedule(args, call(globals, vars, out)?))
        }
        Command::Resume(args) => asynchronous(resume::resume(args, call(globals, vars, out)?)),
        Command::Status(args) => asynchronous(status::status(args, call(globals, vars, out)?)),
        Command::Watch(args) => asynchronous(watch::watch(args, settled(globals, vars, out)?)),
        Command::Runs(_) => asynchronous(runs::runs(call(globals, vars, out)?)),
        Command::Pause(args) => asynchronous(pause::pause(args, call(globals, vars, out)?)),
        Command::Cancel(args) => asynchronous(cancel::cancel(args, call(globals, vars, out)?)),
        Command::Failures(args) => {
            asynchronous(failures::failures(args, call(globals, vars, out)?))
        }
        Command::Retry(args) => asynchronous(retry::retry(args, call(globals, vars, out)?)),
        Command::Coverage(args) => {
            asynchronous(coverage::coverage(args, call(globals, vars, out)?))
        }
        Command::Copy(args) => asynchronous(copy::copy(args, call(globals, vars, out)?)),
        Command::Audit(args) => asynchronous(audit::audit(args, call(globals, vars, out)?)),
        Command::Erase(args) => asynchronous(erase::erase(args, call(globals, vars, out)?)),
        Command::Serve(args) => asynchronous(serve::serve(args, call(globals, vars, out)?)),
        Command::Up(args) => asynchronous(up::up(args, call(globals, vars, out)?)),
        Command::Webhook(args) => asynchronous(webhook::webhook(args, call(globals, vars, out)?)),
        Command::Doctor(args) => asynchronous(doctor::doctor(args, call(globals, vars, out)?)),
    }
}

/// Reads the settings and begins to log and to trace.
fn call(globals: Globals, vars: Vars, out: Output) -> Result<Call> {
    logs::begin_traces(&out, &vars);
    let verbose = globals.verbose;
    let call = settled(globals, vars, out)?;
    logs::begin(&call.out, verbose, call.settings.log, &call.vars);
    Ok(call)
}

/// Reads the settings. Of a rehearsal its report tells: it is logged only where that is asked for
/// (each of a million tasks would have its span), and its time is none that a trace could tell.
fn rehearsed(globals: Globals, vars: Vars, out: Output) -> Result<Call> {
    let verbose = globals.verbose;
    let call = settled(globals, vars, out)?;
    if verbose > 0 || call.vars.contains_key(env_names::LOG) {
        logs::begin(&call.out, verbose, call.settings.log, &call.vars);
    }
    Ok(call)
}

/// Reads the settings; what has the whole terminal lets no log write over it.
fn settled(globals: Globals, vars: Vars, out: Output) -> Result<Call> {
    let settings = load(Given { config: globals.config, ..Given::default() }, &vars)?;
    for warning in &settings.warnings {
        out.warning(warning);
    }
    Ok(Call { settings, vars, out })
}

/// Does what waits for the system.
pub(super) fn asynchronous<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // A thread that hangs in a system call must not hold up the end.
    runtime.shutdown_background();
    done
}
