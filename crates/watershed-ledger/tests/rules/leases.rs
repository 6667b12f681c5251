//! Who gets what, in which order, for how long, and when permits allow it.

use watershed_ledger::{Command, LeaseId, Outcome, Reply, Settled};
use watershed_model::{
    Category, CategorySet, Limit, Limits, Order, Period, RunState, Throttle, Trigger,
};

use crate::plans::{chain, chain_of};
use crate::scenario::{HEAVY, LEASE_MS, LIGHT, Scenario, child, names, page, task};

fn limits(category: Category, period: Period, calls: f64) -> Limits {
    Limits(vec![Limit::new(CategorySet::of(&[category]), period, calls)])
}

fn three_users() -> Scenario {
    Scenario::run(chain(), vec![task(0, "a"), task(0, "b"), task(0, "c")])
}

#[test]
fn a_lease_that_runs_out_gives_its_tasks_back_one_lease_poorer() {
    let mut s = three_users();
    s.leases_all("w1");
    s.closes("w1", "users:a", vec![]).settles("w1");
    assert_eq!(s.later(LEASE_MS - 1).leases_all("w2"), [""; 0]);
    assert_eq!(s.last.ask_again_at, Some(s.now + 1));
    assert_eq!(s.later(1).leases_all("w2"), ["users:b", "users:c"]);
    assert_eq!(s.held("w2", "users:b").lost, 1);
    s.closes("w1", "users:b", vec![]);
    assert_eq!(s.settles("w1"), [Settled::Stale]);
}

#[test]
fn a_lease_that_is_extended_is_kept() {
    let mut s = three_users();
    s.leases_all("w");
    let leases = vec![s.held("w", "users:a").fence.lease, LeaseId(999)];
    s.later(LEASE_MS / 2);
    let extend = Command::Extend { worker: "w".into(), leases, lease_ms: LEASE_MS };
    let reply = s.say(extend).unwrap();
    assert_eq!(reply, Reply::Extended { lost: vec![LeaseId(999)] });
    assert_eq!(s.later(LEASE_MS - 1).leases_all("w2"), [""; 0]);
    assert_eq!(s.later(1).leases_all("w2").len(), 3);
}

#[test]
fn six_lost_leases_make_a_poisoned_lease() {
    let mut s = Scenario::run(chain_of(Category::Heavy), vec![task(0, "a")]);
    s.limits(limits(Category::Heavy, Period::Day, 6.0));
    for lost in 0..6 {
        assert_eq!(s.leases_all("w"), ["users:a"]);
        assert_eq!(s.held("w", "users:a").lost, lost);
        assert!(!s.held("w", "users:a").poisoned);
        s.later(LEASE_MS);
    }
    assert_eq!(s.leases_all("w"), ["users:a"]);
    let held = s.held("w", "users:a");
    assert!(held.poisoned);
    assert_eq!(held.category, None, "it needs no permit");
    s.fails("w", "users:a").uncalled().settles("w");
    assert_eq!(s.counts("users").failed, 1);
}

#[test]
fn an_accepted_settle_forgets_lost_leases() {
    let mut s = Scenario::run(chain(), vec![task(0, "a")]);
    s.leases_all("w");
    s.later(LEASE_MS).leases_all("w");
    assert_eq!(s.held("w", "users:a").lost, 1);
    let now = s.now;
    s.says("w", "users:a", Outcome::Retry { at: now, counts: true }).leases_all("w");
    assert_eq!(s.held("w", "users:a").lost, 0);
}

#[test]
fn a_released_task_is_neither_lost_nor_tried() {
    let mut s = three_users();
    s.leases_all("w");
    s.says("w", "users:b", Outcome::Released).uncalled();
    assert_eq!(s.leases_all("w"), ["users:b"]);
    let held = s.held("w", "users:b");
    assert_eq!((held.lost, held.attempts), (0, 0));
}

#[test]
fn a_worker_that_knows_it_is_alone_takes_back_what_others_held() {
    let mut s = three_users();
    s.leases("dead", 2);
    s.leases("w", 1);
    assert_eq!(s.takeover("w"), Reply::TakenOver { tasks: 2 });
    assert_eq!(s.leases_all("w"), ["users:a", "users:b"]);
}

