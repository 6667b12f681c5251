//! Exchanges: what each settle does to the tree, and whether it had to be accepted.

use std::collections::BTreeSet;

use watershed_ledger::{Exchange, Exchanged, Outcome, Repeat, Settle, Settled};
use watershed_model::{AccountId, Brood, Millis, RunId, RunState, WorkerId};

use super::follow::{Call, Oracle, Wrong};
use super::tree::{Held, Stage};

impl Oracle {
    pub(crate) fn exchange(
        &mut self,
        exchange: &Exchange,
        reply: &Exchanged,
        now: Millis,
    ) -> Result<(), Wrong> {
        if reply.settled.len() != exchange.settles.len() {
            return Err(format!("{} settles, {:?}", exchange.settles.len(), reply.settled));
        }
        if let Some((last, answer)) = self.workers.get(&exchange.worker) {
            if *last == exchange.sequence {
                return self.repeated(&answer.clone(), reply, now);
            }
            if *last > exchange.sequence {
                let nothing =
                    reply.settled.iter().all(|s| *s == Settled::Stale) && reply.leased.is_empty();
                return if nothing { Ok(()) } else { Err(format!("an old sequence: {reply:?}")) };
            }
        }
        for (settle, said) in exchange.settles.iter().zip(&reply.settled) {
            self.settle(&exchange.worker, settle, *said, now)?;
        }
        self.give_back_lost(exchange, now);
        self.lease(exchange, reply, now)?;
        for day in &reply.days {
            self.audits.get(&day.account).map_or(Ok(()), |audit| audit.counted(day))?;
        }
        for run in &self.ended {
            let submit = &self.runs[run].submit;
            let wanted = exchange.want.lanes.contains(&submit.connection);
            if wanted && !reply.ended.contains(run) {
                return Err(format!("run {run} ended by this and is not told"));
            }
        }
        self.workers.insert(exchange.worker.clone(), (exchange.sequence, reply.clone()));
        Ok(())
    }

    /// What its worker does not hold, and the ledger that went back thinks it does.
    fn give_back_lost(&mut self, exchange: &Exchange, now: Millis) {
        let Some(held) = exchange.held.as_ref().filter(|_| self.loses_tails) else { return };
        let lanes = &exchange.want.lanes;
        let asked: BTreeSet<AccountId> = self
            .runs
            .values()
            .filter(|run| lanes.contains(&run.submit.connection))
            .map(|run| run.submit.account.clone())
            .collect();
        for run in self.runs.values_mut().filter(|run| asked.contains(&run.submit.account)) {
            run.tree.each_open(|node| {
                let holds = |h: &Held| {
                    held.iter().any(|fence| fence.lease == h.lease && fence.index == h.index)
                };
                if node.surely_held(now) {
                    node.held.take_if(|h| h.worker == exchange.worker && !holds(h));
                }
            });
        }
    }

    /// The same answer again: the same verdicts, and what is still leased of what was.
    fn repeated(&self, before: &Exchanged, reply: &Exchanged, now: Millis) -> Result<(), Wrong> {
        if before.settled != reply.settled {
            return Err(format!("a repeat said {:?} after {:?}", reply.settled, before.settled));
        }
        for leased in &reply.leased {
            let same = before.leased.iter().any(|b| {
                let mut b = b.clone();
                b.failures.clone_from(&leased.failures);
                b == *leased
            });
            if !same {
                return Err(format!("a repeat leased what the first time did not: {leased:?}"));
            }
        }
        for leased in &before.leased {
            let held = self.runs.get(&leased.run).is_some_and(|run| {
                run.tree.open().any(|(_, n)| {
                    n.surely_held(now)
                        && n.held.as_ref().is_some_and(|h| {
                            h.lease == leased.fence.lease
                                && h.index == leased.fence.index
                                && h.nonce == leased.fence.nonce
                        })
                })
            });
            if held && !reply.leased.iter().any(|l| l.fence == leased.fence) {
                return Err(format!("a repeat left out what is still leased: {leased:?}"));
            }
        }
        Ok(())
    }

