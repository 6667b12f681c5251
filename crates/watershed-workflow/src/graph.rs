//! A plan as a picture: SVG that stands alone, Mermaid, or Graphviz' language.

use watershed_model::{Order, Plan, Source, Step, StepId, StepReport};

mod layout;
mod live;
mod svg;
mod text;

/// The language of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphFormat {
    /// A picture of its own, readable on light and dark ground.
    Svg,
    /// For Markdown.
    Mermaid,
    /// For Graphviz.
    Dot,
}

/// The plan as a picture: steps with their operations and fan-outs, what feeds what, and
/// what joins wait for (dashed).
pub fn graph(plan: &Plan, format: GraphFormat) -> String {
    let picture = Picture::of(plan);
    match format {
        GraphFormat::Svg => svg::draw(&picture),
        GraphFormat::Mermaid => text::mermaid(&picture),
        GraphFormat::Dot => text::dot(&picture),
    }
}

/// The plan as SVG within a page: without a style of its own, each step a link to `#step-NAME`
/// with how far it is. `steps` by their place in the plan; of those that are not in it nothing
/// is said.
///
/// Classes: `step` with `idle`, `active`, `complete` or `failed`, and `join`; in it the texts
/// `name`, `small` and `figures`, and the bar `track`, `done`, `lost`.
pub fn live_graph(plan: &Plan, steps: &[StepReport]) -> String {
    live::draw(&Picture::of(plan), steps)
}

/// What is drawn.
struct Picture<'p> {
    title: &'p str,
    description: &'p str,
    nodes: Vec<NodeText<'p>>,
    edges: Vec<Edge<'p>>,
}

/// A step.
struct NodeText<'p> {
    name: &'p str,
    operation: &'p str,
    /// How it fans out, in words; empty where it does not.
    fan_out: String,
    /// A join is drawn apart.
    join: bool,
    /// Its condition, for whoever points at it.
    condition: Option<&'p str>,
}

/// Items or completion that go from one step to another.
struct Edge<'p> {
    from: usize,
    to: usize,
    /// The list field whose elements go this way.
    label: Option<&'p str>,
    /// Waited for, not taken from.
    waits: bool,
}

impl<'p> Picture<'p> {
    fn of(plan: &'p Plan) -> Self {
        let mut edges = Vec::new();
        for (to, step) in plan.steps.iter().enumerate() {
            let edge = |from: StepId, label, waits| Edge { from: from.index(), to, label, waits };
            match &step.source {
                Source::Items(feeds) => {
                    edges.extend(feeds.iter().map(|f| edge(f.step, f.field.as_deref(), false)));
                }
                Source::Join(needs) => {
                    edges.extend(needs.iter().map(|need| edge(*need, None, true)));
                }
                Source::Run | Source::Literals(_) => {}
            }
        }
        Picture {
            title: &plan.name,
            description: &plan.description,
            nodes: plan.steps.iter().map(|step| node(plan, step)).collect(),
            edges,
        }
    }
}

fn node<'p>(plan: &'p Plan, step: &'p Step) -> NodeText<'p> {
    let item = step.item.as_deref();
    let mut fan_out = match &step.source {
        Source::Run => String::new(),
        Source::Literals(values) => match item {
            Some(item) => format!("each {item} of {}", values.len()),
            None => format!("{} times", values.len()),
        },
        Source::Items(_) => format!("each {}", item.unwrap_or("record")),
        Source::Join(_) => {
            let scope = plan.joins.iter().find(|j| plan.step(j.step).name == step.name);
            let level = scope.map(|join| plan.scopes[usize::from(join.scope)].name.as_str());
            format!("once a {}", level.unwrap_or("run"))
        }
    };
    if let Some(windows) = &step.windows {
        let newest = match windows.order {
            Order::NewestFirst => ", newest first",
            Order::AsListed => "",
        };
        let comma = if fan_out.is_empty() { "" } else { " × " };
        fan_out.push_str(&format!("{comma}windows of {}d{newest}", windows.size_days));
    }
    NodeText {
        name: &step.name,
        operation: step.operation.as_str(),
        fan_out,
        join: matches!(step.source, Source::Join(_)),
        condition: step.when.as_ref().map(|when| when.0.as_str()),
    }
}
