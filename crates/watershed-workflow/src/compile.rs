//! From a file to a plan: read, wire, order, check, and work out what items must carry.

use std::sync::Arc;

use watershed_model::{
    Catalogue, Category, Join, Operation, PLAN_FORMAT, Plan, PlanHash, ScopeLevel, Source, Step,
    StepId,
};

use crate::code;
use crate::diagnostic::{Diagnostics, Findings};
use crate::read;
use crate::schedule::Schedule;
use crate::shape::{Level, Shape};
use crate::source::{At, SourceFile};
use crate::spec::{StepDecl, WorkflowSpec};
use crate::yaml;

mod carries;
mod expressions;
mod inputs;
mod names;
mod order;
mod parameters;
mod policies;
mod schedules;
mod sources;

/// A workflow that compiled.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The plan.
    pub plan: Plan,
    /// BLAKE3 of the plan's canonical JSON: the plan's identity wherever it is kept.
    pub hash: PlanHash,
    /// When runs start by themselves. No part of the plan: they decide when a run starts, and
    /// not what it does.
    pub schedules: Vec<Schedule>,
    /// What probably means something else than it says.
    pub warnings: Diagnostics,
}

/// Levels at which joins may stand: a plan counts them in one byte, and nobody needs as many.
const SCOPES_MAX: usize = 64;
/// What leads to scarce calls stands so much further in front than its depth: a day's calls that
/// are not made are lost, and what leads nowhere can wait.
const BEFORE: u16 = 64;

/// Compiles a workflow file against a catalogue.
///
/// # Errors
/// All that is wrong with the file, at its line and column.
pub fn compile(
    file_name: &str,
    text: &str,
    catalogue: &Catalogue,
) -> Result<Compiled, Diagnostics> {
    let file = SourceFile { name: file_name.to_owned(), text: text.to_owned() };
    let mut findings = Findings::new(Arc::new(file));
    let compiled = plan(&mut findings, catalogue);
    let failed = findings.has_errors();
    let found = findings.take();
    match compiled {
        Some((plan, schedules)) if !failed => {
            let hash = hash(&plan);
            Ok(Compiled { plan, hash, schedules, warnings: found })
        }
        _ => Err(found),
    }
}

fn hash(plan: &Plan) -> PlanHash {
    // Field order is that of the types, maps are sorted: the same plan gives the same bytes.
    let canonical = serde_json::to_vec(plan).expect("a plan is plain data with text keys");
    PlanHash(blake3::hash(&canonical).to_hex().to_string())
}

fn plan(findings: &mut Findings, catalogue: &Catalogue) -> Option<(Plan, Vec<Schedule>)> {
    let node = yaml::read(findings)?;
    let spec = read::workflow(&node, findings)?;
    names::check(&spec, findings);
    let inputs = inputs::declare(&spec, findings);
    let schedules = schedules::declare(&spec, &inputs, findings);
    let operations = operations(&spec, catalogue, findings);
    let sources = sources::resolve(&spec, &operations, findings)?;
    if findings.has_errors() {
        return None;
    }
    let draft = Draft::new(&spec, operations, sources, findings)?;
    expressions::check(&draft, catalogue, findings);
    if findings.has_errors() {
        return None;
    }
    let mut steps = draft.finished(findings);
    carries::add(&mut steps, &draft);
    let (scopes, joins) = draft.scopes(findings)?;
    let plan = Plan {
        format: PLAN_FORMAT,
        name: spec.name.value.clone(),
        description: spec.description.as_ref().map(|d| d.value.clone()).unwrap_or_default(),
        inputs,
        steps,
        scopes,
        joins,
    };
    Some((plan, schedules))
}

fn operations(
    spec: &WorkflowSpec,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Vec<Option<&'static Operation>> {
    let known = || catalogue.operations.iter().map(|o| o.id);
    spec.steps
        .iter()
        .map(|(_, step)| {
            let wanted = &step.operation;
            let found = catalogue.operation(&wanted.value);
            // An empty one is missing, which was said already.
            if found.is_none() && !wanted.value.is_empty() {
                let message = format!("there is no operation `{}`", wanted.value);
                let help = crate::suggest::instead(&wanted.value, known());
                findings.error(code::UNKNOWN_OPERATION, &wanted.span, message, help);
            }
            found
        })
        .collect()
}

/// A workflow whose steps are wired and ordered.
struct Draft<'s> {
    /// The declarations, in the order of the plan.
    decls: Vec<&'s (At<String>, StepDecl)>,
    /// The operations, likewise.
    operations: Vec<&'static Operation>,
    /// The steps, as far as they are known.
    steps: Vec<Step>,
    shape: Shape,
    spec: &'s WorkflowSpec,
}

