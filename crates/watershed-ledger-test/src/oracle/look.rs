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
        let live = run.tree.nodes.iter().filter(|n| n.surely_held(now)).count() as u64;
        let all = run.tree.nodes.iter().filter(|n| n.held.is_some()).count() as u64;
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
            if run.tree.nodes.iter().any(|n| n.surely_held(now)) {
                return Err(format!("{id} is cancelled while tasks are leased"));
            }
            run.state = RunState::Cancelled;
            for node in run.tree.nodes.iter_mut().filter(|n| n.open()) {
                node.stage = Stage::Dropped;
                node.held = None;
            }
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
        for (at, seen) in view.steps.iter().enumerate() {
            let step = step_id(at);
            let mut must = self.step(step);
            if cancelled {
                // What is dropped is neither open nor closed.
                must.open = seen.open;
                must.is_final = seen.is_final;
            }
            if *seen != must {
                return Err(format!(
                    "{} step{at} shows\n  {seen:?}, not\n  {must:?}",
                    self.submit.run
                ));
            }
        }
        Ok(())
    }

    fn step(&self, step: StepId) -> StepCounts {
        let ended = |end| self.at(step, |s| s == Stage::Closed(end));
        StepCounts {
            known: self.at(step, |s| s != Stage::Merged),
            done: ended(End::Done) + self.at(step, |s| s == Stage::Known),
            skipped: ended(End::Skipped),
            unavailable: ended(End::Unavailable),
            waiting: ended(End::Waiting),
            failed: self.at(step, |s| s == Stage::Failed),
            open: self.at(step, |s| s == Stage::Open),
            is_final: !self.may_grow(step),
        }
    }

    /// Whether anything that leads to a step is open.
    fn may_grow(&self, step: StepId) -> bool {
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
        let above = &leading[1..];
        let open = self.tree.nodes.iter().any(|n| n.open() && above.contains(&n.step));
        let waits = |step: &StepId| {
            let slots = self.tree.scopes.iter().flat_map(|s| &s.slots);
            slots.into_iter().any(|s| !s.released && plan.joins[s.join].step == *step)
        };
        open || leading.iter().any(waits)
    }

    fn calls(&self, view: &RunView) -> Result<(), Wrong> {
        let mut calls: BTreeMap<String, u64> = BTreeMap::new();
        let mut repeated: BTreeMap<String, u64> = BTreeMap::new();
        let mut throttled: BTreeMap<String, u64> = BTreeMap::new();
        for call in &self.calls {
            let category = call.category.map_or("none", Category::name);
            *calls.entry(category.to_owned()).or_default() += call.calls;
            if let Some(cause) = &call.repeat {
                *repeated.entry(cause.clone()).or_default() += 1;
            }
            if let Some(throttle) = call.throttle {
                let kind = if throttle.daily { "daily" } else { "per_second" };
                *throttled.entry(kind.to_owned()).or_default() += 1;
            }
        }
        let seen = |map: &BTreeMap<String, u64>| -> BTreeMap<String, u64> {
            map.iter().filter(|(_, n)| **n > 0).map(|(k, n)| (k.clone(), *n)).collect()
        };
        let must = (seen(&calls), seen(&repeated), seen(&throttled));
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
