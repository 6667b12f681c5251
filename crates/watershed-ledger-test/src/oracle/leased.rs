//! Whether a leased task may be leased at all, and is told as it stands.

use std::collections::BTreeSet;

use watershed_ledger::{Exchange, Exchanged, Fence, LeaseId, Leased, Submit};
use watershed_model::{Category, Millis, Order, RunState, StepId};

use super::follow::{Oracle, Run, Wrong};
use super::order;
use super::scarce::Kept;
use super::tree::{Held, Node};

impl Oracle {
    pub(crate) fn lease(
        &mut self,
        exchange: &Exchange,
        reply: &Exchanged,
        now: Millis,
    ) -> Result<(), Wrong> {
        self.lapse(now);
        for audit in self.audits.values_mut() {
            audit.asked(now + exchange.want.lead_ms);
        }
        let mut taken = Vec::new();
        let mut uninvited = 0;
        let (mut shared, mut before) = (BTreeSet::new(), None);
        for leased in &reply.leased {
            let node = self.leasable(exchange, leased, now)?;
            self.in_turn(exchange, leased, node, now)?;
            let together = self.runs[&leased.run].tree.nodes[node].together;
            let of_another =
                leased.bound && together && before.is_some_and(|b| is_party(b, leased));
            let in_range = together && leased.fence.index > 0;
            if leased.bound != of_another || leased.bound != in_range {
                return Err(format!("no permit before it that it could have: {leased:?}"));
            }
            if of_another {
                shared.extend(before.map(|before| before.fence));
                shared.insert(leased.fence);
            } else {
                self.permitted(exchange, leased, now, node)?;
            }
            before = Some(leased);
            uninvited += usize::from(together);
            let run = self.runs.get_mut(&leased.run).expect("found before");
            let task = &mut run.tree.nodes[node];
            // A join's task stands among the listings under way.
            let fresh = !task.touched && !is_join(&run.submit, leased.step);
            task.lost = leased.lost;
            task.touched = true;
            task.held = Some(Held {
                lease: leased.fence.lease,
                nonce: leased.fence.nonce,
                index: leased.fence.index,
                worker: exchange.worker.clone(),
                until: now + exchange.want.lease_ms,
                category: leased.category,
                start_from: leased.start_from,
                shared: false,
                lapsed: false,
            });
            taken.push((leased.run.clone(), node, fresh));
        }
        for ((run, node, _), leased) in taken.iter().zip(&reply.leased) {
            let run = self.runs.get_mut(run).expect("found before");
            if let Some(held) = &mut run.tree.nodes[*node].held {
                held.shared = shared.contains(&leased.fence);
            }
        }
        // What is leased together with something else may be more than was asked for.
        if reply.leased.len() - uninvited > usize::from(exchange.want.tasks) {
            return Err(format!("{} tasks for {}", reply.leased.len(), exchange.want.tasks));
        }
        order::check(self, exchange, &taken, now)?;
        self.nothing_starves(exchange, reply, now)?;
        self.asked_again(exchange, reply, now)
    }

    /// From now on, leases that ran out may have been taken back, wherever the clock goes.
    fn lapse(&mut self, now: Millis) {
        for run in self.runs.values_mut() {
            run.tree.each_open(|node| {
                if let Some(held) = &mut node.held {
                    held.lapsed |= held.until <= now;
                }
            });
        }
    }