#[test]
fn what_is_taken_back_in_one_exchange_is_bounded() {
    let mut s = Scenario::run(chain(), names(0..300).iter().map(|n| task(0, n)).collect());
    for _ in 0..20 {
        s.leases("dead", 10);
    }
    s.later(LEASE_MS).settles("w");
    assert_eq!(s.view().leased, 130, "seven leases of ten, the last one of which reached 64");
}

#[test]
fn deeper_steps_go_first() {
    let mut s = Scenario::run(chain(), vec![task(0, "u"), task(2, "f"), task(1, "m")]);
    assert_eq!(s.leases_all("w"), ["files:f", "meetings:m", "users:u"]);
}

#[test]
fn the_newest_month_goes_first_where_a_step_says_so() {
    let kin =
        || vec![child(1, "old", None, 10), child(1, "new", None, 12), child(1, "no", None, 0)];
    let mut plan = chain();
    let mut s = Scenario::run(plan.clone(), kin());
    assert_eq!(s.leases_all("w"), ["meetings:no", "meetings:old", "meetings:new"]);
    plan.steps[1].order = Order::NewestFirst;
    let mut s = Scenario::run(plan, kin());
    assert_eq!(s.leases_all("w"), ["meetings:new", "meetings:old", "meetings:no"]);
}

#[test]
fn what_is_under_way_goes_before_what_is_new() {
    let mut s = three_users();
    s.leases("w", 1);
    let now = s.now;
    s.says("w", "users:a", page("t", now, vec![]));
    assert_eq!(s.leases_all("w"), ["users:a", "users:b", "users:c"]);
}

#[test]
fn a_page_token_of_five_minutes_goes_before_everything() {
    let kin = vec![task(0, "u"), task(0, "v"), task(2, "f")];
    let mut s = Scenario::run(chain(), kin);
    s.leases_all("w");
    let then = s.now;
    s.says("w", "users:u", page("t1", then, vec![]));
    s.says("w", "users:v", page("t2", then + -1, vec![]));
    s.says("w", "files:f", Outcome::Released);
    let mut young = s.clone();
    s.settles("w");
    assert_eq!(s.later(5 * 60_000).leases_all("w"), ["users:v", "users:u", "files:f"]);
    assert_eq!(young.later(5 * 60_000 - 2).leases_all("w")[0], "files:f");
}

#[test]
fn events_go_before_operators_and_these_before_schedules() {
    let mut s = Scenario::new(chain());
    for (run, trigger) in [
        ("s", Trigger::Schedule),
        ("m2", Trigger::Manual),
        ("m1", Trigger::Manual),
        ("e", Trigger::Event),
    ] {
        let mut submit = s.submission(run, "acme", vec![task(2, run)]);
        submit.trigger = trigger;
        s.say(Command::Submit(Box::new(submit))).unwrap();
        s.later(1);
    }
    assert_eq!(s.leases_all("w"), ["files:e", "files:m2", "files:m1", "files:s"]);
}

#[test]
fn only_lanes_that_a_worker_serves_are_leased() {
    let mut s = Scenario::run(chain(), vec![task(0, "a")]);
    let mut exchange = s.exchange_of("w", 5);
    exchange.want.lanes = vec!["other".into()];
    let answer = s.exchanged(exchange);
    assert!(answer.leased.is_empty());
    assert_eq!(answer.ask_again_at, None, "nothing is open there");
}

#[test]
fn tasks_are_leased_only_with_permits_and_spread_over_the_second() {
    let mut s =
        Scenario::run(chain_of(Category::Light), names(0..50).iter().map(|n| task(0, n)).collect());
    s.limits(limits(Category::Light, Period::Second, 10.0));
    assert_eq!(s.leases_all("w").len(), 10, "from now to the horizon");
    let starts: Vec<i64> = s.last.leased.iter().map(|l| l.start_from - s.now).collect();
    assert_eq!(starts, [0, 103, 205, 308, 410, 513, 615, 718, 820, 923]);
    assert!(
        s.last.leased.iter().all(|l| l.category == LIGHT && l.start_until - l.start_from == 500)
    );
    assert_eq!(s.last.ask_again_at, Some(s.now + 25));
    assert_eq!(s.leases_all("w2"), [""; 0], "the budget is the account's, whoever asks");
}

