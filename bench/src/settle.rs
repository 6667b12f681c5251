//! What one settle costs: a flat run of 100,000 items, leased and settled 64 at a time.

use std::time::Instant;

use anyhow::{Result, bail};
use watershed_ledger::{
    Command, End, Error, Exchange, Leased, MemoryTables, Outcome, Reply, Settle, Want, decide,
};
use watershed_ledger_sqlite::SqliteLedger;
use watershed_model::Millis;

use crate::figure::Figure;
use crate::flat::submit;

const ITEMS: u32 = 100_000;
const BATCH: u16 = 64;

pub(crate) fn figures() -> Result<Vec<Figure>> {
    let unit = "us a settle, lease included";
    Ok(vec![
        Figure::alone("settle", memory()?, unit),
        Figure { of: "settle", ..Figure::alone("settle_sqlite", sqlite()?, unit) },
    ])
}

fn memory() -> Result<f64> {
    let mut tables = MemoryTables::default();
    measure(ITEMS, |command| decide(&mut tables, command, Millis(0)))
}

/// A commit for each batch, as in a run.
fn sqlite() -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let ledger =
        SqliteLedger::open(&folder.path().join("state.db"), std::sync::Arc::new(|| Millis(0)))?;
    measure(ITEMS / 10, |command| ledger.execute_at(command, Millis(0)))
}

fn measure(items: u32, mut said: impl FnMut(&Command) -> Result<Reply, Error>) -> Result<f64> {
    said(&Command::Submit(Box::new(submit(items))))?;
    let mut held: Vec<Leased> = Vec::new();
    let mut settled = 0_u32;
    let begun = Instant::now();
    for sequence in 1.. {
        let settles: Vec<Settle> = held.drain(..).map(|l| done(&l)).collect();
        settled += u32::try_from(settles.len())?;
        let exchange = Exchange {
            worker: "bench".into(),
            sequence,
            random: sequence,
            settles,
            held: None,
            want: Want {
                lanes: vec!["bench".into()],
                tasks: BATCH,
                lease_ms: 15_000,
                horizon_ms: 200,
                lead_ms: 0,
            },
        };
        let Reply::Exchanged(exchanged) = said(&Command::Exchange(exchange))? else {
            bail!("an exchange was answered with something else");
        };
        held = exchanged.leased;
        if held.is_empty() {
            break;
        }
    }
    if settled != items {
        bail!("{settled} of {items} items were settled");
    }
    Ok(begun.elapsed().as_secs_f64() * 1e6 / f64::from(settled))
}

fn done(leased: &Leased) -> Settle {
    Settle::after(1, leased.fence, Outcome::Closed { broods: Vec::new(), end: End::Done })
}
