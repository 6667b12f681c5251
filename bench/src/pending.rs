//! What an item that waits costs in the state file, in Zoom's shape: users, twenty meetings
//! each, one to five instances a meeting, whose attendance waits for the day's heavy budget.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use watershed_ledger::{
    Command, End, Error, Exchange, Leased, Outcome, Reply, Settle, Submit, Want,
};
use watershed_ledger_sqlite::SqliteLedger;
use watershed_model::{Brood, Millis, Plan, PlanHash, RunId, Trigger};
use watershed_workflow::{Program, RunContext};
use watershed_zoom::limits::{Overrides, Tier, limits};

use crate::compile::compiled;
use crate::figure::Figure;

const USERS: u64 = 300;
const MEETINGS: u64 = 20;
/// Instances of meetings, in turn: three on average.
const INSTANCES: [u64; 5] = [1, 2, 3, 4, 5];

pub(crate) fn bytes() -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("state.db");
    let ledger = SqliteLedger::open(&path, Arc::new(|| Millis(0)))?;
    let account = Chain::new()?;
    let waiting = account.fill(|command, now| ledger.execute_at(command, now))?;
    // The last one to close it brings the journal into the file.
    drop(ledger);
    let bytes = std::fs::metadata(&path)?.len();
    ensure!(waiting > 0, "nothing waits");
    let name = "bytes_per_pending_item";
    Ok(vec![Figure::alone(name, bytes as f64 / waiting as f64, "bytes of state.db")])
}

/// The chain of `ingest.yaml`, with the attendance that costs the day's budget.
struct Chain {
    plan: Arc<Plan>,
    hash: PlanHash,
    program: Program,
    run: RunContext,
}

impl Chain {
    fn new() -> Result<Chain> {
        let text = include_str!("../ingest.yaml")
            .replace("zoom.list_past_participants", "zoom.report_participants");
        let compiled = compiled(&text)?;
        let catalogue = watershed_zoom::catalogue();
        let plan = Arc::new(compiled.plan);
        let program = Program::new(plan.clone(), &catalogue)?;
        let run = RunContext {
            connection: "bench".into(),
            inputs: BTreeMap::new(),
            granted: catalogue.operations.iter().map(|o| o.id.to_owned()).collect(),
        };
        Ok(Chain { plan, hash: compiled.hash, program, run })
    }

    /// Runs it until only attendance waits; how many items do.
    fn fill(&self, mut said: impl FnMut(&Command, Millis) -> Result<Reply, Error>) -> Result<u64> {
        let plenty = Some(1e6);
        let budget = Overrides {
            light_per_second: plenty,
            medium_per_second: plenty,
            heavy_per_second: plenty,
            heavy_per_day: Some(0),
        };
        let limits = limits(Tier::Business, &budget, 1.0);
        said(&Command::SetLimits { account: "bench".into(), limits }, Millis(0))?;
        said(&Command::Submit(Box::new(self.submit()?)), Millis(0))?;
        let (mut waiting, mut settles) = (0, Vec::new());
        for sequence in 1.. {
            let exchange = Exchange {
                worker: "bench".into(),
                sequence,
                random: sequence,
                settles: std::mem::take(&mut settles),
                want: Want {
                    lanes: vec!["bench".into()],
                    tasks: 64,
                    lease_ms: 15_000,
                    horizon_ms: 200,
                    lead_ms: 0,
                },
            };
            // A second apart: no budget but the heavy one ever binds.
            let now = Millis(i64::try_from(sequence)? * 1_000);
            let Reply::Exchanged(exchanged) = said(&Command::Exchange(exchange), now)? else {
                bail!("an exchange was answered with something else");
            };
            if exchanged.leased.is_empty() {
                break;
            }
            for leased in &exchanged.leased {
                let broods = self.children(leased, &mut waiting)?;
                settles.push(closed(leased, broods));
            }
        }
        Ok(waiting)
    }

    fn submit(&self) -> Result<Submit> {
        Ok(Submit {
            run: RunId("bench".to_owned()),
            connection: "bench".into(),
            account: "bench".into(),
            plan: (*self.plan).clone(),
            plan_hash: self.hash.clone(),
            inputs: BTreeMap::new(),
            granted: self.run.granted.iter().cloned().collect(),
            trigger: Trigger::Manual,
            kin: self.program.seeds(&self.run)?.children,
            joins: self.program.root_joins(&self.run)?,
        })
    }

    /// What the call brings, as the program expands it.
    fn children(&self, leased: &Leased, waiting: &mut u64) -> Result<Vec<Brood>> {
        let records: Vec<Value> = match self.plan.step(leased.step).name.as_str() {
            "users" => {
                (0..USERS).map(|n| json!({ "id": format!("zyAbcDefGhijk{n:09}") })).collect()
            }
            "meetings" => (0..MEETINGS).map(|n| meeting(leased, n)).collect(),
            "instances" => {
                let item: Value = serde_json::from_str(&leased.item)?;
                let id = item[0].as_u64().context("the number of a meeting")?;
                let held = INSTANCES[usize::try_from(id % INSTANCES.len() as u64)?];
                *waiting += held;
                (0..held).map(|n| instance(id, n)).collect()
            }
            other => bail!("step {other} was leased: it was to wait"),
        };
        let mut broods = Vec::new();
        for record in &records {
            let expanded = self.program.expand(&self.run, leased.step, &leased.item, record)?;
            broods.extend(expanded.broods);
        }
        Ok(broods)
    }
}

/// A meeting of the user whose item it is, with a number of its own.
fn meeting(leased: &Leased, n: u64) -> Value {
    let digits: String = leased.item.chars().filter(char::is_ascii_digit).collect();
    let user: u64 = digits.parse().unwrap_or(0);
    json!({ "id": 90_000_000_000 + user * MEETINGS + n, "type": 8 })
}

fn instance(meeting: u64, n: u64) -> Value {
    // 24 characters, as a UUID of Zoom has.
    let uuid = format!("aD{meeting:012}{n:06}hA==");
    json!({ "uuid": uuid, "start_time": "2026-10-02T09:00:00Z" })
}

fn closed(leased: &Leased, broods: Vec<Brood>) -> Settle {
    Settle {
        fence: leased.fence,
        outcome: Outcome::Closed { broods, end: End::Done },
        calls: 1,
        repeats: None,
        least: 1,
        throttle: None,
        heard: None,
    }
}

#[cfg(test)]
mod tests {
    use watershed_ledger::{MemoryTables, decide};

    use super::*;

    #[test]
    fn every_instance_of_every_meeting_waits() {
        let mut tables = MemoryTables::default();
        let chain = Chain::new().expect("the chain compiles");
        let waiting =
            chain.fill(|command, now| decide(&mut tables, command, now)).expect("it runs");
        assert_eq!(waiting, USERS * MEETINGS * 3);
    }
}
