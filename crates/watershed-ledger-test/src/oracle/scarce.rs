//! What waits although it is ready, for the sake of what is scarce: told by walking all nodes.
//!
//! Newest first over all branches: an item of a step that goes newest first and whose calls a
//! day counts waits while anything that leads to the step may bring a newer one, unless today
//! has calls enough for all, or the rest of the day is needed for those it has. Hold-back: an
//! item of any other step that goes newest first waits while all that it feeds has enough.

use watershed_model::{Category, Limit, Millis, Order, Period, Source, StepId, Trigger};

use super::budget::Audit;
use super::follow::{Oracle, Run, step_id};
use super::order;
use super::tree::{Node, Stage};

/// What a tenth of a call, or of a second, could turn is left open.
const CALLS_NEAR: f64 = 0.1;
const NEAR_MS: f64 = 100.0;
/// A category that met a 429 may be slowed down so much.
const SLOWED: f64 = 3.0;

/// Whether something ready must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It may be leased.
    No,
    /// It hangs on what the oracle cannot see.
    Perhaps,
    /// It must not be leased.
    Surely,
}

/// A run's nodes, counted by step.
pub(crate) struct Census<'a> {
    run: &'a Run,
    audit: Option<&'a Audit>,
    start: Millis,
    steps: Vec<Count>,
    known: std::cell::RefCell<Vec<((StepId, u16), Kept)>>,
}

#[derive(Default, Clone)]
struct Count {
    known: u64,
    closed: u64,
    /// Months of what is open, 0 where none is known.
    open: Vec<u16>,
    surely_held: u64,
    perhaps_held: u64,
}

impl Oracle {
    /// A run's nodes as they stand; `start` is when a call that is leased now could start.
    pub(crate) fn census<'a>(&'a self, run: &'a Run, start: Millis, now: Millis) -> Census<'a> {
        let plan = &run.submit.plan;
        let mut steps = vec![Count::default(); plan.steps.len()];
        let audit = self.audits.get(&run.submit.account);
        let census = Census { run, audit, start, steps: Vec::new(), known: Default::default() };
        // Where nothing is scarce, nothing waits for its sake.
        let scarce = (0..plan.steps.len()).any(|step| census.is_scarce(step_id(step)));
        for node in run.tree.nodes.iter().filter(|_| scarce) {
            let count = &mut steps[node.step.index()];
            count.known += u64::from(node.stage != Stage::Merged);
            match node.stage {
                Stage::Open => {
                    let dated = plan.step(node.step).order == Order::NewestFirst;
                    count.open.push(if dated { node.bucket } else { 0 });
                    count.surely_held += u64::from(node.surely_held(now));
                    count.perhaps_held += u64::from(node.held.is_some());
                }
                Stage::Closed(_) | Stage::Failed | Stage::Known => count.closed += 1,
                Stage::Dropped | Stage::Merged => {}
            }
        }
        Census { steps, ..census }
    }
}

