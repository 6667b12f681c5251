//! What happens to whom: faults at points, drawn from a seed.
//!
//! A point is a place where a process waits for something outside it: before an act and after
//! it. Points are counted through, over all processes, in the order in which they are passed.

use std::collections::BTreeMap;
use std::fmt;

use watershed_rehearsal::Draws;

use crate::ground::LEASE_MS;
use crate::process::BESIDE;

/// Where the points of a history lie that is not short.
const POINTS: u64 = 2_500;
/// What the kind of a history is drawn from: such that those that failed once, before there were
/// kinds, are of none.
const KIND: u64 = 0x91;
/// The same of faults at points beside the others, and where these lie.
const KIND_BESIDE: u64 = 0x153;
const POINTS_BESIDE: u64 = 400;
/// What an account may do by itself, in half of all histories.
const ACCOUNT_FAULTS: &str = "http_500=0.02,connection_reset=0.02,truncated_json=0.01,slow=0.02,\
                              token_revoked=0.004,page_token_expires=0.05";

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process is gone, and its like begins some seconds later.
    Crash,
    /// The process stands still for so many milliseconds.
    Pause(i64),
    /// Before an act: it is not done. After it: its answer is lost.
    Lost,
    /// The act is done twice.
    Twice,
    /// The process's clock is set by so many milliseconds.
    Step(i64),
    /// The process is asked to stop, and its like begins some seconds later.
    Stop,
    /// The ledger is as it was so many milliseconds ago.
    Back(i64),
    /// The ledger is empty.
    Wiped,
}

/// What the ledger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Memory,
    Sqlite,
}

/// A history, to be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) seed: u64,
    pub(crate) store: Store,
    pub(crate) workers: u64,
    pub(crate) users: u64,
    /// How long the account takes for an answer.
    pub(crate) latency_ms: u64,
    pub(crate) account_faults: Option<&'static str>,
    pub(crate) faults: BTreeMap<u64, Fault>,
}

impl History {
    /// Without any fault.
    pub(crate) fn quiet(seed: u64, store: Store) -> History {
        let mut draw = Draws(seed);
        let (workers, users) = (1 + draw.below(3), 2 + draw.below(4));
        let latency_ms = 1 + Draws(seed).below(300);
        let faults = BTreeMap::new();
        History { seed, store, workers, users, latency_ms, account_faults: None, faults }
    }

    /// The history of a seed.
    pub(crate) fn of(seed: u64, store: Store) -> History {
        let mut history = History::quiet(seed, store);
        let mut draw = Draws(!seed);
        if draw.below(2) == 0 {
            history.account_faults = Some(ACCOUNT_FAULTS);
        }
        // Few in one, many in another: what is rare alone may be found beside others.
        let most = [2, 6, 20][draw.below(3) as usize];
        let count = 1 + draw.below(most);
        for _ in 0..count {
            let point = draw.below(POINTS);
            history.faults.insert(point, fault(&mut draw, store));
        }
        let mut draw = Draws(seed ^ KIND_BESIDE);
        if draw.below(3) == 0 {
            for _ in 0..=draw.below(2) {
                let point = BESIDE + draw.below(POINTS_BESIDE);
                // That a ledger goes back or is wiped is drawn above.
                history.faults.insert(point, fault(&mut draw, Store::Sqlite));
            }
        }
        let mut draw = Draws(seed ^ KIND);
        match draw.below(4) {
            0 => history.crowded(&mut draw),
            1 => history.hurried(&mut draw),
            _ => {}
        }
        history
    }

    /// Several processes and slow answers: much is under way when a process stands still for as
    /// long as its lease, or the ledger goes back by a second.
    fn crowded(&mut self, draw: &mut Draws) {
        self.workers = 2 + draw.below(2);
        self.latency_ms = 300 + draw.below(1_700);
        for fault in self.faults.values_mut() {
            *fault = match *fault {
                Fault::Pause(_) => Fault::Pause(LEASE_MS - 5_000 + draw.below(7_000) as i64),
                _ if self.store == Store::Memory && draw.below(2) == 0 => {
                    Fault::Back(1 + draw.below(1_500) as i64)
                }
                other => other,
            };
        }
    }

    /// One process and quick answers: it makes as many calls as it may, by a ledger that never
    /// forgets how many.
    fn hurried(&mut self, draw: &mut Draws) {
        (self.workers, self.users) = (1, 4 + draw.below(2));
        self.latency_ms = 1 + draw.below(30);
        for fault in self.faults.values_mut() {
            *fault = match *fault {
                Fault::Pause(_) => Fault::Pause(1 + draw.below(3_000) as i64),
                Fault::Back(_) | Fault::Wiped => Fault::Crash,
                other => other,
            };
        }
    }

    /// The same without any fault, in memory.
    pub(crate) fn calm(&self) -> History {
        let (store, faults) = (Store::Memory, BTreeMap::new());
        History { store, faults, account_faults: None, ..self.clone() }
    }

    /// The same without one of its faults.
    pub(crate) fn without(&self, point: u64) -> History {
        let mut less = self.clone();
        less.faults.remove(&point);
        less
    }
}

fn fault(draw: &mut Draws, store: Store) -> Fault {
    // A file does not go back in time by itself.
    let kinds = if store == Store::Memory { 10 } else { 8 };
    match draw.below(kinds) {
        0 | 1 => Fault::Crash,
        2 => Fault::Pause(1 + draw.below(60_000) as i64),
        3 | 4 => Fault::Lost,
        5 => Fault::Twice,
        6 => {
            let ms = 1 + draw.below(20_000) as i64;
            Fault::Step(if draw.below(2) == 0 { ms } else { -ms })
        }
        7 => Fault::Stop,
        8 => Fault::Back(1_000 * (1 + draw.below(30) as i64)),
        _ => Fault::Wiped,
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let History { seed, store, workers, users, .. } = self;
        write!(f, "seed {seed}, ledger {store:?}, {workers} workers, {users} people")?;
        if let Some(faults) = self.account_faults {
            write!(f, ", an account that does {faults}")?;
        }
        for (point, fault) in &self.faults {
            write!(f, "\n  at point {point}: {fault:?}")?;
        }
        Ok(())
    }
}
