//! What was seen of a run from look to look: calls, and which limit bound.

use std::collections::BTreeMap;

use watershed_ledger::RunView;
use watershed_model::{BudgetUse, Millis};

/// How often is looked at first, and later: a short run is over within minutes.
const LOOK_MS: i64 = 5_000;
const LOOK_MAX_MS: i64 = 900_000;
/// Looks until they become rarer.
const LOOKS: i64 = 200;

/// The looks of a whole run.
#[derive(Debug)]
pub(crate) struct Diary {
    pub(crate) begun_at: Millis,
    next_at: Millis,
    looked_at: Millis,
    /// Calls by category until the last look.
    calls: BTreeMap<String, u64>,
    pub(crate) days: BTreeMap<i64, Day>,
    /// Stretches in which the same limit bound, one after another.
    pub(crate) bound: Vec<Bound>,
    /// What each limit gave and what was taken of it, while it bound.
    uses: BTreeMap<String, Use>,
    /// Part of all known items that was done, at each look.
    pub(crate) progress: Vec<(Millis, f64)>,
}

/// A UTC day.
#[derive(Debug, Clone, Default)]
pub(crate) struct Day {
    /// Calls by category.
    pub(crate) calls: BTreeMap<String, u64>,
    /// Milliseconds in which each limit bound.
    pub(crate) bound_ms: BTreeMap<String, i64>,
    /// Of each day's limit: used, and the share.
    pub(crate) of_day: BTreeMap<String, (u64, f64)>,
}

/// A stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    pub(crate) from: Millis,
    pub(crate) to: Millis,
    /// `heavy a day`; empty where none bound.
    pub(crate) limit: String,
}

/// Permits of a limit while it bound.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Use {
    pub(crate) ms: i64,
    pub(crate) permits: f64,
    pub(crate) used: u64,
}

impl Diary {
    /// Begins.
    pub(crate) fn new(now: Millis) -> Diary {
        Diary {
            begun_at: now,
            next_at: next(now, now),
            looked_at: now,
            calls: BTreeMap::new(),
            days: BTreeMap::new(),
            bound: Vec::new(),
            uses: BTreeMap::new(),
            progress: vec![(now, 0.0)],
        }
    }

    /// What each limit gave and what was taken of it, while it bound. One of a day binds once all
    /// of it is taken: of it the whole days count on which it did.
    pub(crate) fn uses(&self) -> impl Iterator<Item = (&str, Use)> {
        self.uses.iter().map(|(limit, of)| {
            let days = self.days.values().filter(|day| day.bound_ms.contains_key(limit));
            let of_days: Vec<&(u64, f64)> = days.filter_map(|day| day.of_day.get(limit)).collect();
            let of = match of_days.is_empty() {
                true => *of,
                false => Use {
                    permits: of_days.iter().map(|(_, share)| share).sum(),
                    used: of_days.iter().map(|(used, _)| used).sum(),
                    ..*of
                },
            };
            (limit.as_str(), of)
        })
    }

    /// When to look next.
    pub(crate) fn next_at(&self) -> Millis {
        self.next_at
    }

    /// A look.
    pub(crate) fn note(&mut self, view: &RunView, now: Millis) {
        let since_ms = now - self.looked_at;
        // What came since the last look, which may have been in the last millisecond of a day.
        let day = self.days.entry((self.looked_at + 1).day()).or_default();
        let mut new = BTreeMap::new();
        for (category, calls) in &view.calls {
            let before = self.calls.insert(category.clone(), *calls).unwrap_or(0);
            new.insert(category.clone(), calls - before);
            *day.calls.entry(category.clone()).or_default() += calls - before;
        }
        let binds = |limit: &&BudgetUse| limit.binds;
        for limit in &view.budget {
            if limit.period == "day" {
                day.of_day.insert(name(limit), (limit.used, limit.share));
            }
        }
        for limit in view.budget.iter().filter(binds) {
            *day.bound_ms.entry(name(limit)).or_default() += since_ms;
            let used: u64 =
                limit.category.split('+').filter_map(|category| new.get(category)).sum();
            let of = self.uses.entry(name(limit)).or_default();
            of.ms += since_ms;
            of.permits += limit.share * since_ms as f64 / period_ms(limit);
            of.used += used;
        }
        // The scarcest one is named: who waits for tomorrow waits longest.
        let longest = view.budget.iter().filter(binds).max_by_key(|l| period_ms(l) as i64);
        let limit = longest.map(name).unwrap_or_default();
        match self.bound.last_mut() {
            Some(last) if last.limit == limit => last.to = now,
            _ => self.bound.push(Bound { from: self.looked_at, to: now, limit }),
        }
        let known: u64 = view.steps.iter().map(|step| step.known).sum();
        let open: u64 = view.steps.iter().map(|step| step.open).sum();
        let done = if known == 0 { 0.0 } else { 1.0 - open as f64 / known as f64 };
        self.progress.push((now, done));
        self.looked_at = now;
        self.next_at = next(self.begun_at, now);
    }
}

/// The next look: rarer as time goes on, and once in the last millisecond of each day, so that
/// what was done in it is seen as that day's.
fn next(begun_at: Millis, now: Millis) -> Millis {
    let pace_ms = ((now - begun_at) / LOOKS).clamp(LOOK_MS, LOOK_MAX_MS);
    let last = Millis(now.next_day().0 - 1);
    if now < last { last.min(now + pace_ms) } else { now + pace_ms }
}

/// `heavy a second`.
pub(crate) fn name(limit: &BudgetUse) -> String {
    format!("{} a {}", limit.category.replace("+resource_intensive", ""), limit.period)
}

fn period_ms(limit: &BudgetUse) -> f64 {
    match limit.period.as_str() {
        "second" => 1_000.0,
        "minute" => 60_000.0,
        _ => Millis::DAY as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_is_spent_is_used_however_long_its_limit_binds_then() {
        let (spent, second) = ("heavy a day".to_owned(), "heavy a second".to_owned());
        let half = Millis::DAY / 2;
        let mut diary = Diary::new(Millis(0));
        // From noon on nothing was left.
        diary.uses.insert(spent.clone(), Use { ms: half, permits: 45.0, used: 0 });
        diary.uses.insert(second.clone(), Use { ms: 1_000, permits: 9.0, used: 8 });
        let bound_ms = [(spent.clone(), half), (second, 1_000)].into();
        let of_day = [(spent.clone(), (88, 90.0))].into();
        diary.days.insert(0, Day { bound_ms, of_day, ..Day::default() });
        // Of a day on which it did not bind nothing is told.
        let of_day = [(spent, (3, 90.0))].into();
        diary.days.insert(1, Day { of_day, ..Day::default() });
        let told: Vec<_> = diary.uses().map(|(name, of)| (name, of.permits, of.used)).collect();
        assert_eq!(told, [("heavy a day", 90.0, 88), ("heavy a second", 9.0, 8)]);
    }
}
