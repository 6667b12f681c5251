//! Answers of the scripts.

use serde::Deserialize;
use watershed_ledger::{Checkpoint, Error, Exchanged, Fence, LeaseId, Leased, Settled};
use watershed_model::{
    AccountId, Category, CategorySet, DayCalls, Millis, RunId, ScopeSeed, StepId,
};

use crate::piece::{Piece, item_of, number};
use crate::read::{Maybe, Raw};

/// Leases lost in a row that make a task poisoned: `watershed_ledger`'s.
const LOST_MAX: u16 = 6;

/// What every answer says, or the error that it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Head {
    pub(crate) ok: bool,
    pub(crate) epoch: String,
    pub(crate) acts: u64,
    pub(crate) lost: bool,
    pub(crate) now: i64,
    /// Calls of today, where the script has looked at the budget.
    days: Vec<Day>,
    /// Since when it asks for them.
    pub(crate) recount: Option<i64>,
    kind: String,
    place: String,
    found: u32,
    known: u32,
    command: String,
    run: String,
    what: String,
    why: String,
}

/// Calls of a day under one limit.
#[derive(Debug, Deserialize)]
struct Day {
    categories: CategorySet,
    day: i64,
    calls: u64,
    at: i64,
}

impl Head {
    /// Calls of today, where it tells them.
    pub(crate) fn days(&self, account: &AccountId) -> Vec<DayCalls> {
        let of = |day: &Day| DayCalls {
            account: account.clone(),
            categories: day.categories,
            day: day.day,
            calls: day.calls,
            at: Millis(day.at),
        };
        self.days.iter().map(of).collect()
    }

    /// Whether there are no records of the account.
    pub(crate) fn is_gone(&self) -> bool {
        self.kind == "gone"
    }

    /// The error that the answer is.
    pub(crate) fn error(self) -> Error {
        let run = RunId::from(self.run.as_str());
        let among = |known: &[&'static str], name: &str| {
            known.iter().find(|word| **word == name).copied().unwrap_or("this")
        };
        match self.kind.as_str() {
            "no_run" => Error::NoRun(run),
            "illegal" => {
                let commands = ["submit", "exchange", "retry", "pause", "resume", "cancel"];
                Error::Illegal { command: among(&commands, &self.command), run, why: self.why }
            }
            "other_run" => {
                Error::OtherRun { run, what: among(&["plan", "connection", "inputs"], &self.what) }
            }
            "version" => Error::Version { place: self.place, found: self.found, known: self.known },
            _ => Error::Corrupt { place: "the ledger on Redis".to_owned(), why: self.why },
        }
    }
}

/// To an exchange.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    settled: Vec<bool>,
    leases: Vec<Shown>,
    #[serde(default)]
    ask_again_at: Maybe<i64>,
    ended: Vec<RunId>,
}

/// Steps of joins, each with its items.
type Joins = Vec<(u16, Vec<String>)>;

#[derive(Debug, Deserialize)]
struct Shown {
    lease: u64,
    nonce: String,
    run: RunId,
    category: Maybe<Category>,
    step: u16,
    scopes: Vec<(u8, Raw, Joins)>,
    failures: Vec<(u16, u64)>,
    bucket: u16,
    /// Which of its items are open.
    open: Vec<bool>,
    slots: Raw,
    #[serde(default)]
    items: Option<Piece>,
    #[serde(default)]
    task: Option<Task>,
}

/// Form, fills, key, checkpoint, attempts, leases lost, restarts.
#[derive(Debug, Default, Deserialize)]
struct Task(Maybe<Raw>, Raw, Maybe<Raw>, Maybe<Checkpoint>, u16, u16, u16);

impl Answer {
    /// As the ledger's answer.
    pub(crate) fn exchanged(self, now: i64) -> Result<Exchanged, Error> {
        let mut leased = Vec::new();
        for shown in self.leases {
            shown.open(&mut leased).ok_or_else(|| Error::Corrupt {
                place: "the ledger on Redis".to_owned(),
                why: "a lease cannot be read".to_owned(),
            })?;
        }
        let settled = |accepted| if accepted { Settled::Accepted } else { Settled::Stale };
        Ok(Exchanged {
            now: Millis(now),
            settled: self.settled.into_iter().map(settled).collect(),
            leased,
            ask_again_at: self.ask_again_at.0.map(Millis),
            ended: self.ended,
            days: Vec::new(),
            recount: Vec::new(),
        })
    }
}

impl Shown {
    fn open(self, leased: &mut Vec<Leased>) -> Option<()> {
        let nonce = u64::from_str_radix(&self.nonce, 16).ok()?;
        let mut scopes = Vec::with_capacity(self.scopes.len());
        for (level, key, joins) in &self.scopes {
            let joins = joins.iter().map(|(step, items)| (StepId(*step), items.clone())).collect();
            scopes.push(ScopeSeed { level: *level, key: key.hash()?, joins });
        }
        let failures: Vec<(StepId, u64)> =
            self.failures.iter().map(|(step, failed)| (StepId(*step), *failed)).collect();
        let task = self.task.as_ref();
        for (index, _) in self.open.iter().enumerate().filter(|(_, open)| **open) {
            let (item, once, together) = match (&self.items, task) {
                (Some(items), _) => items.item(index)?,
                (None, Some(Task(form, fills, once, ..))) => {
                    let form = form.0.as_ref().map(|form| &form.0[..]);
                    let once = once.0.as_ref().map_or(Some(None), |once| once.hash().map(Some))?;
                    (item_of(form, &fills.0)?, once, false)
                }
                (None, None) => return None,
            };
            let (start_from, start_until) = self.slot(index)?;
            let lost = task.map_or(0, |task| task.5);
            leased.push(Leased {
                fence: Fence {
                    lease: LeaseId(self.lease),
                    nonce,
                    index: u16::try_from(index).ok()?,
                },
                run: self.run.clone(),
                step: StepId(self.step),
                item,
                once,
                bucket: self.bucket,
                checkpoint: task.and_then(|task| task.3.0.clone()),
                attempts: task.map_or(0, |task| task.4),
                lost,
                restarts: task.map_or(0, |task| task.6),
                poisoned: lost >= LOST_MAX,
                category: self.category.0,
                start_from,
                start_until,
                bound: index > 0 && together,
                scopes: scopes.clone(),
                failures: failures.clone(),
            });
        }
        Some(())
    }

    /// When the call of an item may start, and until when: two numbers of seven bytes and one of
    /// two an item, or once for all.
    fn slot(&self, index: usize) -> Option<(Millis, Millis)> {
        let slot = self.slots.0.chunks(16).nth(index).or_else(|| self.slots.0.chunks(16).next())?;
        let of = |bytes: &[u8]| i64::try_from(number(bytes)).ok().map(Millis);
        Some((of(slot.get(..7)?)?, of(slot.get(7..14)?)?))
    }
}
