//! Submit, pause, resume, cancel; plans and ledgers of other versions; rollback.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use watershed_ledger::{Command, Error, Ledger, MemoryLedger, Outcome, Reply, Settled, lines};
use watershed_model::RunState;

use crate::plans::{chain, summed};
use crate::scenario::{LEASE_MS, START, Scenario, branch, names, once, page, task};

fn say(s: &mut Scenario, command: fn(watershed_model::RunId) -> Command) -> RunState {
    s.say(command("r".into())).unwrap();
    s.state()
}

#[test]
fn the_same_submission_again_changes_nothing() {
    let mut s = Scenario::run(chain(), vec![task(0, "a")]);
    let before = format!("{:?}", s.tables);
    let reply = s.submit("r", "acme", vec![task(0, "a"), task(0, "b")], &[]).unwrap();
    assert_eq!(reply, Reply::Submitted { already: true });
    assert_eq!(format!("{:?}", s.tables), before);
}

#[test]
fn another_run_under_the_same_id_is_refused_by_what_differs() {
    let mut s = Scenario::run(chain(), vec![]);
    let mut other = s.submission("r", "acme", vec![]);
    other.plan_hash = "another".into();
    let error = s.say(Command::Submit(Box::new(other))).unwrap_err();
    assert_eq!(error.to_string(), "run r was submitted with another plan");
    assert!(matches!(
        s.submit("r", "other", vec![], &[]),
        Err(Error::OtherRun { what: "connection", .. })
    ));
    let mut inputs = s.submission("r", "acme", vec![]);
    inputs.inputs.insert("from".to_owned(), "2026-01-01".into());
    let error = s.say(Command::Submit(Box::new(inputs))).unwrap_err();
    assert!(matches!(error, Error::OtherRun { what: "inputs", .. }));
}

#[test]
fn a_plan_of_another_format_is_refused_by_name() {
    let mut s = Scenario::new(chain());
    s.plan.format = 99;
    let error = s.submit("r", "acme", vec![], &[]).unwrap_err();
    assert_eq!(error.to_string(), "the plan of run r has state version 99; this program knows 1");
}

#[test]
fn a_plan_whose_tables_do_not_fit_is_refused() {
    let mut s = Scenario::new(summed());
    s.plan.joins[0].scope = 9;
    assert!(s.submit("r", "acme", vec![], &[]).is_err());
    let mut s = Scenario::new(summed());
    assert!(s.submit("r", "acme", vec![task(1, "beneath no user")], &[]).is_err());
    assert!(s.submit("r", "acme", vec![branch(9, 1, &[], vec![])], &[]).is_err());
}

#[test]
fn a_command_to_an_unknown_run_says_so() {
    let mut s = Scenario::new(chain());
    let error = s.say(Command::Pause("nobody".into())).unwrap_err();
    assert_eq!(error.to_string(), "no run nobody");
}

#[test]
fn a_pause_lets_what_is_in_flight_settle_and_starts_nothing_new() {
    let mut s = Scenario::run(chain(), vec![task(0, "a"), task(0, "b")]);
    s.leases("w", 1);
    assert_eq!(say(&mut s, Command::Pause), RunState::Paused);
    s.closes("w", "users:a", vec![task(1, "m")]);
    assert_eq!(s.leases_all("w"), [""; 0]);
    assert_eq!(s.last.settled, [Settled::Accepted]);
    assert_eq!(s.counts("meetings").open, 1, "its children are kept");
    assert_eq!(say(&mut s, Command::Resume), RunState::Running);
    assert_eq!(s.drains("w"), ["meetings:m", "users:b"]);
}

#[test]
fn the_permits_of_a_paused_run_go_to_others() {
    let mut s = Scenario::run(chain(), vec![task(0, "a")]);
    s.later(1).submit("r2", "acme", vec![task(0, "b")], &[]).unwrap();
    say(&mut s, Command::Pause);
    assert_eq!(s.leases_all("w"), ["users:b"]);
}

#[test]
fn a_cancelled_run_settles_what_is_in_flight_and_drops_the_rest() {
    let mut s = Scenario::run_with(summed(), vec![task(0, "all")], &[(3, &["t"])]);
    s.leases_all("w");
    let kin = vec![branch(1, 1, &[(2, &["sum"])], vec![task(1, "m1"), task(1, "m2")])];
    s.closes("w", "users:all", kin).leases("w", 1);
    assert_eq!(say(&mut s, Command::Cancel), RunState::Cancelling);
    s.closes("w", "meetings:m1", vec![task(1, "dropped")]);
    assert_eq!(s.leases_all("w"), [""; 0]);
    assert_eq!(s.last.settled, [Settled::Accepted]);
    assert_eq!(s.last.ended, ["r".into()]);
    assert_eq!(s.state(), RunState::Cancelled);
    let counts = s.counts("meetings");
    assert_eq!((counts.known, counts.done, counts.open), (2, 1, 0));
    assert_eq!(s.counts("total").known, 0, "no join runs any more");
}

