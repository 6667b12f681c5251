//! What each step hangs under: steps are found by name, fields by the record's type.

use std::collections::BTreeMap;

use serde_json::Value;
use watershed_model::{Feed, FieldType, Operation, Source, StepId};

use crate::code;
use crate::diagnostic::Findings;
use crate::source::At;
use crate::spec::{ForEach, StepDecl, WorkflowSpec};
use crate::suggest;

/// Values that are compared with the names of steps.
const LOOKED_AT_MAX: usize = 20;

type Steps<'s> = BTreeMap<&'s str, usize>;

/// The source of each step; ids are places in the file. `None` where a step is not found.
pub(super) fn resolve(
    spec: &WorkflowSpec,
    operations: &[Option<&'static Operation>],
    findings: &mut Findings,
) -> Option<Vec<Source>> {
    let places: Steps<'_> =
        spec.steps.iter().enumerate().map(|(at, (name, _))| (name.value.as_str(), at)).collect();
    let mut resolver = Resolver { places, operations, findings };
    let sources: Vec<Option<Source>> =
        spec.steps.iter().map(|(name, step)| resolver.source(name, step)).collect();
    sources.into_iter().collect()
}

struct Resolver<'r> {
    places: Steps<'r>,
    operations: &'r [Option<&'static Operation>],
    findings: &'r mut Findings,
}

impl Resolver<'_> {
    fn source(&mut self, name: &At<String>, step: &StepDecl) -> Option<Source> {
        if let (Some(needs), Some(_)) = (&step.needs, &step.for_each) {
            let message = format!("step `{}` has both `for_each` and `needs`", name.value);
            let help = "a step takes items, or it waits for steps".to_owned();
            self.findings.error(code::EXCLUSIVE_KEYS, &needs.0.span, message, Some(help));
            return None;
        }
        if let (Some(_), Some(once)) = (&step.needs, &step.once) {
            let message = "a step with `needs` runs once for its branch anyway";
            self.findings.error(code::EXCLUSIVE_KEYS, &once.span, message, None);
        }
        if let (None, Some(item)) = (&step.for_each, &step.item) {
            let message = "`as` names an item, and without `for_each` there is none";
            self.findings.error(code::EXCLUSIVE_KEYS, &item.span, message, None);
        }
        if let Some(needs) = &step.needs {
            return self.needs(&needs.0.value);
        }
        match &step.for_each {
            None => Some(Source::Run),
            Some(ForEach::One(text)) => Some(Source::Items(vec![self.feed(text)?])),
            Some(ForEach::List(list)) => self.list(list),
        }
    }

    fn needs(&mut self, needs: &[At<String>]) -> Option<Source> {
        let mut steps = Vec::new();
        for need in needs {
            let Some(at) = self.places.get(need.value.as_str()).copied() else {
                self.unknown(&need.value, need);
                return None;
            };
            if steps.contains(&step_id(at)) {
                let message = format!("`{}` is needed twice", need.value);
                self.findings.error(code::REPEATED_STEP, &need.span, message, None);
            } else {
                steps.push(step_id(at));
            }
        }
        Some(Source::Join(steps))
    }

    /// Steps, or values: steps where any entry names one.
    fn list(&mut self, list: &At<Vec<At<Value>>>) -> Option<Source> {
        let names_step = |value: &Value| {
            let step = value.as_str().map(|text| text.split('.').next().unwrap_or_default());
            step.is_some_and(|step| self.places.contains_key(step))
        };
        let (named, others): (Vec<_>, Vec<_>) =
            list.value.iter().partition(|entry| names_step(&entry.value));
        if named.is_empty() {
            self.look_alike(&list.value);
            return Some(Source::Literals(list.value.iter().map(|e| e.value.clone()).collect()));
        }
        if let Some(other) = others.first() {
            let shown = other.value.as_str().map_or_else(|| other.value.to_string(), str::to_owned);
            let message = format!("`{shown}` is no step, but other entries of the list are");
            let help = suggest::instead(&shown, self.places.keys().copied());
            self.findings.error(code::MIXED_SOURCES, &other.span, message, help);
            return None;
        }
        let mut feeds: Vec<Feed> = Vec::new();
        for entry in named {
            let text = At::new(entry.value.as_str()?.to_owned(), entry.span.clone());
            let feed = self.feed(&text)?;
            if feeds.contains(&feed) {
                let message = format!("`{}` is a source twice", text.value);
                self.findings.error(code::REPEATED_STEP, &text.span, message, None);
            } else {
                feeds.push(feed);
            }
        }
        Some(Source::Items(feeds))
    }

    /// A literal that is nearly a step's name is probably meant to be one.
    fn look_alike(&mut self, values: &[At<Value>]) {
        // Nobody lists that many steps.
        if values.len() > LOOKED_AT_MAX {
            return;
        }
        for entry in values {
            let Some(text) = entry.value.as_str() else { continue };
            let step = text.split('.').next().unwrap_or_default();
            if let Some(name) = suggest::nearest(step, self.places.keys().copied()) {
                let message = format!("`{text}` is taken as a value: no step has that name");
                let help = Some(format!("did you mean the step `{name}`?"));
                self.findings.warning(code::LITERAL_LIKE_STEP, &entry.span, message, help);
            }
        }
    }

    fn feed(&mut self, text: &At<String>) -> Option<Feed> {
        let (step, field) = match text.value.split_once('.') {
            Some((step, field)) => (step, Some(field)),
            None => (text.value.as_str(), None),
        };
        let Some(at) = self.places.get(step).copied() else {
            self.unknown(step, text);
            return None;
        };
        let field = match field {
            Some(field) => Some(self.list_field(step, at, field, text)?),
            None => None,
        };
        Some(Feed { step: step_id(at), field })
    }

    fn list_field(
        &mut self,
        step: &str,
        at: usize,
        field: &str,
        text: &At<String>,
    ) -> Option<String> {
        let record = self.operations[at]?.record;
        let lists = || {
            let list = |f: &&watershed_model::Field| matches!(f.ty, FieldType::List(_));
            record.fields.iter().filter(list).map(|f| f.name)
        };
        match record.field(field).map(|f| f.ty) {
            Some(FieldType::List(_)) => return Some(field.to_owned()),
            Some(_) => {
                let message = format!("`{field}` of {} is no list of records", record.name);
                let help = suggest::instead(field, lists());
                self.findings.error(code::NOT_A_LIST, &text.span, message, help);
            }
            None => {
                let message = format!("records of `{step}` ({}) have no `{field}`", record.name);
                let help = suggest::instead(field, lists());
                self.findings.error(code::UNKNOWN_FIELD, &text.span, message, help);
            }
        }
        None
    }

    fn unknown(&mut self, step: &str, text: &At<String>) {
        let message = format!("there is no step `{step}`");
        let help = suggest::instead(step, self.places.keys().copied());
        self.findings.error(code::UNKNOWN_STEP, &text.span, message, help);
    }
}

/// A step's place in the file as an id; a file has at most 500 steps.
fn step_id(at: usize) -> StepId {
    StepId(u16::try_from(at).expect("a workflow has at most 500 steps"))
}
