//! Plans as the compiler makes them, built by hand.

use std::collections::BTreeMap;

use watershed_model::{
    Backoff, Category, Join, OnFailure, OnUnavailable, Order, PLAN_FORMAT, Plan, Retry, ScopeLevel,
    Source, Step, StepId, Tolerate,
};

/// A step at that depth, counted by that scope level; its operation is named after it.
pub(crate) fn step(name: &str, depth: u16, scope: u8, source: Source) -> Step {
    Step {
        name: name.to_owned(),
        operation: format!("zoom.{name}").into(),
        operation_version: 1,
        category: None,
        source,
        item: None,
        windows: None,
        when: None,
        once: None,
        with: BTreeMap::new(),
        order: Order::AsListed,
        order_field: None,
        on_unavailable: OnUnavailable::Stop,
        retry: Retry {
            attempts: 3,
            backoff: Backoff { first_ms: 1_000, max_ms: 10_000 },
            jitter: false,
        },
        on_failure: OnFailure::DeadLetter,
        tolerate: Tolerate { fraction: 0.5 },
        carries: Vec::new(),
        depth,
        scope,
        feeds: Vec::new(),
    }
}

pub(crate) fn items(of: u16) -> Source {
    Source::Items(vec![watershed_model::Feed { step: StepId(of), field: None }])
}

pub(crate) fn join(step: u16, scope: u8, watches: &[u16]) -> Join {
    Join { step: StepId(step), scope, watches: watches.iter().map(|w| StepId(*w)).collect() }
}

pub(crate) fn plan(steps: Vec<Step>, levels: &[(Option<u8>, &str)], joins: Vec<Join>) -> Plan {
    let scopes = levels
        .iter()
        .map(|(parent, name)| ScopeLevel { parent: *parent, name: (*name).to_owned() })
        .collect();
    Plan {
        format: PLAN_FORMAT,
        name: "odd".to_owned(),
        description: String::new(),
        inputs: Vec::new(),
        steps,
        scopes,
        joins,
    }
}

/// 0 `users`, 1 `meetings` of each user, 2 `files` of each meeting. No joins.
pub(crate) fn chain() -> Plan {
    plan(
        vec![
            step("users", 0, 0, Source::Run),
            step("meetings", 1, 0, items(0)),
            step("files", 2, 0, items(1)),
        ],
        &[(None, "run")],
        vec![],
    )
}

/// The chain, every step of it of that category.
pub(crate) fn chain_of(category: Category) -> Plan {
    let mut plan = chain();
    for step in &mut plan.steps {
        step.category = Some(category);
    }
    plan
}

/// 0 `users`, 1 `meetings` beneath each, 2 join `summary` for each user after its meetings,
/// 3 join `total` once for the run after all of it.
pub(crate) fn summed() -> Plan {
    plan(
        vec![
            step("users", 0, 0, Source::Run),
            step("meetings", 1, 1, items(0)),
            step("summary", 1, 1, Source::Join(vec![StepId(1)])),
            step("total", 0, 0, Source::Join(vec![StepId(2)])),
        ],
        &[(None, "run"), (Some(0), "user")],
        vec![join(2, 1, &[1]), join(3, 0, &[0, 1, 2])],
    )
}

/// 0 `users`, 1 `meetings` beneath each, 2 `files` beneath each meeting and never watched,
/// 3 join `report` once for the run after all meetings.
pub(crate) fn half_watched() -> Plan {
    plan(
        vec![
            step("users", 0, 0, Source::Run),
            step("meetings", 1, 1, items(0)),
            step("files", 2, 1, items(1)),
            step("notes", 1, 1, Source::Join(vec![StepId(2)])),
            step("report", 0, 0, Source::Join(vec![StepId(1)])),
        ],
        &[(None, "run"), (Some(0), "user")],
        vec![join(3, 1, &[1, 2]), join(4, 0, &[0, 1])],
    )
}
