//! The one place where these tests touch the ledger's interface.

use std::collections::BTreeMap;

use watershed_ledger::tables::{Ready, Tables};
use watershed_ledger::{
    Checkpoint, Command, End, Error, Exchange, Exchanged, Leased, Letter, MemoryTables, Outcome,
    Reply, RunView, Settle, Settled, StepCounts, Submit, Want, decide, view,
};
use watershed_model::{
    AccountId, Brood, Category, Child, ConnectionName, Kin, Limits, Millis, Plan, PlanHash, RunId,
    RunState, StepId, Throttle, Trigger, WorkerId,
};

/// Noon of some day.
pub(crate) const START: Millis = Millis(20_000 * Millis::DAY + Millis::DAY / 2);
/// Length of a lease here.
pub(crate) const LEASE_MS: i64 = 60_000;

/// A ledger, its clock, and what each worker holds.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) tables: MemoryTables,
    pub(crate) now: Millis,
    pub(crate) plan: Plan,
    pub(crate) last: Exchanged,
    sequences: BTreeMap<String, u64>,
    held: BTreeMap<(String, String), Leased>,
    settles: Vec<Settle>,
    lanes: Vec<ConnectionName>,
}

/// `step:item`, as these tests call a task.
fn name(plan: &Plan, leased: &Leased) -> String {
    format!("{}:{}", plan.step(leased.step).name, leased.item)
}

impl Scenario {
    /// An empty ledger.
    pub(crate) fn new(plan: Plan) -> Scenario {
        Scenario {
            tables: MemoryTables::default(),
            now: START,
            plan,
            last: Exchanged::default(),
            sequences: BTreeMap::new(),
            held: BTreeMap::new(),
            settles: Vec::new(),
            lanes: vec!["acme".into(), "other".into()],
        }
    }

    /// A ledger with the run `r` of this plan.
    pub(crate) fn run(plan: Plan, kin: Vec<Kin>) -> Scenario {
        Scenario::run_with(plan, kin, &[])
    }

    /// The same, with joins of the run itself.
    pub(crate) fn run_with(plan: Plan, kin: Vec<Kin>, joins: &[(u16, &[&str])]) -> Scenario {
        let mut scenario = Scenario::new(plan);
        scenario.submit("r", "acme", kin, joins).unwrap();
        scenario
    }

    pub(crate) fn say(&mut self, command: Command) -> Result<Reply, Error> {
        decide(&mut self.tables, &command, self.now)
    }

    pub(crate) fn submission(&self, run: &str, lane: &str, kin: Vec<Kin>) -> Submit {
        Submit {
            run: run.into(),
            connection: lane.into(),
            account: "account".into(),
            plan: self.plan.clone(),
            plan_hash: PlanHash::from("plan"),
            inputs: BTreeMap::new(),
            granted: Vec::new(),
            trigger: Trigger::Manual,
            kin,
            joins: Vec::new(),
        }
    }

    pub(crate) fn submit(
        &mut self,
        run: &str,
        lane: &str,
        kin: Vec<Kin>,
        joins: &[(u16, &[&str])],
    ) -> Result<Reply, Error> {
        let mut submit = self.submission(run, lane, kin);
        submit.joins = joins_of(joins);
        self.say(Command::Submit(Box::new(submit)))
    }

    pub(crate) fn limits(&mut self, limits: Limits) {
        let account = AccountId::from("account");
        self.say(Command::SetLimits { account, limits, days: Vec::new(), recount: None }).unwrap();
    }

    pub(crate) fn later(&mut self, ms: i64) -> &mut Self {
        self.now = self.now + ms;
        self
    }

    pub(crate) fn exchange_of(&mut self, worker: &str, tasks: u16) -> Exchange {
        let sequence = self.sequences.entry(worker.to_owned()).or_default();
        *sequence += 1;
        Exchange {
            worker: worker.into(),
            sequence: *sequence,
            random: 0x5eed ^ *sequence,
            settles: std::mem::take(&mut self.settles),
            held: None,
            want: Want {
                lanes: self.lanes.clone(),
                tasks,
                lease_ms: LEASE_MS,
                horizon_ms: 1_000,
                lead_ms: 0,
            },
        }
    }

    pub(crate) fn exchanged(&mut self, exchange: Exchange) -> Exchanged {
        let worker = exchange.worker.to_string();
        let reply = self.say(Command::Exchange(exchange)).unwrap();
        let Reply::Exchanged(answer) = reply else { panic!("{reply:?}") };
        for leased in &answer.leased {
            let key = (worker.clone(), name(&self.plan, leased));
            self.held.insert(key, leased.clone());
        }
        self.last = answer.clone();
        answer
    }

    /// Settles what was said before, and leases up to `tasks`: their names, in order.
    pub(crate) fn leases(&mut self, worker: &str, tasks: u16) -> Vec<String> {
        let exchange = self.exchange_of(worker, tasks);
        let answer = self.exchanged(exchange);
        answer.leased.iter().map(|leased| name(&self.plan, leased)).collect()
    }

    /// All that may start now.
    pub(crate) fn leases_all(&mut self, worker: &str) -> Vec<String> {
        self.leases(worker, 10_000)
    }

