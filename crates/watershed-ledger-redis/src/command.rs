//! Commands as the scripts read them.

use watershed_ledger::form;
use watershed_ledger::{Checkpoint, End, Exchange, Fence, Letter, Outcome, Settle, Submit};
use watershed_model::{
    Brood, Category, CategorySet, Child, DayCalls, Heard, Kin, Limits, OnFailure, Order, Period,
    Plan, ScopeSeed, Source, StepId, Throttle, Trigger,
};

use crate::said::Said;

/// Which part of an exchange is said: its number, settles before it, whether the leases come with
/// it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) part: usize,
    pub(crate) from: usize,
    pub(crate) last: bool,
}

/// Settles and leases of the lanes of one account.
pub(crate) fn exchange<'a>(
    exchange: &'a Exchange,
    settles: &[&'a Settle],
    place: Place,
    lanes: &[&'a str],
    tasks: u16,
) -> Vec<(&'static str, Said<'a>)> {
    let want = &exchange.want;
    vec![
        ("worker", Said::text(exchange.worker.as_str())),
        ("sequence", Said::count(exchange.sequence)),
        ("random", Said::hash(exchange.random)),
        ("part", Said::count(place.part as u64)),
        ("from", Said::count(place.from as u64)),
        ("last", Said::Flag(place.last)),
        ("many", Said::count(settles.len() as u64)),
        ("settles", all(settles)),
        ("held", Said::maybe(exchange.held.as_deref(), held)),
        ("lanes", Said::list(lanes, |lane| Said::text(lane))),
        ("tasks", Said::Int(tasks.into())),
        ("lease_ms", Said::Int(want.lease_ms)),
        ("horizon_ms", Said::Int(want.horizon_ms)),
        ("lead_ms", Said::Int(want.lead_ms)),
    ]
}

/// What a worker holds: of each task seven bytes of the lease's number, and two of the index.
fn held(held: &[Fence]) -> Said<'static> {
    let mut bytes = Vec::with_capacity(held.len() * 9);
    for fence in held {
        bytes.extend_from_slice(&fence.lease.0.to_be_bytes()[1..]);
        bytes.extend_from_slice(&fence.index.to_be_bytes());
    }
    Said::bytes(bytes)
}

/// Children that a settle brings, branches counted too.
pub(crate) fn children(settle: &Settle) -> usize {
    fn all(kin: &[Kin]) -> usize {
        kin.iter()
            .map(|kin| match kin {
                Kin::Task(_) => 1,
                Kin::Scope { kin, .. } => 1 + all(kin),
            })
            .sum()
    }
    match &settle.outcome {
        Outcome::More { broods, .. } | Outcome::Closed { broods, .. } => {
            broods.iter().map(|brood| all(&brood.kin)).sum()
        }
        _ => 0,
    }
}

/// Settles as a list of lists, in the places that `_settle.lua` names. Those that follow one
/// another, bring nothing and differ in their index alone are said once.
fn all<'a>(settles: &[&'a Settle]) -> Said<'a> {
    let mut said = Vec::new();
    let mut at = 0;
    while let Some(first) = settles.get(at) {
        let alike = |(many, settle): (u16, &&Settle)| is_like(first, settle, many);
        let many = 1 + (1..).zip(&settles[at + 1..]).take_while(|next| alike(*next)).count();
        said.push(settle(first, many));
        at += many;
    }
    Said::List(said)
}

/// Whether a settle is `first`'s, of an index so much higher.
fn is_like(first: &Settle, settle: &Settle, many: u16) -> bool {
    let plain = matches!(&first.outcome, Outcome::Closed { broods, .. } if broods.is_empty())
        && first.throttle.is_none()
        && first.heard.is_none();
    plain
        && first.fence.index.checked_add(many) == Some(settle.fence.index)
        && *settle == Settle { fence: settle.fence, ..first.clone() }
        && (first.fence.lease, first.fence.nonce) == (settle.fence.lease, settle.fence.nonce)
}

fn settle(settle: &Settle, many: usize) -> Said<'_> {
    let mut said = vec![
        Said::count(settle.fence.lease.0),
        Said::bytes(format!("{:016x}", settle.fence.nonce).into_bytes()),
        Said::Int(settle.fence.index.into()),
        Said::count(many as u64),
        Said::Int(settle.calls.into()),
        Said::maybe(settle.repeats, |repeat| Said::text(repeat.name())),
        Said::count(settle.least),
        Said::maybe(settle.throttle, throttle),
        Said::maybe(settle.heard, heard),
    ];
    said.extend(outcome(&settle.outcome));
    Said::List(said)
}

