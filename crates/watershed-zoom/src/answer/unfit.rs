//! Records of a listing that cannot be stored: they are told.

use std::fmt;

/// How many there are, and what is wrong with the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tally {
    count: u64,
    pub(super) first: String,
}

impl Tally {
    /// One more.
    pub(super) fn add(&mut self, why: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = why();
        }
        self.count += 1;
    }

    /// What is told of them; `None` where there is none.
    pub(super) fn told(&self) -> Option<String> {
        (self.count > 0).then(|| self.to_string())
    }

    /// What [`Tally::written`] gave.
    pub(super) fn of(text: &str) -> Tally {
        let (count, first) = text.split_once('.').unwrap_or_default();
        Tally { count: count.parse().unwrap_or(0), first: first.to_owned() }
    }

    /// To be carried.
    pub(super) fn written(&self) -> String {
        if self.count == 0 { String::new() } else { format!("{}.{}", self.count, self.first) }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "a record cannot be stored: {}", self.first),
            n => write!(f, "{n} records cannot be stored, the first: {}", self.first),
        }
    }
}
