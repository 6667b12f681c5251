//! Rehearsals as one page that needs nothing else: charts, tables, light and dark.

use std::collections::BTreeSet;
use std::fmt::Write;

use watershed_model::Millis;
use watershed_rehearsal::Rehearsal;

use super::{Told, bytes, chart, longest, minute};
use crate::output::{name, number, span};

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
            bytes(rehearsal.disk_bytes),
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
        let _ = write!(
            html,
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{:+.1} %</td></tr>",
            escaped(&compared.what),
            number(compared.formula.unsigned_abs()),
            number(compared.rehearsed.unsigned_abs()),
            compared.percent
        );
    }
    html.push_str("</table>");
    for note in &rehearsal.differs {
        let _ = write!(html, "<p>{}</p>", escaped(note));
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
