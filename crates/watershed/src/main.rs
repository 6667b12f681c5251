//! The `watershed` binary: the command line over everything else.
//!
//! `cli` declares, `settings` resolves, `commands` act; `site` is the only place that chooses
//! adapters. Results go to stdout, everything else to stderr; every error ends in what to do.

mod audit;
mod built;
mod cli;
mod commands;
mod connect;
mod control;
mod data;
mod diagnosis;
mod env_names;
mod erasing;
mod evidence;
mod execution;
mod expense;
mod explain;
mod fault;
mod freshness;
mod glance;
mod logs;
mod notify;
mod output;
mod program;
mod progress;
mod redact;
mod rehearsal;
mod screen;
mod settings;
#[cfg(test)]
mod shapes;
mod site;
mod store;
mod workflows;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use crate::cli::Cli;
use crate::explain::explain;
use crate::output::{Output, paint};

/// Why not the system's: `docs/adr/0013-memory-of-pages.md`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let vars = settings::of_process();
    let out = Output::new(&cli.globals, &vars);
    let done = commands::dispatch(cli, vars, out);
    logs::end();
    match done {
        Ok(code) => ExitCode::from(code),
        // Whoever read the results has had enough: `watershed runs | head`.
        Err(error) if closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let fault = explain(&error);
            let head = paint("error", "31;1", out.colour_err);
            out.say(format!("{head}: {fault}"));
            if let Some(hint) = fault.way_out() {
                out.say(format!("\n{}: {hint}", paint("hint", "36;1", out.colour_err)));
            }
            ExitCode::from(fault.code())
        }
    }
}

fn closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}
