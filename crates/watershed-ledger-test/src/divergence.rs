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
    /// Acts of the history as it was drawn.
    pub drawn: usize,
    /// The shortest history found that goes wrong.
    pub history: History,
    /// What was said to the ledger in it, and answered; empty where it was not made short.
    pub log: Vec<String>,
}

/// Lines of the log that are shown.
const SHOWN_MAX: usize = 40;

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Divergence { what, act, drawn, history, log } = self;
        let acts = history.acts();
        let place = if *act < acts { format!("act {act}") } else { "the draining".to_owned() };
        writeln!(f, "seed {}, {:?}, at {place}: {what}", history.seed, history.size)?;
        writeln!(f, "the shortest history found has {acts} of the {drawn} acts drawn:")?;
        write!(f, "{history}")?;
        let from = log.len().saturating_sub(SHOWN_MAX);
        if from > 0 {
            writeln!(f, "({from} commands more, then:)")?;
        }
        for line in &log[from..] {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Divergence {}
