//! From a compiled workflow to a run: found again where it exists, begun where it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use watershed_ledger::{Command, Reply, Submit};
use watershed_model::{
    Catalogue, ConnectionName, Millis, ParamPlace, Plan, PlanHash, RunId, RunRow, RunState, Trigger,
};
use watershed_sink::{Batch, Write};

use crate::active::{ActiveRun, Link, Terms};
use crate::engine::Engine;
use crate::error::Error;
use crate::people;
use crate::room::Room;
use crate::spawned::{kept_out, unseen};
use crate::stop::Stop;
use crate::task::Tools;
use crate::token::Held;

/// What an operator asks for.
pub struct Request {
    /// The connection.
    pub connection: ConnectionName,
    /// The workflow file's text.
    pub source: String,
    /// What it compiles to.
    pub plan: Plan,
    /// Its hash.
    pub hash: PlanHash,
    /// Inputs, dates absolute.
    pub inputs: BTreeMap<String, Value>,
    /// The run's id, where the operator chose it.
    pub run: Option<RunId>,
    /// Used where neither the operator chose one nor an unfinished run is found.
    pub fresh: RunId,
    /// What starts it.
    pub trigger: Trigger,
}

/// What a submit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// A new run.
    New(RunId),
    /// An unfinished run of the same workflow, connection and inputs goes on.
    Found(RunId),
    /// That run has ended: nothing is asked again.
    Ended(RunId, RunState),
}

impl Submitted {
    /// The run.
    pub fn run(&self) -> &RunId {
        match self {
            Submitted::New(run) | Submitted::Found(run) | Submitted::Ended(run, _) => run,
        }
    }
}

impl Engine {
    /// Begins a run, or finds the one that this is.
    ///
    /// # Errors
    /// [`Error::OtherRun`] where the id belongs to another workflow, connection or inputs;
    /// [`Error::Token`] where the credential is refused; the stores'.
    pub async fn submit(&self, request: Request) -> Result<Submitted, Error> {
        let link = self.link(&request.connection)?.clone();
        let connection = &link.connection;
        let found = match &request.run {
            Some(id) => self.sink.run(id.clone()).await?,
            None => {
                let (name, hash) = (connection.name.clone(), request.hash.clone());
                self.sink.unfinished(name, hash, request.inputs.clone()).await?
            }
        };
        if let Some(row) = found {
            same(&row, &request)?;
            self.sink.bind_account(connection.name.clone(), connection.account.clone()).await?;
            // A failed run goes on, once more.
            let over = |state| matches!(state, RunState::Complete | RunState::Cancelled);
            if over(row.state) && self.ledger.run(&row.id).await?.is_none_or(|v| over(v.state)) {
                return Ok(Submitted::Ended(row.id, row.state));
            }
            let id = row.id.clone();
            self.restore(row, &request.plan).await?;
            return Ok(Submitted::Found(id));
        }
        let plan = request.plan.clone();
        let row = self.fresh_row(request).await?;
        let id = row.id.clone();
        // The row before the first call: it is what a lost ledger is rebuilt from.
        self.sink.put_run(row.clone()).await?;
        self.begin(row, &plan).await?;
        Ok(Submitted::New(id))
    }

    /// The row of a new run, not yet put down.
    pub(crate) async fn fresh_row(&self, request: Request) -> Result<RunRow, Error> {
        let link = self.link(&request.connection)?.clone();
        let connection = &link.connection;
        // Not before a token was given: a mistyped account id must not stay.
        let token = link.tokens.get().await?;
        let chooses = connection.agreed.as_ref().is_some_and(|agreed| agreed.chooses());
        if chooses && let Some(step) = people::outside(&request.plan, &self.catalogue) {
            return Err(Error::AnyUser { step: step.to_owned() });
        }
        self.sink.bind_account(connection.name.clone(), connection.account.clone()).await?;
        let granted = self.granted(&link, &token, &request.plan).await?;
        let row = RunRow {
            id: request.run.unwrap_or(request.fresh),
            connection: connection.name.clone(),
            workflow: request.plan.name.clone(),
            source: request.source,
            plan: request.hash,
            inputs: request.inputs,
            granted,
            trigger: request.trigger,
            state: RunState::Running,
            started_at: self.clock.now(),
            ended_at: None,
            evidence: None,
        };
        // What cannot begin leaves nothing behind.
        self.active(&row, &request.plan)?.seeds()?;
        Ok(row)
    }

    /// Puts an unfinished run into a ledger that does not know it (any more).
    ///
    /// # Errors
    /// The stores', and those of a plan that this program does not know.
    pub async fn restore(&self, row: RunRow, plan: &Plan) -> Result<(), Error> {
        if self.ledger.run(&row.id).await?.is_some() {
            return Ok(());
        }
        tracing::warn!(run = %row.id, "the ledger does not know this run: rebuilt from the sink");
        self.begin(row, plan).await
    }

