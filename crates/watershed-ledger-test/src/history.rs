//! Histories: everything that may happen to a ledger, drawn from a seed.

use std::fmt;

use watershed_model::{Category, CategorySet, Limit, Limits, Millis, Order, Period, Trigger};

use crate::dice::{Dice, mix};
use crate::draw::draw;
use crate::sketch::{From, Line, Shape, shape};
use crate::world::World;

/// How large a history gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// One run of few steps, some thirty acts.
    Small,
    /// Up to three runs, some eighty acts.
    Medium,
    /// Long listings and large items beside, some two hundred acts.
    Large,
}

/// Something that happens. Numbers are reduced to what is there when it does, so that an act
/// still means something after others were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// A run is submitted, or submitted again.
    Submit { run: usize },
    /// A worker settles a part of what it holds and asks for more.
    Exchange { worker: usize, share: u64, luck: u64, want: u16, lanes: u64, answer_lost: bool },
    /// A worker says its last exchange again.
    Repeat { worker: usize },
    /// A worker says an exchange older than its last.
    Older { worker: usize },
    /// A worker settles with fences that are not its own any more, and some of its own twice.
    Stale { worker: usize, luck: u64 },
    /// A worker keeps its leases longer.
    Extend { worker: usize, lease_ms: i64 },
    /// Time passes, or steps back.
    Time { ms: i64 },
    /// A worker that knows it is alone takes back what others held.
    Takeover { worker: usize },
    /// A worker dies; another takes its place.
    Crash { worker: usize },
    /// A run is paused.
    Pause { run: usize },
    /// A run is resumed.
    Resume { run: usize },
    /// A run is cancelled.
    Cancel { run: usize },
    /// Dead letters of a run are put back.
    Retry { run: usize, luck: u64 },
    /// An account gets more or less budget.
    Limits { account: usize, luck: u64 },
    /// The ledger is closed and opened again.
    Restart,
    /// The state is kept for a later rollback.
    Snapshot,
    /// The ledger falls back to the kept state.
    Rollback,
}

impl Act {
    /// What happens, without its numbers.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Act::Submit { .. } => "submit",
            Act::Exchange { answer_lost: true, .. } => "an exchange whose answer is lost",
            Act::Exchange { .. } => "exchange",
            Act::Repeat { .. } => "the same exchange again",
            Act::Older { .. } => "an older exchange",
            Act::Stale { .. } => "settles with old, forged and repeated fences",
            Act::Extend { .. } => "extend",
            Act::Time { ms } if *ms < 0 => "the clock steps back",
            Act::Time { .. } => "time passes",
            Act::Takeover { .. } => "takeover",
            Act::Crash { .. } => "a worker crashes",
            Act::Pause { .. } => "pause",
            Act::Resume { .. } => "resume",
            Act::Cancel { .. } => "cancel",
            Act::Retry { .. } => "retry",
            Act::Limits { .. } => "other limits",
            Act::Restart => "restart",
            Act::Snapshot => "snapshot",
            Act::Rollback => "rollback",
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Act::Submit { run }
            | Act::Pause { run }
            | Act::Resume { run }
            | Act::Cancel { run } => {
                write!(f, "{name} run{run}")
            }
            Act::Retry { run, luck } => write!(f, "{name} run{run} (luck {luck})"),
            Act::Exchange { worker, share, luck, want, lanes, .. } => write!(
                f,
                "worker slot {worker}: {name}: settles {share}/4, asks for {want} \
                 of lanes {lanes:03b} (luck {luck})"
            ),
            Act::Repeat { worker }
            | Act::Older { worker }
            | Act::Takeover { worker }
            | Act::Crash { worker } => write!(f, "worker slot {worker}: {name}"),
            Act::Stale { worker, luck } => write!(f, "worker slot {worker}: {name} (luck {luck})"),
            Act::Extend { worker, lease_ms } => {
                write!(f, "worker slot {worker}: {name} for {lease_ms} ms")
            }
            Act::Time { ms } => write!(f, "{name}: {ms} ms"),
            Act::Limits { account, luck } => write!(f, "{name} of account{account} (luck {luck})"),
            Act::Restart | Act::Snapshot | Act::Rollback => f.write_str(name),
        }
    }
}

