//! From a sample to the whole, and how sure that is. Pure.
//!
//! Units that hang under records of one step, and would ask the same steps, are a *stratum*:
//! those that were asked stand for those that were not. Where lists that were read whole name
//! some units more often than others, a unit is reckoned by how often it is named (a straight
//! line through the sample), else by the mean. What the sample leaves open is told as a
//! variance: that of sampling without putting back, at each level of the tree, added up.

use std::collections::BTreeMap;

use watershed_model::{Category, Plan, StepId};

use super::tree::{NodeAt, Tree};

/// Units asked from which on a line is laid through them.
const LINE_FROM: usize = 20;
/// Standard errors of what is told: 99 of 100 runs lie within.
pub(super) const ERRORS: f64 = 2.5;

/// Figures of one step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) items: f64,
    pub(super) calls: f64,
    pub(super) rows: f64,
    /// Items that scope, role, tier or consent keep out.
    pub(super) left: f64,
}

/// The whole, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Reckoned {
    /// Of each step.
    pub(super) steps: Vec<Figures>,
    /// The variance of each step's calls.
    pub(super) step_variance: Vec<f64>,
    /// Calls of each category.
    pub(super) calls: BTreeMap<Category, f64>,
    /// And their variance.
    pub(super) variance: BTreeMap<Category, f64>,
    /// What may be asked next.
    pub(super) strata: Vec<Stratum>,
}

/// Units that stand for each other.
#[derive(Debug)]
pub(super) struct Stratum {
    /// The steps that its units ask.
    pub(super) steps: Vec<StepId>,
    /// Whether they cost no call.
    pub(super) free: bool,
    /// Whether steps hang under them.
    pub(super) feeds: bool,
    /// Units known.
    pub(super) known: usize,
    /// Of these, asked.
    pub(super) asked: usize,
    /// Those that were not, in the order of drawing.
    pub(super) open: Vec<usize>,
    /// Calls that one costs.
    pub(super) cost: f64,
    /// What it adds to the variance of each category.
    pub(super) variance: BTreeMap<Category, f64>,
}

impl Reckoned {
    /// The half width, in calls, of where a category's calls lie.
    pub(super) fn half_width(&self, category: Category) -> f64 {
        ERRORS * self.variance.get(&category).copied().unwrap_or(0.0).max(0.0).sqrt()
    }
}

/// A unit on its way.
struct Drawn {
    unit: usize,
    weight: f64,
    asked: bool,
}

type Key = (Vec<StepId>, bool);

struct Reckoning<'t> {
    tree: &'t Tree,
    plan: &'t Plan,
    kept: Vec<bool>,
    /// How many items of its step an asked node stands for.
    weights: Vec<f64>,
    /// What lies beneath an asked node, by step.
    beneath: BTreeMap<NodeAt, Vec<Figures>>,
}

/// The whole from the part.
pub(super) fn reckon(tree: &Tree, plan: &Plan) -> Reckoned {
    let mut reckoning = Reckoning {
        tree,
        plan,
        kept: tree.kept(plan),
        weights: vec![0.0; tree.nodes.len()],
        beneath: BTreeMap::new(),
    };
    let levels = reckoning.weigh();
    let mut reckoned = Reckoned {
        steps: vec![Figures::default(); plan.steps.len()],
        step_variance: vec![0.0; plan.steps.len()],
        ..Reckoned::default()
    };
    for (root, strata) in levels.into_iter().enumerate().rev().map(|(n, s)| (n == 0, s)) {
        for (key, drawn) in strata {
            let whole = reckoning.sum(&key, &drawn, &mut reckoned);
            if root {
                add(&mut reckoned.steps, &whole);
            }
        }
    }
    // The call that told that an operation is not to be had is made once, for all items.
    for node in tree.nodes.iter().filter(|node| node.left.is_some()) {
        let calls = node.answer.as_ref().map_or(0.0, |known| known.calls as f64);
        reckoned.steps[node.step.index()].calls += calls;
    }
    for (step, figures) in plan.steps.iter().zip(&reckoned.steps) {
        if let Some(category) = step.category {
            *reckoned.calls.entry(category).or_default() += figures.calls;
        }
    }
    for stratum in &reckoned.strata {
        for (category, variance) in &stratum.variance {
            *reckoned.variance.entry(*category).or_default() += variance;
        }
    }
    reckoned
}

