//! The order of leases: nothing that stands behind is leased before what is ready in front.

use watershed_ledger::{End, Exchange};
use watershed_model::{Category, KNOWN, Millis, Order, RunId, StepId, Trigger};

use super::budget::Audit;
use super::follow::{Oracle, Run, Wrong};
use super::scarce::{Census, Kept};
use super::tree::{Node, Stage};

/// A page token this old goes before everything.
const TOKEN_OLD_MS: i64 = 5 * 60_000;
/// So many delayed tasks may become ready at once in every ledger.
const DUE_AT_ONCE: usize = 64;

/// Whether a task could be leased now, for sure.
pub(crate) fn ready(node: &Node, now: Millis) -> bool {
    node.open() && node.held.is_none() && node.due.is_none_or(|due| due <= now)
}

/// Whether more delayed tasks are due than one exchange must look at.
pub(crate) fn crowded(run: &Run, now: Millis) -> bool {
    let due = |n: &Node| n.held.is_none() && n.due.is_some_and(|due| due <= now);
    run.tree.open().filter(|(_, n)| due(n)).count() > DUE_AT_ONCE
}

/// Where a task stands in its run and category; lower goes first.
type Place = (i64, u16, u16);

fn place(run: &Run, node: &Node, now: Millis) -> Place {
    if let Some(checkpoint) = &node.checkpoint
        && now - checkpoint.token_at >= TOKEN_OLD_MS
    {
        return (checkpoint.token_at.0, 0, 0);
    }
    let step = run.submit.plan.step(node.step);
    let month = match step.order {
        Order::NewestFirst => u16::MAX - node.bucket,
        Order::AsListed => 0,
    };
    (i64::MAX, u16::MAX - step.depth, month)
}

/// What a task's permit counts in: nothing, where it is said to need no call and was not leased
/// before.
pub(crate) fn category(run: &Run, node: &Node, fresh: bool) -> Option<Category> {
    if node.bucket == KNOWN && fresh {
        return None;
    }
    run.submit.plan.step(node.step).category
}

fn token_at(node: &Node) -> Option<Millis> {
    node.checkpoint.as_ref().map(|checkpoint| checkpoint.token_at)
}

fn of_category(run: &Run, category: Option<Category>, now: Millis) -> impl Iterator<Item = &Node> {
    let of = move |node: &&Node| self::category(run, node, !node.touched) == category;
    run.tree.open().map(|(_, node)| node).filter(move |node| ready(node, now)).filter(of)
}

/// What waits in a run and category: the foremost of all, and the foremost listing under way.
#[derive(Default)]
struct Front<'a> {
    first: Option<(Place, &'a Node)>,
    first_listing: Option<(Place, &'a Node)>,
}

impl<'a> Front<'a> {
    fn of(run: &'a Run, category: Option<Category>, census: &Census<'_>, now: Millis) -> Front<'a> {
        let mut front = Front::default();
        let waits = |node: &&Node| census.kept(node) != Kept::No;
        for node in of_category(run, category, now).filter(|node| !waits(node)) {
            let place = place(run, node, now);
            let foremost = |known: &Option<(Place, &Node)>| known.is_none_or(|(p, _)| place < p);
            if foremost(&front.first) {
                front.first = Some((place, node));
            }
            if node.checkpoint.is_some() && foremost(&front.first_listing) {
                front.first_listing = Some((place, node));
            }
        }
        front
    }

    /// What should have been leased before a task of that place of the same run.
    fn before(&self, place: Place, fresh: bool) -> Option<&'a Node> {
        let ahead = self.first.filter(|(first, _)| *first < place);
        let listing = self.first_listing.filter(|(first, _)| fresh && *first == place);
        ahead.or(listing).map(|(_, node)| node)
    }
}

/// Whether so few calls are left of a day of a category that they are shared out among what a
/// run has in it: they belong to listings under way, and to what a new one will need.
pub(crate) fn last_calls(
    run: &Run,
    audit: &Audit,
    category: Option<Category>,
    now: Millis,
    start: Millis,
) -> bool {
    let Some(of) = category else { return false };
    let left = audit.left_today(of, now).min(audit.left_today(of, start));
    if left > 64.0 {
        return false;
    }
    let steps = run.submit.plan.steps().filter(|(_, step)| step.category == category);
    let steps: Vec<StepId> = steps.map(|(id, _)| id).collect();
    let listed = run.tree.open().filter(|(_, n)| n.checkpoint.is_some() && steps.contains(&n.step));
    let to_come = steps.iter().map(|step| {
        let nodes = run.tree.nodes.iter().filter(|n| n.step == *step);
        let done = |n: &&Node| matches!(n.stage, Stage::Closed(End::Done) | Stage::Known);
        let pages: u64 = nodes.clone().map(|n| n.pages).sum();
        pages / (nodes.filter(done).count() as u64).max(1)
    });
    left <= (listed.count() as u64 + to_come.max().unwrap_or(0)) as f64
}

pub(crate) fn check(
    oracle: &Oracle,
    exchange: &Exchange,
    taken: &[(RunId, usize, bool)],
    now: Millis,
) -> Result<(), Wrong> {
    if taken.is_empty() || oracle.suspects() {
        return Ok(());
    }
    let uncrowded: Vec<&Run> = oracle.wanted(exchange).filter(|r| !crowded(r, now)).collect();
    let mut fronts: Vec<(&RunId, Option<Category>, Front<'_>)> = Vec::new();
    for (id, at, fresh) in taken {
        let run = &oracle.runs[id];
        let node = &run.tree.nodes[*at];
        let category = category(run, node, *fresh);
        for other in &uncrowded {
            if other.submit.connection != run.submit.connection {
                continue;
            }
            let first = class(other).cmp(&class(run));
            let same = other.submit.run == *id;
            if first.is_gt() || (first.is_eq() && !same) {
                continue;
            }
            let of = &other.submit.run;
            let known = fronts.iter().position(|(run, c, _)| *run == of && *c == category);
            let known = known.unwrap_or_else(|| {
                let census = oracle.census(other, now + exchange.want.lead_ms, now);
                fronts.push((of, category, Front::of(other, category, &census, now)));
                fronts.len() - 1
            });
            let front = &fronts[known].2;
            let audit = oracle.audits.get(&run.submit.account);
            let start = now + exchange.want.lead_ms;
            let few = |of: &Run| audit.is_some_and(|a| last_calls(of, a, category, now, start));
            let waiting = if few(run) || few(other) {
                // The last calls of a day belong to listings under way, by their tokens' age; a
                // new one waits for tomorrow where it will need more than there are.
                let older = |n: &&Node| {
                    token_at(n).is_some_and(|other| token_at(node).is_none_or(|at| other < at))
                };
                let before =
                    |n: &&Node| first.is_lt() || place(other, n, now) < place(run, node, now);
                of_category(other, category, now).find(|n| older(n) && before(n))
            } else if first.is_lt() {
                front.first.map(|(_, node)| node)
            } else {
                front.before(place(run, node, now), *fresh)
            };
            if let Some(waiting) = waiting {
                return Err(format!("leased {node:?}\n  before {waiting:?}"));
            }
        }
    }
    Ok(())
}

fn class(run: &Run) -> Trigger {
    run.submit.trigger
}
