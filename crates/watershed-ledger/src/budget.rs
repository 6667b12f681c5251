//! Permits: evenly spaced start slots of each limit, and calls of a day. Pure.
//!
//! A limit of a second or minute keeps the time of its next slot; a permit takes it and moves
//! it on. The slots of a second are spread over a second and 10 ms, so that calls which start up
//! to 10 ms after theirs make no stretch of a second hold more than ceil(calls) starts, whoever
//! counts and however; one that starts later keeps those behind it late (the worker's part). As
//! many slots as the account has calls are spread over a second and 25 ms: that many may arrive,
//! whatever delays them on their way. A day counts. A call must fit every limit that names its
//! category (docs/adr/0003). What answers tell of the account's rate lowers it (`learned`).

use watershed_model::{
    AccountId, BudgetUse, Category, DayCalls, Heard, Left, Limit, Limits, Millis, OperationId,
    Period, Throttle,
};

use crate::learned::Counted;
use crate::tables::{Budget, LimitUse, Slot};

/// Starts may lie this much further from their slots than the starts around them,
const START_WITHIN_MS: i64 = 10;
/// and arrivals this much.
const ARRIVE_WITHIN_MS: i64 = 25;
/// A call that has not started this long after its slot gives the permit up.
const START_BY_MS: i64 = 500;
/// What a day keeps back for events is everybody's from here on, in milliseconds of the UTC day.
const RESERVED_UNTIL_MS: i64 = 22 * 3_600_000;
/// A clock that stepped back by more than this makes what was given before it meaningless.
const STEP_MAX_MS: i64 = Millis::DAY;
/// A slot that was given back is remembered no further ahead than this: the clock stepped back,
const RETURNED_AHEAD_MS: i64 = 5_000;
/// and so many are.
const RETURNED_MAX: usize = 256;
/// Nothing that Zoom says closes a category for longer.
const CLOSED_MAX_MS: i64 = 25 * 3_600_000;

/// What a budget says to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// It may start then.
    Granted(Slot),
    /// Not yet: worth asking again then.
    Later(Millis),
}

/// A call that wants a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The category that it is counted in.
    pub category: Category,
    /// Whether it is an event's: then the day's reserve is there for it.
    pub event: bool,
    /// Calls of the day that it must leave for others: listings under way.
    pub leave: u64,
}

impl From<Category> for Claim {
    fn from(category: Category) -> Claim {
        Claim { category, event: false, leave: 0 }
    }
}

impl Budget {
    /// Takes over new limits; what was given under limits of the same categories and period
    /// still counts.
    pub fn set(&mut self, limits: &Limits) {
        let used = limits
            .0
            .iter()
            .map(|limit| {
                let same = |l: &Limit| l.categories == limit.categories && l.period == limit.period;
                match self.limits.0.iter().position(same) {
                    Some(at) => self.used.get(at).copied().unwrap_or_default(),
                    None => LimitUse::default(),
                }
            })
            .collect();
        // They lie as far apart as the former limits said.
        self.returned.clear();
        let next_us = self.used.iter().map(|used| used.next_us).max().unwrap_or_default();
        self.returned_from = Millis(next_us.div_euclid(1_000));
        self.limits = limits.clone();
        self.used = used;
    }

    /// Takes over what is told of today's calls, where that is later than what is counted here, or
    /// was asked for: of an earlier state of this ledger, which was lost. The larger count stands.
    pub fn recall(&mut self, told: &[DayCalls], asked: bool, now: Millis) {
        for (limit, used) in self.limits.0.iter().zip(&mut self.used) {
            for told in told.iter().filter(|t| t.categories == limit.categories) {
                let counts = limit.period == Period::Day && told.day == now.day();
                // A clock that stepped back over midnight counts another day.
                if !counts || used.day > told.day {
                    continue;
                }
                if used.day < told.day {
                    used.begin(told.day);
                }
                if asked || told.at > used.at {
                    used.before += told.calls.saturating_sub(used.today(now));
                    used.at = used.at.max(told.at);
                }
            }
        }
    }

