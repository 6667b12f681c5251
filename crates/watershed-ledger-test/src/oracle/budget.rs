//! The budget's audit: every permit ever given, counted anew for each one that is added.

use std::collections::{BTreeMap, BTreeSet};

use watershed_model::{Category, CategorySet, DayCalls, Limit, Limits, Millis, Period, Throttle};

use super::follow::Wrong;

/// Nothing that Zoom says closes a category for longer.
const CLOSED_MAX_MS: i64 = 25 * 3_600_000;

#[derive(Debug, Clone, Copy)]
struct Given {
    category: Category,
    from: Millis,
    returned: bool,
    /// Given back before it came: another call may have it.
    unused: bool,
    /// Under limits that were changed since: their seconds are not counted against new ones.
    former: bool,
    /// Lost with the ledger's tail: its second counts; its day, as far as that was told.
    lost: bool,
}

impl Given {
    /// Whether it counts in its day.
    fn counts_today(&self) -> bool {
        !self.returned && !self.lost
    }
}

/// Calls of a day that the ledger has lost, and was told of.
#[derive(Debug, Clone, Copy)]
struct Recalled {
    categories: CategorySet,
    day: i64,
    calls: u64,
}

/// A category that Zoom closed.
#[derive(Debug, Clone, Copy)]
struct Closed {
    category: Category,
    until: Millis,
    /// False once its time has passed: a ledger that has seen that has forgotten it, wherever
    /// the clock goes then.
    surely: bool,
}

/// What an account's permits were.
#[derive(Debug, Clone, Default)]
pub(crate) struct Audit {
    limits: Limits,
    given: Vec<Given>,
    recalled: Vec<Recalled>,
    /// When a day's count changed last, later with each change.
    changed: BTreeMap<(CategorySet, i64), Millis>,
    closed: Vec<Closed>,
    /// Categories of which a second's (or minute's) calls were refused.
    refused: BTreeSet<Category>,
}

impl Audit {
    pub(crate) fn set(&mut self, limits: &Limits) {
        if self.limits == *limits {
            return;
        }
        self.limits = limits.clone();
        for given in &mut self.given {
            given.former = true;
        }
    }

    /// Takes over the permits that were given between this and a later state; whether there were
    /// any.
    pub(crate) fn lost(&mut self, later: &Audit) -> bool {
        let known = self.given.len();
        let since = later.given.iter().skip(known);
        self.given.extend(since.map(|given| Given { lost: true, ..*given }));
        self.given.len() > known
    }

    /// Takes over what is told of today, where it is later than what is known here, or was asked
    /// for. Whether that made a count larger.
    pub(crate) fn recall(&mut self, told: &[DayCalls], asked: bool, now: Millis) -> bool {
        let mut larger = false;
        for limit in self.limits.0.clone().iter().filter(|l| l.period == Period::Day) {
            for told in told.iter().filter(|t| t.categories == limit.categories) {
                let later = |g: &Given| {
                    limit.categories.contains(g.category) && g.from.day() > told.day && !g.lost
                };
                if told.day == now.day()
                    && !self.given.iter().any(later)
                    && (asked || told.at > self.changed_at(limit.categories, told.day))
                {
                    let calls = told.calls.saturating_sub(self.of_day(limit, told.day));
                    let (categories, day) = (limit.categories, told.day);
                    self.recalled.push(Recalled { categories, day, calls });
                    let changed = self.changed.entry((categories, day)).or_default();
                    *changed = told.at.max(*changed);
                    larger |= calls > 0;
                }
            }
        }
        larger
    }

    /// When a day's count changed last.
    fn changed_at(&self, categories: CategorySet, day: i64) -> Millis {
        self.changed.get(&(categories, day)).copied().unwrap_or_default()
    }

    /// The count of a day changes, of each limit that has that category.
    fn change(&mut self, category: Category, day: i64, now: Millis) {
        for limit in self.limits.0.iter().filter(|l| l.period == Period::Day) {
            if limit.categories.contains(category) {
                let changed = self.changed.entry((limit.categories, day)).or_default();
                *changed = now.max(*changed + 1);
            }
        }
    }

    /// Whether a limit of a day counts that category.
    pub(crate) fn counts_days_of(&self, category: Category) -> bool {
        let mut days = self.limits.0.iter().filter(|l| l.period == Period::Day);
        days.any(|limit| limit.categories.contains(category))
    }

    /// Calls of a day under that limit.
    fn of_day(&self, limit: &Limit, day: i64) -> u64 {
        let given = |g: &&Given| {
            limit.categories.contains(g.category) && g.from.day() == day && g.counts_today()
        };
        let told = |r: &&Recalled| r.categories == limit.categories && r.day == day;
        let recalled: u64 = self.recalled.iter().filter(told).map(|r| r.calls).sum();
        self.given.iter().filter(given).count() as u64 + recalled
    }

    /// What is wrong with a ledger's count of a day.
    pub(crate) fn counted(&self, told: &DayCalls) -> Result<(), Wrong> {
        let day = |l: &&Limit| l.period == Period::Day && l.categories == told.categories;
        let calls = self.limits.0.iter().find(day).map(|limit| self.of_day(limit, told.day));
        if calls == Some(told.calls) { Ok(()) } else { Err(format!("{told:?}, not {calls:?}")) }
    }

