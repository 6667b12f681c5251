//! Exchange: settles, then leases that ran out, then bounded dropping, then new leases.

use std::collections::BTreeMap;

use watershed_model::{Millis, RunId, RunState};

use super::{expire, ground, lease, settle, state};
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
    for entry in &exchange.settles {
        answer.settled.push(settle::settle(tables, &mut grounds, &exchange.worker, entry, now)?);
    }
    expire::run_out(tables, &mut grounds, now)?;
    state::sweep(tables, &mut grounds, &exchange.want.lanes, now)?;
    lease::lease(tables, &mut grounds, exchange, now, &mut answer)?;
    for ground in grounds.values() {
        ground.keep(tables)?;
        if ground.run.ended_at == Some(now) && ground.run.state.ended() {
            answer.ended.push(ground.run.run.clone());
        }
    }
    let record = WorkerRecord {
        sequence: exchange.sequence,
        settled: answer.settled.clone(),
        leases: lease::ids(&answer.leased),
        ask_again_at: answer.ask_again_at,
        ended: answer.ended.clone(),
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
    for id in &last.leases {
        let Some(lease) = tables.lease(*id)? else { continue };
        if lease.worker == exchange.worker {
            let ground = ground(tables, &lease.run)?;
            lease::show(tables, &ground, &lease, &mut leased)?;
        }
    }
    Ok(Reply::Exchanged(Exchanged {
        now,
        settled: last.settled.clone(),
        leased,
        ask_again_at: last.ask_again_at,
        ended: last.ended.clone(),
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

/// Runs of these lanes in the order in which they are served: by class, then as submitted.
pub(super) fn served(
    tables: &mut impl Tables,
    grounds: &Grounds,
    lanes: &[watershed_model::ConnectionName],
    states: &[RunState],
) -> Result<Vec<RunId>, Error> {
    let mut runs = tables.runs()?;
    for run in &mut runs {
        if let Some(ground) = grounds.get(&run.run) {
            run.state = ground.run.state;
        }
    }
    runs.retain(|r| lanes.contains(&r.connection) && states.contains(&r.state));
    runs.sort_by_key(|r| (r.trigger, r.submitted_at));
    Ok(runs.into_iter().map(|r| r.run).collect())
}
