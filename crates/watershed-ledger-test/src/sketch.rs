//! Plans drawn by hand or by dice, without the compiler: paths, scopes and watches are worked
//! out here once more, from the rules alone.

use watershed_model::{
    Backoff, Category, Expr, Feed, Join, OnFailure, OnUnavailable, Order, PLAN_FORMAT, Plan, Retry,
    ScopeLevel, Source, Step, StepId, Tolerate, Windows,
};

/// A fan-out on the path from the run to a branch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fan {
    /// A branch for each literal of that step.
    Literals(usize),
    /// A branch for each record of that step.
    Items(usize),
    /// A branch for each element of the list field `files` of that step's records.
    Files(usize),
    /// A branch for each item that the several sources of that step bring.
    Union(usize),
    /// A branch for each window of that step.
    Windows(usize),
}

/// What a sketched step hangs under. Sources are indices of earlier steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum From {
    /// The run.
    Run,
    /// So many literals.
    Literals(u8),
    /// Records (false) or their files (true) of these steps.
    Each(Vec<(usize, bool)>),
    /// A join that needs these steps.
    Needs(Vec<usize>),
}

/// A step as drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) from: From,
    pub(crate) windows: bool,
    pub(crate) once: bool,
    pub(crate) category: Option<Category>,
    pub(crate) order: Order,
    pub(crate) on_failure: OnFailure,
    pub(crate) tolerate: f64,
    pub(crate) continues: bool,
}

impl Line {
    pub(crate) fn new(from: From) -> Line {
        Line {
            from,
            windows: false,
            once: false,
            category: None,
            order: Order::AsListed,
            on_failure: OnFailure::DeadLetter,
            tolerate: 1.0,
            continues: false,
        }
    }

    pub(crate) fn windows(mut self) -> Line {
        self.windows = true;
        self
    }

    pub(crate) fn once(mut self) -> Line {
        self.once = true;
        self
    }

    pub(crate) fn category(mut self, category: Category) -> Line {
        self.category = Some(category);
        self
    }

    pub(crate) fn newest_first(mut self) -> Line {
        self.order = Order::NewestFirst;
        self
    }

    pub(crate) fn fails_run(mut self) -> Line {
        self.on_failure = OnFailure::FailRun;
        self
    }

    pub(crate) fn tolerates(mut self, fraction: f64) -> Line {
        self.tolerate = fraction;
        self
    }
}

/// A plan, and what its fan-outs are.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) plan: Plan,
    pub(crate) lines: Vec<Line>,
    /// By step: its fan-outs below the run.
    pub(crate) paths: Vec<Vec<Fan>>,
    /// By scope level: where it stands.
    pub(crate) levels: Vec<Vec<Fan>>,
}

/// The plan of these lines; `None` where a join cannot stand (it would wait for itself).
pub(crate) fn shape(lines: Vec<Line>) -> Option<Shape> {
    let paths = paths(&lines);
    let watches: Vec<Vec<usize>> = (0..lines.len()).map(|at| watches(&lines, &paths, at)).collect();
    let order = sorted(&lines, &watches)?;
    let lines: Vec<Line> = order.iter().map(|old| renumbered(&lines[*old], &order)).collect();
    let paths = self::paths(&lines);
    let mut levels: Vec<Vec<Fan>> = vec![Vec::new()];
    for (line, path) in lines.iter().zip(&paths) {
        if matches!(line.from, From::Needs(_)) && !levels.contains(path) {
            levels.push(path.clone());
        }
    }
    levels.sort_by_key(|path| (path.len(), path.clone()));
    let plan = plan(&lines, &paths, &levels);
    Some(Shape { plan, lines, paths, levels })
}

fn paths(lines: &[Line]) -> Vec<Vec<Fan>> {
    let mut paths: Vec<Vec<Fan>> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let mut path = match &line.from {
            From::Run => Vec::new(),
            From::Literals(_) => vec![Fan::Literals(at)],
            From::Each(sources) => match sources.as_slice() {
                [(source, files)] => {
                    let fan = if *files { Fan::Files(*source) } else { Fan::Items(*source) };
                    [paths[*source].clone(), vec![fan]].concat()
                }
                several => {
                    let common = common(several.iter().map(|(s, _)| &paths[*s]));
                    [common, vec![Fan::Union(at)]].concat()
                }
            },
            From::Needs(needs) => common(needs.iter().map(|n| &paths[*n])),
        };
        // A join's windows are several items in its one branch, not branches of their own.
        if line.windows && !matches!(line.from, From::Needs(_)) {
            path.push(Fan::Windows(at));
        }
        paths.push(path);
    }
    paths
}

fn common<'a>(mut paths: impl Iterator<Item = &'a Vec<Fan>>) -> Vec<Fan> {
    let mut prefix = paths.next().cloned().unwrap_or_default();
    for path in paths {
        let same = prefix.iter().zip(path).take_while(|(a, b)| a == b).count();
        prefix.truncate(same);
    }
    prefix
}

pub(crate) fn fed_by(line: &Line, step: usize) -> bool {
    matches!(&line.from, From::Each(sources) if sources.iter().any(|(s, _)| *s == step))
}