    /// Calls of today under each limit of a day, as they are counted here.
    pub fn today(&self, account: &AccountId, now: Millis) -> Vec<DayCalls> {
        let limits = self.limits.0.iter().zip(&self.used);
        limits
            .filter(|(limit, used)| limit.period == Period::Day && used.day == now.day())
            .map(|(limit, used)| DayCalls {
                account: account.clone(),
                categories: limit.categories,
                day: used.day,
                calls: used.today(now),
                at: used.at,
            })
            .collect()
    }

    /// A permit for a call, its start at most `horizon_ms` ahead.
    pub fn permit(&mut self, claim: impl Into<Claim>, now: Millis, horizon_ms: i64) -> Permit {
        let claim: Claim = claim.into();
        let category = claim.category;
        let now_us = now.0.saturating_mul(1_000);
        let mut slot_us = now_us;
        if let Some(until) = self.closed.get(&category) {
            // Further off than anything is closed: the clock stepped back.
            if *until > now && *until - now <= CLOSED_MAX_MS {
                return Permit::Later(*until);
            }
            self.closed.remove(&category);
        }
        for (limit, used) in self.limits.0.iter().zip(&self.used) {
            if !limit.categories.contains(category) {
                continue;
            }
            if limit.calls <= 0.0 {
                return Permit::Later(now.next_day());
            }
            match limit.period {
                Period::Day => {
                    // The clock stepped back over midnight: what that day has used is
                    // forgotten, so it counts as spent.
                    if used.day == now.day() + 1 {
                        return Permit::Later(now.next_day());
                    }
                    let wanted = used.today(now) + claim.leave;
                    let left = day_calls(limit, used, now);
                    if wanted >= left {
                        return Permit::Later(now.next_day());
                    }
                    let free_for_all = Millis(now.day() * Millis::DAY + RESERVED_UNTIL_MS);
                    let kept_back = limit.reserve.max(0.0).floor() as u64;
                    if !claim.event && now < free_for_all && wanted + kept_back >= left {
                        return Permit::Later(free_for_all);
                    }
                }
                Period::Second | Period::Minute => {
                    let gap_us = self.gap_us(limit, now);
                    slot_us = slot_us.max(next_slot_us(gap_us, used, now));
                }
            }
        }
        let again = self.returned(category, now, horizon_ms);
        if let Some(place) = again {
            slot_us = self.returned[place].1.0.saturating_mul(1_000);
        }
        // Rounded up: a slot never begins earlier than it is.
        let from = Millis(slot_us.div_euclid(1_000) + i64::from(slot_us.rem_euclid(1_000) > 0));
        if from - now > horizon_ms {
            return Permit::Later(from + -horizon_ms);
        }
        // A slot of tomorrow is asked for tomorrow, when its day is counted.
        if from.day() != now.day() {
            return Permit::Later(from);
        }
        if let Some(place) = again {
            self.returned.remove(place);
        }
        let own = self.take(category, slot_us, again.is_some(), now);
        // A day's call is made in that day.
        let until = (from + START_BY_MS).min(from.next_day() + -1);
        Permit::Granted(Slot { from, until, own })
    }

    /// The place of the next slot of that category that was given back.
    fn returned(&self, category: Category, now: Millis, horizon_ms: i64) -> Option<usize> {
        let near = |at: Millis| (0..=horizon_ms).contains(&(at - now));
        let slots = self.returned.iter().enumerate();
        let of = slots.filter(|(_, (of, at))| *of == category && near(*at));
        of.min_by_key(|(_, (_, at))| *at).map(|(place, _)| place)
    }