/// The kind, children, and what is the kind's own.
fn outcome(outcome: &Outcome) -> Vec<Said<'_>> {
    let kind = Said::text;
    match outcome {
        Outcome::More { broods, checkpoint } => {
            vec![kind("more"), Said::list(broods, brood), checkpoint_of(checkpoint)]
        }
        Outcome::Closed { broods, end } => {
            let end = match end {
                End::Done => "done",
                End::Skipped => "skipped",
                End::Unavailable => "unavailable",
                End::Waiting => "waiting",
            };
            vec![kind("closed"), Said::list(broods, brood), Said::text(end)]
        }
        Outcome::Failed => vec![kind("failed")],
        Outcome::Retry { at, counts } => {
            vec![kind("retry"), Said::NONE, Said::Int(at.0), Said::Flag(*counts)]
        }
        Outcome::NotYet { at } => vec![kind("not_yet"), Said::NONE, Said::Int(at.0)],
        Outcome::Restart => vec![kind("restart")],
        Outcome::Released => vec![kind("released")],
    }
}

fn checkpoint_of(checkpoint: &Checkpoint) -> Said<'_> {
    Said::Map(vec![
        ("token", Said::text(&checkpoint.token)),
        ("token_at", Said::Int(checkpoint.token_at.0)),
        ("first_at", Said::Int(checkpoint.first_at.0)),
        ("pages", Said::Int(checkpoint.pages.into())),
        ("rows", Said::count(checkpoint.rows)),
    ])
}

fn throttle(throttle: Throttle) -> Said<'static> {
    Said::Map(vec![
        ("category", Said::text(throttle.category.name())),
        ("daily", Said::Flag(throttle.daily)),
        ("until", Said::Int(throttle.until.0)),
    ])
}

fn heard(heard: Heard) -> Said<'static> {
    let left = Said::maybe(heard.left, |left| {
        Said::Map(vec![
            ("daily", Said::Flag(left.daily)),
            ("limit", Said::Int(left.limit.into())),
            ("remaining", Said::Int(left.remaining.into())),
        ])
    });
    Said::Map(vec![
        ("category", Said::text(heard.category.name())),
        ("left", left),
        ("own", Said::maybe(heard.own, |own| Said::Int(own.into()))),
        ("alone", Said::Flag(heard.alone)),
    ])
}

fn brood(brood: &Brood) -> Said<'_> {
    Said::List(vec![Said::hash(brood.key), Said::list(&brood.kin, kin)])
}

fn kin(kin: &Kin) -> Said<'_> {
    match kin {
        Kin::Task(child) => child_of(child),
        Kin::Scope { level, key, joins, kin } => Said::Map(vec![
            ("level", Said::Int((*level).into())),
            ("key", Said::hash(*key)),
            ("joins", joins_of(joins)),
            ("kin", Said::list(kin, self::kin)),
        ]),
    }
}

fn child_of(child: &Child) -> Said<'_> {
    let (mut form, mut fills) = (Vec::new(), Vec::new());
    form::split(&child.item, &mut form, &mut fills);
    Said::List(vec![
        Said::Int(child.step.0.into()),
        Said::bytes(form),
        Said::bytes(fills),
        Said::maybe(child.once, Said::hash),
        Said::Int(child.bucket.into()),
        Said::Flag(child.together),
    ])
}

fn joins_of(joins: &[(StepId, Vec<String>)]) -> Said<'_> {
    Said::list(joins, |(step, items)| {
        let items = Said::list(items, |item| Said::text(item));
        Said::List(vec![Said::Int(step.0.into()), items])
    })
}

/// A run, with its plan whole and as far as the rules need it.
pub(crate) fn submit<'a>(
    submit: &'a Submit,
    plan: Vec<u8>,
    inputs: Vec<u8>,
) -> Vec<(&'static str, Said<'a>)> {
    let (class, trigger) = match submit.trigger {
        Trigger::Event => (0, "event"),
        Trigger::Manual => (1, "manual"),
        Trigger::Schedule => (2, "schedule"),
    };
    vec![
        ("run", Said::text(submit.run.as_str())),
        ("connection", Said::text(submit.connection.as_str())),
        ("plan_hash", Said::text(submit.plan_hash.as_str())),
        ("inputs", Said::bytes(inputs)),
        ("granted", Said::list(&submit.granted, |name| Said::text(name))),
        ("trigger", Said::text(trigger)),
        ("class", Said::Int(class)),
        ("rules", rules(&submit.plan)),
        ("plan", Said::bytes(plan)),
        ("kin", Said::list(&submit.kin, kin)),
        ("joins", joins_of(&submit.joins)),
    ]
}

