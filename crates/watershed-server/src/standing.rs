//! How all lanes stand: what metrics tell beside what this process counted itself.

use std::collections::BTreeMap;

use watershed_ledger::Error;
use watershed_model::{BudgetUse, ConnectionName, RunState};

use crate::shape::Worker;
use crate::state::Server;

/// How lanes stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Standing {
    /// By connection.
    pub(crate) lanes: BTreeMap<ConnectionName, Lane>,
    /// Processes that work.
    pub(crate) workers: usize,
}

/// How a lane stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Lane {
    /// Runs by state.
    pub(crate) runs: BTreeMap<RunState, u64>,
    /// Items that are not closed.
    pub(crate) open: u64,
    /// Tasks that are leased.
    pub(crate) leased: u64,
    /// Dead letters.
    pub(crate) dead: u64,
    /// The account's limits.
    pub(crate) budget: Vec<BudgetUse>,
}

/// Looks at all lanes: those that are configured, and those that the ledger knows. Runs that have
/// ended are counted, and not looked into.
///
/// # Errors
/// Where the ledger does not answer.
pub(crate) async fn standing(server: &Server) -> Result<Standing, Error> {
    let ledger = &server.stores.ledger;
    let configured = server.control.connections().into_iter();
    let empty = configured.map(|of| (ConnectionName(of.connection), Lane::default()));
    let mut lanes: BTreeMap<ConnectionName, Lane> = empty.collect();
    for line in ledger.runs().await? {
        let lane = lanes.entry(line.connection).or_default();
        *lane.runs.entry(line.state).or_default() += 1;
        if line.state.ended() {
            continue;
        }
        if let Some(view) = ledger.run(&line.run).await? {
            lane.open += view.steps.iter().map(|step| step.open).sum::<u64>();
            lane.dead += view.steps.iter().map(|step| step.failed).sum::<u64>();
            lane.leased += view.leased;
            // Runs of one lane share its account's budget; it binds where any of them waits for it.
            for limit in view.budget {
                let same = |l: &&mut BudgetUse| {
                    (&l.category, &l.period) == (&limit.category, &limit.period)
                };
                match lane.budget.iter_mut().find(same) {
                    Some(known) => known.binds |= limit.binds,
                    None => lane.budget.push(limit),
                }
            }
        }
    }
    let workers = Worker::all(ledger.workers().await?, ledger.now().await?);
    let workers = workers.iter().filter(|worker| worker.alive).count();
    Ok(Standing { lanes, workers })
}
