//! Runs in execution: plan, program and context, loaded once per process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use watershed_ledger::RunView;
use watershed_model::{
    Catalogue, ConnectionName, Millis, Operation, Plan, PlanHash, RunId, StepId, Trigger,
    Unavailable,
};
use watershed_sink::Sink;
use watershed_workflow::{ExpandError, Program, ProgramError, RunContext, Seeds};

use crate::connection::Connection;
use crate::events;
use crate::people::RunPeople;
use crate::reach::Reach;
use crate::token::Tokens;

/// A connection with its tokens, and what was learnt of it in this process.
pub(crate) struct Link {
    /// The connection.
    pub(crate) connection: Arc<Connection>,
    /// Its tokens.
    pub(crate) tokens: Tokens,
    /// Whether it answers.
    pub(crate) reach: Reach,
    stopped: Mutex<BTreeMap<String, Stopped>>,
}

/// Why an operation is asked no more on a connection.
#[derive(Debug, Clone)]
pub(crate) struct Stopped {
    /// Tier, role or scope.
    pub(crate) why: Unavailable,
    /// What was answered.
    pub(crate) message: String,
}

impl Link {
    /// Nothing learnt yet.
    pub(crate) fn new(connection: Arc<Connection>, tokens: Tokens) -> Self {
        Link { connection, tokens, reach: Reach::default(), stopped: Mutex::new(BTreeMap::new()) }
    }

    /// Whether asking the operation is known to be in vain.
    pub(crate) fn stopped(&self, operation: &str) -> Option<Stopped> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).get(operation).cloned()
    }

    /// Asking the operation on is in vain.
    pub(crate) fn stop(&self, operation: &str, why: Unavailable, message: &str) {
        self.stopped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(operation.to_owned())
            .or_insert_with(|| Stopped { why, message: message.to_owned() });
    }
}

/// What a run was begun with.
pub(crate) struct Terms {
    /// The run.
    pub(crate) id: RunId,
    /// The plan.
    pub(crate) plan: Plan,
    /// Its hash.
    pub(crate) hash: PlanHash,
    /// Inputs, dates absolute.
    pub(crate) inputs: BTreeMap<String, Value>,
    /// Operations granted.
    pub(crate) granted: Vec<String>,
    /// What started it.
    pub(crate) trigger: Trigger,
}

impl From<RunView> for Terms {
    fn from(view: RunView) -> Terms {
        let RunView { run, plan, plan_hash, inputs, granted, trigger, .. } = view;
        let (plan, inputs) = (Arc::unwrap_or_clone(plan), Arc::unwrap_or_clone(inputs));
        Terms { id: run, plan, hash: plan_hash, inputs, granted: granted.to_vec(), trigger }
    }
}

/// A run in execution.
pub(crate) struct ActiveRun {
    /// The run.
    pub(crate) id: RunId,
    /// The plan's hash.
    pub(crate) plan: PlanHash,
    /// The plan, ready to be evaluated.
    pub(crate) program: Program,
    /// What expressions may see of the run.
    pub(crate) context: RunContext,
    /// Its connection.
    pub(crate) link: Arc<Link>,
    /// Who is left out of it, where anybody could be.
    pub(crate) people: Option<RunPeople>,
    /// The end of the day whose events it works on, where it does.
    pub(crate) day_end: Option<Millis>,
    /// The operation of each step.
    operations: Vec<&'static Operation>,
}

impl ActiveRun {
    /// Ready to be executed.
    ///
    /// # Errors
    /// Where the plan uses an operation that this program does not know, or knows in
    /// another version.
    pub(crate) fn new(
        terms: Terms,
        catalogue: &Catalogue,
        link: Arc<Link>,
    ) -> Result<Self, ProgramError> {
        let plan = Arc::new(terms.plan);
        let program = Program::new(plan.clone(), catalogue)?;
        let operations =
            plan.steps.iter().filter_map(|s| catalogue.operation(s.operation.as_str())).collect();
        let day_end = events::day_end(terms.trigger, terms.inputs.get("day"));
        let context = RunContext {
            connection: link.connection.name.clone(),
            inputs: terms.inputs,
            granted: terms.granted.into_iter().collect(),
        };
        let (id, plan) = (terms.id, terms.hash);
        Ok(ActiveRun { id, plan, program, context, link, people: None, day_end, operations })
    }

    /// Knows who is left out, as far as the sink remembers. An estimate withholds nothing.
    ///
    /// # Errors
    /// The sink's.
    pub(crate) async fn load_people(
        &mut self,
        withholds: bool,
        sink: &dyn Sink,
    ) -> Result<(), watershed_sink::Error> {
        if let Some(agreed) = self.link.connection.agreed.clone() {
            self.people = Some(RunPeople::load(agreed, self, withholds, sink).await?);
        }
        Ok(())
    }

    /// Marks of erased people that it knows.
    pub(crate) fn erased(&self) -> u64 {
        self.people.as_ref().map_or(0, RunPeople::erased)
    }

    /// What hangs under the run itself.
    ///
    /// # Errors
    /// Where an input makes no first branches: too many windows, for one.
    pub(crate) fn seeds(&self) -> Result<Seeds, ExpandError> {
        self.program.seeds(&self.context)
    }

    /// Until when answers that are not there yet are waited for, where the worker waits so long:
    /// events' for the rest of their day.
    pub(crate) fn waits_until(&self, worker: Option<Millis>) -> Option<Millis> {
        worker.max(self.day_end)
    }

    /// The operation of a step.
    pub(crate) fn operation(&self, step: StepId) -> &'static Operation {
        self.operations[step.index()]
    }

    /// The name of the connection.
    pub(crate) fn connection(&self) -> &ConnectionName {
        &self.link.connection.name
    }
}