impl Reckoning<'_> {
    /// The strata of each feeding step, the run first; and the weights of asked nodes.
    fn weigh(&mut self) -> Vec<BTreeMap<Key, Vec<Drawn>>> {
        let mut by_feed: Vec<Vec<usize>> = vec![Vec::new(); self.plan.steps.len() + 1];
        for (at, unit) in self.tree.units.iter().enumerate() {
            let feed = unit.parent.map_or(0, |parent| self.tree.nodes[parent].step.index() + 1);
            by_feed[feed].push(at);
        }
        let mut levels = Vec::new();
        for units in by_feed {
            let mut strata: BTreeMap<Key, Vec<Drawn>> = BTreeMap::new();
            for unit in units {
                let weight = self.tree.units[unit].parent.map_or(1.0, |at| self.weights[at]);
                let nodes = self.nodes(unit);
                if weight <= 0.0 || nodes.is_empty() {
                    continue;
                }
                let known = |at: &NodeAt| &self.tree.nodes[*at];
                let mut steps: Vec<StepId> = nodes.iter().map(|at| known(at).step).collect();
                steps.dedup();
                let free = nodes.iter().all(|at| known(at).free);
                let asked = nodes.iter().all(|at| known(at).answer.is_some());
                strata.entry((steps, free)).or_default().push(Drawn { unit, weight, asked });
            }
            for drawn in strata.values() {
                let all: f64 = drawn.iter().map(|d| d.weight).sum();
                let asked: f64 = drawn.iter().filter(|d| d.asked).map(|d| d.weight).sum();
                for d in drawn.iter().filter(|d| d.asked) {
                    for at in self.nodes(d.unit) {
                        self.weights[at] = d.weight * all / asked;
                    }
                }
            }
            levels.push(strata);
        }
        levels
    }

    /// The nodes of a unit that are asked, if any is.
    fn nodes(&self, unit: usize) -> Vec<NodeAt> {
        self.tree.units[unit].nodes.iter().copied().filter(|at| self.kept[*at]).collect()
    }

    /// What a stratum comes to; notes it beneath the nodes above.
    fn sum(
        &mut self,
        (steps, free): &Key,
        drawn: &[Drawn],
        reckoned: &mut Reckoned,
    ) -> Vec<Figures> {
        let sample: Vec<(&Drawn, Vec<Figures>)> = drawn
            .iter()
            .filter(|d| d.asked)
            .map(|d| (d, minus(self.learnt(d.unit), &self.sure(d.unit))))
            .collect();
        let line = Line::through(self.tree, &sample);
        let places: BTreeMap<usize, usize> =
            sample.iter().enumerate().map(|(place, (d, _))| (d.unit, place)).collect();
        let mut whole = vec![Figures::default(); self.plan.steps.len()];
        for d in drawn {
            let named = self.tree.units[d.unit].named;
            let mut figures = self.sure(d.unit);
            match places.get(&d.unit) {
                Some(place) => add(&mut figures, &sample[*place].1),
                None => add(&mut figures, &line.at(named)),
            }
            match self.tree.units[d.unit].parent {
                Some(parent) => {
                    let empty = || vec![Figures::default(); self.plan.steps.len()];
                    add(self.beneath.entry(parent).or_insert_with(empty), &figures);
                }
                None => add(&mut whole, &figures),
            }
        }
        let (known, asked) = (drawn.len(), sample.len());
        let mut variance = BTreeMap::new();
        if asked < known && asked > 0 {
            let spread = |of: &dyn Fn(&[Figures]) -> f64| line.spread(self.tree, &sample, of);
            let left = (known * (known - asked)) as f64 / asked as f64;
            for (step, by_step) in self.plan.steps.iter().zip(0..) {
                let own = left * spread(&|f: &[Figures]| f[by_step].calls);
                reckoned.step_variance[by_step] += own;
                if let Some(category) = step.category {
                    variance.entry(category).or_insert_with(|| {
                        let of = |f: &[Figures]| self.in_category(f, category);
                        left * spread(&of)
                    });
                }
            }
        }
        let mut open: Vec<usize> = drawn.iter().filter(|d| !d.asked).map(|d| d.unit).collect();
        open.sort_by_key(|unit| self.tree.units[*unit].order);
        let cost: f64 = sample.iter().map(|(d, _)| self.cost(d.unit)).sum();
        reckoned.strata.push(Stratum {
            feeds: steps.iter().any(|step| !self.plan.step(*step).feeds.is_empty()),
            steps: steps.clone(),
            free: *free,
            known,
            asked,
            open,
            cost: if asked == 0 { steps.len() as f64 } else { cost / asked as f64 },
            variance,
        });
        whole
    }

    fn in_category(&self, figures: &[Figures], category: Category) -> f64 {
        let steps = self.plan.steps.iter().zip(figures);
        steps.filter(|(step, _)| step.category == Some(category)).map(|(_, f)| f.calls).sum()
    }

    fn cost(&self, unit: usize) -> f64 {
        let nodes = self.nodes(unit);
        let answers = nodes.iter().filter_map(|at| self.tree.nodes[*at].answer.as_ref());
        answers.map(|known| known.calls as f64).sum()
    }

    /// What is known of a unit without asking: its items, and a call for each.
    fn sure(&self, unit: usize) -> Vec<Figures> {
        let mut figures = vec![Figures::default(); self.plan.steps.len()];
        for at in self.nodes(unit) {
            let node = &self.tree.nodes[at];
            let own = &mut figures[node.step.index()];
            own.items += 1.0;
            if node.left.is_some() {
                own.left += 1.0;
            }
            if !node.free && !node.together {
                own.calls += 1.0;
            }
        }
        figures
    }

    /// What was learnt of a unit by asking.
    fn learnt(&self, unit: usize) -> Vec<Figures> {
        let mut figures = vec![Figures::default(); self.plan.steps.len()];
        for at in self.nodes(unit) {
            let node = &self.tree.nodes[at];
            let own = &mut figures[node.step.index()];
            own.items += 1.0;
            if node.left.is_some() {
                own.left += 1.0;
            }
            if let Some(known) = &node.answer {
                if node.left.is_none() {
                    own.calls += known.calls as f64;
                }
                own.rows += known.rows as f64;
            }
            if let Some(beneath) = self.beneath.get(&at) {
                add(&mut figures, beneath);
            }
        }
        figures
    }
}

