//! `watershed man`: manual pages, made from the declaration of the commands.

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_mangen::Man as Page;

use crate::cli::{Cli, Man};
use crate::output::Output;

/// Prints the main page, or writes one for each command.
pub(crate) fn man(args: &Man, out: &Output) -> Result<u8> {
    let command = Cli::command();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        Page::new(command).render(&mut page)?;
        out.text(&String::from_utf8_lossy(&page))?;
        return Ok(0);
    };
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    clap_mangen::generate_to(command, dir)
        .with_context(|| format!("write manual pages into {}", dir.display()))?;
    out.remark(format!("manual pages are in {}", dir.display()));
    Ok(0)
}
