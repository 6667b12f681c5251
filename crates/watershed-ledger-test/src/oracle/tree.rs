//! The tree of a run, kept whole for ever. Every question is answered by walking it.
//!
//! What spares a walk is never a count, only a list of what may be open, failed or waiting
//! (each is asked again whether it is), and a number beside each node by which an item is found.

use std::collections::BTreeMap;

use watershed_ledger::{Checkpoint, End, LeaseId};
use watershed_model::{Category, Join, Kin, Millis, Plan, ScopeSeed, StepId, WorkerId};

use crate::dice::{mix, of_text};

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not closed.
    Open,
    /// Closed.
    Closed(End),
    /// A dead letter.
    Failed,
    /// Its `once` key was open elsewhere when it was made.
    Known,
    /// Given up when its run was cancelled.
    Dropped,
    /// A join's dead letter that was put back while the join was to run again anyway.
    Merged,
}

/// A lease of a task, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) lease: LeaseId,
    pub(crate) nonce: u64,
    pub(crate) index: u16,
    pub(crate) worker: WorkerId,
    pub(crate) until: Millis,
    pub(crate) category: Option<Category>,
    pub(crate) start_from: Millis,
    /// Its permit serves others too, and is not given back.
    pub(crate) shared: bool,
    /// It ran out at the time of some exchange, and may have been taken back then.
    pub(crate) lapsed: bool,
}

/// A task.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) scope: usize,
    pub(crate) step: StepId,
    pub(crate) item: String,
    pub(crate) once: Option<u64>,
    pub(crate) bucket: u16,
    pub(crate) together: bool,
    pub(crate) stage: Stage,
    pub(crate) due: Option<Millis>,
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) attempts: u16,
    pub(crate) lost: u16,
    pub(crate) restarts: u16,
    /// Pages after which more were to come.
    pub(crate) pages: u64,
    /// Listing keys that it has brought.
    pub(crate) brought: Vec<u64>,
    pub(crate) held: Option<Held>,
    /// Whether it was ever leased.
    pub(crate) touched: bool,
    /// How often it was put back.
    pub(crate) letters: usize,
}

impl Node {
    fn new(scope: usize, step: StepId, item: String) -> Node {
        Node {
            scope,
            step,
            item,
            once: None,
            bucket: 0,
            together: false,
            stage: Stage::Open,
            due: None,
            checkpoint: None,
            attempts: 0,
            lost: 0,
            restarts: 0,
            pages: 0,
            brought: Vec::new(),
            held: None,
            touched: false,
            letters: 0,
        }
    }

    pub(crate) fn open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Leased, and the lease has not run out.
    pub(crate) fn surely_held(&self, now: Millis) -> bool {
        self.held.as_ref().is_some_and(|h| h.until > now && !h.lapsed)
    }
}

/// A join in a scope.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// Index into `Plan::joins`.
    pub(crate) join: usize,
    pub(crate) released: bool,
    /// Runs once more after this time.
    pub(crate) again: bool,
}

/// A branch at which joins stand; the first is the run.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) parent: Option<usize>,
    pub(crate) level: u8,
    pub(crate) key: u64,
    pub(crate) joins: Vec<(StepId, Vec<String>)>,
    pub(crate) slots: Vec<Slot>,
}

/// All that a run ever had.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub(crate) scopes: Vec<Scope>,
    pub(crate) nodes: Vec<Node>,
    /// Nodes that may be open, in order: a closed one is left out at some time.
    perhaps_open: Vec<usize>,
    /// For each node: a number made from its step and item.
    marks: Vec<u64>,
    /// Nodes that may be dead letters, in order.
    perhaps_failed: Vec<usize>,
    /// Joins that may wait, by scope and place there, in order.
    perhaps_waiting: Vec<(usize, usize)>,
    /// Joins that may have to run once more, likewise.
    perhaps_again: Vec<(usize, usize)>,
}

