//! A virtual account: what each call brings, decided by a seed and the item alone.

use watershed_ledger::{Checkpoint, End, Leased, Outcome, Repeat, Settle};
use watershed_model::{Brood, Child, KNOWN, Kin, Millis, RetryCause, StepId, Throttle};

use crate::dice::{Dice, mix, of_text};
use crate::sketch::{Fan, From, Shape, id};

/// What the account holds for one run.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Decides everything.
    pub(crate) seed: u64,
    /// Decides `once` values; runs that share it meet.
    pub(crate) once_seed: u64,
    /// Calls of a hundred that fail for good.
    pub(crate) failures: u64,
    /// Items of a hundred that take every worker with them that begins on them.
    pub(crate) killers: u64,
    /// Whether listings begin again, and tasks are given back, more often than elsewhere.
    pub(crate) restless: bool,
    /// Whether the first fan-outs bring more than elsewhere.
    pub(crate) wide: bool,
    /// Whether some listings are long and some items large.
    pub(crate) large: bool,
    /// Whether what is done once more brings the same branches once more.
    pub(crate) same_again: bool,
}

/// The join items of the run itself.
pub(crate) type Joins = Vec<(StepId, Vec<String>)>;

impl World {
    /// What hangs under the run itself.
    pub(crate) fn seeds(&self, shape: &Shape) -> (Vec<Kin>, Joins) {
        let mut kin = self.branch(shape, &[], "run");
        for (at, line) in shape.lines.iter().enumerate() {
            if let From::Literals(n) = line.from {
                for value in 0..n {
                    kin.extend(self.branch(shape, &[Fan::Literals(at)], &format!("l{at}.{value}")));
                }
            }
        }
        (kin, self.joins(shape, &[], "run"))
    }

    /// Whether a worker that has this leased never comes to settle it. Marked as poisoned, it
    /// makes no call, and nobody dies.
    pub(crate) fn kills(&self, leased: &Leased) -> bool {
        let h = mix(&[self.seed, 13, u64::from(leased.step.0), of_text(&leased.item)]);
        !leased.poisoned && h % 100 < self.killers
    }

    /// What comes of a call, where the account and the network do their best or worst:
    /// `luck` decides what passes, the item what stays.
    pub(crate) fn answer(
        &self,
        shape: &Shape,
        leased: &Leased,
        generation: usize,
        luck: Option<u64>,
        now: Millis,
    ) -> Settle {
        let generation = if self.same_again { 0 } else { generation };
        let branch = branch_of(&leased.item, generation);
        let h = mix(&[self.seed, u64::from(leased.step.0), of_text(&branch)]);
        let mut settle = Settle::after(1, leased.fence, Outcome::Failed);
        settle.repeats = (leased.lost > 0).then_some(Repeat::LostLease);
        if leased.poisoned {
            settle.calls = 0;
            return settle;
        }
        if let Some(luck) = luck
            && self.restless
            && let Some(outcome) = restless(leased, luck, &mut settle)
        {
            settle.outcome = outcome;
            settle.least = 0;
            return settle;
        }
        if let Some(luck) = luck
            && let Some(outcome) = passing(leased, luck, now, &mut settle)
        {
            settle.outcome = outcome;
            settle.least = 0;
            return settle;
        }
        settle.outcome = self.lasting(shape, leased, &branch, h, now, &mut settle.calls);
        settle
    }

