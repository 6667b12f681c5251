//! What waits although it is ready, for the sake of what is scarce. Pure.
//!
//! A step is scarce where it goes newest first and a limit of a day counts its calls. Two rules
//! make its months complete one after another, over all branches (docs/adr/0012):
//!
//! - *Newer months first.* An item of a scarce step waits while anything that leads to the step
//!   may still bring a newer one. Only where today's calls will not do for all that is
//!   expected, and only until the rest of the day is needed to spend them.
//! - *Hold-back.* An item of another step that goes newest first waits while every step that it
//!   feeds has enough of its month and newer ones: two days' calls, for a scarce one. What has
//!   no known month is never held back, since it may bring newer ones.
//!
//! Both bar a month only with every older one, so the head of a queue tells of all of it. They
//! never bar everything: what is held back makes no scarce item wait, so the first scarce step
//! with anything ready waits for something that is not held back, or not at all; and something
//! is held back only while some scarce step has open items.

use watershed_model::{Category, Millis, Order, Plan, Source, Step, StepId, Trigger};

use crate::fold::Ground;
use crate::tables::{Budget, Counts, Queue, Tally};

/// Days whose calls are kept waiting for a scarce step: what is found tomorrow to be newer
/// takes the place of none of today's.
const DAYS_WAITING: u64 = 2;
/// So many items of what feeds a step must have closed before it is believed how many they
/// bring. Where there are fewer in all (three lists of users), those that closed speak for as
/// many that are open, which may bring twice as much.
const KNOWN_FROM: u64 = 20;
const DOUBT: f64 = 2.0;
/// The rest of a day is what its calls take at their best, a tenth more, and ten minutes: for
/// tries that go wrong, and leases that get lost.
const REST_MORE: f64 = 1.1;
const REST_MORE_MS: f64 = 600_000.0;

/// Why something ready is not leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bar {
    /// That step may still bring newer months.
    Newer {
        /// The step.
        from: StepId,
        /// When the rest of the day begins, and nothing is waited for any more.
        until: Millis,
    },
    /// Enough waits for that scarce step.
    Enough {
        /// The step.
        step: StepId,
    },
}

/// A run and the budget that it draws on.
#[derive(Clone, Copy)]
pub(crate) struct Scarce<'a> {
    plan: &'a Plan,
    counts: &'a Counts,
    budget: &'a Budget,
    /// What came by an event waits for nothing.
    event: bool,
    now: Millis,
}