/// What a unit comes to by how often it is named.
struct Line {
    named: f64,
    mean: Vec<Figures>,
    /// A unit that is named once more has so much more.
    slope: Option<Vec<Figures>>,
}

impl Line {
    fn through(tree: &Tree, sample: &[(&Drawn, Vec<Figures>)]) -> Line {
        let all: f64 = sample.iter().map(|(d, _)| d.weight).sum();
        let width = sample.first().map_or(0, |(_, figures)| figures.len());
        let mut mean = vec![Figures::default(); width];
        if sample.is_empty() {
            return Line { named: 0.0, mean, slope: None };
        }
        let named = |d: &Drawn| tree.units[d.unit].named;
        let mean_named = sample.iter().map(|(d, _)| d.weight * named(d)).sum::<f64>() / all;
        for (d, figures) in sample {
            add(&mut mean, &times(figures, d.weight / all));
        }
        let off = |d: &Drawn| named(d) - mean_named;
        let spread: f64 = sample.iter().map(|(d, _)| d.weight * off(d) * off(d)).sum();
        let slope = (sample.len() >= LINE_FROM && spread > 0.0).then(|| {
            let mut slope = vec![Figures::default(); width];
            for (d, figures) in sample {
                add(&mut slope, &times(figures, d.weight * off(d) / spread));
            }
            slope
        });
        Line { named: mean_named, mean, slope }
    }

    fn at(&self, named: f64) -> Vec<Figures> {
        let mut figures = self.mean.clone();
        if let Some(slope) = &self.slope {
            add(&mut figures, &times(slope, named - self.named));
        }
        figures
    }

    /// The weighted variance of what the line does not tell, of any sum of figures.
    fn spread(
        &self,
        tree: &Tree,
        sample: &[(&Drawn, Vec<Figures>)],
        of: &dyn Fn(&[Figures]) -> f64,
    ) -> f64 {
        // Of one alone nothing is known but that others may be as different as can be.
        if let [(d, figures)] = sample {
            return (d.weight * of(figures)).powi(2);
        }
        let told = if self.slope.is_some() { 2 } else { 1 };
        let free = sample.len().saturating_sub(told).max(1) as f64;
        let squares = sample.iter().map(|(d, figures)| {
            let off = of(figures) - of(&self.at(tree.units[d.unit].named));
            (d.weight * off).powi(2)
        });
        squares.sum::<f64>() / free
    }
}

fn add(to: &mut Vec<Figures>, more: &[Figures]) {
    if to.len() < more.len() {
        to.resize(more.len(), Figures::default());
    }
    for (to, more) in to.iter_mut().zip(more) {
        to.items += more.items;
        to.calls += more.calls;
        to.rows += more.rows;
        to.left += more.left;
    }
}

fn times(figures: &[Figures], by: f64) -> Vec<Figures> {
    let each = figures.iter().map(|f| Figures {
        items: f.items * by,
        calls: f.calls * by,
        rows: f.rows * by,
        left: f.left * by,
    });
    each.collect()
}

fn minus(mut figures: Vec<Figures>, less: &[Figures]) -> Vec<Figures> {
    add(&mut figures, &times(less, -1.0));
    figures
}

#[cfg(test)]
mod tests;