    /// Whether a permit is there for sure: no limit has given anything so lately that the next
    /// slot lies behind the horizon, and today has calls left.
    pub(crate) fn free(&self, category: Category, now: Millis, horizon_ms: i64) -> bool {
        if self.closed.iter().any(|c| c.category == category && c.until > now) {
            return false;
        }
        let late = now + horizon_ms;
        if late.day() != now.day() {
            // A slot of tomorrow is given tomorrow.
            return false;
        }
        self.limits.0.iter().filter(|l| l.categories.contains(category)).all(|limit| {
            let mut given = self.given.iter().filter(|g| limit.categories.contains(g.category));
            match limit.period {
                Period::Day => {
                    let left = (self.of_day(limit, now.day()) as f64) < limit.calls.floor();
                    left && given.all(|g| g.from.day() <= now.day())
                }
                Period::Second | Period::Minute => given.all(|g| {
                    // What was given under other limits is left to lie two periods back.
                    let gap = if g.former {
                        2 * limit.period.ms()
                    } else {
                        // A call may start 25 ms after its slot. After a 429 the rate is lower
                        // for some minutes, by two thirds at most.
                        let refused = limit.categories.iter().any(|c| self.refused.contains(&c));
                        let calls = limit.calls * if refused { 0.34 } else { 1.0 };
                        ((limit.period.ms() + 25) as f64 / calls).ceil() as i64 + 1
                    };
                    g.from + gap <= late
                }),
            }
        })
    }

    pub(crate) fn limits(&self) -> &[Limit] {
        &self.limits.0
    }

    /// Calls of the day that a category has left.
    pub(crate) fn left_today(&self, category: Category, now: Millis) -> f64 {
        let day = |l: &&Limit| l.period == Period::Day && l.categories.contains(category);
        let left = self.limits.0.iter().filter(day);
        let left = left.map(|limit| limit.calls.floor() - self.of_day(limit, now.day()) as f64);
        left.fold(f64::INFINITY, f64::min)
    }

    /// Milliseconds from call to call of a category, and whether it may have been slowed down.
    pub(crate) fn gap_ms(&self, category: Category) -> (f64, bool) {
        let spaced = |l: &&Limit| l.period != Period::Day && l.categories.contains(category);
        let limits = self.limits.0.iter().filter(spaced);
        let gap = limits.clone().map(|l| (l.period.ms() + 25) as f64 / l.calls);
        let mut shared = limits.flat_map(|l| l.categories.iter());
        (gap.fold(0.0, f64::max), shared.any(|c| self.refused.contains(&c)))
    }

    pub(crate) fn give_back(&mut self, category: Option<Category>, from: Millis, now: Millis) {
        let same =
            |g: &&mut Given| Some(g.category) == category && g.from == from && g.counts_today();
        if let Some(given) = self.given.iter_mut().find(same) {
            given.returned = true;
            given.unused = from > now;
        }
        if let Some(category) = category {
            self.change(category, from.day(), now);
        }
    }

    pub(crate) fn throttle(&mut self, throttle: Throttle, now: Millis) {
        let until = Millis(throttle.until.0.clamp(now.0, now.0 + CLOSED_MAX_MS));
        let mut categories = vec![throttle.category];
        if !throttle.daily {
            self.refused.insert(throttle.category);
        } else {
            for limit in self.limits.0.iter().filter(|l| l.period == Period::Day) {
                if limit.categories.contains(throttle.category) {
                    categories.extend(limit.categories.iter());
                }
            }
        }
        let closed = |category| Closed { category, until, surely: true };
        self.closed.extend(categories.into_iter().map(closed));
    }

    /// Permits for calls from that time on may have been asked for.
    pub(crate) fn asked(&mut self, start: Millis) {
        for closed in &mut self.closed {
            closed.surely &= closed.until > start;
        }
    }

    /// A permit was given; wrong where any limit forbids it.
    pub(crate) fn permit(
        &mut self,
        category: Category,
        from: Millis,
        at: Millis,
    ) -> Result<(), Wrong> {
        let closed = |c: &&Closed| c.surely && c.category == category && from < c.until;
        if let Some(closed) = self.closed.iter().find(closed) {
            return Err(format!("a {category} permit while closed until {:?}", closed.until));
        }
        self.given.push(Given {
            category,
            from,
            returned: false,
            unused: false,
            former: false,
            lost: false,
        });
        self.change(category, from.day(), at);
        for limit in self.limits.0.iter().filter(|l| l.categories.contains(category)) {
            // Only what is near enough to share a period with the new one.
            let near = |g: &&Given| (g.from - from).abs() < limit.period.ms();
            let counted: Vec<&Given> = self
                .given
                .iter()
                .filter(|g| limit.categories.contains(g.category))
                .filter(near)
                .collect();
            let over = match limit.period {
                Period::Day => self.of_day(limit, from.day()) as f64 > limit.calls.floor(),
                Period::Second | Period::Minute => counted.iter().any(|first| {
                    let inside = |g: &&&Given| {
                        let near = g.from >= first.from && g.from - first.from < limit.period.ms();
                        // Nothing cools down for a minute.
                        let of_old = g.lost && limit.period == Period::Minute;
                        near && !(g.former || g.unused || of_old)
                    };
                    counted.iter().filter(inside).count() as f64 > limit.calls.ceil()
                }),
            };
            if over {
                let period = limit.period.name();
                return Err(format!("more than {} calls a {period} of {category}", limit.calls));
            }
        }
        Ok(())
    }
}
