//! What must be seen of a run: counts, states and calls, walked together from everything.

use std::collections::BTreeMap;

use watershed_ledger::{End, RunView, StepCounts};
use watershed_model::{Category, Millis, RunId, RunState, Source, StepId};

use super::follow::{Oracle, Run, Wrong, step_id};
use super::tree::Stage;

impl Oracle {
    /// Whether a run looks as it must.
    pub(crate) fn look(&mut self, id: &RunId, view: &RunView, now: Millis) -> Result<(), Wrong> {
        self.cancelled(id, view, now)?;
        let run = &self.runs[id];
        if view.state != run.state {
            return Err(format!("{id} is {}, not {}", view.state.name(), run.state.name()));
        }
        if view.why.is_some() != (run.state == RunState::Failed) {
            return Err(format!("{id} is {} because of {:?}", run.state.name(), view.why));
        }
        if view.ended_at.is_some() != run.state.ended() {
            return Err(format!("{id} is {} since {:?}", run.state.name(), view.ended_at));
        }
        let live = run.tree.open().filter(|(_, n)| n.surely_held(now)).count() as u64;
        let all = run.tree.open().filter(|(_, n)| n.held.is_some()).count() as u64;
        if view.leased < live || view.leased > all {
            return Err(format!("{id} has {} leased, not {live} to {all}", view.leased));
        }
        run.counts(view)?;
        run.calls(view)
    }

    /// A run that is being cancelled ends once nothing of it is leased; when exactly its open
    /// items are dropped, no rule fixes.
    fn cancelled(&mut self, id: &RunId, view: &RunView, now: Millis) -> Result<(), Wrong> {
        let run = self.runs.get_mut(id).expect("the run is known");
        if run.state == RunState::Cancelling && view.state == RunState::Cancelled {
            if run.tree.open().any(|(_, n)| n.surely_held(now)) {
                return Err(format!("{id} is cancelled while tasks are leased"));
            }
            run.state = RunState::Cancelled;
            run.tree.each_open(|node| {
                node.stage = Stage::Dropped;
                node.held = None;
            });
        }
        Ok(())
    }
}

impl Run {
    fn counts(&self, view: &RunView) -> Result<(), Wrong> {
        let plan = &self.submit.plan;
        if view.steps.len() != plan.steps.len() {
            return Err(format!("{} steps in view", view.steps.len()));
        }
        let cancelled = matches!(self.state, RunState::Cancelling | RunState::Cancelled);
        let mut steps = self.walked();
        self.finals(&mut steps);
        for (at, (seen, must)) in view.steps.iter().zip(&mut steps).enumerate() {
            if cancelled {
                // What is dropped is neither open nor closed.
                must.open = seen.open;
                must.is_final = seen.is_final;
            }
            if seen != must {
                return Err(format!(
                    "{} step{at} shows\n  {seen:?}, not\n  {must:?}",
                    self.submit.run
                ));
            }
        }
        Ok(())
    }

    /// The counts of all steps, from every node that there is.
    fn walked(&self) -> Vec<StepCounts> {
        let mut steps = vec![StepCounts::default(); self.submit.plan.steps.len()];
        for node in &self.tree.nodes {
            let counts = &mut steps[node.step.index()];
            counts.known += u64::from(node.stage != Stage::Merged);
            match node.stage {
                Stage::Closed(End::Done) | Stage::Known => counts.done += 1,
                Stage::Closed(End::Skipped) => counts.skipped += 1,
                Stage::Closed(End::Unavailable) => counts.unavailable += 1,
                Stage::Closed(End::Waiting) => counts.waiting += 1,
                Stage::Failed => counts.failed += 1,
                Stage::Open => counts.open += 1,
                Stage::Dropped | Stage::Merged => {}
            }
        }
        steps
    }

    /// A step is final when nothing that leads to it is open.
    fn finals(&self, steps: &mut [StepCounts]) {
        let plan = &self.submit.plan;
        let mut waits = vec![false; steps.len()];
        for (_, slot) in self.tree.waiting() {
            waits[plan.joins[slot.join].step.index()] = true;
        }
        for at in 0..steps.len() {
            let leading = self.leading(step_id(at));
            let open = leading[1..].iter().any(|s| steps[s.index()].open > 0);
            steps[at].is_final = !open && !leading.iter().any(|s| waits[s.index()]);
        }
    }

    /// A step, and all that leads to it.
    fn leading(&self, step: StepId) -> Vec<StepId> {
        let plan = &self.submit.plan;
        let mut leading = vec![step];
        let mut at = 0;
        while at < leading.len() {
            let more: Vec<StepId> = match &plan.step(leading[at]).source {
                Source::Run | Source::Literals(_) => Vec::new(),
                Source::Items(feeds) => feeds.iter().map(|f| f.step).collect(),
                Source::Join(_) => plan
                    .joins
                    .iter()
                    .filter(|j| j.step == leading[at])
                    .flat_map(|j| j.watches.clone())
                    .collect(),
            };
            for step in more {
                if !leading.contains(&step) {
                    leading.push(step);
                }
            }
            at += 1;
        }
        leading
    }

    fn calls(&self, view: &RunView) -> Result<(), Wrong> {
        let mut calls: BTreeMap<&str, u64> = BTreeMap::new();
        let mut repeated: BTreeMap<&str, u64> = BTreeMap::new();
        let mut throttled: BTreeMap<&str, u64> = BTreeMap::new();
        for call in &self.calls {
            let category = call.category.map_or("none", Category::name);
            *calls.entry(category).or_default() += call.calls;
            if let Some(cause) = call.repeat {
                *repeated.entry(cause).or_default() += 1;
            }
            if let Some(throttle) = call.throttle {
                let kind = if throttle.daily { "daily" } else { "per_second" };
                *throttled.entry(kind).or_default() += 1;
            }
        }
        calls.retain(|_, n| *n > 0);
        let must = (calls, repeated, throttled);
        let is = (seen(&view.calls), seen(&view.repeated), seen(&view.throttled));
        if is != must {
            return Err(format!("calls, repeats, throttles {is:?}, not {must:?}"));
        }
        let least: u64 = self.calls.iter().map(|c| c.least).sum();
        if view.least != least {
            return Err(format!("the least is {}, not {least}", view.least));
        }
        Ok(())
    }
}

fn seen(counts: &BTreeMap<String, u64>) -> BTreeMap<&str, u64> {
    counts.iter().filter(|(_, n)| **n > 0).map(|(name, n)| (name.as_str(), *n)).collect()
}