#[test]
fn a_cancelled_run_is_dropped_in_bounded_steps() {
    let kin: Vec<_> = (0..400).map(|n| branch(1, n, &[], vec![task(1, "m")])).collect();
    let mut s = Scenario::run(summed(), kin);
    say(&mut s, Command::Cancel);
    let mut left = vec![s.open_records().len()];
    while s.state() == RunState::Cancelling {
        s.settles("w");
        left.push(s.open_records().len());
    }
    assert_eq!(left, [336, 272, 208, 144, 80, 16, 0]);
    assert_eq!(s.state(), RunState::Cancelled);
}

#[test]
fn pages_and_tries_of_a_cancelled_run_are_dropped_too() {
    let mut s = Scenario::run(chain(), vec![task(0, "a"), task(0, "b"), task(0, "c")]);
    s.leases_all("w");
    say(&mut s, Command::Cancel);
    let (now, soon) = (s.now, s.now + 60_000);
    s.says("w", "users:a", page("t", now, vec![]));
    s.says("w", "users:b", Outcome::Retry { at: soon, counts: true }).settles("w");
    assert_eq!(s.state(), RunState::Cancelling, "one is still out");
    s.later(LEASE_MS).settles("w");
    assert_eq!(s.state(), RunState::Cancelled);
    assert_eq!(s.counts("users").open, 0);
}

#[test]
fn once_values_of_dropped_items_are_free_again() {
    let mut s = Scenario::run(chain(), vec![once(1, "a", 7)]);
    assert_eq!(say(&mut s, Command::Cancel), RunState::Cancelled);
    s.submit("r2", "acme", vec![once(1, "b", 7)], &[]).unwrap();
    assert_eq!(s.leases_all("w"), ["meetings:b"]);
}

#[test]
fn commands_that_do_not_fit_the_state_are_refused_with_both_named() {
    let mut s = Scenario::run(chain(), vec![]);
    for command in
        [Command::Pause("r".into()), Command::Resume("r".into()), Command::Cancel("r".into())]
    {
        let error = s.say(command).unwrap_err().to_string();
        assert!(error.ends_with("does not fit run r: it is complete"), "{error}");
    }
}

#[test]
fn runs_are_listed_newest_first() {
    let mut s = Scenario::new(chain());
    for run in ["b", "a", "c"] {
        s.submit(run, "acme", vec![], &[]).unwrap();
        s.later(1);
    }
    let listed: Vec<String> =
        lines(&mut s.tables).unwrap().iter().map(|line| line.run.to_string()).collect();
    assert_eq!(listed, ["c", "a", "b"]);
}

#[test]
fn a_ledger_that_went_back_in_time_refuses_what_it_forgot() {
    let mut s = Scenario::run(chain(), names(0..3).iter().map(|n| task(0, n)).collect());
    let earlier = s.tables.clone();
    s.leases_all("w");
    s.tables = earlier;
    s.closes("w", "users:0000", vec![]);
    let mut next = s.exchange_of("w", 10);
    next.random = 0xfeed;
    let answer = s.exchanged(next);
    assert_eq!(answer.settled, [Settled::Stale]);
    assert_eq!(answer.leased.len(), 3, "all of it is handed out again");
    assert_eq!(s.drains("w").len(), 0);
    assert_eq!(s.view().leased, 3);
}

#[test]
fn the_ledger_in_memory_runs_the_rules_and_can_go_back() {
    let ledger = MemoryLedger::new(Arc::new(|| START));
    let empty = ledger.snapshot();
    let submit = Scenario::new(chain()).submission("r", "acme", vec![task(0, "a")]);
    let reply = now(ledger.execute(Command::Submit(Box::new(submit)))).unwrap();
    assert_eq!(reply, Reply::Submitted { already: false });
    let run = now(ledger.run(&"r".into())).unwrap().unwrap();
    assert_eq!((run.state, run.submitted_at), (RunState::Running, START));
    assert_eq!(now(ledger.runs()).unwrap().len(), 1);
    assert_eq!(now(ledger.now()).unwrap(), START);
    ledger.restore(empty);
    assert_eq!(now(ledger.run(&"r".into())).unwrap(), None);
}

/// A future that is ready at once.
fn now<T>(mut future: std::pin::Pin<Box<dyn Future<Output = T> + Send + '_>>) -> T {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}
