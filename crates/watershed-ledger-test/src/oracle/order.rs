//! The order of leases: nothing that stands behind is leased before what is ready in front.

use watershed_ledger::Exchange;
use watershed_model::{Category, Millis, Order, RunId, Trigger};

use super::follow::{Oracle, Run, Wrong};
use super::tree::Node;

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
    let due = |n: &&Node| n.open() && n.held.is_none() && n.due.is_some_and(|due| due <= now);
    run.tree.nodes.iter().filter(due).count() > DUE_AT_ONCE
}

/// Where a task stands in its run and category; lower goes first.
fn place(run: &Run, node: &Node, now: Millis) -> (i64, u16, u16) {
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

pub(crate) fn check(
    oracle: &Oracle,
    exchange: &Exchange,
    taken: &[(RunId, usize, bool)],
    now: Millis,
) -> Result<(), Wrong> {
    if oracle.suspects() {
        return Ok(());
    }
    for (id, at, fresh) in taken {
        let run = &oracle.runs[id];
        let node = &run.tree.nodes[*at];
        let category = run.submit.plan.step(node.step).category;
        for other in oracle.wanted(exchange) {
            if other.submit.connection != run.submit.connection || crowded(other, now) {
                continue;
            }
            let first = class(other).cmp(&class(run));
            if first.is_gt() || (first.is_eq() && other.submit.run != *id) {
                continue;
            }
            let audit = oracle.audits.get(&run.submit.account).zip(category);
            let last_calls = audit.is_some_and(|(a, c)| a.last_calls(c, now));
            for waiting in of_category(other, category, now) {
                // The last calls of a day belong to listings under way, by the age of their
                // tokens.
                let token_at = |n: &Node| n.checkpoint.as_ref().map(|c| c.token_at);
                if last_calls
                    && token_at(node)
                        .is_some_and(|at| token_at(waiting).is_none_or(|other| other >= at))
                {
                    continue;
                }
                let passed = first.is_lt()
                    || place(other, waiting, now) < place(run, node, now)
                    || (*fresh
                        && waiting.checkpoint.is_some()
                        && place(other, waiting, now) == place(run, node, now));
                if passed {
                    return Err(format!("leased {node:?}\n  before {waiting:?}"));
                }
            }
        }
    }
    Ok(())
}

fn class(run: &Run) -> Trigger {
    run.submit.trigger
}

fn of_category(run: &Run, category: Option<Category>, now: Millis) -> impl Iterator<Item = &Node> {
    run.tree
        .nodes
        .iter()
        .filter(move |n| ready(n, now) && run.submit.plan.step(n.step).category == category)
}