impl<'a> Scarce<'a> {
    /// `now`: when a call that is leased now could start.
    pub(crate) fn of(ground: &'a Ground, budget: &'a Budget, now: Millis) -> Scarce<'a> {
        let event = ground.run.trigger == Trigger::Event;
        Scarce { plan: &ground.plan, counts: &ground.counts, budget, event, now }
    }

    /// What bars the items of a queue of that month and all older ones.
    pub(crate) fn bar(&self, queue: Queue, month: u16) -> Option<Bar> {
        if self.event {
            return None;
        }
        match queue {
            Queue::Listed(_) => None,
            Queue::Undated(step) => self.newer(step, 0),
            Queue::Dated(step) => match self.held(step, month) {
                Some(step) => Some(Bar::Enough { step }),
                None => self.newer(step, month),
            },
        }
    }

    /// The calls a day of a scarce step; `None` for one that is not scarce.
    fn day_calls(&self, step: &Step) -> Option<u64> {
        let category = self.category(step).filter(|_| step.order == Order::NewestFirst)?;
        self.budget.day_calls(category)
    }

    fn category(&self, step: &Step) -> Option<Category> {
        let planned = step.category?;
        Some(self.budget.label(&step.operation).unwrap_or(planned))
    }

    fn tally(&self, step: StepId) -> &'a Tally {
        &self.counts.steps[step.index()]
    }

    /// The scarce step for whose sake items of that month, and all older ones, are held back.
    fn held(&self, id: StepId, month: u16) -> Option<StepId> {
        let step = self.plan.step(id);
        if step.order != Order::NewestFirst || self.day_calls(step).is_some() {
            return None;
        }
        let mut enough = None;
        // One that never had an item has no use for what this one brings.
        for fed in step.feeds.iter().filter(|fed| **fed > id && self.tally(**fed).known > 0) {
            let full = self.full(*fed, month)?;
            enough.get_or_insert(full);
        }
        enough
    }

    /// Whether a step has enough of that month and newer ones; then the scarce step that has.
    fn full(&self, id: StepId, month: u16) -> Option<StepId> {
        match self.day_calls(self.plan.step(id)) {
            Some(calls) => {
                let enough = (calls * DAYS_WAITING).max(1);
                (self.tally(id).open_from(month) >= enough).then_some(id)
            }
            None => self.held(id, month),
        }
    }

    /// Whether items of that month of a scarce step wait for newer ones.
    fn newer(&self, id: StepId, month: u16) -> Option<Bar> {
        let step = self.plan.step(id);
        let category = self.category(step).filter(|_| step.order == Order::NewestFirst)?;
        let (left, _) = self.budget.left_today(category, self.now)?;
        // Without calls left it is tomorrow that is waited for.
        if left == 0 {
            return None;
        }
        let rest_ms = left as f64 * self.budget.gap_ms(category, self.now) * REST_MORE;
        let rest_ms = (rest_ms + REST_MORE_MS).min(Millis::DAY as f64);
        let until = self.now.next_day() + -(rest_ms as i64);
        if self.now >= until {
            return None;
        }
        let above = self.above(id);
        let from = above.iter().copied().find(|above| self.brings(*above, month))?;
        (self.expected(id, &above) > left as f64).then_some(Bar::Newer { from, until })
    }

    /// Whether a step has an open item, not held back, that may bring one newer than that month.
    fn brings(&self, id: StepId, month: u16) -> bool {
        let tally = self.tally(id);
        let newest = tally.months.last_key_value().map(|(newest, _)| *newest);
        let newer = newest.filter(|newest| *newest > month);
        tally.undated() > 0 || newer.is_some_and(|newest| self.held(id, newest).is_none())
    }

    /// Steps that lead to a step by its fan-out, in the order of the plan.
    fn above(&self, id: StepId) -> Vec<StepId> {
        let mut above = Vec::new();
        let mut next = vec![id];
        while let Some(step) = next.pop() {
            for feeder in self.feeders(step) {
                if !above.contains(&feeder) {
                    above.push(feeder);
                    next.push(feeder);
                }
            }
        }
        above.sort_unstable();
        above
    }

    fn feeders(&self, id: StepId) -> impl Iterator<Item = StepId> + '_ {
        let feeds = match &self.plan.step(id).source {
            Source::Items(feeds) => feeds.as_slice(),
            Source::Run | Source::Literals(_) | Source::Join(_) => &[],
        };
        feeds.iter().map(|feed| feed.step)
    }

    /// Items that a step has to call for still, as far as it can be told from how many each
    /// step's items have brought so far; infinitely many where too little is known.
    fn expected(&self, id: StepId, above: &[StepId]) -> f64 {
        let mut to_come = vec![0.0; self.plan.steps.len()];
        for step in above.iter().chain([&id]) {
            let open = |from: StepId| self.tally(from).open as f64 + to_come[from.index()];
            let pending: f64 = self.feeders(*step).map(open).sum();
            if pending > 0.0 {
                let closed: u64 = self.feeders(*step).map(|from| self.tally(from).closed()).sum();
                let open: u64 = self.feeders(*step).map(|from| self.tally(from).open).sum();
                if closed == 0 || (closed < KNOWN_FROM && closed < open) {
                    return f64::INFINITY;
                }
                let doubt = if closed < KNOWN_FROM { DOUBT } else { 1.0 };
                let known = self.tally(*step).known as f64;
                to_come[step.index()] = pending * doubt * known / closed as f64;
            }
        }
        let tally = self.tally(id);
        tally.open.saturating_sub(tally.leased) as f64 + to_come[id.index()]
    }
}

#[cfg(test)]
mod tests;
