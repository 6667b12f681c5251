//! The flat run: one step, so many items, nothing beneath them.

use std::collections::BTreeMap;

use watershed_ledger::Submit;
use watershed_model::{
    Backoff, Child, Kin, OnFailure, OnUnavailable, Order, PLAN_FORMAT, Plan, PlanHash, Retry,
    RunId, ScopeLevel, Source, Step, StepId, Tolerate, Trigger,
};

pub(crate) fn submit(items: u32) -> Submit {
    let step = Step {
        name: "items".to_owned(),
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
        depth: 1,
        scope: 0,
        feeds: Vec::new(),
    };
    let plan = Plan {
        format: PLAN_FORMAT,
        name: "bench".to_owned(),
        description: String::new(),
        inputs: Vec::new(),
        steps: vec![step],
        scopes: vec![ScopeLevel { parent: None, name: "run".to_owned() }],
        joins: Vec::new(),
    };
    let child = |n: u32| {
        Kin::Task(Child {
            step: StepId(0),
            item: format!("[\"aDYlohsHRtCd4ii1uC{n:06}==\"]"),
            once: None,
            bucket: 0,
            together: false,
        })
    };
    Submit {
        run: RunId("bench".to_owned()),
        connection: "bench".into(),
        account: "bench".into(),
        plan,
        plan_hash: PlanHash("bench".to_owned()),
        inputs: BTreeMap::new(),
        granted: Vec::new(),
        trigger: Trigger::Manual,
        kin: (0..items).map(child).collect(),
        joins: Vec::new(),
    }
}
