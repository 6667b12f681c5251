//! A run at a glance, in words: what progress and `status` show alike.

use std::collections::BTreeMap;

use watershed_engine::eta;
use watershed_ledger::RunView;
pub(crate) use watershed_model::instant;
use watershed_model::{BudgetUse, Millis, RunReport, StepReport, WaitReport};

use crate::output::{name, number, span};

/// A wait that is shorter is no news once a run has stopped.
const MOMENT_MS: i64 = 60_000;

/// A run at a glance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Glance {
    /// Each step.
    pub steps: Vec<StepReport>,
    /// Calls by category, where they are known apart.
    pub calls: BTreeMap<String, u64>,
    /// Calls spent.
    pub spent: u64,
    budget: Vec<BudgetUse>,
    waiting: Vec<WaitReport>,
    end_at: Option<Millis>,
}

impl Glance {
    /// The most lines that [`Glance::lines`] gives.
    pub(crate) const LINES_MAX: usize = 5;

    /// Of a run as the ledger knows it.
    pub(crate) fn of_view(view: &RunView, now: Millis) -> Glance {
        let steps = view.plan.steps.iter().zip(&view.steps).map(|(step, counts)| StepReport {
            step: step.name.clone(),
            done: counts.closed_well(),
            known: counts.known,
            is_final: counts.is_final,
            failed: counts.failed,
        });
        Glance {
            steps: steps.collect(),
            calls: view.calls.clone(),
            spent: view.calls.values().sum(),
            budget: view.budget.clone(),
            waiting: view.waits.clone(),
            end_at: if view.state.ended() { None } else { eta(view, now) },
        }
    }

    /// Of a report.
    pub(crate) fn of_report(report: &RunReport) -> Glance {
        Glance {
            steps: report.steps.clone(),
            calls: BTreeMap::new(),
            spent: report.calls.spent,
            budget: report.budget.clone(),
            waiting: report.waits.clone(),
            end_at: report.eta.as_deref().and_then(instant),
        }
    }

    /// Calls, budget and waits, a line each.
    pub(crate) fn lines(&self, now: Millis) -> Vec<String> {
        let mut lines = vec![self.spent_line()];
        let budget = self.budget_line(now);
        if !budget.is_empty() {
            lines.push(format!("budget  {budget}"));
        }
        for wait in self.waits(now) {
            if lines.len() < Self::LINES_MAX {
                lines.push(format!("waits   {wait}"));
            }
        }
        lines
    }

    fn spent_line(&self) -> String {
        let by: Vec<String> = self
            .calls
            .iter()
            .map(|(category, n)| match category.as_str() {
                "none" => format!("uncounted {}", number(*n)),
                category => format!("{category} {}", number(*n)),
            })
            .collect();
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        format!("calls   {}{by}", number(self.spent))
    }

    /// Each limit that is in use: `heavy 12 of 36 a second, binds`.
    pub(crate) fn budget_line(&self, now: Millis) -> String {
        let used: Vec<String> = self
            .budget
            .iter()
            .filter(|limit| limit.used > 0 || limit.binds)
            .map(|limit| {
                let mut text = format!(
                    "{} {} of {} a {}",
                    limit.category.replace('_', "-"),
                    number(limit.used),
                    calls(limit.share),
                    limit.period
                );
                if limit.binds {
                    text.push_str(", binds");
                    let free = limit.free_at.as_deref().and_then(instant).map(|at| at - now);
                    // Within seconds it is no news.
                    if let Some(ms) = free.filter(|ms| *ms > 10_000) {
                        text.push_str(&format!(" for {}", span(ms)));
                    }
                }
                text
            })
            .collect();
        used.join(" · ")
    }

    /// What waits, in words.
    pub(crate) fn waits(&self, now: Millis) -> Vec<String> {
        self.waiting
            .iter()
            .filter(|wait| wait.count > 0)
            .map(|wait| {
                let until = wait.until.as_deref().and_then(instant).map(|at| at - now);
                let until = match until {
                    Some(ms) if ms > 1_000 => format!(", {} to go", span(ms)),
                    _ => String::new(),
                };
                format!("{}: {}{until}", number(wait.count), name(&wait.why))
            })
            .collect()
    }

    /// What waits for longer than a moment, in words: what a run that has stopped leaves.
    pub(crate) fn lasting(&self, now: Millis) -> Vec<String> {
        let until = |wait: &WaitReport| wait.until.as_deref().and_then(instant);
        let mut lasting = self.clone();
        lasting.waiting.retain(|wait| until(wait).is_none_or(|at| at - now > MOMENT_MS));
        lasting.waits(now)
    }

    /// The time left, where it is known.
    pub(crate) fn left(&self, now: Millis) -> Option<String> {
        let ms = self.end_at? - now;
        Some(format!("≈{} left", span(ms.max(1_000))))
    }

    /// The time passed and left.
    pub(crate) fn time(&self, now: Millis, began: Millis) -> String {
        let left = self.left(now).map_or_else(String::new, |left| format!(" · {left}"));
        format!("time    {}{left}", span(now - began))
    }
}

/// A number of calls that may be a fraction: `36`, `0.9`.
pub(crate) fn calls(n: f64) -> String {
    if n >= 10.0 { number(n as u64) } else { format!("{n:.1}").trim_end_matches(".0").to_owned() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn step(
        step: &str,
        done: u64,
        known: u64,
        is_final: bool,
        failed: u64,
    ) -> StepReport {
        StepReport { step: step.to_owned(), done, known, is_final, failed }
    }

    pub(crate) fn glance() -> Glance {
        let limit = |category: &str, used, share, binds| BudgetUse {
            category: category.to_owned(),
            period: "day".to_owned(),
            used,
            share,
            binds,
            free_at: Some(Millis(3_600_000).to_string()),
        };
        Glance {
            steps: vec![step("users", 3, 3, true, 0), step("meetings", 1_200, 4_000, false, 2)],
            calls: BTreeMap::from([("heavy".to_owned(), 1_100), ("none".to_owned(), 4)]),
            spent: 1_104,
            budget: vec![
                limit("heavy+resource_intensive", 27_000, 27_000.0, true),
                limit("light", 0, 72.0, false),
            ],
            waiting: vec![WaitReport {
                why: "heavy calls\u{1b}[2J of the day".to_owned(),
                count: 12,
                until: Some(Millis(3_600_000).to_string()),
            }],
            end_at: Some(Millis(90_000_000)),
        }
    }

    #[test]
    fn a_run_is_told_in_words() {
        let glance = glance();
        let figures: Vec<String> = glance.steps.iter().map(StepReport::figures).collect();
        assert_eq!(figures, ["3 / 3", "1,200 / ≈4,000, 2 failed"]);
        let mut lines = glance.lines(Millis(0));
        lines.push(glance.time(Millis(0), Millis(-65_000)));
        assert_eq!(
            lines,
            [
                "calls   1,104 (heavy 1,100, uncounted 4)",
                "budget  heavy+resource-intensive 27,000 of 27,000 a day, binds for 1 h 0 min",
                "waits   12: heavy calls\u{fffd}[2J of the day, 1 h 0 min to go",
                "time    1 min 5 s · ≈1 d 1 h left",
            ]
        );
    }

    #[test]
    fn a_fraction_of_a_call_is_shown_as_one() {
        assert_eq!([calls(0.9), calls(3.0), calls(54_000.0)], ["0.9", "3", "54,000"]);
    }
}
