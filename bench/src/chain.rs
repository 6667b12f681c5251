//! A chain at whose end attendance waits for the day's heavy budget: every item that a real run
//! would have there, made by the program that a real run has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::runtime::Builder;
use watershed_ledger::{
    Checkpoint, Command, Exchange, Leased, Ledger, Outcome, Reply, Settle, Submit, Want,
};
use watershed_ledger_redis::{Link, RedisLedger};
use watershed_model::{AccountId, ConnectionName, Millis, Plan, PlanHash, RunId, Trigger};
use watershed_test_servers::RedisServer;
use watershed_workflow::{Program, RunContext};
use watershed_zoom::limits::{Overrides, Tier, limits};

use crate::compile::compiled;
use crate::server::{BATCH, closed};
use crate::tree::id;

/// Users, their meetings, when these were held, and the report of each.
pub(crate) const MEETINGS: &str = r#"
name: bench-meetings
steps:
  users:
    use: zoom.list_users
    with: { status: active }
  meetings:
    for_each: users
    as: user
    use: zoom.list_meetings
    with: { user_id: "${{ user.id }}", type: scheduled }
  instances:
    for_each: meetings
    as: meeting
    once: meeting.id
    use: zoom.list_past_instances
    with: { meeting_id: "${{ meeting.id }}" }
  participants:
    for_each: instances
    as: instance
    once: instance.uuid
    use: zoom.report_participants
    with: { uuid: "${{ instance.uuid }}", ended_at: "${{ instance.start_time }}" }
"#;

/// Users, and their recordings in pages of 300, the report of each.
pub(crate) const RECORDINGS: &str = r#"
name: bench-recordings
steps:
  users:
    use: zoom.list_users
    with: { status: active }
  recordings:
    for_each: users
    as: user
    use: zoom.list_user_recordings
    with: { user_id: "${{ user.id }}", from: "2026-10-01", to: "2026-10-30" }
  participants:
    for_each: recordings
    as: instance
    use: zoom.report_participants
    with: { uuid: "${{ instance.uuid }}", ended_at: "${{ instance.start_time }}" }
"#;

/// The same, each report once, whoever brings it.
pub(crate) fn recordings_once() -> String {
    RECORDINGS.replace("    as: instance\n", "    as: instance\n    once: instance.uuid\n")
}

/// Records of a page of users.
const PAGE: u64 = 300;

/// How many of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) users: u64,
    /// Of a user: meetings, or recordings.
    pub(crate) meetings: u64,
    /// Of meetings, in turn.
    pub(crate) instances: &'static [u64],
}

/// The chain.
pub(crate) struct Chain {
    plan: Arc<Plan>,
    hash: PlanHash,
    program: Program,
    run: RunContext,
    account: AccountId,
    size: Size,
}

impl Chain {
    pub(crate) fn of(text: &str, lane: &str, account: &str, size: Size) -> Result<Chain> {
        let compiled = compiled(text)?;
        let catalogue = watershed_zoom::catalogue();
        let plan = Arc::new(compiled.plan);
        let program = Program::new(plan.clone(), &catalogue)?;
        let run = RunContext {
            connection: lane.into(),
            inputs: BTreeMap::new(),
            granted: catalogue.operations.iter().map(|o| o.id.to_owned()).collect(),
        };
        Ok(Chain { plan, hash: compiled.hash, program, run, account: account.into(), size })
    }

    pub(crate) fn of_meetings(lane: &str, account: &str, size: Size) -> Result<Chain> {
        Chain::of(MEETINGS, lane, account, size)
    }

