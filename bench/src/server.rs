//! A Redis of the benchmark's own, and workers on it by Watershed's ledger.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::runtime::{Builder, Runtime};
use watershed_ledger::{
    Command, End, Exchange, Exchanged, Leased, Ledger, Outcome, Reply, Settle, Want,
};
use watershed_ledger_redis::{Link, RedisLedger};
use watershed_model::Brood;
use watershed_test_servers::RedisServer;

/// Tasks a worker asks for at once.
pub(crate) const BATCH: u16 = 64;

/// A worker that was given nothing asks again so soon; in a run, a hint would tell it.
const AGAIN: Duration = Duration::from_millis(1);

/// The lane of all benchmarks.
pub(crate) const LANE: &str = "bench";

/// Bytes that all of Redis uses.
pub(crate) fn used_memory(server: &RedisServer) -> Result<u64> {
    Ok(told(server, "memory", "used_memory")?.parse()?)
}

/// One line of what Redis tells of itself.
pub(crate) fn told(server: &RedisServer, section: &str, name: &str) -> Result<String> {
    let info = server.ask(&["INFO", section]).context("Redis tells nothing of itself")?;
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(line.with_context(|| format!("INFO {section} without {name}"))?.trim().to_owned())
}

/// A worker: settles what it has done, and leases what comes next, in one exchange.
pub(crate) struct Worker {
    runtime: Runtime,
    ledger: RedisLedger,
    name: String,
    sequence: u64,
    settles: Vec<Settle>,
}

impl Worker {
    pub(crate) fn new(server: &RedisServer, name: &str) -> Result<Worker> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let link = {
            let _inside = runtime.enter();
            Link::open(&server.url())?
        };
        let ledger = RedisLedger::new(link, "ws");
        Ok(Worker { runtime, ledger, name: name.to_owned(), sequence: 0, settles: Vec::new() })
    }

    pub(crate) fn say(&self, command: Command) -> Result<Reply> {
        Ok(self.runtime.block_on(self.ledger.execute(command))?)
    }

    /// Keeps what came of a task until the next exchange.
    pub(crate) fn settle(&mut self, leased: &Leased, outcome: Outcome) {
        self.settles.push(Settle::after(1, leased.fence, outcome));
    }

    /// Settles what was kept, and asks for so many tasks.
    pub(crate) fn exchange(&mut self, tasks: u16, lease_ms: i64) -> Result<Exchanged> {
        self.sequence += 1;
        let exchange = Exchange {
            worker: self.name.as_str().into(),
            sequence: self.sequence,
            random: self.sequence,
            settles: std::mem::take(&mut self.settles),
            held: None,
            want: Want { lanes: vec![LANE.into()], tasks, lease_ms, horizon_ms: 200, lead_ms: 0 },
        };
        match self.say(Command::Exchange(exchange))? {
            Reply::Exchanged(exchanged) => Ok(exchanged),
            other => bail!("an exchange was answered with {other:?}"),
        }
    }

    /// Works until nothing is open, or so many tasks are done; how many it settled.
    fn work(&mut self, most: u64, outcome: impl Fn(&Leased) -> Outcome) -> Result<u64> {
        let mut done = 0;
        loop {
            let exchanged = self.exchange(if done < most { BATCH } else { 0 }, LEASE_MS)?;
            if done >= most {
                return Ok(done);
            }
            if exchanged.leased.is_empty() && exchanged.ask_again_at.is_none() {
                return Ok(done);
            }
            if exchanged.leased.is_empty() {
                // What is open is in another worker's hands.
                std::thread::sleep(AGAIN);
            }
            for leased in &exchanged.leased {
                let outcome = outcome(leased);
                self.settle(leased, outcome);
                done += 1;
            }
        }
    }
}

/// So many workers, each a thread with a connection of its own, work until nothing is open, or
/// each has done so many tasks; how many they settled.
pub(crate) fn together(
    server: &RedisServer,
    workers: u8,
    most: u64,
    outcome: impl Fn(&Leased) -> Outcome + Sync,
) -> Result<u64> {
    std::thread::scope(|scope| {
        let outcome = &outcome;
        let work =
            move |number| Worker::new(server, &format!("worker-{number}"))?.work(most, outcome);
        let threads: Vec<_> =
            (0..workers).map(|number| scope.spawn(move || work(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).sum()
    })
}

/// Longer than anything here takes.
pub(crate) const LEASE_MS: i64 = 600_000;

/// A task that is done, and what it brought.
pub(crate) fn closed(broods: Vec<Brood>) -> Outcome {
    Outcome::Closed { broods, end: End::Done }
}
