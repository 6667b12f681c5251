//! What a survey came to, in the figures that are published.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use watershed_model::{Category, RunId, StepId};

use super::reckon::{ERRORS, Reckoned};
use super::survey::{GOAL_PERCENT, Survey};
use super::tree::Left;
use super::{CategoryEstimate, Estimate, LeftOut, Sampled, SampledFor, StepEstimate, formula};

impl Survey {
    /// The estimate. `most` is how many sampling calls were allowed, `probes` are operations that
    /// were asked whether they are granted.
    pub(super) fn told(
        self,
        reckoned: &Reckoned,
        most: u64,
        (rows_bytes, file_bytes): (u64, u64),
        goes_on: Option<RunId>,
        probes: &[String],
    ) -> Estimate {
        let run = self.desk.run.clone();
        let plan = run.program.plan();
        let now = self.desk.tools.clock.now();
        let mut calls = reckoned.calls.clone();
        // The run makes them too, before its first step.
        for probe in probes {
            let category = watershed_zoom::catalogue().operation(probe).and_then(|o| o.category);
            if let Some(category) = category {
                *calls.entry(category).or_default() += 1.0;
            }
        }
        let of = |category: Category| calls.get(&category).copied().unwrap_or(0.0);
        let limits = formula::limit_times(&run.link.connection.limits.at(now), of, now);
        let best_ms = limits.iter().try_fold(0, |best: i64, t| Some(best.max(t.ms?)));
        let spent = self.desk.spent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sampled_calls = spent.values().sum::<u64>() + probes.len() as u64;
        let categories: Vec<CategoryEstimate> = Category::ALL
            .into_iter()
            .filter(|category| of(*category) >= 0.5)
            .map(|category| CategoryEstimate {
                category: category.name().to_owned(),
                calls: of(category).round() as u64,
                plus_minus: percent(reckoned.half_width(category), of(category)),
            })
            .collect();
        let notes = self.notes(reckoned, &categories, most);
        Estimate {
            workflow: plan.name.clone(),
            connection: run.connection().clone(),
            run: goes_on,
            inputs: run.context.inputs.clone(),
            steps: self.steps(reckoned),
            calls: categories.iter().map(|c| c.calls).sum(),
            categories,
            done_at: best_ms.map(|ms| (now + ms).to_string()),
            limits,
            best_ms,
            disk_bytes: rows_bytes + file_bytes,
            file_bytes,
            left_out: self.left_out(reckoned),
            sampling: Sampled { calls: sampled_calls, most, by: self.purposes(probes) },
            notes,
        }
    }

    fn steps(&self, reckoned: &Reckoned) -> Vec<StepEstimate> {
        let plan = self.desk.run.program.plan();
        let each = plan.steps().map(|(id, step)| {
            let figures = reckoned.steps[id.index()];
            let half = ERRORS * reckoned.step_variance[id.index()].max(0.0).sqrt();
            StepEstimate {
                step: step.name.clone(),
                operation: step.operation.to_string(),
                category: step.category.map(|category| category.name().to_owned()),
                items: whole(figures.items),
                calls: whole(figures.calls),
                plus_minus: percent(half, figures.calls),
                rows: whole(figures.rows),
                sampled: self.sampled(id),
            }
        });
        each.collect()
    }

    fn sampled(&self, step: StepId) -> u64 {
        let nodes = self.tree.nodes.iter().filter(|node| node.step == step);
        nodes.filter_map(|node| node.answer.as_ref()).map(|known| known.spent).sum()
    }

    fn purposes(&self, probes: &[String]) -> Vec<SampledFor> {
        let probe = |operation: &String| SampledFor {
            operation: operation.clone(),
            calls: 1,
            purpose: "whether it is granted".to_owned(),
        };
        let plan = self.desk.run.program.plan();
        let mut by: Vec<SampledFor> = probes.iter().map(probe).collect();
        for (id, step) in plan.steps() {
            let calls = self.sampled(id);
            if calls > 0 {
                let known = self.tree.nodes.iter().filter(|node| node.step == id);
                let items = known.filter(|node| node.answer.is_some()).count();
                by.push(SampledFor {
                    operation: step.operation.to_string(),
                    calls,
                    purpose: format!("step {}, {items} items", step.name),
                });
            }
        }
        by
    }

    fn left_out(&self, reckoned: &Reckoned) -> Vec<LeftOut> {
        let plan = self.desk.run.program.plan();
        let mut left_out = Vec::new();
        for (id, step) in plan.steps() {
            let of_step = self.tree.nodes.iter().filter(|node| node.step == id);
            let reasons: BTreeSet<&Left> = of_step.filter_map(|n| n.left.as_ref()).collect();
            for left in reasons {
                left_out.push(LeftOut {
                    step: step.name.clone(),
                    operation: step.operation.to_string(),
                    why: left.why.to_owned(),
                    what: watershed_model::printable(&left.what, 200),
                    items: whole(reckoned.steps[id.index()].left),
                });
            }
        }
        left_out
    }

    fn notes(
        &self,
        reckoned: &Reckoned,
        categories: &[CategoryEstimate],
        most: u64,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        let ended = self.desk.ended.load(Ordering::Relaxed);
        if ended {
            notes.push(
                "the sample ended early: the account answered no more calls (its day's budget is \
                 spent, or nobody answers)"
                    .to_owned(),
            );
        }
        let spent = self.desk.calls().saturating_sub(self.whole);
        for told in categories.iter().filter(|c| c.plus_minus > GOAL_PERCENT) {
            let wanted = (spent as f64 * (told.plus_minus / GOAL_PERCENT).powi(2)).ceil() as u64;
            let all = reckoned.calls.values().sum::<f64>().ceil() as u64;
            notes.push(format!(
                "{} calls are known to ± {:.1} % only: at most {most} sampling calls were \
                 allowed, and items differ much; `--sample {}` comes closer",
                told.category,
                told.plus_minus,
                wanted.clamp(most + 1, all.max(most + 1))
            ));
        }
        let plan = self.desk.run.program.plan();
        for stratum in reckoned.strata.iter().filter(|s| s.asked == 0 && s.known > 0 && !s.free) {
            let steps: Vec<&str> =
                stratum.steps.iter().map(|id| plan.step(*id).name.as_str()).collect();
            notes.push(format!(
                "nothing of step {} was asked: what hangs beneath its {} known items is not \
                 counted",
                steps.join(" and "),
                stratum.known
            ));
        }
        notes
    }
}

fn whole(figure: f64) -> u64 {
    figure.round().max(0.0) as u64
}

/// A half width in percent, one digit.
fn percent(half: f64, of: f64) -> f64 {
    if of < 0.5 { 0.0 } else { (1_000.0 * half / of).round() / 10.0 }
}
