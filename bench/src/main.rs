//! Benchmarks by name: `bench/run [NAME…] [--json]` (contract: a table, or
//! `{"NAME": {"value", "unit", "peers", "ratio", "command"}}`).
//!
//! Timings of a shared machine: compare within one run, never judge by them. What a benchmark
//! does stands in its module; what they found is in `docs/benchmarks.md`.

mod chain;
mod compile;
mod crash;
mod environment;
mod expression;
mod fanout;
mod figure;
mod flat;
mod ingest;
mod peer;
mod pending;
mod process;
mod queue;
mod scale;
mod script_time;
mod server;
mod settle;
mod tree;
mod turns;

use anyhow::{Result, bail};

use crate::figure::Figure;

/// A benchmark: its name, and what gives its figures.
type Benchmark = (&'static str, fn() -> Result<Vec<Figure>>);

const ALL: [Benchmark; 11] = [
    ("ingest", ingest::at_once),
    ("ingest_20ms", ingest::after_20_ms),
    ("crash_repeats", crash::repeats),
    ("queue", queue::figures),
    ("fanout_join", fanout::figures),
    ("bytes_per_pending_item", pending::bytes),
    ("script_time_p999", script_time::figures),
    ("scale", scale::figures),
    ("settle", settle::figures),
    ("compile", compile::figures),
    ("expression", expression::figures),
];

fn main() -> Result<()> {
    let (flags, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with('-'));
    if let Some(flag) = flags.iter().find(|flag| *flag != "--json") {
        bail!("unknown flag {flag}; usage: bench/run [NAME…] [--json]");
    }
    let known = || ALL.map(|(name, _)| name).join(", ");
    if let Some(name) = names.iter().find(|name| !ALL.iter().any(|(known, _)| known == name)) {
        bail!("no benchmark {name}; there are: {}", known());
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    let mut figures = Vec::new();
    for (name, benchmark) in ALL.iter().filter(|(name, _)| wanted(name)) {
        eprintln!("{name} …");
        figures.extend(benchmark()?);
    }
    if flags.is_empty() {
        println!("{}", figure::table(&figures));
    } else {
        println!("{}", figure::document(&figures));
    }
    Ok(())
}
