//! Schedules and their ticks.

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, named_params};
use watershed_model::{
    ConnectionName, KnownTick, Millis, RunId, RunState, ScheduleKey, Skipped, Tick, TickState,
};

use super::audit;
use super::fault::Fault;
use super::read::all;
use super::state::{instant, named};
use super::write::begin_run;
use crate::Decision;

const SEE_SCHEDULE: &str = include_str!("../../sql/see_schedule.sql");
const DECIDED_UNTIL: &str = include_str!("../../sql/decided_until.sql");
const PUT_DECIDED: &str = include_str!("../../sql/put_decided.sql");
const PUT_TICK: &str = include_str!("../../sql/put_tick.sql");
const FREE_TICK: &str = include_str!("../../sql/free_tick.sql");
const OPEN_TICKS: &str = include_str!("../../sql/open_ticks.sql");
const TICKS: &str = include_str!("../../sql/ticks.sql");

/// Up to when a schedule is decided; remembers it the first time.
pub(super) fn decided_until(
    connection: &Connection,
    key: &ScheduleKey,
    now: Millis,
) -> Result<Millis, Fault> {
    let (workflow, of, schedule) = (&key.workflow, key.connection.as_str(), &key.schedule);
    connection.prepare_cached(SEE_SCHEDULE)?.execute(named_params! {
        ":workflow": workflow, ":connection": of, ":schedule": schedule, ":now": now.to_string(),
    })?;
    let params = named_params! { ":workflow": workflow, ":connection": of, ":schedule": schedule };
    let text: String =
        connection.prepare_cached(DECIDED_UNTIL)?.query_row(params, |row| row.get(0))?;
    instant(&text)
}

/// Decides; whether the last tick is as it says.
pub(super) fn decide(connection: &mut Connection, decision: &Decision) -> Result<bool, Fault> {
    let act = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut taken = false;
    for tick in &decision.ticks {
        taken = if decision.queued { free(&act, tick)? } else { put(&act, tick)? };
    }
    if let (true, Some(run)) = (taken, &decision.run) {
        begin_run(&act, run)?;
        audit::follow(&act, &decision.audit(run))?;
    }
    if let Some(last) = decision.ticks.last() {
        act.prepare_cached(PUT_DECIDED)?.execute(named_params! {
            ":workflow": decision.key.workflow,
            ":connection": decision.key.connection.as_str(),
            ":schedule": decision.key.schedule,
            ":due_at": last.due_at.to_string(),
        })?;
    }
    act.commit()?;
    Ok(taken)
}

fn put(act: &Transaction<'_>, tick: &Tick) -> Result<bool, Fault> {
    let put = act.prepare_cached(PUT_TICK)?.execute(named_params! {
        ":workflow": tick.key.workflow,
        ":connection": tick.key.connection.as_str(),
        ":due_at": tick.due_at.to_string(),
        ":schedule": tick.key.schedule,
        ":state": tick.state.name(),
        ":why": tick.why.map(Skipped::name),
        ":run": tick.run.as_ref().map(RunId::as_str),
        ":at": tick.at.to_string(),
    })?;
    Ok(put > 0)
}

fn free(act: &Transaction<'_>, tick: &Tick) -> Result<bool, Fault> {
    let freed = act.prepare_cached(FREE_TICK)?.execute(named_params! {
        ":workflow": tick.key.workflow,
        ":connection": tick.key.connection.as_str(),
        ":due_at": tick.due_at.to_string(),
        ":state": tick.state.name(),
        ":why": tick.why.map(Skipped::name),
        ":run": tick.run.as_ref().map(RunId::as_str),
        ":at": tick.at.to_string(),
    })?;
    Ok(freed > 0)
}

/// Ticks that hold up later ones, oldest first.
pub(super) fn open(
    connection: &Connection,
    workflow: &str,
    of: &ConnectionName,
) -> Result<Vec<KnownTick>, Fault> {
    let params = named_params! { ":workflow": workflow, ":connection": of.as_str() };
    all(connection, OPEN_TICKS, params, known)
}

/// The newest ticks, newest first.
pub(super) fn newest(
    connection: &Connection,
    workflow: &str,
    of: &ConnectionName,
    limit: u32,
) -> Result<Vec<KnownTick>, Fault> {
    let of = of.as_str();
    let params = named_params! { ":workflow": workflow, ":connection": of, ":limit": limit };
    all(connection, TICKS, params, known)
}

fn known(row: &Row<'_>) -> Result<KnownTick, Fault> {
    let state: TickState = named(row.get("state")?)?;
    let why: Option<String> = row.get("why")?;
    let run: Option<String> = row.get("run")?;
    let run_state: Option<String> = row.get("run_state")?;
    Ok(KnownTick {
        tick: Tick {
            key: ScheduleKey {
                workflow: row.get("workflow")?,
                connection: ConnectionName(row.get("connection")?),
                schedule: row.get("schedule")?,
            },
            due_at: instant(&row.get::<_, String>("due_at")?)?,
            state,
            why: why.map(named).transpose()?,
            run: run.map(RunId),
            at: instant(&row.get::<_, String>("at")?)?,
        },
        run: run_state.map(named::<RunState>).transpose()?,
    })
}
