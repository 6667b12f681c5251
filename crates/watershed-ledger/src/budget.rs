//! Permits: evenly spaced start slots of each limit, and calls of a day. Pure.
//!
//! A limit of a second or minute keeps the time of its next slot; a permit takes it and moves
//! it on by period ÷ calls, so no stretch of a period ever holds more than ceil(calls) slots,
//! whoever counts and however. A call may start up to 100 ms after its slot, which a share of
//! 0.9 leaves room for. A day counts. A call must fit every limit that names its category
//! (docs/adr/0003).

use watershed_model::{BudgetUse, Category, Limit, Limits, Millis, Period, Throttle};

use crate::tables::{Budget, LimitUse, Slot};

/// A call that has not started this long after its slot gives the permit up.
const START_WITHIN_MS: i64 = 100;
/// A clock that stepped back by more than this makes what was given before it meaningless.
const STEP_MAX_MS: i64 = Millis::DAY;
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
        self.limits = limits.clone();
        self.used = used;
    }

    /// A permit for a call of that category, its start at most `horizon_ms` ahead.
    pub fn permit(&mut self, category: Category, now: Millis, horizon_ms: i64) -> Permit {
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
                    let today = if used.day == now.day() { used.used } else { 0 };
                    if today >= day_calls(limit) {
                        return Permit::Later(now.next_day());
                    }
                }
                Period::Second | Period::Minute => {
                    slot_us = slot_us.max(next_slot_us(limit, used, now));
                }
            }
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
        self.take(category, slot_us, now);
        Permit::Granted(Slot { from, until: from + START_WITHIN_MS })
    }

    fn take(&mut self, category: Category, slot_us: i64, now: Millis) {
        for (limit, used) in self.limits.0.iter().zip(&mut self.used) {
            if !limit.categories.contains(category) {
                continue;
            }
            let period = match limit.period {
                Period::Day => now.day(),
                Period::Second | Period::Minute => {
                    used.next_us = slot_us.saturating_add(gap_us(limit));
                    slot_us.div_euclid(limit.period.ms() * 1_000)
                }
            };
            if used.day != period {
                used.day = period;
                used.used = 0;
            }
            used.used += 1;
        }
    }

    /// A permit whose call never started: its day's call is free again. Its slot is not: the
    /// budget errs on the low side.
    pub fn give_back(&mut self, category: Category, slot: Slot) {
        for (limit, used) in self.limits.0.iter().zip(&mut self.used) {
            if limit.categories.contains(category)
                && limit.period == Period::Day
                && used.day == slot.from.day()
            {
                used.used = used.used.saturating_sub(1);
            }
        }
    }

    /// A 429: the category (for a daily one, all that share its day) is closed until then.
    pub fn throttle(&mut self, throttle: Throttle, now: Millis) {
        let until = throttle.until.max(now).min(now + CLOSED_MAX_MS);
        let mut categories = vec![throttle.category];
        if throttle.daily {
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
                let in_period = if used.day == period { used.used } else { 0 };
                let next = match limit.period {
                    Period::Day if in_period >= day_calls(limit) => Some(now.next_day()),
                    Period::Day => None,
                    Period::Second | Period::Minute => {
                        let at_us = next_slot_us(limit, used, now);
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
                let names: Vec<&str> = limit.categories.iter().map(Category::name).collect();
                BudgetUse {
                    category: names.join("+"),
                    period: limit.period.name().to_owned(),
                    used: in_period,
                    share: limit.calls,
                    binds: free_at.is_some() && limit.categories.iter().any(&waits),
                    free_at: free_at.map(|at| at.to_string()),
                }
            })
            .collect()
    }
}

fn day_calls(limit: &Limit) -> u64 {
    limit.calls.max(0.0).floor() as u64
}

/// Microseconds between two slots.
fn gap_us(limit: &Limit) -> i64 {
    (limit.period.ms() as f64 * 1_000.0 / limit.calls).ceil() as i64
}

/// The next slot, unless the clock stepped back so far that it means nothing.
fn next_slot_us(limit: &Limit, used: &LimitUse, now: Millis) -> i64 {
    let now_us = now.0.saturating_mul(1_000);
    let ahead_us = used.next_us.saturating_sub(now_us);
    let believed_us = gap_us(limit).saturating_add(STEP_MAX_MS * 1_000);
    if ahead_us > believed_us { now_us } else { used.next_us }
}
