//! A rehearsal in words: a timetable, calls by day, what bound when, the formula beside it.

use serde::Serialize;
use watershed_ledger::RunView;
use watershed_rehearsal::{Compared, MonthTime, Rehearsal};
use watershed_zoom::limits::Overrides;
use watershed_zoom_sim::LimitSpec;

use crate::expense;
use crate::output::{number, span, table};

mod chart;
mod page;

pub(crate) use page::page;

/// Days that are told one by one; of more, the first and the last.
const DAYS_MAX: usize = 20;
/// Stretches in which a limit bound that are told one by one.
const STRETCHES_MAX: usize = 12;

/// A rehearsal, and what was changed for it.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    /// `as asked`, or what differs from that.
    pub label: String,
    /// What it told.
    #[serde(flatten)]
    pub rehearsal: Rehearsal,
}

/// How far a rehearsal is, in a line.
pub(crate) fn progress(view: &RunView, ms: i64) -> String {
    let calls: u64 = view.calls.values().sum();
    let known: u64 = view.steps.iter().map(|step| step.known).sum();
    let open: u64 = view.steps.iter().map(|step| step.open).sum();
    let binds: Vec<String> = view
        .budget
        .iter()
        .filter(|limit| limit.binds)
        .map(|limit| format!("{} a {}", limit.category, limit.period))
        .collect();
    let binds = if binds.is_empty() { "nothing".to_owned() } else { binds.join(", ") };
    format!(
        "{} of the account's time: {} calls, {} of {} items done; {binds} binds",
        span(ms),
        number(calls),
        number(known.saturating_sub(open)),
        number(known),
    )
}

/// Limits that differ from the plan's, as the simulated account takes them.
pub(crate) fn limit_spec(overrides: &Overrides) -> LimitSpec {
    let per_second = [
        ("light_per_second", overrides.light_per_second),
        ("medium_per_second", overrides.medium_per_second),
        ("heavy_per_second", overrides.heavy_per_second),
    ];
    let mut parts: Vec<String> = per_second
        .iter()
        .filter_map(|(name, calls)| Some(format!("{name}={}", calls.as_ref()?.floor().max(1.0))))
        .collect();
    parts.extend(overrides.heavy_per_day.map(|calls| format!("heavy_per_day={}", calls.max(1))));
    parts.join(",").parse().expect("names that the account knows, and figures")
}

/// All of them, as text of several lines.
pub(crate) fn text(told: &[Told]) -> String {
    let mut text = String::new();
    if told.len() > 1 {
        text.push_str(&compared(told));
        text.push('\n');
    }
    for told in told {
        text.push_str(&one(told));
        text.push('\n');
    }
    text
}

/// Side by side.
fn compared(told: &[Told]) -> String {
    let mut head = vec![""];
    head.extend(told.iter().map(|told| told.label.as_str()));
    let row = |name: &str, of: &dyn Fn(&Rehearsal) -> String| {
        let mut row = vec![name.to_owned()];
        row.extend(told.iter().map(|told| of(&told.rehearsal)));
        row
    };
    let calls = |category: &'static str| {
        move |r: &Rehearsal| number(r.calls.get(category).copied().unwrap_or(0))
    };
    let rows = [
        row("takes", &|r| span(r.ms)),
        row("calls light", &calls("light")),
        row("calls medium", &calls("medium")),
        row("calls heavy", &calls("heavy")),
        row("bound longest", &longest),
        row("rows", &|r| number(r.datasets.iter().map(|d| d.rows).sum())),
        row("disk", &|r| bytes(r.disk_bytes)),
    ];
    table(&head, &rows)
}

/// The limit that bound longest.
pub(crate) fn longest(told: &Rehearsal) -> String {
    let longest = told.idle.iter().max_by_key(|limit| limit.ms);
    longest.map_or("none".to_owned(), |limit| limit.limit.clone())
}

fn one(told: &Told) -> String {
    let Told { label, rehearsal } = told;
    let mut text = format!(
        "Rehearsal of {}, {label}: {} people, {}, seed {}\n{} from {} on: {}\n\n",
        rehearsal.workflow,
        number(rehearsal.users),
        rehearsal.tier,
        rehearsal.seed,
        span(rehearsal.ms),
        minute(&rehearsal.started_at),
        rehearsal.state.name(),
    );
    text.push_str(&timetable(rehearsal));
    text.push('\n');
    text.push_str(&days(rehearsal));
    text.push('\n');
    text.push_str(&stretches(rehearsal));
    text.push('\n');
    text.push_str(&bound(rehearsal));
    text.push('\n');
    text.push_str(&formula(rehearsal));
    for note in &rehearsal.differs {
        text.push_str(&format!("note      {note}\n"));
    }
    for line in left_out(rehearsal) {
        text.push_str(&format!("left out  {line}\n"));
    }
    text.push_str(&format!("disk      {}\n", disk(rehearsal)));
    text
}

