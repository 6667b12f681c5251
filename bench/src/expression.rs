//! What one condition costs at run time, on a meeting as Zoom sends it.
//!
//! Measured as a difference: the same record expanded into the children of the same steps,
//! once with the condition on each and once without.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use watershed_model::{Brood, Kin, StepId};
use watershed_workflow::{Program, RunContext};

use crate::compile::{compiled, workflow};
use crate::figure::{Figure, median};

/// Steps that ask the condition of each record.
const LEAVES: usize = 32;
const RECORDS: u32 = 1_000;
const ROUNDS: usize = 5;

/// Conditions of the kinds that the shipped workflow has; all of them hold of [`meeting`].
const CONDITIONS: [&str; 3] = [
    "meeting.type in [2, 3, 8]",
    "meeting.duration == null || meeting.duration >= 2",
    "meeting.start_time == null || date(meeting.start_time) <= inputs.to",
];

pub(crate) fn figures() -> Result<Vec<Figure>> {
    let mut ns = Vec::new();
    for _ in 0..ROUNDS {
        let without = expand_ns(None)?;
        let mut with = 0.0;
        for condition in CONDITIONS {
            with += expand_ns(Some(condition))? / CONDITIONS.len() as f64;
        }
        ns.push((with - without) / LEAVES as f64);
    }
    let ns = median(ns).context("a round")?;
    Ok(vec![Figure::alone("expression", ns, "ns a condition")])
}

/// Nanoseconds that the expansion of one record takes.
fn expand_ns(when: Option<&str>) -> Result<f64> {
    let catalogue = watershed_zoom::catalogue();
    let plan = Arc::new(compiled(&workflow(LEAVES, when))?.plan);
    let program = Program::new(plan.clone(), &catalogue)?;
    let run = RunContext {
        connection: "bench".into(),
        inputs: BTreeMap::from([("to".to_owned(), json!("2026-11-25"))]),
        granted: catalogue.operations.iter().map(|o| o.id.to_owned()).collect(),
    };
    let (users, _) = plan.step_named("users").context("the step users")?;
    let (meetings, _) = plan.step_named("meetings").context("the step meetings")?;
    let seeds = program.seeds(&run)?;
    let user = json!({ "id": "z8yAbc123", "email": "ana@example.com", "status": "active" });
    let of_users = program.expand(&run, users, &item(&seeds.children, users)?, &user)?;
    let of_meetings = item(&kin(&of_users.broods), meetings)?;
    let record = meeting();
    let begun = Instant::now();
    for _ in 0..RECORDS {
        let expanded = program.expand(&run, meetings, &of_meetings, &record)?;
        ensure!(kin(&expanded.broods).len() == LEAVES, "every condition holds");
    }
    Ok(begun.elapsed().as_secs_f64() * 1e9 / f64::from(RECORDS))
}

fn kin(broods: &[Brood]) -> Vec<Kin> {
    broods.iter().flat_map(|brood| brood.kin.iter().cloned()).collect()
}

/// The item of the first child of a step.
pub(crate) fn item(kin: &[Kin], step: StepId) -> Result<String> {
    let found = kin.iter().find_map(|kin| match kin {
        Kin::Task(child) if child.step == step => Some(child.item.clone()),
        _ => None,
    });
    match found {
        Some(item) => Ok(item),
        None => bail!("step {} has no child", step.0),
    }
}

fn meeting() -> Value {
    json!({
        "uuid": "aDYlohsHRtCd4ii1uC2+hA==",
        "id": 97_763_643_886_i64,
        "host_id": "z8yAbc123",
        "topic": "Weekly",
        "type": 8,
        "start_time": "2026-11-02T09:00:00Z",
        "duration": 45,
        "timezone": "Europe/Berlin",
        "created_at": "2026-10-28T08:11:12Z",
        "join_url": "https://example.com/j/97763643886",
    })
}
