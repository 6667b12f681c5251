//! Arguments of what works on the dataset.

use std::path::PathBuf;

use clap::Args;

/// `coverage`
#[derive(Debug, Args)]
pub(crate) struct Coverage {
    /// Of this connection only
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Write one page (Markdown) to hand back to the customer: what was taken, and what not
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `copy`
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The sink that is read [default: `sink.url`]
    #[arg(long, value_name = "URL", required_unless_present = "to")]
    pub from: Option<String>,
    /// The sink that is written; one whose URL holds a password is named by `sink.url`
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
}

/// `audit`
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Walk along the log, and tell the first entry that is not as it was written
    #[arg(long)]
    pub verify: bool,
    /// A hash that was told before and must still be there
    #[arg(long, value_name = "HASH", requires = "verify")]
    pub kept: Option<String>,
}

/// `erase`
#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// The connection; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Who: an id, or an address
    #[arg(long, value_name = "ID|EMAIL")]
    pub user: String,
    /// Do not ask whether it is meant
    #[arg(long)]
    pub yes: bool,
}
