//! `watershed schedule --list`: when runs are due, how the last one went, what a day costs.

use anyhow::Result;
use watershed_engine::{Clock, Scheduled, SystemClock, exit};
use watershed_model::{
    Category, CoverageState, KnownTick, Limit, Millis, OperationId, Period, RunId, RunState,
    Skipped, Step,
};
use watershed_server::shape::{
    HeavyCalls as Heavy, LastTick as Last, NextTick as Next, Schedule as Line,
};
use watershed_sink::{CoverageFilter, Sink};
use watershed_workflow::Schedule;

use crate::connect::limits_of;
use crate::glance::calls;
use crate::output::{Output, table};
use crate::program::program;
use crate::settings::Settings;
use crate::site::Site;

/// Ticks that are shown ahead.
const NEXT: usize = 3;
/// Runs and ticks that are looked through for the last one.
const RUNS_MAX: u32 = 1_000;
/// Days over which ticks are counted: months have fewer and more.
const DAYS: i64 = 28;
/// Rows of a page.
const PAGE: u64 = 300;

/// Shows them.
pub(super) async fn list(settings: &Settings, scheduled: &[Scheduled], out: Output) -> Result<u8> {
    let site = Site::to_read_if_any(settings).await?;
    let sink = site.as_ref().map(|site| &*site.sink);
    let lines = told(settings, scheduled, sink).await?;
    if out.json {
        for line in &lines {
            out.object(line)?;
        }
        return Ok(exit::COMPLETE);
    }
    out.text(&shown(&lines))?;
    let mut unknown: Vec<&str> =
        lines.iter().filter(|l| l.heavy.a_day.is_none()).map(|l| l.workflow.as_str()).collect();
    unknown.dedup();
    for workflow in unknown {
        out.remark(format!(
            "heavy calls a day of {workflow} are not known before a run of it has ended; \
             `{} estimate {workflow}` asks the account some sampling calls",
            program()
        ));
    }
    Ok(exit::COMPLETE)
}

/// What is due of each, and how the last tick went, as far as there is a dataset.
///
/// # Errors
/// The sink's.
pub(crate) async fn told(
    settings: &Settings,
    scheduled: &[Scheduled],
    sink: Option<&dyn Sink>,
) -> Result<Vec<Line>, watershed_sink::Error> {
    let now = SystemClock.now();
    let mut lines = Vec::new();
    for of in scheduled {
        let known = match sink {
            Some(sink) => Known::of(sink, of).await?,
            None => Known::default(),
        };
        let account = settings.connections.get(of.connection.as_str());
        let limit = account.and_then(|account| {
            let day = |l: &Limit| l.period == Period::Day && l.categories.contains(Category::Heavy);
            limits_of(account, now).0.into_iter().find(day).map(|limit| limit.calls)
        });
        lines.extend(of.schedules.iter().map(|when| line(of, when, &known, limit, now)));
    }
    Ok(lines)
}

/// What the dataset knows of a workflow and connection.
#[derive(Default)]
struct Known {
    ticks: Vec<KnownTick>,
    /// The last run that is complete, and its heavy calls.
    heavy: Option<(RunId, u64)>,
}

impl Known {
    async fn of(sink: &dyn Sink, of: &Scheduled) -> Result<Known, watershed_sink::Error> {
        let ticks = sink.ticks(of.plan.name.clone(), of.connection.clone(), RUNS_MAX).await?;
        let runs = sink.run_heads(Some(of.connection.clone()), RUNS_MAX).await?;
        let complete =
            runs.into_iter().find(|r| r.workflow == of.plan.name && r.state == RunState::Complete);
        let Some(run) = complete else { return Ok(Known { ticks, heavy: None }) };
        let filter = CoverageFilter { run: Some(run.id.clone()), ..CoverageFilter::default() };
        let counts = sink.coverage_counts(filter).await?;
        let scarce = |operation: &OperationId| {
            let categories = [Some(Category::Heavy), Some(Category::ResourceIntensive)];
            let is =
                |step: &Step| step.operation == *operation && categories.contains(&step.category);
            of.plan.steps.iter().any(is)
        };
        let asked = |state| !matches!(state, CoverageState::Skipped | CoverageState::Excluded);
        let calls = counts
            .iter()
            .filter(|count| asked(count.state) && scarce(&count.operation))
            .map(|count| count.count.max(count.rows.div_ceil(PAGE)))
            .sum();
        Ok(Known { ticks, heavy: Some((run.id, calls)) })
    }
}

