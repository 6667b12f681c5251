//! The rules twice: what the ledger in memory answers, the one on Redis answers too, word for
//! word. What answers tell of the budget is tried here; the histories of the suite tell nothing.

use watershed_ledger::{
    Command, End, Exchange, Exchanged, Leased, MemoryTables, Outcome, Reply, RunView, Settle,
    Submit, Want, decide, view,
};
use watershed_ledger_test::{Subject, plain_plan, plain_step};
use watershed_model::{
    Category, CategorySet, Child, DayCalls, Heard, Kin, Left, Limit, Limits, Millis, Period,
    PlanHash, RunId, Source, StepId, Throttle, Trigger, hash64,
};

use crate::on_redis::OnRedis;

/// Three hours before the end of a day.
const BEGIN: Millis = Millis(20_001 * Millis::DAY - 3 * 3_600_000);
const RUN: &str = "run";
const CATEGORIES: [Category; 3] = [Category::Light, Category::Medium, Category::Heavy];
/// Items of each category.
const ITEMS: u32 = 250;

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = hash64(&[&self.0.to_le_bytes()]);
        self.0 % bound
    }
}

/// The two, and what a worker holds of each.
struct Twins {
    memory: MemoryTables,
    redis: OnRedis,
    held: Vec<(Leased, Leased)>,
    sequence: u64,
}

fn limits() -> Limits {
    let limit = |category, period, calls, of, reserve| Limit {
        of,
        reserve,
        ..Limit::new(CategorySet::of(&[category]), period, calls)
    };
    Limits(vec![
        limit(Category::Light, Period::Second, 27.0, 30.0, 0.0),
        limit(Category::Medium, Period::Second, 20.0, 20.0, 0.0),
        limit(Category::Heavy, Period::Minute, 90.0, 0.0, 0.0),
        limit(Category::Heavy, Period::Day, 120.0, 150.0, 20.0),
    ])
}

fn submit() -> Submit {
    let step = |category: Category| {
        plain_step(category.name(), 1, Some(category), Source::Literals(Vec::new()))
    };
    let child = |step: u16, n: u32| {
        Kin::Task(Child {
            step: StepId(step),
            item: format!("[{n}]"),
            once: None,
            bucket: 0,
            together: false,
        })
    };
    Submit {
        run: RunId::from(RUN),
        connection: "zoom".into(),
        account: "acme".into(),
        plan: plain_plan(CATEGORIES.map(step).to_vec()),
        plan_hash: PlanHash("plan".to_owned()),
        inputs: Default::default(),
        granted: Vec::new(),
        trigger: Trigger::Manual,
        kin: (0..3).flat_map(|step| (0..ITEMS).map(move |n| child(step, n))).collect(),
        joins: Vec::new(),
    }
}

fn drawn(leased: &Leased, dice: &mut Dice, now: Millis) -> Settle {
    let category = CATEGORIES[usize::from(leased.step.0)];
    let outcome = match dice.below(8) {
        0 => {
            Outcome::Retry { at: now + dice.below(3_000).cast_signed(), counts: dice.below(2) == 0 }
        }
        1 => Outcome::Released,
        _ => Outcome::Closed { broods: Vec::new(), end: End::Done },
    };
    let calls = u16::from(outcome != Outcome::Released);
    let throttle = (dice.below(60) == 0).then(|| Throttle {
        category,
        daily: dice.below(6) == 0,
        until: now + dice.below(4_000).cast_signed(),
    });
    let heard = (dice.below(3) > 0 && calls > 0).then(|| {
        let limit = [30, 20, 90][usize::from(leased.step.0)];
        let daily = category == Category::Heavy && dice.below(3) == 0;
        let limit = if daily { 150 } else { limit };
        let left =
            Left { daily, limit, remaining: u32::try_from(dice.below(limit.into())).unwrap() };
        Heard {
            category: if dice.below(40) == 0 { Category::Light } else { category },
            left: (dice.below(5) > 0).then_some(left),
            own: (dice.below(3) > 0).then(|| u16::try_from(dice.below(30)).unwrap()),
            alone: dice.below(10) == 0,
        }
    });
    Settle { fence: leased.fence, outcome, calls, repeats: None, least: 1, throttle, heard }
}

impl Twins {
    fn begun() -> Twins {
        let (memory, redis) = (MemoryTables::default(), OnRedis::empty());
        let mut twins = Twins { memory, redis, held: Vec::new(), sequence: 0 };
        let limits = Command::SetLimits {
            account: "acme".into(),
            limits: limits(),
            days: Vec::new(),
            recount: None,
        };
        for command in [limits, Command::Submit(Box::new(submit()))] {
            decide(&mut twins.memory, &command, BEGIN).expect("it is done in memory");
            twins.redis.execute(command, BEGIN).expect("it is done on Redis");
        }
        twins
    }