/// A run of a history.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) shape: Shape,
    pub(crate) world: World,
    pub(crate) connection: usize,
    pub(crate) trigger: Trigger,
}

/// Plans, an account, workers, and all that happens to them.
#[derive(Debug, Clone)]
pub struct History {
    /// What it was drawn from.
    pub seed: u64,
    /// How large.
    pub size: Size,
    pub(crate) start: Millis,
    pub(crate) runs: Vec<Planned>,
    /// By account; connection 0 and 1 use account 0, connection 2 account 1.
    pub(crate) limits: Vec<Limits>,
    pub(crate) workers: usize,
    /// How long a call takes from its lease to its start.
    pub(crate) lead_ms: i64,
    pub(crate) acts: Vec<Act>,
}

impl Size {
    /// The size of a seed's history: one in ten is large, they cost as much as the other nine.
    pub fn of(seed: u64) -> Size {
        match seed % 10 {
            0..5 => Size::Small,
            5..9 => Size::Medium,
            _ => Size::Large,
        }
    }
}

/// The history of a seed.
pub fn history(seed: u64, size: Size) -> History {
    let mut dice = Dice::new(mix(&[seed, size as u64]));
    let (runs_max, steps_max, acts) = match size {
        Size::Small => (1, 4, 30),
        Size::Medium => (3, 7, 80),
        Size::Large => (3, 8, 200),
    };
    let meet = dice.chance(40);
    let failures = [0, 3, 12, 40][dice.index(4)];
    let Moods { killers, restless, scarce } = Moods::of(seed, size);
    let mut runs: Vec<Planned> = (0..1 + dice.index(runs_max))
        .map(|_| {
            let world = World {
                seed: dice.roll(),
                once_seed: if meet { seed } else { dice.roll() },
                failures,
                killers: if killers { 4 } else { 0 },
                restless,
                wide: scarce && !restless && size == Size::Small,
                large: size == Size::Large && dice.chance(40),
                same_again: dice.chance(50),
            };
            let trigger = [Trigger::Event, Trigger::Manual, Trigger::Schedule][dice.index(3)];
            Planned { shape: draw(&mut dice, steps_max), world, connection: dice.index(3), trigger }
        })
        .collect();
    // Long listings under small limits would take months to drain.
    let kinds = if runs.iter().any(|r| r.world.large) { 2 } else { 4 };
    let mut limits: Vec<Limits> = (0..2).map(|_| limits(&mut dice, kinds)).collect();
    if restless {
        limits.iter_mut().for_each(|limits| limits.0.push(scarce_days()));
    }
    let workers = 1 + dice.index(3);
    let lead_ms = if dice.chance(30) { 80 } else { 0 };
    // A day's end is near in some histories.
    let noon = Millis(20_000 * Millis::DAY + Millis::DAY / 2);
    let start = if dice.chance(25) { Millis(20_001 * Millis::DAY - 30_000) } else { noon };
    let mut drawn: Vec<Act> = (0..runs.len()).map(|run| Act::Submit { run }).collect();
    // A key of a run that is being cancelled is free at a time that no rule fixes: where runs
    // meet, nothing is cancelled.
    while drawn.len() < acts {
        drawn.push(act(&mut dice, runs.len(), workers, !meet));
    }
    if scarce {
        make_scarce(seed, &mut runs, &mut limits, &mut drawn);
    }
    History { seed, size, start, runs, limits, workers, lead_ms, acts: drawn }
}

/// What only some histories are drawn with, by dice of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moods {
    /// Some items kill every worker that begins on them. Beside them, little else is leased.
    killers: bool,
    /// Listings begin again, tasks are given back, and every call is counted by the day.
    restless: bool,
    /// Many steps go newest first, some categories have few calls a day, and days pass.
    scarce: bool,
}

