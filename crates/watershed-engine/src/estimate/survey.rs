//! Which calls are made, in which order, and when it is enough.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use watershed_ledger::tables::Budget;
use watershed_model::{Category, Kind, Limits, Operation, RunId, StepId};
use watershed_sink::{Batch, Sink, Write};

use crate::active::ActiveRun;
use crate::error::Error;
use crate::task::Tools;

use super::asking::{Before, Desk, Got};
use super::reckon::{Reckoned, Stratum, reckon};
use super::tree::{Known, Left, NodeAt, Tree};
use super::{Estimate, Sampling};

/// Calls in flight at once.
const AT_ONCE: usize = 16;
/// Items whose coverage is asked in one query.
const ITEMS_AT_ONCE: usize = 500;
/// Units asked first of each stratum beneath which something hangs,
const FIRST: usize = 30;
/// and of each beneath which nothing does: its rows, and what they weigh.
const FIRST_LEAVES: usize = 20;
/// Units that cost nothing, looked at.
const FREE: usize = 500;
/// A category is known well enough when its calls lie so close, in percent,
pub(super) const GOAL_PERCENT: f64 = 5.0;
/// or so close in calls.
const GOAL_CALLS: f64 = 3.0;
/// Bounds of the sampling calls where nothing is said: this part of the run's,
const PART_MAX: f64 = 0.02;
/// but so many at least,
const CALLS_LEAST: u64 = 400;
/// and at most.
const CALLS_MOST: u64 = 2_000;
/// Rows of a step that are weighed.
const WEIGHED_MAX: usize = 3_000;

/// A survey under way.
pub(super) struct Survey {
    pub(super) desk: Desk,
    pub(super) tree: Tree,
    scratch: Arc<dyn Sink>,
    calls_max: Option<u64>,
    /// Calls of lists under the run itself: they are read whole.
    pub(super) whole: u64,
    /// Operations that were asked once.
    tried: BTreeSet<&'static str>,
    stopped: BTreeSet<&'static str>,
    /// What is to be weighed, by step, and of how many items it is.
    heap: BTreeMap<StepId, (Vec<Write>, u64)>,
}

impl Survey {
    pub(super) fn new(run: Arc<ActiveRun>, tools: Tools, paced: Limits, how: Sampling) -> Survey {
        let mut budget = Budget::default();
        budget.set(&paced);
        let desk = Desk {
            run,
            tools,
            budget: Mutex::new(budget),
            spent: Mutex::default(),
            ended: false.into(),
        };
        Survey {
            desk,
            tree: Tree::default(),
            scratch: how.scratch,
            calls_max: how.calls_max,
            whole: 0,
            tried: BTreeSet::new(),
            stopped: BTreeSet::new(),
            heap: BTreeMap::new(),
        }
    }

    /// Asks what is to be asked, and tells what it comes to.
    ///
    /// # Errors
    /// A credential that is refused, the sink's.
    pub(super) async fn estimate(
        mut self,
        goes_on: Option<RunId>,
        probes: Vec<String>,
    ) -> Result<Estimate, Error> {
        let run = self.desk.run.clone();
        let plan = run.program.plan().clone();
        let joins = run.program.root_joins(&run.context)?;
        self.tree.seed(&plan, run.seeds()?.children, joins);
        self.look(0, 0).await?;
        let roots: Vec<usize> = (0..self.tree.units.len()).collect();
        self.ask(&roots).await?;
        self.whole = self.desk.calls();
        self.tree.recount(0);
        let (reckoned, most) = loop {
            let reckoned = reckon(&self.tree, &plan);
            let most = self.most(&reckoned);
            let room = most.saturating_sub(self.desk.calls().saturating_sub(self.whole));
            let next = next(&reckoned, room);
            if next.is_empty() {
                break (reckoned, most);
            }
            let before = self.answered();
            self.ask(&next).await?;
            if self.answered() == before {
                break (reckon(&self.tree, &plan), most);
            }
        };
        let rows_bytes = self.weigh_rows(&reckoned).await?;
        let file_bytes = self.weigh_files(&reckoned);
        Ok(self.told(&reckoned, most, (rows_bytes, file_bytes), goes_on, &probes))
    }

    fn answered(&self) -> usize {
        self.tree.nodes.iter().filter(|node| node.answer.is_some()).count()
    }

