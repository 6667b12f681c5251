//! A step's policies, the file's defaults filled in; and the order of its waiting items.

use serde_json::Value;
use watershed_model::{
    Backoff, Category, Expr, OnFailure, OnUnavailable, Operation, Order, Retry, Source, Step,
    Template, TemplatePart, Tolerate, Windows,
};

use super::Draft;
use crate::code;
use crate::diagnostic::Findings;
use crate::expr;
use crate::source::At;
use crate::spec::{
    JitterDecl, OnFailureDecl, OnUnavailableDecl, OrderDecl, StepDecl, WindowsDecl, WorkflowSpec,
};
use crate::template::{self, Piece};

/// Attempts in all: with the default delays a call is given up after some ten minutes.
const ATTEMPTS: u16 = 8;
/// First and longest delay.
const BACKOFF: Backoff = Backoff { first_ms: 1_000, max_ms: 300_000 };
/// One in a hundred may fail.
const TOLERATE: f64 = 0.01;

/// A step, as far as it is known before the steps have their order.
pub(super) fn step(
    spec: &WorkflowSpec,
    (name, decl): &(At<String>, StepDecl),
    operation: &'static Operation,
    source: Source,
) -> Step {
    let all = spec.defaults.as_ref();
    let on_failure = decl.policies.on_failure.as_ref().or(all.and_then(|d| d.on_failure.as_ref()));
    let tolerate = decl.policies.tolerate.as_ref().or(all.and_then(|d| d.tolerate.as_ref()));
    Step {
        name: name.value.clone(),
        operation: operation.id.into(),
        operation_version: operation.version,
        category: operation.category,
        source,
        item: decl.item.as_ref().map(|i| i.value.clone()),
        windows: decl.windows.as_ref().map(windows),
        when: decl.when.as_ref().map(|e| Expr(expr::tidy(&e.value))),
        once: decl.once.as_ref().map(|e| Expr(expr::tidy(&e.value))),
        with: decl.with.iter().map(|(k, v)| (k.value.clone(), template(&v.value))).collect(),
        order: Order::AsListed,
        order_field: None,
        on_unavailable: match decl.on_unavailable.as_ref().map(|o| o.value) {
            Some(OnUnavailableDecl::Continue) => OnUnavailable::Continue,
            Some(OnUnavailableDecl::Stop) | None => OnUnavailable::Stop,
        },
        retry: retry(spec, decl),
        on_failure: match on_failure.map(|o| o.value) {
            Some(OnFailureDecl::FailRun) => OnFailure::FailRun,
            Some(OnFailureDecl::DeadLetter) | None => OnFailure::DeadLetter,
        },
        tolerate: Tolerate { fraction: tolerate.map_or(TOLERATE, |t| t.value) },
        carries: Vec::new(),
        depth: 0,
        scope: 0,
        feeds: Vec::new(),
    }
}

fn retry(spec: &WorkflowSpec, decl: &StepDecl) -> Retry {
    let own = decl.policies.retry.as_ref();
    let all = spec.defaults.as_ref().and_then(|d| d.retry.as_ref());
    let attempts = own.and_then(|r| r.attempts.as_ref()).or(all.and_then(|r| r.attempts.as_ref()));
    let backoff = own.and_then(|r| r.backoff.as_ref()).or(all.and_then(|r| r.backoff.as_ref()));
    let jitter = own.and_then(|r| r.jitter.as_ref()).or(all.and_then(|r| r.jitter.as_ref()));
    Retry {
        attempts: attempts.map_or(ATTEMPTS, |a| a.value),
        backoff: backoff.map_or(BACKOFF, |b| Backoff { first_ms: b.value.0, max_ms: b.value.1 }),
        jitter: jitter.is_none_or(|j| j.value == JitterDecl::Full),
    }
}

fn windows(decl: &WindowsDecl) -> Windows {
    Windows {
        from: template(&Value::from(decl.from.value.as_str())),
        to: template(&Value::from(decl.to.value.as_str())),
        size_days: decl.size.value,
        order: decl.order.as_ref().map_or(Order::AsListed, |o| order(o.value)),
    }
}

fn order(decl: OrderDecl) -> Order {
    match decl {
        OrderDecl::NewestFirst => Order::NewestFirst,
        OrderDecl::AsListed => Order::AsListed,
    }
}

/// A template; one whose braces do not close is reported elsewhere.
fn template(value: &Value) -> Template {
    let Value::String(text) = value else {
        return Template(vec![TemplatePart::Text(value.to_string())]);
    };
    let pieces = template::split(text).unwrap_or_else(|_| vec![Piece::Text(text)]);
    let part = |piece: Piece<'_>| match piece {
        Piece::Text(text) => TemplatePart::Text(text.to_owned()),
        Piece::Expr { text, .. } => TemplatePart::Expr(Expr(expr::tidy(text))),
    };
    Template(pieces.into_iter().map(part).collect())
}

/// Order of a step's waiting items, and whether it may go on beneath what is unavailable.
pub(super) fn ordered(draft: &Draft<'_>, at: usize, step: &mut Step, findings: &mut Findings) {
    let (name, decl) = draft.decls[at];
    let start = start_field(draft, step);
    let scarce = matches!(step.category, Some(Category::Heavy | Category::ResourceIntensive));
    step.order = match &decl.order {
        Some(wanted) => {
            if wanted.value == OrderDecl::NewestFirst && start.is_none() {
                let message = format!("the items of `{}` have no start to go by", name.value);
                findings.error(code::ORDER, &wanted.span, message, None);
            }
            order(wanted.value)
        }
        None if scarce && start.is_some() => Order::NewestFirst,
        None => Order::AsListed,
    };
    step.order_field = start.filter(|_| step.order == Order::NewestFirst).map(str::to_owned);
    if let Some(wanted) =
        decl.on_unavailable.as_ref().filter(|_| step.on_unavailable == OnUnavailable::Continue)
    {
        let records = matches!(step.source, Source::Items(_)) && step.item.is_some();
        let help = if !records {
            "it needs `for_each` over records, and `as`: the item is what goes on"
        } else if step.feeds.is_empty() {
            "no step takes items from this one"
        } else {
            return;
        };
        let message = format!("nothing can go on beneath `{}`", name.value);
        findings.error(code::CONTINUE, &wanted.span, message, Some(help.to_owned()));
    }
}

/// The field of a step's item that tells when it happened.
fn start_field(draft: &Draft<'_>, step: &Step) -> Option<&'static str> {
    let Source::Items(feeds) = &step.source else { return None };
    feeds
        .iter()
        .filter(|feed| feed.field.is_none())
        .find_map(|feed| draft.operations[feed.step.index()].start_field)
}