impl Moods {
    fn of(seed: u64, size: Size) -> Moods {
        let drawn = |salt, percent| Dice::new(mix(&[seed, size as u64, salt])).chance(percent);
        // Larger ones would take months of such days to drain.
        let restless = size == Size::Small && drawn(RESTLESS_SALT, 50);
        let scarce = size != Size::Large && drawn(SCARCE_SALT, 40);
        Moods { killers: drawn(KILLERS_SALT, 8), restless, scarce }
    }
}

/// Acts of a tail that is lost, and between one and the next.
const TAIL_MAX: usize = 20;
const TAILS_SALT: u64 = 5;

// Such that no history of `tests/seeds.txt` is of any kind.
const KILLERS_SALT: u64 = 2;
const RESTLESS_SALT: u64 = 12;
const SCARCE_SALT: u64 = 43;

/// So few calls a day that most days end with the last of them.
fn scarce_days() -> Limit {
    Limit::new(CategorySet::of(&Category::ALL), Period::Day, 25.0)
}

/// Makes a history one in which what is scarce goes newest first, by dice of its own.
fn make_scarce(seed: u64, runs: &mut [Planned], limits: &mut [Limits], acts: &mut [Act]) {
    let mut dice = Dice::new(mix(&[seed, SCARCE_SALT, 1]));
    for run in runs {
        let mut lines = run.shape.lines.clone();
        for line in lines.iter_mut().filter(|_| dice.chance(60)) {
            line.order = Order::NewestFirst;
        }
        // Something scarce, and what may be held back for its sake.
        let fed: Vec<(usize, usize)> = lines.iter().enumerate().filter_map(fed).collect();
        if let Some((scarce, feeder)) = fed.get(dice.index(fed.len().max(1))) {
            lines[*scarce].category = Some(Category::Heavy);
            lines[*feeder].category = [None, Some(Category::Light)][dice.index(2)];
            for line in [*scarce, *feeder] {
                lines[line].order = Order::NewestFirst;
            }
        }
        run.shape = shape(lines).expect("no join hangs on an order");
    }
    let counted = [
        CategorySet::of(&[Category::Heavy]),
        CategorySet::of(&[Category::Medium]),
        CategorySet::of(&[Category::Light]),
        CategorySet::of(&[Category::Heavy, Category::Medium]),
    ];
    for limits in limits {
        for at in [0, dice.index(4)] {
            // Half of them, by other limits, are still some.
            let calls = 2.0 + dice.below(4) as f64;
            limits.0.push(Limit::new(counted[at], Period::Day, calls));
        }
    }
    for act in acts {
        if let Act::Time { ms } = act
            && dice.chance(40)
        {
            *ms = (1 + dice.below(20)) as i64 * 3_600_000;
        }
    }
}

/// A step that is fed by another, and the first that feeds it.
fn fed((at, line): (usize, &Line)) -> Option<(usize, usize)> {
    match &line.from {
        From::Each(sources) => Some((at, sources.first()?.0)),
        From::Run | From::Literals(_) | From::Needs(_) => None,
    }
}

fn limits(dice: &mut Dice, kinds: u64) -> Limits {
    let limit = |categories: &[Category], period, calls| {
        Limit::new(CategorySet::of(categories), period, calls)
    };
    let light = [Category::Light];
    let medium = [Category::Medium];
    let heavy = [Category::Heavy, Category::ResourceIntensive];
    match dice.below(kinds) {
        0 => Limits::default(),
        1 => Limits(vec![
            limit(&light, Period::Second, 40.0),
            limit(&medium, Period::Second, 20.0),
            limit(&heavy, Period::Second, 10.0),
            limit(&heavy, Period::Day, 2_000.0),
        ]),
        2 => Limits(vec![
            limit(&light, Period::Second, 4.5),
            limit(&medium, Period::Second, 2.3),
            limit(&heavy, Period::Minute, 10.0),
            limit(&heavy, Period::Day, 12.5),
        ]),
        _ => Limits(vec![
            limit(&[Category::Light, Category::Medium], Period::Second, 7.0),
            limit(&light, Period::Day, 60.0),
        ]),
    }
}