/// What keeps a join waiting: what it needs, what that feeds, joins deeper down that need any
/// of these, what leads to any of these from beneath the join's level, and what those joins
/// wait for themselves. So a count that has reached zero rises again only by a retry.
fn watches(lines: &[Line], paths: &[Vec<Fan>], join: usize) -> Vec<usize> {
    let From::Needs(needs) = &lines[join].from else { return Vec::new() };
    let level = &paths[join];
    let inside = |step: usize| paths[step].starts_with(level);
    let mut watched = needs.clone();
    let mut at = 0;
    while at < watched.len() {
        let step = watched[at];
        at += 1;
        let mut more: Vec<usize> = Vec::new();
        more.extend((0..lines.len()).filter(|s| fed_by(&lines[*s], step)));
        more.extend((0..lines.len()).filter(|s| {
            matches!(&lines[*s].from, From::Needs(n) if n.contains(&step))
                && paths[*s].len() > level.len()
        }));
        match &lines[step].from {
            From::Each(sources) => more.extend(sources.iter().map(|(s, _)| *s)),
            From::Needs(needs) => more.extend(needs),
            From::Run | From::Literals(_) => {}
        }
        for step in more {
            if inside(step) && !watched.contains(&step) {
                watched.push(step);
            }
        }
    }
    watched.sort_unstable();
    watched
}

/// Steps in an order in which each comes after what leads to it; `None` for a circle.
fn sorted(lines: &[Line], watches: &[Vec<usize>]) -> Option<Vec<usize>> {
    let before = |step: usize| -> Vec<usize> {
        let mut before = watches[step].clone();
        match &lines[step].from {
            From::Each(sources) => before.extend(sources.iter().map(|(s, _)| *s)),
            From::Needs(needs) => before.extend(needs),
            From::Run | From::Literals(_) => {}
        }
        before
    };
    let mut order: Vec<usize> = Vec::new();
    while order.len() < lines.len() {
        let next = (0..lines.len()).find(|step| {
            !order.contains(step) && before(*step).iter().all(|b| order.contains(b))
        })?;
        order.push(next);
    }
    Some(order)
}

fn renumbered(line: &Line, order: &[usize]) -> Line {
    let new = |old: usize| order.iter().position(|o| *o == old).unwrap_or(old);
    let mut line = line.clone();
    line.from = match line.from {
        From::Each(sources) => {
            From::Each(sources.into_iter().map(|(s, files)| (new(s), files)).collect())
        }
        From::Needs(needs) => From::Needs(needs.into_iter().map(new).collect()),
        from => from,
    };
    line
}

fn plan(lines: &[Line], paths: &[Vec<Fan>], levels: &[Vec<Fan>]) -> Plan {
    let level_of = |path: &Vec<Fan>| {
        let deepest = levels.iter().rposition(|level| path.starts_with(level));
        u8::try_from(deepest.unwrap_or(0)).expect("a plan has few levels")
    };
    let scopes = levels
        .iter()
        .enumerate()
        .map(|(at, path)| ScopeLevel {
            parent: levels[..at]
                .iter()
                .rposition(|above| path.starts_with(above))
                .map(|above| u8::try_from(above).expect("a plan has few levels")),
            name: if at == 0 { "run".to_owned() } else { format!("level{at}") },
        })
        .collect();
    let joins = (0..lines.len())
        .filter(|at| matches!(lines[*at].from, From::Needs(_)))
        .map(|at| Join {
            step: id(at),
            scope: level_of(&paths[at]),
            watches: watches(lines, paths, at).into_iter().map(id).collect(),
        })
        .collect();
    let steps =
        (0..lines.len()).map(|at| step(lines, at, paths[at].len(), level_of(&paths[at]))).collect();
    Plan {
        format: PLAN_FORMAT,
        name: "sketch".to_owned(),
        description: String::new(),
        inputs: Vec::new(),
        steps,
        scopes,
        joins,
    }
}

fn step(lines: &[Line], at: usize, depth: usize, scope: u8) -> Step {
    let line = &lines[at];
    let source = match &line.from {
        From::Run => Source::Run,
        From::Literals(n) => Source::Literals((0..*n).map(|v| u64::from(v).into()).collect()),
        From::Each(sources) => Source::Items(
            sources
                .iter()
                .map(|(s, files)| Feed { step: id(*s), field: files.then(|| "files".to_owned()) })
                .collect(),
        ),
        From::Needs(needs) => Source::Join(needs.iter().map(|n| id(*n)).collect()),
    };
    Step {
        name: format!("step{at}"),
        // Few operations for many steps: `once` values meet across steps.
        operation: format!("zoom.operation{}", at % 3).into(),
        operation_version: 1,
        category: line.category,
        source,
        item: Some(format!("item{at}")),
        windows: line.windows.then(|| Windows {
            from: watershed_model::Template(Vec::new()),
            to: watershed_model::Template(Vec::new()),
            size_days: 30,
            order: Order::AsListed,
        }),
        when: None,
        once: line.once.then(|| Expr("item.id".to_owned())),
        with: Default::default(),
        order: line.order,
        order_field: None,
        on_unavailable: if line.continues { OnUnavailable::Continue } else { OnUnavailable::Stop },
        retry: Retry {
            attempts: 8,
            backoff: Backoff { first_ms: 1_000, max_ms: 300_000 },
            jitter: true,
        },
        on_failure: line.on_failure,
        tolerate: Tolerate { fraction: line.tolerate },
        carries: Vec::new(),
        depth: u16::try_from(depth).expect("paths are short"),
        scope,
        feeds: (0..lines.len()).filter(|s| fed_by(&lines[*s], at)).map(id).collect(),
    }
}

pub(crate) fn id(index: usize) -> StepId {
    StepId(u16::try_from(index).expect("a plan has few steps"))
}