    fn exchange(&mut self, dice: &mut Dice, now: Millis) {
        self.sequence += 1;
        let settled: Vec<(Leased, Leased)> =
            self.held.extract_if(.., |_| dice.below(4) > 0).collect();
        let (mut here, mut there) = (Vec::new(), Vec::new());
        for (in_memory, on_redis) in &settled {
            let settle = drawn(in_memory, dice, now);
            there.push(Settle { fence: on_redis.fence, ..settle.clone() });
            here.push(settle);
        }
        let want = Want {
            lanes: vec!["zoom".into()],
            tasks: u16::try_from(dice.below(40)).unwrap(),
            lease_ms: 15_000,
            horizon_ms: 400,
            lead_ms: dice.below(100).cast_signed(),
        };
        let said = |settles: Vec<Settle>| {
            Command::Exchange(Exchange {
                worker: "w".into(),
                sequence: self.sequence,
                random: 7,
                settles,
                held: None,
                want: want.clone(),
            })
        };
        let (here, there) = (said(here), said(there));
        let here = exchanged(decide(&mut self.memory, &here, now).expect("in memory"));
        let there = exchanged(self.redis.execute(there, now).expect("on Redis"));
        assert_eq!(alike(&here), alike(&there), "exchange {} at {now}", self.sequence);
        self.held.extend(here.leased.into_iter().zip(there.leased));
    }

    /// Says the limits again, with some count of the day. Redis leases nothing for two seconds
    /// where that is news, and asks for the count again then; the ledger in memory knows no such
    /// pause: it is over, even if the clock steps back.
    fn tell_days(&mut self, dice: &mut Dice, now: Millis) -> Millis {
        let days = vec![DayCalls {
            account: "acme".into(),
            categories: CategorySet::of(&[Category::Heavy]),
            day: now.day() - dice.below(8).saturating_sub(6).cast_signed(),
            calls: dice.below(130),
            at: now + -60_000 + dice.below(70_000).cast_signed(),
        }];
        self.say_days(days.clone(), None, now);
        let now = now + 4_000;
        let asks = self.asked(now);
        if asks.is_some() {
            self.say_days(days, asks, now);
        }
        now
    }

    fn say_days(&mut self, days: Vec<DayCalls>, recount: Option<Millis>, now: Millis) {
        let command =
            Command::SetLimits { account: "acme".into(), limits: limits(), days, recount };
        decide(&mut self.memory, &command, now).expect("in memory");
        self.redis.execute(command, now).expect("on Redis");
    }

    /// Since when Redis asks for the count of the day.
    fn asked(&mut self, now: Millis) -> Option<Millis> {
        let want = Want {
            lanes: vec!["zoom".into()],
            tasks: 0,
            lease_ms: 15_000,
            horizon_ms: 400,
            lead_ms: 0,
        };
        let exchange = Exchange {
            worker: "asks".into(),
            sequence: now.0.cast_unsigned(),
            random: 7,
            settles: Vec::new(),
            held: None,
            want,
        };
        let command = Command::Exchange(exchange);
        decide(&mut self.memory, &command, now).expect("in memory");
        let answer = self.redis.execute(command, now).expect("on Redis");
        exchanged(answer).recount.first().map(|recount| recount.asked_at)
    }

    fn view(&mut self, now: Millis) {
        let run = RunId::from(RUN);
        let here = view(&mut self.memory, &run, now).expect("in memory").expect("the run");
        let there: RunView = self.redis.view(&run).expect("on Redis").expect("the run");
        assert_eq!(here, there, "after exchange {} at {now}", self.sequence);
    }
}

fn exchanged(reply: Reply) -> Exchanged {
    match reply {
        Reply::Exchanged(exchanged) => exchanged,
        other => panic!("{other:?}"),
    }
}

/// The answer without what each ledger numbers for itself.
fn alike(exchanged: &Exchanged) -> Exchanged {
    let mut exchanged = exchanged.clone();
    for leased in &mut exchanged.leased {
        leased.fence.lease.0 = 0;
        leased.fence.nonce = 0;
    }
    exchanged
}

#[test]
fn whatever_answers_tell_of_the_budget_both_give_the_same_permits() {
    for seed in 0..25 {
        let (mut twins, mut dice, mut now) = (Twins::begun(), Dice(seed), BEGIN);
        for _ in 0..120 {
            if dice.below(20) == 0 {
                now = twins.tell_days(&mut dice, now);
            }
            now = match dice.below(30) {
                0 => now + 70_000,
                1 => now + 2_000_000,
                2 => now + -1_500,
                _ => now + dice.below(400).cast_signed(),
            };
            twins.exchange(&mut dice, now);
            twins.view(now);
        }
    }
}
