//! What is known of a run before it: items, and what was learnt of those that were asked.
//!
//! A tree, as the run's own: a node is an item of a step, a unit is all that one record brings
//! directly. Units are what a sample draws: so two lists of one user are asked together or not
//! at all, and what `once` says of them holds.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use watershed_ledger::Outcome;
use watershed_model::{Brood, Child, Kin, Plan, StepId, hash64};

/// A place in [`Tree::nodes`].
pub(super) type NodeAt = usize;

/// An item of a step.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) step: StepId,
    pub(super) item: String,
    /// The unit that it is of.
    pub(super) unit: usize,
    /// Of operation and `once` value: of several nodes with one key only one is asked.
    pub(super) key: Option<u64>,
    /// One reading serves it and the node before it.
    pub(super) together: bool,
    /// Its end is known without a call.
    pub(super) free: bool,
    /// Why it brings nothing, where scope, role, tier or consent keep it out.
    pub(super) left: Option<Left>,
    pub(super) answer: Option<Known>,
}

/// What keeps an item out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Left {
    /// `scope`, `role`, `tier` or `consent`.
    pub(super) why: &'static str,
    /// The scope, the consent, or what was answered.
    pub(super) what: String,
}

/// What was learnt of an item.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// Counted calls that it costs the run.
    pub(super) calls: u64,
    /// Counted calls that it cost the estimate.
    pub(super) spent: u64,
    /// Rows of its own dataset.
    pub(super) rows: u64,
}

/// All that one record brings directly.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// The node whose record it is; `None`: the run.
    pub(super) parent: Option<NodeAt>,
    pub(super) nodes: Vec<NodeAt>,
    /// Its place in the order of drawing: chance, and always the same.
    pub(super) order: u64,
    /// How often the lists that were read whole name it.
    pub(super) named: f64,
}

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) units: Vec<Unit>,
    /// How often each id stands in records of lists that were read whole.
    names: HashMap<String, u32>,
}

impl Tree {
    /// What hangs under the run itself.
    pub(super) fn seed(&mut self, plan: &Plan, kin: Vec<Kin>, joins: Vec<(StepId, Vec<String>)>) {
        for kin in kin {
            let order = self.units.len() as u64;
            self.grow(plan, None, order, vec![kin]);
        }
        for (step, items) in joins {
            for item in items {
                let child = Child { step, item, once: None, bucket: 0, together: false };
                let order = self.units.len() as u64;
                self.grow(plan, None, order, vec![Kin::Task(child)]);
            }
        }
    }

    /// What a node was answered. A key that came twice brings its children once.
    pub(super) fn answer(&mut self, plan: &Plan, at: NodeAt, known: Known, broods: Vec<Brood>) {
        let mut seen = HashSet::new();
        for brood in broods {
            if !brood.kin.is_empty() && seen.insert(brood.key) {
                let order = hash64(&[b"drawn", &brood.key.to_le_bytes()]);
                self.grow(plan, Some(at), order, brood.kin);
            }
        }
        self.nodes[at].answer = Some(known);
    }

    /// Counts the ids in a record of a list that was read whole.
    pub(super) fn name(&mut self, record: &Value) {
        for (field, value) in record.as_object().into_iter().flatten() {
            if (field.ends_with("id") || field == "email")
                && let Some(id) = id_of(value)
            {
                *self.names.entry(id).or_default() += 1;
            }
        }
    }

    /// Brings [`Unit::named`] up to date, from that unit on.
    pub(super) fn recount(&mut self, from: usize) {
        for unit in &mut self.units[from..] {
            let Some(first) = unit.nodes.first() else { continue };
            let values: Vec<Value> =
                serde_json::from_str(&self.nodes[*first].item).unwrap_or_default();
            let counts = values.iter().filter_map(|value| self.names.get(&id_of(value)?));
            unit.named = counts.map(|n| f64::from(*n)).sum();
        }
    }

    /// Whether a node hangs under the run itself.
    pub(super) fn is_root(&self, at: NodeAt) -> bool {
        self.units[self.nodes[at].unit].parent.is_none()
    }

    /// Of several nodes with one key the one that is asked: the nearest to the run, whose lists
    /// are known best; then the first.
    pub(super) fn kept(&self, plan: &Plan) -> Vec<bool> {
        let mut kept = vec![true; self.nodes.len()];
        let mut best: HashMap<u64, (u16, NodeAt)> = HashMap::new();
        for unit in &self.units {
            let depth = unit.parent.map_or(0, |at| plan.step(self.nodes[at].step).depth + 1);
            for at in &unit.nodes {
                let Some(key) = self.nodes[*at].key else { continue };
                match best.get_mut(&key) {
                    None => {
                        best.insert(key, (depth, *at));
                    }
                    Some(held) if (depth, *at) < *held => {
                        kept[held.1] = false;
                        *held = (depth, *at);
                    }
                    Some(_) => kept[*at] = false,
                }
            }
        }
        kept
    }

    fn grow(&mut self, plan: &Plan, parent: Option<NodeAt>, order: u64, kin: Vec<Kin>) {
        let mut children = Vec::new();
        flatten(kin, &mut children);
        let (first, unit) = (self.nodes.len(), self.units.len());
        for child in children {
            let Child { step, item, once, together, .. } = child;
            let operation = plan.step(step).operation.0.as_bytes();
            let key = once.map(|once| hash64(&[operation, &once.to_le_bytes()]));
            let (free, left, answer) = (false, None, None);
            self.nodes.push(Node { step, item, unit, key, together, free, left, answer });
        }
        let nodes = (first..self.nodes.len()).collect();
        self.units.push(Unit { parent, nodes, order, named: 0.0 });
    }
}

/// The children in scopes too, and what runs there at the end.
fn flatten(kin: Vec<Kin>, into: &mut Vec<Child>) {
    for kin in kin {
        match kin {
            Kin::Task(child) => into.push(child),
            Kin::Scope { joins, kin, .. } => {
                flatten(kin, into);
                for (step, items) in joins {
                    into.extend(items.into_iter().map(|item| Child {
                        step,
                        item,
                        once: None,
                        bucket: 0,
                        together: false,
                    }));
                }
            }
        }
    }
}

/// A value that may name something.
fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.len() >= 4 => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()).filter(|text| text.len() >= 4),
        _ => None,
    }
}

/// The broods of an outcome.
pub(super) fn broods_of(outcome: Outcome) -> Vec<Brood> {
    match outcome {
        Outcome::More { broods, .. } | Outcome::Closed { broods, .. } => broods,
        _ => Vec::new(),
    }
}