    /// The same on Redis, by a clock of its own.
    pub(crate) fn fill_redis(&self, server: &RedisServer) -> Result<u64> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let link = {
            let _inside = runtime.enter();
            Link::open(&server.url())?
        };
        let time = Arc::new(AtomicI64::new(0));
        let clock = time.clone();
        let ledger = RedisLedger::new(link, "ws")
            .with_clock(Arc::new(move || Millis(clock.load(Ordering::Relaxed))));
        self.fill(|command, now| {
            time.store(now.0, Ordering::Relaxed);
            Ok(runtime.block_on(ledger.execute(command.clone()))?)
        })
    }

    /// Runs it until only attendance waits; how many items do.
    pub(crate) fn fill(
        &self,
        mut said: impl FnMut(&Command, Millis) -> Result<Reply>,
    ) -> Result<u64> {
        let plenty = Some(1e6);
        let budget = Overrides {
            light_per_second: plenty,
            medium_per_second: plenty,
            heavy_per_second: plenty,
            heavy_per_day: Some(0),
        };
        let limits = limits(Tier::Business, &budget, 1.0);
        said(
            &Command::SetLimits {
                account: self.account.clone(),
                limits,
                days: Vec::new(),
                recount: None,
            },
            Millis(0),
        )?;
        said(&Command::Submit(Box::new(self.submit()?)), Millis(0))?;
        let (mut waiting, mut settles) = (0, Vec::new());
        for sequence in 1.. {
            let exchange = Exchange {
                worker: "bench".into(),
                sequence,
                random: sequence,
                settles: std::mem::take(&mut settles),
                held: None,
                want: Want {
                    lanes: vec![ConnectionName::from(self.run.connection.as_str())],
                    tasks: BATCH,
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
                let outcome = self.outcome(leased, &mut waiting)?;
                settles.push(Settle::after(1, leased.fence, outcome));
            }
        }
        Ok(waiting)
    }

    fn submit(&self) -> Result<Submit> {
        Ok(Submit {
            run: RunId("bench".to_owned()),
            connection: ConnectionName::from(self.run.connection.as_str()),
            account: self.account.clone(),
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
    fn outcome(&self, leased: &Leased, waiting: &mut u64) -> Result<Outcome> {
        let size = self.size;
        let mut checkpoint = None;
        let records: Vec<Value> = match self.plan.step(leased.step).name.as_str() {
            "users" => {
                let rows = leased.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.rows);
                let until = (rows + PAGE).min(size.users);
                checkpoint = (until < size.users).then(|| page(until));
                (rows..until).map(|n| json!({ "id": format!("zyAbcDefGhijk{n:09}") })).collect()
            }
            "meetings" => {
                let user = number(&leased.item)?;
                let first = 90_000_000_000 + user * size.meetings;
                (first..first + size.meetings).map(|n| json!({ "id": n, "type": 8 })).collect()
            }
            "recordings" => {
                let user = number(&leased.item)?;
                *waiting += size.meetings;
                (0..size.meetings).map(|n| instance(user * size.meetings + n)).collect()
            }
            "instances" => {
                let meeting = number(&leased.item)?;
                let held = size.instances[usize::try_from(meeting)? % size.instances.len()];
                *waiting += held;
                (0..held).map(|n| instance(meeting * 8 + n)).collect()
            }
            other => bail!("step {other} was leased: it was to wait"),
        };
        let mut broods = Vec::new();
        for record in &records {
            let expanded = self.program.expand(&self.run, leased.step, &leased.item, record)?;
            broods.extend(expanded.broods);
        }
        Ok(match checkpoint {
            Some(checkpoint) => Outcome::More { broods, checkpoint },
            None => closed(broods),
        })
    }
}

fn page(rows: u64) -> Checkpoint {
    let at = Millis(0);
    let pages = u32::try_from(rows / PAGE).unwrap_or(u32::MAX);
    Checkpoint { token: format!("{pages:024}"), token_at: at, first_at: at, pages, rows }
}

/// The number in an item: of a meeting, or the last nine digits of a user's id.
fn number(item: &str) -> Result<u64> {
    let digits: String = item.chars().filter(char::is_ascii_digit).collect();
    digits.parse().with_context(|| format!("the item {item}"))
}

/// One of many, as Zoom names and dates it: 24 characters, a minute of October 2026.
fn instance(number: u64) -> Value {
    use base64::Engine as _;
    let uuid = base64::engine::general_purpose::STANDARD.encode(id(number));
    let (day, hour, minute) = (1 + number / 1_440 % 30, number / 60 % 24, number % 60);
    json!({ "uuid": uuid, "start_time": format!("2026-10-{day:02}T{hour:02}:{minute:02}:00Z") })
}

#[cfg(test)]
mod tests {
    use watershed_ledger::{MemoryTables, decide};

    use super::*;

    const SIZE: Size = Size { users: 350, meetings: 20, instances: &[1, 2, 3, 4, 5] };

    #[test]
    fn every_instance_of_every_meeting_waits() {
        let mut tables = MemoryTables::default();
        let chain = Chain::of_meetings("bench", "bench", SIZE).expect("the chain compiles");
        let waiting =
            chain.fill(|command, now| Ok(decide(&mut tables, command, now)?)).expect("it runs");
        assert_eq!(waiting, SIZE.users * SIZE.meetings * 3);
    }

    #[test]
    fn every_recording_waits() {
        let mut tables = MemoryTables::default();
        let chain = Chain::of(RECORDINGS, "bench", "bench", SIZE).expect("the chain compiles");
        let waiting =
            chain.fill(|command, now| Ok(decide(&mut tables, command, now)?)).expect("it runs");
        assert_eq!(waiting, SIZE.users * SIZE.meetings);
    }
}
