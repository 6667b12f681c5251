//! Sampling calls: each as the run itself would make it, but nothing of it is settled or kept.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use watershed_ledger::budget::Permit;
use watershed_ledger::tables::{Budget, Slot};
use watershed_ledger::{Checkpoint, Fence, LeaseId, Leased, Outcome};
use watershed_model::{Brood, Category, Millis, StepId};
use watershed_sink::Write;

use crate::active::ActiveRun;
use crate::conclude::Known;
use crate::covered;
use crate::error::Error;
use crate::files::Bar;
use crate::task::{self, Clocks, Job, Todo, Tools};
use crate::token::NoToken;

use super::tree::{Left, broods_of};

/// Tries of one call, and pages of one listing that begins again.
const TRIES_MAX: u16 = 8;
/// A permit is asked so far ahead.
const HORIZON_MS: i64 = 1_000;
/// A budget that frees later than this is spent: the sample ends there.
const PATIENCE_MS: i64 = 120_000;

/// Who asks.
pub(super) struct Desk {
    pub(super) run: Arc<ActiveRun>,
    pub(super) tools: Tools,
    pub(super) budget: Mutex<Budget>,
    /// Calls made, by operation.
    pub(super) spent: Mutex<BTreeMap<&'static str, u64>>,
    /// A day's budget is spent, or nobody answers: no further call.
    pub(super) ended: AtomicBool,
}

/// What an item was answered.
#[derive(Default)]
pub(super) struct Got {
    /// Calls that it costs the run; tries left out.
    pub(super) calls: u64,
    pub(super) broods: Vec<Brood>,
    pub(super) writes: Vec<Write>,
}

/// How an item ends where no call is made for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Before {
    /// It is asked.
    Asked,
    /// It costs nothing.
    Free,
    /// Nor does it bring anything.
    Left(Left),
}