/// Adds to a list in order, once.
fn note<T: Ord>(list: &mut Vec<T>, one: T) {
    if let Err(place) = list.binary_search(&one) {
        list.insert(place, one);
    }
}

/// Steps as bits, by their place in the plan.
type Steps = u64;

fn bit(step: StepId) -> Steps {
    assert!(step.0 < 64, "plans of histories have few steps");
    1 << step.0
}

fn mark(step: StepId, item: &str) -> u64 {
    mix(&[u64::from(step.0), of_text(item)])
}

impl Tree {
    fn add_node(&mut self, node: Node) {
        self.marks.push(mark(node.step, &node.item));
        if node.open() {
            self.perhaps_open.push(self.nodes.len());
        }
        self.nodes.push(node);
    }

    /// What is open, and where it stands.
    pub(crate) fn open(&self) -> impl Iterator<Item = (usize, &Node)> {
        let all = self.perhaps_open.iter().map(|at| (*at, &self.nodes[*at]));
        all.filter(|(_, node)| node.open())
    }

    /// Does something to each node that is open: only these are ever held.
    pub(crate) fn each_open(&mut self, mut act: impl FnMut(&mut Node)) {
        self.perhaps_open.retain(|at| self.nodes[*at].open());
        for at in &self.perhaps_open {
            act(&mut self.nodes[*at]);
        }
    }