fn line(of: &Scheduled, when: &Schedule, known: &Known, limit: Option<f64>, now: Millis) -> Line {
    let delay = when.delay_ms(&of.plan.name, of.connection.as_str());
    let mut next = Vec::new();
    let mut after = now + -delay;
    while let (true, Some(at)) = (next.len() < NEXT, when.next(after)) {
        let (local, utc, starts_at) = (when.local(at), at.to_string(), (at + delay).to_string());
        next.push(Next { local, utc, starts_at });
        after = at;
    }
    let key = when.key();
    let last = known.ticks.iter().find(|known| known.tick.key.schedule == key).map(|known| Last {
        due_at: known.tick.due_at.to_string(),
        state: known.tick.state.name(),
        why: known.tick.why.map(Skipped::name),
        run: known.tick.run.as_ref().map(ToString::to_string),
        run_state: known.run.map(RunState::name),
    });
    let a_day = when.between(now, now + DAYS * Millis::DAY).len() as f64 / DAYS as f64;
    Line {
        workflow: of.plan.name.clone(),
        connection: of.connection.to_string(),
        cron: when.cron.clone(),
        timezone: when.timezone.clone(),
        next,
        last,
        heavy: Heavy {
            a_day: known.heavy.as_ref().map(|(_, calls)| *calls as f64 * a_day),
            by: known.heavy.as_ref().map(|(run, _)| run.to_string()),
            of: limit,
        },
    }
}

fn shown(lines: &[Line]) -> String {
    let mut rows = Vec::new();
    for line in lines {
        let last = line.last.as_ref().map_or("none yet".to_owned(), |last| {
            let became = last.run_state.or(last.why).unwrap_or(last.state);
            format!("{} {became}", minute(&last.due_at))
        });
        let heavy = match (line.heavy.a_day, line.heavy.of) {
            (None, _) => "not known yet".to_owned(),
            (Some(a_day), Some(of)) => format!("≈{} of {}", calls(a_day), calls(of)),
            (Some(a_day), None) => format!("≈{}", calls(a_day)),
        };
        for (nth, next) in line.next.iter().enumerate() {
            let first = |text: &str| if nth == 0 { text.to_owned() } else { String::new() };
            rows.push(vec![
                first(&line.workflow),
                first(&line.connection),
                first(&format!("{} {}", line.cron, line.timezone)),
                minute(&next.local),
                minute(&next.utc),
                first(&last),
                first(&heavy),
            ]);
        }
    }
    let head =
        ["workflow", "connection", "schedule", "due (local)", "due (UTC)", "last", "heavy a day"];
    table(&head, &rows)
}

/// `2026-11-30 02:00` of an instant.
fn minute(text: &str) -> String {
    text.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use watershed_model::TickState;

    use super::*;

    fn line() -> Line {
        let at = |day: i64| Millis(day * Millis::DAY).to_string();
        let next = |day| Next {
            local: "1970-01-03T02:00:00+01:00[Europe/Berlin]".to_owned(),
            utc: at(day),
            starts_at: at(day),
        };
        Line {
            workflow: "zoom-reconcile".to_owned(),
            connection: "acme".to_owned(),
            cron: "0 2 * * *".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            next: vec![next(2), next(3)],
            last: Some(Last {
                due_at: at(1),
                state: TickState::Skipped.name(),
                why: Some(Skipped::Missed.name()),
                run: None,
                run_state: None,
            }),
            heavy: Heavy { a_day: Some(1_240.0), by: Some("r".to_owned()), of: Some(54_000.0) },
        }
    }

    #[test]
    fn what_is_due_is_shown_a_line_each_and_the_rest_once() {
        let told: Vec<String> = shown(&[line()])
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let first = "zoom-reconcile acme 0 2 * * * Europe/Berlin 1970-01-03 02:00 1970-01-03 00:00";
        assert_eq!(told[1], format!("{first} 1970-01-02 00:00 missed ≈1,240 of 54,000"));
        assert_eq!(told[2..], ["1970-01-03 02:00 1970-01-04 00:00"]);
    }
}