    /// What a task brings each time it is asked.
    fn lasting(
        &self,
        shape: &Shape,
        leased: &Leased,
        branch: &str,
        h: u64,
        now: Millis,
        calls: &mut u16,
    ) -> Outcome {
        let step = leased.step.index();
        let long = self.restless || h.is_multiple_of(4);
        let pages = if long { 1 + (h >> 8) % 4 } else { 1 };
        let page = leased.checkpoint.as_ref().map_or(0, |c| u64::from(c.pages));
        if (h >> 16) % 100 < self.failures && page == (h >> 24) % pages {
            return Outcome::Failed;
        }
        let closed = |broods, end| Outcome::Closed { broods, end };
        match (h >> 32) % 40 {
            0 | 1 => {
                let broods = if shape.lines[step].continues {
                    self.page(shape, step, branch, 0..1)
                } else {
                    Vec::new()
                };
                return closed(broods, End::Unavailable);
            }
            2 => {
                *calls = 0;
                return closed(Vec::new(), End::Skipped);
            }
            3 => return closed(Vec::new(), End::Waiting),
            _ => {}
        }
        let depth = shape.paths[step].len();
        let most = [6, 4, 3, 3, 2, 2, 1][depth.min(6)];
        let mut records = (h >> 40) % (most + 1);
        if self.wide && depth <= 1 {
            records *= 2;
        }
        let root = !matches!(shape.lines[step].from, From::Each(_) | From::Needs(_));
        if self.large && root && (h >> 48).is_multiple_of(3) {
            records = 350;
        }
        // Pages overlap: a list that moves while it is read.
        let from = (page * records).saturating_sub(page.min(1));
        let mut broods = self.page(shape, step, branch, from..(page + 1) * records);
        if (h >> 52).is_multiple_of(5)
            && let Some(first) = broods.first().cloned()
        {
            broods.push(first);
        }
        if page + 1 < pages {
            let first_at = leased.checkpoint.as_ref().map_or(now, |c| c.first_at);
            let checkpoint = Checkpoint {
                token: format!("page{}", page + 1),
                token_at: now,
                first_at,
                pages: page as u32 + 1,
                rows: (page + 1) * records,
            };
            Outcome::More { broods, checkpoint }
        } else {
            closed(broods, End::Done)
        }
    }

    fn page(
        &self,
        shape: &Shape,
        step: usize,
        branch: &str,
        records: std::ops::Range<u64>,
    ) -> Vec<Brood> {
        records
            .map(|record| Brood {
                key: mix(&[record]),
                kin: self.children(shape, step, &format!("{branch}/r{record}")),
            })
            .collect()
    }

    /// The children of one record of a step.
    fn children(&self, shape: &Shape, step: usize, record: &str) -> Vec<Kin> {
        let files = mix(&[self.seed, of_text(record)]) % 3;
        let file = |n: u64| format!("{record}/f{n}");
        let path = |fan| [shape.paths[step].clone(), vec![fan]].concat();
        let mut kin = self.branch(shape, &path(Fan::Items(step)), record);
        for n in 0..files {
            kin.extend(self.branch(shape, &path(Fan::Files(step)), &file(n)));
        }
        for (at, line) in shape.lines.iter().enumerate() {
            let From::Each(sources) = &line.from else { continue };
            if sources.len() < 2 {
                continue;
            }
            let end = shape.paths[at].iter().position(|f| *f == Fan::Union(at)).unwrap_or(0);
            let union = &shape.paths[at][..=end];
            if sources.contains(&(step, false)) {
                kin.extend(self.branch(shape, union, &format!("u{at}:{record}")));
            }
            if sources.contains(&(step, true)) {
                for n in 0..files {
                    kin.extend(self.branch(shape, union, &format!("u{at}:{}", file(n))));
                }
            }
        }
        kin
    }

    /// One branch at the end of that path, whole: its tasks, its windows, its scope.
    fn branch(&self, shape: &Shape, path: &[Fan], branch: &str) -> Vec<Kin> {
        let mut kin = Vec::new();
        for (at, own) in shape.paths.iter().enumerate() {
            if matches!(shape.lines[at].from, From::Needs(_)) {
                continue;
            }
            if own == path {
                kin.push(Kin::Task(self.child(shape, at, branch)));
            } else if own.last() == Some(&Fan::Windows(at)) && own[..own.len() - 1] == *path {
                for window in 0..1 + mix(&[self.seed, at as u64, of_text(branch)]) % 3 {
                    kin.extend(self.branch(shape, own, &format!("{branch}/w{window}")));
                }
            }
        }
        match shape.levels.iter().position(|level| level == path) {
            Some(level) if level > 0 => vec![Kin::Scope {
                level: level as u8,
                key: mix(&[level as u64, of_text(branch)]),
                joins: self.joins(shape, path, branch),
                kin,
            }],
            _ => kin,
        }
    }

