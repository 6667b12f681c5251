//! What the cases are told with: runs, workers, a clock. The oracle listens to all of it.

use std::any::Any;

use watershed_ledger::{
    Checkpoint, Command, End, Error, Exchange, Exchanged, LeaseId, Leased, Letter, Outcome, Reply,
    RunView, Settle, Settled, StepCounts, Submit, Want,
};
use watershed_model::{
    Brood, Category, CategorySet, Child, Kin, Limit, Limits, Millis, Period, RunId, RunState,
    StepId, Trigger, hash64,
};

use crate::oracle::Oracle;
use crate::sketch::{Line, shape};
use crate::subject::Subject;

/// A morning of some day.
pub(super) const START: Millis = Millis(20_000 * Millis::DAY + 36_000_000);
pub(super) const LEASE_MS: i64 = 30_000;

/// A ledger under test, with whoever talks to it.
pub(super) struct Scenario {
    subject: Box<dyn Subject>,
    oracle: Oracle,
    pub(super) now: Millis,
    sequence: u64,
    /// How far ahead a permit's start may lie.
    pub(super) horizon_ms: i64,
    last: Option<(Command, Exchanged)>,
}

/// A state that was kept.
pub(super) struct Kept(Box<dyn Any>, Oracle);

impl Scenario {
    pub(super) fn on(subject: Box<dyn Subject>) -> Scenario {
        Scenario {
            subject,
            oracle: Oracle::default(),
            now: START,
            sequence: 0,
            horizon_ms: 0,
            last: None,
        }
    }

    pub(super) fn after(&mut self, ms: i64) -> &mut Scenario {
        self.now = self.now + ms;
        self
    }

    /// Says a command that fits.
    pub(super) fn say(&mut self, command: Command) -> Reply {
        let answer = self.subject.execute(command.clone(), self.now);
        if let Err(wrong) = self.oracle.follow(&command, self.now, &answer) {
            panic!("{wrong}");
        }
        let runs: Vec<RunId> = self.oracle.runs.keys().cloned().collect();
        for run in runs {
            let view = self.view(run.as_str());
            if let Err(wrong) = self.oracle.look(&run, &view, self.now) {
                panic!("{wrong}");
            }
        }
        answer.expect("the command fits")
    }

    /// Says a command that fits, the oracle not listening: it walks everything each time, and a
    /// case with thousands of items tells by itself what must hold.
    pub(super) fn say_alone(&mut self, command: Command) -> Reply {
        self.subject.execute(command, self.now).expect("the command fits")
    }

    /// What the ledger's state takes.
    pub(super) fn size(&mut self) -> u64 {
        self.subject.size()
    }

    /// Says a command that does not fit: it must change nothing.
    pub(super) fn refused(&mut self, command: Command) -> Error {
        let runs: Vec<RunId> = self.oracle.runs.keys().cloned().collect();
        let before: Vec<RunView> = runs.iter().map(|r| self.view(r.as_str())).collect();
        let answer = self.subject.execute(command, self.now);
        let after: Vec<RunView> = runs.iter().map(|r| self.view(r.as_str())).collect();
        assert_eq!(before, after, "a refused command changed a run");
        answer.expect_err("the command does not fit")
    }

    /// A run by an operator in lane `zoom`.
    pub(super) fn run(
        &mut self,
        name: &str,
        lines: Vec<Line>,
        kin: Vec<Kin>,
        joins: Vec<(u16, &[&str])>,
    ) {
        let submit = submit(name, "zoom", Trigger::Manual, lines, kin, joins);
        self.say(Command::Submit(Box::new(submit)));
    }

    pub(super) fn view(&mut self, run: &str) -> RunView {
        let view = self.subject.view(&run.into()).expect("the view is given");
        view.unwrap_or_else(|| panic!("{run} is not known"))
    }

    pub(super) fn state(&mut self, run: &str) -> RunState {
        self.view(run).state
    }

    pub(super) fn step(&mut self, run: &str, step: usize) -> StepCounts {
        self.view(run).steps[step]
    }

    /// Name of each worker, when it spoke last, leases that it has.
    pub(super) fn workers(&mut self) -> Vec<(String, i64, u64)> {
        let workers = self.subject.workers().expect("the workers are told");
        workers.into_iter().map(|of| (of.worker.0, of.seen_at.0, of.leases)).collect()
    }

