//! Workflow files: compile (file to plan, diagnostics), expressions, expansion of rows into items
