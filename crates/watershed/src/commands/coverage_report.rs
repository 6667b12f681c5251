//! `watershed coverage --report FILE`: one page to hand back to the customer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;
use watershed_model::{ConnectionName, Coverage, CoverageState, RunRow};
use watershed_sink::{CoverageCount, CoverageFilter, Sink};

use crate::output::number;

/// Runs that are told, the newest.
const RUNS_MAX: u32 = 20;
/// Reasons that are told, the most frequent.
const REASONS_MAX: usize = 40;
/// Rows read at once.
const PAGE: u32 = 1_000;

/// What the page is made of.
struct Taken {
    connection: String,
    account: String,
    /// What the customer agreed to.
    content: String,
    at: Timestamp,
    runs: Vec<RunRow>,
    rows: BTreeMap<String, u64>,
    coverage: Vec<CoverageCount>,
    /// First and last day of windows, by operation.
    days: BTreeMap<String, (String, String)>,
}

/// Writes the page of one connection.
///
/// # Errors
/// The sink's; where the file cannot be written.
pub(super) async fn write(
    sink: &dyn Sink,
    connection: &str,
    content: &str,
    file: &Path,
) -> Result<()> {
    let name = ConnectionName::from(connection);
    let filter = CoverageFilter { connection: Some(name.clone()), ..CoverageFilter::default() };
    let taken = Taken {
        connection: connection.to_owned(),
        account: sink.account(name.clone()).await?.map(|a| a.to_string()).unwrap_or_default(),
        content: content.to_owned(),
        at: Timestamp::now(),
        runs: sink.runs(Some(name.clone()), RUNS_MAX).await?,
        rows: sink.counts(name).await?,
        coverage: sink.coverage_counts(filter.clone()).await?,
        days: days(sink, filter).await?,
    };
    std::fs::write(file, page(&taken)).with_context(|| format!("write {}", file.display()))
}

/// The stretch of days that is complete, by operation.
async fn days(
    sink: &dyn Sink,
    filter: CoverageFilter,
) -> Result<BTreeMap<String, (String, String)>> {
    let filter = CoverageFilter { state: Some(CoverageState::Complete), ..filter };
    let mut days: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut after = None;
    loop {
        let rows = sink.coverage(filter.clone(), after, PAGE).await?;
        for Coverage { operation, from, to, .. } in &rows {
            let (Some(from), Some(to)) = (from, to) else { continue };
            let to = to.get(..10).unwrap_or(to).to_owned();
            let known =
                days.entry(operation.to_string()).or_insert_with(|| (from.clone(), to.clone()));
            known.0 = known.0.clone().min(from.clone());
            known.1 = known.1.clone().max(to);
        }
        match rows.last() {
            Some(last) if rows.len() == PAGE as usize => {
                after = Some(watershed_sink::Ask::of(last));
            }
            _ => return Ok(days),
        }
    }
}

fn page(taken: &Taken) -> String {
    let Taken { connection, account, content, at, .. } = taken;
    let day = at.strftime("%Y-%m-%d");
    let mut page = format!(
        "# What was taken from Zoom\n\n\
         Account {account} (connection {connection}), as of {day}. Agreed to: {}.\n",
        agreed(content)
    );
    runs(taken, &mut page);
    rows(taken, &mut page);
    ends(taken, &mut page);
    reasons(taken, &mut page);
    page
}

fn agreed(content: &str) -> &str {
    match content {
        "metadata" => "metadata of meetings and recordings, no file of a recording",
        "recordings" => "metadata and recordings, no transcripts",
        _ => "metadata, recordings and transcripts",
    }
}

fn runs(taken: &Taken, page: &mut String) {
    page.push_str("\n## When, and of which days\n\n| began | ended | workflow | days | state |\n");
    page.push_str("| --- | --- | --- | --- | --- |\n");
    for run in &taken.runs {
        let day = |name: &str| run.inputs.get(name).and_then(|v| v.as_str()).unwrap_or("–");
        let ended = run.ended_at.map_or("–".to_owned(), |at| at.to_string());
        line(
            page,
            &[
                &run.started_at.to_string(),
                &ended,
                &run.workflow,
                &format!("{} to {}", day("from"), day("to")),
                run.state.name(),
            ],
        );
    }
    if !taken.days.is_empty() {
        page.push_str("\nComplete windows reach\n\n");
        for (operation, (from, to)) in &taken.days {
            writeln!(page, "- {operation}: from {from} to {to}").expect("text");
        }
    }
}

