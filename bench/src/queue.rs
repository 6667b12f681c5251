//! No-op tasks a second on one local Redis, leased and settled by two workers; beside queues that
//! are given as many workers, and jobs that do as little.

use std::time::Instant;

use anyhow::{Result, ensure};
use watershed_ledger::Command;
use watershed_test_servers::RedisServer;

use crate::figure::{Better, Figure};
use crate::flat::submit;
use crate::peer::{APALIS, BULLMQ, CELERY};
use crate::server::{Worker, closed, together};
use crate::turns::{Rival, beside};

const ITEMS: u32 = 300_000;

/// BullMQ with 20,000 jobs, the best concurrency that was found, two workers.
pub(crate) fn bullmq_noop() -> Rival {
    let words = ["20000", "200", "2"].map(str::to_owned).to_vec();
    Rival { peer: BULLMQ, program: "queue.cjs", words, figure: "per_second", told: "no-op" }
}

pub(crate) fn figures() -> Result<Vec<Figure>> {
    let celery = Rival {
        peer: CELERY,
        program: "queue_noop.py",
        words: ["3000", "2"].map(str::to_owned).to_vec(),
        ..bullmq_noop()
    };
    let apalis = Rival {
        peer: APALIS,
        program: "queue",
        words: ["5000", "500"].map(str::to_owned).to_vec(),
        ..bullmq_noop()
    };
    let rivals = [bullmq_noop(), celery, apalis];
    let unit = "no-op tasks/s on Redis, two workers";
    Ok(vec![beside("queue", unit, Better::Higher, &rivals, watershed)?])
}

fn watershed() -> Result<f64> {
    let server = RedisServer::start(&[]);
    let worker = Worker::new(&server, "submits")?;
    worker.say(Command::Submit(Box::new(submit(ITEMS))))?;
    let begun = Instant::now();
    let done = together(&server, 2, u64::MAX, |_| closed(Vec::new()))?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(done == u64::from(ITEMS), "{done} of {ITEMS} items were settled");
    Ok(done as f64 / seconds)
}
