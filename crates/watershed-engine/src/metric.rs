//! What a worker counts of its work, for whoever records it in this process.
//!
//! Costs next to nothing where nobody does. What each means stands in docs/metrics.md.

use metrics::{counter, histogram};
use watershed_model::{Category, Verdict};

/// Calls were made for a task and their answers read, within so many milliseconds.
pub(crate) fn called(category: Option<Category>, verdict: &Verdict, calls: u16, took_ms: i64) {
    let category = category.map_or("none", Category::name);
    let verdict = verdict_name(verdict);
    counter!("watershed_calls_total", "category" => category, "verdict" => verdict)
        .increment(u64::from(calls));
    histogram!("watershed_call_seconds", "category" => category).record(seconds(took_ms));
}

/// A batch is in the sink.
pub(crate) fn written(took_ms: i64) {
    histogram!("watershed_write_seconds").record(seconds(took_ms));
}

/// The ledger has answered an exchange.
pub(crate) fn exchanged(took_ms: i64) {
    histogram!("watershed_exchange_seconds").record(seconds(took_ms));
}

fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1_000.0
}

/// One of a few words: fit for a label.
pub(crate) fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Data(_) => "data",
        Verdict::Empty => "empty",
        Verdict::Waiting { .. } => "waiting",
        Verdict::Unavailable { .. } => "unavailable",
        Verdict::ScopeMissing(_) => "scope_missing",
        Verdict::Retry { .. } => "retry",
        Verdict::Wait(_) => "wait",
        Verdict::Token { .. } => "token",
        Verdict::Restart => "restart",
        Verdict::Dead { .. } => "dead",
        Verdict::Fatal { .. } => "fatal",
    }
}