    /// Takes a slot, for the second time where it was given back; tells how many calls of ours the
    /// period before it holds, itself included.
    fn take(&mut self, category: Category, slot_us: i64, again: bool, now: Millis) -> u16 {
        let mut own = 0;
        let gaps_us: Vec<i64> = self.limits.0.iter().map(|l| self.gap_us(l, now)).collect();
        for ((limit, used), gap_us) in self.limits.0.iter().zip(&mut self.used).zip(gaps_us) {
            if !limit.categories.contains(category) {
                continue;
            }
            let period_us = limit.period.ms() * 1_000;
            if limit.period == Period::Day || !again {
                let period = match limit.period {
                    Period::Day => now.day(),
                    Period::Second | Period::Minute => {
                        used.next_us = slot_us.saturating_add(gap_us);
                        slot_us.div_euclid(period_us)
                    }
                };
                if used.day != period {
                    used.last = if used.day + 1 == period { used.used } else { 0 };
                    used.begin(period);
                }
                used.used += 1;
            }
            if limit.period == Period::Day {
                used.at = now.max(used.at + 1);
            }
            if limit.period != Period::Day {
                // Slots so far apart, and one at each end.
                let most = (period_us - 1) / gap_us + 1;
                own = own.max(used.within(slot_us, period_us).min(most));
            }
        }
        u16::try_from(own).unwrap_or(u16::MAX)
    }

    /// What an answer told of the call that had that slot. `planned` is the category that the
    /// operation was taken to have.
    pub fn hear(
        &mut self,
        (operation, planned): (&OperationId, Option<Category>),
        heard: Heard,
        slot: Slot,
        now: Millis,
    ) {
        if planned == Some(heard.category) {
            self.labels.remove(operation);
        } else {
            self.labels.insert(operation.clone(), heard.category);
        }
        let Some(left) = heard.left else { return };
        if !left.daily {
            return self.hear_of_period(left, heard, slot, now);
        }
        for (limit, used) in self.limits.0.iter().zip(&mut self.used) {
            let counts = limit.period == Period::Day && limit.categories.contains(heard.category);
            if counts && used.day == slot.from.day() {
                let gone = u64::from(left.limit.saturating_sub(left.remaining));
                used.others = used.others.max(gone.saturating_sub(used.used + used.before));
                used.limit = left.limit;
            }
        }
    }

    /// The category that Zoom counts an operation's calls in, where an answer has told it.
    pub fn label(&self, operation: &OperationId) -> Option<Category> {
        self.labels.get(operation).copied()
    }

    /// Calls of the day that are left to a category, and of how many, where a limit counts them.
    pub fn left_today(&self, category: Category, now: Millis) -> Option<(u64, u64)> {
        let limits = self.limits.0.iter().zip(&self.used);
        limits
            .filter(|(l, _)| l.period == Period::Day && l.categories.contains(category))
            .map(|(limit, used)| {
                let calls = day_calls(limit, used, now);
                (calls.saturating_sub(used.today(now)), calls)
            })
            .min()
    }

    /// Calls that a category has a day, whatever was used of them, where a limit counts them.
    pub(crate) fn day_calls(&self, category: Category) -> Option<u64> {
        let days = self.limits.0.iter();
        let days = days.filter(|l| l.period == Period::Day && l.categories.contains(category));
        days.map(|limit| limit.calls.max(0.0).floor() as u64).min()
    }

    /// Milliseconds between two calls of a category at its best.
    pub(crate) fn gap_ms(&self, category: Category, now: Millis) -> f64 {
        let limits = self.limits.0.iter();
        let spaced = limits.filter(|l| l.period != Period::Day && l.categories.contains(category));
        spaced.map(|limit| self.gap_us(limit, now) as f64 / 1_000.0).fold(0.0, f64::max)
    }