    pub(super) fn exchange(
        &mut self,
        worker: &str,
        lanes: &[&str],
        tasks: u16,
        settles: Vec<Settle>,
    ) -> Exchanged {
        let command = Command::Exchange(self.next_exchange(worker, lanes, tasks, settles));
        let answer = self.exchanged(command.clone());
        self.last = Some((command, answer.clone()));
        answer
    }

    fn next_exchange(
        &mut self,
        worker: &str,
        lanes: &[&str],
        tasks: u16,
        settles: Vec<Settle>,
    ) -> Exchange {
        self.sequence += 1;
        Exchange {
            worker: worker.into(),
            sequence: self.sequence,
            random: self.sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            settles,
            held: None,
            want: Want {
                lanes: lanes.iter().map(|lane| (*lane).into()).collect(),
                tasks,
                lease_ms: LEASE_MS,
                horizon_ms: self.horizon_ms,
                lead_ms: 0,
            },
        }
    }

    /// An exchange in lane `zoom`, the oracle not listening.
    pub(super) fn exchange_alone(&mut self, tasks: u16, settles: Vec<Settle>) -> Exchanged {
        let exchange = self.next_exchange("w", &["zoom"], tasks, settles);
        match self.say_alone(Command::Exchange(exchange)) {
            Reply::Exchanged(answer) => answer,
            other => panic!("an exchange was answered by {other:?}"),
        }
    }

    /// Says the last exchange again; gives the first answer and the second.
    pub(super) fn repeat(&mut self) -> (Exchanged, Exchanged) {
        let (command, first) = self.last.clone().expect("there was an exchange");
        (first, self.exchanged(command))
    }

    /// Says the last exchange with another sequence number.
    pub(super) fn last_as(&mut self, sequence: u64) -> Exchanged {
        let (command, _) = self.last.clone().expect("there was an exchange");
        let Command::Exchange(mut exchange) = command else { panic!("no exchange") };
        exchange.sequence = sequence;
        self.exchanged(Command::Exchange(exchange))
    }

    fn exchanged(&mut self, command: Command) -> Exchanged {
        match self.say(command) {
            Reply::Exchanged(answer) => answer,
            other => panic!("an exchange was answered by {other:?}"),
        }
    }

    /// What a worker gets of lane `zoom`.
    pub(super) fn lease(&mut self, worker: &str, tasks: u16) -> Vec<Leased> {
        self.exchange(worker, &["zoom"], tasks, Vec::new()).leased
    }

    /// The one task that is to be had.
    pub(super) fn lease_one(&mut self, worker: &str) -> Leased {
        let mut leased = self.lease(worker, 10);
        assert_eq!(leased.len(), 1, "one task was to be had: {leased:?}");
        leased.remove(0)
    }

    /// Settles one task, asking for nothing.
    pub(super) fn settle(&mut self, worker: &str, leased: &Leased, outcome: Outcome) -> Settled {
        let settle = of(leased, outcome);
        self.exchange(worker, &["zoom"], 0, vec![settle]).settled[0]
    }

    /// Settles one task, which must be accepted.
    pub(super) fn close(&mut self, worker: &str, leased: &Leased, outcome: Outcome) {
        assert_eq!(self.settle(worker, leased, outcome), Settled::Accepted);
    }

    /// Leases and closes whatever is to be had, without children, until nothing is; gives the
    /// items in the order in which they came.
    pub(super) fn finish(&mut self, worker: &str) -> Vec<String> {
        let mut items = Vec::new();
        loop {
            let leased = self.lease(worker, 100);
            if leased.is_empty() {
                return items;
            }
            items.extend(leased.iter().map(|l| l.item.clone()));
            let settles = leased.iter().map(|l| of(l, done())).collect();
            self.exchange(worker, &["zoom"], 0, settles);
        }
    }

    pub(super) fn extend(&mut self, worker: &str, leases: Vec<LeaseId>) -> Vec<LeaseId> {
        let worker = worker.into();
        match self.say(Command::Extend { worker, leases, lease_ms: LEASE_MS }) {
            Reply::Extended { lost } => lost,
            other => panic!("an extension was answered by {other:?}"),
        }
    }

    pub(super) fn retry(&mut self, run: &str, letters: Vec<Letter>) {
        let put_back = letters.len() as u64;
        let reply = self.say(Command::Retry { run: run.into(), letters });
        assert_eq!(reply, Reply::PutBack { letters: put_back });
    }