/// What the rules need of a plan.
fn rules(plan: &Plan) -> Said<'_> {
    let steps = Said::list(&plan.steps, |step| {
        let from: Vec<StepId> = match &step.source {
            Source::Items(feeds) => feeds.iter().map(|feed| feed.step).collect(),
            Source::Run | Source::Literals(_) | Source::Join(_) => Vec::new(),
        };
        let ids = |ids: &[StepId]| Said::list(ids.to_vec(), |id| Said::Int(id.0.into()));
        Said::Map(vec![
            ("name", Said::text(&step.name)),
            ("operation", Said::text(step.operation.as_str())),
            ("category", Said::maybe(step.category, |c: Category| Said::text(c.name()))),
            ("newest", Said::Flag(step.order == Order::NewestFirst)),
            ("depth", Said::Int(step.depth.into())),
            ("scope", Said::Int(step.scope.into())),
            ("from", ids(&from)),
            ("feeds", ids(&step.feeds)),
            ("fail_run", Said::Flag(step.on_failure == OnFailure::FailRun)),
            ("fraction", Said::Float(step.tolerate.fraction)),
        ])
    });
    let joins = Said::list(&plan.joins, |join| {
        let last = join.watches.iter().map(|step| step.0).max().unwrap_or(0);
        Said::Map(vec![
            ("step", Said::Int(join.step.0.into())),
            ("scope", Said::Int(join.scope.into())),
            ("watch_max", Said::Int(last.into())),
        ])
    });
    let watched = Said::list(0..plan.steps.len(), |step| {
        let watches = |(at, join): (i64, &watershed_model::Join)| {
            join.watches.iter().any(|watched| watched.index() == step).then_some(at)
        };
        Said::list((1..).zip(&plan.joins).filter_map(watches), Said::Int)
    });
    Said::Map(vec![
        ("format", Said::Int(plan.format.into())),
        ("name", Said::text(&plan.name)),
        ("steps", steps),
        ("scopes", Said::list(&plan.scopes, |s| Said::maybe(s.parent, |p| Said::Int(p.into())))),
        ("joins", joins),
        ("watched", watched),
    ])
}

/// A dead letter.
pub(crate) fn letter(letter: &Letter) -> Said<'_> {
    let seed = |seed: &ScopeSeed| {
        let mut joins = Vec::new();
        for (step, items) in &seed.joins {
            let items = Said::list(items.clone(), |item| Said::bytes(item.into_bytes()));
            joins.push(Said::List(vec![Said::Int(step.0.into()), items]));
        }
        Said::List(vec![Said::Int(seed.level.into()), Said::hash(seed.key), Said::List(joins)])
    };
    Said::List(vec![
        Said::Int(letter.step.0.into()),
        Said::text(&letter.item),
        Said::maybe(letter.once, Said::hash),
        Said::Int(letter.bucket.into()),
        Said::List(letter.scopes.iter().map(seed).collect()),
    ])
}

/// The account's limits.
pub(crate) fn limits(limits: &Limits) -> Said<'static> {
    Said::List(
        limits
            .0
            .iter()
            .map(|limit| {
                let period = match limit.period {
                    Period::Second => "second",
                    Period::Minute => "minute",
                    Period::Day => "day",
                };
                Said::Map(vec![
                    ("categories", bits(limit.categories)),
                    ("period", Said::text(period)),
                    ("calls", Said::Float(limit.calls)),
                    ("of", Said::Float(limit.of)),
                    ("reserve", Said::Float(limit.reserve)),
                ])
            })
            .collect(),
    )
}

fn bits(categories: CategorySet) -> Said<'static> {
    Said::Int(categories.iter().map(|category: Category| 1 << (category as i64)).sum())
}

/// Calls of days, as somebody knows them.
pub(crate) fn days(days: &[DayCalls]) -> Said<'static> {
    Said::list(days, |day| {
        Said::Map(vec![
            ("categories", bits(day.categories)),
            ("day", Said::Int(day.day)),
            ("calls", Said::count(day.calls)),
            ("at", Said::Int(day.at.0)),
        ])
    })
}
