//! Leases that run out, are kept longer, or are taken back.

use watershed_model::{Millis, WorkerId};

use super::exchange::{Grounds, touched};
use super::settle::{Held, keep_open};
use crate::tables::{Lease, Tables};
use crate::{Error, LeaseId, Reply};

/// Tasks that are taken back in one exchange: the lease that reaches it is the last one.
const RUN_OUT_MAX: usize = 64;

/// Takes back what was not settled in time.
pub(super) fn run_out(
    tables: &mut impl Tables,
    grounds: &mut Grounds,
    now: Millis,
) -> Result<(), Error> {
    let mut tasks = 0;
    for id in tables.run_out(now, RUN_OUT_MAX)? {
        if tasks >= RUN_OUT_MAX {
            break;
        }
        if let Some(lease) = tables.lease(id)? {
            tasks += take_back(tables, grounds, &lease, now)?;
        }
    }
    Ok(())
}

pub(super) fn extend(
    tables: &mut impl Tables,
    worker: &WorkerId,
    leases: &[LeaseId],
    until: Millis,
) -> Result<Reply, Error> {
    let mut lost = Vec::new();
    for id in leases {
        match tables.lease(*id)? {
            Some(mut lease) if lease.worker == *worker => {
                // A clock that stepped back never shortens a lease.
                lease.until = lease.until.max(until);
                tables.put_lease(&lease)?;
            }
            _ => lost.push(*id),
        }
    }
    Ok(Reply::Extended { lost })
}

pub(super) fn takeover(
    tables: &mut impl Tables,
    worker: &WorkerId,
    now: Millis,
) -> Result<Reply, Error> {
    let mut grounds = Grounds::new();
    let mut tasks = 0;
    for id in tables.leases_of_others(worker)? {
        if let Some(lease) = tables.lease(id)? {
            tasks += take_back(tables, &mut grounds, &lease, now)? as u64;
        }
    }
    for ground in grounds.values() {
        ground.keep(tables)?;
    }
    Ok(Reply::TakenOver { tasks })
}

/// Gives a lease's open tasks back, each one lease poorer; tells how many.
fn take_back(
    tables: &mut impl Tables,
    grounds: &mut Grounds,
    lease: &Lease,
    now: Millis,
) -> Result<usize, Error> {
    let ground = touched(tables, grounds, &lease.run)?;
    let mut tasks = 0;
    for (index, open) in lease.open.iter().enumerate() {
        if !open {
            continue;
        }
        let held = Held::of(tables, lease, u16::try_from(index).unwrap_or(u16::MAX))?;
        let mut task = held.task.clone();
        task.lost = task.lost.saturating_add(1);
        ground.give_up(task.step);
        keep_open(tables, ground, held, task, now, now)?;
        tasks += 1;
    }
    tables.delete_lease(lease.id)?;
    Ok(tasks)
}
