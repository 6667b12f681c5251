//! Joins: the levels at which they stand, and what each of them watches.

use std::collections::BTreeSet;

use watershed_model::{Source, Step, StepId};

use super::{Level, Shape};

/// A join and what it watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watch {
    pub(crate) join: StepId,
    pub(crate) watches: BTreeSet<StepId>,
}

impl Shape {
    /// The levels at which joins stand, as paths; the run first, then by depth. A level is
    /// behind every level above it.
    pub(crate) fn scope_levels(&self) -> Vec<Vec<Level>> {
        let mut levels: Vec<Vec<Level>> = vec![Vec::new()];
        for (index, stand) in self.stands.iter().enumerate() {
            if let Some(length) = stand {
                let path = self.paths[index][..*length].to_vec();
                if !levels.contains(&path) {
                    levels.push(path);
                }
            }
        }
        levels.sort_by_key(Vec::len);
        levels
    }

    /// The deepest of `levels` that is part of `path`.
    pub(crate) fn deepest(levels: &[Vec<Level>], path: &[Level]) -> usize {
        levels.iter().rposition(|level| path.starts_with(level)).unwrap_or(0)
    }

    /// What every join watches.
    ///
    /// Downward from its needs: everything that they feed, and the joins deeper than it that
    /// need any of it. Upward from there, not above its own level: everything that can still
    /// bring one of those more to do. So a count that has reached zero rises again only when
    /// a dead letter is put back.
    pub(crate) fn watches(&self, steps: &[Step]) -> Vec<Watch> {
        let joins: Vec<(StepId, &[StepId])> = super::ids(steps)
            .filter_map(|(id, step)| match &step.source {
                Source::Join(needs) => Some((id, needs.as_slice())),
                _ => None,
            })
            .collect();
        let mut needed_by: Vec<Vec<StepId>> = vec![Vec::new(); steps.len()];
        for (join, needs) in &joins {
            needs.iter().for_each(|need| needed_by[need.index()].push(*join));
        }
        joins
            .iter()
            .map(|(join, needs)| {
                let down = self.downward(*join, needs, &needed_by);
                Watch { join: *join, watches: self.upward(*join, down, steps) }
            })
            .collect()
    }

    fn downward(
        &self,
        join: StepId,
        needs: &[StepId],
        needed_by: &[Vec<StepId>],
    ) -> BTreeSet<StepId> {
        let here = self.standing(join);
        let deeper = |other: StepId| {
            let there = self.standing(other);
            there.len() > here.len() && there.starts_with(here)
        };
        let mut found = BTreeSet::new();
        let mut open: Vec<StepId> = needs.to_vec();
        while let Some(step) = open.pop() {
            if !found.insert(step) {
                continue;
            }
            open.extend(&self.fed[step.index()]);
            open.extend(needed_by[step.index()].iter().filter(|join| deeper(**join)));
        }
        found
    }

    fn upward(&self, join: StepId, from: BTreeSet<StepId>, steps: &[Step]) -> BTreeSet<StepId> {
        let here = self.standing(join);
        let mut open: Vec<StepId> = from.into_iter().collect();
        let mut found = BTreeSet::new();
        while let Some(step) = open.pop() {
            if !found.insert(step) {
                continue;
            }
            open.extend(
                leads_to(&steps[step.index()])
                    .into_iter()
                    .filter(|source| self.standing(*source).starts_with(here)),
            );
        }
        found
    }
}

/// The steps that a step takes items from, or waits for.
pub(crate) fn leads_to(step: &Step) -> Vec<StepId> {
    match &step.source {
        Source::Items(feeds) => feeds.iter().map(|f| f.step).collect(),
        Source::Join(needs) => needs.clone(),
        Source::Run | Source::Literals(_) => Vec::new(),
    }
}
