//! Following a ledger: each command and what was answered to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use watershed_ledger::{Command, Error, Exchanged, LeaseId, Letter, Reply, Submit};
use watershed_model::{
    AccountId, Category, ConnectionName, Millis, OnFailure, OperationId, Plan, RunId, RunState,
    StepId, Throttle, WorkerId,
};

use super::budget::Audit;
use super::tree::{Held, Node, Stage, Tree};
use crate::subject::COOL_MS;

/// What a ledger did that no rule allows.
pub(crate) type Wrong = String;

/// A call as it was settled.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) category: Option<Category>,
    pub(crate) calls: u64,
    pub(crate) least: u64,
    pub(crate) repeat: Option<&'static str>,
    pub(crate) throttle: Option<Throttle>,
}

/// A run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) submit: Arc<Submit>,
    pub(crate) state: RunState,
    pub(crate) tree: Tree,
    pub(crate) calls: Vec<Call>,
}

/// Everything that ever happened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Oracle {
    pub(crate) runs: BTreeMap<RunId, Run>,
    /// Of each worker its last exchange's number, and what was answered.
    pub(crate) workers: BTreeMap<WorkerId, (u64, Exchanged)>,
    pub(crate) audits: BTreeMap<AccountId, Audit>,
    /// Runs that ended by the last command.
    pub(crate) ended: Vec<RunId>,
    /// Whether the last command told a day's count that was lost.
    pub(crate) recalled: usize,
    /// The latest time of any command.
    pub(crate) latest: Millis,
    /// Accounts whose ledger has lost a tail: since when that is noticed for sure.
    pub(crate) cooling: BTreeMap<AccountId, Option<Millis>>,
    /// Accounts whose ledger has lost permits, and has not been told since what the sink knows.
    pub(crate) unsure: BTreeSet<AccountId>,
    /// Whether tails are lost here, and noticed: a worker that says what it holds has nothing else.
    pub(crate) loses_tails: bool,
}

impl Oracle {
    /// Takes a command and its answer in, or tells what is wrong with the answer.
    pub(crate) fn follow(
        &mut self,
        command: &Command,
        now: Millis,
        answer: &Result<Reply, Error>,
    ) -> Result<(), Wrong> {
        self.ended.clear();
        self.recalled = 0;
        self.latest = self.latest.max(now);
        self.notice(command, now);
        match (command, answer) {
            (_, Err(Error::Corrupt { place, why })) => Err(format!("{place} is damaged: {why}")),
            (Command::Submit(submit), answer) => self.submit(submit, answer),
            (Command::Exchange(exchange), Ok(Reply::Exchanged(reply))) => {
                self.exchange(exchange, reply, now)
            }
            (Command::Extend { worker, leases, lease_ms }, Ok(Reply::Extended { lost })) => {
                self.extend(worker, leases, now, *lease_ms, lost)
            }
            (Command::Takeover { worker }, Ok(Reply::TakenOver { tasks })) => {
                self.takeover(worker, *tasks, now)
            }
            (Command::Pause(run), answer) => {
                let legal = matches!(self.state(run), RunState::Running | RunState::Paused);
                self.turn(run, legal, RunState::Paused, answer)
            }
            (Command::Resume(run), answer) => {
                let legal = matches!(
                    self.state(run),
                    RunState::Running | RunState::Paused | RunState::Failed
                );
                self.turn(run, legal, RunState::Running, answer)
            }
            (Command::Cancel(run), answer) => self.cancel(run, answer),
            (Command::Retry { run, letters }, answer) => self.retry(run, letters, answer),
            (Command::SetLimits { account, limits, days, recount }, Ok(Reply::Done)) => {
                if recount.is_some() {
                    self.unsure.remove(account);
                }
                let audit = self.audits.entry(account.clone()).or_default();
                audit.set(limits);
                if audit.recall(days, recount.is_some(), now) {
                    self.recalled = 1;
                    // What was given before it was lost may be under way.
                    self.cooling.insert(account.clone(), Some(now));
                }
                Ok(())
            }
            (command, answer) => Err(format!("{command:?} was answered by {answer:?}")),
        }
    }

    /// The ledger has fallen back to this state, and its process, which lives on, knows what was
    /// since: of that, permits count in their seconds, whoever has forgotten them.
    pub(crate) fn lost_tail(&mut self, since: &Oracle) {
        for (account, audit) in &since.audits {
            if self.audits.entry(account.clone()).or_default().lost(audit) {
                self.unsure.insert(account.clone());
            }
            self.cooling.insert(account.clone(), None);
        }
        self.latest = since.latest;
        self.loses_tails = true;
    }

