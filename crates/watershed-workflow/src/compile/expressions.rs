//! Every expression of the file, checked against the names in reach of its step.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use watershed_model::{Catalogue, Feed, FieldType, Record, Source};

use super::{Draft, parameters};
use crate::code;
use crate::diagnostic::Findings;
use crate::expr::{self, Ast, Finding, Scope, Ty};
use crate::shape::{Binding, Bound};
use crate::source::{At, inner_offsets};
use crate::spec::{InputType, StepDecl};

/// Checks names in reach, conditions, keys, windows and parameters of every step.
pub(super) fn check(draft: &Draft<'_>, catalogue: &Catalogue, findings: &mut Findings) {
    let watches: BTreeMap<usize, BTreeSet<usize>> = draft
        .shape
        .watches(&draft.steps)
        .into_iter()
        .map(|w| (w.join.index(), w.watches.iter().map(|s| s.index()).collect()))
        .collect();
    let everywhere = everywhere(draft, catalogue);
    let mut checker = Checker { findings, inputs_used: BTreeSet::new() };
    for (at, (name, decl)) in draft.decls.iter().enumerate() {
        if checker.findings.is_full() {
            break;
        }
        taken(draft, at, decl, checker.findings);
        let scope = scope(draft, at, &everywhere);
        let mut outer = scope.clone();
        if draft.steps[at].windows.is_some() {
            outer.names.remove("window");
            outer.names.extend(outer_window(draft, at));
        }
        let failures = watches.get(&at).map(|seen| {
            let members = seen.iter().map(|s| (draft.steps[*s].name.clone(), Ty::Int)).collect();
            Ty::Group { what: "failures", members }
        });
        let late = match failures {
            Some(failures) => scope.with("failures", failures),
            None => scope.clone(),
        };
        if let Some(when) = &decl.when {
            checker.condition(when, &late);
        }
        if let Some(once) = &decl.once {
            checker.key(once, &scope, decl.windows.is_some());
        }
        if let Some(windows) = &decl.windows {
            for bound in [&windows.from, &windows.to] {
                parameters::day(&mut checker, bound, &outer);
            }
        }
        parameters::check(&mut checker, name, decl, draft.operations[at], &late);
    }
    let used = checker.inputs_used;
    for (name, _) in draft.spec.inputs.iter().filter(|(name, _)| !used.contains(&name.value)) {
        let message = format!("nothing uses the input `{}`", name.value);
        findings.warning(code::UNUSED_INPUT, &name.span, message, None);
    }
}

/// An item's name that a branch above bears already.
fn taken(draft: &Draft<'_>, at: usize, decl: &StepDecl, findings: &mut Findings) {
    let Some(item) = &decl.item else { return };
    let named = |b: &&Binding| b.name == item.value;
    if draft.shape.reach[at].iter().filter(named).count() > 1 {
        let message = format!("`{}` names the item of a branch above already", item.value);
        findings.error(code::NAME_TAKEN, &item.span, message, None);
    }
}

/// The names in reach of a step.
fn scope(draft: &Draft<'_>, at: usize, everywhere: &Scope) -> Scope {
    let mut names = BTreeMap::new();
    let inputs = draft.spec.inputs.iter().map(|(name, decl)| {
        let ty = match decl.ty.value {
            InputType::Date => Ty::Date,
            InputType::Text => Ty::Text,
            InputType::Int => Ty::Int,
            InputType::Bool => Ty::Bool,
            InputType::Enum => {
                let values = decl.values.iter().flatten().map(|v| v.value.clone()).collect();
                Ty::OneOf(values)
            }
        };
        (name.value.clone(), ty)
    });
    names.insert("inputs".to_owned(), Ty::Group { what: "inputs", members: inputs.collect() });
    let members = BTreeMap::from([("name".to_owned(), Ty::Text)]);
    names.insert("connection".to_owned(), Ty::Group { what: "connection", members });
    for binding in &draft.shape.reach[at] {
        names.insert(binding.name.clone(), bound_type(draft, &binding.bound));
    }
    Scope { names, ..everywhere.clone() }
}

/// What every scope of the file has.
fn everywhere(draft: &Draft<'_>, catalogue: &Catalogue) -> Scope {
    let items = draft.decls.iter().filter_map(|(name, decl)| {
        decl.item.as_ref().map(|item| (item.value.clone(), name.value.clone()))
    });
    Scope {
        names: BTreeMap::new(),
        operations: catalogue.operations.iter().map(|o| o.id).collect(),
        items: Rc::new(items.collect()),
    }
}

/// A window that is in reach of a step before its own windows.
fn outer_window(draft: &Draft<'_>, at: usize) -> Option<(String, Ty)> {
    let sources: Vec<usize> = match &draft.steps[at].source {
        Source::Items(feeds) => feeds.iter().map(|f| f.step.index()).collect(),
        Source::Join(needs) => needs.iter().map(|n| n.index()).collect(),
        Source::Run | Source::Literals(_) => return None,
    };
    let window = |step: &usize| draft.shape.reach[*step].iter().any(|b| b.name == "window");
    let depth = draft.shape.paths[at].len() - 1;
    let shared = sources.iter().all(|s| {
        window(s) && draft.shape.reach[*s].iter().any(|b| b.name == "window" && b.level < depth)
    });
    shared.then(|| ("window".to_owned(), window_type()))
}

