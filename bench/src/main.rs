//! Benchmarks by name: `bench/run [NAME…] [--json]` (contract: a table, or
//! `{"NAME": {"value", "unit", "peers", "ratio", "command"}}`).
//!
//! Timings of a shared machine: compare within one run, never judge by them.

mod compile;
mod settle;

use std::collections::BTreeMap;

use anyhow::bail;
use serde_json::{Value, json};

/// One figure.
struct Figure {
    value: f64,
    unit: &'static str,
}

fn main() -> anyhow::Result<()> {
    let (flags, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let names =
        if names.is_empty() { vec!["settle".to_owned(), "compile".to_owned()] } else { names };
    let mut figures: BTreeMap<String, Figure> = BTreeMap::new();
    for name in &names {
        match name.as_str() {
            "settle" => {
                figures.insert("settle".to_owned(), settle::memory()?);
                figures.insert("settle_sqlite".to_owned(), settle::sqlite()?);
            }
            "compile" => {
                figures.insert("compile".to_owned(), compile::shipped()?);
            }
            other => bail!("no benchmark {other}; there are: settle, compile"),
        }
    }
    let shown: BTreeMap<&String, Value> = figures
        .iter()
        .map(|(name, figure)| {
            let command = format!("bench/run {name}");
            let shown = json!({
                "value": figure.value,
                "unit": figure.unit,
                "peers": {},
                "ratio": null,
                "command": command,
            });
            (name, shown)
        })
        .collect();
    let text = if flags.iter().any(|f| f == "--json") {
        serde_json::to_string(&shown)?
    } else {
        figures
            .iter()
            .map(|(name, f)| format!("{name:<16} {:>12.2} {}", f.value, f.unit))
            .collect::<Vec<_>>()
            .join("\n")
    };
    println!("{text}");
    Ok(())
}