    /// A permit whose call never started: its day's call is free again, and so is its slot where
    /// that is still to come.
    pub fn give_back(&mut self, category: Category, slot: Slot, now: Millis) {
        let ahead = |at: Millis| (1..=RETURNED_AHEAD_MS).contains(&(at - now));
        self.returned.retain(|(_, at)| ahead(*at));
        if ahead(slot.from) && slot.from >= self.returned_from && self.returned.len() < RETURNED_MAX
        {
            self.returned.push((category, slot.from));
        }
        for (limit, used) in self.limits.0.iter().zip(&mut self.used) {
            if limit.categories.contains(category)
                && limit.period == Period::Day
                && used.day == slot.from.day()
            {
                used.used = used.used.saturating_sub(1);
                used.at = now.max(used.at + 1);
            }
        }
    }

    /// A 429: the category (for a daily one, all that share its day) is closed until then.
    pub fn throttle(&mut self, throttle: Throttle, now: Millis) {
        let until = throttle.until.max(now).min(now + CLOSED_MAX_MS);
        let mut categories = vec![throttle.category];
        if !throttle.daily {
            self.learned.entry(throttle.category).or_default().cut(now);
        } else {
            for limit in &self.limits.0 {
                if limit.period == Period::Day && limit.categories.contains(throttle.category) {
                    categories.extend(limit.categories.iter());
                }
            }
        }
        for category in categories {
            let closed = self.closed.entry(category).or_insert(until);
            *closed = (*closed).max(until);
        }
    }

    /// When a call of that category could start, without taking a permit.
    pub fn free_at(&self, category: Category, now: Millis) -> Millis {
        match self.clone().permit(category, now, 0) {
            Permit::Granted(slot) => slot.from,
            Permit::Later(at) => at,
        }
    }

    /// How much of each limit is used. `waits` tells of which categories work is ready.
    pub fn report(&self, now: Millis, waits: impl Fn(Category) -> bool) -> Vec<BudgetUse> {
        self.limits
            .0
            .iter()
            .zip(&self.used)
            .map(|(limit, used)| {
                let period = now.0.div_euclid(limit.period.ms());
                let in_period = match limit.period {
                    Period::Day if used.day == period => used.used + used.before,
                    Period::Day => 0,
                    // Of the second that has just begun nothing can be said.
                    Period::Second | Period::Minute => used.whole(period),
                };
                let share = self.calls(limit, used, now);
                let next = match limit.period {
                    Period::Day if in_period as f64 >= share => Some(now.next_day()),
                    Period::Day => None,
                    Period::Second | Period::Minute => {
                        let at_us = next_slot_us(self.gap_us(limit, now), used, now);
                        Some(Millis(at_us.div_euclid(1_000))).filter(|at| *at > now)
                    }
                };
                let closed = limit
                    .categories
                    .iter()
                    .filter_map(|c| self.closed.get(&c).copied())
                    .max()
                    .filter(|until| *until > now);
                let free_at = next.max(closed);
                BudgetUse {
                    category: limit.categories.to_string(),
                    period: limit.period.name().to_owned(),
                    used: in_period,
                    share,
                    binds: free_at.is_some() && limit.categories.iter().any(&waits),
                    free_at: free_at.map(|at| at.to_string()),
                }
            })
            .collect()
    }
}

impl LimitUse {
    /// Calls of that day.
    fn today(&self, now: Millis) -> u64 {
        if self.day == now.day() { self.used + self.before } else { 0 }
    }

    /// Calls of the last whole second or minute before that one; of the running one, where slots of
    /// the next are given already.
    fn whole(&self, running: i64) -> u64 {
        match running - self.day {
            -1 | 0 => self.last,
            1 => self.used,
            _ => 0,
        }
    }

    /// Nothing is counted yet in that period.
    fn begin(&mut self, period: i64) {
        self.day = period;
        (self.used, self.others, self.before) = (0, 0, 0);
        self.at = Millis::default();
    }

    /// Slots given in the period up to `at_us`, those of the period before it in proportion.
    fn within(&self, at_us: i64, period_us: i64) -> i64 {
        let (used, last) = match at_us.div_euclid(period_us) - self.day {
            0 => (self.used, self.last),
            1 => (0, self.used),
            _ => (0, 0),
        };
        let past = at_us.rem_euclid(period_us) as f64 / period_us as f64;
        used as i64 + (last as f64 * (1.0 - past)).ceil() as i64
    }
}

