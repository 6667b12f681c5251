//! The state machine: a command, the tables, the time; nothing else.
//!
//! `decide` is total and deterministic. What a command says is checked before the first
//! write; after any error the caller rolls its transaction back: nothing has changed. A file
//! for each command; what they share is in `spawn`, `fit`, `tolerate`, and beside this folder
//! in `fold`, `order` and `budget`.

mod budgets;
mod exchange;
mod expire;
mod fit;
pub(crate) mod heads;
mod lease;
mod letters;
mod settle;
mod show;
pub(crate) mod spawn;
mod state;
mod submit;
mod take;
pub(crate) mod tolerate;

use watershed_model::{Millis, PLAN_FORMAT, Plan, RunId};

use crate::fold::{Ground, damaged};
use crate::tables::Tables;
use crate::{Command, Error, Reply};

/// Carries a command out.
///
/// # Errors
/// [`Error::NoRun`], [`Error::Illegal`], [`Error::OtherRun`] where the command does not fit;
/// [`Error::Version`] for a plan of another format; the tables' own.
pub fn decide(tables: &mut impl Tables, command: &Command, now: Millis) -> Result<Reply, Error> {
    match command {
        Command::Submit(submit) => submit::submit(tables, submit, now),
        Command::Exchange(exchange) => exchange::exchange(tables, exchange, now),
        Command::Extend { worker, leases, lease_ms } => {
            expire::extend(tables, worker, leases, now + *lease_ms)
        }
        Command::Takeover { worker } => expire::takeover(tables, worker, now),
        Command::Pause(run) => state::pause(tables, run),
        Command::Resume(run) => state::resume(tables, run, now),
        Command::Cancel(run) => state::cancel(tables, run, now),
        Command::Retry { run, letters } => letters::put_back(tables, run, letters, now),
        Command::SetLimits { account, limits, days, recount } => {
            let mut budget = tables.budget(account)?;
            budget.set(limits);
            budget.recall(days, recount.is_some(), now);
            tables.put_budget(account, &budget)?;
            Ok(Reply::Done)
        }
    }
}

/// The run and its plan.
pub(crate) fn ground(tables: &mut impl Tables, run: &RunId) -> Result<Ground, Error> {
    let run = tables.run(run)?.ok_or_else(|| Error::NoRun(run.clone()))?;
    let plan = tables
        .plan(&run.plan_hash)?
        .ok_or_else(|| damaged(format!("the plan of run {} is missing", run.run)))?;
    known_format(&run.run, &plan)?;
    let counts = tables.counts(&run.run)?;
    Ok(Ground::loaded(run, plan, counts))
}

/// Refuses a plan of a format that this program does not know.
pub(crate) fn known_format(run: &RunId, plan: &Plan) -> Result<(), Error> {
    if plan.format == PLAN_FORMAT {
        return Ok(());
    }
    Err(Error::Version {
        place: format!("the plan of run {run}"),
        found: plan.format.into(),
        known: PLAN_FORMAT.into(),
    })
}