    /// Every node of a step and item, in order.
    pub(crate) fn of_item<'a>(
        &'a self,
        step: StepId,
        item: &'a str,
    ) -> impl DoubleEndedIterator<Item = usize> + 'a {
        let wanted = mark(step, item);
        let marked = self.marks.iter().enumerate().filter(move |(_, mark)| **mark == wanted);
        marked.map(|(at, _)| at).filter(move |at| {
            let node = &self.nodes[*at];
            node.step == step && node.item == item
        })
    }

    pub(crate) fn add_scope(
        &mut self,
        plan: &Plan,
        parent: Option<usize>,
        level: u8,
        key: u64,
        joins: &[(StepId, Vec<String>)],
    ) -> usize {
        let slots = plan
            .joins
            .iter()
            .enumerate()
            .filter(|(_, join)| join.scope == level)
            .map(|(join, _)| Slot { join, released: false, again: false })
            .collect();
        self.scopes.push(Scope { parent, level, key, joins: joins.to_vec(), slots });
        let scope = self.scopes.len() - 1;
        self.perhaps_waiting.extend((0..self.scopes[scope].slots.len()).map(|at| (scope, at)));
        scope
    }

    /// Adds children beneath a scope. `taken` tells whether a `once` key of a step is open.
    pub(crate) fn add_kin(
        &mut self,
        plan: &Plan,
        scope: usize,
        kin: &[Kin],
        taken: &mut dyn FnMut(&Tree, StepId, u64) -> bool,
    ) {
        for one in kin {
            match one {
                Kin::Task(child) => {
                    let home = self.above_at(scope, plan.step(child.step).scope);
                    let mut node = Node::new(home, child.step, child.item.clone());
                    node.once = child.once;
                    node.bucket = child.bucket;
                    node.together = child.together;
                    if child.once.is_some_and(|once| taken(self, child.step, once)) {
                        node.stage = Stage::Known;
                    }
                    self.add_node(node);
                }
                Kin::Scope { level, key, joins, kin } => {
                    let above = plan.scopes[usize::from(*level)].parent.unwrap_or(0);
                    let parent = self.above_at(scope, above);
                    let branch = match self.known(plan, parent, *level, *key) {
                        Some(known) => {
                            self.run_again(plan, known, &|_| true);
                            known
                        }
                        None => self.add_scope(plan, Some(parent), *level, *key, joins),
                    };
                    self.add_kin(plan, branch, kin, taken);
                }
            }
        }
    }

    /// The scope of that level at or above one.
    fn above_at(&self, scope: usize, level: u8) -> usize {
        let mut at = scope;
        while self.scopes[at].level != level {
            at = self.scopes[at].parent.expect("the run's level is above every other");
        }
        at
    }

    /// Whether a scope is another or beneath it.
    pub(crate) fn beneath(&self, scope: usize, above: usize) -> bool {
        let mut at = Some(scope);
        while let Some(here) = at {
            if here == above {
                return true;
            }
            at = self.scopes[here].parent;
        }
        false
    }

    /// For each scope: the steps of which anything is open beneath; a waiting join is.
    fn open_beneath(&self, plan: &Plan) -> Vec<Steps> {
        let mut open: Vec<Steps> = vec![0; self.scopes.len()];
        let mut count = |scope: usize, step: StepId| {
            let mut at = Some(scope);
            while let Some(here) = at {
                if open[here] & bit(step) != 0 {
                    return;
                }
                open[here] |= bit(step);
                at = self.scopes[here].parent;
            }
        };
        for (_, node) in self.open() {
            count(node.scope, node.step);
        }
        for (scope, slot) in self.waiting() {
            count(scope, plan.joins[slot.join].step);
        }
        open
    }

    /// Whether nothing at all is open in a branch, the run itself left out.
    pub(crate) fn folded(&self, plan: &Plan, scope: usize) -> bool {
        scope > 0 && self.open_beneath(plan)[scope] == 0
    }

    /// Whether nothing at all is open in the run.
    pub(crate) fn complete(&self) -> bool {
        self.open().next().is_none() && self.waiting().next().is_none()
    }

    /// The joins that wait, and their scopes.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (usize, &Slot)> {
        let slots = self.perhaps_waiting.iter();
        let slots = slots.map(|(scope, place)| (*scope, &self.scopes[*scope].slots[*place]));
        slots.filter(|(_, slot)| !slot.released)
    }

    /// A join that has run waits again.
    fn wait_again(&mut self, scope: usize, place: usize) {
        self.scopes[scope].slots[place].released = false;
        note(&mut self.perhaps_waiting, (scope, place));
    }

    /// A task becomes a dead letter.
    pub(crate) fn fail(&mut self, node: usize) {
        self.nodes[node].stage = Stage::Failed;
        note(&mut self.perhaps_failed, node);
    }

    /// The dead letters.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &Node> {
        let nodes = self.perhaps_failed.iter().map(|at| &self.nodes[*at]);
        nodes.filter(|node| node.stage == Stage::Failed)
    }

    fn join_tasks_open(&self, scope: usize, step: StepId) -> bool {
        self.open().any(|(_, n)| n.scope == scope && n.step == step)
    }

    /// Releases every join that nothing keeps waiting, until none is left.
    pub(crate) fn release(&mut self, plan: &Plan) {
        let watches = |join: &Join| join.watches.iter().fold(0, |all, step| all | bit(*step));
        let watches: Vec<Steps> = plan.joins.iter().map(watches).collect();
        loop {
            let Tree { perhaps_waiting, scopes, .. } = self;
            perhaps_waiting.retain(|(scope, place)| !scopes[*scope].slots[*place].released);
            if self.perhaps_waiting.is_empty() {
                return;
            }
            let open = self.open_beneath(plan);
            let mut due = Vec::new();
            for (scope, place) in &self.perhaps_waiting {
                let join = self.scopes[*scope].slots[*place].join;
                if watches[join] & open[*scope] == 0 {
                    due.push((*scope, *place, plan.joins[join].step));
                }
            }
            if due.is_empty() {
                return;
            }
            for (scope, place, step) in due {
                self.scopes[scope].slots[place].released = true;
                for item in self.join_items(scope, step) {
                    self.add_node(Node::new(scope, step, item));
                }
            }
        }
    }

    fn join_items(&self, scope: usize, step: StepId) -> Vec<String> {
        let of_step = |(s, items): &(StepId, Vec<String>)| (*s == step).then(|| items.clone());
        self.scopes[scope].joins.iter().filter_map(of_step).flatten().collect()
    }

    /// Joins that must run once more wait again, once they have run this time.
    pub(crate) fn turn_again(&mut self, plan: &Plan) {
        for (scope, place) in std::mem::take(&mut self.perhaps_again) {
            let slot = &self.scopes[scope].slots[place];
            if self.join_tasks_open(scope, plan.joins[slot.join].step) {
                self.perhaps_again.push((scope, place));
            } else if slot.again {
                self.scopes[scope].slots[place].again = false;
                self.wait_again(scope, place);
            }
        }
    }

    /// A branch that another listing has brought before: the same one, unless nothing is open
    /// or dead-lettered in it any more, so that nobody remembers it.
    fn known(&self, plan: &Plan, parent: usize, level: u8, key: u64) -> Option<usize> {
        let same = |s: &Scope| s.parent == Some(parent) && (s.level, s.key) == (level, key);
        let mut twins = (0..self.scopes.len()).filter(|at| same(&self.scopes[*at])).peekable();
        twins.peek()?;
        let open = self.open_beneath(plan);
        twins.find(|at| open[*at] != 0 || !self.failures(*at).is_empty())
    }

    /// Joins of a scope that have run, or run now, run once more afterwards.
    fn run_again(&mut self, plan: &Plan, scope: usize, which: &dyn Fn(&Join) -> bool) {
        for place in 0..self.scopes[scope].slots.len() {
            let slot = self.scopes[scope].slots[place].clone();
            let join = &plan.joins[slot.join];
            if slot.released && which(join) {
                if self.join_tasks_open(scope, join.step) {
                    self.scopes[scope].slots[place].again = true;
                    note(&mut self.perhaps_again, (scope, place));
                } else {
                    self.wait_again(scope, place);
                }
            }
        }
    }

    /// A dead letter comes back: the joins above that watch it run again after it.
    pub(crate) fn put_back(&mut self, plan: &Plan, node: usize) {
        let step = self.nodes[node].step;
        let mut at = Some(self.nodes[node].scope);
        while let Some(scope) = at {
            self.run_again(plan, scope, &|join| join.watches.contains(&step));
            at = self.scopes[scope].parent;
        }
        let home = &self.scopes[self.nodes[node].scope];
        let runs_anyway =
            home.slots.iter().any(|s| plan.joins[s.join].step == step && (!s.released || s.again));
        let index = node;
        let node = &mut self.nodes[index];
        node.stage = if runs_anyway { Stage::Merged } else { Stage::Open };
        node.attempts = 0;
        node.lost = 0;
        node.checkpoint = None;
        node.restarts = 0;
        node.due = None;
        node.brought.clear();
        node.letters += 1;
        note(&mut self.perhaps_open, index);
    }

    /// The scopes above a task, outermost first, the run left out.
    pub(crate) fn seeds(&self, scope: usize) -> Vec<ScopeSeed> {
        let mut seeds = Vec::new();
        let mut at = scope;
        while let Some(parent) = self.scopes[at].parent {
            let here = &self.scopes[at];
            seeds.push(ScopeSeed { level: here.level, key: here.key, joins: here.joins.clone() });
            at = parent;
        }
        seeds.reverse();
        seeds
    }

    /// Dead letters beneath a scope, by step.
    pub(crate) fn failures(&self, scope: usize) -> Vec<(StepId, u64)> {
        let mut failures = BTreeMap::new();
        for node in self.failed() {
            if self.beneath(node.scope, scope) {
                *failures.entry(node.step).or_insert(0) += 1;
            }
        }
        failures.into_iter().collect()
    }

    /// How often this item was begun before: the same item is worked on again where a join
    /// runs again or a dead letter is put back.
    pub(crate) fn generation(&self, node: usize) -> usize {
        let Node { step, item, letters, .. } = &self.nodes[node];
        let before = self.of_item(*step, item).take_while(|at| *at < node);
        before.map(|at| 1 + self.nodes[at].letters).sum::<usize>() + letters
    }
}