    fn operation(&self, at: NodeAt) -> &'static Operation {
        self.desk.run.operation(self.tree.nodes[at].step)
    }

    /// Sampling calls allowed, lists under the run left out.
    fn most(&self, reckoned: &Reckoned) -> u64 {
        self.calls_max.unwrap_or_else(|| {
            let all: f64 = reckoned.calls.values().sum();
            ((all * PART_MAX) as u64).clamp(CALLS_LEAST, CALLS_MOST)
        })
    }

    /// Finds out which nodes, from that one on, cost no call.
    async fn look(&mut self, nodes: usize, units: usize) -> Result<(), Error> {
        self.tree.recount(units);
        let mut from = nodes;
        while from < self.tree.nodes.len() {
            let to = (from + ITEMS_AT_ONCE).min(self.tree.nodes.len());
            let items: Vec<(StepId, String)> =
                self.tree.nodes[from..to].iter().map(|n| (n.step, n.item.clone())).collect();
            for (at, before) in (from..to).zip(self.desk.before(&items).await?) {
                let node = &mut self.tree.nodes[at];
                node.free = before != Before::Asked;
                if let Before::Left(left) = before {
                    node.left = Some(left);
                }
            }
            from = to;
        }
        Ok(())
    }

    /// Asks all that these units hold: the first item of each operation alone, so that an
    /// operation which the account does not have costs one call.
    async fn ask(&mut self, units: &[usize]) -> Result<(), Error> {
        let plan = self.desk.run.program.plan().clone();
        let kept = self.tree.kept(&plan);
        let open = |at: &NodeAt| kept[*at] && self.tree.nodes[*at].answer.is_none();
        let nodes: Vec<NodeAt> = units
            .iter()
            .flat_map(|unit| self.tree.units[*unit].nodes.iter().copied())
            .filter(open)
            .collect();
        let mut others = Vec::new();
        for at in nodes {
            if self.tree.nodes[at].free || !self.tried.insert(self.operation(at).id) {
                others.push(at);
                continue;
            }
            let (step, item) = (self.tree.nodes[at].step, self.tree.nodes[at].item.clone());
            if let Some(got) = self.desk.ask(step, &item).await? {
                self.take(at, got).await?;
            }
        }
        let asked: Vec<(NodeAt, StepId, String)> = others
            .into_iter()
            .map(|at| (at, self.tree.nodes[at].step, self.tree.nodes[at].item.clone()))
            .collect();
        let desk = &self.desk;
        let answers: Vec<(NodeAt, Result<Option<Got>, Error>)> = futures_util::stream::iter(asked)
            .map(|(at, step, item)| async move { (at, desk.ask(step, &item).await) })
            .buffered(AT_ONCE)
            .collect()
            .await;
        for (at, got) in answers {
            if let Some(got) = got? {
                self.take(at, got).await?;
            }
        }
        Ok(())
    }

    /// Takes an answer in.
    async fn take(&mut self, at: NodeAt, got: Got) -> Result<(), Error> {
        let run = self.desk.run.clone();
        let plan = run.program.plan();
        let dataset = self.operation(at).dataset.name;
        let root = self.tree.is_root(at);
        let own = || {
            let rows = got.writes.iter().flat_map(|write| &write.rows);
            rows.filter(|row| row.dataset.name == dataset)
        };
        let rows = own().count() as u64;
        if root {
            for row in own() {
                self.tree.name(&row.record);
            }
        }
        let (nodes, units) = (self.tree.nodes.len(), self.tree.units.len());
        let node = &self.tree.nodes[at];
        // One reading serves all files of a recording, whichever of them was drawn.
        let calls = match self.operation(at).kind == Kind::File {
            true => u64::from(!node.free && !node.together),
            false => got.calls,
        };
        let known = Known { calls, spent: got.calls, rows };
        self.tree.answer(plan, at, known, got.broods);
        self.look(nodes, units).await?;
        let step = self.tree.nodes[at].step;
        let (heap, items) = self.heap.entry(step).or_default();
        if heap.iter().map(|write| write.rows.len()).sum::<usize>() < WEIGHED_MAX {
            heap.extend(got.writes);
            *items += 1;
        }
        self.learn_stops();
        Ok(())
    }

    /// An operation that the account does not have costs no further call.
    fn learn_stops(&mut self) {
        let run = self.desk.run.clone();
        for operation in self.tried.clone() {
            let Some(stopped) = run.link.stopped(operation) else { continue };
            if self.stopped.insert(operation) {
                let left = Left { why: stopped.why.name(), what: stopped.message };
                for node in &mut self.tree.nodes {
                    if run.operation(node.step).id != operation {
                        continue;
                    }
                    node.left.get_or_insert_with(|| left.clone());
                    node.free |= node.answer.is_none();
                }
            }
        }
    }

    /// Bytes of the files that are to come, by what those weigh that were looked at.
    fn weigh_files(&self, reckoned: &Reckoned) -> u64 {
        let weight = self.desk.tools.files.weight();
        let brings = |step: StepId| self.desk.run.operation(step).kind == Kind::File;
        let steps = (0..).map(StepId).zip(&reckoned.steps);
        let files: f64 = steps.filter(|(step, _)| brings(*step)).map(|(_, f)| f.items).sum();
        (files * weight.bytes as f64 / weight.files.max(1) as f64).max(0.0) as u64
    }

    /// Bytes that the dataset grows by: what was answered, written to the scratch sink, and its
    /// growth taken for the whole.
    async fn weigh_rows(&mut self, reckoned: &Reckoned) -> Result<u64, Error> {
        let mut all = 0.0;
        for (step, (writes, items)) in std::mem::take(&mut self.heap) {
            let dataset = self.desk.run.operation(step).dataset.name;
            let rows = writes.iter().flat_map(|write| &write.rows);
            let rows = rows.filter(|row| row.dataset.name == dataset).count();
            let before = self.scratch.check().await?.bytes;
            self.scratch.write(Batch { writes, ..Batch::default() }.into()).await?;
            let grown = self.scratch.check().await?.bytes.saturating_sub(before) as f64;
            let figures = reckoned.steps[step.index()];
            let times = if rows as u64 > items {
                figures.rows / rows as f64
            } else {
                figures.items / items.max(1) as f64
            };
            all += grown * times;
        }
        Ok(all.max(0.0) as u64)
    }
}