#[test]
fn two_connections_of_one_account_share_its_budget() {
    let mut s = Scenario::new(chain_of(Category::Heavy));
    s.limits(limits(Category::Heavy, Period::Day, 3.0));
    for (run, lane) in [("r1", "acme"), ("r2", "other")] {
        s.submit(run, lane, names(0..5).iter().map(|n| task(0, n)).collect(), &[]).unwrap();
    }
    assert_eq!(s.leases_all("w").len(), 3);
    assert_eq!(s.last.ask_again_at, Some(s.now + LEASE_MS));
    assert!(s.view_of("r2").budget[0].binds);
}

#[test]
fn a_day_that_is_spent_holds_nobody_else_up() {
    let mut plan = chain();
    plan.steps[0].category = LIGHT;
    plan.steps[2].category = HEAVY;
    let mut s = Scenario::run(plan, vec![task(0, "u1"), task(0, "u2"), task(2, "f")]);
    s.limits(limits(Category::Heavy, Period::Day, 0.0));
    assert_eq!(s.leases_all("w"), ["users:u1", "users:u2"]);
    let waits = s.view().waits;
    assert_eq!(waits[0].why, "the heavy budget of this day");
}

#[test]
fn categories_take_turns_for_a_worker_s_slots() {
    let mut plan = chain();
    plan.steps[0].category = LIGHT;
    plan.steps[1].category = HEAVY;
    let mut kin: Vec<_> = names(0..100).iter().map(|n| task(0, n)).collect();
    kin.extend(names(0..100).iter().map(|n| task(2, n)));
    kin.push(task(1, "m"));
    let mut s = Scenario::run(plan, kin);
    let leased = s.leases("w", 9);
    let of = |step: &str| leased.iter().filter(|name| name.starts_with(step)).count();
    assert_eq!((of("meetings"), of("users"), of("files")), (1, 4, 4));
}

#[test]
fn a_permit_whose_call_never_started_is_the_day_s_again() {
    let mut s = Scenario::run(chain_of(Category::Heavy), vec![task(0, "a"), task(0, "b")]);
    s.limits(limits(Category::Heavy, Period::Day, 1.0));
    assert_eq!(s.leases_all("w"), ["users:a"]);
    s.says("w", "users:a", Outcome::Released).uncalled();
    assert_eq!(s.leases_all("w"), ["users:a"]);
    s.closes("w", "users:a", vec![]);
    assert_eq!(s.leases_all("w"), [""; 0]);
    assert_eq!(s.last.ask_again_at, Some(s.now.next_day()));
    assert_eq!(s.view().calls["heavy"], 1);
}

#[test]
fn a_429_is_counted_and_obeyed() {
    let mut s = Scenario::run(chain_of(Category::Light), vec![task(0, "a"), task(0, "b")]);
    s.leases("w", 1);
    let until = s.now + 3_000;
    s.says("w", "users:a", Outcome::Retry { at: until, counts: false });
    s.throttled(Throttle { category: Category::Light, daily: false, until });
    assert_eq!(s.leases_all("w"), [""; 0]);
    assert_eq!(s.last.ask_again_at, Some(until));
    assert_eq!(s.view().throttled["per_second"], 1);
    assert_eq!(s.later(3_000).leases_all("w").len(), 2);
}

#[test]
fn nothing_open_means_nothing_to_ask_for() {
    let mut s = three_users();
    s.drains("w");
    assert_eq!(s.state(), RunState::Complete);
    assert_eq!(s.last.ask_again_at, None);
}

#[test]
fn a_worker_without_slots_is_told_to_look_again() {
    let mut s = three_users();
    s.settles("w");
    assert_eq!(s.last.ask_again_at, Some(s.now + 1_000));
}
