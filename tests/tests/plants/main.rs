//! Bugs planted around the sink: each is found by the auditor, and only because it is there.
//!
//! The real engine runs in this process, so that a sink with a bug in it can be put under it;
//! the account is a process of its own, as in all whole-program tests. The bugs of the ledger
//! are planted in `crates/watershed-ledger-test/tests/plants`.

mod backfill;
mod batches;
mod sink;

use watershed_tests::{Account, Audit, Scope, Spec, audit, seeds};

use crate::backfill::backfill;
use crate::sink::Plant;

/// A plant that so many accounts do not find is not found.
const SEEDS_MAX: u64 = 5;
/// People of an account: enough that some of them rejoin what they were in.
const USERS: u64 = 8;

/// The batches in the write of which the process dies, one after another.
fn deaths(seed: u64) -> Vec<u64> {
    (1..=3).map(|n| 2 + (seed * 7 + n * 5) % 9).collect()
}

/// Backfills the account of a seed with a plant or without; the auditor's finding.
async fn audited(account: &Account, plant: Option<Plant>, deaths: &[u64]) -> Audit {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("zoom.db");
    backfill(account, &path, plant, deaths).await;
    let truth = account.truth().expect("the truth");
    audit(&path, &truth, &Scope::backfill()).expect("an audit")
}

/// Backfills accounts until the auditor finds the plant, which must be within five; insists
/// that it finds nothing without the plant.
async fn found(plant: Plant, name: &str, by: &str, dies: bool) {
    for (n, seed) in (1..).zip(seeds(SEEDS_MAX)) {
        let limits = Some("off".to_owned());
        let spec = Spec { users: USERS, seed, limits, ..Spec::default() };
        let account = Account::start(spec).expect("a simulated account");
        let deaths = if dies { deaths(seed) } else { Vec::new() };
        audited(&account, None, &deaths).await.expect_equal();
        let audit = audited(&account, Some(plant), &deaths).await;
        if audit.count > 0 {
            let first = &audit.differences[0];
            eprintln!("planted: {name}: {} differences, first {first}", audit.count);
            told(name, by, &format!("account {n} of {SEEDS_MAX} (seed {seed})"));
            return;
        }
    }
    panic!("{name}: not found on {SEEDS_MAX} accounts");
}

/// Says where a plant was found: on the terminal, and in the table of `./scripts/test --all`.
fn told(plant: &str, by: &str, at: &str) {
    eprintln!("planted: {plant}: found by {by}: {at}");
    watershed_tests::told("WATERSHED_PLANTS", &format!("| {plant} | {by} | {at} |"));
}

#[tokio::test]
async fn rows_written_after_the_settle_are_found() {
    let by = "the auditor, after three deaths";
    found(Plant::RowsAfterSettle, "rows after settle", by, true).await;
}

#[tokio::test]
async fn coverage_written_without_its_rows_is_found() {
    found(Plant::CoverageWithoutRows, "coverage written without rows", "the auditor", false).await;
}

#[tokio::test]
async fn a_key_that_drops_rejoins_is_found() {
    found(Plant::KeyDropsRejoins, "a key that drops rejoins", "the auditor", false).await;
}
