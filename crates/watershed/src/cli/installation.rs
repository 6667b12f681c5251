//! Arguments of what concerns the program where it is installed.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `doctor`
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The connection; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Also compare what the ledger counts with what is there, record by record
    #[arg(long)]
    pub deep: bool,
}

/// `completions`
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// `man`
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
