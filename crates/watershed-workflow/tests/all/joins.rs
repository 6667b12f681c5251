//! Property: random workflows, run by a simple interpreter in random order. A join runs once
//! in each of its branches, after everything beneath its needs, and what it watches never
//! has more to do once it was released.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use watershed_model::{Child, Kin, Plan, Source, StepId};
use watershed_workflow::{Program, RunContext, compile};

use crate::common::{Children as _, catalogue};

/// Tasks of one history; after that records bring nothing.
const TASKS_MAX: usize = 120;

#[derive(Debug, Clone)]
enum Fan {
    Run,
    Literals,
    Records(Vec<(prop::sample::Index, bool)>),
    Needs(Vec<prop::sample::Index>),
}

fn fan() -> impl Strategy<Value = Fan> {
    let index = any::<prop::sample::Index>;
    let source = || (any::<prop::sample::Index>(), prop::bool::weighted(0.2));
    prop_oneof![
        1 => Just(Fan::Run),
        1 => Just(Fan::Literals),
        5 => prop::collection::vec(source(), 1..2).prop_map(Fan::Records),
        2 => prop::collection::vec(source(), 2..4).prop_map(Fan::Records),
        4 => prop::collection::vec(index(), 1..4).prop_map(Fan::Needs),
    ]
}

/// A workflow of these steps; one in which a step refers to itself has no steps before it.
fn workflow(fans: &[(Fan, bool)]) -> String {
    let mut text = "name: random\nsteps:\n".to_owned();
    for (at, (fan, windows)) in fans.iter().enumerate() {
        text.push_str(&format!("  s{at}:\n    use: zoom.get_recording\n    with: {{ uuid: x }}\n"));
        if *windows {
            text.push_str("    windows: { from: 2026-01-01, to: 2026-01-03, size: 2d }\n");
        }
        match fan {
            Fan::Literals => text.push_str("    for_each: [1, 2]\n"),
            Fan::Records(sources) if at > 0 => {
                let sources: BTreeSet<String> = sources
                    .iter()
                    .map(|(source, list)| {
                        let field = if *list { ".recording_files" } else { "" };
                        format!("s{}{field}", source.index(at))
                    })
                    .collect();
                let sources: Vec<String> = sources.into_iter().collect();
                text.push_str(&format!("    for_each: [{}]\n", sources.join(", ")));
            }
            Fan::Needs(needs) if at > 0 => {
                let needs: BTreeSet<String> =
                    needs.iter().map(|need| format!("s{}", need.index(at))).collect();
                let needs: Vec<String> = needs.into_iter().collect();
                text.push_str(&format!("    needs: [{}]\n", needs.join(", ")));
            }
            Fan::Run | Fan::Records(_) | Fan::Needs(_) => {}
        }
    }
    text
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Waiting,
    Released,
}

struct Scope {
    parent: Option<usize>,
    level: u8,
    key: u64,
    joins: Vec<(usize, Vec<String>, State)>,
}

struct Task {
    child: Child,
    scope: usize,
    /// Steps of the tasks that led to it, with their scopes.
    above: Vec<(StepId, usize)>,
}

/// Keeps everything, and counts by walking.
struct History<'h> {
    plan: &'h Plan,
    scopes: Vec<Scope>,
    open: VecDeque<Task>,
    made: usize,
}