fn window_type() -> Ty {
    let day = |name: &str| (name.to_owned(), Ty::Date);
    Ty::Group { what: "window", members: BTreeMap::from([day("from"), day("to")]) }
}

fn bound_type(draft: &Draft<'_>, bound: &Bound) -> Ty {
    match bound {
        Bound::Window => window_type(),
        Bound::Literal(step) => match &draft.steps[step.index()].source {
            Source::Literals(values) => expr::item_type(values),
            _ => Ty::Any,
        },
        Bound::Records(feeds) => expr::record_type(&records(draft, feeds)),
    }
}

/// The kinds of records that these sources bring.
pub(super) fn records(draft: &Draft<'_>, feeds: &[Feed]) -> Vec<&'static Record> {
    feeds
        .iter()
        .filter_map(|feed| {
            let record = draft.operations[feed.step.index()].record;
            match &feed.field {
                None => Some(record),
                Some(field) => match record.field(field)?.ty {
                    FieldType::List(element) => Some(element),
                    _ => None,
                },
            }
        })
        .collect()
}

/// Checks expressions, and puts what it finds at its place in the file.
pub(super) struct Checker<'f> {
    pub(super) findings: &'f mut Findings,
    inputs_used: BTreeSet<String>,
}

impl Checker<'_> {
    /// A condition: true or false, without braces.
    fn condition(&mut self, text: &At<String>, scope: &Scope) {
        let Some((_, ty)) = self.bare(text, scope) else { return };
        if !matches!(ty, Ty::Bool | Ty::Any) {
            let message = format!("a condition is true or false; this is {}", ty.name());
            self.findings.error(code::TYPE, &text.span, message, None);
        }
    }

    /// `once`: a value that can be told apart from others.
    fn key(&mut self, text: &At<String>, scope: &Scope, windows: bool) {
        let Some((ast, ty)) = self.bare(text, scope) else { return };
        if matches!(ty, Ty::Record(_) | Ty::Group { .. } | Ty::Null) {
            let message = format!("`once` needs a value; this is {}", ty.name());
            let help = Some("name a field that identifies it".to_owned());
            self.findings.error(code::TYPE, &text.span, message, help);
        }
        if windows && !expr::uses(&ast).iter().any(|used| used.name == "window") {
            let message = "every window has the same `once`, so only the first would be asked";
            let help = Some("put the window in: `[…, window.from]`".to_owned());
            self.findings.error(code::ONCE_WINDOW, &text.span, message, help);
        }
    }

    fn bare(&mut self, text: &At<String>, scope: &Scope) -> Option<(Ast, Ty)> {
        if let Some(at) = text.value.find("${{") {
            let span = self.locate(text, at..at + 3);
            let message = "an expression stands here without braces";
            let help = Some("leave `${{` and `}}` out".to_owned());
            self.findings.error(code::BRACES, &span, message, help);
            return None;
        }
        self.expression(text, &text.value, 0, scope)
    }

    /// An expression that stands at `at` in `whole`. `None` where it cannot be read.
    pub(super) fn expression(
        &mut self,
        whole: &At<String>,
        text: &str,
        at: usize,
        scope: &Scope,
    ) -> Option<(Ast, Ty)> {
        let (ast, ty, found) = match expr::parse(text) {
            Ok(ast) => {
                let (ty, found) = expr::check(&ast, scope);
                (Some(ast), ty, found)
            }
            Err(finding) => (None, Ty::Any, vec![finding]),
        };
        for Finding { code, span, message, suggestion } in found {
            let span = self.locate(whole, span.start + at..span.end + at);
            self.findings.error(code, &span, message, suggestion);
        }
        let ast = ast?;
        let inputs = expr::uses(&ast).into_iter().filter(|used| used.name == "inputs");
        self.inputs_used.extend(inputs.filter_map(|used| used.field));
        Some((ast, ty))
    }

    /// Where bytes of a value stand in the file.
    pub(super) fn locate(&self, whole: &At<String>, span: Range<usize>) -> Range<usize> {
        let raw = &self.findings.file.text[self.findings.file.clamp(&whole.span)];
        let Some(offsets) = inner_offsets(raw, &whole.value) else { return whole.span.clone() };
        let base = whole.span.start;
        let place = |at: usize| offsets.get(at).or(offsets.last()).copied().unwrap_or(0);
        let start = base + place(span.start);
        if span.end <= span.start {
            return start..start;
        }
        // Behind the last character itself: a fold may follow it.
        let last = base + place(span.end - 1);
        let wide = self.findings.file.text[last..].chars().next().map_or(0, char::len_utf8);
        start..last + wide
    }
}
