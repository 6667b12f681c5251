//! The in-memory ledger against the suite.

use std::any::Any;
use std::future::Future;
use std::panic::catch_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};

use watershed_ledger::{
    Command, Error, Ledger, MemoryLedger, MemoryTables, Reply, RunView, WorkerView,
};
use watershed_ledger_test::{Capability, Size, Stats, Subject, cases, check, history};
use watershed_model::{Millis, RunId};

struct Memory {
    ledger: MemoryLedger,
    clock: Arc<AtomicI64>,
}

impl Memory {
    fn empty() -> Memory {
        let clock = Arc::new(AtomicI64::new(0));
        let read = Arc::clone(&clock);
        let ledger = MemoryLedger::new(Arc::new(move || Millis(read.load(Ordering::SeqCst))));
        Memory { ledger, clock }
    }
}

/// The in-memory ledger never waits: one poll is the answer.
fn ready<T>(mut answer: Pin<Box<dyn Future<Output = T> + Send + '_>>) -> T {
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the in-memory ledger waits"),
    }
}

impl Subject for Memory {
    fn execute(&mut self, command: Command, now: Millis) -> Result<Reply, Error> {
        self.clock.store(now.0, Ordering::SeqCst);
        ready(self.ledger.execute(command))
    }

    fn view(&mut self, run: &RunId) -> Result<Option<RunView>, Error> {
        ready(self.ledger.run(run))
    }

    fn workers(&mut self) -> Result<Vec<WorkerView>, Error> {
        ready(self.ledger.workers())
    }

    fn size(&mut self) -> u64 {
        self.ledger.snapshot().records()
    }

    fn snapshot(&mut self) -> Box<dyn Any> {
        Box::new(self.ledger.snapshot())
    }

    fn restore(&mut self, snapshot: &dyn Any) {
        let tables = snapshot.downcast_ref::<MemoryTables>().expect("a snapshot of this ledger");
        self.ledger.restore(tables.clone());
    }

    fn restart(&mut self) {}

    fn supports(&self, capability: Capability) -> bool {
        capability == Capability::Rollback
    }
}

fn make() -> Box<dyn Subject> {
    Box::new(Memory::empty())
}

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => default,
    }
}

/// Fan-outs above the deepest tasks of which there must be many.
const DEEP: usize = 5;
/// What must happen in any hundred histories.
const REACHED: [&str; 26] = [
    "submit",
    "exchange",
    "an exchange whose answer is lost",
    "the same exchange again",
    "an older exchange",
    "settles with old, forged and repeated fences",
    "extend",
    "time passes",
    "the clock steps back",
    "takeover",
    "a worker crashes",
    "pause",
    "resume",
    "cancel",
    "retry",
    "other limits",
    "snapshot",
    "rollback",
    "a listing under way",
    "a listing that begins again",
    "a `once` key that is open elsewhere",
    "a retry after its branch has folded",
    "a poisoned task",
    "a day's count that was lost, and told",
    "a scarce item that waits for newer ones",
    "an item that is held back",
];

fn agree(seeds: impl Iterator<Item = u64>) -> Stats {
    let mut worth = Stats::default();
    for seed in seeds {
        match check(&history(seed, Size::of(seed)), &mut make) {
            Ok(stats) => worth = worth.and(stats),
            Err(divergence) => panic!("{divergence}"),
        }
    }
    worth
}

/// The histories of these seeds, shared out among the cores.
fn on_all_cores(from: u64, to: u64) -> Stats {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..cores)
            .map(|core| scope.spawn(move || agree((from..to).skip(core).step_by(cores))))
            .collect();
        shares.into_iter().fold(Stats::default(), |worth, share| match share.join() {
            Ok(more) => worth.and(more),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

/// `WATERSHED_HISTORIES` says how many, `WATERSHED_SEED` from which seed on.
#[test]
fn random_histories_agree_with_the_oracle() {
    let from = number("WATERSHED_SEED", 1);
    let histories = number("WATERSHED_HISTORIES", 300);
    let worth = on_all_cores(from, from + histories);
    println!("{histories} histories: {worth:?}");
    if histories >= 100 {
        // A generator that has stopped reaching these would agree with everything.
        assert!(worth.leased > 1_000 && worth.stale > 500, "{worth:?}");
        assert!(worth.rollbacks > 5 && worth.put_back > 20, "{worth:?}");
        assert!(worth.tasks_at[..=DEEP].iter().all(|n| *n > 100), "{:?}", worth.tasks_at);
        assert!(worth.joins_at[..DEEP].iter().all(|n| *n > 10), "{:?}", worth.joins_at);
        let missed = REACHED.into_iter().filter(|what| !worth.reached.contains_key(what));
        assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
    }
}

/// Seeds that once went wrong; they mean something as long as the generator stays.
#[test]
fn histories_that_once_went_wrong_agree_now() {
    let seeds = include_str!("seeds.txt").lines().filter(|l| !l.trim().is_empty());
    let seeds = seeds.filter(|line| !line.starts_with('#'));
    agree(seeds.map(|line| line.trim().parse().expect("a seed a line")));
}

/// Plays all cases, and tells all that fail.
#[test]
fn every_named_case_holds() {
    let mut failed = Vec::new();
    for case in cases() {
        if catch_unwind(|| case.run(&mut make)).is_err() {
            failed.push(case.name);
        }
    }
    assert!(failed.is_empty(), "these cases do not hold: {failed:#?}");
}
