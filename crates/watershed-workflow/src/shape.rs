//! Where steps stand in the tree of branches: paths, names in reach, joins, scopes.
//!
//! Worked out of the plan's sources alone, so the compiler and a program that runs a stored
//! plan see the same shape.

use watershed_model::{Feed, Source, Step, StepId};

mod joins;

pub(crate) use joins::Watch;

/// A fan-out below the run: its branches are one level of the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The values of a step's literal list.
    Literals(StepId),
    /// The records of a step, shared by all that take them from it alone.
    Items(StepId),
    /// The elements of a list field of a step's records, shared likewise.
    Field(StepId, String),
    /// The records of several sources, brought together for one step.
    Union(StepId),
    /// The windows of a step.
    Windows(StepId),
}

/// What a name in reach stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bound {
    /// A value of that step's literal list.
    Literal(StepId),
    /// A record of one of these.
    Records(Vec<Feed>),
    /// The bounds of a window.
    Window,
}

/// A name in reach of a step, and the level (place in its path) that binds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Binding {
    pub(crate) name: String,
    pub(crate) level: usize,
    pub(crate) bound: Bound,
}

/// The shape of a plan.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Each step's fan-outs below the run.
    pub(crate) paths: Vec<Vec<Level>>,
    /// Each step's names in reach, outermost first.
    pub(crate) reach: Vec<Vec<Binding>>,
    /// For a join: how much of its path lies above it (its own windows lie beneath).
    pub(crate) stands: Vec<Option<usize>>,
    /// Steps that take items from each step, in the order of the plan.
    pub(crate) fed: Vec<Vec<StepId>>,
}

/// A join that cannot stand where its needs put it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoPlace {
    /// The join.
    pub(crate) join: StepId,
    /// The join in whose windows it would stand.
    pub(crate) windows_of: StepId,
}

impl Shape {
    /// The shape of these steps; sources and needs stand before what depends on them.
    pub(crate) fn of(steps: &[Step]) -> Result<Shape, NoPlace> {
        let mut shape = Shape {
            paths: Vec::with_capacity(steps.len()),
            reach: Vec::with_capacity(steps.len()),
            stands: vec![None; steps.len()],
            fed: fed(steps),
        };
        for (id, step) in ids(steps) {
            let (mut path, mut reach) = shape.beneath(id, step)?;
            if step.windows.is_some() {
                reach.retain(|b| b.name != "window");
                let (name, level) = ("window".to_owned(), path.len());
                reach.push(Binding { name, level, bound: Bound::Window });
                path.push(Level::Windows(id));
            }
            shape.paths.push(path);
            shape.reach.push(reach);
        }
        Ok(shape)
    }

    /// Path and reach of a step before its own windows.
    fn beneath(&mut self, id: StepId, step: &Step) -> Result<(Vec<Level>, Vec<Binding>), NoPlace> {
        let named = |reach: &mut Vec<Binding>, level: usize, bound: Bound| {
            if let Some(name) = step.item.clone() {
                reach.push(Binding { name, level, bound });
            }
        };
        let (mut path, mut reach) = (Vec::new(), Vec::new());
        match &step.source {
            Source::Run => {}
            Source::Literals(_) => {
                named(&mut reach, 0, Bound::Literal(id));
                path.push(Level::Literals(id));
            }
            Source::Items(feeds) => {
                let sources: Vec<StepId> = feeds.iter().map(|f| f.step).collect();
                path = self.shared(&sources);
                reach = self.named_alike(&sources, path.len());
                named(&mut reach, path.len(), Bound::Records(feeds.clone()));
                path.push(match feeds.as_slice() {
                    [Feed { step, field: None }] => Level::Items(*step),
                    [Feed { step, field: Some(field) }] => Level::Field(*step, field.clone()),
                    _ => Level::Union(id),
                });
            }
            Source::Join(needs) => {
                path = self.shared(needs);
                if let Some(Level::Windows(of)) = path.last()
                    && self.stands[of.index()].is_some()
                {
                    return Err(NoPlace { join: id, windows_of: *of });
                }
                reach = self.named_alike(needs, path.len());
                self.stands[id.index()] = Some(path.len());
            }
        }
        Ok((path, reach))
    }

    /// The longest path that all of these share.
    fn shared(&self, steps: &[StepId]) -> Vec<Level> {
        let mut paths = steps.iter().map(|s| self.paths[s.index()].as_slice());
        let first = paths.next().unwrap_or_default();
        let length = paths.fold(first.len(), |length, path| {
            first[..length].iter().zip(path).take_while(|(a, b)| a == b).count()
        });
        first[..length].to_vec()
    }

    /// The names that all of these give alike to the first `levels` levels.
    fn named_alike(&self, steps: &[StepId], levels: usize) -> Vec<Binding> {
        let Some((first, others)) = steps.split_first() else { return Vec::new() };
        self.reach[first.index()]
            .iter()
            .filter(|b| b.level < levels)
            .filter(|b| others.iter().all(|other| self.reach[other.index()].contains(b)))
            .cloned()
            .collect()
    }

    /// Where a step stands: for a join the path above its own windows.
    pub(crate) fn standing(&self, step: StepId) -> &[Level] {
        let path = &self.paths[step.index()];
        &path[..self.stands[step.index()].unwrap_or(path.len())]
    }

    /// The level that binds the item of a step with sources: the last above its own windows.
    pub(crate) fn item_level(&self, step: StepId, steps: &[Step]) -> usize {
        let windows = usize::from(steps[step.index()].windows.is_some());
        self.paths[step.index()].len() - 1 - windows
    }

    /// The binding of a name in reach of a step.
    pub(crate) fn binding(&self, step: StepId, name: &str) -> Option<&Binding> {
        self.reach[step.index()].iter().find(|b| b.name == name)
    }
}

/// All steps with their ids.
pub(crate) fn ids(steps: &[Step]) -> impl Iterator<Item = (StepId, &Step)> {
    (0..).map(StepId).zip(steps)
}

fn fed(steps: &[Step]) -> Vec<Vec<StepId>> {
    let mut fed = vec![Vec::new(); steps.len()];
    for (id, step) in ids(steps) {
        let Source::Items(feeds) = &step.source else { continue };
        for feed in feeds {
            let consumers: &mut Vec<StepId> = &mut fed[feed.step.index()];
            if consumers.last() != Some(&id) {
                consumers.push(id);
            }
        }
    }
    fed
}
