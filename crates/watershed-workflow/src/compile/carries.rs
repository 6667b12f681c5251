//! What an item must carry: the fields of enclosing branches that its step and everything
//! beneath it use. Nothing walks up the tree of branches at run time.

use std::collections::BTreeSet;

use watershed_model::{
    Carry, OnUnavailable, ParamPlace, Source, Step, StepId, Template, TemplatePart,
};

use super::{Draft, expressions};
use crate::expr::{self, Use};
use crate::shape::{Bound, Level};

/// Fills in [`Step::carries`] of every step.
pub(super) fn add(steps: &mut [Step], draft: &Draft<'_>) {
    let ordered: Vec<Step> = steps.to_vec();
    let carrier = Carrier { draft, steps: &ordered };
    let mut carried: Vec<BTreeSet<Use>> = vec![BTreeSet::new(); ordered.len()];
    for at in (0..ordered.len()).rev() {
        carried[at] = carrier.needed(at, &carried);
    }
    for (step, needed) in steps.iter_mut().zip(carried) {
        step.carries = needed.into_iter().map(|u| Carry { name: u.name, field: u.field }).collect();
    }
}

struct Carrier<'c> {
    draft: &'c Draft<'c>,
    steps: &'c [Step],
}

/// What a child or a join uses, and which level of the tree binds each name of it.
struct Needs {
    /// Uses of names in reach, with the level that binds them.
    uses: Vec<(Use, usize)>,
}

impl Carrier<'_> {
    fn needed(&self, at: usize, carried: &[BTreeSet<Use>]) -> BTreeSet<Use> {
        let shape = &self.draft.shape;
        let mut needed = self.call_uses(at);
        for child in &shape.fed[at] {
            let Needs { uses } = self.child_needs(child.index(), carried);
            for (used, level) in uses {
                // The level that the record itself makes; in a union it may be a shallow one.
                if level < shape.item_level(*child, self.steps) {
                    needed.insert(used);
                } else {
                    needed.extend(self.passed_on(at, *child, &used));
                }
            }
            if let Some(field) = &self.steps[child.index()].order_field {
                let item = self.steps[child.index()].item.clone().unwrap_or_default();
                let used = Use { name: item, field: Some(field.clone()) };
                needed.extend(self.passed_on(at, *child, &used));
            }
        }
        for (join, level) in self.joins_made_by(at) {
            let Needs { uses } = self.child_needs(join.index(), carried);
            for (used, bound_at) in uses {
                if bound_at < level {
                    needed.insert(used);
                } else if shape.standing(join)[level] == Level::Items(step_id(at)) {
                    needed.extend(self.own_field(at, &used));
                }
            }
        }
        needed
    }

    /// Uses when the step's call is made: its parameters; for a join its condition too.
    fn call_uses(&self, at: usize) -> BTreeSet<Use> {
        let step = &self.steps[at];
        let mut found = BTreeSet::new();
        for (name, template) in &step.with {
            let place = self.draft.operations[at].param(name).map(|p| p.place);
            for used in template_uses(template) {
                match (place, &used.field) {
                    (Some(ParamPlace::Record(record)), None) => {
                        found.extend(record.fields.iter().filter(|f| !f.secret).map(|f| Use {
                            name: used.name.clone(),
                            field: Some(f.name.to_owned()),
                        }));
                    }
                    _ => {
                        found.insert(used);
                    }
                }
            }
        }
        if let (Source::Join(_), Some(when)) = (&step.source, &step.when) {
            found.extend(expression_uses(&when.0));
        }
        found.retain(|used| self.draft.shape.binding(step_id(at), &used.name).is_some());
        found
    }

    /// Everything that must be known when an item of the step is made.
    fn child_needs(&self, child: usize, carried: &[BTreeSet<Use>]) -> Needs {
        let step = &self.steps[child];
        let mut inner: BTreeSet<Use> = carried[child].clone();
        if !matches!(step.source, Source::Join(_)) {
            let conditions = step.when.iter().chain(&step.once);
            inner.extend(conditions.flat_map(|e| expression_uses(&e.0)));
        }
        if step.windows.is_some() {
            inner.retain(|used| used.name != "window");
        }
        let level =
            |used: &Use| self.draft.shape.binding(step_id(child), &used.name).map(|b| b.level);
        let mut uses: Vec<(Use, usize)> =
            inner.into_iter().filter_map(|used| level(&used).map(|l| (used, l))).collect();
        if let Some(windows) = &step.windows {
            for used in template_uses(&windows.from).into_iter().chain(template_uses(&windows.to)) {
                // A window above: the step's own is not in reach of its own bounds.
                let bound = if used.name == "window" { Some(0) } else { level(&used) };
                uses.extend(bound.map(|l| (used, l)));
            }
        }
        Needs { uses }
    }

    /// Under `on_unavailable: continue`, the field of the step's own item that stands in for
    /// the field of its record that a child uses.
    fn passed_on(&self, at: usize, child: StepId, used: &Use) -> Option<Use> {
        let own = self.steps[child.index()].item.as_deref() == Some(used.name.as_str());
        let Source::Items(feeds) = &self.steps[child.index()].source else { return None };
        let whole = feeds.iter().any(|f| f.step.index() == at && f.field.is_none());
        if own && whole { self.own_field(at, used) } else { None }
    }

    fn own_field(&self, at: usize, used: &Use) -> Option<Use> {
        let step = &self.steps[at];
        let (OnUnavailable::Continue, Some(item)) = (step.on_unavailable, &step.item) else {
            return None;
        };
        let Bound::Records(feeds) = &self.draft.shape.binding(step_id(at), item)?.bound else {
            return None;
        };
        let field = used.field.as_deref()?;
        let records = expressions::records(self.draft, feeds);
        let known = records.iter().any(|r| r.field(field).is_some());
        known.then(|| Use { name: item.clone(), field: used.field.clone() })
    }

    /// Joins of the branches that a record of the step makes, with the place in their path of
    /// the first level that it makes.
    fn joins_made_by(&self, at: usize) -> Vec<(StepId, usize)> {
        let shape = &self.draft.shape;
        let fed = &shape.fed[at];
        let made = |level: &Level| match level {
            Level::Items(of) | Level::Field(of, _) => of.index() == at,
            Level::Union(of) => fed.contains(of),
            Level::Windows(_) | Level::Literals(_) => false,
        };
        (0..self.steps.len())
            .filter(|join| shape.stands[*join].is_some())
            .filter_map(|join| {
                let path = shape.standing(step_id(join));
                let last = path.len().checked_sub(1)?;
                let first = match &path[last] {
                    Level::Windows(of) if fed.contains(of) => last.checked_sub(1)?,
                    _ => last,
                };
                made(&path[first]).then_some((step_id(join), first))
            })
            .collect()
    }
}

fn step_id(at: usize) -> StepId {
    StepId(u16::try_from(at).expect("a workflow has at most 500 steps"))
}

fn template_uses(template: &Template) -> BTreeSet<Use> {
    template
        .0
        .iter()
        .flat_map(|part| match part {
            TemplatePart::Text(_) => BTreeSet::new(),
            TemplatePart::Expr(expr) => expression_uses(&expr.0),
        })
        .collect()
}

fn expression_uses(text: &str) -> BTreeSet<Use> {
    expr::parse(text).map(|ast| expr::uses(&ast)).unwrap_or_default()
}