impl Desk {
    /// Calls made so far.
    pub(super) fn calls(&self) -> u64 {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// How these items end, as far as that is known without a call: one query of the sink.
    ///
    /// # Errors
    /// The sink's.
    pub(super) async fn before(&self, items: &[(StepId, String)]) -> Result<Vec<Before>, Error> {
        let now = self.tools.clock.now();
        let mut jobs: Vec<Job> =
            items.iter().map(|(step, item)| self.job(self.leased(*step, item), now)).collect();
        covered::mark(&mut jobs, &self.tools, now).await?;
        Ok(jobs.iter().map(|job| self.told(job)).collect())
    }

    fn told(&self, job: &Job) -> Before {
        let known = match &job.todo {
            Todo::Ask(_) => return Before::Asked,
            Todo::Known(..) => return Before::Free,
            Todo::End(known) => &**known,
        };
        let left = |why, what: &str| Before::Left(Left { why, what: what.to_owned() });
        match known {
            Known::NotGranted(_) => {
                let scopes = self.run.operation(job.leased.step).scopes;
                left("scope", scopes.first().copied().unwrap_or_default())
            }
            Known::Stopped(_, stopped) => left(stopped.why.name(), &stopped.message),
            Known::Excluded(_, Bar::Consent(content)) => left("consent", content.name()),
            Known::Excluded(_, Bar::Redact) => left("redact", "texts in files"),
            Known::Excluded(_, Bar::Names) => left("users", "texts in files"),
            Known::Excluded(_, Bar::LeftOut) => left("users", "people who are left out"),
            _ => Before::Free,
        }
    }

    /// Asks an item to its end. `None` where no call may be made any more.
    ///
    /// # Errors
    /// A credential that is refused, the sink's.
    pub(super) async fn ask(&self, step: StepId, item: &str) -> Result<Option<Got>, Error> {
        let mut leased = self.leased(step, item);
        let mut got = Got::default();
        let mut tries = 0;
        loop {
            let now = self.tools.clock.now();
            let mut jobs = [self.job(leased.clone(), now)];
            covered::mark(&mut jobs, &self.tools, now).await?;
            let [mut job] = jobs;
            let mut slot = None;
            if matches!(job.todo, Todo::Ask(_)) {
                let Some(given) = self.permit(leased.category).await else { return Ok(None) };
                (job.start_from, job.start_until) = (given.from, given.until);
                (job.leased.start_from, job.leased.start_until) = (given.from, given.until);
                job.reckoned = Clocks::read(&*self.tools.clock);
                slot = Some(given);
            }
            let done = task::perform_one(job, &self.tools).await;
            if let Some(why) = done.fatal {
                let connection = self.run.connection().to_string();
                return Err(NoToken::Fatal { connection, why }.into());
            }
            let calls = done.settle.calls;
            self.count(&leased, calls, slot, done.settle.throttle);
            match &done.settle.outcome {
                Outcome::Released => {
                    tries += 1;
                    if tries > TRIES_MAX * 4 {
                        return Ok(None);
                    }
                    continue;
                }
                Outcome::Retry { at, .. } | Outcome::NotYet { at } => {
                    tries += 1;
                    if tries > TRIES_MAX || *at - self.tools.clock.now() > PATIENCE_MS {
                        self.ended.store(true, Ordering::Relaxed);
                        return Ok(None);
                    }
                    leased.attempts = 0;
                    self.tools.clock.sleep_until(*at).await;
                    continue;
                }
                Outcome::Restart => {
                    tries += 1;
                    if tries > TRIES_MAX {
                        return Ok(None);
                    }
                    (leased.checkpoint, got) = (None, Got::default());
                    continue;
                }
                Outcome::More { checkpoint, .. } => {
                    leased.checkpoint = Some(Checkpoint::clone(checkpoint));
                }
                Outcome::Closed { .. } | Outcome::Failed => leased.checkpoint = None,
            }
            got.calls += u64::from(calls);
            got.writes.extend(done.write);
            got.broods.extend(broods_of(done.settle.outcome));
            if leased.checkpoint.is_none() {
                return Ok(Some(got));
            }
        }
    }

    /// Waits for a permit. `None` where the day's budget is spent.
    async fn permit(&self, category: Option<Category>) -> Option<Slot> {
        loop {
            if self.ended.load(Ordering::Relaxed) {
                return None;
            }
            let now = self.tools.clock.now();
            let Some(category) = category else {
                return Some(Slot { from: now, until: now + HORIZON_MS, own: 0 });
            };
            let permit = self
                .budget
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .permit(category, now, HORIZON_MS);
            match permit {
                Permit::Granted(slot) => return Some(slot),
                Permit::Later(at) if at - now > PATIENCE_MS => {
                    self.ended.store(true, Ordering::Relaxed);
                    return None;
                }
                Permit::Later(at) => self.tools.clock.sleep_until(at).await,
            }
        }
    }

    fn count(
        &self,
        leased: &Leased,
        calls: u16,
        slot: Option<Slot>,
        throttle: Option<watershed_model::Throttle>,
    ) {
        let now = self.tools.clock.now();
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        if let (0, Some(slot), Some(category)) = (calls, slot, leased.category) {
            budget.give_back(category, slot, now);
        }
        if let Some(throttle) = throttle {
            budget.throttle(throttle, now);
        }
        drop(budget);
        if calls > 0 {
            let operation = self.run.operation(leased.step).id;
            let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
            *spent.entry(operation).or_default() += u64::from(calls);
        }
    }

    fn job(&self, leased: Leased, now: Millis) -> Job {
        let todo = task::prepare(&leased, &self.run, now);
        let (start_from, start_until) = (now, now + HORIZON_MS);
        let (run, reckoned) = (self.run.clone(), Clocks::read(&*self.tools.clock));
        Job { leased, run, start_from, start_until, reckoned, todo, died: false }
    }

    /// An item as a worker would have it; no ledger knows of it.
    fn leased(&self, step: StepId, item: &str) -> Leased {
        let now = self.tools.clock.now();
        Leased {
            fence: Fence { lease: LeaseId(0), nonce: 0, index: 0 },
            run: self.run.id.clone(),
            step,
            item: item.to_owned(),
            once: None,
            bucket: 0,
            checkpoint: None,
            attempts: 0,
            lost: 0,
            restarts: 0,
            poisoned: false,
            category: self.run.program.plan().step(step).category,
            start_from: now,
            start_until: now + HORIZON_MS,
            bound: false,
            scopes: Vec::new(),
            failures: Vec::new(),
        }
    }
}