    /// Limits of account `account`, each of a period, categories and calls.
    pub(super) fn limits(&mut self, limits: &[(Period, &[Category], f64)]) {
        let limit = |(period, categories, calls): &(Period, &[Category], f64)| {
            Limit::new(CategorySet::of(categories), *period, *calls)
        };
        let limits = Limits(limits.iter().map(limit).collect());
        self.say(Command::SetLimits {
            account: "account".into(),
            limits,
            days: Vec::new(),
            recount: None,
        });
    }

    pub(super) fn keep(&mut self) -> Kept {
        Kept(self.subject.snapshot(), self.oracle.clone())
    }

    pub(super) fn roll_back(&mut self, kept: &Kept) {
        self.subject.restore(kept.0.as_ref());
        self.oracle = kept.1.clone();
    }

    pub(super) fn restart(&mut self) {
        self.subject.restart();
    }
}

pub(super) fn submit(
    name: &str,
    lane: &str,
    trigger: Trigger,
    lines: Vec<Line>,
    kin: Vec<Kin>,
    joins: Vec<(u16, &[&str])>,
) -> Submit {
    let plan = shape(lines).expect("the joins can stand there").plan;
    Submit {
        run: name.into(),
        connection: lane.into(),
        account: "account".into(),
        plan_hash: format!("{:016x}", hash64(&[format!("{plan:?}").as_bytes()])).into(),
        plan,
        inputs: Default::default(),
        granted: Vec::new(),
        trigger,
        kin,
        joins: items(joins),
    }
}

fn items(joins: Vec<(u16, &[&str])>) -> Vec<(StepId, Vec<String>)> {
    let owned = |items: &[&str]| items.iter().map(|i| (*i).to_owned()).collect();
    joins.into_iter().map(|(step, items)| (StepId(step), owned(items))).collect()
}

/// A child of a step.
pub(super) fn task(step: u16, item: &str) -> Kin {
    Kin::Task(Child {
        step: StepId(step),
        item: item.to_owned(),
        once: None,
        bucket: 0,
        together: false,
    })
}

/// A child of a step that is leased together with the one before it.
pub(super) fn bound_task(step: u16, item: &str) -> Kin {
    match task(step, item) {
        Kin::Task(child) => Kin::Task(Child { together: true, ..child }),
        scope @ Kin::Scope { .. } => scope,
    }
}

/// A child of a step with a `once` value.
pub(super) fn once_task(step: u16, item: &str, once: u64) -> Kin {
    Kin::Task(Child {
        step: StepId(step),
        item: item.to_owned(),
        once: Some(once),
        bucket: 0,
        together: false,
    })
}

/// A child of a step in a month.
pub(super) fn month_task(step: u16, item: &str, bucket: u16) -> Kin {
    Kin::Task(Child {
        step: StepId(step),
        item: item.to_owned(),
        once: None,
        bucket,
        together: false,
    })
}

/// A branch at which joins stand.
pub(super) fn scope(level: u8, key: u64, joins: Vec<(u16, &[&str])>, kin: Vec<Kin>) -> Kin {
    Kin::Scope { level, key, joins: items(joins), kin }
}

/// Records, each with its key and children.
pub(super) fn records(records: Vec<(u64, Vec<Kin>)>) -> Vec<Brood> {
    records.into_iter().map(|(key, kin)| Brood { key, kin }).collect()
}

/// One record that brings all of these.
pub(super) fn brings(kin: Vec<Kin>) -> Outcome {
    Outcome::Closed { broods: records(vec![(1, kin)]), end: End::Done }
}

pub(super) fn done() -> Outcome {
    Outcome::Closed { broods: Vec::new(), end: End::Done }
}

/// A page, and more to come.
pub(super) fn page(broods: Vec<Brood>, pages: u32, at: Millis) -> Outcome {
    Outcome::More { broods, checkpoint: checkpoint(pages, at) }
}

pub(super) fn checkpoint(pages: u32, at: Millis) -> Checkpoint {
    let token = format!("page{pages}");
    Checkpoint { token, token_at: at, first_at: START, pages, rows: u64::from(pages) }
}

/// A settle of one call.
pub(super) fn of(leased: &Leased, outcome: Outcome) -> Settle {
    Settle::after(1, leased.fence, outcome)
}

/// The dead letter of a task.
pub(super) fn letter(leased: &Leased) -> Letter {
    Letter {
        step: leased.step,
        item: leased.item.clone(),
        once: leased.once,
        bucket: leased.bucket,
        scopes: leased.scopes.clone(),
    }
}

/// The items of tasks, in their order.
pub(super) fn item_names(leased: &[Leased]) -> Vec<&str> {
    leased.iter().map(|l| l.item.as_str()).collect()
}