impl Census<'_> {
    /// For whose sake anything ready of the run surely waits.
    pub(crate) fn waits(&self, now: Millis) -> Vec<&'static str> {
        let ready = self.run.tree.open().filter(|(_, node)| order::ready(node, now));
        let kept = ready.filter(|(_, node)| self.kept(node) == Kept::Surely);
        let why = kept.map(|(_, node)| match self.held_back(node.step, node.bucket) {
            true => "an item that is held back",
            false => "a scarce item that waits for newer ones",
        });
        why.collect()
    }

    /// Whether a node of the run must wait.
    pub(crate) fn kept(&self, node: &Node) -> Kept {
        let (step, month) = (node.step, node.bucket);
        let event = self.run.submit.trigger == Trigger::Event;
        if event || !self.newest_first(step) || node.checkpoint.is_some() {
            return Kept::No;
        }
        let same = |known: &&((StepId, u16), Kept)| known.0 == (step, month);
        if let Some((_, kept)) = self.known.borrow().iter().find(same) {
            return *kept;
        }
        let kept =
            if self.held_back(step, month) { Kept::Surely } else { self.newer_first(step, month) };
        self.known.borrow_mut().push(((step, month), kept));
        kept
    }

    fn newest_first(&self, step: StepId) -> bool {
        self.run.submit.plan.step(step).order == Order::NewestFirst
    }

    fn days(&self, step: StepId) -> Vec<&Limit> {
        let category = self.run.submit.plan.step(step).category;
        let of = |l: &&Limit| category.is_some_and(|c| l.categories.contains(c));
        let limits = self.audit.map_or(&[][..], Audit::limits).iter().filter(of);
        limits.filter(|l| l.period == Period::Day).collect()
    }

    fn is_scarce(&self, step: StepId) -> bool {
        self.newest_first(step) && !self.days(step).is_empty()
    }

    fn held_back(&self, step: StepId, month: u16) -> bool {
        if month == 0 || !self.newest_first(step) || self.is_scarce(step) {
            return false;
        }
        let fed: Vec<StepId> = (0..self.steps.len())
            .map(step_id)
            .filter(|s| self.feeders(*s).contains(&step) && self.steps[s.index()].known > 0)
            .collect();
        !fed.is_empty() && fed.into_iter().all(|s| self.has_enough(s, month))
    }

    fn has_enough(&self, step: StepId, month: u16) -> bool {
        if !self.is_scarce(step) {
            return self.held_back(step, month);
        }
        let calls = self.days(step).iter().map(|l| l.calls.floor()).fold(f64::INFINITY, f64::min);
        let open = self.steps[step.index()].open.iter().filter(|m| **m >= month).count();
        open > 0 && open as f64 >= 2.0 * calls
    }

    fn newer_first(&self, step: StepId, month: u16) -> Kept {
        let category = self.run.submit.plan.step(step).category;
        let (Some(audit), Some(category)) = (self.audit, category.filter(|_| self.is_scarce(step)))
        else {
            return Kept::No;
        };
        let left = audit.left_today(category, self.start);
        let above = self.above(step);
        let may_be_newer = |above: &StepId| {
            self.steps[above.index()]
                .open
                .iter()
                .any(|m| *m == 0 || (*m > month && !self.held_back(*above, *m)))
        };
        if !above.iter().any(may_be_newer) {
            return Kept::No;
        }
        if left <= 0.0 {
            return Kept::Perhaps;
        }
        let count = &self.steps[step.index()];
        let to_call_for = count.open.len() as f64 + self.to_come(step);
        if to_call_for - count.surely_held as f64 <= left - CALLS_NEAR {
            return Kept::No;
        }
        let few = to_call_for - count.perhaps_held as f64 <= left + CALLS_NEAR;
        match self.rest_of_the_day(audit, category, left) {
            Kept::Surely if few => Kept::Perhaps,
            rest => rest,
        }
    }

    /// Whether it is too early in the day to take what is there.
    fn rest_of_the_day(&self, audit: &Audit, category: Category, left: f64) -> Kept {
        let (gap_ms, refused) = audit.gap_ms(category);
        let day_ms = Millis::DAY as f64;
        let rest_ms = |gap_ms: f64| (left * gap_ms * 1.1 + 600_000.0).min(day_ms);
        let to_go_ms = (self.start.next_day() - self.start) as f64;
        let slowed_ms = rest_ms(gap_ms * if refused { SLOWED } else { 1.0 });
        if to_go_ms <= rest_ms(gap_ms) - NEAR_MS {
            Kept::No
        } else if to_go_ms > slowed_ms + NEAR_MS {
            Kept::Surely
        } else {
            Kept::Perhaps
        }
    }

    fn feeders(&self, step: StepId) -> Vec<StepId> {
        match &self.run.submit.plan.step(step).source {
            Source::Items(feeds) => feeds.iter().map(|f| f.step).collect(),
            Source::Run | Source::Literals(_) | Source::Join(_) => Vec::new(),
        }
    }

    fn above(&self, step: StepId) -> Vec<StepId> {
        let mut above = self.feeders(step);
        let mut at = 0;
        while at < above.len() {
            for step in self.feeders(above[at]) {
                if !above.contains(&step) {
                    above.push(step);
                }
            }
            at += 1;
        }
        above
    }

    /// Items of a step that what is open above it will bring, by what came so far.
    fn to_come(&self, step: StepId) -> f64 {
        let (mut open, mut to_come, mut closed) = (0, 0.0, 0);
        for feed in self.feeders(step) {
            let count = &self.steps[feed.index()];
            open += count.open.len() as u64;
            to_come += self.to_come(feed);
            closed += count.closed;
        }
        let pending = open as f64 + to_come;
        if pending == 0.0 {
            return 0.0;
        }
        let hardly_known = closed == 0 || (closed < 20 && open > closed);
        if hardly_known || pending == f64::INFINITY {
            return f64::INFINITY;
        }
        let known = self.steps[step.index()].known as f64;
        pending * known * if closed < 20 { 2.0 } else { 1.0 } / closed as f64
    }
}
