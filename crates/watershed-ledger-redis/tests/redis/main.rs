//! The Redis ledger against the suite, on a real server.

mod days;
mod faults;
mod losses;
mod on_redis;
mod parts;
mod plants;
mod records;
mod rewriter;
mod twins;

use watershed_ledger_test::{Size, Stats, check, conformance, history};

use crate::on_redis::{OnRedis, SERVER};

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => default,
    }
}

#[test]
fn every_case_holds() {
    conformance(&mut || Box::new(OnRedis::empty()));
}

/// `WATERSHED_REDIS_HISTORIES` says how many, `WATERSHED_SEED` from which seed on.
#[test]
fn random_histories_agree_with_the_oracle() {
    let base = number("WATERSHED_SEED", 1);
    let histories = number("WATERSHED_REDIS_HISTORIES", 20);
    let mut worth = Stats::default();
    for seed in base..base + histories {
        let size = if seed % 4 == 0 { Size::Medium } else { Size::Small };
        match check(&history(seed, size), &mut || Box::new(OnRedis::empty())) {
            Ok(stats) => worth = worth.and(stats),
            Err(divergence) => panic!("{divergence}"),
        }
    }
    println!("{histories} histories: {worth:?}");
}

/// The last acts of a ledger are lost, at any point and again and again; what goes on from there
/// is what would have gone on without them, and no second holds too many calls.
#[test]
fn histories_that_lose_their_tails_agree_with_the_oracle() {
    let base = number("WATERSHED_SEED", 1);
    let histories = number("WATERSHED_REDIS_HISTORIES", 20);
    let mut worth = Stats::default();
    for seed in base..base + histories {
        let size = if seed % 4 == 0 { Size::Medium } else { Size::Small };
        let history = history(seed, size).losing_tails();
        let lives_on = seed % 2 == 0;
        let make = if lives_on { OnRedis::living_on } else { OnRedis::by };
        match check(&history, &mut || Box::new(make(&SERVER.url()))) {
            Ok(stats) => worth = worth.and(stats),
            Err(divergence) => panic!("lives on: {lives_on}: {divergence}"),
        }
    }
    println!("{histories} histories: {worth:?}");
}
