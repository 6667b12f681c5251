//! What all requests share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use watershed_ledger::{Ledger, ReadClock};
use watershed_model::{AccountId, ConnectionName};
use watershed_sink::{Inbox, Sink};
use watershed_zoom::webhook::{Desk, Signer};

use crate::access::Access;
use crate::body::LARGE_AT_ONCE;
use crate::health::Ready;
use crate::keeper::Keeper;
use crate::metrics::Metrics;

/// What a server is made of.
pub struct Parts {
    /// Runs, tasks, leases, budgets: only asked whether it answers.
    pub ledger: Arc<dyn Ledger>,
    /// Rows, coverage: likewise.
    pub sink: Arc<dyn Sink>,
    /// Where events go.
    pub inbox: Arc<dyn Inbox>,
    /// Now.
    pub clock: ReadClock,
    /// The connections that webhooks may come for.
    pub desks: BTreeMap<ConnectionName, Desk>,
    /// Who may ask what.
    pub access: Access,
    /// How long requests in flight may take once a stop is asked for.
    pub grace: Duration,
}

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

/// The stores.
pub(crate) struct Stores {
    pub ledger: Arc<dyn Ledger>,
    pub sink: Arc<dyn Sink>,
    pub inbox: Arc<dyn Inbox>,
}

/// Inside a [`Server`].
pub struct Shared {
    pub(crate) stores: Arc<Stores>,
    pub(crate) clock: ReadClock,
    pub(crate) desks: BTreeMap<ConnectionName, Desk>,
    /// Stands in for the desk of a connection that is not there.
    pub(crate) nobody: Desk,
    pub(crate) access: Access,
    pub(crate) grace: Duration,
    pub(crate) metrics: Arc<Metrics>,
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
        let keeper = Keeper::start(Arc::clone(&parts.inbox), Arc::clone(&metrics));
        // Nobody can sign with it: what he sends is never looked into.
        let signer = Signer::new(&rand::random::<[u8; 32]>());
        let nobody = Desk { signer, account: AccountId::from(""), redacted: true };
        let stores = Stores { ledger: parts.ledger, sink: parts.sink, inbox: parts.inbox };
        Server(Arc::new(Shared {
            stores: Arc::new(stores),
            clock: parts.clock,
            desks: parts.desks,
            nobody,
            access: parts.access,
            grace: parts.grace,
            metrics,
            keeper,
            ready: Ready::default(),
            large: Semaphore::new(LARGE_AT_ONCE),
        }))
    }
}
