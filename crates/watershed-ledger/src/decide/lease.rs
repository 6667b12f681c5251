//! Leasing: what may start now, with its permit, in the same act.
//!
//! Order: runs by class, then as submitted; of a run first what is poisoned (it needs no
//! permit), then its categories in turns, so that none uses up the slots of another; within
//! one, old page tokens first, then `order`, less what `scarce` bars. What is suspected of
//! killing workers is worked on alone (docs/adr/0009).

use watershed_model::{Category, Millis, RunId, RunState};

use super::budgets::Budgets;
use super::exchange::{Grounds, touched};
use super::heads::{Head, Heads};
use super::show::show;
use super::take::{Taker, Then, leaves, task};
use crate::budget::Permit;
use crate::fold::Ground;
use crate::order;
use crate::scarce::{Bar, Scarce};
use crate::tables::{Budget, Ready, Tables};
use crate::{Error, Exchange, Exchanged, LeaseId};

/// A page token of this age goes before everything: it lives 15 minutes.
const TOKEN_OLD_MS: i64 = 5 * 60_000;
/// Leases lost in a row that make a task a suspect: whatever else was in flight with it may
/// have been the cause, or somebody who killed the process.
const SUSPECT_LOST: u16 = 3;
/// And that make it poisoned: the last ones it lost alone.
pub(super) const LOST_MAX: u16 = 6;
/// A suspect's permit that is further off is not waited for.
const SUSPECT_WAIT_MS: i64 = 2_000;
/// Delayed tasks that become ready in one exchange.
const DUE_MAX: usize = 256;
/// Work that is open and waits for nothing known is looked at again after this.
const LOOK_AGAIN_MS: i64 = 1_000;
/// Categories, the scarce ones first, and last the work that no limit counts.
const CATEGORIES: [Option<Category>; 5] = [
    Some(Category::ResourceIntensive),
    Some(Category::Heavy),
    Some(Category::Medium),
    Some(Category::Light),
    None,
];

pub(super) fn lease(
    tables: &mut impl Tables,
    (grounds, budgets): (&mut Grounds, &mut Budgets),
    runs: &[RunId],
    exchange: &Exchange,
    now: Millis,
    answer: &mut Exchanged,
) -> Result<Option<LeaseId>, Error> {
    let mut taker = Taker {
        exchange,
        now,
        left: usize::from(exchange.want.tasks),
        ask_again_at: None,
        leases: Vec::new(),
        alone: None,
    };
    let mut leased = false;
    taker.alone = still_alone(tables, exchange)?;
    if taker.alone.is_some() {
        taker.left = 0;
    }
    for run in runs {
        let ground = touched(tables, grounds, run)?;
        match ground.run.state {
            RunState::Running => {
                wake(tables, ground, now)?;
                let budget = budgets.of(tables, &ground.run.account)?;
                taker.serve(tables, ground, budget)?;
                if taker.left == 0 {
                    taker.ask(now + LOOK_AGAIN_MS);
                }
                if let Some(due) = tables.first_due(run)? {
                    taker.ask(due);
                }
            }
            // There is more to drop.
            RunState::Cancelling if !tables.open_work(run, 1)?.is_empty() => taker.ask(now),
            RunState::Cancelling
            | RunState::Paused
            | RunState::Cancelled
            | RunState::Failed
            | RunState::Complete => {}
        }
        leased = leased || tables.leased(run)? > 0;
    }
    if leased && let Some(until) = tables.first_run_out()? {
        taker.ask(until);
    }
    answer.ask_again_at = taker.ask_again_at.map(|at| at.max(now));
    let alone = taker.alone;
    for lease in taker.leases {
        let ground = touched(tables, grounds, &lease.run)?;
        show(tables, ground, &lease, &mut answer.leased)?;
    }
    Ok(alone)
}

/// The lease of a suspect that the worker has not brought to an end.
fn still_alone(tables: &mut impl Tables, exchange: &Exchange) -> Result<Option<LeaseId>, Error> {
    let Some(id) = tables.worker(&exchange.worker)?.and_then(|last| last.alone) else {
        return Ok(None);
    };
    Ok(tables.lease(id)?.filter(|lease| lease.worker == exchange.worker).map(|lease| lease.id))
}

/// Delayed tasks that are due become ready.
fn wake(tables: &mut impl Tables, ground: &Ground, now: Millis) -> Result<(), Error> {
    for id in tables.due(&ground.run.run, now, DUE_MAX)? {
        if let Some(task) = tables.task(id)? {
            tables.put_task(&task, Some(&order::of_task(&ground.plan, &task)))?;
        }
    }
    Ok(())
}