    /// The task that was leased, which must be open, free and due.
    fn leasable(&self, exchange: &Exchange, leased: &Leased, now: Millis) -> Result<usize, Wrong> {
        let run = self.runs.get(&leased.run).ok_or_else(|| format!("no such run: {leased:?}"))?;
        if run.state != RunState::Running {
            return Err(format!("leased from a {} run: {leased:?}", run.state.name()));
        }
        if !exchange.want.lanes.contains(&run.submit.connection) {
            return Err(format!("leased from a lane that was not asked for: {leased:?}"));
        }
        let fence = leased.fence;
        let mut others = self.runs.values().flat_map(|r| r.tree.open());
        let twice = others.any(|(_, n)| {
            n.surely_held(now)
                && n.held.as_ref().is_some_and(|h| {
                    h.lease == fence.lease && (h.index == fence.index || h.nonce != fence.nonce)
                })
        });
        if twice {
            return Err(format!("the fence {fence:?} is somebody's already"));
        }
        let mut near = String::new();
        // Of twins the one that is due for sure (the clock may have stepped back behind the other),
        // and whose permit counts in the same.
        let mut perhaps = None;
        let facts = leased_facts(leased);
        for at in run.tree.of_item(leased.step, &leased.item) {
            let node = &run.tree.nodes[at];
            let told = as_told(run, node, now, self.latest);
            match told {
                Some(told) if told == *facts => {
                    let counted = order::category(run, node, !node.touched);
                    let alike = leased.poisoned || leased.category == counted;
                    if alike && order::ready(node, now) {
                        return Ok(at);
                    }
                    perhaps = perhaps.or(Some(at));
                }
                Some(told) => near.push_str(&format!("\n  it stands as {told:?}")),
                None => near.push_str(&format!("\n  it is not to be had: {node:?}")),
            }
        }
        perhaps.ok_or_else(|| format!("leased {leased:?}{near}"))
    }

    /// Whether nothing had to keep the first of a lease waiting. A suspect has no turn.
    fn in_turn(
        &self,
        exchange: &Exchange,
        leased: &Leased,
        node: usize,
        now: Millis,
    ) -> Result<(), Wrong> {
        if leased.fence.index > 0 || leased.lost >= 3 {
            return Ok(());
        }
        let run = &self.runs[&leased.run];
        if run.submit.plan.step(leased.step).order == Order::AsListed {
            return Ok(());
        }
        let census = self.census(run, now + exchange.want.lead_ms, now);
        match census.kept(&run.tree.nodes[node]) {
            Kept::Surely => Err(format!("leased what must wait: {leased:?}")),
            Kept::Perhaps | Kept::No => Ok(()),
        }
    }

    fn permitted(
        &mut self,
        exchange: &Exchange,
        leased: &Leased,
        now: Millis,
        node: usize,
    ) -> Result<(), Wrong> {
        let run = &self.runs[&leased.run];
        let node = &run.tree.nodes[node];
        let together = node.together;
        let wanted = order::category(run, node, !node.touched);
        if leased.poisoned {
            return Ok(());
        }
        if leased.category != wanted {
            return Err(format!("a permit of another category: {leased:?}"));
        }
        let Some(category) = wanted else { return Ok(()) };
        let early = now + exchange.want.lead_ms;
        let late = early + exchange.want.horizon_ms.max(if together { 5_000 } else { 0 });
        if leased.start_from < early || leased.start_from > late {
            return Err(format!("at {now:?} a start at {:?}", leased.start_from));
        }
        if leased.start_until <= leased.start_from {
            return Err(format!("a permit that is over before it begins: {leased:?}"));
        }
        let account = run.submit.account.clone();
        let at = now + exchange.want.lead_ms;
        let of_day = self.audits.get(&account).is_some_and(|a| a.counts_days_of(category));
        if of_day && self.unsure.contains(&account) {
            return Err(format!("a call of the day before the sink was asked: {leased:?}"));
        }
        self.audits.entry(account).or_default().permit(category, leased.start_from, at)
    }

    /// What could start for sure is leased while the worker wants more.
    fn nothing_starves(
        &self,
        exchange: &Exchange,
        reply: &Exchanged,
        now: Millis,
    ) -> Result<(), Wrong> {
        if reply.leased.len() >= usize::from(exchange.want.tasks) || self.suspects() {
            return Ok(());
        }
        for run in self.wanted(exchange) {
            if order::crowded(run, now) || self.may_cool(&run.submit.account, now) {
                continue;
            }
            let start = now + exchange.want.lead_ms;
            let audit = self.audits.get(&run.submit.account);
            let mut free: Vec<Option<Category>> = vec![None];
            let asks = reply.recount.iter().any(|recount| recount.account == run.submit.account);
            free.extend(Category::ALL.into_iter().map(Some).filter(|category| {
                let horizon_ms = exchange.want.horizon_ms;
                audit.zip(*category).is_none_or(|(a, c)| {
                    a.free(c, start, horizon_ms) && !(asks && a.counts_days_of(c))
                })
            }));
            // The last calls of a day may be kept from new listings.
            let shared_out = |n: &Node, category: Option<Category>| {
                n.checkpoint.is_none()
                    && audit.is_some_and(|a| order::last_calls(run, a, category, now, start))
            };
            let free = |n: &Node| {
                let category = order::category(run, n, !n.touched);
                free.contains(&category) && !shared_out(n, category)
            };
            let census = self.census(run, start, now);
            let waits = |n: &Node| census.kept(n) != Kept::No;
            let mut open = run.tree.open().filter(|(_, n)| order::ready(n, now) && free(n));
            if let Some((_, node)) = open.find(|(_, n)| !waits(n)) {
                return Err(format!("ready, with a permit to be had, and not leased: {node:?}"));
            }
        }
        Ok(())
    }

