//! Arguments of what works on workflow files and the forms of files.

use clap::{Args, ValueEnum};

/// `validate`
#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// Workflow files, or names of shipped ones
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
}

/// `graph`
#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// A workflow file, or the name of a shipped one
    #[arg(value_name = "FILE")]
    pub file: String,
    /// The form of the picture
    #[arg(long, value_name = "FORMAT", default_value = "svg")]
    pub format: Picture,
}

/// The form of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Picture {
    /// For a browser.
    Svg,
    /// For Markdown.
    Mermaid,
    /// For Graphviz.
    Dot,
}

/// `schema`
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Of what
    #[arg(value_name = "WHAT")]
    pub of: SchemaOf,
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Workflow files.
    Workflow,
    /// The configuration file.
    Config,
}
