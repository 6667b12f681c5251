//! `watershed validate`: every mistake of workflow files, with line, column and suggestion.

use anyhow::Result;
use serde_json::json;
use watershed_engine::exit;
use watershed_workflow::{Diagnostics, Severity, compile};

use crate::cli::Validate;
use crate::output::{Output, name};
use crate::workflows;

/// Checks them all. 0 where all compile, else 1.
pub(crate) fn validate(args: &Validate, out: &Output) -> Result<u8> {
    let mut code = exit::COMPLETE;
    for file in &args.files {
        let found = workflows::find(file)?;
        match compile(&found.name, &found.text, &watershed_zoom::catalogue()) {
            Ok(compiled) => {
                tell(&compiled.warnings, out)?;
                if !out.json {
                    let steps = compiled.plan.steps.len();
                    out.line(format!("{}: right, {steps} steps", name(&found.name)))?;
                }
            }
            Err(wrong) => {
                tell(&wrong, out)?;
                code = exit::FAILED;
            }
        }
    }
    Ok(code)
}

fn tell(found: &Diagnostics, out: &Output) -> Result<()> {
    if !out.json {
        if !found.0.is_empty() {
            out.line(found.render(out.colour))?;
        }
        return Ok(());
    }
    for one in &found.0 {
        out.object(&json!({
            "file": one.file.name,
            "line": one.line,
            "column": one.column,
            "severity": match one.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "code": one.code,
            "message": one.message,
            "suggestion": one.suggestion,
        }))?;
    }
    Ok(())
}