    fn child(&self, shape: &Shape, at: usize, branch: &str) -> Child {
        let h = mix(&[self.seed, 7, at as u64, of_text(branch)]);
        let mut item = branch.to_owned();
        if self.large && h.is_multiple_of(16) {
            item.push('#');
            item.push_str(&"x".repeat(900));
        }
        let once = shape.lines[at].once.then(|| mix(&[self.once_seed, (h >> 8) % 9]));
        let bucket = match (h >> 16) % 16 {
            0 | 1 => 0,
            2 => KNOWN,
            _ => 24_300 + ((h >> 20) % 4) as u16,
        };
        let together = (h >> 28).is_multiple_of(4);
        Child { step: id(at), item, once, bucket, together }
    }

    /// The items with which the joins that stand at that path run there.
    fn joins(&self, shape: &Shape, path: &[Fan], branch: &str) -> Joins {
        let mut joins = Vec::new();
        for (at, line) in shape.lines.iter().enumerate() {
            if !matches!(line.from, From::Needs(_)) || shape.paths[at] != path {
                continue;
            }
            let h = mix(&[self.seed, 11, at as u64, of_text(branch)]);
            let n = match h % 8 {
                0 => 0,
                1 => 2,
                _ => 1,
            };
            let n = if line.windows { n * 2 } else { n };
            joins.push((id(at), (0..n).map(|i| format!("j{at}.{i}@{branch}")).collect()));
        }
        joins
    }
}

/// The branch of an item, made new where the item is worked on once more.
fn branch_of(item: &str, generation: usize) -> String {
    let branch = item.split('#').next().unwrap_or(item);
    if generation == 0 { branch.to_owned() } else { format!("{branch}~{generation}") }
}

/// What comes between in a history where nothing goes on for long.
fn restless(leased: &Leased, luck: u64, settle: &mut Settle) -> Option<Outcome> {
    let mut dice = Dice::new(mix(&[luck, of_text(&leased.item), u64::from(leased.step.0), 1]));
    match dice.below(100) {
        0..25 if leased.checkpoint.is_some() => Some(Outcome::Restart),
        25..40 => {
            settle.calls = 0;
            Some(Outcome::Released)
        }
        _ => None,
    }
}

/// What passes: the same call would go otherwise another time.
fn passing(leased: &Leased, luck: u64, now: Millis, settle: &mut Settle) -> Option<Outcome> {
    let mut dice = Dice::new(mix(&[luck, of_text(&leased.item), u64::from(leased.step.0)]));
    match dice.below(100) {
        0..8 => {
            settle.repeats = Some(Repeat::Retry(RetryCause::ServerError));
            let at = now + dice.below(20_000) as i64;
            Some(Outcome::Retry { at, counts: true })
        }
        8..11 => {
            if let Some(category) = leased.category {
                let until = now + dice.below(5_000) as i64;
                settle.throttle = Some(Throttle { category, daily: false, until });
            }
            Some(Outcome::Retry { at: now + 1_000, counts: false })
        }
        11..14 => Some(Outcome::Restart),
        14..19 => {
            settle.calls = 0;
            Some(Outcome::Released)
        }
        19..22 => Some(Outcome::Failed),
        22..25 => {
            settle.repeats = Some(Repeat::NotYet);
            Some(Outcome::NotYet { at: now + dice.below(20_000) as i64 })
        }
        _ => None,
    }
}
