//! From YAML nodes to the types of [`crate::spec`]. Goes on after a mistake, so that one
//! look shows them all.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use crate::code;
use crate::diagnostic::Findings;
use crate::source::At;
use crate::spec::{
    ForEach, InputDecl, Named, Needs, Policies, RetryDecl, StepDecl, WindowsDecl, Words,
    WorkflowSpec,
};
use crate::suggest;
use crate::yaml::{Kind, Node};

mod quantity;
mod schedule;

/// Values of a literal list.
const LITERALS_MAX: usize = 10_000;
/// Steps of a workflow: far more than a person keeps in mind.
const STEPS_MAX: usize = 500;
/// Inputs of a workflow.
const INPUTS_MAX: usize = 100;

/// Keys of a workflow file.
pub(crate) const WORKFLOW_KEYS: &[&str] =
    &["name", "description", "inputs", "schedule", "defaults", "steps"];
/// Keys of an input.
pub(crate) const INPUT_KEYS: &[&str] = &["type", "default", "values", "description"];
/// Keys of `defaults`, and of a step besides its own.
pub(crate) const POLICY_KEYS: &[&str] = &["retry", "on_failure", "tolerate"];
/// Keys of `retry`.
pub(crate) const RETRY_KEYS: &[&str] = &["attempts", "backoff", "jitter"];
/// Keys of `windows`.
pub(crate) const WINDOWS_KEYS: &[&str] = &["from", "to", "size", "order"];
/// Keys of a step.
pub(crate) const STEP_KEYS: &[&str] = &[
    "use",
    "for_each",
    "as",
    "with",
    "windows",
    "when",
    "once",
    "order",
    "needs",
    "on_unavailable",
    "retry",
    "on_failure",
    "tolerate",
];

/// The workflow; `None` where what is there cannot be gone on with.
pub(crate) fn workflow(node: &Node, findings: &mut Findings) -> Option<WorkflowSpec> {
    let mut reader = Reader { findings };
    let map = reader.map(node, "a workflow file", WORKFLOW_KEYS)?;
    let top = 0..0;
    let name = reader.needed(&map, "name", "the workflow", &top);
    let steps_node = reader.needed(&map, "steps", "the workflow", &top);
    let name = name.and_then(|n| reader.text(n, "`name`"));
    let description = reader.optional(&map, "description", Reader::text);
    let inputs = match map.get("inputs") {
        Some(node) if reader.too_many(node, "inputs", INPUTS_MAX) => return None,
        Some(node) => reader.named(node, "`inputs`", Reader::input),
        None => Vec::new(),
    };
    let schedule = map.get("schedule").map(|node| reader.schedules(node)).unwrap_or_default();
    let defaults = match map.get("defaults") {
        Some(node) => reader.map(node, "`defaults`", POLICY_KEYS).map(|map| reader.policies(&map)),
        None => None,
    };
    let steps_node = steps_node?;
    if reader.too_many(steps_node, "steps", STEPS_MAX) {
        return None;
    }
    let steps = reader.named(steps_node, "`steps`", Reader::step);
    Some(WorkflowSpec { name: name?, description, inputs, schedule, defaults, steps })
}

type Entries<'n> = BTreeMap<&'n str, &'n Node>;

struct Reader<'f> {
    findings: &'f mut Findings,
}

