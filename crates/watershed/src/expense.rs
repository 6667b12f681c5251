//! An estimate in words: calls by step and category, what binds, how long at best.

use watershed_engine::{Estimate, LeftOut, LimitTime};

use crate::glance::calls;
use crate::output::{name, number, paint, span, table};
use crate::program::program;

/// The estimate, as text of several lines. `words` are those that begin that run: workflow,
/// connection, inputs.
pub(crate) fn expense(told: &Estimate, words: &str, colour: bool) -> String {
    let inputs: Vec<String> = told
        .inputs
        .iter()
        .map(|(input, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{}={}", name(input), name(&value))
        })
        .collect();
    let mut text = format!(
        "Estimate of {} for connection {}: {}\n\n",
        name(&told.workflow),
        told.connection,
        if inputs.is_empty() { "no inputs".to_owned() } else { inputs.join(", ") }
    );
    text.push_str(&steps(told));
    text.push('\n');
    text.push_str(&categories(told));
    text.push('\n');
    text.push_str(&limits(&told.limits));
    text.push('\n');
    let mut line = |head: &str, said: String| {
        text.push_str(&format!("{head:<10}{said}\n"));
    };
    if let Some(run) = &told.run {
        line("goes on", format!("run {run}: what it has is not counted"));
    }
    line("time", paint(&best(told), "1", colour));
    let of_files = match told.file_bytes {
        0 => String::new(),
        files => format!(", {} of them files", bytes(files)),
    };
    line("disk", format!("about {} more{of_files}", bytes(told.disk_bytes)));
    for left in &told.left_out {
        line("left out", left_out(left));
    }
    let by: Vec<String> = told
        .sampling
        .by
        .iter()
        .map(|s| format!("{} {} ({})", number(s.calls), s.operation, s.purpose))
        .collect();
    line("sampling", format!("{} calls were made: {}", number(told.sampling.calls), by.join(", ")));
    for note in &told.notes {
        line("note", name(note));
    }
    line("begin", format!("`{} run {words}`", program()));
    text
}

/// What is left out, and why.
pub(crate) fn left_out(left: &LeftOut) -> String {
    let why = match left.why.as_str() {
        "scope" => format!("scope {} is missing", name(&left.what)),
        "consent" => format!("content = {:?} is agreed to, no more", name(&left.what)),
        why => format!("{why}: {}", name(&left.what)),
    };
    format!("{}, {} items: {why}", left.step, number(left.items))
}

fn steps(told: &Estimate) -> String {
    let rows: Vec<Vec<String>> = told
        .steps
        .iter()
        .map(|step| {
            vec![
                step.step.clone(),
                number(step.items),
                number(step.calls),
                plus_minus(step.plus_minus),
                step.category.as_deref().unwrap_or("uncounted").replace('_', "-"),
                number(step.rows),
            ]
        })
        .collect();
    table(&["step", "items", "calls", "", "", "rows"], &rows)
}

fn categories(told: &Estimate) -> String {
    let mut rows: Vec<Vec<String>> = told
        .categories
        .iter()
        .map(|c| vec![c.category.replace('_', "-"), number(c.calls), plus_minus(c.plus_minus)])
        .collect();
    rows.push(vec!["all".to_owned(), number(told.calls), String::new()]);
    table(&["category", "calls", ""], &rows)
}

fn limits(limits: &[LimitTime]) -> String {
    let rows: Vec<Vec<String>> = limits
        .iter()
        .map(|limit| {
            let takes = match (limit.ms, limit.days) {
                (None, _) => "it allows none".to_owned(),
                (Some(_), Some(1)) => "fits into a day".to_owned(),
                (Some(ms), Some(days)) => format!("{} ({} days)", span(ms), number(days)),
                (Some(ms), None) => span(ms),
            };
            vec![
                format!(
                    "{} {} a {}",
                    limit.category.replace('_', "-"),
                    calls(limit.share),
                    limit.period
                ),
                number(limit.calls),
                takes,
                if limit.binds { "binds" } else { "" }.to_owned(),
            ]
        })
        .collect();
    table(&["limit", "calls", "at best", ""], &rows)
}

fn best(told: &Estimate) -> String {
    let binds = told.limits.iter().find(|limit| limit.binds);
    let by = |limit: &LimitTime| {
        format!("{} per {} binds", limit.category.replace('_', "-"), limit.period)
    };
    match (told.best_ms, binds) {
        (Some(ms), Some(limit)) => format!("{} at best: {}", span(ms), by(limit)),
        (None, Some(limit)) => format!("never: {}, and allows no call", by(limit)),
        (_, None) => "none: there is nothing to ask".to_owned(),
    }
}

fn plus_minus(percent: f64) -> String {
    if percent < 0.05 { "exact".to_owned() } else { format!("± {percent:.1} %") }
}

/// `12 kB`, `3.4 MB`, `1.2 GB`.
fn bytes(bytes: u64) -> String {
    let of = |unit: f64| bytes as f64 / unit;
    match bytes {
        0..1_000_000 => format!("{:.0} kB", of(1e3)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", of(1e6)),
        _ => format!("{:.1} GB", of(1e9)),
    }
}

#[cfg(test)]
mod tests;
