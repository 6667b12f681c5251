//! The evidence at a run's end: what was fetched, what it cost against the least, what is
//! missing and what to do about it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use watershed_engine::{Standing, exit};
use watershed_model::{CoverageState, Millis, RunReport, RunState};
use watershed_sink::CoverageCount;

use crate::data::Data;
use crate::glance::{Glance, instant};
use crate::output::{name, number, paint, span, table};
use crate::program::program;
use crate::store::Store;

/// Reasons told one by one, the most frequent first.
const REASONS_MAX: usize = 5;

/// Where a run's data is, and when it is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Datasets and coverage.
    pub sink: &'a Data,
    /// The ledger.
    pub store: &'a Store,
    /// When this is told.
    pub now: Millis,
}

/// The evidence, as text of several lines. `code` is the exit code that goes with it.
pub(crate) fn evidence(standing: &Standing, code: u8, place: Place<'_>, colour: bool) -> String {
    let report = &standing.report;
    let mut text = format!("\n{}\n\n", headline(report, code, colour));
    if !report.rows.is_empty() {
        text.push_str(&rows(&report.rows));
        text.push('\n');
    }
    let mut line = |head: &str, said: String| {
        if !said.is_empty() {
            text.push_str(&format!("{head:<10}{said}\n"));
        }
    };
    line("calls", cost(report));
    line("repeated", causes(&report.calls.repeated));
    if let Some(view) = &standing.view {
        line("429s", causes(&view.throttled));
    }
    let now = place.now;
    line("budget", Glance::of_report(report).budget_line(now));
    line("coverage", coverage(&standing.coverage));
    for wait in Glance::of_report(report).lasting(now) {
        line("waits", wait);
    }
    for (head, said) in to_do(standing) {
        line(head, said);
    }
    line("data", format!("{} (state: {})", place.sink, place.store));
    text
}

/// What is wrong with how a run ended, and nothing else.
pub(crate) fn shortcomings(standing: &Standing, code: u8) -> String {
    let mut text = headline(&standing.report, code, false);
    for (head, said) in to_do(standing) {
        text.push_str(&format!("\n{head:<10}{said}"));
    }
    text
}

fn headline(report: &RunReport, code: u8, colour: bool) -> String {
    let run = name(report.run.as_str());
    let said = match (report.state, code) {
        (RunState::Complete, exit::COMPLETE) => paint("complete", "32;1", colour),
        (RunState::Complete, _) => paint("complete, but not whole", "33;1", colour),
        (RunState::Failed, _) => paint("failed", "31;1", colour),
        (RunState::Cancelled | RunState::Cancelling, _) => paint("cancelled", "33;1", colour),
        (RunState::Paused, _) => paint("paused", "33;1", colour),
        (RunState::Running, _) => paint("stopped", "33;1", colour),
    };
    let took = match (instant(&report.started_at), report.ended_at.as_deref().and_then(instant)) {
        (Some(began), Some(ended)) => format!(" after {}", span(ended - began)),
        _ => String::new(),
    };
    format!("Run {run} of {} is {said}{took} (exit code {code})", name(&report.workflow))
}

fn rows(rows: &BTreeMap<String, u64>) -> String {
    let lines: Vec<Vec<String>> = rows
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(dataset, count)| vec![dataset.clone(), number(*count)])
        .collect();
    if lines.is_empty() { "no rows\n".to_owned() } else { table(&["dataset", "rows"], &lines) }
}

fn cost(report: &RunReport) -> String {
    let (spent, least) = (report.calls.spent, report.calls.least);
    if least == 0 {
        return format!("{} spent", number(spent));
    }
    let ratio = spent as f64 / least as f64;
    format!("{} spent, {} the least possible (×{ratio:.2})", number(spent), number(least))
}

fn causes(by: &BTreeMap<String, u64>) -> String {
    let said: Vec<String> = by
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(cause, n)| format!("{} {}", cause.replace('_', " "), number(*n)))
        .collect();
    if said.is_empty() { "none".to_owned() } else { said.join(", ") }
}

/// Coverage in a line: counts by state, the reasons of what is missing beside them.
pub(crate) fn coverage(counts: &[CoverageCount]) -> String {
    let mut said = Vec::new();
    for state in CoverageState::ALL {
        let of_state: Vec<&CoverageCount> = counts.iter().filter(|c| c.state == state).collect();
        let all: u64 = of_state.iter().map(|c| c.count).sum();
        if all == 0 {
            continue;
        }
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        // Why something was skipped stands in the workflow itself.
        if !matches!(
            state,
            CoverageState::Complete | CoverageState::Partial | CoverageState::Skipped
        ) {
            for count in &of_state {
                *reasons.entry(count.reason.as_deref().unwrap_or("-")).or_default() += count.count;
            }
        }
        let why = if reasons.keys().all(|r| *r == "-") {
            String::new()
        } else {
            let mut reasons: Vec<(&str, u64)> = reasons.into_iter().collect();
            reasons.sort_by_key(|(_, n)| Reverse(*n));
            let others: u64 = reasons.iter().skip(REASONS_MAX).map(|(_, n)| n).sum();
            let told = reasons.iter().take(REASONS_MAX);
            let mut why: Vec<String> =
                told.map(|(reason, n)| format!("{} {}", name(reason), number(*n))).collect();
            if others > 0 {
                why.push(format!("for other reasons {}", number(others)));
            }
            format!(" ({})", why.join(", "))
        };
        said.push(format!("{} {}{why}", number(all), state.name()));
    }
    said.join(" · ")
}

/// What is left to an operator, with the command that does it.
pub(crate) fn to_do(standing: &Standing) -> Vec<(&'static str, String)> {
    let (report, program) = (&standing.report, program());
    let run = name(report.run.as_str());
    let mut said = Vec::new();
    let failed: u64 = report.steps.iter().map(|s| s.failed).sum();
    if failed > 0 {
        said.push((
            "failed",
            format!(
                "{} dead letters: `{program} failures {run}` tells why; \
                 `{program} retry {run}` puts them back",
                number(failed)
            ),
        ));
    }
    for count in standing.coverage.iter().filter(|c| exit::kept_out(c)) {
        let why = name(count.reason.as_deref().unwrap_or_default());
        let kept = format!("{} is kept out: {why}; `{program} doctor` tells more", count.operation);
        said.push(("missing", kept));
    }
    if let Some(why) = standing.view.as_ref().and_then(|v| v.why.as_deref()) {
        said.push(("why", name(why)));
    }
    match report.state {
        RunState::Running | RunState::Paused => {
            said.push(("go on", format!("`{program} resume {run}`")));
        }
        RunState::Failed => {
            let again = format!(
                "`{program} retry {run}`, then `{program} resume {run}`, when the cause is gone"
            );
            said.push(("go on", again));
        }
        RunState::Cancelled | RunState::Cancelling | RunState::Complete => {}
    }
    said
}

#[cfg(test)]
mod tests;
