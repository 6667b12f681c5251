//! What a check found: the seed, what went wrong, and the shortest way there.

use std::fmt;

use crate::history::History;

/// A ledger that did what no rule allows.
#[derive(Debug, Clone)]
pub struct Divergence {
    /// What went wrong.
    pub what: String,
    /// The act at which it did, counted from 0; past the last one: while the rest was drained.
    pub act: usize,
    /// The shortest history found that goes wrong.
    pub history: History,
    /// What was said to the ledger in it, and answered.
    pub log: Vec<String>,
}

/// Lines of the log that are shown.
const SHOWN_MAX: usize = 40;

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "at act {}: {}", self.act, self.what)?;
        write!(f, "{}", self.history)?;
        let from = self.log.len().saturating_sub(SHOWN_MAX);
        for line in &self.log[from..] {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Divergence {}