    /// A command changes an account, and so notices what its ledger has lost.
    fn notice(&mut self, command: &Command, now: Millis) {
        let of_lanes = |lanes: &[ConnectionName]| -> Vec<AccountId> {
            let runs = self.runs.values().filter(|run| lanes.contains(&run.submit.connection));
            runs.map(|run| run.submit.account.clone()).collect()
        };
        let accounts = match command {
            Command::SetLimits { account, .. } => vec![account.clone()],
            Command::Submit(submit) => vec![submit.account.clone()],
            Command::Exchange(exchange) => of_lanes(&exchange.want.lanes),
            // Whatever else is said, what comes next notices it as well.
            _ => Vec::new(),
        };
        for account in accounts {
            if let Some(since) = self.cooling.get_mut(&account) {
                since.get_or_insert(now);
            }
        }
    }

    /// Whether an account may be leased nothing of, because its ledger has lost a tail.
    pub(crate) fn may_cool(&self, account: &AccountId, now: Millis) -> bool {
        let until = |since: &Option<Millis>| since.map_or(Millis(i64::MAX), |at| at + COOL_MS);
        self.cooling.get(account).is_some_and(|since| now < until(since))
    }

    pub(crate) fn state(&self, run: &RunId) -> RunState {
        self.runs[run].state
    }

    fn submit(&mut self, submit: &Submit, answer: &Result<Reply, Error>) -> Result<(), Wrong> {
        let already = self.runs.contains_key(&submit.run);
        match answer {
            Ok(Reply::Submitted { already: said }) if *said == already => {}
            answer => return Err(format!("submit (there already: {already}) gave {answer:?}")),
        }
        if already {
            return Ok(());
        }
        let mut tree = Tree::default();
        tree.add_scope(&submit.plan, None, 0, 0, &submit.joins);
        let run = Run {
            submit: Arc::new(submit.clone()),
            state: RunState::Running,
            tree,
            calls: Vec::new(),
        };
        self.runs.insert(submit.run.clone(), run);
        self.bring(&submit.run, 0, &submit.kin);
        self.settle_down(&submit.run);
        Ok(())
    }

    /// Adds children beneath a scope of a run.
    pub(crate) fn bring(&mut self, id: &RunId, scope: usize, kin: &[watershed_model::Kin]) {
        let mut run = self.runs.remove(id).expect("the run is known");
        let connection = run.submit.connection.clone();
        let submit = Arc::clone(&run.submit);
        let plan = &submit.plan;
        let state = run.state;
        let open_elsewhere = |operation: &OperationId, once: u64| {
            let lane = self.runs.values().filter(|r| r.submit.connection == connection);
            lane.into_iter().any(|r| key_open(r.state, &r.tree, &r.submit.plan, operation, once))
        };
        run.tree.add_kin(plan, scope, kin, &mut |tree, step, once| {
            let operation = &plan.step(step).operation;
            key_open(state, tree, plan, operation, once) || open_elsewhere(operation, once)
        });
        self.runs.insert(id.clone(), run);
    }

    /// Releases what waits for nothing any more, and ends the run where nothing is open.
    pub(crate) fn settle_down(&mut self, id: &RunId) {
        let run = self.runs.get_mut(id).expect("the run is known");
        if matches!(run.state, RunState::Cancelling | RunState::Cancelled) {
            return;
        }
        let submit = Arc::clone(&run.submit);
        let plan = &submit.plan;
        run.tree.turn_again(plan);
        run.tree.release(plan);
        if run.tree.complete() && !run.state.ended() {
            let exceeded = (0..plan.steps.len()).any(|s| run.exceeds(step_id(s)));
            run.state = if exceeded { RunState::Failed } else { RunState::Complete };
            self.ended.push(id.clone());
        }
    }

    /// Judges a run after an item of a step closed: by the item that makes a hundred of them,
    /// and by each dead letter after it.
    pub(crate) fn judge(&mut self, id: &RunId, step: StepId, failed: bool) {
        let run = self.runs.get_mut(id).expect("the run is known");
        if !matches!(run.state, RunState::Running | RunState::Paused) {
            return;
        }
        let strict = failed && run.submit.plan.step(step).on_failure == OnFailure::FailRun;
        let judged = || {
            let closed = run.closed(step);
            closed == 100 || (failed && closed > 100)
        };
        // Where there are no hundred items, no hundred are closed.
        if strict || (run.tree.nodes.len() >= 100 && judged() && run.exceeds(step)) {
            run.state = RunState::Failed;
            self.ended.push(id.clone());
        }
    }

    fn turn(
        &mut self,
        id: &RunId,
        legal: bool,
        to: RunState,
        answer: &Result<Reply, Error>,
    ) -> Result<(), Wrong> {
        let state = self.state(id);
        match (legal, answer) {
            (true, Ok(Reply::Done)) => {
                self.runs.get_mut(id).expect("the run is known").state = to;
                if to == RunState::Running {
                    self.settle_down(id);
                }
                Ok(())
            }
            (false, Err(Error::Illegal { .. })) => Ok(()),
            (_, answer) => Err(format!("from {} to {}: {answer:?}", state.name(), to.name())),
        }
    }