impl Budget {
    /// Calls a period that may start now, after all that was learned.
    fn calls(&self, limit: &Limit, used: &LimitUse, now: Millis) -> f64 {
        match limit.period {
            Period::Day if used.others > 0 => day_calls(limit, used, now) as f64,
            Period::Day => limit.calls,
            Period::Second | Period::Minute => {
                let learned = limit.categories.iter().filter_map(|c| self.learned.get(&c));
                learned.fold(limit.calls, |calls, l| calls.min(l.calls(limit, now)))
            }
        }
    }

    /// An answer told what is left of a second. Where the slots of its category lie further
    /// apart from now on, those of the period before the next one count as if they had done so
    /// already: else that period and the next would hold more together than either may.
    fn hear_of_period(&mut self, left: Left, heard: Heard, slot: Slot, now: Millis) {
        let category = heard.category;
        let gaps = |budget: &Budget| -> Vec<i64> {
            budget.limits.0.iter().map(|limit| budget.gap_us(limit, now)).collect()
        };
        let before = gaps(self);
        let (own, counted) = match heard.own {
            _ if heard.alone => (1, Counted::Exactly),
            Some(own) => (slot.own.max(own), Counted::ByOne),
            None => (slot.own, Counted::ByMany),
        };
        let learned = self.learned.entry(category).or_default();
        learned.hear(left, own.into(), counted, now);
        let after = gaps(self);
        for ((limit, used), (before, after)) in
            self.limits.0.iter().zip(&mut self.used).zip(before.into_iter().zip(after))
        {
            if limit.period == Period::Day || !limit.categories.contains(category) {
                continue;
            }
            let period_us = limit.period.ms() * 1_000;
            let wider_us = after.saturating_sub(before).max(0);
            let taken = used.within(used.next_us, period_us).min(period_us / before + 1);
            // And a little more: what is on its way may arrive closer together than it started.
            let pause_us = if wider_us > 0 { period_us / 8 } else { 0 };
            used.next_us = used.next_us.saturating_add(wider_us.saturating_mul(taken) + pause_us);
        }
    }

    /// Microseconds between two slots of a second or minute.
    fn gap_us(&self, limit: &Limit, now: Millis) -> i64 {
        let learned = || limit.categories.iter().filter_map(|c| self.learned.get(&c));
        let share = learned().fold(limit.calls, |least, l| least.min(l.calls(limit, now)));
        let room = if limit.of > 0.0 { limit.of } else { limit.calls };
        let room = learned().fold(room, |least, l| least.min(l.room(limit, now)));
        let spread_us = |within_ms: i64| (limit.period.ms() + within_ms) as f64 * 1_000.0;
        // Without calls there is no slot: `permit` refuses before it looks.
        let gap_us = (spread_us(START_WITHIN_MS) / share).max(spread_us(ARRIVE_WITHIN_MS) / room);
        gap_us.ceil() as i64
    }
}

/// Calls of a day, less what others have made of it.
fn day_calls(limit: &Limit, used: &LimitUse, now: Millis) -> u64 {
    let share = limit.calls.max(0.0).floor() as u64;
    if used.day != now.day() || used.others == 0 {
        return share;
    }
    share.min(u64::from(used.limit).saturating_sub(used.others))
}

/// The next slot, unless the clock stepped back so far that it means nothing.
fn next_slot_us(gap_us: i64, used: &LimitUse, now: Millis) -> i64 {
    let now_us = now.0.saturating_mul(1_000);
    let ahead_us = used.next_us.saturating_sub(now_us);
    let believed_us = gap_us.saturating_add(STEP_MAX_MS * 1_000);
    if ahead_us > believed_us { now_us } else { used.next_us }
}
