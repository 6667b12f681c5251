//! Statistics: what was asked, how fast, and what of it was in vain.
//!
//! Remembers answered calls by their hashes, eight bytes each.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::faults::Fault;
use crate::limits::{Category, Window};
use crate::operation::Operation;

/// Counts by name.
pub type Counts = BTreeMap<String, u64>;

/// What was asked of the account so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Calls by operation and HTTP status; `token` and `unknown` are among the operations.
    pub calls: BTreeMap<String, Counts>,
    /// All calls to operations, downloads included; tokens and unknown paths left out.
    pub spent: u64,
    /// 429s by kind (`per_second`, `daily`, `fault`) and category.
    pub rate_limited: BTreeMap<String, Counts>,
    /// The most arrivals in any stretch of one second, by category.
    pub peak_per_second: Counts,
    /// Calls in vain.
    pub in_vain: InVain,
    /// The fewest calls that what was asked could have cost: for each listing one a page of 300,
    /// at least one; one for each record and each file.
    pub least: u64,
    /// Heavy calls counted today.
    pub heavy_used_today: u64,
    /// Bytes of files that were sent.
    pub file_bytes: u64,
    /// Tokens issued.
    pub tokens_issued: u64,
    /// Faults that happened, by name.
    pub faults: Counts,
}

/// Calls that were not worth making, by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InVain {
    /// All of them.
    pub total: u64,
    /// `repeated` (asked again after a whole answer), `report_below_two` (a heavy report of an
    /// instance with fewer than two participants), `foretold` (refused as an earlier answer or
    /// the token's scopes had said), `rate_limited` (every 429).
    pub by_cause: Counts,
    /// The repeated ones, by operation.
    pub repeated: Counts,
}

/// How a call ended, for the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A whole answer: the page that begins at a row; the last one knows all rows.
    Whole { ordinal: u64, total: Option<u64> },
    /// Refused; the same call will be refused again.
    Refused,
    /// Refused, and it was known before.
    Foretold,
    /// A page token was refused: the listing has to start again.
    Restart,
    /// Nothing to build on.
    NotYet,
}

/// The running count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    stats: Stats,
    /// Whether calls are not compared with earlier ones, which would have to be remembered.
    forgets: bool,
    arrivals: [VecDeque<i64>; 3],
    /// Pages and records that were answered whole.
    whole: HashSet<u64>,
    refused: HashSet<u64>,
    /// Listings and records that were asked for.
    asked: HashSet<u64>,
    finished: HashSet<u64>,
    /// How often a listing had to start again.
    restarts: HashMap<u64, u64>,
}

impl Tally {
    /// Remembers no call from here on: what is repeated, foretold, or the least is not counted.
    pub(crate) fn forget(&mut self) {
        self.forgets = true;
    }

    pub(crate) fn count(&mut self, operation: &str, status: u16) {
        let by_status = self.stats.calls.entry(operation.to_owned()).or_default();
        *by_status.entry(status.to_string()).or_default() += 1;
        // A redirect is a part of the call that it leads on.
        if !matches!(operation, "token" | "unknown") && status != 302 {
            self.stats.spent += 1;
        }
    }

    pub(crate) fn arrival(&mut self, category: Category, now_us: i64) {
        let arrivals = &mut self.arrivals[category as usize];
        while arrivals.front().is_some_and(|first| first + 1_000_000 <= now_us) {
            arrivals.pop_front();
        }
        arrivals.push_back(now_us);
        let peak = self.stats.peak_per_second.entry(category.name().to_owned()).or_default();
        *peak = (*peak).max(arrivals.len() as u64);
    }

    pub(crate) fn rate_limited(&mut self, window: Window, category: Category) {
        let kind = match window {
            Window::Second => "per_second",
            Window::Day => "daily",
        };
        let by_category = self.stats.rate_limited.entry(kind.to_owned()).or_default();
        *by_category.entry(category.name().to_owned()).or_default() += 1;
        self.in_vain("rate_limited");
    }

    /// So many bytes of a file were sent.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.stats.file_bytes += bytes as u64;
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        *self.stats.faults.entry(fault.name().to_owned()).or_default() += 1;
        if matches!(fault, Fault::RetryAfterAbsurd | Fault::RetryAfterFar) {
            let kind = self.stats.rate_limited.entry("fault".to_owned()).or_default();
            *kind.entry("any".to_owned()).or_default() += 1;
        }
    }

    pub(crate) fn note_report_in_vain(&mut self) {
        self.in_vain("report_below_two");
    }

    /// Takes in how a call ended; `call` names it without its page.
    pub(crate) fn record(&mut self, operation: Operation, call: &str, outcome: Outcome) {
        if self.forgets {
            return;
        }
        let listing = xxh3_64(call.as_bytes());
        match outcome {
            Outcome::Whole { ordinal, total } => {
                let restart = self.restarts.get(&listing).copied().unwrap_or(0);
                let page = xxh3_64(format!("{call} {ordinal} {restart}").as_bytes());
                if !self.whole.insert(page) {
                    *self.stats.in_vain.repeated.entry(operation.name().to_owned()).or_default() +=
                        1;
                    self.in_vain("repeated");
                }
                self.stats.least += u64::from(self.asked.insert(listing));
                if let Some(total) = total
                    && self.finished.insert(listing)
                {
                    self.stats.least += total.div_ceil(300).max(1) - 1;
                }
            }
            Outcome::Refused => {
                if self.refused.insert(listing) {
                    self.stats.least += u64::from(self.asked.insert(listing));
                } else {
                    self.in_vain("foretold");
                }
            }
            Outcome::Foretold => self.in_vain("foretold"),
            Outcome::Restart => *self.restarts.entry(listing).or_default() += 1,
            Outcome::NotYet => {}
        }
    }

    pub(crate) fn stats(&self, tokens_issued: u64, heavy_used_today: u64) -> Stats {
        Stats { tokens_issued, heavy_used_today, ..self.stats.clone() }
    }

    fn in_vain(&mut self, cause: &str) {
        self.stats.in_vain.total += 1;
        *self.stats.in_vain.by_cause.entry(cause.to_owned()).or_default() += 1;
    }
}