    /// The task whose right that fence is.
    fn of_fence(&self, worker: &WorkerId, settle: &Settle) -> Option<(RunId, usize)> {
        self.runs.iter().find_map(|(id, run)| {
            let (node, _) = run.tree.open().find(|(_, n)| {
                n.held.as_ref().is_some_and(|h| {
                    h.lease == settle.fence.lease
                        && h.index == settle.fence.index
                        && h.nonce == settle.fence.nonce
                        && h.worker == *worker
                })
            })?;
            Some((id.clone(), node))
        })
    }

    fn settle(
        &mut self,
        worker: &WorkerId,
        settle: &Settle,
        said: Settled,
        now: Millis,
    ) -> Result<(), Wrong> {
        let Some((run, node)) = self.of_fence(worker, settle) else {
            return match said {
                Settled::Stale => Ok(()),
                Settled::Accepted => Err(format!("a stale fence was accepted: {settle:?}")),
            };
        };
        let task = &mut self.runs.get_mut(&run).expect("the run is known").tree.nodes[node];
        if said == Settled::Stale {
            if task.surely_held(now) {
                return Err(format!("a good fence was refused: {settle:?}, task {task:?}"));
            }
            // It ran out, and was taken back before this came.
            task.held = None;
            task.lost += 1;
            return Ok(());
        }
        let held = task.held.take().expect("found by its lease");
        let account = self.runs[&run].submit.account.clone();
        let audit = self.audits.entry(account).or_default();
        if settle.calls == 0 && !held.shared {
            audit.give_back(held.category, held.start_from, now);
        }
        if let Some(throttle) = settle.throttle {
            audit.throttle(throttle, now);
        }
        let call = Call {
            category: held.category,
            calls: u64::from(settle.calls) + u64::from(settle.repeats == Some(Repeat::LostLease)),
            least: settle.least,
            repeat: settle.repeats.map(Repeat::name),
            throttle: settle.throttle,
        };
        self.runs.get_mut(&run).expect("the run is known").calls.push(call);
        self.carry_out(&run, node, &settle.outcome);
        self.settle_down(&run);
        Ok(())
    }

    fn carry_out(&mut self, id: &RunId, node: usize, outcome: &Outcome) {
        match outcome {
            Outcome::More { broods, .. } | Outcome::Closed { broods, .. } => {
                self.children(id, node, broods);
            }
            Outcome::Failed
            | Outcome::Retry { .. }
            | Outcome::NotYet { .. }
            | Outcome::Restart
            | Outcome::Released => {}
        }
        let run = self.runs.get_mut(id).expect("the run is known");
        let task = &mut run.tree.nodes[node];
        match outcome {
            Outcome::More { checkpoint, .. } => {
                task.checkpoint = Some(checkpoint.clone());
                task.pages += 1;
                task.attempts = 0;
                task.lost = 0;
                task.due = None;
            }
            Outcome::Closed { end, .. } => {
                task.stage = Stage::Closed(*end);
                let step = task.step;
                self.judge(id, step, false);
            }
            Outcome::Failed => {
                let step = task.step;
                run.tree.fail(node);
                self.judge(id, step, true);
            }
            Outcome::Retry { at, counts } => {
                task.due = Some(*at);
                task.attempts += u16::from(*counts);
                task.lost = 0;
            }
            Outcome::NotYet { at } => {
                task.checkpoint = None;
                task.due = Some(*at);
                task.lost = 0;
            }
            Outcome::Restart => {
                task.checkpoint = None;
                task.restarts += 1;
                task.lost = 0;
                task.due = None;
            }
            Outcome::Released => task.due = None,
        }
    }

    /// A page's children: a key that the listing has brought before brings nothing.
    fn children(&mut self, id: &RunId, node: usize, broods: &[Brood]) {
        let run = &self.runs[id];
        let dropped = run.state == RunState::Cancelling;
        let scope = run.tree.nodes[node].scope;
        for brood in broods {
            let task = &mut self.runs.get_mut(id).expect("the run is known").tree.nodes[node];
            if task.brought.contains(&brood.key) {
                continue;
            }
            task.brought.push(brood.key);
            if !dropped {
                self.bring(id, scope, &brood.kin);
            }
        }
    }
}