impl Reader<'_> {
    fn wrong_kind(&mut self, node: &Node, what: &str, due: &str) {
        let message = format!("{what} is {due}, not {}", node.kind.name());
        self.findings.error(code::VALUE_KIND, &node.span, message, None);
    }

    /// The entries of a map with these keys.
    fn map<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Option<Entries<'n>> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong_kind(node, what, "a map");
            return None;
        };
        for (key, _) in entries {
            // A suggestion costs time, which a file of wrong keys would take for each.
            if self.findings.is_full() {
                break;
            }
            if !keys.contains(&key.value.as_str()) {
                let message = format!("{what} has no key `{}`", key.value);
                let help = suggest::instead(&key.value, keys.iter().copied());
                self.findings.error(code::UNKNOWN_KEY, &key.span, message, help);
            }
        }
        Some(entries.iter().map(|(key, value)| (key.value.as_str(), value)).collect())
    }

    fn too_many(&mut self, node: &Node, what: &str, most: usize) -> bool {
        let Kind::Map(entries) = &node.kind else { return false };
        let Some((beyond, _)) = entries.get(most) else { return false };
        let message = format!("a workflow has at most {most} {what}, not {}", entries.len());
        self.findings.error(code::TOO_LARGE, &beyond.span, message, None);
        true
    }

    fn needed<'n>(
        &mut self,
        map: &Entries<'n>,
        key: &str,
        what: &str,
        span: &Range<usize>,
    ) -> Option<&'n Node> {
        let found = map.get(key).copied();
        if found.is_none() {
            let message = format!("{what} needs the key `{key}`");
            self.findings.error(code::MISSING_KEY, span, message, None);
        }
        found
    }

    fn optional<T>(
        &mut self,
        map: &Entries<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<T> {
        let node = map.get(key)?;
        read(self, node, &format!("`{key}`"))
    }

    /// The entries of a map whose keys are names.
    fn named<T>(
        &mut self,
        node: &Node,
        what: &str,
        read: impl Fn(&mut Self, &At<String>, &Node) -> Option<T>,
    ) -> Named<T> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong_kind(node, what, "a map");
            return Vec::new();
        };
        entries
            .iter()
            .filter_map(|(key, value)| read(self, key, value).map(|v| (key.clone(), v)))
            .collect()
    }

    fn text(&mut self, node: &Node, what: &str) -> Option<At<String>> {
        match &node.kind {
            Kind::Text(text) => Some(At::new(text.clone(), node.span.clone())),
            _ => {
                self.wrong_kind(node, what, "text");
                None
            }
        }
    }

    /// An expression: text, or `true` and `false` that YAML read for itself.
    fn expression(&mut self, node: &Node, what: &str) -> Option<At<String>> {
        match &node.kind {
            Kind::Bool(value) => Some(At::new(value.to_string(), node.span.clone())),
            _ => self.text(node, what),
        }
    }

    fn scalar(&mut self, node: &Node, what: &str) -> Option<At<Value>> {
        let value = match &node.kind {
            Kind::Bool(value) => Value::from(*value),
            Kind::Int(value) => Value::from(*value),
            Kind::Double(value) => Value::from(*value),
            Kind::Text(value) => Value::from(value.as_str()),
            _ => {
                self.wrong_kind(node, what, "text, a number, true or false");
                return None;
            }
        };
        Some(At::new(value, node.span.clone()))
    }

    fn word<T: Words>(&mut self, node: &Node, what: &str) -> Option<At<T>> {
        let text = self.text(node, what)?;
        let found = T::ALL.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let message = format!("{what} is never `{}`", text.value);
            let words: Vec<&str> = T::ALL.iter().map(|(word, _)| *word).collect();
            let help = suggest::instead(&text.value, words);
            self.findings.error(code::UNKNOWN_WORD, &text.span, message, help);
        }
        found.map(|(_, value)| At::new(*value, text.span))
    }

    fn texts(&mut self, node: &Node, what: &str) -> Option<Vec<At<String>>> {
        let Kind::List(items) = &node.kind else {
            self.wrong_kind(node, what, "a list");
            return None;
        };
        Some(items.iter().filter_map(|item| self.text(item, "an entry of the list")).collect())
    }

    fn input(&mut self, name: &At<String>, node: &Node) -> Option<InputDecl> {
        let what = format!("input `{}`", name.value);
        let map = self.map(node, &what, INPUT_KEYS)?;
        let ty = self.needed(&map, "type", &what, &name.span);
        let default = self.optional(&map, "default", Reader::scalar);
        let values = self.optional(&map, "values", Reader::texts);
        let description = self.optional(&map, "description", Reader::text);
        let ty = self.word(ty?, "the type of an input")?;
        Some(InputDecl { ty, default, values, description })
    }

    fn step(&mut self, name: &At<String>, node: &Node) -> Option<StepDecl> {
        let what = format!("step `{}`", name.value);
        let map = self.map(node, &what, STEP_KEYS)?;
        let operation = self.needed(&map, "use", &what, &name.span);
        let operation = operation.and_then(|n| self.text(n, "`use`"));
        let with = match map.get("with") {
            Some(node) => self.named(node, "`with`", |reader, key, value| {
                reader.scalar(value, &format!("parameter `{}`", key.value))
            }),
            None => Vec::new(),
        };
        let step = StepDecl {
            operation: operation.unwrap_or_else(|| At::new(String::new(), name.span.clone())),
            for_each: self.optional(&map, "for_each", Reader::for_each),
            item: self.optional(&map, "as", Reader::text),
            with,
            windows: self.optional(&map, "windows", Reader::windows),
            when: self.optional(&map, "when", Reader::expression),
            once: self.optional(&map, "once", Reader::expression),
            order: self.optional(&map, "order", Reader::word),
            needs: self.optional(&map, "needs", Reader::needs),
            on_unavailable: self.optional(&map, "on_unavailable", Reader::word),
            policies: self.policies(&map),
        };
        Some(step)
    }

    fn for_each(&mut self, node: &Node, what: &str) -> Option<ForEach> {
        // A wrong one is still there: what goes with it is not wrong too.
        let nothing = Some(ForEach::List(At::new(Vec::new(), node.span.clone())));
        match &node.kind {
            Kind::Text(text) => Some(ForEach::One(At::new(text.clone(), node.span.clone()))),
            Kind::List(items) if items.is_empty() => {
                let message = "`for_each` over nothing: the list is empty";
                self.findings.error(code::EMPTY_LIST, &node.span, message, None);
                nothing
            }
            Kind::List(items) if items.len() > LITERALS_MAX => {
                let message = format!("a literal list has at most {LITERALS_MAX} values");
                self.findings.error(code::TOO_LARGE, &node.span, message, None);
                nothing
            }
            Kind::List(items) => {
                let items =
                    items.iter().filter_map(|i| self.scalar(i, "an entry of the list")).collect();
                Some(ForEach::List(At::new(items, node.span.clone())))
            }
            _ => {
                self.wrong_kind(node, what, "a step, a list of steps or a list of values");
                nothing
            }
        }
    }

    fn needs(&mut self, node: &Node, what: &str) -> Option<Needs> {
        let steps = match &node.kind {
            Kind::Text(_) => vec![self.text(node, what)?],
            _ => self.texts(node, what)?,
        };
        if steps.is_empty() {
            let message = "`needs` nothing: the list is empty";
            self.findings.error(code::EMPTY_LIST, &node.span, message, None);
            return None;
        }
        Some(Needs(At::new(steps, node.span.clone())))
    }

    fn windows(&mut self, node: &Node, what: &str) -> Option<WindowsDecl> {
        let map = self.map(node, what, WINDOWS_KEYS)?;
        let mut due = |key| self.needed(&map, key, what, &node.span);
        let (from, to, size) = (due("from"), due("to"), due("size"));
        let order = self.optional(&map, "order", Reader::word);
        let from = from.and_then(|n| self.text(n, "`from`"));
        let to = to.and_then(|n| self.text(n, "`to`"));
        let size = size.and_then(|n| self.days(n, "`size`"));
        Some(WindowsDecl { from: from?, to: to?, size: size?, order })
    }

    fn policies(&mut self, map: &Entries<'_>) -> Policies {
        Policies {
            retry: self.optional(map, "retry", Reader::retry),
            on_failure: self.optional(map, "on_failure", Reader::word),
            tolerate: self.optional(map, "tolerate", Reader::percentage),
        }
    }

    fn retry(&mut self, node: &Node, what: &str) -> Option<RetryDecl> {
        let map = self.map(node, what, RETRY_KEYS)?;
        Some(RetryDecl {
            attempts: self.optional(&map, "attempts", Reader::attempts),
            backoff: self.optional(&map, "backoff", Reader::backoff),
            jitter: self.optional(&map, "jitter", Reader::word),
        })
    }
}
