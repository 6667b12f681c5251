//! A run on a whole terminal: what its page in a browser shows, drawn. Knows no store and no key.

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, LineGauge, Paragraph, Row, Table, Wrap};
use watershed_model::{BudgetUse, DeadLetter, Millis, RunFigures, RunReport, RunState};

use crate::glance::{Glance, calls, instant};
use crate::output::{name, number, span};

/// Causes of dead letters that are shown.
const CAUSES_MAX: usize = 5;
/// What the keys do.
pub(crate) const KEYS: &str = "p pause   r resume   t retry all dead letters   q quit";

/// What is shown.
pub(crate) struct Shown<'a> {
    /// How the run stands.
    pub report: &'a RunReport,
    /// Its dead letters.
    pub letters: &'a [DeadLetter],
    /// Calls a second lately, where that is known.
    pub rate: Option<f64>,
    /// What became of the last key.
    pub said: &'a str,
    /// Now.
    pub now: Millis,
}

/// Draws it.
pub(crate) fn draw(frame: &mut Frame<'_>, shown: &Shown<'_>) {
    let causes = causes(shown.letters);
    let of_letters = if causes.is_empty() { 0 } else { causes.len() as u16 + 2 };
    let [head, progress, middle, letters, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Min(6),
        Constraint::Length(of_letters),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let [steps, beside] =
        Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(middle);
    let limits = shown.report.budget.len() as u16 + 2;
    let [budget, waits] =
        Layout::vertical([Constraint::Length(limits), Constraint::Min(3)]).areas(beside);
    frame.render_widget(Paragraph::new(self::head(shown)), head);
    self::progress(frame, progress, shown.report);
    self::steps(frame, steps, shown.report);
    self::budget(frame, budget, &shown.report.budget, shown.now);
    self::waits(frame, waits, shown);
    self::letters(frame, letters, &causes);
    let said = if shown.said.is_empty() { String::new() } else { format!("   {}", shown.said) };
    let foot_line = Line::from(vec![Span::from(KEYS).dim(), Span::from(said).bold()]);
    frame.render_widget(Paragraph::new(foot_line), foot);
}

fn head(shown: &Shown<'_>) -> Vec<Line<'static>> {
    let Shown { report, now, .. } = shown;
    let colour = match report.state {
        RunState::Running => Color::Cyan,
        RunState::Complete => Color::Green,
        RunState::Paused | RunState::Cancelling => Color::Yellow,
        RunState::Failed => Color::Red,
        RunState::Cancelled => Color::Gray,
    };
    let state = Style::new().fg(colour).add_modifier(Modifier::BOLD);
    let first = Line::from(vec![
        Span::from(name(&report.workflow)).bold(),
        Span::from(format!("  {}  {}  ", report.connection, name(report.run.as_str()))),
        Span::styled(report.state.name(), state),
    ]);
    let figures = RunFigures::from(*report);
    let began = instant(&report.started_at).unwrap_or(*now);
    let ended = report.ended_at.as_deref().and_then(instant);
    let mut told = vec![match ended {
        Some(ended) => format!("took {}", span(ended - began)),
        None => format!("began {} ago", span(*now - began)),
    }];
    let least = match figures.least {
        0 => String::new(),
        least => format!(" (×{:.2} the least)", figures.spent as f64 / least as f64),
    };
    told.push(format!("{} calls{least}", number(figures.spent)));
    if report.state == RunState::Running {
        told.extend(shown.rate.map(|rate| format!("{} a second", calls(rate))));
        told.extend(Glance::of_report(report).left(*now));
    }
    told.extend(report.exit.map(|exit| format!("exit code {exit}")));
    vec![first, Line::from(told.join(" · "))]
}

fn progress(frame: &mut Frame<'_>, area: Rect, report: &RunReport) {
    let RunFigures { done, known, failed, .. } = report.into();
    let ratio = (done + failed) as f64 / known.max(1) as f64;
    let about = if report.steps.iter().all(|step| step.is_final) { "" } else { "≈" };
    let label = format!("{} of {about}{}", number(done + failed), number(known));
    let gauge = LineGauge::default()
        .filled_style(Style::new().fg(Color::Cyan))
        .label(label)
        .ratio(ratio.clamp(0.0, 1.0));
    frame.render_widget(gauge, area);
}

fn steps(frame: &mut Frame<'_>, area: Rect, report: &RunReport) {
    let row = |step: &watershed_model::StepReport| {
        let about = if step.is_final { "" } else { "≈" };
        let failed = Style::new().fg(if step.failed > 0 { Color::Red } else { Color::Reset });
        Row::new(vec![
            Line::from(name(&step.step)),
            Line::from(number(step.done)).right_aligned(),
            Line::from(format!("{about}{}", number(step.known))).right_aligned(),
            Line::styled(number(step.failed), failed).right_aligned(),
        ])
    };
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(11),
        Constraint::Length(12),
        Constraint::Length(8),
    ];
    let right = |text: &'static str| Line::from(text).right_aligned();
    let heads = Row::new(vec![Line::from("step"), right("done"), right("known"), right("failed")]);
    let table = Table::new(report.steps.iter().map(row), widths)
        .header(heads.dim())
        .block(Block::bordered().title(" Steps "));
    frame.render_widget(table, area);
}

fn budget(frame: &mut Frame<'_>, area: Rect, limits: &[BudgetUse], now: Millis) {
    let line = |limit: &BudgetUse| {
        let used = format!("{} of {} a {}", number(limit.used), calls(limit.share), limit.period);
        let of = limit.category.replace('+', " + ").replace('_', "-");
        let frees = limit.free_at.as_deref().and_then(instant).map(|at| at - now);
        match frees.filter(|ms| limit.binds && *ms > 1_000) {
            Some(ms) => Line::from(format!("{used}, binds for {}: {of}", span(ms))).yellow(),
            None if limit.binds => Line::from(format!("{used}, binds: {of}")).yellow(),
            None => Line::from(format!("{used}: {of}")),
        }
    };
    let lines: Vec<Line<'_>> = limits.iter().map(line).collect();
    let block = Block::bordered().title(" Budget of the account ");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn waits(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let waits = Glance::of_report(shown.report).waits(shown.now);
    let lines: Vec<Line<'_>> = match waits.is_empty() {
        true => vec![Line::from("nothing").dim()],
        false => waits.into_iter().map(Line::from).collect(),
    };
    let block = Block::bordered().title(" What waits, and for what ");
    let text = Paragraph::new(lines).wrap(Wrap { trim: true }).block(block);
    frame.render_widget(text, area);
}

/// Dead letters by step and cause, the most frequent first: how many, and what to do.
fn causes(letters: &[DeadLetter]) -> Vec<(u64, &DeadLetter)> {
    let mut by_cause: BTreeMap<_, (u64, &DeadLetter)> = BTreeMap::new();
    for letter in letters {
        let cause = (&letter.step, &letter.verdict, letter.http, letter.code, &letter.message);
        by_cause.entry(cause).or_insert((0, letter)).0 += 1;
    }
    let mut causes: Vec<(u64, &DeadLetter)> = by_cause.into_values().collect();
    causes.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    causes.truncate(CAUSES_MAX);
    causes
}

fn letters(frame: &mut Frame<'_>, area: Rect, causes: &[(u64, &DeadLetter)]) {
    let line = |(count, letter): &(u64, &DeadLetter)| {
        let http = letter.http.map_or_else(String::new, |http| format!(", HTTP {http}"));
        let what = format!("{} {}: {}{http}  ", number(*count), name(&letter.step), letter.verdict);
        Line::from(vec![Span::from(what).red(), Span::from(name(&letter.hint))])
    };
    let lines: Vec<Line<'_>> = causes.iter().map(line).collect();
    let block = Block::bordered().title(" Dead letters, and what to do ");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

#[cfg(test)]
mod tests;
