//! `watershed completions`: completions for a shell.

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::{Cli, Completions};
use crate::output::Output;

/// Prints them.
pub(crate) fn completions(args: &Completions, out: &Output) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "watershed", &mut script);
    out.text(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
