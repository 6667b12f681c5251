//! Making a history that goes wrong short: acts are left out while something still goes wrong.
//!
//! Whatever goes wrong counts, not only what did at first: a shorter way to another symptom of
//! the same cause is the better one. Bounded by plays and by what is said in them, not by the
//! clock: the same history always ends as the same short one.

use crate::check::played;
use crate::divergence::Divergence;
use crate::history::{Act, History};
use crate::subject::Make;

/// Plays at most.
const TRIES_MAX: usize = 3_000;
/// Commands said in them at most: ten seconds in memory, half a minute on a file.
const COMMANDS_MAX: u64 = 60_000;

/// The shortest history found that goes wrong, told whole.
pub fn shorten(first: Box<Divergence>, make: Make<'_>) -> Box<Divergence> {
    let drawn = first.drawn;
    let mut shrinking = Shrinking { shortest: first, tries: 0, commands: 0, make };
    shrinking.all();
    let Shrinking { mut shortest, make, .. } = shrinking;
    // Once more, with all that is said.
    if let (_, Some(told)) = played(&shortest.history, make(), true) {
        *shortest = told;
    }
    shortest.drawn = drawn;
    shortest
}

struct Shrinking<'a> {
    shortest: Box<Divergence>,
    tries: usize,
    commands: u64,
    make: Make<'a>,
}

impl Shrinking<'_> {
    fn all(&mut self) {
        // What came after it is not needed; while draining, everything came before.
        let until = (self.shortest.act + 1).min(self.len());
        let prefix = self.shortest.history.acts[..until].to_vec();
        self.attempt(prefix);
        loop {
            let before = self.len();
            let mut size = (before / 2).max(1);
            while size > 0 {
                self.without_parts_of(size);
                size /= 2;
            }
            // What one pass left may be needless now that other acts are gone.
            if self.len() == before || self.spent() {
                return;
            }
        }
    }

    /// Leaves out each stretch of that many acts that is not needed.
    fn without_parts_of(&mut self, size: usize) {
        // From the end: what comes late depends on what came early.
        let mut end = self.len();
        while end > 0 && !self.spent() {
            let start = end.saturating_sub(size);
            let mut acts = self.shortest.history.acts.clone();
            acts.drain(start..end);
            self.attempt(acts);
            end = start.min(self.len());
        }
    }

    fn len(&self) -> usize {
        self.shortest.history.acts()
    }

    fn spent(&self) -> bool {
        self.tries >= TRIES_MAX || self.commands >= COMMANDS_MAX
    }

    /// Plays these acts alone; where they go wrong too, they are the shortest known.
    fn attempt(&mut self, acts: Vec<Act>) {
        self.tries += 1;
        let history = History { acts, ..self.shortest.history.clone() };
        let (stats, found) = played(&history, (self.make)(), false);
        self.commands += stats.commands;
        if let Some(found) = found {
            *self.shortest = found;
        }
    }
}
