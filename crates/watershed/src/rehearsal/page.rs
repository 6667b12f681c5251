//! Rehearsals as one page that needs nothing else: charts, tables, light and dark.

use std::collections::BTreeSet;
use std::fmt::Write;

use watershed_model::Millis;
use watershed_rehearsal::Rehearsal;

use super::{Told, beside, bound_by, chart, disk, left_out, longest, minute};
use crate::output::{name, number, span};

/// Stretches in which a limit bound that are told one by one.
const STRETCHES_MAX: usize = 60;
const STYLE: &str = include_str!("page.css");

/// The page.
pub(crate) fn page(told: &[Told]) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Rehearsal</title><style>{STYLE}</style></head><body><h1>Rehearsal</h1>"
    );
    html.push_str(&summary(told));
    html.push_str("<h2>Progress</h2>");
    html.push_str(&legend("l", told.iter().map(|told| told.label.as_str())));
    let lines: Vec<Vec<(f64, f64)>> = told.iter().map(|told| progress(&told.rehearsal)).collect();
    html.push_str(&chart::lines("Part of the known items that is done", &lines));
    for told in told {
        html.push_str(&one(told));
    }
    html.push_str("</body></html>\n");
    html
}

fn summary(told: &[Told]) -> String {
    let mut html = "<table><tr><th></th><th>people</th><th>plan</th><th>takes</th><th>calls</th>\
                    <th>bound longest</th><th>rows</th><th>disk</th></tr>"
        .to_owned();
    for Told { label, rehearsal } in told {
        let _ = write!(
            html,
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td></tr>",
            escaped(label),
            number(rehearsal.users),
            rehearsal.tier,
            span(rehearsal.ms),
            number(rehearsal.calls.values().sum()),
            longest(rehearsal),
            number(rehearsal.datasets.iter().map(|d| d.rows).sum()),
            disk(rehearsal),
        );
    }
    html + "</table>"
}

fn one(told: &Told) -> String {
    let Told { label, rehearsal } = told;
    let mut html = format!("<h2>{}</h2><h3>Calls by day</h3>", escaped(label));
    let categories: BTreeSet<&str> = rehearsal.calls.keys().map(String::as_str).collect();
    html.push_str(&legend("s", categories.iter().copied()));
    let bars: Vec<(String, Vec<u64>)> = rehearsal
        .days
        .iter()
        .map(|day| {
            let parts = categories.iter().map(|c| day.calls.get(*c).copied().unwrap_or(0));
            (day.day.clone(), parts.collect())
        })
        .collect();
    html.push_str(&chart::bars("Calls by day and category", &bars));
    html.push_str(&budget(rehearsal));
    html.push_str(&bound(rehearsal));
    html.push_str(
        "<h3>Timetable</h3><table><tr><th>dataset</th><th>rows</th><th>complete</th>\
                   <th>months, newest first</th></tr>",
    );
    for dataset in &rehearsal.datasets {
        let months: Vec<String> = dataset
            .months
            .iter()
            .map(|month| format!("{} by {}", month.month, minute(&month.complete_at)))
            .collect();
        let _ = write!(
            html,
            "<tr><th>{}</th><td>{}</td><td>{}</td><td class=\"long\">{}</td></tr>",
            dataset.dataset,
            number(dataset.rows),
            minute(&dataset.complete_at),
            months.join("<br>")
        );
    }
    html.push_str(
        "</table><h3>Beside the formula</h3><table><tr><th></th><th>by formula</th>\
                   <th>rehearsed</th><th>differs</th></tr>",
    );
    for compared in &rehearsal.formula {
        let [what, formula, rehearsed, differs] = beside(compared);
        let _ = write!(
            html,
            "<tr><th>{}</th><td>{formula}</td><td>{rehearsed}</td><td>{differs}</td></tr>",
            escaped(&what)
        );
    }
    html.push_str("</table>");
    for note in &rehearsal.differs {
        let _ = write!(html, "<p>{}</p>", escaped(note));
    }
    for line in left_out(rehearsal) {
        let _ = write!(html, "<p>left out: {}</p>", escaped(&line));
    }
    html
}

/// Which limit bound when, and what of each was not used.
fn bound(told: &Rehearsal) -> String {
    let mut html = "<h3>What bound</h3><table><tr><th>limit</th><th>bound for</th><th>permits</th>\
                    <th>not used</th></tr>"
        .to_owned();
    for limit in &told.idle {
        let _ = write!(
            html,
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{:.1} %</td></tr>",
            limit.limit,
            span(limit.ms),
            number(limit.permits),
            limit.percent
        );
    }
    html.push_str("</table><table><tr><th>from</th><th>to</th><th>bound</th></tr>");
    for bound in told.bound.iter().take(STRETCHES_MAX) {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            minute(&bound.from),
            minute(&bound.to),
            bound_by(&bound.limit)
        );
    }
    html.push_str("</table>");
    let more = told.bound.len().saturating_sub(STRETCHES_MAX);
    if more > 0 {
        let _ = write!(html, "<p>… {more} stretches more</p>");
    }
    html
}

/// What of a day's share was used, day by day, where a limit counts by the day.
fn budget(told: &Rehearsal) -> String {
    let limits: BTreeSet<&String> =
        told.days.iter().flat_map(|day| day.used_percent.keys()).collect();
    let mut html = String::new();
    for limit in limits {
        let _ = write!(html, "<h3>Used of {limit}, in percent of the share</h3>");
        let bars: Vec<(String, Vec<u64>)> = told
            .days
            .iter()
            .map(|day| {
                let used = day.used_percent.get(limit).copied().unwrap_or(0.0);
                (day.day.clone(), vec![used.round() as u64])
            })
            .collect();
        html.push_str(&chart::bars("Part of the day's share that was used", &bars));
    }
    html
}

fn progress(told: &Rehearsal) -> Vec<(f64, f64)> {
    let begun = told.progress.first().map_or(0, |(at, _)| *at);
    // No chart is wider than some hundred points.
    let every = told.progress.len().div_ceil(400).max(1);
    let last = told.progress.len().saturating_sub(1);
    let points = told.progress.iter().enumerate();
    let points = points.filter(|(n, _)| n.is_multiple_of(every) || *n == last);
    points.map(|(_, (at, part))| ((at - begun) as f64 / Millis::DAY as f64, *part)).collect()
}

fn legend<'a>(class: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut html = "<p class=\"legend\">".to_owned();
    for (n, of) in names.enumerate() {
        let _ = write!(html, "<span class=\"{class}{n}\"></span>{} ", escaped(of));
    }
    html + "</p>"
}

fn escaped(text: &str) -> String {
    name(text).replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