    /// Settles what was said before, and leases nothing.
    pub(crate) fn settles(&mut self, worker: &str) -> Vec<Settled> {
        self.leases(worker, 0);
        self.last.settled.clone()
    }

    pub(crate) fn held(&self, worker: &str, task: &str) -> &Leased {
        let key = (worker.to_owned(), task.to_owned());
        self.held.get(&key).unwrap_or_else(|| panic!("{worker} does not hold {task}"))
    }

    /// Adds a settle to the worker's next exchange.
    pub(crate) fn says(&mut self, worker: &str, task: &str, outcome: Outcome) -> &mut Self {
        let fence = self.held(worker, task).fence;
        let settle = Settle::after(1, fence, outcome);
        self.add(settle)
    }

    pub(crate) fn add(&mut self, settle: Settle) -> &mut Self {
        self.settles.push(settle);
        self
    }

    pub(crate) fn throttled(&mut self, throttle: Throttle) -> &mut Self {
        self.settles.last_mut().unwrap().throttle = Some(throttle);
        self
    }

    pub(crate) fn uncalled(&mut self) -> &mut Self {
        self.settles.last_mut().unwrap().calls = 0;
        self
    }

    /// Settles these as done, each with what it brings.
    pub(crate) fn closes(&mut self, worker: &str, task: &str, kin: Vec<Kin>) -> &mut Self {
        let broods = broods(kin);
        self.says(worker, task, Outcome::Closed { broods, end: End::Done })
    }

    pub(crate) fn fails(&mut self, worker: &str, task: &str) -> &mut Self {
        self.says(worker, task, Outcome::Failed)
    }

    /// The dead letter that a worker writes of a task that it holds.
    pub(crate) fn letter(&self, worker: &str, task: &str) -> Letter {
        let held = self.held(worker, task).clone();
        Letter {
            step: held.step,
            item: held.item,
            once: held.once,
            bucket: held.bucket,
            scopes: held.scopes,
        }
    }

    pub(crate) fn retries(&mut self, letters: Vec<Letter>) {
        let count = letters.len() as u64;
        let reply = self.say(Command::Retry { run: "r".into(), letters }).unwrap();
        assert_eq!(reply, Reply::PutBack { letters: count });
    }

    pub(crate) fn takeover(&mut self, worker: &str) -> Reply {
        self.say(Command::Takeover { worker: WorkerId::from(worker) }).unwrap()
    }

    /// Leases and closes all there is, one exchange after another: the names, in order.
    pub(crate) fn drains(&mut self, worker: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let names = self.leases_all(worker);
            if names.is_empty() {
                return all;
            }
            for task in &names {
                self.closes(worker, task, vec![]);
            }
            all.extend(names);
        }
    }

    pub(crate) fn view_of(&mut self, run: &str) -> RunView {
        view(&mut self.tables, &RunId::from(run), self.now).unwrap().unwrap()
    }

    pub(crate) fn view(&mut self) -> RunView {
        self.view_of("r")
    }

    pub(crate) fn state(&mut self) -> RunState {
        self.view().state
    }

    pub(crate) fn counts(&mut self, step: &str) -> StepCounts {
        let (id, _) = self.plan.step_named(step).unwrap();
        self.view().steps[id.index()]
    }

    /// Chunks and tasks of the run that are open and not leased.
    pub(crate) fn open_records(&mut self) -> Vec<Ready> {
        self.tables.open_work(&RunId::from("r"), 1_000).unwrap()
    }
}

pub(crate) fn task(step: u16, item: &str) -> Kin {
    child(step, item, None, 0)
}

pub(crate) fn once(step: u16, item: &str, key: u64) -> Kin {
    child(step, item, Some(key), 0)
}

pub(crate) fn child(step: u16, item: &str, once: Option<u64>, bucket: u16) -> Kin {
    Kin::Task(Child { step: StepId(step), item: item.to_owned(), once, bucket, together: false })
}

pub(crate) fn joins_of(joins: &[(u16, &[&str])]) -> Vec<(StepId, Vec<String>)> {
    joins
        .iter()
        .map(|(step, items)| (StepId(*step), items.iter().map(|i| (*i).to_owned()).collect()))
        .collect()
}

pub(crate) fn branch(level: u8, key: u64, joins: &[(u16, &[&str])], kin: Vec<Kin>) -> Kin {
    Kin::Scope { level, key, joins: joins_of(joins), kin }
}

/// One record that brought all of these.
pub(crate) fn broods(kin: Vec<Kin>) -> Vec<Brood> {
    if kin.is_empty() { Vec::new() } else { vec![Brood { key: 1, kin }] }
}

pub(crate) fn page(token: &str, at: Millis, broods: Vec<Brood>) -> Outcome {
    let checkpoint =
        Checkpoint { token: token.to_owned(), token_at: at, first_at: at, pages: 1, rows: 1 };
    Outcome::More { broods, checkpoint }
}

pub(crate) fn names(run: std::ops::Range<u32>) -> Vec<String> {
    run.map(|n| format!("{n:04}")).collect()
}

pub(crate) const LIGHT: Option<Category> = Some(Category::Light);
pub(crate) const HEAVY: Option<Category> = Some(Category::Heavy);
