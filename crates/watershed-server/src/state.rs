//! What all requests share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use watershed_ledger::{Ledger, ReadClock};
use watershed_model::{AccountId, ConnectionName, Millis};
use watershed_sink::{CoverageMap, Inbox, Sink};
use watershed_zoom::webhook::{Desk, Signer};

use crate::access::Access;
use crate::body::LARGE_AT_ONCE;
use crate::control::{Control, Diagnosis, Kind, Refusal};
use crate::facts::Facts;
use crate::health::Ready;
use crate::history::History;
use crate::keeper::Keeper;
use crate::live::Live;
use crate::metrics::{Metrics, WorkerMetrics};
use crate::sessions::Sessions;
use crate::shield::Shield;

/// What a server is made of.
pub struct Parts {
    /// Runs, tasks, leases, budgets: only asked whether it answers.
    pub ledger: Arc<dyn Ledger>,
    /// Rows, coverage: likewise.
    pub sink: Arc<dyn Sink>,
    /// Where events go.
    pub inbox: Arc<dyn Inbox>,
    /// Coverage from far above.
    pub map: Arc<dyn CoverageMap>,
    /// Now.
    pub clock: ReadClock,
    /// Its own address, as it is told: `http://127.0.0.1:8080`.
    pub base: String,
    /// Where links to sign in with are said.
    pub say: Say,
    /// The connections that webhooks may come for.
    pub desks: BTreeMap<ConnectionName, Desk>,
    /// Who may ask what.
    pub access: Access,
    /// What only the whole program can do.
    pub control: Arc<dyn Control>,
    /// What a worker of the same process counts.
    pub worker: Option<WorkerMetrics>,
    /// How long requests in flight may take once a stop is asked for.
    pub grace: Duration,
}

/// What was found of a connection.
#[derive(Clone)]
pub(crate) struct Looked {
    /// When.
    pub(crate) at: Millis,
    /// What.
    pub(crate) diagnosis: Diagnosis,
}

/// Says something where whoever started this server reads it.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

/// The stores.
pub(crate) struct Stores {
    pub ledger: Arc<dyn Ledger>,
    pub sink: Arc<dyn Sink>,
    pub inbox: Arc<dyn Inbox>,
    pub map: Arc<dyn CoverageMap>,
}

/// Inside a [`Server`].
pub struct Shared {
    pub(crate) stores: Arc<Stores>,
    pub(crate) clock: ReadClock,
    pub(crate) desks: BTreeMap<ConnectionName, Desk>,
    /// Stands in for the desk of a connection that is not there.
    pub(crate) nobody: Desk,
    pub(crate) access: Access,
    pub(crate) sessions: Sessions,
    pub(crate) control: Arc<dyn Control>,
    pub(crate) say: Say,
    /// Its own address, as it is told: `http://127.0.0.1:8080`.
    pub(crate) base: String,
    pub(crate) facts: Facts,
    pub(crate) live: Live,
    pub(crate) history: History,
    /// What was found last of each connection.
    looked: Mutex<BTreeMap<String, Looked>>,
    pub(crate) grace: Duration,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) worker: Option<WorkerMetrics>,
    pub(crate) keeper: Keeper,
    pub(crate) ready: Ready,
    /// Room for long bodies.
    pub(crate) large: Semaphore,
}

impl std::ops::Deref for Server {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Server {
    /// Puts it together, within a runtime: events are kept on a task of its own.
    pub fn new(parts: Parts) -> Server {
        let metrics = Arc::new(Metrics::new(parts.desks.keys()));
        let agreed = parts
            .desks
            .iter()
            .filter_map(|(name, desk)| desk.agreed.clone().map(|agreed| (name.clone(), agreed)));
        let shield = Shield::new(agreed.collect(), Arc::clone(&parts.sink));
        let keeper = Keeper::start(Arc::clone(&parts.inbox), shield, Arc::clone(&metrics));
        // Nobody can sign with it: what he sends is never looked into.
        let signer = Signer::new(&rand::random::<[u8; 32]>());
        let nobody = Desk { signer, account: AccountId::from(""), redacted: true, agreed: None };
        let stores =
            Stores { ledger: parts.ledger, sink: parts.sink, inbox: parts.inbox, map: parts.map };
        let stores = Arc::new(stores);
        Server(Arc::new(Shared {
            clock: parts.clock,
            desks: parts.desks,
            nobody,
            access: parts.access,
            sessions: Sessions::default(),
            facts: Facts::new(Arc::clone(&stores)),
            stores,
            control: parts.control,
            say: parts.say,
            base: parts.base,
            live: Live::default(),
            history: History::default(),
            looked: Mutex::default(),
            grace: parts.grace,
            metrics,
            worker: parts.worker,
            keeper,
            ready: Ready::default(),
            large: Semaphore::new(LARGE_AT_ONCE),
        }))
    }

    /// Makes sure that there is such a connection.
    pub(crate) fn configured(&self, connection: &str) -> Result<(), Refusal> {
        match self.control.connections().iter().any(|of| of.connection == connection) {
            true => Ok(()),
            false => Err(Refusal::new(Kind::Unknown, "there is no such connection")),
        }
    }

    /// Looks at a connection now.
    pub(crate) async fn diagnose(&self, connection: &str) -> Result<Diagnosis, Refusal> {
        self.configured(connection)?;
        let diagnosis = self.control.diagnose(connection.to_owned()).await?;
        let looked = Looked { at: (self.clock)(), diagnosis: diagnosis.clone() };
        self.looked().insert(connection.to_owned(), looked);
        Ok(diagnosis)
    }

    /// What was found last of each connection.
    pub(crate) fn looked(&self) -> MutexGuard<'_, BTreeMap<String, Looked>> {
        // Nothing in here can be left half done.
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says a link to sign in with, unless the one before still works.
    pub fn say_link(&self) {
        if let Some(code) = self.sessions.new_link() {
            let base = &self.base;
            (self.say)(&format!("sign in within 15 minutes, once: {base}/sign-in?code={code}"));
        }
    }
}