impl<'s> Draft<'s> {
    fn new(
        spec: &'s WorkflowSpec,
        operations: Vec<Option<&'static Operation>>,
        sources: Vec<Source>,
        findings: &mut Findings,
    ) -> Option<Self> {
        let operations: Vec<&'static Operation> = operations.into_iter().flatten().collect();
        let first = order::by_sources(spec, &sources, findings)?;
        let steps: Vec<Step> = spec
            .steps
            .iter()
            .zip(&operations)
            .zip(sources)
            .map(|((decl, operation), source)| policies::step(spec, decl, operation, source))
            .collect();
        let steps = order::permuted(&steps, &first);
        let shape = Shape::of(&steps)
            .map_err(|no_place| {
                let (name, decl) = &spec.steps[first[no_place.join.index()]];
                let span = decl.needs.as_ref().map_or(&name.span, |n| &n.0.span);
                let of = &steps[no_place.windows_of.index()].name;
                let message = format!("a join cannot stand in the windows of the join `{of}`");
                let help = format!("need a step that takes items from `{of}`");
                findings.error(code::JOIN_PLACE, span, message, Some(help));
            })
            .ok()?;
        let last = order::by_watches(spec, &first, &steps, &shape, findings)?;
        let steps = order::permuted(&steps, &last);
        let shape = Shape::of(&steps).expect("another order changes no path");
        let origins: Vec<usize> = last.iter().map(|at| first[*at]).collect();
        Some(Draft {
            decls: origins.iter().map(|at| &spec.steps[*at]).collect(),
            operations: origins.iter().map(|at| operations[*at]).collect(),
            steps,
            shape,
            spec,
        })
    }

    /// The steps with what follows from the shape: what they feed, depth, scope, order.
    fn finished(&self, findings: &mut Findings) -> Vec<Step> {
        let levels = self.shape.scope_levels();
        let scarce = self.to_scarce();
        let mut steps = self.steps.clone();
        for (index, step) in steps.iter_mut().enumerate() {
            let path = &self.shape.paths[index];
            step.feeds.clone_from(&self.shape.fed[index]);
            step.depth = u16::try_from(path.len()).unwrap_or(u16::MAX);
            if scarce[index] {
                step.depth = step.depth.saturating_add(BEFORE);
            }
            step.scope = u8::try_from(Shape::deepest(&levels, path)).unwrap_or(u8::MAX);
            policies::ordered(self, index, step, findings);
        }
        steps
    }

    /// Of each step, whether it makes calls that a plan's day has few of, or leads on to such.
    fn to_scarce(&self) -> Vec<bool> {
        let is_scarce = |step: &Step| {
            matches!(step.category, Some(Category::Heavy | Category::ResourceIntensive))
        };
        let mut scarce: Vec<bool> = self.steps.iter().map(is_scarce).collect();
        // A step stands after all that it hangs under.
        for (index, step) in self.steps.iter().enumerate().rev() {
            let leads = self.shape.fed[index].iter().any(|fed| scarce[fed.index()]);
            scarce[index] |= leads;
            if let (true, Source::Join(watched)) = (scarce[index], &step.source) {
                watched.iter().for_each(|above| scarce[above.index()] = true);
            }
        }
        scarce
    }

    /// The levels at which joins stand, and the joins.
    fn scopes(&self, findings: &mut Findings) -> Option<(Vec<ScopeLevel>, Vec<Join>)> {
        let levels = self.shape.scope_levels();
        if levels.len() > SCOPES_MAX {
            let message =
                format!("joins stand at {} levels; a plan has {SCOPES_MAX}", levels.len());
            findings.error(code::TOO_MANY_LEVELS, &(0..0), message, None);
            return None;
        }
        let id = |path: &[Level]| u8::try_from(Shape::deepest(&levels, path)).unwrap_or(u8::MAX);
        let scopes = levels
            .iter()
            .map(|path| ScopeLevel {
                parent: path.split_last().map(|(_, above)| id(above)),
                name: path.last().map_or_else(|| "run".to_owned(), |last| self.called(last)),
            })
            .collect();
        let joins = self
            .shape
            .watches(&self.steps)
            .into_iter()
            .map(|watch| Join {
                step: watch.join,
                scope: id(self.shape.standing(watch.join)),
                watches: watch.watches.into_iter().collect(),
            })
            .collect();
        Some((scopes, joins))
    }

    /// What the branches of a level are called.
    fn called(&self, level: &Level) -> String {
        let name = |id: &StepId| self.steps[id.index()].item.clone();
        let step = |id: &StepId| self.steps[id.index()].name.clone();
        match level {
            Level::Windows(_) => "window".to_owned(),
            Level::Literals(id) | Level::Union(id) => name(id).unwrap_or_else(|| step(id)),
            Level::Items(id) | Level::Field(id, _) => self.shape.fed[id.index()]
                .iter()
                .filter(|c| self.shape.paths[c.index()].contains(level))
                .find_map(name)
                .unwrap_or_else(|| step(id)),
        }
    }
}
