//! Playing a history, and making a failed one short.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::divergence::Divergence;
use crate::history::{Act, History};
use crate::play::Play;
use crate::subject::{Make, Subject};

/// Plays while a failed history is made short, at most.
const TRIES_MAX: usize = 250;

/// What a history was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Commands said.
    pub commands: u64,
    /// Tasks leased.
    pub leased: u64,
    /// Settles accepted.
    pub accepted: u64,
    /// Settles refused.
    pub stale: u64,
    /// Runs that completed, failed or were cancelled.
    pub ended: u64,
    /// Rollbacks.
    pub rollbacks: u64,
    /// Dead letters put back.
    pub put_back: u64,
    /// Join tasks leased.
    pub joins: u64,
}

impl Stats {
    /// Both together.
    pub fn and(self, other: Stats) -> Stats {
        Stats {
            commands: self.commands + other.commands,
            leased: self.leased + other.leased,
            accepted: self.accepted + other.accepted,
            stale: self.stale + other.stale,
            ended: self.ended + other.ended,
            rollbacks: self.rollbacks + other.rollbacks,
            put_back: self.put_back + other.put_back,
            joins: self.joins + other.joins,
        }
    }
}

/// Plays a history on an empty ledger, beside the oracle, and drains what is left.
///
/// # Errors
/// What the ledger did that no rule allows, with the shortest history found that shows it.
pub fn check(history: &History, make: Make<'_>) -> Result<Stats, Box<Divergence>> {
    match play(history, make()) {
        Ok(stats) => Ok(stats),
        Err(first) => Err(shorten(first, make)),
    }
}

fn play(history: &History, subject: Box<dyn Subject>) -> Result<Stats, Box<Divergence>> {
    let mut play = Play::new(history, subject);
    let mut act = 0;
    let played = catch_unwind(AssertUnwindSafe(|| play.all(&mut act)));
    let what = match played {
        Ok(Ok(())) => return Ok(play.stats),
        Ok(Err(what)) => what,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            format!("panicked: {}", text.unwrap_or_default())
        }
    };
    Err(Box::new(Divergence { what, act, history: history.clone(), log: play.log }))
}

/// Leaves acts out, by halves and then one by one, as long as it still goes wrong.
fn shorten(first: Box<Divergence>, make: Make<'_>) -> Box<Divergence> {
    let mut shortest = first;
    let mut tries = 0;
    let until = (shortest.act + 1).min(shortest.history.acts.len());
    let prefix = shortest.history.acts[..until].to_vec();
    attempt(prefix, &mut shortest, &mut tries, make);
    let mut size = shortest.history.acts.len() / 2;
    while size > 0 && tries < TRIES_MAX {
        let mut at = 0;
        while at < shortest.history.acts.len() && tries < TRIES_MAX {
            let mut acts = shortest.history.acts.clone();
            acts.drain(at..(at + size).min(acts.len()));
            if !attempt(acts, &mut shortest, &mut tries, make) {
                at += size;
            }
        }
        size /= 2;
    }
    shortest
}

/// Whether these acts alone go wrong too; if so, they are the shortest known.
fn attempt(
    acts: Vec<Act>,
    shortest: &mut Box<Divergence>,
    tries: &mut usize,
    make: Make<'_>,
) -> bool {
    *tries += 1;
    let history = History { acts, ..shortest.history.clone() };
    match play(&history, make()) {
        Ok(_) => false,
        Err(found) => {
            *shortest = found;
            true
        }
    }
}
