//! What one settle costs: a flat run of 100,000 items, leased and settled 64 at a time.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Result, bail};
use watershed_ledger::{
    Command, End, Error, Exchange, Leased, MemoryTables, Outcome, Reply, Settle, Submit, Want,
    decide,
};
use watershed_ledger_sqlite::SqliteLedger;
use watershed_model::{
    Backoff, Child, Kin, Millis, OnFailure, OnUnavailable, Order, PLAN_FORMAT, Plan, PlanHash,
    Retry, RunId, ScopeLevel, Source, Step, StepId, Tolerate, Trigger,
};

use crate::Figure;

const ITEMS: u32 = 100_000;
const BATCH: u16 = 64;

pub(crate) fn memory() -> Result<Figure> {
    let mut tables = MemoryTables::default();
    measure(ITEMS, |command| decide(&mut tables, command, Millis(0)))
}

pub(crate) fn sqlite() -> Result<Figure> {
    let folder = tempfile::tempdir()?;
    let ledger =
        SqliteLedger::open(&folder.path().join("state.db"), std::sync::Arc::new(|| Millis(0)))?;
    measure(ITEMS / 10, |command| ledger.execute_at(command, Millis(0)))
}

fn measure(items: u32, mut said: impl FnMut(&Command) -> Result<Reply, Error>) -> Result<Figure> {
    said(&Command::Submit(Box::new(submit(items))))?;
    let mut held: Vec<Leased> = Vec::new();
    let mut settled = 0_u32;
    let begun = Instant::now();
    for sequence in 1.. {
        let settles: Vec<Settle> = held.drain(..).map(|l| done(&l)).collect();
        settled += u32::try_from(settles.len())?;
        let exchange = Exchange {
            worker: "bench".into(),
            sequence,
            random: sequence,
            settles,
            want: Want {
                lanes: vec!["bench".into()],
                tasks: BATCH,
                lease_ms: 15_000,
                horizon_ms: 200,
                lead_ms: 0,
            },
        };
        let Reply::Exchanged(exchanged) = said(&Command::Exchange(exchange))? else {
            bail!("an exchange was answered with something else");
        };
        held = exchanged.leased;
        if held.is_empty() {
            break;
        }
    }
    if settled != items {
        bail!("{settled} of {items} items were settled");
    }
    let us = begun.elapsed().as_secs_f64() * 1e6 / f64::from(settled);
    Ok(Figure { value: us, unit: "us a settle, lease included" })
}

fn done(leased: &Leased) -> Settle {
    Settle {
        fence: leased.fence,
        outcome: Outcome::Closed { broods: Vec::new(), end: End::Done },
        calls: 1,
        repeats: None,
        least: 1,
        throttle: None,
        heard: None,
    }
}

fn submit(items: u32) -> Submit {
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
