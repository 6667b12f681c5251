//! What a crash costs: calls that are made again after a `kill -9` in the middle.
//!
//! Killed when half of the calls are made, started again, run to the end; the account counts
//! what it has answered whole and was asked once more.

use std::time::Duration;

use anyhow::{Context, Result};
use watershed_tests::Account;

use crate::figure::{Better, Figure, median};
use crate::ingest::{account, home, start};
use crate::peer::{PEERS, Ready};

/// Some 1,000 calls.
const USERS: u64 = 200;
/// Long enough that a kill finds calls in flight.
const LATENCY_MS: u64 = 20;
/// About half of the calls.
const CALLS_BEFORE: u64 = 500;
/// Kills of Watershed; of each peer, which begins from the start, one.
const ROUNDS: usize = 3;
/// A run that takes longer is stuck.
const RUN_MAX: Duration = Duration::from_secs(120);

pub(crate) fn repeats() -> Result<Vec<Figure>> {
    let mut ours = Vec::new();
    for _ in 0..ROUNDS {
        ours.push(watershed()?);
    }
    let mut peers = Vec::new();
    for peer in PEERS {
        match peer.ready() {
            Ok(ready) => peers.push((ready.shown.clone(), Ok(by_peer(&ready)?))),
            Err(why) => peers.push((peer.name.to_owned(), Err(why))),
        }
    }
    Ok(vec![Figure {
        name: "crash_repeats",
        value: median(ours).context("a round")?,
        unit: "calls made again after a kill",
        better: Better::Lower,
        peers,
        of: "crash_repeats",
    }])
}

fn half_way(account: &Account) -> Result<bool> {
    Ok(account.stats()?.calls() >= CALLS_BEFORE)
}

fn watershed() -> Result<f64> {
    let account = account(USERS, LATENCY_MS)?;
    let home = home(&account)?;
    start(&home)?.kill_when(|| half_way(&account))?;
    start(&home)?.end(RUN_MAX).context("watershed run, after the kill")?;
    repeated("watershed", &account)
}

/// A peer may ask twice by itself (for the parents of a stream): that is not the kill's.
fn by_peer(peer: &Ready) -> Result<f64> {
    let undisturbed = account(USERS, LATENCY_MS)?;
    let folder = tempfile::tempdir()?;
    peer.run(&undisturbed, folder.path())?;
    let by_itself = repeated(&format!("{}, without a kill", peer.shown), &undisturbed)?;
    let account = account(USERS, LATENCY_MS)?;
    let folder = tempfile::tempdir()?;
    peer.start(&account, folder.path())?.kill_when(|| half_way(&account))?;
    peer.run(&account, folder.path())?;
    Ok((repeated(&peer.shown, &account)? - by_itself).max(0.0))
}

fn repeated(who: &str, account: &Account) -> Result<f64> {
    let stats = account.stats()?;
    // A refusal that is met again was told before, too.
    let repeated = stats.repeated() + stats.foretold();
    eprintln!("  {who}: {} calls, {repeated} of them made again", stats.calls());
    Ok(repeated as f64)
}
