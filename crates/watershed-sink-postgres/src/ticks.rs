//! Schedules and their ticks.

use deadpool_postgres::{Object, Pool, Transaction};
use tokio_postgres::Row;
use watershed_model::{ConnectionName, KnownTick, Millis, RunId, ScheduleKey, Skipped, Tick};
use watershed_sink::Decision;

use crate::audit;
use crate::fault::Fault;
use crate::pool::{begin, client, lock_of_audit};
use crate::read::{all, page};
use crate::state::{millis, named, text, text_or_none};
use crate::text::kept;
use crate::value::Instant;
use crate::write::begin_run;

const SEE_SCHEDULE: &str = include_str!("../sql/see_schedule.sql");
const DECIDED_UNTIL: &str = include_str!("../sql/decided_until.sql");
const PUT_DECIDED: &str = include_str!("../sql/put_decided.sql");
const PUT_TICKS: &str = include_str!("../sql/put_ticks.sql");
const FREE_TICK: &str = include_str!("../sql/free_tick.sql");
const OPEN_TICKS: &str = include_str!("../sql/open_ticks.sql");
const TICKS: &str = include_str!("../sql/ticks.sql");

/// Up to when a schedule is decided; remembers it the first time.
pub(crate) async fn decided_until(
    pool: &Pool,
    key: &ScheduleKey,
    now: Millis,
) -> Result<Millis, Fault> {
    let mut client = client(pool).await?;
    let act = begin(&mut client, &[]).await?;
    let [workflow, of, schedule] = parts(key);
    let see = act.prepare_cached(SEE_SCHEDULE).await?;
    act.execute(&see, &[&workflow, &of, &schedule, &Instant::at(now)]).await?;
    let ask = act.prepare_cached(DECIDED_UNTIL).await?;
    let until = millis(&act.query_one(&ask, &[&workflow, &of, &schedule]).await?, "decided_until")?;
    act.commit().await?;
    Ok(until)
}

/// Decides; whether the last tick is as it says.
pub(crate) async fn decide(pool: &Pool, decision: &Decision) -> Result<bool, Fault> {
    let Some(last) = decision.ticks.last() else { return Ok(false) };
    let mut client = client(pool).await?;
    let locks = decision.run.as_ref().map(|_| lock_of_audit());
    let act = begin(&mut client, locks.as_slice()).await?;
    let taken = match decision.queued {
        true => free(&act, &decision.ticks).await?,
        false => put(&act, &decision.ticks).await?,
    };
    let taken = taken.contains(&last.due_at);
    if let (true, Some(run)) = (taken, &decision.run) {
        begin_run(&act, run).await?;
        audit::follow(&act, &decision.audit(run)).await?;
    }
    let [workflow, of, schedule] = parts(&decision.key);
    let statement = act.prepare_cached(PUT_DECIDED).await?;
    act.execute(&statement, &[&workflow, &of, &schedule, &Instant::at(last.due_at)]).await?;
    act.commit().await?;
    Ok(taken)
}

/// Those that were not decided yet.
async fn put(act: &Transaction<'_>, ticks: &[Tick]) -> Result<Vec<Millis>, Fault> {
    let text = |of: fn(&Tick) -> &str| ticks.iter().map(|t| kept(of(t))).collect::<Vec<_>>();
    let due: Vec<_> = ticks.iter().map(|t| Instant::at(t.due_at)).collect();
    let why: Vec<_> = ticks.iter().map(|t| t.why.map(Skipped::name)).collect();
    let runs: Vec<_> = ticks.iter().map(|t| t.run.as_ref().map(|run| kept(run.as_str()))).collect();
    let at: Vec<_> = ticks.iter().map(|t| Instant::at(t.at)).collect();
    let statement = act.prepare_cached(PUT_TICKS).await?;
    let put = act
        .query(
            &statement,
            &[
                &text(|t| &t.key.workflow),
                &text(|t| t.key.connection.as_str()),
                &due,
                &text(|t| &t.key.schedule),
                &text(|t| t.state.name()),
                &why,
                &runs,
                &at,
            ],
        )
        .await?;
    put.iter().map(|row| millis(row, "due_at")).collect()
}

/// Those that were queued until now.
async fn free(act: &Transaction<'_>, ticks: &[Tick]) -> Result<Vec<Millis>, Fault> {
    let statement = act.prepare_cached(FREE_TICK).await?;
    let mut freed = Vec::new();
    for tick in ticks {
        let [workflow, of, _] = parts(&tick.key);
        let run = tick.run.as_ref().map(|run| kept(run.as_str()));
        let row = act
            .query_opt(
                &statement,
                &[
                    &workflow,
                    &of,
                    &Instant::at(tick.due_at),
                    &tick.state.name(),
                    &tick.why.map(Skipped::name),
                    &run,
                    &Instant::at(tick.at),
                ],
            )
            .await?;
        freed.extend(row.map(|row| millis(&row, "due_at")).transpose()?);
    }
    Ok(freed)
}

/// Ticks that hold up later ones, oldest first.
pub(crate) async fn open(
    client: &Object,
    workflow: &str,
    of: &ConnectionName,
) -> Result<Vec<KnownTick>, Fault> {
    all(client, OPEN_TICKS, &[&kept(workflow), &kept(of.as_str())], known).await
}

/// The newest ticks, newest first.
pub(crate) async fn newest(
    client: &Object,
    workflow: &str,
    of: &ConnectionName,
    limit: u32,
) -> Result<Vec<KnownTick>, Fault> {
    all(client, TICKS, &[&kept(workflow), &kept(of.as_str()), &page(limit)], known).await
}

fn parts(key: &ScheduleKey) -> [std::borrow::Cow<'_, str>; 3] {
    [kept(&key.workflow), kept(key.connection.as_str()), kept(&key.schedule)]
}

fn known(row: &Row) -> Result<KnownTick, Fault> {
    Ok(KnownTick {
        tick: Tick {
            key: ScheduleKey {
                workflow: text(row, "workflow")?,
                connection: ConnectionName(text(row, "connection")?),
                schedule: text(row, "schedule")?,
            },
            due_at: millis(row, "due_at")?,
            state: named(text(row, "state")?)?,
            why: text_or_none(row, "why")?.map(named).transpose()?,
            run: text_or_none(row, "run")?.map(RunId),
            at: millis(row, "at")?,
        },
        run: text_or_none(row, "run_state")?.map(named).transpose()?,
    })
}
