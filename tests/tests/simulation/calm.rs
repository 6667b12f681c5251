//! An engine in virtual time to which nothing happens, and what it works with.

use std::collections::BTreeMap;
use std::sync::Arc;

use watershed_engine::{Clock, Connection, Engine, LOOK_MS, Parts, WorkerSettings, stop};
use watershed_lake::MemoryFiles;
use watershed_ledger::MemoryLedger;
use watershed_model::{ConnectionName, EventKey, InboxEvent, Millis, WorkerName};
use watershed_rehearsal::{Network, VirtualClock};
use watershed_sink::{Inbox, InboxCount, Pending, SqliteSink, Taken, Waiting};
use watershed_tests::root;
use watershed_workflow::{Compiled, compile};
use watershed_zoom_sim::Account;

use crate::history::{History, Store};
use crate::planted::Plants;
use crate::process::{OPERATOR, Process, Stage};
use crate::stores::{OwnLedger, OwnSink, here};

/// The engine and its stores.
pub(crate) struct Calm {
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) sink: Arc<SqliteSink>,
    pub(crate) engine: Engine,
}

impl Calm {
    /// Of one connection to the account.
    pub(crate) async fn new(
        clock: &VirtualClock,
        seed: u64,
        account: &Arc<Account>,
        connection: Connection,
    ) -> Calm {
        let read = clock.clone();
        let ledger = Arc::new(MemoryLedger::new(Arc::new(move || read.now())));
        let sink = SqliteSink::in_memory(watershed_zoom::catalogue()).await.expect("a sink");
        let sink = Arc::new(sink);
        let history = History::quiet(seed, Store::Memory);
        let stage = Arc::new(Stage::new(clock.clone(), history, false));
        let process = Process::new(stage, OPERATOR, stop().0);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let engine = Engine::new(Parts {
            ledger: Arc::new(OwnLedger {
                process: process.clone(),
                inner: ledger.clone(),
                memory: None,
                plants: Plants::new(None),
            }),
            sink: Arc::new(OwnSink { process, inner: sink.clone(), plants: Plants::new(None) }),
            files: Arc::new(MemoryFiles::default()),
            transport: Arc::new(Network::new(account.clone(), shared.clone())),
            clock: shared,
            catalogue: watershed_zoom::catalogue(),
            connections: vec![connection],
        });
        Calm { ledger, sink, engine }
    }
}

/// How it works.
pub(crate) fn settings() -> WorkerSettings {
    WorkerSettings {
        name: WorkerName::default(),
        concurrency: 8,
        lease_ms: 15_000,
        shutdown_grace_ms: 1_000,
        alone: true,
        look_ms: LOOK_MS,
        wait_until: None,
    }
}

/// A shipped workflow: its text, and what it compiles to.
pub(crate) fn shipped(name: &str) -> (String, Compiled) {
    let path = root().join(format!("workflows/{name}.yaml"));
    let text = std::fs::read_to_string(path).expect("a shipped workflow");
    let compiled = compile(name, &text, &watershed_zoom::catalogue()).expect("it is good");
    (text, compiled)
}

/// An inbox that is waited for on the spot.
pub(crate) struct OwnInbox(pub(crate) Arc<SqliteSink>);

impl Inbox for OwnInbox {
    fn keep(
        &self,
        events: Vec<InboxEvent>,
        erased: BTreeMap<ConnectionName, u64>,
    ) -> Pending<'_, Vec<Taken>> {
        Box::pin(async move { here(self.0.keep(events, erased)) })
    }

    fn waiting(
        &self,
        connection: ConnectionName,
        after: Option<i64>,
        limit: u32,
    ) -> Pending<'_, Vec<Waiting>> {
        Box::pin(async move { here(self.0.waiting(connection, after, limit)) })
    }

    fn done(&self, connection: ConnectionName, keys: Vec<EventKey>, at: Millis) -> Pending<'_, ()> {
        Box::pin(async move { here(self.0.done(connection, keys, at)) })
    }

    fn forget(&self, done_before: Millis, limit: u32) -> Pending<'_, u64> {
        Box::pin(async move { here(self.0.forget(done_before, limit)) })
    }

    fn backlog(&self) -> Pending<'_, Vec<InboxCount>> {
        Box::pin(async move { here(self.0.backlog()) })
    }
}