fn act(dice: &mut Dice, runs: usize, workers: usize, cancels: bool) -> Act {
    let worker = dice.index(workers);
    let run = dice.index(runs);
    match dice.below(100) {
        0..52 => Act::Exchange {
            worker,
            share: dice.below(5),
            luck: dice.roll(),
            want: [0, 1, 3, 10, 40][dice.index(5)],
            lanes: if dice.chance(70) { 7 } else { dice.below(8) },
            answer_lost: dice.chance(8),
        },
        52..56 => Act::Repeat { worker },
        56..57 => Act::Older { worker },
        57..63 => Act::Stale { worker, luck: dice.roll() },
        63..66 => Act::Extend { worker, lease_ms: 10_000 + dice.below(50_000) as i64 },
        66..80 => Act::Time { ms: [5, 200, 1_000, 4_000, 20_000, 40_000, 310_000][dice.index(7)] },
        80..81 => Act::Time { ms: -[50, 3_000, 60_000][dice.index(3)] },
        81..82 => Act::Takeover { worker },
        82..85 => Act::Crash { worker },
        85..87 => Act::Pause { run },
        87..89 => Act::Resume { run },
        89..90 if cancels => Act::Cancel { run },
        89..95 => Act::Retry { run, luck: dice.roll() },
        95..96 => Act::Limits { account: dice.index(2), luck: dice.roll() },
        96..97 => Act::Restart,
        97..99 => Act::Snapshot,
        _ if dice.chance(70) => Act::Rollback,
        _ => Act::Submit { run },
    }
}

impl History {
    /// The same, but that the ledger loses its tail, again and again: at drawn points it falls
    /// back to where it was some acts before. The clock does not step back besides.
    #[must_use]
    pub fn losing_tails(mut self) -> History {
        let mut dice = Dice::new(mix(&[self.seed, TAILS_SALT]));
        let kept = |act: &Act| !matches!(act, Act::Snapshot | Act::Rollback);
        let mut acts = std::mem::take(&mut self.acts).into_iter().filter(kept).peekable();
        while acts.peek().is_some() {
            self.acts.extend(acts.by_ref().take(dice.index(TAIL_MAX)));
            self.acts.push(Act::Snapshot);
            self.acts.extend(acts.by_ref().take(1 + dice.index(TAIL_MAX)));
            self.acts.push(Act::Rollback);
        }
        for act in &mut self.acts {
            if let Act::Time { ms } = act {
                *ms = ms.abs();
            }
        }
        self
    }

    /// How many acts it has.
    pub fn acts(&self) -> usize {
        self.acts.len()
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begun = |run: &usize| self.acts.contains(&Act::Submit { run: *run });
        writeln!(f, "{} workers, from {} on", self.workers, self.start)?;
        for (at, run) in self.runs.iter().enumerate().filter(|(at, _)| begun(at)) {
            writeln!(f, "run{at} of connection{}, {:?}:", run.connection, run.trigger)?;
            for (step, line) in run.shape.lines.iter().enumerate() {
                let category = line.category.map_or("none", Category::name);
                writeln!(
                    f,
                    "  step{step}: {:?}{}{}{} {category} path {:?}",
                    line.from,
                    if line.order == Order::NewestFirst { " newest first" } else { "" },
                    if line.windows { " windows" } else { "" },
                    if line.once { " once" } else { "" },
                    run.shape.paths[step],
                )?;
            }
            for join in &run.shape.plan.joins {
                let watches: Vec<u16> = join.watches.iter().map(|s| s.0).collect();
                writeln!(f, "  step{} watches {watches:?}", join.step.0)?;
            }
        }
        for (at, act) in self.acts.iter().enumerate() {
            writeln!(f, "{at:4} {act}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A seed that once went wrong means something only while its history is drawn as it was.
    #[test]
    fn no_mood_changes_a_history_that_once_went_wrong() {
        for line in include_str!("../tests/seeds.txt").lines().filter(|l| !l.starts_with('#')) {
            let seed = line.trim().parse().expect("a seed a line");
            let moods = Moods::of(seed, Size::of(seed));
            assert_eq!(
                moods,
                Moods { killers: false, restless: false, scarce: false },
                "seed {seed}"
            );
        }
    }
}
