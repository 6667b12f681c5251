//! Playing a history; what it was worth.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::divergence::Divergence;
use crate::history::History;
use crate::play::Play;
use crate::shorten::shorten;
use crate::subject::{Make, Subject};

/// Fan-outs above a task that are told apart; deeper ones count as so many.
const DEPTHS: usize = 7;

/// What a history was worth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// Tasks leased, joins left out, by the fan-outs above them.
    pub tasks_at: [u64; DEPTHS],
    /// Join tasks leased, by the fan-outs above them.
    pub joins_at: [u64; DEPTHS],
    /// How often each of the things happened that a history is drawn for.
    pub reached: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// Both together.
    pub fn and(mut self, other: Stats) -> Stats {
        self.commands += other.commands;
        self.leased += other.leased;
        self.accepted += other.accepted;
        self.stale += other.stale;
        self.ended += other.ended;
        self.rollbacks += other.rollbacks;
        self.put_back += other.put_back;
        for depth in 0..DEPTHS {
            self.tasks_at[depth] += other.tasks_at[depth];
            self.joins_at[depth] += other.joins_at[depth];
        }
        for (what, times) in other.reached {
            *self.reached.entry(what).or_default() += times;
        }
        self
    }

    /// Something happened so many times.
    pub(crate) fn reach(&mut self, what: &'static str, times: usize) {
        if times > 0 {
            *self.reached.entry(what).or_default() += times as u64;
        }
    }

    /// A task was leased so deep.
    pub(crate) fn lease(&mut self, depth: usize, is_join: bool) {
        let at = if is_join { &mut self.joins_at } else { &mut self.tasks_at };
        at[depth.min(DEPTHS - 1)] += 1;
        self.leased += 1;
    }
}

/// Plays a history on an empty ledger, beside the oracle, and drains what is left.
///
/// # Errors
/// What the ledger did that no rule allows, with the shortest history found that shows it.
pub fn check(history: &History, make: Make<'_>) -> Result<Stats, Box<Divergence>> {
    play(history, make).map_err(|first| shorten(first, make))
}

/// As [`check`], but a history that goes wrong is told as it was drawn: seconds sooner.
///
/// # Errors
/// What the ledger did that no rule allows.
pub fn play(history: &History, make: Make<'_>) -> Result<Stats, Box<Divergence>> {
    let (stats, divergence) = played(history, make(), false);
    divergence.map_or(Ok(stats), |found| Err(Box::new(found)))
}

/// Plays a history; `tell` keeps what was said and answered, which takes longer than the play.
pub(crate) fn played(
    history: &History,
    subject: Box<dyn Subject>,
    tell: bool,
) -> (Stats, Option<Divergence>) {
    let mut play = Play::new(history, subject, tell);
    let mut act = 0;
    let ending = catch_unwind(AssertUnwindSafe(|| play.all(&mut act)));
    let what = match ending {
        Ok(Ok(())) => return (play.stats, None),
        Ok(Err(what)) => what,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            format!("panicked: {}", text.unwrap_or_default())
        }
    };
    let drawn = history.acts();
    let found = Divergence { what, act, drawn, history: history.clone(), log: play.log };
    (play.stats, Some(found))
}
