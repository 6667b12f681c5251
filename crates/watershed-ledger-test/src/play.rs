//! A history being played: workers that hold leases, a clock, a ledger, the oracle.

use std::any::Any;
use std::collections::BTreeMap;

use watershed_ledger::{Command, Exchange, Leased, Letter, Recount, Reply, Submit};
use watershed_model::{
    AccountId, CategorySet, ConnectionName, DayCalls, Limit, Limits, Millis, RunId, RunState,
    WorkerId, hash64,
};

use crate::check::Stats;
use crate::dice::{Dice, mix};
use crate::history::{Act, History};
use crate::oracle::{Oracle, Stage, Wrong};
use crate::subject::{Capability, Subject};
use crate::tell::tell;

/// Rounds in which everything that is left must come to its end.
const ROUNDS_MAX: usize = 100_000;
/// After so many the limits are widened: a day's few calls would bring a large tree to its end in
/// years, and nothing new comes of them.
const PATIENCE: usize = 2_000;
/// Added to the time at which the ledger says to ask again, so that draining takes few rounds.
const DRAIN_STEP_MS: i64 = 300;
/// Failed runs are resumed so often while draining; each may fail again.
const RESUMES_MAX: usize = 30;

/// A worker as it knows itself.
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) sequence: u64,
    pub(crate) held: Vec<Leased>,
    /// Tasks that would kill it: it holds them, and never has an answer.
    pub(crate) kills: Vec<Leased>,
    pub(crate) last: Option<Exchange>,
    /// The answer to its last exchange was lost: it says it again.
    pub(crate) unanswered: bool,
    /// It never heard some answer.
    pub(crate) unheard: bool,
    /// Runs that had been submitted when it said that.
    pub(crate) submitted: usize,
}

/// A history being played.
pub(crate) struct Play<'a> {
    pub(crate) history: &'a History,
    subject: Box<dyn Subject>,
    pub(crate) oracle: Oracle,
    pub(crate) now: Millis,
    pub(crate) workers: Vec<Worker>,
    /// Fences that were once somebody's.
    pub(crate) old: Vec<Leased>,
    kept: Option<(Box<dyn Any>, Oracle)>,
    /// The lanes of runs, as they were submitted.
    pub(crate) submitted: Vec<ConnectionName>,
    births: u64,
    /// Calls of days, as they were told last, by account, categories and day: what outlives the
    /// ledger.
    days: BTreeMap<(AccountId, CategorySet, i64), DayCalls>,
    pub(crate) dice: Dice,
    pub(crate) stats: Stats,
    /// Whether what is said is kept in the log.
    tell: bool,
    /// What was said and answered, told short.
    pub(crate) log: Vec<String>,
}

