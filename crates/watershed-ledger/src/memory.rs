//! The in-memory ledger: the rules on ordered maps. For tests, rehearsals and the oracle.

use std::sync::{Arc, Mutex, PoisonError};

use watershed_model::{Millis, RunId};

use crate::memory_tables::MemoryTables;
use crate::{
    Command, Ledger, Pending, Reply, RunLine, RunView, WorkerView, decide, lines, view, workers,
};

/// Reads the time.
pub type ReadClock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// A ledger in memory.
pub struct MemoryLedger {
    tables: Mutex<MemoryTables>,
    clock: ReadClock,
}

impl MemoryLedger {
    /// An empty one.
    pub fn new(clock: ReadClock) -> Self {
        MemoryLedger { tables: Mutex::new(MemoryTables::default()), clock }
    }

    /// All of its state.
    pub fn snapshot(&self) -> MemoryTables {
        self.locked().clone()
    }

    /// Goes back to an earlier state.
    pub fn restore(&self, tables: MemoryTables) {
        *self.locked() = tables;
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, MemoryTables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    fn execute(&self, command: Command) -> Pending<'_, Reply> {
        Box::pin(async move { decide(&mut *self.locked(), &command, (self.clock)()) })
    }

    fn run(&self, run: &RunId) -> Pending<'_, Option<RunView>> {
        let run = run.clone();
        Box::pin(async move { view(&mut *self.locked(), &run, (self.clock)()) })
    }

    fn runs(&self) -> Pending<'_, Vec<RunLine>> {
        Box::pin(async move { lines(&mut *self.locked()) })
    }

    fn workers(&self) -> Pending<'_, Vec<WorkerView>> {
        Box::pin(async move { workers(&mut *self.locked()) })
    }

    fn now(&self) -> Pending<'_, Millis> {
        Box::pin(async move { Ok((self.clock)()) })
    }
}