/// What is left out, and what failed for good.
pub(crate) fn left_out(told: &Rehearsal) -> Vec<String> {
    let mut lines: Vec<String> = told.left_out.iter().map(expense::left_out).collect();
    if told.failed > 0 {
        lines.push(format!("{} items: they failed for good", number(told.failed)));
    }
    lines
}

/// What is kept in the end.
pub(crate) fn disk(told: &Rehearsal) -> String {
    let files = match told.files {
        0 => String::new(),
        files => format!(", and {} files", number(files)),
    };
    format!("about {} of rows{files}", bytes(told.disk_bytes))
}

fn timetable(told: &Rehearsal) -> String {
    let rows: Vec<Vec<String>> = told
        .datasets
        .iter()
        .map(|dataset| {
            let told = |month: Option<&MonthTime>| {
                month.map(|m| format!("{} by {}", m.month, minute(&m.complete_at)))
            };
            vec![
                dataset.dataset.clone(),
                number(dataset.rows),
                minute(&dataset.complete_at),
                told(dataset.months.first()).unwrap_or_default(),
                told(dataset.months.last()).unwrap_or_default(),
            ]
        })
        .collect();
    table(&["dataset", "rows", "complete", "newest month", "oldest month"], &rows)
}

/// Which limit bound when; of many stretches, the first ones.
fn stretches(told: &Rehearsal) -> String {
    let mut rows: Vec<Vec<String>> = told
        .bound
        .iter()
        .take(STRETCHES_MAX)
        .map(|bound| vec![minute(&bound.from), minute(&bound.to), bound_by(&bound.limit)])
        .collect();
    if told.bound.len() > STRETCHES_MAX {
        let more = told.bound.len() - STRETCHES_MAX;
        rows.push(vec![format!("… {more} more"), String::new(), String::new()]);
    }
    table(&["from", "to", "bound"], &rows)
}

/// A limit that bound, or that none did.
pub(crate) fn bound_by(limit: &str) -> String {
    if limit.is_empty() { "nothing".to_owned() } else { limit.to_owned() }
}

fn days(told: &Rehearsal) -> String {
    let categories: Vec<&str> = told.calls.keys().map(String::as_str).collect();
    let mut head = vec!["day"];
    head.extend(categories.iter().copied());
    head.extend(["of the day's share", "bound longest"]);
    let left_out = told.days.len().saturating_sub(DAYS_MAX);
    let mut rows = Vec::new();
    for (n, day) in told.days.iter().enumerate() {
        if left_out > 0 && n == DAYS_MAX / 2 {
            let mut row = vec![format!("… {left_out} days like it")];
            row.resize(head.len(), String::new());
            rows.push(row);
        }
        if left_out > 0 && (DAYS_MAX / 2..DAYS_MAX / 2 + left_out).contains(&n) {
            continue;
        }
        let mut row = vec![day.day.clone()];
        row.extend(categories.iter().map(|c| number(day.calls.get(*c).copied().unwrap_or(0))));
        let used = day.used_percent.iter().map(|(name, part)| format!("{name} {part:.1} %"));
        row.push(used.collect::<Vec<_>>().join(", "));
        row.push(day.bound.clone());
        rows.push(row);
    }
    table(&head, &rows)
}

fn bound(told: &Rehearsal) -> String {
    let rows: Vec<Vec<String>> = told
        .idle
        .iter()
        .map(|limit| {
            vec![
                limit.limit.clone(),
                span(limit.ms),
                number(limit.permits),
                format!("{:.1} %", limit.percent),
            ]
        })
        .collect();
    table(&["limit", "bound for", "permits", "idle"], &rows)
}

fn formula(told: &Rehearsal) -> String {
    let rows: Vec<Vec<String>> = told.formula.iter().map(|row| beside(row).into()).collect();
    table(&["", "by formula", "rehearsed", "differs"], &rows)
}

/// What, by formula, as rehearsed, and how far these are apart.
pub(crate) fn beside(compared: &Compared) -> [String; 4] {
    let (what, unit) = compared.what.split_once(", ").unwrap_or((&compared.what, ""));
    let figure = |figure: i64| match unit {
        "ms" => span(figure),
        "bytes" => bytes(figure.unsigned_abs()),
        _ => number(figure.unsigned_abs()),
    };
    [
        what.to_owned(),
        figure(compared.formula),
        figure(compared.rehearsed),
        format!("{:+.1} %", compared.percent),
    ]
}

/// An instant to the minute.
fn minute(at: &str) -> String {
    at.get(..16).unwrap_or(at).replace('T', " ")
}

/// `3.4 MB`, `1.2 GB`.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