impl History<'_> {
    fn within(&self, mut scope: usize, outer: usize) -> bool {
        loop {
            if scope == outer {
                return true;
            }
            match self.scopes[scope].parent {
                Some(parent) => scope = parent,
                None => return false,
            }
        }
    }

    fn up_to(&self, mut scope: usize, level: u8) -> usize {
        while self.scopes[scope].level != level {
            scope = self.scopes[scope].parent.expect("the level is above");
        }
        scope
    }

    /// What the join at `scope` still waits for.
    fn watched(&self, join: usize, scope: usize) -> usize {
        let watches = &self.plan.joins[join].watches;
        let tasks = self
            .open
            .iter()
            .filter(|t| watches.contains(&t.child.step) && self.within(t.scope, scope))
            .count();
        let joins = self
            .scopes
            .iter()
            .enumerate()
            .filter(|(at, _)| self.within(*at, scope))
            .flat_map(|(_, s)| &s.joins)
            .filter(|(j, _, state)| {
                *state == State::Waiting && watches.contains(&self.plan.joins[*j].step)
            })
            .count();
        tasks + joins
    }

    fn add(&mut self, kin: Vec<Kin>, scope: usize, above: &[(StepId, usize)]) {
        for kin in kin {
            match kin {
                Kin::Task(child) => {
                    let scope = self.up_to(scope, self.plan.step(child.step).scope);
                    self.begin(child, scope, above.to_vec());
                }
                Kin::Scope { level, key, joins, kin } => {
                    let above_level = self.plan.scopes[usize::from(level)].parent;
                    let parent = self.up_to(scope, above_level.expect("it is not the run"));
                    let twin = self
                        .scopes
                        .iter()
                        .any(|s| (s.parent, s.level, s.key) == (Some(parent), level, key));
                    assert!(!twin, "two branches of a level have one key");
                    let scope = self.scope(Some(parent), level, key, joins);
                    self.add(kin, scope, above);
                }
            }
        }
    }

    fn scope(
        &mut self,
        parent: Option<usize>,
        level: u8,
        key: u64,
        joins: Vec<(StepId, Vec<String>)>,
    ) -> usize {
        let due: Vec<StepId> =
            self.plan.joins.iter().filter(|j| j.scope == level).map(|j| j.step).collect();
        let mut given: Vec<StepId> = joins.iter().map(|(step, _)| *step).collect();
        given.sort();
        assert_eq!(given, due, "a scope brings the items of all joins of its level");
        let joins = joins.into_iter().map(|(step, items)| {
            let join = self.plan.joins.iter().position(|j| j.step == step);
            (join.expect("it is a join"), items, State::Waiting)
        });
        let joins = joins.collect();
        self.scopes.push(Scope { parent, level, key, joins });
        self.scopes.len() - 1
    }

    fn begin(&mut self, child: Child, scope: usize, above: Vec<(StepId, usize)>) {
        for (at, outer) in self.scopes.iter().enumerate() {
            if !self.within(scope, at) {
                continue;
            }
            for (join, _, state) in &outer.joins {
                let join = &self.plan.joins[*join];
                if *state == State::Waiting || join.step == child.step {
                    continue;
                }
                assert!(!join.watches.contains(&child.step), "watched, and begun too late");
                let Source::Join(needs) = &self.plan.step(join.step).source else {
                    panic!("a join has needs")
                };
                // Beneath a need, by whatever fed it; but not by way of the join itself.
                let beneath = above
                    .iter()
                    .any(|(s, at)| needs.contains(s) && self.within(*at, at_of(outer, self)));
                let through = above.iter().any(|(s, _)| *s == join.step);
                assert!(!beneath || through, "beneath a need, and begun too late");
            }
        }
        self.made += 1;
        self.open.push_back(Task { child, scope, above });
    }

    /// Releases joins that wait for nothing more; whether any was.
    fn release(&mut self) -> bool {
        for scope in 0..self.scopes.len() {
            for at in 0..self.scopes[scope].joins.len() {
                let (join, _, state) = self.scopes[scope].joins[at];
                if state == State::Waiting && self.watched(join, scope) == 0 {
                    self.scopes[scope].joins[at].2 = State::Released;
                    let step = self.plan.joins[join].step;
                    let items = self.scopes[scope].joins[at].1.clone();
                    for item in items {
                        let child = Child { step, item, once: None, bucket: 0, together: false };
                        self.begin(child, scope, Vec::new());
                    }
                    return true;
                }
            }
        }
        false
    }
}

fn at_of(scope: &Scope, history: &History<'_>) -> usize {
    history.scopes.iter().position(|s| std::ptr::eq(s, scope)).expect("it is one of the history's")
}

fn played(text: &str, choices: &[u8]) -> Result<(), TestCaseError> {
    let Ok(compiled) = compile("random.yaml", text, &catalogue()) else {
        // A join in the windows of a join has no place.
        return Ok(());
    };
    let plan = Arc::new(compiled.plan);
    let program = Program::new(plan.clone(), &catalogue()).expect("it is known");
    let run = RunContext { connection: "acme".into(), inputs: [].into(), granted: [].into() };
    let mut history = History { plan: &plan, scopes: Vec::new(), open: VecDeque::new(), made: 0 };
    let joins = program.root_joins(&run).expect("they have items");
    let root = history.scope(None, 0, 0, joins);
    history.add(program.seeds(&run).expect("it has seeds").children, root, &[]);
    let mut choices = choices.iter().copied().cycle();
    let mut records = 0;
    loop {
        while history.release() {}
        if history.open.is_empty() {
            break;
        }
        let next = usize::from(choices.next().unwrap_or(0));
        let task = history.open.remove(next % history.open.len()).expect("it is in the queue");
        let brought = if history.made < TASKS_MAX { next % 3 } else { 0 };
        let mut above = task.above.clone();
        above.push((task.child.step, task.scope));
        // Children are added before their parent is closed, as one settle does.
        history.open.push_back(task);
        for _ in 0..brought {
            records += 1;
            let files: Vec<Value> =
                (0..next % 2 + 1).map(|n| json!({ "id": format!("f{n}") })).collect();
            let record = json!({ "uuid": format!("u{records}"), "recording_files": files });
            let task = history.open.back().expect("it was put there");
            let (step, item, scope) = (task.child.step, task.child.item.clone(), task.scope);
            let expanded = program.expand(&run, step, &item, &record).expect("it expands");
            let place = history.open.len() - 1;
            history.add(expanded.children(), scope, &above);
            let task = history.open.remove(place).expect("it is where it was");
            history.open.push_back(task);
        }
        history.open.pop_back();
    }
    for scope in &history.scopes {
        for (_, _, state) in &scope.joins {
            prop_assert_eq!(*state, State::Released, "a join never ran");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn joins_run_once_after_everything_beneath_their_needs(
        fans in prop::collection::vec((fan(), prop::bool::weighted(0.2)), 1..9),
        choices in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        played(&workflow(&fans), &choices)?;
    }
}