    pub(crate) async fn begin(&self, row: RunRow, plan: &Plan) -> Result<(), Error> {
        let link = self.link(&row.connection)?.clone();
        people::same_key(&link.connection, &*self.sink).await?;
        self.set_limits(&link).await?;
        let run = self.active(&row, plan)?;
        let seeds = run.seeds()?;
        let now = self.clock.now();
        let mut coverage = kept_out(&run, seeds.skipped, now);
        coverage.extend(unseen(&run, now));
        if !coverage.is_empty() {
            let write = Write {
                connection: row.connection.clone(),
                run: row.id.clone(),
                fetched_at: now,
                rows: Vec::new(),
                coverage,
                listing: None,
                part: None,
            };
            let name = &link.connection.name;
            let known = people::erased(&self.sink.left_out(name.clone()).await?);
            let erased = BTreeMap::from([(name.clone(), known)]);
            let batch = Batch { writes: vec![write], erased, ..Batch::default() };
            self.sink.write(batch.into()).await?;
        }
        let submit = Submit {
            run: row.id,
            connection: row.connection,
            account: link.connection.account.clone(),
            plan: plan.clone(),
            plan_hash: row.plan,
            inputs: row.inputs,
            granted: row.granted,
            trigger: row.trigger,
            kin: seeds.children,
            joins: run.program.root_joins(&run.context)?,
        };
        match self.ledger.execute(Command::Submit(Box::new(submit))).await? {
            Reply::Submitted { .. } => Ok(()),
            _ => Err(Error::Protocol("the ledger answered a submit with something else")),
        }
    }

    fn active(&self, row: &RunRow, plan: &Plan) -> Result<ActiveRun, Error> {
        let terms = Terms {
            id: row.id.clone(),
            plan: plan.clone(),
            hash: row.plan.clone(),
            inputs: row.inputs.clone(),
            granted: row.granted.clone(),
            trigger: row.trigger,
        };
        Ok(ActiveRun::new(terms, &self.catalogue, self.link(&row.connection)?.clone())?)
    }

    pub(crate) fn link(&self, name: &ConnectionName) -> Result<&Arc<Link>, Error> {
        self.links.get(name).ok_or_else(|| Error::NoConnection(name.clone()))
    }

    /// The operations that the token's scopes open; lists of the account that the plan asks
    /// `granted()` of are probed by one call, since scopes alone do not tell. What is asked of
    /// something in particular has nothing to be probed with.
    pub(crate) async fn granted(
        &self,
        link: &Link,
        token: &Held,
        plan: &Plan,
    ) -> Result<Vec<String>, Error> {
        let mut granted: BTreeSet<String> = self
            .catalogue
            .operations
            .iter()
            .filter(|o| watershed_zoom::scopes::granted(o, &token.scopes))
            .map(|o| o.id.to_owned())
            .collect();
        // A list of the whole account shows people that nobody agreed to.
        if link.connection.agreed.as_ref().is_some_and(|agreed| agreed.chooses()) {
            granted.remove(people::OF_ALL);
        }
        for operation in probed_by(plan, &self.catalogue) {
            if granted.contains(&operation) && !self.probe(link, &operation).await? {
                granted.remove(&operation);
            }
        }
        Ok(granted.into_iter().collect())
    }

    pub(crate) fn tools(&self, stop: Stop, wait_until: Option<Millis>) -> Tools {
        Tools {
            transport: self.transport.clone(),
            clock: self.clock.clone(),
            sink: self.sink.clone(),
            inbox: self.events.as_ref().map(|events| events.inbox.clone()),
            files: crate::files::Files::Kept(self.files.clone()),
            recordings: crate::files::Recordings::default(),
            paces: self.paces.clone(),
            room: Room::default(),
            alone: false,
            stop,
            wait_until,
        }
    }
}

/// Operations that are probed before a run: of those that the plan asks `granted()` of, the ones
/// that need nothing but days.
pub(crate) fn probed_by(plan: &Plan, catalogue: &Catalogue) -> BTreeSet<String> {
    let by_days = |id: &String| {
        let required = catalogue.operation(id).map(|o| o.params.iter().filter(|p| p.required));
        required.is_none_or(|mut params| params.all(|p| p.place == ParamPlace::Window))
    };
    asked_of(plan).into_iter().filter(by_days).collect()
}

/// Operations that the plan's expressions ask `granted()` of.
fn asked_of(plan: &Plan) -> BTreeSet<String> {
    // Wherever an expression may stand.
    let steps = serde_json::to_string(&plan.steps).unwrap_or_default();
    let asks = steps.split("granted").skip(1).map(|part| {
        part.trim_start_matches(|c: char| c.is_whitespace() || "(\"'\\".contains(c))
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
            .collect()
    });
    asks.collect()
}

pub(crate) fn same(row: &RunRow, request: &Request) -> Result<(), Error> {
    let what = if row.plan != request.hash {
        "another workflow"
    } else if row.connection != request.connection {
        "another connection"
    } else if row.inputs != request.inputs {
        "other inputs"
    } else {
        return Ok(());
    };
    Err(Error::OtherRun { run: row.id.clone(), what })
}
