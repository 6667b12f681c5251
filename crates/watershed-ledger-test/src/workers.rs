//! What the workers of a history say: settles, exchanges, repeats, old fences.

use watershed_ledger::{
    Command, End, Exchange, Exchanged, LeaseId, Leased, Outcome, Reply, Settle, Settled, Want,
};

use crate::dice::{Dice, mix};
use crate::oracle::Wrong;
use crate::play::{Play, connection, run_index};

const LEASE_MS: i64 = 30_000;
const HORIZON_MS: i64 = 1_000;
/// Old fences that are remembered.
const OLD_MAX: usize = 100;

impl Play<'_> {
    /// What a worker has to say of a part of what it holds.
    pub(crate) fn settles(&mut self, worker: usize, share: u64, luck: Option<u64>) -> Vec<Settle> {
        let mut settles = Vec::new();
        for leased in &self.workers[worker].held {
            let draw = mix(&[luck.unwrap_or(0), u64::from(leased.fence.index), leased.fence.nonce]);
            if draw % 4 < share {
                settles.push(self.answer(leased, luck));
            }
        }
        settles
    }

    fn answer(&self, leased: &Leased, luck: Option<u64>) -> Settle {
        let planned = &self.history.runs[run_index(&leased.run)];
        let tree = self.oracle.runs.get(&leased.run).map(|r| &r.tree);
        // Only a rollback makes a lease of a task that is not there.
        let node = tree.and_then(|t| t.of_item(leased.step, &leased.item).next_back());
        let generation = node.map_or(0, |at| tree.map_or(0, |t| t.generation(at)));
        planned.world.answer(&planned.shape, leased, generation, luck, self.now)
    }

    pub(crate) fn want(&self, tasks: u16, lanes: u64) -> Want {
        let lanes = (0..3).filter(|lane| lanes & (1 << lane) != 0).map(connection).collect();
        Want {
            lanes,
            tasks,
            lease_ms: LEASE_MS,
            horizon_ms: HORIZON_MS,
            lead_ms: self.history.lead_ms,
        }
    }

    pub(crate) fn exchange(
        &mut self,
        worker: usize,
        settles: Vec<Settle>,
        want: Want,
        answer_lost: bool,
    ) -> Result<(), Wrong> {
        if self.workers[worker].unanswered
            && !self.spoke_to_fewer(worker)
            && let Some(last) = self.workers[worker].last.clone()
        {
            return self.send(worker, last);
        }
        let random = self.dice.roll();
        let submitted = self.submitted.len();
        let who = &mut self.workers[worker];
        // An answer that it does not ask for again may have brought more than it knows.
        who.unheard |= who.unanswered;
        let held = who.held.iter().chain(&who.kills).map(|leased| leased.fence);
        let held = (!who.unheard).then(|| held.collect());
        who.submitted = submitted;
        who.unanswered = false;
        who.sequence += 1;
        let (id, sequence) = (who.id.clone(), who.sequence);
        let exchange = Exchange { worker: id, sequence, random, settles, held, want };
        who.last = Some(exchange.clone());
        if answer_lost {
            who.unanswered = true;
            return self.say(Command::Exchange(exchange)).map(|_| ());
        }
        self.send(worker, exchange)
    }

    /// Whether runs have been submitted, since its last exchange, to lanes that this asked of: a
    /// ledger that keeps each account by itself knew of no account to carry it to.
    pub(crate) fn spoke_to_fewer(&self, worker: usize) -> bool {
        let who = &self.workers[worker];
        let since = &self.submitted[who.submitted..];
        let asked = who.last.as_ref().map(|last| &last.want.lanes);
        asked.is_some_and(|lanes| since.iter().any(|lane| lanes.contains(lane)))
    }

    /// An exchange whose answer reaches the worker.
    pub(crate) fn send(&mut self, worker: usize, exchange: Exchange) -> Result<(), Wrong> {
        let answer = self.say(Command::Exchange(exchange.clone()))?;
        if let Some(Reply::Exchanged(mut answer)) = answer {
            self.write_days(&answer.days);
            let asked = std::mem::take(&mut answer.recount);
            self.heard(worker, &exchange, answer);
            self.recount(asked)?;
        }
        Ok(())
    }

    fn heard(&mut self, worker: usize, exchange: &Exchange, answer: Exchanged) {
        let accepted = answer.settled.iter().filter(|s| **s == Settled::Accepted).count() as u64;
        self.stats.accepted += accepted;
        self.stats.stale += answer.settled.len() as u64 - accepted;
        self.count(exchange, &answer);
        let who = &mut self.workers[worker];
        who.unanswered &= exchange.sequence != who.sequence;
        let settled = |l: &Leased| exchange.settles.iter().any(|s| s.fence == l.fence);
        let done: Vec<Leased> = who.held.extract_if(.., |l| settled(l)).collect();
        let mut killed = Vec::new();
        for leased in answer.leased {
            let known = who.held.iter().chain(&self.old).any(|l| l.fence == leased.fence);
            if known {
                continue;
            }
            if self.history.runs[run_index(&leased.run)].world.kills(&leased) {
                killed.push(leased);
            } else {
                who.held.push(leased);
            }
        }
        who.kills.extend(killed.iter().cloned());
        self.remember(done);
        self.remember(killed);
    }

    /// What this exchange was worth.
    fn count(&mut self, exchange: &Exchange, answer: &Exchanged) {
        for run in self.oracle.wanted(exchange) {
            let census = self.oracle.census(run, self.now + exchange.want.lead_ms, self.now);
            for why in census.waits(self.now) {
                self.stats.reach(why, 1);
            }
        }
        for leased in &answer.leased {
            let plan = &self.history.runs[run_index(&leased.run)].shape.plan;
            let is_join = plan.joins.iter().any(|j| j.step == leased.step);
            self.stats.lease(usize::from(plan.step(leased.step).depth), is_join);
            self.stats.reach("a listing under way", usize::from(leased.checkpoint.is_some()));
            self.stats.reach("a poisoned task", usize::from(leased.poisoned));
        }
        for (settle, said) in exchange.settles.iter().zip(&answer.settled) {
            if *said == Settled::Accepted && settle.outcome == Outcome::Restart {
                self.stats.reach("a listing that begins again", 1);
            }
        }
    }

    pub(crate) fn remember(&mut self, leased: Vec<Leased>) {
        self.old.extend(leased);
        let surplus = self.old.len().saturating_sub(OLD_MAX);
        self.old.drain(..surplus);
    }

    /// Old fences, forged ones, and a good one twice.
    pub(crate) fn stale(&mut self, worker: usize, luck: u64) -> Result<(), Wrong> {
        let mut dice = Dice::new(luck);
        let mut settles = Vec::new();
        for _ in 0..dice.below(5) {
            if let Some(leased) = self.old.get(dice.index(self.old.len().max(1))) {
                let mut settle = self.answer(leased, None);
                settle.outcome = Outcome::Closed { broods: Vec::new(), end: End::Done };
                settles.push(settle);
            }
        }
        let others: Vec<&Leased> = self.workers.iter().flat_map(|w| &w.held).collect();
        if let Some(leased) = others.get(dice.index(others.len().max(1))) {
            let settle = self.answer(leased, None);
            let mut forged = settle.clone();
            forged.fence.nonce ^= 1;
            settles.push(forged);
            // Where it is this worker's own, it counts once; else not at all.
            settles.push(settle.clone());
            settles.push(settle);
        }
        let want = self.want(dice.below(3) as u16, 7);
        self.exchange(worker, settles, want, false)
    }

    pub(crate) fn extend(&mut self, worker: usize, lease_ms: i64) -> Result<(), Wrong> {
        let who = &self.workers[worker];
        let mut leases: Vec<LeaseId> = who.held.iter().map(|l| l.fence.lease).collect();
        leases.extend(self.old.last().map(|l| l.fence.lease));
        leases.sort_unstable();
        leases.dedup();
        let worker = who.id.clone();
        self.say(Command::Extend { worker, leases, lease_ms }).map(|_| ())
    }
}
