//! Submit: a run begins, with what hangs under the run itself.

use watershed_model::{Millis, RunState};

use super::{fit, known_format, spawn};
use crate::fold::{self, Ground};
use crate::tables::{Counts, RunRecord, ScopeId, Tables, Tally};
use crate::{Error, Reply, Submit};

pub(super) fn submit(
    tables: &mut impl Tables,
    submit: &Submit,
    now: Millis,
) -> Result<Reply, Error> {
    if let Some(run) = tables.run(&submit.run)? {
        let what = if run.plan_hash != submit.plan_hash {
            "plan"
        } else if run.connection != submit.connection {
            "connection"
        } else if *run.inputs != submit.inputs {
            "inputs"
        } else {
            return Ok(Reply::Submitted { already: true });
        };
        return Err(Error::OtherRun { run: submit.run.clone(), what });
    }
    known_format(&submit.run, &submit.plan)?;
    fit::submit(submit)?;
    tables.put_plan(&submit.plan_hash, &submit.plan)?;
    let run = RunRecord {
        run: submit.run.clone(),
        connection: submit.connection.clone(),
        account: submit.account.clone(),
        plan_hash: submit.plan_hash.clone(),
        inputs: submit.inputs.clone().into(),
        granted: submit.granted.clone().into(),
        trigger: submit.trigger,
        state: RunState::Running,
        why: None,
        submitted_at: now,
        ended_at: None,
        root: ScopeId(0),
    };
    let plan = std::sync::Arc::new(submit.plan.clone());
    let counts =
        Counts { steps: vec![Tally::default(); submit.plan.steps.len()], ..Counts::default() };
    let mut ground = Ground::begun(run, plan, counts);
    ground.run.root = fold::open_scope(tables, &ground, None, 0, 0, submit.joins.clone())?;
    let root = ground.run.root;
    // Held open until its children are in, so that nothing ends between.
    let mut held = fold::load(tables, root)?;
    held.units += 1;
    tables.put_scope(&held)?;
    spawn::kin(tables, &mut ground, root, &submit.kin, now)?;
    let mut held = fold::load(tables, root)?;
    held.units = held.units.saturating_sub(1);
    tables.put_scope(&held)?;
    fold::settle_scope(tables, &mut ground, root, now)?;
    ground.keep(tables)?;
    Ok(Reply::Submitted { already: false })
}
