//! What an item that waits costs, in Zoom's shape: users, twenty meetings each, one to five
//! instances a meeting, whose attendance waits for the day's heavy budget. In the state file, and
//! in all of Redis; beside the latter, BullMQ's flow of the same shape.

use std::sync::Arc;

use anyhow::{Result, ensure};
use watershed_ledger_sqlite::SqliteLedger;
use watershed_model::Millis;
use watershed_test_servers::RedisServer;

use crate::chain::{Chain, Size};
use crate::figure::{Better, Figure};
use crate::peer::BULLMQ;
use crate::server::used_memory;
use crate::turns::{Rival, beside};

/// Instances of meetings, in turn: three on average.
const SIZE: Size = Size { users: 1_500, meetings: 20, instances: &[1, 2, 3, 4, 5] };

pub(crate) fn bytes() -> Result<Vec<Figure>> {
    let on_redis = "bytes_per_pending_item_redis";
    let flow = Rival {
        peer: BULLMQ,
        program: "flow.cjs",
        words: ["zoom", "20000", "200"].map(str::to_owned).to_vec(),
        figure: "bytes_per_pending_item",
        told: "flow",
    };
    let redis = beside(on_redis, "bytes of all of Redis", Better::Lower, &[flow], redis)?;
    let name = "bytes_per_pending_item";
    Ok(vec![Figure::alone(name, sqlite()?, "bytes of state.db"), Figure { of: name, ..redis }])
}

fn sqlite() -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("state.db");
    let ledger = SqliteLedger::open(&path, Arc::new(|| Millis(0)))?;
    let waiting = chain()?.fill(|command, now| Ok(ledger.execute_at(command, now)?))?;
    // The last one to close it brings the journal into the file.
    drop(ledger);
    let bytes = std::fs::metadata(&path)?.len();
    ensure!(waiting > 0, "nothing waits");
    Ok(bytes as f64 / waiting as f64)
}

fn redis() -> Result<f64> {
    let server = RedisServer::start(&[]);
    let empty = used_memory(&server)?;
    let waiting = chain()?.fill_redis(&server)?;
    ensure!(waiting > 0, "nothing waits");
    Ok((used_memory(&server)? - empty) as f64 / waiting as f64)
}

fn chain() -> Result<Chain> {
    Chain::of_meetings("bench", "bench", SIZE)
}