impl<'a> Play<'a> {
    pub(crate) fn new(history: &'a History, subject: Box<dyn Subject>, tell: bool) -> Play<'a> {
        let mut play = Play {
            history,
            subject,
            oracle: Oracle::default(),
            now: history.start,
            workers: Vec::new(),
            old: Vec::new(),
            kept: None,
            submitted: Vec::new(),
            births: 0,
            days: BTreeMap::new(),
            dice: Dice::new(mix(&[history.seed, 99])),
            stats: Stats::default(),
            tell,
            log: Vec::new(),
        };
        for _ in 0..history.workers {
            let worker = play.born();
            play.workers.push(worker);
        }
        play
    }

    fn born(&mut self) -> Worker {
        self.births += 1;
        let id = WorkerId(format!("worker{}", self.births));
        let (held, kills) = (Vec::new(), Vec::new());
        let (last, unanswered, unheard) = (None, false, false);
        Worker { id, sequence: 0, held, kills, last, unanswered, unheard, submitted: 0 }
    }

    /// Plays every act, then drains; tells the act that it is at.
    pub(crate) fn all(&mut self, at: &mut usize) -> Result<(), Wrong> {
        for (account, limits) in self.history.limits.iter().enumerate() {
            self.set_limits(account, limits.clone())?;
        }
        for (index, act) in self.history.acts.iter().enumerate() {
            *at = index;
            self.act(act)?;
            self.look()?;
        }
        *at = self.history.acts.len();
        self.drain()?;
        let nodes = self.oracle.runs.values().flat_map(|r| &r.tree.nodes);
        let known = nodes.filter(|n| n.stage == Stage::Known).count();
        self.stats.reach("a `once` key that is open elsewhere", known);
        Ok(())
    }

    fn act(&mut self, act: &Act) -> Result<(), Wrong> {
        self.stats.reach(act.name(), 1);
        match act {
            Act::Submit { run } => self.submit(*run),
            Act::Exchange { worker, share, luck, want, lanes, answer_lost } => {
                let settles = self.settles(*worker, *share, Some(*luck));
                let want = self.want(*want, *lanes);
                self.exchange(*worker, settles, want, *answer_lost)
            }
            Act::Repeat { worker } => {
                let who = &self.workers[*worker];
                let seen = self.oracle.workers.get(&who.id).map(|(known, _)| *known);
                match who.last.clone().filter(|_| !self.spoke_to_fewer(*worker)) {
                    Some(last) => {
                        // Carried out anew after a rollback, it takes leases of the same
                        // numbers; a ledger does not come back within the millisecond.
                        if !who.unanswered && seen != Some(last.sequence) {
                            self.now = self.now + 1;
                        }
                        self.send(*worker, last)
                    }
                    None => Ok(()),
                }
            }
            Act::Older { worker } => {
                // After a rollback the ledger may not have seen the last one: then none is older.
                // Nor has an account heard of the worker, where a ledger counts the exchanges of
                // each and the last one was its first there.
                let seen = self.oracle.workers.get(&self.workers[*worker].id);
                match (self.workers[*worker].last.clone(), seen) {
                    (Some(mut last), Some((known, _))) if *known >= last.sequence.max(2) => {
                        // Older than any of any account.
                        last.sequence = 0;
                        self.send(*worker, last)
                    }
                    _ => Ok(()),
                }
            }
            Act::Stale { worker, luck } => self.stale(*worker, *luck),
            Act::Extend { worker, lease_ms } => self.extend(*worker, *lease_ms),
            Act::Time { ms } => {
                self.now = self.now + *ms;
                Ok(())
            }
            Act::Takeover { worker } => {
                let worker = self.workers[*worker].id.clone();
                self.say(Command::Takeover { worker }).map(|_| ())
            }
            Act::Crash { worker } => {
                let born = self.born();
                let dead = std::mem::replace(&mut self.workers[*worker], born);
                self.remember(dead.held);
                Ok(())
            }
            Act::Pause { run } => self.turn(*run, Command::Pause),
            Act::Resume { run } => self.turn(*run, Command::Resume),
            Act::Cancel { run } => self.turn(*run, Command::Cancel),
            Act::Retry { run, luck } => self.retry(*run, *luck),
            Act::Limits { account, luck } => self.limits(*account, *luck),
            Act::Restart => {
                if self.subject.supports(Capability::Restart) {
                    self.subject.restart();
                }
                Ok(())
            }
            Act::Snapshot => {
                if self.subject.supports(Capability::Rollback) {
                    self.kept = Some((self.subject.snapshot(), self.oracle.clone()));
                }
                Ok(())
            }
            Act::Rollback => {
                let Some((state, oracle)) = &self.kept else { return Ok(()) };
                self.subject.restore(state.as_ref());
                let (mut oracle, lives_on) =
                    (oracle.clone(), self.subject.supports(Capability::CoolDown));
                if lives_on {
                    oracle.lost_tail(&self.oracle);
                }
                self.oracle = oracle;
                self.stats.rollbacks += 1;
                if lives_on { Ok(()) } else { self.begun_again() }
            }
        }
    }

    /// Says a command; the oracle judges the answer.
    pub(crate) fn say(&mut self, command: Command) -> Result<Option<Reply>, Wrong> {
        self.stats.commands += 1;
        let answer = self.subject.execute(command.clone(), self.now);
        if self.tell {
            self.log.push(tell(&command, self.now, &answer));
        }
        self.oracle.follow(&command, self.now, &answer)?;
        self.stats.ended += self.oracle.ended.len() as u64;
        self.stats.reach("a day's count that was lost, and told", self.oracle.recalled);
        Ok(answer.ok())
    }

    fn look(&mut self) -> Result<(), Wrong> {
        let ids: Vec<RunId> = self.oracle.runs.keys().cloned().collect();
        for id in ids {
            let view = self.subject.view(&id).map_err(|e| format!("no view of {id}: {e}"))?;
            let view = view.ok_or_else(|| format!("{id} is not known"))?;
            self.oracle.look(&id, &view, self.now)?;
        }
        Ok(())
    }

    fn submit(&mut self, at: usize) -> Result<(), Wrong> {
        let planned = &self.history.runs[at];
        let (kin, joins) = planned.world.seeds(&planned.shape);
        let plan = planned.shape.plan.clone();
        let text = format!("{plan:?}");
        let submit = Submit {
            run: run_id(at),
            connection: connection(planned.connection),
            account: account_id(planned.connection / 2),
            plan_hash: format!("{:016x}", hash64(&[text.as_bytes()])).into(),
            plan,
            inputs: Default::default(),
            granted: Vec::new(),
            trigger: planned.trigger,
            kin,
            joins,
        };
        self.submitted.push(connection(planned.connection));
        self.say(Command::Submit(Box::new(submit))).map(|_| ())
    }

    fn turn(&mut self, run: usize, command: fn(RunId) -> Command) -> Result<(), Wrong> {
        if !self.oracle.runs.contains_key(&run_id(run)) {
            return Ok(());
        }
        self.say(command(run_id(run))).map(|_| ())
    }

    fn retry(&mut self, run: usize, luck: u64) -> Result<(), Wrong> {
        let Some(known) = self.oracle.runs.get(&run_id(run)) else { return Ok(()) };
        let mut dice = Dice::new(luck);
        let mut letters: Vec<Letter> = Vec::new();
        let mut folded = 0;
        for node in known.tree.failed() {
            // A letter of a join that has run twice stands for either.
            let same = |l: &Letter| l.step == node.step && l.item == node.item;
            if letters.len() < 5 && dice.chance(60) && !letters.iter().any(same) {
                folded += usize::from(known.tree.folded(&known.submit.plan, node.scope));
                letters.push(Letter {
                    step: node.step,
                    item: node.item.clone(),
                    once: node.once,
                    bucket: node.bucket,
                    scopes: known.tree.seeds(node.scope),
                });
            }
        }
        if letters.is_empty() {
            return Ok(());
        }
        self.stats.put_back += letters.len() as u64;
        self.stats.reach("a retry after its branch has folded", folded);
        self.say(Command::Retry { run: run_id(run), letters }).map(|_| ())
    }

    fn limits(&mut self, account: usize, luck: u64) -> Result<(), Wrong> {
        let factor = [0.5, 1.0, 2.0][(luck % 3) as usize];
        let scaled = |l: &Limit| Limit { calls: l.calls * factor, ..*l };
        let limits = Limits(self.history.limits[account].0.iter().map(scaled).collect());
        self.set_limits(account, limits)
    }

    /// Limits are said with what the sink knows of days.
    fn set_limits(&mut self, account: usize, limits: Limits) -> Result<(), Wrong> {
        self.tell_days(account_id(account), limits, None)
    }

    fn tell_days(
        &mut self,
        account: AccountId,
        limits: Limits,
        recount: Option<Millis>,
    ) -> Result<(), Wrong> {
        let of = |day: &&DayCalls| day.account == account;
        let days = self.days.values().filter(of).cloned().collect();
        self.say(Command::SetLimits { account, limits, days, recount }).map(|_| ())
    }

    /// Tells a ledger that asks for it what the sink knows of days.
    pub(crate) fn recount(&mut self, asked: Vec<Recount>) -> Result<(), Wrong> {
        for Recount { account, asked_at } in asked {
            let audit = self.oracle.audits.get(&account);
            let limits = Limits(audit.map(|audit| audit.limits().to_vec()).unwrap_or_default());
            self.tell_days(account, limits, Some(asked_at))?;
        }
        Ok(())
    }

    /// A process that begins on what is left of a ledger says the limits, which are not the
    /// sink's to lose.
    fn begun_again(&mut self) -> Result<(), Wrong> {
        for account in 0..self.history.limits.len() {
            let audit = self.oracle.audits.get(&account_id(account));
            let limits = audit.map(|audit| audit.limits().to_vec()).unwrap_or_default();
            self.set_limits(account, Limits(limits))?;
        }
        Ok(())
    }

    /// What a worker hears of days, the sink knows.
    pub(crate) fn write_days(&mut self, days: &[DayCalls]) {
        for day in days {
            let key = (day.account.clone(), day.categories, day.day);
            let known = self.days.entry(key).or_insert_with(|| day.clone());
            if known.at <= day.at {
                *known = day.clone();
            }
        }
    }

    /// Lets thirty times as many calls be made.
    fn wider_limits(&mut self) -> Result<(), Wrong> {
        for account in 0..self.history.limits.len() {
            let limits = self.history.limits[account].0.iter();
            let wide = limits.map(|l| Limit { calls: l.calls * 30.0, ..*l }).collect();
            self.set_limits(account, Limits(wide))?;
        }
        Ok(())
    }

    /// Goes on, without trouble, until nothing is left: whatever is open must come to its end.
    fn drain(&mut self) -> Result<(), Wrong> {
        let mut resumes = 0;
        for round in 0..ROUNDS_MAX {
            let stuck: Vec<(usize, RunState)> = self.states();
            for (run, state) in stuck {
                let again = state == RunState::Failed && resumes < RESUMES_MAX;
                if state == RunState::Paused || again {
                    resumes += usize::from(again);
                    self.turn(run, Command::Resume)?;
                }
            }
            if round == PATIENCE {
                self.wider_limits()?;
            }
            let worker = round % self.workers.len();
            let settles = self.settles(worker, 4, None);
            let want = self.want(40, 7);
            self.exchange(worker, settles, want, false)?;
            if round.is_multiple_of(16) {
                self.look()?;
            }
            let held = self.workers.iter().any(|w| !w.held.is_empty());
            let ended = self.states().iter().all(|(_, state)| match state {
                RunState::Complete | RunState::Cancelled => true,
                RunState::Failed => resumes >= RESUMES_MAX,
                _ => false,
            });
            if ended && !held {
                return self.look();
            }
            if !held {
                self.now = self.next_moment();
            }
        }
        Err(format!("not drained after {ROUNDS_MAX} rounds: {:?}", self.states()))
    }

    fn states(&self) -> Vec<(usize, RunState)> {
        self.oracle.runs.iter().map(|(id, run)| (run_index(id), run.state)).collect()
    }

    /// When the ledger said to ask again.
    fn next_moment(&self) -> Millis {
        let answers = self.workers.iter().filter_map(|w| self.oracle.workers.get(&w.id));
        let last = answers.map(|(_, answer)| answer).max_by_key(|a| a.now);
        let ask = last.and_then(|a| a.ask_again_at).unwrap_or(self.now + 1_000) + DRAIN_STEP_MS;
        Millis(ask.0.max(self.now.0 + 1))
    }
}

fn run_id(at: usize) -> RunId {
    RunId(format!("run{at}"))
}

pub(crate) fn run_index(id: &RunId) -> usize {
    id.as_str().trim_start_matches("run").parse().expect("runs are numbered")
}

pub(crate) fn connection(at: usize) -> ConnectionName {
    ConnectionName(format!("connection{at}"))
}

fn account_id(at: usize) -> AccountId {
    AccountId(format!("account{at}"))
}