    /// Whether anything open is suspected of killing workers: then it is worked on alone, and
    /// what else could start may wait for it.
    pub(crate) fn suspects(&self) -> bool {
        let lost = |n: &Node| n.lost + u16::from(n.held.is_some());
        self.runs.values().flat_map(|r| r.tree.open()).any(|(_, n)| lost(n) >= 3)
    }

    fn asked_again(
        &self,
        exchange: &Exchange,
        reply: &Exchanged,
        now: Millis,
    ) -> Result<(), Wrong> {
        for run in self.wanted(exchange) {
            let cools = self.may_cool(&run.submit.account, now);
            for (_, node) in run.tree.open() {
                let Some(ask) = reply.ask_again_at else {
                    return Err(format!("nothing to ask again for, but open: {node:?}"));
                };
                let event = match (&node.held, node.due) {
                    (Some(held), _) if held.until > now && !held.lapsed => held.until,
                    (None, Some(due)) if due > self.latest => due,
                    _ => continue,
                };
                if ask > event && !cools {
                    return Err(format!("ask again at {ask:?}, after what happens to {node:?}"));
                }
            }
        }
        Ok(())
    }

    /// Running runs of the lanes that were asked for.
    pub(crate) fn wanted<'a>(&'a self, exchange: &'a Exchange) -> impl Iterator<Item = &'a Run> {
        self.runs.values().filter(|r| {
            r.state == RunState::Running && exchange.want.lanes.contains(&r.submit.connection)
        })
    }
}

/// A task as it must be told, where it may be leased now; the fence and permit left blank.
/// One that was due at the latest time the ledger has seen stays so when the clock steps back.
fn as_told(run: &Run, node: &Node, now: Millis, latest: Millis) -> Option<Leased> {
    let free = node.open() && !node.surely_held(now) && node.due.is_none_or(|due| due <= latest);
    if !free {
        return None;
    }
    // A lease that ran out has been taken back, if this is leased at all.
    let lost = node.lost + u16::from(node.held.is_some());
    let is_join = is_join(&run.submit, node.step);
    Some(Leased {
        fence: NO_FENCE,
        run: run.submit.run.clone(),
        step: node.step,
        item: node.item.clone(),
        once: node.once,
        bucket: node.bucket,
        checkpoint: node.checkpoint.clone(),
        attempts: node.attempts,
        lost,
        restarts: node.restarts,
        poisoned: lost >= 6,
        category: None,
        start_from: Millis(0),
        start_until: Millis(0),
        bound: false,
        scopes: run.tree.seeds(node.scope),
        failures: if is_join { run.tree.failures(node.scope) } else { Vec::new() },
    })
}

/// Whether a task may have the permit of the one before it: that of the same lease.
fn is_party(before: &Leased, leased: &Leased) -> bool {
    let facts = |l: &Leased| (l.fence.lease, l.step, l.category, l.start_from, l.start_until);
    before.fence.index + 1 == leased.fence.index && facts(before) == facts(leased)
}

fn is_join(submit: &Submit, step: StepId) -> bool {
    submit.plan.joins.iter().any(|j| j.step == step)
}

const NO_FENCE: Fence = Fence { lease: LeaseId(0), nonce: 0, index: 0 };

/// What is told of a task besides its fence and permit.
fn leased_facts(leased: &Leased) -> Box<Leased> {
    let mut facts = Box::new(leased.clone());
    facts.fence = NO_FENCE;
    facts.category = None;
    facts.start_from = Millis(0);
    facts.start_until = Millis(0);
    facts.bound = false;
    facts.failures.retain(|(_, n)| *n > 0);
    facts.failures.sort_unstable();
    facts
}
