//! Exchange: settles, then leases that ran out, then bounded dropping, then new leases.

use std::collections::{BTreeMap, BTreeSet};

use watershed_model::{ConnectionName, Millis, PLAN_FORMAT, RunId};

use super::budgets::Budgets;
use super::settle::Leases;
use super::{expire, ground, lease, settle, show, state};
use crate::fold::Ground;
use crate::tables::{Tables, WorkerRecord};
use crate::{Error, Exchange, Exchanged, Reply, Settled};

/// The runs that an exchange touches, loaded once.
pub(super) type Grounds = BTreeMap<RunId, Ground>;

pub(super) fn exchange(
    tables: &mut impl Tables,
    exchange: &Exchange,
    now: Millis,
) -> Result<Reply, Error> {
    if let Some(last) = tables.worker(&exchange.worker)? {
        if last.sequence == exchange.sequence {
            return repeat(tables, exchange, &last, now);
        }
        if last.sequence > exchange.sequence {
            let settled = vec![Settled::Stale; exchange.settles.len()];
            return Ok(Reply::Exchanged(Exchanged { now, settled, ..Exchanged::default() }));
        }
    }
    let mut grounds = Grounds::new();
    let mut answer = Exchanged { now, ..Exchanged::default() };
    let mut leases = Leases::of(tables, &mut grounds, &exchange.worker, &exchange.settles)?;
    let mut budgets = Budgets::default();
    for entry in &exchange.settles {
        let held = (&mut leases, &mut budgets);
        answer.settled.push(settle::settle(tables, &mut grounds, held, entry, now)?);
    }
    leases.keep(tables)?;
    expire::run_out(tables, &mut grounds, now)?;
    let live = live(tables, &mut grounds, &exchange.want.lanes)?;
    for run in &live {
        let ground = touched(tables, &mut grounds, run)?;
        state::sweep(tables, ground, now)?;
    }
    let books = (&mut grounds, &mut budgets);
    let alone = lease::lease(tables, books, &live, exchange, now, &mut answer)?;
    answer.days = budgets.today(now);
    budgets.keep(tables)?;
    for ground in grounds.values() {
        ground.keep(tables)?;
        if ground.ended_now() && exchange.want.lanes.contains(&ground.run.connection) {
            answer.ended.push(ground.run.run.clone());
        }
    }
    let record = WorkerRecord {
        sequence: exchange.sequence,
        settled: answer.settled.clone(),
        leases: show::ids(&answer.leased),
        ask_again_at: answer.ask_again_at,
        ended: answer.ended.clone(),
        alone,
        at: now,
    };
    tables.put_worker(&exchange.worker, &record)?;
    Ok(Reply::Exchanged(answer))
}

/// The same answer again: leases that still stand are built from their records.
fn repeat(
    tables: &mut impl Tables,
    exchange: &Exchange,
    last: &WorkerRecord,
    now: Millis,
) -> Result<Reply, Error> {
    let mut leased = Vec::new();
    let mut budgets = Budgets::default();
    for id in &last.leases {
        let Some(lease) = tables.lease(*id)? else { continue };
        if lease.worker == exchange.worker {
            let ground = ground(tables, &lease.run)?;
            budgets.of(tables, &ground.run.account)?;
            show::show(tables, &ground, &lease, &mut leased)?;
        }
    }
    Ok(Reply::Exchanged(Exchanged {
        now,
        settled: last.settled.clone(),
        leased,
        ask_again_at: last.ask_again_at,
        ended: last.ended.clone(),
        days: budgets.today(now),
        recount: Vec::new(),
    }))
}

/// A run of this exchange.
pub(super) fn touched<'a>(
    tables: &mut impl Tables,
    grounds: &'a mut Grounds,
    run: &RunId,
) -> Result<&'a mut Ground, Error> {
    if !grounds.contains_key(run) {
        let loaded = ground(tables, run)?;
        grounds.insert(run.clone(), loaded);
    }
    grounds.get_mut(run).ok_or_else(|| Error::NoRun(run.clone()))
}

/// Runs of these lanes that are alive, in the order in which they are served: by class, then
/// as submitted. One whose plan this program does not know is left for others.
fn live(
    tables: &mut impl Tables,
    grounds: &mut Grounds,
    lanes: &[ConnectionName],
) -> Result<Vec<RunId>, Error> {
    let lanes: BTreeSet<&ConnectionName> = lanes.iter().collect();
    let mut runs = Vec::new();
    for lane in lanes {
        for run in tables.live_runs(lane)? {
            let plan = tables.plan(&run.plan_hash)?;
            if plan.is_some_and(|p| p.format == PLAN_FORMAT) {
                runs.push(run);
            }
        }
    }
    runs.sort_by_key(|r| (r.trigger, r.submitted_at));
    for run in &runs {
        touched(tables, grounds, &run.run)?;
    }
    Ok(runs.into_iter().map(|r| r.run).collect())
}
