//! The flat run: one step, so many items, nothing beneath them; and what other plans are made of.

use std::collections::BTreeMap;

use watershed_ledger::Submit;
use watershed_model::{
    Backoff, Child, Join, Kin, OnFailure, OnUnavailable, Order, PLAN_FORMAT, Plan, PlanHash, Retry,
    RunId, ScopeLevel, Source, Step, StepId, Tolerate, Trigger,
};

use crate::server::LANE;

/// So many items of one step.
pub(crate) fn submit(items: u32) -> Submit {
    let plan = plan(vec![step("items", 0, 1)], Vec::new(), &[None]);
    let child = |n: u32| child(StepId(0), format!("[\"aDYlohsHRtCd4ii1uC{n:06}==\"]"));
    run(plan, (0..items).map(child).collect(), Vec::new())
}

/// A step that no budget counts.
pub(crate) fn step(name: &str, scope: u8, depth: u16) -> Step {
    Step {
        name: name.to_owned(),
        operation: "bench.item".into(),
        operation_version: 1,
        category: None,
        source: Source::Literals(Vec::new()),
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
            jitter: true,
        },
        on_failure: OnFailure::DeadLetter,
        tolerate: Tolerate { fraction: 0.01 },
        carries: Vec::new(),
        depth,
        scope,
        feeds: Vec::new(),
    }
}

/// A plan of these steps; `scopes` are the parents of its levels.
pub(crate) fn plan(steps: Vec<Step>, joins: Vec<Join>, scopes: &[Option<u8>]) -> Plan {
    let level = |parent: &Option<u8>| ScopeLevel { parent: *parent, name: "scope".to_owned() };
    Plan {
        format: PLAN_FORMAT,
        name: "bench".to_owned(),
        description: String::new(),
        inputs: Vec::new(),
        steps,
        scopes: scopes.iter().map(level).collect(),
        joins,
    }
}

/// An item to be.
pub(crate) fn child(step: StepId, item: String) -> Kin {
    Kin::Task(Child { step, item, once: None, bucket: 0, together: false })
}

/// A run that begins with these items.
pub(crate) fn run(plan: Plan, kin: Vec<Kin>, joins: Vec<(StepId, Vec<String>)>) -> Submit {
    Submit {
        run: RunId("bench".to_owned()),
        connection: LANE.into(),
        account: LANE.into(),
        plan,
        plan_hash: PlanHash("bench".to_owned()),
        inputs: BTreeMap::new(),
        granted: Vec::new(),
        trigger: Trigger::Manual,
        kin,
        joins,
    }
}
