//! What changes on a run's page.

use std::collections::BTreeMap;

use askama::Template;
use watershed_model::{
    BudgetUse, CoverageState, DeadLetter, Millis, RunFigures, RunReport, RunState, Trigger,
    instant, number,
};
use watershed_sink::CoverageCount;

use super::runs::{cost, encoded, trigger};
use super::{Tile, ago, bar, calls, lasting, limit_name, shown};
use crate::act::cause;
use crate::chart;
use crate::control::{Kind, Refusal};
use crate::facts::Told;
use crate::history::Moment;
use crate::state::Server;

/// Dead letters of a group that are shown one by one.
const LETTERS_MAX: usize = 20;
/// Groups that are shown.
const GROUPS_MAX: usize = 50;
/// A limit that frees sooner is no news.
const MOMENT_MS: i64 = 10_000;

#[derive(Template)]
#[template(path = "run_live.html")]
struct RunLive {
    id: String,
    workflow: String,
    connection: String,
    state: &'static str,
    running: bool,
    trigger: &'static str,
    when: String,
    why: Option<String>,
    forgotten: bool,
    acts: Vec<Button>,
    tiles: Vec<Tile>,
    waits: Vec<Wait>,
    limits: Vec<Limit>,
    calls: Option<String>,
    charts: Vec<Chart>,
    failed: u64,
    failed_words: String,
    may_retry: bool,
    retry_path: String,
    groups: Vec<Group>,
    graph: String,
    steps: Vec<StepRow>,
    rows: Vec<(String, String)>,
    coverage: Vec<(&'static str, String, String)>,
    counted: bool,
    cost: Vec<(String, String)>,
}

struct Chart {
    title: &'static str,
    drawn: String,
    about: &'static str,
}

struct Button {
    label: &'static str,
    path: String,
    asks: &'static str,
    does: &'static str,
    grave: bool,
}

struct Wait {
    count: String,
    why: String,
    until: String,
}

struct Limit {
    name: String,
    figures: String,
    bar: String,
    binds: bool,
    frees: String,
}

struct StepRow {
    name: String,
    done: String,
    known: String,
    failed: String,
}

struct Group {
    key: String,
    step: String,
    cause: String,
    count: String,
    retry_words: String,
    hint: String,
    message: String,
    letters: Vec<Letter>,
    more: usize,
}

struct Letter {
    id: String,
    branch: String,
    attempts: String,
    at: String,
}

/// Makes it.
///
/// # Errors
/// Where the stores do not answer.
pub(super) async fn render(
    server: &Server,
    told: &Told,
    may_operate: bool,
) -> Result<String, Refusal> {
    let (report, now) = (&told.report, (server.clock)());
    let plan = told.plan(server);
    let graph = plan.map(|plan| server.control.picture(&plan, &report.steps)).unwrap_or_default();
    let letters = server.facts.letters(&report.run).await.unwrap_or_default();
    let failed = RunFigures::from(report).failed.max(letters.len() as u64);
    let path = format!("/runs/{}", encoded(report.run.as_str()));
    let known = told.view.is_some();
    let by = told.row.as_ref().map(|row| row.trigger);
    let by = by.or(told.view.as_ref().map(|view| view.trigger)).unwrap_or(Trigger::Manual);
    let (moments, until) = (server.history.of(&report.run), report_end(report, now));
    let live = RunLive {
        id: shown(report.run.as_str()),
        workflow: shown(&report.workflow),
        connection: report.connection.to_string(),
        state: report.state.name(),
        running: report.state == RunState::Running,
        trigger: trigger(by),
        when: when(report, now),
        why: told.view.as_ref().and_then(|view| view.why.as_deref()).map(shown),
        forgotten: !known && !report.state.ended(),
        acts: if may_operate { buttons(report.state, &path) } else { Vec::new() },
        tiles: tiles(server, told, failed, now),
        waits: waits(told, now),
        limits: report.budget.iter().map(|limit| self::limit(limit, now)).collect(),
        calls: Some(chart::calls(&moments, until)).filter(|chart| !chart.is_empty()),
        charts: charts(&moments, until),
        failed,
        failed_words: number(failed),
        may_retry: may_operate && known,
        retry_path: format!("{path}/retry"),
        groups: groups(&letters),
        graph,
        steps: steps(report),
        rows: rows(report),
        coverage: coverage(&told.coverage),
        counted: told.counted,
        cost: costs(told),
    };
    live.render()
        .map_err(|error| Refusal::new(Kind::Failed, format!("the page could not be made: {error}")))
}

fn charts(moments: &[Moment], until: Millis) -> Vec<Chart> {
    let chart = |title, drawn, about| Chart { title, drawn, about };
    let charts = [
        chart("Items closed a second", chart::throughput(moments, until), ""),
        chart(
            "Seconds from lease to settle",
            chart::latency(moments, until),
            "What may start within the next moments is leased already.",
        ),
    ];
    charts.into_iter().filter(|chart| !chart.drawn.is_empty()).collect()
}

/// Until when its charts go.
fn report_end(report: &RunReport, now: Millis) -> Millis {
    report.ended_at.as_deref().and_then(instant).unwrap_or(now)
}

fn when(report: &RunReport, now: Millis) -> String {
    let Some(began) = instant(&report.started_at) else { return String::new() };
    match report.ended_at.as_deref().and_then(instant) {
        Some(ended) => format!("ended {}, took {}", ago(ended, now), lasting(ended - began)),
        None => format!("began {}", ago(began, now)),
    }
}

fn buttons(state: RunState, path: &str) -> Vec<Button> {
    let button = |label, act, asks, does, grave| Button {
        label,
        path: format!("{path}/{act}"),
        asks,
        does,
        grave,
    };
    let pause = button(
        "Pause",
        "pause",
        "Calls in flight settle, nothing new starts. Resume goes on where it was.",
        "Pause the run",
        false,
    );
    let resume = button(
        "Resume",
        "resume",
        "It goes on where it was, once a worker takes it up.",
        "Resume the run",
        false,
    );
    let cancel = button(
        "Cancel",
        "cancel",
        "It ends for good. What it has fetched stays, and a new run goes on from there.",
        "Cancel the run",
        true,
    );
    match state {
        RunState::Running => vec![pause, cancel],
        RunState::Paused | RunState::Failed => vec![resume, cancel],
        RunState::Cancelling | RunState::Cancelled | RunState::Complete => Vec::new(),
    }
}

fn tiles(server: &Server, told: &Told, failed: u64, now: Millis) -> Vec<Tile> {
    let report = &told.report;
    let figures = RunFigures::from(report);
    let RunFigures { done, known, failed: lost, .. } = figures;
    let share = (done + lost) as f64 / known.max(1) as f64 * 100.0;
    let whole = report.steps.iter().all(|step| step.is_final);
    let about = if whole { "" } else { "≈" };
    let share = if known == 0 { "–".to_owned() } else { format!("{share:.0} %") };
    let done = Tile::new("Done", share).sub(format!(
        "{} of {about}{}",
        number(done + lost),
        number(known)
    ));
    let mut tiles = vec![done];
    if report.state == RunState::Running {
        let rate = server.history.rate(&report.run, now);
        let leased = told.view.as_ref().map_or(0, |view| view.leased);
        tiles.push(
            Tile::new("Calls a second", rate.map_or("–".to_owned(), calls))
                .sub(format!("{} in flight", number(leased))),
        );
        let eta = report.eta.as_deref().and_then(instant);
        let left =
            eta.map_or("–".to_owned(), |at| format!("≈{}", lasting((at - now).max(1_000))));
        let at = eta.map(|at| at.to_string().chars().take(16).collect::<String>());
        let at = at.map(|at| format!("{} UTC", at.replace('T', " ")));
        tiles.push(Tile::new("Time left", left).sub(at.unwrap_or_default()));
    }
    let (ratio, _) = cost(figures);
    let spent = number(report.calls.spent);
    tiles.push(Tile::new("Calls", spent).sub(if ratio.is_empty() {
        String::new()
    } else {
        format!("{ratio} the least possible")
    }));
    let tone = if failed > 0 { "bad" } else { "" };
    tiles.push(Tile::new("Dead letters", number(failed)).tone(tone));
    if let Some(exit) = report.exit {
        let (tone, says) = match exit {
            0 => ("", "complete"),
            3 => ("warn", "complete, but not whole"),
            4 => ("warn", "stopped"),
            _ => ("bad", "failed"),
        };
        tiles.push(Tile::new("Exit code", exit.to_string()).sub(says).tone(tone));
    }
    tiles
}

fn waits(told: &Told, now: Millis) -> Vec<Wait> {
    let report = &told.report;
    let waits = report.waits.iter().filter(|wait| wait.count > 0);
    let wait = |wait: &watershed_model::WaitReport| {
        let until = wait.until.as_deref().and_then(instant).map(|at| at - now);
        let until = until.filter(|ms| *ms > 1_000);
        Wait {
            count: number(wait.count),
            why: shown(&wait.why).replace('_', "-"),
            until: until.map_or_else(String::new, |ms| format!("{} to go", lasting(ms))),
        }
    };
    let mut waits: Vec<Wait> = waits.map(wait).collect();
    // Nothing keeps it but that nobody executes it.
    if let Some(view) = &told.view {
        let open: u64 = view.steps.iter().map(|step| step.open).sum();
        let kept = view.budget.iter().any(|limit| limit.binds) || view.next_at.is_some();
        if view.state == RunState::Running && view.leased == 0 && open > 0 && !kept {
            let why = "a worker: none holds a task of this run now".to_owned();
            waits.insert(0, Wait { count: number(open), why, until: String::new() });
        }
    }
    waits
}

fn limit(limit: &BudgetUse, now: Millis) -> Limit {
    let figures = format!("{} of {}", number(limit.used), calls(limit.share));
    let name = limit_name(&limit.category, &limit.period);
    let class = if limit.binds { "full" } else { "done" };
    let frees = limit.free_at.as_deref().and_then(instant).map(|at| at - now);
    let frees = frees.filter(|ms| limit.binds && *ms > MOMENT_MS);
    Limit {
        bar: bar(limit.used as f64, 0.0, limit.share, class, &format!("{name}: {figures} used")),
        name,
        figures,
        binds: limit.binds,
        frees: frees.map_or_else(String::new, |ms| format!("frees in {}", lasting(ms))),
    }
}

fn steps(report: &RunReport) -> Vec<StepRow> {
    let steps = report.steps.iter().map(|step| StepRow {
        name: step.step.clone(),
        done: number(step.done),
        known: format!("{}{}", if step.is_final { "" } else { "≈" }, number(step.known)),
        failed: number(step.failed),
    });
    steps.collect()
}

fn rows(report: &RunReport) -> Vec<(String, String)> {
    let rows = report.rows.iter().filter(|(_, count)| **count > 0);
    rows.map(|(dataset, count)| (dataset.clone(), number(*count))).collect()
}

/// Counts by state, the reasons of what is missing beside them.
fn coverage(counts: &[CoverageCount]) -> Vec<(&'static str, String, String)> {
    let mut told = Vec::new();
    for state in CoverageState::ALL {
        let of_state: Vec<&CoverageCount> = counts.iter().filter(|c| c.state == state).collect();
        let all: u64 = of_state.iter().map(|c| c.count).sum();
        if all == 0 {
            continue;
        }
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for count in of_state {
            if let Some(reason) = &count.reason {
                *reasons.entry(reason).or_default() += count.count;
            }
        }
        // Why something was skipped stands in the workflow itself.
        if state == CoverageState::Skipped {
            reasons.clear();
        }
        let why: Vec<String> =
            reasons.iter().map(|(why, n)| format!("{} {}", number(*n), shown(why))).collect();
        told.push((state.name(), number(all), why.join(", ")));
    }
    told
}

fn costs(told: &Told) -> Vec<(String, String)> {
    let report = &told.report;
    let mut costs = vec![
        ("spent".to_owned(), number(report.calls.spent)),
        ("the least possible".to_owned(), number(report.calls.least)),
    ];
    let causes = |costs: &mut Vec<(String, String)>, what: &str, of: &BTreeMap<String, u64>| {
        for (cause, n) in of.iter().filter(|(_, n)| **n > 0) {
            costs.push((format!("{what}: {}", cause.replace('_', " ")), number(*n)));
        }
    };
    causes(&mut costs, "repeated", &report.calls.repeated);
    if let Some(view) = &told.view {
        causes(&mut costs, "429", &view.throttled);
    }
    costs
}

/// Dead letters by their cause, the most frequent first.
fn groups(letters: &[DeadLetter]) -> Vec<Group> {
    let mut by_cause: BTreeMap<String, Vec<&DeadLetter>> = BTreeMap::new();
    for letter in letters {
        by_cause.entry(cause(letter)).or_default().push(letter);
    }
    let mut by_cause: Vec<(String, Vec<&DeadLetter>)> = by_cause.into_iter().collect();
    by_cause.sort_by_key(|(_, letters)| std::cmp::Reverse(letters.len()));
    by_cause.truncate(GROUPS_MAX);
    by_cause.into_iter().map(|(key, letters)| group(key, &letters)).collect()
}

fn group(key: String, letters: &[&DeadLetter]) -> Group {
    let first = letters[0];
    let http = first.http.map_or_else(String::new, |http| format!(", HTTP {http}"));
    let code = first.code.map_or_else(String::new, |code| format!(", code {code}"));
    let count = letters.len();
    Group {
        key,
        step: first.step.clone(),
        cause: format!("{} · {}{http}{code}", first.operation, shown(&first.verdict)),
        count: number(count as u64),
        retry_words: if count == 1 { "it".to_owned() } else { format!("these {count}") },
        hint: shown(&first.hint),
        message: shown(&first.message),
        letters: letters.iter().take(LETTERS_MAX).map(|letter| self::letter(letter)).collect(),
        more: count.saturating_sub(LETTERS_MAX),
    }
}

fn letter(letter: &DeadLetter) -> Letter {
    let times = if letter.attempts == 1 { "attempt" } else { "attempts" };
    Letter {
        id: letter.id.to_string(),
        branch: shown(&letter.branch),
        attempts: format!("{} {times}", letter.attempts),
        at: letter.at.to_string(),
    }
}
