//! Steps and plans with nothing in them but what a test says.

use std::collections::BTreeMap;

use watershed_model::{
    Backoff, Category, OnFailure, OnUnavailable, Order, PLAN_FORMAT, Plan, Retry, ScopeLevel,
    Source, Step, Tolerate,
};

/// A step of that name, depth and category under the run's own scope; its operation is named
/// after it.
pub fn plain_step(name: &str, depth: u16, category: Option<Category>, source: Source) -> Step {
    Step {
        name: name.to_owned(),
        operation: format!("zoom.{name}").into(),
        operation_version: 1,
        category,
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
        scope: 0,
        feeds: Vec::new(),
    }
}

/// A plan of these steps, without joins.
pub fn plain_plan(steps: Vec<Step>) -> Plan {
    Plan {
        format: PLAN_FORMAT,
        name: "test".to_owned(),
        description: String::new(),
        inputs: Vec::new(),
        steps,
        scopes: vec![ScopeLevel { parent: None, name: "run".to_owned() }],
        joins: Vec::new(),
    }
}