fn rows(taken: &Taken, page: &mut String) {
    page.push_str("\n## What is there\n\n| dataset | rows |\n| --- | ---: |\n");
    for (dataset, rows) in taken.rows.iter().filter(|(_, rows)| **rows > 0) {
        line(page, &[dataset, &number(*rows)]);
    }
}

fn ends(taken: &Taken, page: &mut String) {
    let mut operations: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for count in &taken.coverage {
        let states = operations.entry(count.operation.as_str()).or_default();
        *states.entry(count.state.name()).or_default() += count.count;
    }
    let shown: Vec<&str> = CoverageState::ALL
        .iter()
        .map(|state| state.name())
        .filter(|state| operations.values().any(|states| states.contains_key(state)))
        .collect();
    page.push_str("\n## For whom and for what, and how it ended\n\n");
    page.push_str("Each user, meeting, instance, file or window of days that was asked for.\n\n");
    line(page, &[&["operation"], &shown[..]].concat());
    line(page, &[&["---"], &vec!["---:"; shown.len()][..]].concat());
    for (operation, states) in operations {
        let counts: Vec<String> =
            shown.iter().map(|state| number(states.get(state).copied().unwrap_or(0))).collect();
        let cells: Vec<&str> =
            std::iter::once(operation).chain(counts.iter().map(String::as_str)).collect();
        line(page, &cells);
    }
}

fn reasons(taken: &Taken, page: &mut String) {
    let not_there = |state| {
        use CoverageState::{Excluded, Failed, Partial, Unavailable, Waiting};
        matches!(state, Excluded | Failed | Partial | Unavailable | Waiting)
    };
    let mut reasons: Vec<&CoverageCount> =
        taken.coverage.iter().filter(|count| not_there(count.state)).collect();
    reasons.sort_by_key(|count| std::cmp::Reverse(count.count));
    page.push_str("\n## What is not there, and why\n\n");
    if reasons.is_empty() {
        page.push_str("Nothing that was asked for is missing.\n");
        return;
    }
    page.push_str("| operation | times | state | why |\n| --- | ---: | --- | --- |\n");
    for count in reasons.iter().take(REASONS_MAX) {
        let why = count.reason.as_deref().unwrap_or_default();
        let cells = [count.operation.as_str(), &number(count.count), count.state.name(), why];
        line(page, &cells);
    }
    if let Some(more) = reasons.len().checked_sub(REASONS_MAX).filter(|more| *more > 0) {
        writeln!(page, "\nand {more} more reasons: `watershed coverage`").expect("text");
    }
}

/// A line of a table; what came from outside cannot end a cell.
fn line(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| watershed_model::printable(cell, 300).replace('|', "\\|").replace('<', "&lt;"))
        .collect();
    writeln!(page, "| {} |", cells.join(" | ")).expect("text");
}

#[cfg(test)]
mod tests {
    use watershed_model::OperationId;

    use super::*;

    fn count(operation: &str, state: CoverageState, reason: Option<&str>, n: u64) -> CoverageCount {
        let (operation, reason) = (OperationId::from(operation), reason.map(str::to_owned));
        CoverageCount { operation, state, reason, count: n, rows: 2 * n }
    }

    #[test]
    fn the_page_tells_what_was_taken_from_when_to_when_and_what_not() {
        let list = "zoom.list_account_recordings";
        let taken = Taken {
            connection: "acme".to_owned(),
            account: "AbC".to_owned(),
            content: "metadata".to_owned(),
            at: "2026-11-29T10:00:00Z".parse().expect("an instant"),
            runs: Vec::new(),
            rows: BTreeMap::from([("users".to_owned(), 1_200), ("meetings".to_owned(), 0)]),
            coverage: vec![
                count(list, CoverageState::Complete, None, 7),
                count("zoom.get_past_meeting", CoverageState::Complete, None, 3_000),
                count("zoom.get_past_meeting", CoverageState::Skipped, None, 5),
                count(
                    "zoom.get_past_meeting",
                    CoverageState::Unavailable,
                    Some("too old: code 12702 | <b>"),
                    40,
                ),
            ],
            days: BTreeMap::from([(
                list.to_owned(),
                ("2026-06-02".to_owned(), "2026-11-29".to_owned()),
            )]),
        };
        insta::assert_snapshot!(page(&taken));
    }
}