    fn cancel(&mut self, id: &RunId, answer: &Result<Reply, Error>) -> Result<(), Wrong> {
        match (self.state(id), answer) {
            (RunState::Running | RunState::Paused | RunState::Failed, Ok(Reply::Done)) => {
                self.runs.get_mut(id).expect("the run is known").state = RunState::Cancelling;
                Ok(())
            }
            (RunState::Cancelling | RunState::Cancelled, Ok(Reply::Done)) => Ok(()),
            (RunState::Complete, Err(Error::Illegal { .. })) => Ok(()),
            (state, answer) => Err(format!("cancel of a {} run: {answer:?}", state.name())),
        }
    }

    fn retry(
        &mut self,
        id: &RunId,
        letters: &[Letter],
        answer: &Result<Reply, Error>,
    ) -> Result<(), Wrong> {
        let state = self.state(id);
        let gone = matches!(state, RunState::Cancelling | RunState::Cancelled);
        match answer {
            Err(Error::Illegal { .. }) if gone => return Ok(()),
            Ok(Reply::PutBack { letters: n }) if !gone && *n == letters.len() as u64 => {}
            answer => return Err(format!("retry in a {} run: {answer:?}", state.name())),
        }
        let run = self.runs.get_mut(id).expect("the run is known");
        let submit = Arc::clone(&run.submit);
        let plan = &submit.plan;
        for letter in letters {
            let failed = |at: &usize| run.tree.nodes[*at].stage == Stage::Failed;
            let node = run.tree.of_item(letter.step, &letter.item).find(failed);
            match node {
                Some(node) => run.tree.put_back(plan, node),
                // Only a rollback leaves a letter behind whose task is open: nothing to do
                // where its `once` value says so.
                None => {
                    let same = |n: &Node| n.once.is_some() && n.once == letter.once;
                    if !run.tree.open().any(|(_, n)| same(n)) {
                        return Err(format!("no rule for a letter that never was: {letter:?}"));
                    }
                }
            }
        }
        if !letters.is_empty() && run.state.ended() {
            run.state = RunState::Running;
        }
        self.settle_down(id);
        Ok(())
    }

    fn extend(
        &mut self,
        worker: &WorkerId,
        leases: &[LeaseId],
        now: Millis,
        lease_ms: i64,
        lost: &[LeaseId],
    ) -> Result<(), Wrong> {
        for lease in leases {
            let said_lost = lost.contains(lease);
            let (mut live, mut whose) = (false, 0);
            for run in self.runs.values_mut() {
                run.tree.each_open(|node| {
                    let its = |h: &&mut Held| h.lease == *lease && h.worker == *worker;
                    let Some(held) = node.held.as_mut().filter(its) else { return };
                    whose += 1;
                    live |= held.until > now && !held.lapsed;
                    if !said_lost {
                        held.until = held.until.max(now + lease_ms);
                        held.lapsed = false;
                    }
                });
            }
            if (live && said_lost) || (whose == 0 && !said_lost) {
                return Err(format!("lease {} (live: {live}) said lost: {said_lost}", lease.0));
            }
        }
        Ok(())
    }

    fn takeover(&mut self, worker: &WorkerId, said: u64, now: Millis) -> Result<(), Wrong> {
        let (mut live, mut all) = (0, 0);
        for run in self.runs.values_mut() {
            run.tree.each_open(|node| {
                if node.held.as_ref().is_some_and(|h| h.worker != *worker) {
                    live += u64::from(node.surely_held(now));
                    all += 1;
                    node.held = None;
                    node.lost += 1;
                }
            });
        }
        if live <= said && said <= all {
            return Ok(());
        }
        Err(format!("a takeover took {said} tasks back, not {live} to {all}"))
    }
}

impl Run {
    fn closed(&self, step: StepId) -> u64 {
        let closed = |s: Stage| matches!(s, Stage::Closed(_) | Stage::Failed | Stage::Known);
        self.tree.nodes.iter().filter(|n| n.step == step && closed(n.stage)).count() as u64
    }

    fn exceeds(&self, step: StepId) -> bool {
        let failed = self.tree.failed().filter(|n| n.step == step).count();
        let tolerated = self.submit.plan.step(step).tolerate.fraction;
        failed >= 10 && failed as f64 / self.closed(step) as f64 > tolerated
    }
}

/// Whether a `once` key of an operation is open in a run, or dead-lettered where the letter can
/// still be put back.
fn key_open(state: RunState, tree: &Tree, plan: &Plan, operation: &OperationId, once: u64) -> bool {
    let cancelled = matches!(state, RunState::Cancelling | RunState::Cancelled);
    tree.nodes.iter().any(|n| {
        n.once == Some(once)
            && (n.stage == Stage::Open || n.stage == Stage::Failed && !cancelled)
            && plan.step(n.step).operation == *operation
    })
}

pub(crate) fn step_id(index: usize) -> StepId {
    StepId(u16::try_from(index).expect("a plan has few steps"))
}
