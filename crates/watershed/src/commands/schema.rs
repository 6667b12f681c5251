//! `watershed schema`: JSON Schemas, for editors.

use anyhow::Result;

use crate::cli::{Schema, SchemaOf};
use crate::output::Output;
use crate::settings;

/// Prints one.
pub(crate) fn schema(args: &Schema, out: &Output) -> Result<u8> {
    let schema = match args.of {
        SchemaOf::Workflow => watershed_workflow::schema(),
        SchemaOf::Config => settings::schema(),
    };
    out.line(format!("{schema:#}"))?;
    Ok(0)
}