impl Taker<'_> {
    fn serve(
        &mut self,
        tables: &mut impl Tables,
        ground: &mut Ground,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        if self.left == 0 {
            return Ok(());
        }
        let run = ground.run.run.clone();
        for id in tables.poisoned(&run, LOST_MAX, self.left)? {
            self.take_task(tables, ground, id, None, self.free_slot())?;
        }
        self.suspect(tables, ground, budget)?;
        let mut turn: Vec<Option<Category>> = CATEGORIES.to_vec();
        while self.left > 0 && !turn.is_empty() {
            let mut next = Vec::new();
            for (at, category) in turn.iter().enumerate() {
                let fair = self.left.div_ceil(turn.len() - at);
                if self.category(tables, ground, *category, fair, budget)? == Then::More {
                    next.push(*category);
                }
            }
            turn = next;
        }
        // The worker has no slot left for what these have: it asks when it has, and a permit
        // is there.
        for category in turn {
            let heads = Heads::of(tables, ground, category)?;
            let scarce = Scarce::of(ground, budget, self.start());
            if heads.foremost(&scarce, |_| {}).is_some() {
                self.ask(self.may_start(category, budget));
            }
        }
        Ok(())
    }

    /// The foremost ready thing that nothing bars. What is barred is asked for again when the
    /// rest of the day begins, and soon where a settle may lift the bar.
    fn foremost(&mut self, ground: &Ground, budget: &Budget, heads: &Heads) -> Option<Head> {
        let scarce = Scarce::of(ground, budget, self.start());
        let leased = ground.counts.steps.iter().any(|tally| tally.leased > 0);
        heads.foremost(&scarce, |bar| {
            if leased {
                self.ask(self.now + LOOK_AGAIN_MS);
            }
            if let Bar::Newer { until, .. } = bar {
                self.ask(until + -self.exchange.want.lead_ms);
            }
        })
    }

    /// Where the run has a suspect: takes it, if the worker has nothing else; then, or until the
    /// worker has nothing else, takes nothing more.
    fn suspect(
        &mut self,
        tables: &mut impl Tables,
        ground: &mut Ground,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        let suspects = tables.poisoned(&ground.run.run, SUSPECT_LOST, 1)?;
        let Some(id) = suspects.first().filter(|_| self.left > 0).copied() else { return Ok(()) };
        let task = task(tables, id)?;
        if task.due_at > self.now {
            return Ok(());
        }
        let claim = self.claim(tables, ground, budget, task.step, task.checkpoint.is_some())?;
        if let Some(claim) = claim
            && let Permit::Later(at) =
                budget.clone().permit(claim, self.start(), self.exchange.want.horizon_ms)
        {
            self.ask(at + -self.exchange.want.lead_ms);
            if at - self.now < SUSPECT_WAIT_MS {
                self.left = 0;
            }
            return Ok(());
        }
        if self.leases.is_empty() && tables.leases_of(&self.exchange.worker)?.is_empty() {
            let slot = self.permit(claim, budget).unwrap_or_else(|| self.free_slot());
            self.take_task(tables, ground, id, claim.map(|c| c.category), slot)?;
            self.alone = self.leases.last().map(|lease| lease.id);
        }
        self.left = 0;
        Ok(())
    }

    fn may_start(&self, category: Option<Category>, budget: &Budget) -> Millis {
        let Some(category) = category else { return self.now + LOOK_AGAIN_MS };
        match budget.clone().permit(category, self.start(), self.exchange.want.horizon_ms) {
            Permit::Granted(_) => self.now + LOOK_AGAIN_MS,
            Permit::Later(at) => at + -self.exchange.want.lead_ms,
        }
    }

    /// Takes up to `max` tasks of a category.
    fn category(
        &mut self,
        tables: &mut impl Tables,
        ground: &mut Ground,
        category: Option<Category>,
        max: usize,
        budget: &mut Budget,
    ) -> Result<Then, Error> {
        let goal = self.left.saturating_sub(max);
        // Strictly older ones are asked for.
        let mut old = self.now + (1 - TOKEN_OLD_MS);
        let mut last_calls = false;
        let mut heads = Heads::of(tables, ground, category)?;
        while self.left > goal {
            let run = &ground.run.run;
            let (next, head) = match tables.aging(run, category, old, 1)?.first() {
                Some(id) => (Ready::Task(*id), None),
                None if last_calls => return Ok(Then::Dry),
                None => match self.foremost(ground, budget, &heads) {
                    Some(head) => (head.ready, Some(head)),
                    None => return Ok(Then::Dry),
                },
            };
            match next {
                Ready::Task(id) => {
                    let task = task(tables, id)?;
                    let under_way = task.checkpoint.is_some();
                    let claim = self.claim(tables, ground, budget, task.step, under_way)?;
                    let Some(slot) = self.permit(claim, budget) else {
                        if last_calls || !leaves(claim) {
                            return Ok(Then::Dry);
                        }
                        (last_calls, old) = (true, Millis(i64::MAX));
                        continue;
                    };
                    self.take_task(tables, ground, id, claim.map(|c| c.category), slot)?;
                    if let Some(head) = head {
                        self.bound_tasks(tables, ground, heads.place(head), claim, budget)?;
                    }
                }
                Ready::Chunk(id) => {
                    let max = self.left - goal;
                    let (then, claim) = self.take_range(tables, ground, id, max, budget)?;
                    if then == Then::Dry {
                        if last_calls || !leaves(claim) {
                            return Ok(Then::Dry);
                        }
                        (last_calls, old) = (true, Millis(i64::MAX));
                    }
                }
            }
            match head {
                Some(head) => heads.taken_of(tables, &ground.run.run, head)?,
                None => heads = Heads::of(tables, ground, category)?,
            }
        }
        Ok(Then::More)
    }
}