/// The units to be asked next; none where it is enough.
fn next(reckoned: &Reckoned, room: u64) -> Vec<usize> {
    // What costs nothing first, and a first sample of everything, from the run downwards.
    for stratum in reckoned.strata.iter().rev() {
        let least = match stratum {
            Stratum { free: true, .. } => FREE,
            Stratum { feeds: true, .. } => FIRST,
            _ => FIRST_LEAVES,
        };
        let wanted = least.min(stratum.known).saturating_sub(stratum.asked);
        let affordable = affordable(stratum, room);
        if wanted.min(affordable) > 0 {
            return stratum.open.iter().copied().take(wanted.min(affordable)).collect();
        }
    }
    let far = |category: &Category| {
        let calls = reckoned.calls.get(category).copied().unwrap_or(0.0);
        let half = reckoned.half_width(*category);
        half > GOAL_CALLS && half > calls * GOAL_PERCENT / 100.0
    };
    let gain = |stratum: &Stratum| -> f64 {
        let parts = stratum.variance.iter().filter(|(category, _)| far(category));
        let gains = parts.map(|(category, variance)| {
            let calls = reckoned.calls.get(category).copied().unwrap_or(0.0).max(1.0);
            variance / (calls * calls)
        });
        gains.sum::<f64>() / (stratum.asked.max(1) as f64 * stratum.cost.max(0.1))
    };
    let open = reckoned.strata.iter().filter(|s| !s.open.is_empty() && affordable(s, room) > 0);
    let best = open.map(|s| (gain(s), s)).max_by(|(a, _), (b, _)| a.total_cmp(b));
    match best {
        Some((gain, stratum)) if gain > 0.0 => {
            let some = (stratum.asked / 4).max(4).min(affordable(stratum, room));
            stratum.open.iter().copied().take(some).collect()
        }
        _ => Vec::new(),
    }
}

/// Units of a stratum that may be asked with so many calls.
fn affordable(stratum: &Stratum, room: u64) -> usize {
    if stratum.free {
        return usize::MAX;
    }
    (room as f64 / stratum.cost.max(1.0)) as usize
}
