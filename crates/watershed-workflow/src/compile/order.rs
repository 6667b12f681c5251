//! Order: sources and needs before what depends on them, what is watched before its join.

use std::collections::BTreeSet;

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use watershed_model::{Feed, Source, Step, StepId};

use crate::code;
use crate::diagnostic::Findings;
use crate::shape::{Shape, Watch};
use crate::source::At;
use crate::spec::{ForEach, StepDecl, WorkflowSpec};

type Graph = DiGraph<(), ()>;

/// An order of the file's steps by sources and needs; places in the file.
pub(super) fn by_sources(
    spec: &WorkflowSpec,
    sources: &[Source],
    findings: &mut Findings,
) -> Option<Vec<usize>> {
    let mut graph = Graph::new();
    let nodes: Vec<NodeIndex> = sources.iter().map(|_| graph.add_node(())).collect();
    for (at, source) in sources.iter().enumerate() {
        for before in sources_of(source) {
            graph.update_edge(nodes[before.index()], nodes[at], ());
        }
    }
    let decls: Vec<&(At<String>, StepDecl)> = spec.steps.iter().collect();
    sorted(&graph, &decls, "takes items from, or needs,", findings)
}

/// An order by what joins watch as well; places in `steps`.
pub(super) fn by_watches(
    spec: &WorkflowSpec,
    origins: &[usize],
    steps: &[Step],
    shape: &Shape,
    findings: &mut Findings,
) -> Option<Vec<usize>> {
    // Nodes are added in the order of the file, so that ties are broken by it.
    let mut by_file: Vec<usize> = (0..steps.len()).collect();
    by_file.sort_by_key(|at| origins[*at]);
    let mut graph = Graph::new();
    let mut nodes = vec![NodeIndex::default(); steps.len()];
    for at in &by_file {
        nodes[*at] = graph.add_node(());
    }
    for (at, step) in steps.iter().enumerate() {
        for before in sources_of(&step.source) {
            graph.update_edge(nodes[before.index()], nodes[at], ());
        }
    }
    for watch in shape.watches(steps) {
        if watch.watches.contains(&watch.join) {
            waits_for_itself(spec, origins, steps, &watch, findings);
            return None;
        }
        for watched in watch.watches {
            graph.update_edge(nodes[watched.index()], nodes[watch.join.index()], ());
        }
    }
    let decls: Vec<&(At<String>, StepDecl)> =
        by_file.iter().map(|at| &spec.steps[origins[*at]]).collect();
    let order = sorted(&graph, &decls, "waits for, or takes items from,", findings)?;
    Some(order.into_iter().map(|node| by_file[node]).collect())
}

/// The steps in another order, their references moved along. `order` lists old places.
pub(super) fn permuted(steps: &[Step], order: &[usize]) -> Vec<Step> {
    let mut place = vec![StepId(0); steps.len()];
    for (new, old) in (0..).zip(order) {
        place[*old] = StepId(new);
    }
    let moved = |id: &StepId| place[id.index()];
    order
        .iter()
        .map(|old| {
            let mut step = steps[*old].clone();
            match &mut step.source {
                Source::Run | Source::Literals(_) => {}
                Source::Items(feeds) => feeds.iter_mut().for_each(|f| f.step = moved(&f.step)),
                Source::Join(needs) => needs.iter_mut().for_each(|n| *n = moved(n)),
            }
            step
        })
        .collect()
}

fn sources_of(source: &Source) -> Vec<StepId> {
    match source {
        Source::Items(feeds) => feeds.iter().map(|Feed { step, .. }| *step).collect(),
        Source::Join(needs) => needs.clone(),
        Source::Run | Source::Literals(_) => Vec::new(),
    }
}

/// A topological order, earlier nodes first where there is a choice; or the cycles.
fn sorted(
    graph: &Graph,
    decls: &[&(At<String>, StepDecl)],
    relation: &str,
    findings: &mut Findings,
) -> Option<Vec<usize>> {
    let cyclic: Vec<Vec<NodeIndex>> = tarjan_scc(graph)
        .into_iter()
        .filter(|part| part.len() > 1 || graph.contains_edge(part[0], part[0]))
        .collect();
    for part in &cyclic {
        report(graph, part, decls, relation, findings);
    }
    if !cyclic.is_empty() {
        return None;
    }
    let mut missing: Vec<usize> = graph
        .node_indices()
        .map(|node| graph.neighbors_directed(node, Direction::Incoming).count())
        .collect();
    let mut ready: BTreeSet<usize> =
        (0..missing.len()).filter(|node| missing[*node] == 0).collect();
    let mut order = Vec::with_capacity(missing.len());
    while let Some(node) = ready.pop_first() {
        order.push(node);
        for after in graph.neighbors(NodeIndex::new(node)) {
            missing[after.index()] -= 1;
            if missing[after.index()] == 0 {
                ready.insert(after.index());
            }
        }
    }
    Some(order)
}

/// A join beneath whose needs something takes items from the join.
fn waits_for_itself(
    spec: &WorkflowSpec,
    origins: &[usize],
    steps: &[Step],
    watch: &Watch,
    findings: &mut Findings,
) {
    let (name, decl) = &spec.steps[origins[watch.join.index()]];
    let span = decl.needs.as_ref().map_or(&name.span, |needs| &needs.0.span);
    let beneath = watch
        .watches
        .iter()
        .map(|step| &steps[step.index()])
        .find(|step| sources_of(&step.source).contains(&watch.join));
    let beneath = beneath.map_or("a step", |step| step.name.as_str());
    let message = format!(
        "a cycle: `{join}` runs after everything beneath its needs, and `{beneath}` there takes \
         items from `{join}`, or needs it",
        join = name.value
    );
    findings.error(code::CYCLE, span, message, None);
}

/// Names one shortest cycle of a part that has one.
fn report(
    graph: &Graph,
    part: &[NodeIndex],
    decls: &[&(At<String>, StepDecl)],
    relation: &str,
    findings: &mut Findings,
) {
    let inside: BTreeSet<NodeIndex> = part.iter().copied().collect();
    let Some(first) = inside.first().copied() else { return };
    // Walks backwards, from a step to what it depends on.
    let mut trails = std::collections::VecDeque::from([vec![first]]);
    let mut seen = BTreeSet::new();
    let mut cycle = vec![first];
    'search: while let Some(trail) = trails.pop_front() {
        let last = trail[trail.len() - 1];
        for before in graph.neighbors_directed(last, Direction::Incoming) {
            if before == first {
                cycle = trail;
                break 'search;
            }
            if inside.contains(&before) && seen.insert(before) {
                let mut longer = trail.clone();
                longer.push(before);
                trails.push_back(longer);
            }
        }
    }
    let name = |node: &NodeIndex| format!("`{}`", decls[node.index()].0.value);
    let mut shown: Vec<String> = cycle.iter().map(name).collect();
    shown.push(name(&first));
    let (step, decl) = decls[first.index()];
    let span = match (&decl.needs, &decl.for_each) {
        (Some(needs), _) => &needs.0.span,
        (None, Some(ForEach::One(text))) => &text.span,
        (None, Some(ForEach::List(list))) => &list.span,
        (None, None) => &step.span,
    };
    let message = format!("a cycle: each of these {relation} the next: {}", shown.join(" → "));
    findings.error(code::CYCLE, span, message, None);
}
