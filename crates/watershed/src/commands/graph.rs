//! `watershed graph`: a workflow as a picture.

use anyhow::Result;
use watershed_workflow::{GraphFormat, graph as draw};

use crate::cli::{Graph, Picture};
use crate::output::Output;
use crate::workflows;

/// Draws it to stdout.
pub(crate) fn graph(args: &Graph, out: &Output) -> Result<u8> {
    let found = workflows::find(&args.file)?;
    let compiled = workflows::compiled(&found, out)?;
    let format = match args.format {
        Picture::Svg => GraphFormat::Svg,
        Picture::Mermaid => GraphFormat::Mermaid,
        Picture::Dot => GraphFormat::Dot,
    };
    out.line(draw(&compiled.plan, format).trim_end())?;
    Ok(0)
}
